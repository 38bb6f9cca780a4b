//! What a model makes of rows that it is evaluated on.

use super::datasets::Datasets;
use super::definition::{Task, Truth};
use super::event::{Callback, Event};
use crate::dataset::{Dataset, Origin, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::Batch;
use crate::model::head::{Features, Head};
use crate::model::headed::Model;
use crate::report::{ClassCounts, Emitted, Measured, RunFigures};
use crate::rows::{Cached, Stage, Transformed};
use crate::sink::tensor;
use crate::train::Extractor;
use arrow::array::RecordBatch;
use burn::tensor::Device;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Images that are evaluated together.
const BATCH: u64 = 32;

/// Measures models of one task by the target column `column`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evaluator<'a> {
    pub(crate) task: &'a dyn Task,
    pub(crate) column: &'a str,
    pub(crate) device: &'a Device,
}

impl Evaluator<'_> {
    /// What a finished `head` makes of the raw features of `rows`.
    pub(crate) fn of_head(&self, head: &Head, rows: &Cached) -> Result<Measured> {
        let rows = rows.rows();
        let features = tensor::floats::<2>(rows, Extractor::COLUMN, self.device)?;
        let predictions = self.task.predictions(head.forward(Features::Pooled(features))?)?;
        let mut evaluation = self.task.evaluation();
        evaluation.add(&predictions, &self.truth(rows))?;
        evaluation.figures()
    }

    /// What a finished `model` makes of the images of `rows`, in the column `image` of what `stage` makes of them.
    pub(crate) fn of_model(
        &self,
        cx: &Context,
        model: &Model,
        (rows, image): (&Arc<dyn Stable>, &str),
        stage: Arc<dyn Stage>,
        callback: Callback<'_>,
    ) -> Result<Measured> {
        let images = Transformed::new(Arc::clone(rows), stage)?;
        let mut evaluation = self.task.evaluation();
        callback(Event::Begin {
            what: "evaluation",
            total: rows.len().finite().unwrap_or(0),
        });
        let mut done = 0;
        for batch in images.loader(cx).batch_size(BATCH).epochs(1).blocking()? {
            let batch = batch?;
            refuse_synthetic(&batch)?;
            let outputs = model.forward(tensor::floats::<4>(batch.rows(), image, self.device)?)?;
            evaluation.add(&self.task.predictions(outputs)?, &self.truth(batch.rows()))?;
            done += batch.len() as u64;
            callback(Event::Done(done));
        }
        callback(Event::End);
        evaluation.figures()
    }

    fn truth<'a>(&'a self, rows: &'a RecordBatch) -> Truth<'a> {
        Truth {
            rows,
            column: self.column,
            device: self.device,
            priors: None,
        }
    }
}

/// A generated row in a validation set would measure the generator.
fn refuse_synthetic(batch: &Batch) -> Result<()> {
    match batch
        .provenance()
        .iter()
        .position(|row| row.origin == Origin::Synthetic)
    {
        Some(row) => Err(Error::config(format!(
            "row {row} of the validation set is synthetic; evaluate on stored rows only"
        ))),
        None => Ok(()),
    }
}

/// What a run is reported by.
pub(crate) fn figures(
    datasets: &Datasets,
    task: &dyn Task,
    emitted: &BTreeMap<(Option<u32>, Origin), u64>,
    measured: Measured,
    seconds: f64,
) -> Result<RunFigures> {
    let of = |class: u32, origin| emitted.get(&(Some(class), origin)).copied().unwrap_or(0);
    let count = |(class, before)| ClassCounts {
        before,
        emitted: Emitted {
            real: of(class, Origin::Real),
            augmented: of(class, Origin::Augmented),
            synthetic: of(class, Origin::Synthetic),
        },
    };
    let counts = match task.classes().is_empty() {
        true => Vec::new(),
        false => datasets.targets.counts(),
    };
    let counts: Vec<ClassCounts> = (0..).zip(counts).map(count).collect();
    RunFigures::new(task.name(), task.classes(), &counts, measured, seconds)
}
