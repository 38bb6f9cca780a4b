//! The class of each training row, for operations that depend on it.

use super::datasets::Datasets;
use super::definition::Input;
use super::training_order::TrainingOrder;
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::forward::forward;
use crate::image::Classes;
use crate::mix::Picked;
use crate::rows::Labels;
use std::sync::Arc;

impl Datasets {
    /// The classes that operations of training pictures may depend on, and which of them each training row is of: its own; where a row has
    /// several classes, the rarest of them, as a balance has it.
    ///
    /// # Errors
    ///
    /// `Config` for a task without classes.
    pub(super) fn row_classes(&self) -> Result<(Classes, Arc<Labels>)> {
        if let Some(several) = self.targets.several_classes()? {
            return Ok((Classes::of_rarest(&several), Arc::new(several.rarest())));
        }
        let labels = self.labels("by_class in augment.operations")?;
        Ok((Classes::new(labels.names(), labels.counts()), Arc::clone(labels)))
    }

    /// The rarest class of each training row, where a row has several and an operation of `input` asks for the class.
    fn rarest_classes(&self, input: &Input) -> Result<Option<Arc<Labels>>> {
        match input.augmented.needs_class() && self.targets.one_class().is_none() {
            true => Ok(Some(self.row_classes()?.1)),
            false => Ok(None),
        }
    }

    /// The training rows as a stage of `input` makes pictures of them: it is told the class of each where it asks for it.
    pub(super) fn training_rows(&self, input: &Input) -> Result<Arc<dyn Stable>> {
        let rows = Arc::clone(&self.train);
        Ok(match self.rarest_classes(input)? {
            None => rows,
            Some(labels) => Arc::new(OfClass { rows, labels }),
        })
    }

    /// The training rows in `order`, as a stage of `input` makes pictures of them. The class is that of the row, whatever they are balanced by.
    pub(super) fn in_order(&self, order: Arc<TrainingOrder>, input: &Input) -> Result<Arc<dyn Dataset>> {
        Ok(match self.rarest_classes(input)? {
            None => order,
            Some(labels) => Arc::new(OrderOfClass { order, labels }),
        })
    }
}

/// Stored rows, in views or not, with a class each.
#[derive(Debug)]
struct OfClass {
    rows: Arc<dyn Stable>,
    labels: Arc<Labels>,
}

impl Dataset for OfClass {
    forward!(rows: schema, len, blocks, describe, prepare);

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        Provenance {
            class: Some(self.labels.class(position % self.labels.len())),
            ..self.rows.provenance(cx, position)
        }
    }
}

impl Stable for OfClass {
    forward!(rows: views, column);
}

/// Stored rows in an order, with a class each.
#[derive(Debug)]
struct OrderOfClass {
    order: Arc<TrainingOrder>,
    labels: Arc<Labels>,
}

impl Dataset for OrderOfClass {
    forward!(order: schema, len, blocks, describe, prepare);

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let class = self.order.picked(cx, &[position]).first().map(|picked| match picked {
            Picked::Stored(below) => self.labels.class(below % self.labels.len()),
            Picked::Synthetic(sample) => sample.class,
        });
        Provenance {
            class,
            ..self.order.provenance(cx, position)
        }
    }
}
