//! Multi-label classification: any number of classes a row.

use super::definition::{Evaluation, Task, Truth};
use super::finite::{finite, probabilities};
use super::targets::{TargetKind, Targets};
use crate::columns::index_of;
use crate::error::{Error, Result};
use crate::model::head::{HeadConfig, Outputs};
use crate::report::{Figure, Measured, Resamples, share_error};
use crate::sink::tensor;
use crate::spec::Spec;
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type};
use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A list of classes a row: a linear head on pooled features, binary cross-entropy of each class (from logits, summed over
/// classes and averaged over rows).
///
/// Predictions have the columns `classes` (numbers, ascending), `names` and `probabilities` (one for each class, 0 to 1); a class is
/// in the list where its probability is at least [`threshold`](Self::threshold). Figures are micro and macro F1 of these lists
/// and the mean average precision over the classes that have rows, which chooses; of each class recall, F1 and average precision.
/// All are scikit-learn's (with `zero_division=0`), save that macro F1 leaves out classes that neither have rows nor were predicted.
/// Standard errors of recalls are [those of shares](share_error), all others by 200 bootstrap samples of rows, drawn with a fixed seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiLabel {
    /// The names of the classes, in the order of the outputs. Those of the training rows where it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The least probability of a class that is predicted, 0 to 1. Defaults to 0.5.
    pub threshold: f32,
}

impl Default for MultiLabel {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            threshold: 0.5,
        }
    }
}

impl Spec for MultiLabel {
    const NAME: &'static str = "multilabel";

    fn check(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.threshold) {
            true => Ok(()),
            false => Err(Error::config(format!("threshold is {}, not in 0 to 1", self.threshold))),
        }
    }
}

