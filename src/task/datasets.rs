//! Training and validation rows, with the same task.

use super::catalog::NamedTask;
use super::computed_label::{LabelledFiles, named};
use super::find::{FoundTask, image_column, in_files};
use super::held_out_for::HeldOutFor;
use super::hold_out::{HoldOut, refuse_parents};
use super::spec::source::{of_train, of_valid};
use super::spec::{DataOptions, DataSource};
use super::target_reading::TargetReading;
use super::targets::{TargetKind, Targets};
use super::training_files::of_source;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::order::Split as RowSplit;
use crate::quote::{counted, quoted, shown};
use crate::rows::{Key, Labels, stored_rows};
use crate::source::{Files, FoundFiles, Split};
use crate::synthetic::Generator;
use std::sync::Arc;

/// Encoded images with their targets, for training and for validation.
#[derive(Clone, Debug)]
pub struct Datasets {
    /// Training rows: the image column and the target column.
    pub train: Arc<dyn Stable>,
    /// Rows that are only evaluated on.
    pub valid: Arc<dyn Stable>,
    /// Rows of the training files that the best epoch is chosen on, or that shares follow: held out of `train`, and never reported.
    pub selection: Option<Arc<dyn Stable>>,
    /// The task, as it was chosen or found.
    pub task: NamedTask,
    /// The targets of the training rows.
    pub targets: Targets,
    /// The image column.
    pub image: String,
    /// The target column.
    pub label: String,
    /// What there is to say of the task and of the choice of files, a sentence each: which split of a folder is trained on, which is
    /// for validation, and what is not read.
    pub notes: Vec<String>,
    /// The cells of the training rows by each key that the run balances by.
    cells: Vec<(Key, Arc<Labels>)>,
    /// The targets of the validation rows and of those for selection.
    others: [Option<Targets>; 2],
    /// By what rows are held out of the training rows.
    pub(super) hold_out: HoldOut,
    /// The training files and, where there are any, the validation files, before rows are held out.
    pub(crate) stored: Vec<Stored>,
}

/// All rows of a set of files, and their targets.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) rows: Files,
    pub(crate) targets: Targets,
}

impl Datasets {
    /// Share of the training rows on which the best epoch is chosen, or which shares follow.
    const SELECTION: f64 = 0.1;

    /// Opens the files or sources of `data`. What it does not name is found: columns by their types, and without `task` the task by the type of the
    /// target column.
    ///
    /// Of a folder with [splits](crate::source::Splits) in `train` the training split alone is trained on. Without `valid` its
    /// validation split is validated on, never the test split; where there is none, a share of the training rows (of each class,
    /// where there are classes; by group or by time, where `data` names such a column) is held out under `seed`, before anything is fitted. Of a
    /// folder in `valid` the validation split is read, or the only one.
    ///
    /// Synthetic rows are for training alone: see [`DatasetExt::split`].
    ///
    /// # Errors
    ///
    /// `Io` for files that are not there; `Config` for a folder without the split that is wanted; `Schema` for columns that
    /// are not there, not clear or of another type; `Data` for targets that cannot be learnt; `Config` for synthetic rows among those for
    /// validation, among those of which some would be held out, and for synthetic training rows that were made from validation rows.
    pub fn open(cx: &Context, data: &DataOptions, task: Option<&NamedTask>, seed: u64) -> Result<Self> {
        Self::open_with(cx, data, task, seed, (None, &[]))
    }

