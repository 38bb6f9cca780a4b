//! Classification: one class a row.

use super::definition::{Evaluation, Task, Truth};
use super::finite::{finite, probabilities};
use super::targets::{TargetKind, Targets};
use crate::columns::index_of;
use crate::error::{Error, Result};
use crate::model::head::{HeadConfig, Outputs};
use crate::report::{Confusion, Measured};
use crate::sink::tensor;
use crate::spec::Spec;
use crate::train::loss::{self, Loss};
use arrow::array::{ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Field, Int64Type};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One class a row: a linear head on pooled features, cross-entropy or another [`Loss`]. It is learnt from shares of classes as well, as `mixup` and
/// `cutmix` leave them.
///
/// Predictions have the columns `class` (a number), `name`, `probability` (of that class, 0 to 1) and `probabilities` (of all
/// classes, in their order). Figures are those of [`Measured::of_classes`]; the balanced accuracy chooses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Classify {
    /// The names of the classes, in the order of the outputs. Those of the training rows where it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// What is made small, where the strategy has no loss. Defaults to cross-entropy.
    pub loss: Loss,
}

impl Spec for Classify {
    const NAME: &'static str = "classify";

    fn check(&self) -> Result<()> {
        self.loss.spec().check()
    }
}

impl Task for Classify {
    fn target(&self) -> TargetKind {
        TargetKind::Class
    }

    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        Ok(Arc::new(Self {
            classes: targets.names().to_vec(),
            loss: self.loss.clone(),
        }))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::linear(self.classes.len())
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let logits = outputs.rows()?;
        if let Some(loss) = truth.priors.and_then(|priors| priors.loss.as_ref()) {
            let targets = loss::Targets::of(truth.rows, truth.column, truth.device)?;
            return loss.forward(logits, &targets);
        }
        let labels = truth.rows.column(index_of(&truth.rows.schema(), truth.column)?);
        if let DataType::FixedSizeList(..) = labels.data_type() {
            let shares = tensor::floats::<2>(truth.rows, truth.column, truth.device)?;
            return Ok((shares * log_softmax(logits, 1)).sum_dim(1).mean().neg());
        }
        let targets = tensor::ints(truth.rows, truth.column, truth.device)?;
        Ok(CrossEntropyLossConfig::new()
            .init(truth.device)
            .forward(logits, targets))
    }

    fn takes_soft_labels(&self) -> bool {
        true
    }

    fn class_loss(&self) -> Option<&Loss> {
        Some(&self.loss)
    }

    fn uses_priors(&self) -> bool {
        self.loss != Loss::default()
    }

    fn predictions(&self, outputs: Outputs, _: &RecordBatch) -> Result<RecordBatch> {
        let logits = outputs.rows()?;
        let classes = self.classes.len();
        let best: Vec<i64> = logits.clone().argmax(1).into_data().iter::<i64>().collect();
        let shares = finite(softmax(logits, 1), "probabilities")?;
        let chosen = shares
            .chunks_exact(classes)
            .zip(&best)
            .map(|(row, &best)| row[best as usize]);
        let chosen = Float32Array::from_iter_values(chosen);
        let name = best.iter().map(|&best| Some(self.classes[best as usize].as_str()));
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let all = Float32Array::from(shares);
        let all = FixedSizeListArray::try_new(item, classes as i32, Arc::new(all), None)?;
        let name: ArrayRef = Arc::new(name.collect::<StringArray>());
        Ok(RecordBatch::try_from_iter([
            ("class", Arc::new(Int64Array::from(best)) as ArrayRef),
            ("name", name),
            ("probability", Arc::new(chosen)),
            ("probabilities", Arc::new(all)),
        ])?)
    }

    /// Cross-entropy: `-ln p` of the probability of the true class.
    fn row_losses(&self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<Option<Vec<f64>>> {
        let classes = class_numbers(truth.rows, truth.column)?;
        let shares = probabilities(predictions)?;
        let loss = |(row, &class): (usize, &i64)| {
            let share = usize::try_from(class).ok().and_then(|class| {
                let at = row * self.classes.len() + class;
                (class < self.classes.len()).then(|| shares.get(at)).flatten()
            });
            share
                .map(|share| -f64::from(share.max(f32::MIN_POSITIVE)).ln())
                .ok_or_else(|| Error::data(format!("class {class} of {} classes", self.classes.len())))
        };
        classes.iter().enumerate().map(loss).collect::<Result<_>>().map(Some)
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        Box::new(Matrix(Confusion::new(self.classes.len())))
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// The class numbers in `column`.
fn class_numbers(rows: &RecordBatch, column: &str) -> Result<ScalarBuffer<i64>> {
    let array = rows.column(index_of(&rows.schema(), column)?);
    let numbers = array.as_primitive_opt::<Int64Type>();
    let numbers = numbers.map(|numbers| numbers.values().clone());
    numbers.ok_or_else(|| Error::schema(format!("column {column:?} holds no class numbers")))
}

/// Counts truth against prediction.
#[derive(Debug)]
struct Matrix(Confusion);

impl Evaluation for Matrix {
    fn add(&mut self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        let predicted = class_numbers(predictions, "class")?;
        let truth = class_numbers(truth.rows, truth.column)?;
        let pairs = truth.iter().zip(&predicted);
        pairs
            .map(|(&truth, &predicted)| (truth as usize, predicted as usize))
            .try_for_each(|(truth, predicted)| self.0.record(truth, predicted))
    }

    fn figures(&self) -> Result<Measured> {
        Ok(Measured::of_classes(self.0.clone()))
    }
}
