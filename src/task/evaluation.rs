//! What a model makes of rows that it is evaluated on.

use super::datasets::Datasets;
use super::definition::{Evaluation, Priors, Task, Truth};
use super::event::{Callback, Event};
use super::finite::in_training;
use super::row_results::RowResults;
use crate::dataset::{Dataset, Origin, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::Batch;
use crate::model::head::{Features, Head};
use crate::model::headed::{Cut, Model};
use crate::model::{MapShapes, Normalisation};
use crate::report::{ClassCounts, Emitted, Measured, RunFigures};
use crate::rows::{Stage, Transformed};
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
    /// How levels become inputs.
    pub(crate) normalisation: Normalisation,
}

/// What a model makes of the rows that it is evaluated on.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    pub(crate) measured: Measured,
    /// Their mean training loss, if it was asked for.
    pub(crate) loss: Option<f64>,
    /// What the predictions of single rows came to.
    pub(crate) rows: RowResults,
}

impl Evaluator<'_> {
    /// What a finished `head` makes of the raw features `rows`, or of the maps of these shapes. Where it trains, `training` is the head
    /// before it was finished.
    pub(crate) fn of_head(
        &self,
        head: &Head,
        training: Option<(&Head, Option<&Priors>)>,
        rows: &RecordBatch,
        maps: Option<&MapShapes>,
    ) -> Result<Evaluated> {
        let mut sums = Sums::new(self);
        // What a head makes of maps is larger than they are.
        let many = match maps {
            Some(_) => BATCH as usize,
            None => rows.num_rows().max(1),
        };
        for start in (0..rows.num_rows()).step_by(many) {
            let some = rows.slice(start, many.min(rows.num_rows() - start));
            sums.add(features_of(&some, maps, self.device)?, head, training, &some)?;
        }
        sums.end()
    }

    /// What a finished `model` makes of the images of `rows`, in the column `image` of what `stage` makes of them. Where it trains,
    /// `training` is the head before it was finished.
    pub(crate) fn of_model(
        &self,
        cx: &Context,
        (model, training): (&Model, Option<(&Head, Option<&Priors>)>),
        (rows, image): (&Arc<dyn Stable>, &str),
        stage: Arc<dyn Stage>,
        callback: Callback<'_>,
    ) -> Result<Evaluated> {
        let images = Transformed::new(Arc::clone(rows), stage)?;
        let mut sums = Sums::new(self);
        callback(Event::Begin {
            what: "evaluation",
            total: rows.len().finite().unwrap_or(0),
        });
        let mut done = 0;
        for batch in images.loader(cx).batch_size(BATCH).epochs(1).blocking()? {
            let batch = batch?;
            refuse_synthetic(&batch)?;
            let images = self.normalisation.inputs(batch.rows(), image, self.device)?;
            sums.add(model.features(Cut::images(images)), &model.head, training, batch.rows())?;
            done += batch.len() as u64;
            callback(Event::Done(done));
        }
        callback(Event::End);
        sums.end()
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

/// The features of `rows`: pooled ones, or `maps` of these shapes.
pub(super) fn features_of(rows: &RecordBatch, maps: Option<&MapShapes>, device: &Device) -> Result<Features> {
    let vectors = tensor::floats::<2>(rows, Extractor::COLUMN, device)?;
    Ok(match maps {
        Some(shapes) => Features::Maps(shapes.split(&vectors)),
        None => Features::Pooled(vectors),
    })
}

/// What batches of rows came to so far.
struct Sums<'a> {
    evaluator: &'a Evaluator<'a>,
    evaluation: Box<dyn Evaluation>,
    rows: RowResults,
    /// Sum of the losses, and how many rows have one.
    loss: (f64, u64),
}

impl<'a> Sums<'a> {
    fn new(evaluator: &'a Evaluator<'a>) -> Self {
        Self {
            evaluator,
            evaluation: evaluator.task.evaluation(),
            rows: RowResults::default(),
            loss: (0.0, 0),
        }
    }

    fn add(
        &mut self,
        features: Features,
        head: &Head,
        training: Option<(&Head, Option<&Priors>)>,
        rows: &RecordBatch,
    ) -> Result<()> {
        let task = self.evaluator.task;
        let truth = self.evaluator.truth(rows);
        if let Some((head, priors)) = training {
            let loss = task.loss(head.forward(features.clone())?, &Truth { priors, ..truth })?;
            let loss = loss.into_data().iter::<f32>().next().unwrap_or(f32::NAN);
            self.loss.0 += f64::from(loss) * rows.num_rows() as f64;
            self.loss.1 += rows.num_rows() as u64;
        }
        let predictions = task.predictions(head.forward(features)?, rows).map_err(in_training)?;
        self.evaluation.add(&predictions, &truth)?;
        self.rows.add(task, &predictions, &truth)
    }

    fn end(self) -> Result<Evaluated> {
        let (sum, rows) = self.loss;
        Ok(Evaluated {
            measured: self.evaluation.figures()?,
            loss: (rows > 0).then(|| sum / rows as f64),
            rows: self.rows,
        })
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
