//! Which task it is, and which column holds its targets.

use super::catalog::NamedTask;
use super::classify::Classify;
use super::definition::Task;
use super::detect::Detect;
use super::multilabel::MultiLabel;
use super::regress::Regress;
use super::segment::Segment;
use super::spec::DataOptions;
use super::targets::{TargetKind, Targets};
use crate::dataset::Dataset;
use crate::error::{Error, Remedy, Result};
use crate::quote::{counted, quoted};
use crate::rows::{LabelKind, find_objects, is_row_key, row_key_in_words, said_of_objects, with_boxes_apart};
use crate::source::Files;
use crate::spec::Spec;
use arrow::datatypes::Field;
use std::collections::HashSet;
use std::sync::Arc;

/// Distinct whole numbers without names up to which they are taken for classes without a question.
const FEW_CLASSES: usize = 20;

/// A task, the column of its targets, and why it is this one.
pub(super) struct FoundTask {
    pub(super) task: NamedTask,
    pub(super) column: String,
    /// What the column holds, in words; none where the task was chosen.
    why: Option<&'static str>,
    field: Arc<Field>,
    /// The columns that could hold the targets; none where the column was named.
    others: Vec<String>,
    /// Where none was named: which of several columns of boxes was found, and which ones are read if they are named.
    boxes_beside: Vec<String>,
}

impl FoundTask {
    /// The task of `rows`: the one that was `chosen`, else that of the type of the target column.
    ///
    /// # Errors
    ///
    /// `Schema` where no column or more than one may hold the targets, or the one that is `named` cannot.
    pub(super) fn new(rows: &Files, named: Option<&str>, chosen: Option<&NamedTask>) -> Result<Self> {
        let boxes_beside = |column: &str| match named {
            None => said_of_objects(rows, column),
            Some(_) => Vec::new(),
        };
        if chosen.is_none()
            && let Some(column) = find_objects(rows, named)?
        {
            return Ok(Self {
                task: Detect::default().into(),
                field: field(rows, &column)?,
                boxes_beside: boxes_beside(&column),
                column,
                why: Some("holds boxes with classes"),
                others: Vec::new(),
            });
        }
        if let (None, Some((column, field))) = (chosen, masks(rows, named)) {
            return Ok(Self {
                task: Segment::default().into(),
                boxes_beside: boxes_beside(&column),
                column,
                why: Some("holds masks"),
                field,
                others: Vec::new(),
            });
        }
        let column = match chosen {
            None => (rows.find_label(named)).map_err(|error| with_boxes_apart(error, rows, named))?,
            Some(task) => target_column(rows, named, &**task)?,
        };
        let field = field(rows, &column)?;
        let fits = |field: &Field| match chosen {
            None => LabelKind::of(field).is_ok(),
            Some(task) => task.fits(field).is_ok(),
        };
        let schema = rows.schema();
        let others = schema.fields().iter().filter(|field| named.is_none() && fits(field));
        let others = others.map(|field| field.name().clone()).collect();
        if let Some(task) = chosen {
            // A task of something else has no use for boxes.
            let boxes_beside = match task.target() {
                TargetKind::Objects(_) => boxes_beside(&column),
                _ => Vec::new(),
            };
            return Ok(Self {
                task: task.clone(),
                boxes_beside,
                column,
                why: None,
                field,
                others,
            });
        }
        let (task, why): (NamedTask, _) = match LabelKind::of(&field)? {
            LabelKind::Class => (Classify::default().into(), "holds one class a row"),
            LabelKind::MultiLabel => (MultiLabel::default().into(), "is a list of classes"),
            LabelKind::Number => (Regress::default().into(), "holds numbers"),
        };
        Ok(Self {
            task,
            boxes_beside: boxes_beside(&column),
            column,
            why: Some(why),
            field,
            others,
        })
    }

    /// Refuses a column that was found by its type where its values tell rows apart: a row's key is no target.
    ///
    /// # Errors
    ///
    /// `Schema` with the columns that could be meant.
    pub(super) fn check(&self, rows: &Files, targets: &Targets) -> Result<()> {
        let is_key = match targets {
            // Named classes are classes.
            Targets::Class(_) if rows.class_names(&self.column).is_some() => false,
            Targets::Class(labels) => is_row_key(labels.len(), &labels.counts()),
            // Whole numbers may be prices, unless there is something else that could be predicted.
            Targets::Number(numbers) if self.others.len() > 1 && self.field.data_type().is_integer() => {
                let distinct: HashSet<u64> = numbers.iter().map(|number| number.to_bits()).collect();
                is_row_key(numbers.len() as u64, &vec![1; distinct.len()])
            }
            _ => false,
        };
        match self.others.as_slice() {
            others @ [_, ..] if is_key => {
                let error = Error::schema(row_key_in_words(&self.column, targets.len(), others));
                Err(error.with_remedy(Remedy::LabelColumn).context(rows.name()))
            }
            _ => Ok(()),
        }
    }