    /// As [`open`](Self::open); training rows have the column `beside` as well, and their cells by each of `keys` are known.
    pub(crate) fn open_with(
        cx: &Context,
        data: &DataOptions,
        task: Option<&NamedTask>,
        seed: u64,
        (beside, keys): (Option<&str>, &[&Key]),
    ) -> Result<Self> {
        let data = &named(data);
        let (rows, files) = match &data.train {
            DataSource::Files(paths) => {
                let files = cx.block_on(FoundFiles::find(paths)).map_err(of_train)?;
                let rows = cx.block_on(files.open_split(cx, Split::Train)).map_err(of_train)?;
                (rows, Some(files))
            }
            DataSource::Source(source) => (of_source(cx, source)?, None),
        };
        let of_files = rows.notes().to_vec();
        let image = image_column(&rows, data, task)?;
        let labelled = LabelledFiles::new(cx, rows, data)?;
        let rows = labelled.rows()?;
        let found = FoundTask::new(&rows, data.label.as_deref(), task)?;
        let (label, kind) = (found.column.clone(), found.task.target());
        let columns = [image.as_str(), label.as_str()];
        let reading = |rows: &Files| {
            let skips = !data.on_bad_row.is_fail();
            TargetReading::new(cx, rows, (&image, data.reading), (&label, kind), skips)
        };
        let read = reading(&rows)?;
        // Where it is one of these already, the paste reports what is wrong.
        let beside = beside.filter(|beside| !columns.contains(beside));
        let all: Vec<&str> = columns.into_iter().chain(beside).collect();
        let mut cells: Vec<(Key, Arc<Labels>)> = Vec::new();
        for &key in keys {
            let of = cx
                .block_on(key.scan(cx, &rows))
                .map_err(|error| error.context("balance.by"))?;
            cells.push((key.clone(), Arc::new(of)));
        }
        let mut hold_out = HoldOut::scan(cx, &rows, data, &all)?;
        let whole = rows.clone();
        let rows = labelled.columns(&all)?;
        let targets = match (kind, found.task.classes()) {
            // Masks say nothing of the names of their classes.
            (TargetKind::Mask { .. }, names @ [_, ..]) => Targets::scan_names(cx, &rows, &read, names)?,
            _ => Targets::scan(cx, &rows, &read, None).map_err(|error| in_files(error, &rows, kind))?,
        };
        found.check(&rows, &targets)?;
        check_classes(&found.task, &label, &targets)?;
        found
            .task
            .bind(&targets)
            .map_err(|error| in_files(error, &rows, kind))?;
        let held = match (&data.valid, files) {
            (DataSource::Source(source), _) => Some(of_source(cx, source)?),
            (DataSource::Files(paths), Some(files)) if paths.is_empty() => cx.block_on(files.open_validation(cx))?,
            (DataSource::Files(paths), None) if paths.is_empty() => None,
            (DataSource::Files(paths), _) => {
                let held = cx.block_on(Files::open_split_or_only(cx, paths, Split::Validation));
                Some(held.map_err(of_valid)?)
            }
        };
        let mut notes = found.notes(&rows, &targets);
        notes.extend(labelled.note(data));
        notes.extend(found.negative_class(&targets));
        if let Targets::Objects(_) | Targets::Masks(_) = &targets {
            notes.extend(targets.remark());
        }
        notes.extend(of_files);
        let stored = |rows: &Files, targets: &Targets| Stored {
            rows: rows.clone(),
            targets: targets.clone(),
        };
        let (train, valid, own, other, stored) = match held {
            None => {
                let labels = targets.stratified_by();
                let (rule, what) = ((data.held_out, seed), "validation rows would be held");
                let split = hold_out.split(labels.as_ref(), targets.len(), rule, what);
                let split = split.map_err(|error| error.with_remedy(Remedy::Validation).context(rows.name()))?;
                if split.held_out.is_empty() || split.train.is_empty() {
                    return Err(hold_out.impossible(&rows, &label, &targets));
                }
                notes.extend(hold_out.note(&split));
                hold_out = hold_out.select(&split.train);
                cells = selected(&cells, &split.train);
                let part = |at: Vec<u64>| {
                    let targets = targets.select(&at);
                    Ok::<_, Error>((targets.of_rows(rows.clone().select(at)?)?, targets))
                };
                let (train, own) = part(split.train)?;
                let (valid, other) = part(split.held_out)?;
                (train, valid, own, other, vec![stored(&rows, &targets)])
            }
            Some(held) => {
                notes.extend(held.notes().iter().cloned());
                let labelled = LabelledFiles::new(cx, held, data)?;
                let held = labelled.rows()?;
                notes.extend(hold_out.check_validation(cx, &whole, &held, data, &all)?);
                let read = reading(&held)?;
                let held = labelled.columns(&columns)?;
                let other = Targets::scan(cx, &held, &read, Some(&targets));
                let other = other.map_err(|error| in_files(error, &held, kind))?;
                notes.extend(other.remark());
                let stored = vec![stored(&rows, &targets), stored(&held, &other)];
                let train = hold_out.marked(targets.of_rows(rows)?);
                (train, other.of_rows(held)?, targets, other, stored)
            }
        };
        Ok(Self {
            train,
            valid,
            selection: None,
            task: found.task,
            targets: own,
            image,
            label,
            notes,
            cells,
            others: [Some(other), None],
            hold_out,
            stored,
        })
    }

