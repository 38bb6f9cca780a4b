//! What a model makes of the validation set.

use super::datasets::Datasets;
use super::event::{Callback, Event};
use super::prepare::Prepared;
use crate::dataset::Origin;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::Image;
use crate::loader::Batch;
use crate::model::Classifier;
use crate::report::{ClassCounts, Confusion, Emitted, RunFigures};
use crate::sink::tensor;
use crate::train::Extractor;
use arrow::array::RecordBatch;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `model` makes of the validation images as `image` reads them.
pub(crate) fn of_model(
    cx: &Context,
    datasets: &Datasets,
    model: &Classifier,
    image: Image,
    callback: Callback<'_>,
) -> Result<Confusion> {
    let device = Device::flex();
    let images = Arc::clone(&datasets.valid).image(&datasets.image, image)?;
    let mut confusion = Confusion::new(datasets.labels.names().len());
    callback(Event::Begin {
        what: "evaluation",
        total: datasets.valid_rows(),
    });
    let mut done = 0;
    for batch in images.loader(cx).batch_size(32).epochs(1).blocking()? {
        let batch = batch?;
        refuse_synthetic(&batch)?;
        let logits = model.forward(tensor::floats::<4>(batch.rows(), &datasets.image, &device)?);
        record(&mut confusion, &labels_of(batch.rows(), &datasets.label)?, logits)?;
        done += batch.len() as u64;
        callback(Event::Done(done));
    }
    callback(Event::End);
    Ok(confusion)
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

fn labels_of(rows: &RecordBatch, column: &str) -> Result<Vec<i64>> {
    Ok(tensor::ints(rows, column, &Device::flex())?
        .into_data()
        .iter::<i64>()
        .collect())
}

fn record(confusion: &mut Confusion, truth: &[i64], logits: Tensor<2>) -> Result<()> {
    let predicted = logits.argmax(1).into_data();
    truth
        .iter()
        .zip(predicted.iter::<i64>())
        .try_for_each(|(&t, p)| confusion.record(t as usize, p as usize))
}

/// What a head on the frozen backbone makes of the validation features.
pub(crate) fn of_head(head: &Linear, prepared: &Prepared) -> Result<Confusion> {
    let (device, rows) = (Device::flex(), prepared.valid.rows());
    let mut confusion = Confusion::new(prepared.datasets.labels.names().len());
    let features = tensor::floats::<2>(rows, Extractor::COLUMN, &device)?;
    let labels = labels_of(rows, &prepared.datasets.label)?;
    record(&mut confusion, &labels, head.forward(features))?;
    Ok(confusion)
}

/// What a run is reported by.
pub(crate) fn figures(
    datasets: &Datasets,
    emitted: &BTreeMap<(Option<u32>, Origin), u64>,
    confusion: Confusion,
    seconds: f64,
) -> Result<RunFigures> {
    let of = |class: usize, origin| emitted.get(&(Some(class as u32), origin)).copied().unwrap_or(0);
    let counts: Vec<_> = (0..).zip(datasets.labels.counts()).collect();
    let counts: Vec<_> = counts
        .into_iter()
        .map(|(class, before)| ClassCounts {
            before,
            emitted: Emitted {
                real: of(class, Origin::Real),
                augmented: of(class, Origin::Augmented),
                synthetic: of(class, Origin::Synthetic),
            },
        })
        .collect();
    RunFigures::new(datasets.labels.names(), &counts, confusion, seconds)
}
