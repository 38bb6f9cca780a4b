use crate::columns::index_of;
use crate::error::{Error, Result};
use crate::sink::tensor;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use burn::tensor::{Device, Int, Tensor};

/// What a classifier should say: a class for each row, or a probability of each class (soft labels, as MixUp makes them).
#[derive(Clone, Debug)]
pub struct Targets(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Classes {
        of: Tensor<1, Int>,
        /// The smallest and the largest, where they are known without asking the device.
        range: Option<(i64, i64)>,
    },
    Probabilities(Tensor<2>),
}

impl Targets {
    /// The label column of a batch: class numbers as [`classes`](crate::DatasetExt::classes) and
    /// [`balance`](crate::DatasetExt::balance) make them, or probabilities as [`mixup`](crate::DatasetExt::mixup) does.
    ///
    /// # Errors
    ///
    /// As [`tensor::ints`] and [`tensor::floats`].
    pub fn of(rows: &RecordBatch, column: &str, device: &Device) -> Result<Self> {
        let labels = rows.column(index_of(&rows.schema(), column)?);
        if let DataType::FixedSizeList(..) = labels.data_type() {
            return Ok(Self::from(tensor::floats::<2>(rows, column, device)?));
        }
        let numbers = labels.as_primitive_opt::<Int64Type>();
        let range = numbers.and_then(|of| Some((*of.values().iter().min()?, *of.values().iter().max()?)));
        Ok(Self(Kind::Classes {
            of: tensor::ints(rows, column, device)?,
            range,
        }))
    }

    /// Whether each row has one class.
    pub(super) fn is_hard(&self) -> bool {
        matches!(self.0, Kind::Classes { .. })
    }

    /// The probabilities of the classes for each row of `logits`: 1 for a row's class.
    pub(super) fn probabilities(&self, logits: &Tensor<2>) -> Result<Tensor<2>> {
        let [rows, classes] = logits.dims();
        let found = match &self.0 {
            Kind::Classes { of, .. } => [of.dims()[0], classes],
            Kind::Probabilities(of) => of.dims(),
        };
        if rows == 0 {
            return Err(Error::config("loss: there is no mean over a batch without rows"));
        }
        if found != [rows, classes] {
            return Err(Error::config(format!(
                "loss: the logits are of {rows} rows and {classes} classes, the targets of {} and {}",
                found[0], found[1]
            )));
        }
        match &self.0 {
            Kind::Classes { of, range } => match range {
                Some((first, last)) if *first < 0 || *last >= classes as i64 => Err(Error::config(format!(
                    "loss: the targets are of classes {first} to {last}, but the logits of {classes}"
                ))),
                // Burn's needs two classes at least.
                _ if classes == 1 => Ok(Tensor::ones([rows, 1], &logits.device())),
                _ => Ok(of.clone().one_hot::<2>(classes).float()),
            },
            Kind::Probabilities(of) => Ok(of.clone()),
        }
    }
}

/// The class of each row, from 0 to the number of logits; Burn panics for others.
impl From<Tensor<1, Int>> for Targets {
    fn from(of: Tensor<1, Int>) -> Self {
        Self(Kind::Classes { of, range: None })
    }
}

/// The probabilities of the classes for each row, `[rows, classes]`, each row of which sums to 1.
impl From<Tensor<2>> for Targets {
    fn from(of: Tensor<2>) -> Self {
        Self(Kind::Probabilities(of))
    }
}
