//! How good a saved model is on rows whose targets are known.

use super::computed_label::LabelledFiles;
use super::definition::{Task, Truth};
use super::detect::frame::Frame;
use super::find::target_column;
use super::hold_out::check_real;
use super::manifest::RunManifest;
use super::outcome::{self, Outcome};
use super::predict::Predict;
use super::row_results::RowResults;
use super::run_folder::RunFolder;
use super::spec::{DataOptions, DataSource};
use super::target_reading::TargetReading;
use super::targets::Targets;
use super::warnings;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::exec::lock::Lock;
use crate::exec::{Context, outputs};
use crate::model::headed::Model;
use crate::quote::{counted, counted_with, quoted};
use crate::report::{BadRows, Report, RunFigures};
use crate::source::annotations_in;
use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, is_null};
use arrow::datatypes::{Field, Schema};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

const REPORT: &str = "report.json";

/// Measures a saved model on labelled rows: the figures of its task.
///
/// The target column is that of the run that made the model, where its folder says so: of rows without it the column has to be
/// [named](Self::label). Else it is found as in training, by its type. The image column is that of the run where the rows have it, and
/// else found by its type. Classes are matched by name, or as stored values where the data has plain integers.
///
/// ```no_run
/// use millstream::Context;
/// use millstream::task::{Evaluate, Predict};
///
/// let cx = Context::new()?;
/// let evaluate = Evaluate::new(Predict::new("runs/mine", ["test.parquet"]));
/// let report = evaluate.run(&cx, &mut |done, total| println!("{done} of {total}"))?;
/// println!("{}", report.to_table());
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Evaluate {
    /// The model, the rows, and how they are read.
    pub predict: Predict,
    /// The target column, if it is not that of the run that made the model, or not found.
    pub label: Option<String>,
    /// A folder for `report.json`, `report.html` and pictures, if they are wanted. None of them may be there yet, unless they are
    /// [overwritten](Self::overwrite). The folder of a run is refused, whether the run has ended or not.
    pub out: Option<PathBuf>,
    /// Whether these files are replaced where they are there: those of another evaluation. Defaults to false.
    pub overwrite: bool,
}

/// Rows whose targets are known.
#[derive(Clone, Debug)]
pub struct Labelled {
    task: Arc<dyn Task>,
    column: String,
    targets: Targets,
    /// The targets as tasks read them.
    truth: RecordBatch,
    predict: Predict,
}

impl Evaluate {
    /// An evaluation of what `predict` predicts, which writes nothing.
    pub fn new(predict: Predict) -> Self {
        Self {
            predict,
            label: None,
            out: None,
            overwrite: false,
        }
    }

    /// Predicts all rows and measures the predictions. Targets are read first, so that what is wrong with them costs no time.
    ///
    /// # Errors
    ///
    /// As [`Predict::run`] and [`Labelled::open`], save that of a folder with several splits the test split is read, or else the validation
    /// split, which a note says; `Exists` where [`out`](Self::out) has a file of a name that would be written, and
    /// `Config` where it is no folder or that of a run, or lies in one that is read; `Busy` where another process works in it; `Io` where nothing can be written there.
    pub fn run(&self, cx: &Context, progress: &mut dyn FnMut(u64, u64)) -> Result<Report> {
        let started = Instant::now();
        self.out.as_deref().map(|out| check(out, self.overwrite)).transpose()?;
        let predict = Predict {
            rows: Some(self.predict.open_evaluation(cx)?),
            ..self.predict.clone()
        };
        if let (Some(out), Some(rows)) = (&self.out, &predict.rows) {
            let outputs = [out.clone()].into_iter().chain(names().map(|name| out.join(name)));
            outputs::refuse_inputs(outputs, rows.inputs().iter().map(PathBuf::as_path))?;
        }
        let labelled = Labelled::open(cx, &predict, self.label.as_deref())?;
        let predictions = predict.run(cx, progress)?;
        let (figures, results) = labelled.measured(&predictions, started)?;
        let mut report = Report::new(figures);
        report.notes = labelled.notes();
        report.notes.extend(predict.nms_in_words()?);
        report
            .notes
            .extend(predict.cut_boxes(&predictions)?.map(|cut| cut.to_string()));
        report
            .notes
            .extend(predict.rows.iter().flat_map(|rows| rows.notes().iter().cloned()));
        report.warnings = warnings::of_figures(&report.figures, "row");
        if !self.predict.on_bad_row.is_fail() {
            let (all, rows) = (predictions.num_rows() as u64, report.figures.rows());
            let bad = all - rows;
            if bad > 0 {
                let has_masks = matches!(labelled.targets, Targets::Masks(_));
                let why = match (bad, has_masks) {
                    (1, false) => "is left out, because its picture cannot be made",
                    (_, false) => "are left out, because their pictures cannot be made",
                    (1, true) => "is left out, because its picture or its mask cannot be made",
                    (_, true) => "are left out, because their pictures or their masks cannot be made",
                };
                let left_out = format!("{bad} of {} {why}", counted(all, "row"));
                report.warnings.insert(0, left_out);
            }
            report.bad_rows = Some(BadRows {
                held_out: bad,
                ..BadRows::default()
            });
        }
        if let Some(out) = &self.out {
            labelled.write(cx, (out, self.overwrite), &report, &results)?;
        }
        Ok(report)
    }
}