    /// The data of which a tenth of the training rows is held out for `purpose`.
    ///
    /// # Errors
    ///
    /// `Config` where there are too few rows.
    pub(crate) fn with_selection(mut self, seed: u64, purpose: HeldOutFor) -> Result<Self> {
        // Other rows than those that are held out for validation under the same seed.
        let labels = self.targets.stratified_by();
        let (rule, what) = (
            (Self::SELECTION, !seed),
            format!("the rows {} would be held", purpose.which()),
        );
        let split = self.hold_out.split(labels.as_ref(), self.targets.len(), rule, &what)?;
        if split.held_out.is_empty() || split.train.is_empty() {
            let why = match self.hold_out.one_value() {
                Some(why) => format!("{why}, so none can be held out"),
                None => format!("{} training rows are too few to hold some out", self.targets.len()),
            };
            return Err(Error::config(format!("{why} {}", purpose.which())));
        }
        self.notes.extend(self.hold_out.note(&split));
        self.hold_out = self.hold_out.select(&split.train);
        let held = Arc::clone(&self.train).select(split.held_out.clone())?;
        self.notes.push(purpose.note(split.held_out.len(), self.targets.len()));
        self.selection = Some(Arc::new(held));
        self.others[1] = Some(self.targets.select(&split.held_out));
        self.targets = self.targets.select(&split.train);
        self.cells = selected(&self.cells, &split.train);
        self.train = Arc::new(self.train.select(split.train)?);
        Ok(self)
    }

    /// The data with these rows of each of the [sets](Self::sets) alone.
    pub(crate) fn select(&self, rows: &[Vec<u64>]) -> Result<Self> {
        let part = |at: usize, set: &Arc<dyn Stable>| -> Result<Arc<dyn Stable>> {
            Ok(Arc::new(Arc::clone(set).select(rows[at].clone())?))
        };
        let other = |at: usize| self.others[at].as_ref().map(|targets| targets.select(&rows[at + 1]));
        Ok(Self {
            train: part(0, &self.train)?,
            valid: part(1, &self.valid)?,
            selection: self.selection.as_ref().map(|set| part(2, set)).transpose()?,
            targets: self.targets.select(&rows[0]),
            cells: selected(&self.cells, &rows[0]),
            hold_out: self.hold_out.select(&rows[0]),
            others: [other(0), self.selection.is_some().then(|| other(1)).flatten()],
            ..self.clone()
        })
    }

