//! Which task it is, and which column holds its targets.

use super::catalog::NamedTask;
use super::classify::Classify;
use super::multilabel::MultiLabel;
use super::regress::Regress;
use super::targets::Targets;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::quote::quoted;
use crate::rows::LabelKind;
use crate::source::Files;
use crate::spec::Spec;
use arrow::datatypes::Field;
use std::sync::Arc;

/// Distinct whole numbers without names up to which nobody wonders whether they are classes.
const FEW_CLASSES: usize = 20;

/// A task, the column of its targets, and why it is this one.
pub(super) struct FoundTask {
    pub(super) task: NamedTask,
    pub(super) column: String,
    /// What the column holds, in words; none where the task was chosen.
    why: Option<&'static str>,
    field: Arc<Field>,
}

impl FoundTask {
    /// The task of `rows`: the one that was `chosen`, else that of the type of the target column.
    ///
    /// # Errors
    ///
    /// `Schema` where no column or more than one may hold the targets, or the one that is `named` cannot.
    pub(super) fn new(rows: &Files, named: Option<&str>, chosen: Option<&NamedTask>) -> Result<Self> {
        let column = match chosen {
            None => rows.find_label(named)?,
            Some(task) => rows.find_target(named, task.name(), &|field| task.fits(field))?,
        };
        let field = field(rows, &column)?;
        if let Some(task) = chosen {
            return Ok(Self {
                task: task.clone(),
                column,
                why: None,
                field,
            });
        }
        let (task, why): (NamedTask, _) = match LabelKind::of(&field)? {
            LabelKind::Class => (Classify::default().into(), "holds one class a row"),
            LabelKind::MultiLabel => (MultiLabel::default().into(), "is a list of classes"),
            LabelKind::Number => (Regress::default().into(), "holds numbers"),
        };
        Ok(Self {
            task,
            column,
            why: Some(why),
            field,
        })
    }

    /// Which task it is and why, in a sentence; and in another one where its column could be meant otherwise.
    pub(super) fn notes(&self, rows: &Files, targets: &Targets) -> Vec<String> {
        let (name, column) = (self.task.name(), quoted(&self.column));
        let Some(why) = self.why else {
            return vec![format!("task: {name}, as chosen")];
        };
        let mut notes = vec![format!("task: {name}, since column {column} {why}")];
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

fn field(rows: &Files, column: &str) -> Result<Arc<Field>> {
    let schema = rows.clone().columns(&[column])?.schema();
    Ok(Arc::clone(&schema.fields()[0]))
}
