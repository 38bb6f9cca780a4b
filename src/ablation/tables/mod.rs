//! Tables: files of the KEEL repository, split anew for each seed.

mod keel;

pub use keel::{KeelColumn, KeelTable, KeelValues};

use super::encoder::Encoder;
use super::network::NetworkConfig;
use super::rows::{Input, Reading, Rows, Stored, TestRows, TrainingOptions};
use crate::columns::{index_of, into_list, tensor_field};
use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::order::stratified_folds;
use crate::rows::Labels;
use crate::source::Memory;
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Schema};
use burn::tensor::Device;
use std::path::Path;
use std::sync::Arc;

/// A table whose rows are split for each seed.
#[derive(Debug)]
pub(super) struct Table {
    rows: Arc<dyn Stable>,
    inputs: Vec<String>,
    label: String,
    labels: Labels,
    steps: u64,
}

impl Table {
    /// Parts of a cross-validation: each seed of five holds out another fifth of the rows, stratified, and the next five another cut.
    const FOLDS: u64 = 5;
    /// Steps of 64 rows: as many for a small table as for a large one.
    const STEPS: u64 = 1000;
    const QUICK_STEPS: u64 = 300;
    const BATCH: u64 = 64;
    const FEATURES: &str = "features";

    pub(super) fn open(cx: &Context, path: &Path, quick: bool) -> Result<Self> {
        let table = KeelTable::read(path)?;
        let steps = if quick { Self::QUICK_STEPS } else { Self::STEPS };
        Self::new(cx, &table, steps).map_err(|error| error.context(path.display().to_string()))
    }

    fn new(cx: &Context, table: &KeelTable, steps: u64) -> Result<Self> {
        let mut label = "class".to_owned();
        while table.inputs.iter().any(|input| input.name == label) {
            label.push('_');
        }
        let column = |input: &KeelColumn| -> (String, ArrayRef, bool) {
            let array: ArrayRef = match &input.values {
                KeelValues::Numbers(values) => Arc::new(Float64Array::from(values.clone())),
                KeelValues::Categories(values) => Arc::new(StringArray::from(values.clone())),
            };
            (input.name.clone(), array, true)
        };
        let classes: ArrayRef = Arc::new(StringArray::from(table.classes.clone()));
        let columns = table.inputs.iter().map(column);
        let all = columns.chain([(label.clone(), classes, false)]);
        let memory = Memory::new(vec![RecordBatch::try_from_iter_with_nullable(all)?])?;
        let rows: Arc<dyn Stable> = Arc::new(cx.block_on(memory.classes(cx, &label))?);
        Ok(Self {
            labels: cx.block_on(Labels::scan(cx, &rows, &label))?,
            rows,
            inputs: table.inputs.iter().map(|input| input.name.clone()).collect(),
            label,
            steps,
        })
    }

    /// What tells the table from another one.
    pub(super) fn fingerprint(&self) -> String {
        self.rows.describe().fingerprint()
    }

    /// Training and test rows under `seed`, for a linear layer or for a forest.
    pub(super) fn rows(&self, cx: &Context, input: Input, seed: u64, device: &Device) -> Result<Rows> {
        let mut splits = stratified_folds(self.labels.iter(), Self::FOLDS as usize, seed / Self::FOLDS);
        let split = splits.swap_remove((seed % Self::FOLDS) as usize);
        let [train, test] = [&split.train, &split.held_out].map(|rows| cx.block_on(self.rows.take(cx, rows)));
        let (train, test) = (train?, test?);
        let encoder = Encoder::fit(&train, &self.inputs)?;
        let width = encoder.width();
        let schema = train.schema();
        let at = index_of(&schema, &self.label)?;
        let field = tensor_field(Self::FEATURES, &DataType::Float32, &[width])?;
        let features = into_list(&field, encoder.encode(&train)?)?;
        let plain = RecordBatch::try_new(
            Arc::new(Schema::new(vec![Arc::new(field), Arc::clone(&schema.fields()[at])])),
            vec![features, Arc::clone(train.column(at))],
        )?;
        let encoder = Arc::new(encoder);
        let reading = Reading::Encoded(Arc::clone(&encoder));
        let (network, steps) = match input {
            // As many rows as there are.
            Input::Forest => (
                NetworkConfig::Forest(width),
                (split.train.len() as u64).div_ceil(Self::BATCH),
            ),
            _ => (NetworkConfig::Linear(width), self.steps),
        };
        Ok(Rows {
            input,
            plain: Arc::new(Memory::new(vec![plain])?),
            augmented: None,
            stored: Some(Stored::Columns(
                Arc::new(Arc::clone(&self.rows).select(split.train.clone())?),
                encoder,
            )),
            column: Self::FEATURES.to_owned(),
            label: self.label.clone(),
            labels: Arc::new(self.labels.select(&split.train)),
            network,
            options: TrainingOptions {
                steps,
                batch_size: Self::BATCH,
                learning_rate: 0.05,
                weight_decay: 1e-3,
            },
            test: TestRows {
                inputs: reading.inputs(&test, device)?,
                classes: split.held_out.iter().map(|&row| self.labels.class(row)).collect(),
            },
        })
    }
}
