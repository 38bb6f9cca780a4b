//! The rows of one split of a data set in the form in which a network takes them.

use super::encoder::Encoder;
use super::network::NetworkConfig;
use crate::columns::{index_of, tensor_values};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::order::Split;
use crate::rows::Labels;
use arrow::array::{Array, RecordBatch};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What a network is given of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// What a pretrained network makes of a picture: its weights are frozen, and a linear layer is trained on its features.
    Pretrained,
    /// The pixels of a picture, on which a small network is trained from scratch.
    FromScratch,
    /// Columns of a table: numbers with mean 0 and deviation 1, categories as one column a value; a linear layer is trained on them, which is
    /// logistic regression.
    Columns,
    /// The same columns, on which a random forest is fitted.
    Forest,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pretrained => "pretrained",
            Self::FromScratch => "from scratch",
            Self::Columns => "columns",
            Self::Forest => "forest",
        })
    }
}

/// How a network trains.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TrainingOptions {
    pub(super) steps: u64,
    pub(super) batch_size: u64,
    /// Of the first step; it falls to 0 along a half cosine.
    pub(super) learning_rate: f64,
    /// In the gradient.
    pub(super) weight_decay: f32,
}

/// How the rows of a batch become numbers.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    /// They stand in this tensor column.
    Tensor(String),
    /// They are made of columns.
    Encoded(Arc<Encoder>),
}

impl Reading {
    /// `[rows, numbers]`.
    pub(super) fn inputs(&self, rows: &RecordBatch, device: &Device) -> Result<Tensor<2>> {
        let (values, width) = match self {
            Self::Encoded(encoder) => (encoder.encode(rows)?, encoder.width()),
            Self::Tensor(column) => {
                let array = rows.column(index_of(&rows.schema(), column)?);
                let (list, values, width) = tensor_values(array)
                    .ok_or_else(|| Error::schema(format!("column {column:?} is no tensor of f32 without nulls")))?;
                let first = list.value_offset(0) as usize;
                (values.values()[first..first + list.len() * width].to_vec(), width)
            }
        };
        Ok(Tensor::from_data(
            TensorData::new(values, [rows.num_rows(), width]),
            device,
        ))
    }
}

/// Training rows and what a network that was trained on them is tested on.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) input: Input,
    /// Training rows without augmentation.
    pub(super) plain: Arc<dyn Stable>,
    /// The same in several views, where they are augmented.
    pub(super) augmented: Option<Arc<dyn Stable>>,
    /// Training rows as they are stored, for generators of those.
    pub(super) stored: Option<Stored>,
    pub(super) column: String,
    pub(super) label: String,
    pub(super) labels: Arc<Labels>,
    pub(super) network: NetworkConfig,
    pub(super) options: TrainingOptions,
    pub(super) test: TestRows,
}

/// Training rows as they are stored.
#[derive(Clone)]
pub(super) enum Stored {
    /// Columns of a table, and how they become numbers.
    Columns(Arc<dyn Stable>, Arc<Encoder>),
    /// Encoded pictures, and what becomes of such.
    Pictures(Arc<dyn Stable>, Arc<Encoding>),
}

/// What makes rows that a network takes of encoded pictures.
pub(super) type Encoding = dyn Fn(&Context, Arc<dyn Stable>) -> Result<Arc<dyn Stable>> + Send + Sync;

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns(rows, _) => f.debug_tuple("Columns").field(rows).finish_non_exhaustive(),
            Self::Pictures(rows, _) => f.debug_tuple("Pictures").field(rows).finish_non_exhaustive(),
        }
    }
}

/// Rows that a network is tested on.
#[derive(Clone, Debug)]
pub(super) struct TestRows {
    /// `[rows, numbers]`.
    pub(super) inputs: Tensor<2>,
    pub(super) classes: Vec<u32>,
}

impl Input {
    /// Whether it is what a table has.
    pub(super) fn is_table(self) -> bool {
        matches!(self, Self::Columns | Self::Forest)
    }
}

impl Rows {
    /// Training rows, augmented where they are to be and can be.
    pub(super) fn train(&self, augmented: bool) -> &Arc<dyn Stable> {
        let views = self.augmented.as_ref().filter(|_| augmented);
        views.unwrap_or(&self.plain)
    }

    /// Names of the classes.
    pub(super) fn classes(&self) -> &[String] {
        self.labels.names()
    }

    /// A part of the training rows, tested on another part of them.
    pub(super) fn fold(&self, cx: &Context, split: &Split, device: &Device) -> Result<Self> {
        let select = |rows: &Arc<dyn Stable>| -> Result<Arc<dyn Stable>> {
            Ok(Arc::new(Arc::clone(rows).select(split.train.clone())?))
        };
        let held_out = cx.block_on(self.plain.take(cx, &split.held_out))?;
        let reading = Reading::Tensor(self.column.clone());
        let part = split.train.len() as f64 / self.labels.len() as f64;
        let steps = (self.options.steps as f64 * part).ceil() as u64;
        Ok(Self {
            plain: select(&self.plain)?,
            augmented: self.augmented.as_ref().map(select).transpose()?,
            stored: match &self.stored {
                Some(Stored::Columns(rows, encoder)) => Some(Stored::Columns(select(rows)?, Arc::clone(encoder))),
                Some(Stored::Pictures(rows, image)) => Some(Stored::Pictures(select(rows)?, Arc::clone(image))),
                None => None,
            },
            labels: Arc::new(self.labels.select(&split.train)),
            options: TrainingOptions {
                steps: steps.max(1),
                ..self.options
            },
            test: TestRows {
                inputs: reading.inputs(&held_out, device)?,
                classes: split.held_out.iter().map(|&row| self.labels.class(row)).collect(),
            },
            ..self.clone()
        })
    }
}