impl Task for MultiLabel {
    fn target(&self) -> TargetKind {
        TargetKind::MultiLabel
    }

    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        if targets.names().is_empty() {
            return Err(Error::data(
                "every list of classes is empty, so there is nothing to learn",
            ));
        }
        Ok(Arc::new(Self {
            classes: targets.names().to_vec(),
            ..self.clone()
        }))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::linear(self.classes.len())
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let logits = outputs.rows()?;
        let hot: Tensor<2> = tensor::multi_hot(truth.rows, truth.column, self.classes.len(), truth.device)?;
        Ok(binary_cross_entropy(logits, hot))
    }

    fn predictions(&self, outputs: Outputs, _: &RecordBatch) -> Result<RecordBatch> {
        let count = self.classes.len();
        let shares = finite(sigmoid(outputs.rows()?), "probabilities")?;
        let (mut classes, mut ends) = (Vec::new(), vec![0_i32]);
        for row in shares.chunks_exact(count) {
            classes.extend(
                (0_i64..)
                    .zip(row)
                    .filter(|(_, share)| **share >= self.threshold)
                    .map(|(class, _)| class),
            );
            let end = i32::try_from(classes.len());
            ends.push(end.map_err(|_| Error::data("the predictions have more than 2^31 classes: take fewer rows"))?);
        }
        let names: StringArray = classes
            .iter()
            .map(|&class| Some(self.classes[class as usize].as_str()))
            .collect();
        let list = |values: ArrayRef| {
            let item = Arc::new(Field::new_list_field(values.data_type().clone(), values.is_nullable()));
            ListArray::try_new(item, OffsetBuffer::new(ends.clone().into()), values, None)
        };
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let all = FixedSizeListArray::try_new(item, count as i32, Arc::new(Float32Array::from(shares)), None)?;
        Ok(RecordBatch::try_from_iter([
            (
                "classes",
                Arc::new(list(Arc::new(Int64Array::from(classes)))?) as ArrayRef,
            ),
            ("names", Arc::new(list(Arc::new(names))?)),
            ("probabilities", Arc::new(all)),
        ])?)
    }

    /// Binary cross-entropy of each class, summed over the classes.
    fn row_losses(&self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<Option<Vec<f64>>> {
        let wrong = || Error::schema(format!("column {:?} holds no classes", truth.column));
        let shares = probabilities(predictions)?;
        let lists = truth.rows.column(index_of(&truth.rows.schema(), truth.column)?);
        let lists = lists.as_list_opt::<i32>().ok_or_else(wrong)?;
        let least = |share: f32| -f64::from(share.max(f32::MIN_POSITIVE)).ln();
        let mut losses = Vec::with_capacity(lists.len());
        for (row, shares) in shares.chunks_exact(self.classes.len().max(1)).enumerate() {
            let list = lists.value(row);
            let list = list.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values();
            let of = |(class, &share): (i64, &f32)| match list.contains(&class) {
                true => least(share),
                false => least(1.0 - share),
            };
            losses.push((0..).zip(shares).map(of).sum());
        }
        Ok(Some(losses))
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        Box::new(Lists {
            threshold: self.threshold,
            truth: vec![Vec::new(); self.classes.len()],
            shares: vec![Vec::new(); self.classes.len()],
        })
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// `-(y log p + (1 - y) log (1 - p))` of logits, summed over classes and averaged over rows, so that each class learns as fast however
/// many there are: PyTorch's `binary_cross_entropy_with_logits`, times the number of classes.
fn binary_cross_entropy(logits: Tensor<2>, hot: Tensor<2>) -> Tensor<1> {
    let negative = log_sigmoid(logits.clone().neg());
    let positive = log_sigmoid(logits);
    let [rows, _] = hot.dims();
    (hot.clone() * positive + (hot.neg() + 1.0) * negative)
        .sum()
        .div_scalar(-(rows as f32))
}

/// Truth and probability of each class in each row.
#[derive(Debug)]
struct Lists {
    threshold: f32,
    truth: Vec<Vec<bool>>,
    shares: Vec<Vec<f32>>,
}

impl Evaluation for Lists {
    fn add(&mut self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        let wrong = |name: &str| Error::schema(format!("column {name:?} holds no classes"));
        let of =
            |rows: &RecordBatch, name: &str| Ok::<_, Error>(Arc::clone(rows.column(index_of(&rows.schema(), name)?)));
        let (all, lists) = (of(predictions, "probabilities")?, of(truth.rows, truth.column)?);
        let all = all.as_fixed_size_list_opt().ok_or_else(|| wrong("probabilities"))?;
        let lists = lists.as_list_opt::<i32>().ok_or_else(|| wrong(truth.column))?;
        for row in 0..all.len() {
            let (all, list) = (all.value(row), lists.value(row));
            let all = all
                .as_primitive_opt::<Float32Type>()
                .ok_or_else(|| wrong("probabilities"))?;
            let list = list
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| wrong(truth.column))?;
            for (class, shares) in self.shares.iter_mut().enumerate() {
                shares.push(all.value(class));
                self.truth[class].push(list.values().contains(&(class as i64)));
            }
        }
        Ok(())
    }

    fn figures(&self) -> Result<Measured> {
        let rows = self.truth.first().map_or(0, Vec::len);
        let classes: Vec<Class> = (self.truth.iter())
            .zip(&self.shares)
            .map(|(truth, shares)| Class::new(truth, shares, self.threshold))
            .collect();
        let scores = |weights: &[u32]| scores_of(classes.iter().map(|class| class.scores(weights)));
        let resamples = Resamples::of(rows);
        let (figures, errors) = resamples.errors(&scores);
        let figure = |at: usize| Figure::new(figures[at], errors[at]);
        let of_class = |at: usize| (0..classes.len()).map(|class| figure(3 + 3 * class + at)).collect();
        // A share of the rows of a class, as that of a class of one row each.
        let every = vec![1; rows];
        let recalls = classes.iter().enumerate().map(|(at, class)| {
            let scores = class.scores(&every);
            Figure::new(
                figures[3 + 3 * at],
                share_error(scores.right as u64, scores.there as u64),
            )
        });
        let measured = Measured::new(rows as u64, "mean_average_precision")
            .with("micro_f1", figure(0))
            .with("macro_f1", figure(1))
            .with("mean_average_precision", figure(2))
            .with_classes("recall", recalls.collect())
            .with_classes("f1", of_class(1))
            .with_classes("average_precision", of_class(2));
        let tested = |truth: &Vec<bool>| truth.iter().filter(|there| **there).count() as u64;
        Ok(Measured {
            tested: self.truth.iter().map(tested).collect(),
            ..measured
        })
    }
}

/// Micro F1, macro F1, mean average precision, and recall, F1 and average precision of each class. `None` where it is not defined.
fn scores_of(classes: impl Iterator<Item = Scores>) -> Vec<Option<f64>> {
    let classes: Vec<Scores> = classes.collect();
    let sum = |of: fn(&Scores) -> f64| classes.iter().map(of).sum::<f64>();
    let micro = ratio(
        2.0 * sum(|class| class.right),
        sum(|class| class.there) + sum(|class| class.predicted),
    );
    let f1 = |class: &Scores| ratio(2.0 * class.right, class.there + class.predicted);
    let all = vec![
        micro,
        mean(classes.iter().filter_map(f1)),
        mean(classes.iter().filter_map(|class| class.average_precision)),
    ];
    let own = classes
        .iter()
        .flat_map(|class| [ratio(class.right, class.there), f1(class), class.average_precision]);
    all.into_iter().chain(own.collect::<Vec<_>>()).collect()
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    ratio(sum, count)
}

/// The rows of one class, the most probable first.
struct Class {
    /// Row, whether it is of the class, whether it is predicted, and whether the next row's probability is lower.
    rows: Vec<(usize, bool, bool, bool)>,
}

/// How a class was found among rows that count several times or never.
struct Scores {
    right: f64,
    there: f64,
    predicted: f64,
    average_precision: Option<f64>,
}

impl Class {
    fn new(truth: &[bool], shares: &[f32], threshold: f32) -> Self {
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
        let row = |(at, &row): (usize, &usize)| {
            let ends = order.get(at + 1).is_none_or(|&next| shares[next] < shares[row]);
            (row, truth[row], shares[row] >= threshold, ends)
        };
        Self {
            rows: order.iter().enumerate().map(row).collect(),
        }
    }

    /// Average precision is `sum of (R_n - R_{n-1}) P_n` over the distinct probabilities, as scikit-learn's.
    fn scores(&self, weights: &[u32]) -> Scores {
        let (mut right, mut there, mut predicted) = (0.0, 0.0, 0.0);
        let (mut seen, mut hits, mut hits_before, mut area) = (0.0, 0.0, 0.0, 0.0);
        for &(row, is_there, is_predicted, ends) in &self.rows {
            let weight = f64::from(weights[row]);
            seen += weight;
            if is_there {
                there += weight;
                hits += weight;
            }
            if is_predicted {
                predicted += weight;
                right += if is_there { weight } else { 0.0 };
            }
            if ends && hits > hits_before {
                area += (hits - hits_before) * hits / seen;
                hits_before = hits;
            }
        }
        Scores {
            right,
            there,
            predicted,
            average_precision: ratio(area, there),
        }
    }
}
