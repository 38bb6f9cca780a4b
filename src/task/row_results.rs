//! What predictions of single rows came to: the worst rows, and numbers beside their targets.

use super::definition::{Task, Truth};
use super::row_masks::{classes_of, shares_in_words};
use super::segment::{has_masks, predicted_masks, true_masks};
use super::targets::TargetKind;
use crate::columns::index_of;
use crate::error::Result;
use crate::image::Mask;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use std::collections::BTreeMap;

/// Worst rows that are kept.
const WORST: usize = 24;

/// Numbers that are kept beside their targets: a picture shows no more.
const PAIRS: usize = 20_000;

/// What the predictions of rows came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowResults {
    /// The worst rows, the worst first; of equally bad ones the earlier first.
    pub(crate) worst: Vec<WorstRow>,
    /// Target and prediction of the first rows, where both are numbers.
    pub(crate) pairs: Vec<(f64, f64)>,
    rows: u64,
    /// Of each class, the sum of its rows' losses and how many there are, where each row has one class.
    losses: BTreeMap<i64, (f64, u64)>,
}

/// A row that was predicted badly.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WorstRow {
    /// Its position among the rows.
    pub(crate) row: u64,
    pub(crate) loss: f64,
    /// What was predicted, in words.
    pub(crate) predicted: String,
    /// Its mask and the one that was predicted, where there are masks.
    pub(crate) masks: Option<[Mask; 2]>,
}

impl RowResults {
    /// Adds the `predictions` of the next rows.
    pub(crate) fn add(&mut self, task: &dyn Task, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        let classes = match task.target() {
            TargetKind::Class => truth.rows.column_by_name(truth.column),
            _ => None,
        };
        let classes = classes.and_then(|classes| classes.as_primitive_opt::<Int64Type>());
        for (at, loss) in task.row_losses(predictions, truth)?.into_iter().flatten().enumerate() {
            if let Some(classes) = classes {
                let of = self.losses.entry(classes.value(at)).or_default();
                *of = (of.0 + loss, of.1 + 1);
            }
            let place = self.worst.partition_point(|worst| worst.loss >= loss);
            if place < WORST {
                let row = WorstRow {
                    row: self.rows + at as u64,
                    loss,
                    predicted: in_words(predictions, at),
                    masks: None,
                };
                self.worst.insert(place, row);
                self.worst.truncate(WORST);
            }
        }
        // A task that learns from masks need not predict any.
        if matches!(task.target(), TargetKind::Mask { .. }) && has_masks(predictions) {
            self.add_masks(task.classes(), predictions, truth)?;
        }
        self.rows += predictions.num_rows() as u64;
        let value = predictions.column_by_name("value");
        let values = value.and_then(|value| value.as_primitive_opt::<Float32Type>());
        if let Some(values) = values.filter(|_| task.target() == TargetKind::Number) {
            let column = truth.rows.column(index_of(&truth.rows.schema(), truth.column)?);
            let targets = cast(column, &DataType::Float64)?;
            let targets = targets.as_primitive::<Float64Type>().values();
            let room = PAIRS.saturating_sub(self.pairs.len());
            let pairs = targets.iter().zip(values.values());
            self.pairs
                .extend(pairs.take(room).map(|(&target, &value)| (target, f64::from(value))));
        }
        Ok(())
    }
}

impl RowResults {
    /// The mean loss of the rows of class `class`; NaN where there are none.
    pub(crate) fn mean_loss(&self, class: usize) -> f64 {
        let of = self.losses.get(&(class as i64));
        of.map_or(f64::NAN, |(sum, rows)| sum / *rows as f64)
    }
}

