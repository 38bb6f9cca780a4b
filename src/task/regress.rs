//! Regression: a number a row.

use super::definition::{Evaluation, Task, Truth};
use super::finite::finite;
use super::targets::{TargetKind, Targets};
use crate::columns::index_of;
use crate::error::{Error, Result};
use crate::model::head::{Head, HeadConfig, Outputs};
use crate::report::{Figure, Measured, Resamples};
use crate::spec::Spec;
use arrow::array::{ArrayRef, AsArray, Float32Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A number a row: a linear head on pooled features.
///
/// Targets are standardised by the mean and the deviation of the training rows, which are folded into the head once it is trained,
/// so that a saved model gives numbers in the unit of the column. These are of 32 bits: targets that differ by less than that tells
/// apart are refused. Predictions have the column `value`. Figures are the mean
/// absolute error, the root mean squared error, which chooses, and R2, scikit-learn's `r2_score` (not defined where all targets
/// are equal); standard errors are by 200 bootstrap samples of rows, drawn with a fixed seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Regress {
    /// What is made small. Defaults to the squared error.
    pub loss: RegressionLoss,
    /// Mean of the targets. Bound to that of the training rows.
    pub mean: f64,
    /// Standard deviation of the targets; 1 where they are all equal. Bound to that of the training rows.
    pub std: f64,
}

/// The loss of a regression, on standardised targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegressionLoss {
    /// The mean squared error.
    #[default]
    Mse,
    /// The Huber loss: half the squared error up to `delta`, and beyond it `delta` times the error less half `delta`. For targets
    /// with outliers.
    Huber {
        /// Where it becomes linear, in standard deviations of the targets. PyTorch's default is 1.
        delta: f64,
    },
}

impl Default for Regress {
    fn default() -> Self {
        Self {
            loss: RegressionLoss::default(),
            mean: 0.0,
            std: 1.0,
        }
    }
}

impl Spec for Regress {
    const NAME: &'static str = "regress";

    fn check(&self) -> Result<()> {
        if let RegressionLoss::Huber { delta } = self.loss
            && !(delta > 0.0 && delta.is_finite())
        {
            return Err(Error::config(format!("delta is {delta}, and has to be above 0")));
        }
        match self.mean.is_finite() && self.std > 0.0 && self.std.is_finite() {
            true => Ok(()),
            false => Err(Error::config(format!(
                "mean is {} and std is {}: both have to be finite, and std above 0",
                self.mean, self.std
            ))),
        }
    }
}

impl Task for Regress {
    fn target(&self) -> TargetKind {
        TargetKind::Number
    }

    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        let Targets::Number(numbers) = targets else {
            return Err(Error::config("a regression needs numbers as targets"));
        };
        let n = numbers.len().max(1) as f64;
        let mean = numbers.iter().sum::<f64>() / n;
        let std = (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / n).sqrt();
        // The mean of equal numbers may be off by their last bit, which is no deviation.
        let equal = numbers.iter().all(|number| *number == numbers[0]);
        if !equal {
            check_precision(numbers, std)?;
        }
        Ok(Arc::new(Self {
            mean,
            std: if std > 0.0 && !equal { std } else { 1.0 },
            ..self.clone()
        }))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::linear(1)
    }

    /// The squared error is up to eight times as curved as cross-entropy.
    fn learning_rate(&self) -> f64 {
        0.001
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let numbers = numbers(truth.rows, truth.column)?;
        let standard: Vec<f32> = numbers
            .iter()
            .map(|number| ((number - self.mean) / self.std) as f32)
            .collect();
        let targets = Tensor::<2>::from_data(TensorData::new(standard, [numbers.len(), 1]), truth.device);
        let error = outputs.rows()? - targets;
        Ok(match self.loss {
            RegressionLoss::Mse => error.square().mean(),
            RegressionLoss::Huber { delta } => {
                let size = error.abs();
                let inner = size.clone().clamp_max(delta);
                // Half the square of the part up to delta, and delta times the rest.
                (inner.clone().square() * 0.5 + (size - inner) * delta).mean()
            }
        })
    }

    fn finish(&self, head: Head) -> Head {
        head.scaled(self.std as f32, self.mean as f32)
    }

    fn predictions(&self, outputs: Outputs, _: &RecordBatch) -> Result<RecordBatch> {
        let values = finite(outputs.rows()?, "values")?;
        let values: ArrayRef = Arc::new(Float32Array::from(values));
        Ok(RecordBatch::try_from_iter([("value", values)])?)
    }

    /// The absolute error, in the unit of the column.
    fn row_losses(&self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<Option<Vec<f64>>> {
        let (values, truth) = (numbers(predictions, "value")?, numbers(truth.rows, truth.column)?);
        Ok(Some(
            values
                .iter()
                .zip(truth)
                .map(|(value, truth)| (value - truth).abs())
                .collect(),
        ))
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        Box::new(Pairs::default())
    }
}