    /// Training rows, validation rows and, where there are any, those for selection.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &Arc<dyn Stable>> {
        [&self.train, &self.valid].into_iter().chain(&self.selection)
    }

    /// The targets of the [sets](Self::sets).
    pub(crate) fn all_targets(&self) -> impl Iterator<Item = &Targets> {
        [&self.targets].into_iter().chain(self.others.iter().flatten())
    }

    /// The targets of the rows for selection, where there are some.
    pub(super) fn selection_targets(&self) -> Option<&Targets> {
        self.others[1].as_ref()
    }

    /// The target of a row of one of the [sets](Self::sets), in words.
    pub(crate) fn target_in_words(&self, set: usize, row: u64) -> String {
        let targets = match set {
            0 => Some(&self.targets),
            set => self.others.get(set - 1).and_then(Option::as_ref),
        };
        targets.map(|targets| targets.in_words(row)).unwrap_or_default()
    }

    /// The cells of the training rows by `key`.
    ///
    /// # Errors
    ///
    /// `Config` for a key that these data were not opened with.
    pub(crate) fn cells_of(&self, key: &Key) -> Result<&Arc<Labels>> {
        let found = self.cells.iter().find(|(own, _)| own == key);
        found.map(|(_, cells)| cells).ok_or_else(|| {
            Error::config("balance.by: the data was opened by a run that balances by another key, or by none")
        })
    }

    /// The classes of the training rows, if each has one.
    ///
    /// # Errors
    ///
    /// `Config` where it has not; `what` needs that.
    pub(crate) fn labels(&self, what: &str) -> Result<&Arc<Labels>> {
        self.targets.one_class().ok_or_else(|| {
            Error::config(format!(
                "{what} needs one class a row, and the task {} has none (column {})",
                self.task.name(),
                quoted(&self.label)
            ))
        })
    }

    /// The parts of a cross-validation of the training rows, by whole groups or by time where rows are held out so; `what` needs it.
    ///
    /// # Errors
    ///
    /// `Config` where rows have not one class each.
    pub(crate) fn folds(&self, what: &str, folds: usize, seed: u64) -> Result<Vec<RowSplit>> {
        Ok(self.hold_out.folds(self.labels(what)?, folds, seed))
    }

    /// Refuses training rows of which some are synthetic; `what` would hold some of them out.
    pub(crate) fn refuse_synthetic(&self, what: &str) -> Result<()> {
        self.hold_out.refuse_synthetic(what, HoldOut::OR_NONE)
    }

    /// As [`refuse_synthetic`](Self::refuse_synthetic), where `what` cannot be done without.
    pub(crate) fn require_real(&self, what: &str) -> Result<()> {
        self.hold_out.refuse_synthetic(what, "")
    }

    /// Refuses a generator whose rows were made from rows that are held out, as it says itself.
    pub(crate) fn check_generator(&self, cx: &Context, generator: &dyn Generator) -> Result<()> {
        let parents = generator.parents_elsewhere();
        if parents.is_empty() {
            return Ok(());
        }
        self.sets()
            .skip(1)
            .try_for_each(|set| refuse_parents(&stored_rows(cx, set), &parents))
    }

    /// In which state all files are; none where that cannot be known.
    pub(crate) fn state(&self) -> Option<String> {
        let states = self.stored.iter().map(|stored| stored.rows.describe().states());
        states.collect::<Option<Vec<_>>>().map(|states| states.join(" "))
    }

    /// How the data was understood, a sentence each: the columns and classes, then [`notes`](Self::notes).
    pub(crate) fn understood(&self) -> Vec<String> {
        let (image, label) = (quoted(&self.image), quoted(&self.label));
        let labels = match self.targets.names().len() {
            0 => format!("targets: column {label}"),
            classes => format!("labels: column {label}, {}", counted(classes, "class")),
        };
        let first = format!("images: column {image}; {labels}");
        [first].into_iter().chain(self.notes.iter().cloned()).collect()
    }

    /// Whether validation rows are held out of the training files.
    pub fn is_held_out(&self) -> bool {
        self.stored.len() == 1
    }

    /// Rows to evaluate on.
    pub fn valid_rows(&self) -> u64 {
        self.valid.len().finite().unwrap_or(0)
    }
}

/// The cells of `rows` alone.
fn selected(cells: &[(Key, Arc<Labels>)], rows: &[u64]) -> Vec<(Key, Arc<Labels>)> {
    let of = |(key, labels): &(Key, Arc<Labels>)| (key.clone(), Arc::new(labels.select(rows)));
    cells.iter().map(of).collect()
}

/// Refuses a task that was given other classes than those of the training rows: its outputs would not be what they are called.
fn check_classes(task: &NamedTask, label: &str, targets: &Targets) -> Result<()> {
    let (own, found) = (task.classes(), targets.names());
    if own.is_empty() || own == found {
        return Ok(());
    }
    let listed = |names: &[String]| shown(&names.join(", "), 200);
    Err(Error::config(format!(
        "task.classes are {}, and those of column {} are {}: leave them out, or name the same in the same order",
        listed(own),
        quoted(label),
        listed(found)
    )))
}