    /// Which task it is and why, in a sentence; and in another one where its column could be meant otherwise.
    pub(super) fn notes(&self, rows: &Files, targets: &Targets) -> Vec<String> {
        let (name, column) = (self.task.name(), quoted(&self.column));
        let Some(why) = self.why else {
            let mut notes = vec![format!("task: {name}, as chosen")];
            notes.extend(self.boxes_beside.iter().cloned());
            if let (Targets::Number(_), Some(classes)) = (targets, rows.class_names(&self.column)) {
                notes.push(format!(
                    "column {column} holds {} with names, and their numbers, 0 to {}, are predicted as quantities",
                    counted(classes.len(), "class"),
                    classes.len().saturating_sub(1)
                ));
            }
            return notes;
        };
        let mut notes = vec![format!("task: {name}, since column {column} {why}")];
        notes.extend(self.boxes_beside.iter().cloned());
        let classes = targets.names().len();
        let is_number = self.field.data_type().is_integer() && rows.class_names(&self.column).is_none();
        if is_number && targets.one_class().is_some() && classes > FEW_CLASSES {
            notes.push(format!(
                "column {column} holds {classes} distinct whole numbers without names, which were taken as classes; to predict \
                 them as numbers choose the task {}",
                Regress::NAME
            ));
        }
        notes
    }
}

impl FoundTask {
    /// What there is to say of a class that is a negative number: often it stands for no class.
    pub(super) fn negative_class(&self, targets: &Targets) -> Option<String> {
        let is_negative = |name: &String| name.parse::<i128>().is_ok_and(|number| number < 0);
        let names = targets.names();
        let at = names.iter().position(is_negative)?;
        let noun = if let Targets::Objects(_) = targets {
            "box"
        } else {
            "row"
        };
        let of_class = targets.counts().get(at).copied().unwrap_or_default();
        Some(format!(
            "class {} in column {}, of {}, is a negative number, which often stands for no class: it is learnt as any other; leave it out \
             where it is none",
            quoted(&names[at]),
            quoted(&self.column),
            counted(of_class, noun)
        ))
    }
}

/// The column of the pictures. One that is asked for as the masks, or is found as those of a task that needs them, is not it.
///
/// # Errors
///
/// As [`Files::find_image`].
pub(super) fn image_column(rows: &Files, data: &DataOptions, task: Option<&NamedTask>) -> Result<String> {
    let needs_masks = task.is_some_and(|task| matches!(task.target(), TargetKind::Mask { .. }));
    let mask = match data.label.as_deref() {
        Some(label) => rows.find_mask(Some(label)).ok(),
        None => rows.mask_column().filter(|_| needs_masks),
    };
    match mask {
        None => rows.find_image(data.image.as_deref()),
        Some(mask) => rows.find_image_beside_masks(data.image.as_deref(), &mask),
    }
}

/// The column of masks: the one that is `named` if it holds binary values and is not the picture's, else the only one that is called so,
/// where no column holds labels.
fn masks(rows: &Files, named: Option<&str>) -> Option<(String, Arc<Field>)> {
    let column = match named {
        Some(named) if rows.image_column().as_deref() == Some(named) => return None,
        Some(named) => rows.find_mask(Some(named)).ok()?,
        None => rows.mask_column().filter(|_| rows.label_candidates().is_empty())?,
    };
    let field = field(rows, &column).ok()?;
    Some((column, field))
}

/// The column of the targets of `task`: the one that is `named`, or the only one that holds such.
///
/// # Errors
///
/// `Schema` where it holds something else, and where no column or more than one could be it.
pub(super) fn target_column(rows: &Files, named: Option<&str>, task: &dyn Task) -> Result<String> {
    match task.target() {
        TargetKind::Mask { .. } => rows.find_mask(named),
        TargetKind::Objects(_) => match find_objects(rows, named)? {
            Some(column) => Ok(column),
            None => {
                let found = rows.find_target(named, task.name(), &|field| task.fits(field));
                found.map_err(|error| with_boxes_apart(error, rows, named))
            }
        },
        _ => rows.find_target(named, task.name(), &|field| task.fits(field)),
    }
}

fn field(rows: &Files, column: &str) -> Result<Arc<Field>> {
    let schema = rows.clone().columns(&[column])?.schema();
    Ok(Arc::clone(&schema.fields()[0]))
}

/// An error of the boxes or masks of all `rows`, with their name; one that names a row or a file already stays as it is.
pub(super) fn in_files(error: Error, rows: &Files, kind: TargetKind) -> Error {
    let is_of_all = matches!(kind, TargetKind::Objects(_) | TargetKind::Mask { .. });
    match is_of_all && error.index().is_none() && !error.to_string().contains(rows.name()) {
        true => error.context(rows.name()),
        false => error,
    }
}