/// Refuses `numbers` whose deviation `std` predictions, which are of 32 bits, hardly show.
fn check_precision(numbers: &[f64], std: f64) -> Result<()> {
    /// Steps from one number of 32 bits to the next that make a deviation at least.
    const STEPS: f64 = 16.0;
    let largest = numbers
        .iter()
        .fold(0.0_f64, |largest, number| largest.max(number.abs()));
    let step = largest * f64::from(f32::EPSILON);
    if std >= STEPS * step && std >= f64::from(f32::MIN_POSITIVE) {
        return Ok(());
    }
    let (least, most) = numbers
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), number| {
            (least.min(*number), most.max(*number))
        });
    Err(Error::data(format!(
        "the targets lie between {least:e} and {most:e} with a deviation of {std:.2e}, which predictions of 32 bits cannot \
         tell: subtract a constant from them, or multiply by one"
    )))
}

/// The targets in `column` of `rows`.
fn numbers(rows: &RecordBatch, column: &str) -> Result<Vec<f64>> {
    let all = cast(rows.column(index_of(&rows.schema(), column)?), &DataType::Float64)?;
    Ok(all.as_primitive::<Float64Type>().values().to_vec())
}

/// Targets and predictions.
#[derive(Debug, Default)]
struct Pairs {
    truth: Vec<f64>,
    predicted: Vec<f64>,
}

impl Evaluation for Pairs {
    fn add(&mut self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        let column = predictions.column(index_of(&predictions.schema(), "value")?);
        let values = column.as_primitive_opt::<Float32Type>();
        let values = values
            .ok_or_else(|| Error::schema("column \"value\" holds no f32"))?
            .values();
        self.truth.extend(numbers(truth.rows, truth.column)?);
        self.predicted.extend(values.iter().map(|&value| f64::from(value)));
        Ok(())
    }

    fn figures(&self) -> Result<Measured> {
        let pairs = || self.truth.iter().zip(&self.predicted);
        let figures = |weights: &[u32]| {
            let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
                pairs()
                    .zip(weights)
                    .map(|((&y, &p), &weight)| f64::from(weight) * of(y, p))
                    .sum()
            };
            let n = sum(&|_, _| 1.0);
            let mean = sum(&|y, _| y) / n;
            let squares = sum(&|y, p| (y - p).powi(2));
            let spread = sum(&|y, _| (y - mean).powi(2));
            let all = [
                sum(&|y, p| (y - p).abs()) / n,
                (squares / n).sqrt(),
                1.0 - squares / spread,
            ];
            all.map(|figure| Some(figure).filter(|figure| figure.is_finite()))
                .to_vec()
        };
        let (figures, errors) = Resamples::of(self.truth.len()).errors(&figures);
        let figure = |at: usize| Figure::new(figures[at], errors[at]);
        Ok(Measured::new(self.truth.len() as u64, "rmse")
            .lower_is_better()
            .with("mae", figure(0))
            .with("rmse", figure(1))
            .with("r2", figure(2)))
    }
}