impl Labelled {
    /// Reads the targets of the rows of `predict`: in the column `label`, in that of the run that made the model, or, where the
    /// model's folder names no run, in the one that is found.
    ///
    /// # Errors
    ///
    /// Whatever loading the model and opening the rows give; `Schema` where the rows have no column of the name that the model was
    /// trained on and none is named, where no column, or more than one, holds targets of the model's
    /// task; `Data` for a class that the model does not know, with its name and the place of the first such row; `Config` for synthetic rows.
    pub fn open(cx: &Context, predict: &Predict, label: Option<&str>) -> Result<Self> {
        let config = Model::config_with(&predict.model, &predict.tasks)?;
        let rows = predict.open(cx)?;
        let pictures = predict.plain(&config).reading_options();
        let task = config.task.into_inner();
        let manifest = RunManifest::read(&predict.model).ok().flatten();
        let trained = manifest.as_ref().and_then(|manifest| manifest.data().label.clone());
        // Of another column it would be the classes that are stored there.
        let is_trained = label.is_none() || label == trained.as_deref();
        let data = DataOptions {
            label: trained.clone(),
            label_by: manifest
                .and_then(|manifest| manifest.data().label_by.clone())
                .filter(|_| is_trained),
            ..DataOptions::default()
        };
        let labelled = LabelledFiles::new(cx, rows.clone(), &data)?;
        let stored = rows;
        let rows = labelled.rows()?;
        let column = target_column(&rows, label.or(trained.as_deref()), &*task);
        let annotated = || match &predict.files {
            DataSource::Files(paths) => annotations_in(paths),
            DataSource::Source(_) => None,
        };
        let column = column.map_err(|error| match (label, &trained) {
            _ if let Some(annotated) = annotated() => Error::new(error.kind(), annotated),
            // Any other column would be measured against what the model never learnt.
            (None, Some(trained)) => {
                let trained = quoted(trained);
                let message =
                    format!("the model was trained on column {trained}: name the column of the same targets ({error})");
                Error::new(error.kind(), message).with_remedy(Remedy::LabelColumn)
            }
            _ => error,
        })?;
        let image = predict.image_column(&stored)?;
        check_real(cx, &rows, &DataOptions::default(), &[&column, &image])?;
        let skips = !predict.on_bad_row.is_fail();
        let reading = TargetReading::new(cx, &rows, (&image, pictures), (&column, task.target()), skips)?;
        let rows = labelled.columns(&[&column])?;
        let targets = Targets::scan_names(cx, &rows, &reading, task.classes())?;
        check_bad(predict, &targets)?;
        let own = targets.of_rows(rows)?;
        let (mut fields, mut truth) = (own.schema().fields().to_vec(), Vec::new());
        for field in &fields {
            truth.push(cx.block_on(own.column(cx, field.name()))?);
        }
        // Boxes that were found may be shares of their pictures.
        if let Targets::Objects(objects) = &targets {
            let frames = Frame::column_of(objects.sizes())?;
            fields.push(Arc::new(Field::new(Frame::COLUMN, frames.data_type().clone(), false)));
            truth.push(frames);
        }
        Ok(Self {
            truth: RecordBatch::try_new(Arc::new(Schema::new(fields)), truth)?,
            task,
            column,
            targets,
            predict: predict.clone(),
        })
    }

    /// The figures of `predictions`, which are of all rows in order. Rows without a prediction are left out.
    ///
    /// # Errors
    ///
    /// `Data` where `predictions` are of more or fewer rows, or none of them was predicted.
    pub fn figures(&self, predictions: &RecordBatch) -> Result<RunFigures> {
        Ok(self.measured(predictions, Instant::now())?.0)
    }