impl RowResults {
    /// The masks of the worst rows among the next ones.
    fn add_masks(&mut self, names: &[String], predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        let rows = self.rows..self.rows + predictions.num_rows() as u64;
        let worst: Vec<_> = (self.worst.iter_mut())
            .filter(|worst| rows.contains(&worst.row))
            .collect();
        if worst.is_empty() {
            return Ok(());
        }
        let (truth, found) = (true_masks(truth)?, predicted_masks(predictions)?);
        for worst in worst {
            let at = (worst.row - rows.start) as usize;
            worst.predicted = shares_in_words(&classes_of(&found[at].values), names);
            worst.masks = Some([truth[at].clone(), found[at].clone()]);
        }
        Ok(())
    }
}

/// What `predictions` say of `row`: a class and its probability, classes, or a number; empty where they say something else.
fn in_words(predictions: &RecordBatch, row: usize) -> String {
    let column = |name| predictions.column_by_name(name);
    let number = |name| {
        column(name)
            .and_then(|column| column.as_primitive_opt::<Float32Type>())
            .map(|numbers| numbers.value(row))
    };
    if let Some(name) = column("name").and_then(|names| names.as_string_opt::<i32>()) {
        let share = number("probability").map_or(String::new(), |share| format!(" ({share:.2})"));
        return format!("{}{share}", name.value(row));
    }
    if let Some(names) = column("names").and_then(|names| names.as_list_opt::<i32>()) {
        let names = names.value(row);
        let names = names
            .as_string_opt::<i32>()
            .into_iter()
            .flat_map(|names| names.iter().flatten());
        return names.collect::<Vec<_>>().join(" | ");
    }
    number("value").map_or(String::new(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Classify, Regress};
    use arrow::array::{ArrayRef, Float64Array, Int64Array};
    use burn::tensor::{Device, Tensor, TensorData};
    use std::sync::Arc;

    fn outputs(values: &[f32], width: usize) -> crate::model::Outputs {
        let data = TensorData::new(values.to_vec(), [values.len() / width, width]);
        crate::model::Outputs::Rows(Tensor::from_data(data, &Device::flex()))
    }

    fn results(task: &dyn Task, values: &[f32], width: usize, targets: ArrayRef) -> RowResults {
        let device = Device::flex();
        let rows = RecordBatch::try_from_iter([("y", targets)]).unwrap();
        let predictions = task.predictions(outputs(values, width), &rows).unwrap();
        let mut results = RowResults::default();
        // In two parts, as batches come.
        for (from, many) in [(0, 1), (1, rows.num_rows() - 1)] {
            let part = rows.slice(from, many);
            let truth = Truth {
                rows: &part,
                column: "y",
                device: &device,
                priors: None,
            };
            results.add(task, &predictions.slice(from, many), &truth).unwrap();
        }
        results
    }

    #[test]
    fn the_worst_rows_are_those_of_the_highest_loss() {
        let task = Classify {
            classes: ["cat", "dog"].map(str::to_owned).to_vec(),
            ..Classify::default()
        };
        // Probabilities of the truth: .5, e / (1 + e), 1 / (1 + e), .5.
        let logits = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 3.0, 3.0];
        let found = results(&task, &logits, 2, Arc::new(Int64Array::from(vec![0, 0, 0, 1])));
        let rows: Vec<u64> = found.worst.iter().map(|worst| worst.row).collect();
        assert_eq!(rows, [2, 0, 3, 1]);
        let loss = (1.0 + 1_f64.exp()).ln();
        assert!((found.worst[0].loss - loss).abs() < 1e-6, "{}", found.worst[0].loss);
        assert_eq!(found.worst[0].predicted, "dog (0.73)");
        assert!(found.pairs.is_empty());
    }

    #[test]
    fn numbers_stand_beside_their_targets() {
        let targets: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, -4.0]));
        let found = results(&Regress::default(), &[1.5, 2.0, 4.0], 1, targets);
        assert_eq!(found.pairs, [(1.0, 1.5), (2.0, 2.0), (-4.0, 4.0)]);
        assert_eq!((found.worst[0].row, found.worst[0].loss), (2, 8.0));
        assert_eq!(found.worst[0].predicted, "4");
    }
}