    fn measured(&self, predictions: &RecordBatch, started: Instant) -> Result<(RunFigures, RowResults)> {
        if predictions.num_rows() != self.truth.num_rows() {
            let (found, wanted) = (predictions.num_rows(), self.truth.num_rows());
            return Err(Error::data(format!("{found} predictions of {wanted} rows")));
        }
        let predicted = match predictions.column_by_name("error") {
            Some(errors) => is_null(errors)?,
            None => BooleanArray::from(vec![true; predictions.num_rows()]),
        };
        let known = (0..).zip(predicted.iter());
        let whole: BooleanArray = known
            .map(|(row, predicted)| Some(predicted == Some(true) && self.targets.bad(row).is_none()))
            .collect();
        if whole.true_count() == 0 {
            return Err(Error::data("no row was predicted, so there is nothing to measure"));
        }
        let (made, rows) = (
            filter_record_batch(predictions, &whole)?,
            filter_record_batch(&self.truth, &whole)?,
        );
        let truth = Truth {
            rows: &rows,
            column: &self.column,
            device: &self.predict.device,
            priors: None,
        };
        let mut evaluation = self.task.evaluation();
        evaluation.add(&made, &truth)?;
        let mut results = RowResults::default();
        results.add(&*self.task, &made, &truth)?;
        let kept: Vec<u64> = (0..)
            .zip(whole.iter())
            .filter_map(|(row, kept)| (kept == Some(true)).then_some(row))
            .collect();
        results
            .worst
            .iter_mut()
            .for_each(|worst| worst.row = kept[worst.row as usize]);
        let seconds = started.elapsed().as_secs_f64();
        let figures = RunFigures::evaluated(self.task.name(), self.task.classes(), evaluation.figures()?, seconds)?;
        Ok((figures, results))
    }

    /// How the data was understood, a sentence each.
    fn notes(&self) -> Vec<String> {
        let first = format!(
            "task: {}, that of the model; targets: column {}",
            self.task.name(),
            quoted(&self.column)
        );
        [first].into_iter().chain(self.targets.remark()).collect()
    }

    fn write(
        &self,
        cx: &Context,
        (out, overwrite): (&Path, bool),
        report: &Report,
        results: &RowResults,
    ) -> Result<()> {
        let config = Model::config_with(&self.predict.model, &self.predict.tasks)?;
        let rows = self.predict.open(cx)?;
        let image = self.predict.image_column(&rows)?;
        let outcome = Outcome {
            cx,
            title: &format!("millstream: {}, evaluation", self.task.name()),
            report,
            settings: None,
            history: &[],
            results,
            rows: &(Arc::new(rows.columns(&[&image])?) as Arc<dyn Stable>),
            image: &image,
            plain: &self.predict.plain(&config),
            truth: &|row| self.targets.in_words(row),
        };
        let drawn = outcome.draw()?;
        std::fs::create_dir_all(out).map_err(|error| Error::io(out, error))?;
        let _lock = Lock::take(out)?;
        check(out, overwrite)?;
        // Of another evaluation there may be pictures that this one has not.
        for name in names() {
            match std::fs::remove_file(out.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io(out.join(name), error));
                }
                _ => {}
            }
        }
        // First, so that what a killed evaluation leaves is known as ours and can be overwritten.
        report.write_json(out.join(REPORT))?;
        drawn.write(out)
    }
}

/// Refuses more rows whose targets cannot be read than may be bad.
fn check_bad(predict: &Predict, targets: &Targets) -> Result<()> {
    let bad: Vec<(u64, &str)> = (0..targets.len())
        .filter_map(|row| Some((row, targets.bad(row)?)))
        .collect();
    let (many, most) = (bad.len() as u64, predict.on_bad_row.at_most());
    match bad.first() {
        Some((row, why)) if many > most => Err(Error::data(format!(
            "{} bad, and at most {most} may be; the first is row {row}: {why}",
            counted_with(many, "mask", ["is", "are"])
        ))),
        _ => Ok(()),
    }
}

/// The files that may be written.
fn names() -> impl Iterator<Item = &'static str> {
    outcome::FILES.into_iter().chain([REPORT])
}

/// Refuses the folder of a run, and one that has a file which would be written, unless it is one of another evaluation and may be replaced.
fn check(out: &Path, overwrite: bool) -> Result<()> {
    outputs::check_folder(out)?;
    RunFolder::refuse(out)?;
    let there: Vec<&str> = names()
        .filter(|name| out.join(name).symlink_metadata().is_ok())
        .collect();
    match there.as_slice() {
        [] => Ok(()),
        there if overwrite && there.contains(&REPORT) && Report::read_json(out.join(REPORT)).is_ok() => Ok(()),
        there if overwrite => {
            let message = match there.contains(&REPORT) {
                true => {
                    format!("{REPORT} is no report of an evaluation, so that it is not overwritten: use another folder")
                }
                false => format!(
                    "there is no {REPORT} beside {}, so no evaluation wrote that: use another folder",
                    there.join(", ")
                ),
            };
            Err(Error::config(message).context(out.display().to_string()))
        }
        there => {
            let message = format!(
                "{} there already, and would be overwritten: use another folder",
                match there {
                    [one] => format!("{one} is"),
                    all => format!("{} are", all.join(", ")),
                }
            );
            Err(Error::new(ErrorKind::Exists, message).context(out.display().to_string()))
        }
    }
}
