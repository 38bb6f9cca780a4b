//! Which generators and gates the rows that a head is trained on have columns for.

use super::datasets::Datasets;
use super::strategy::Strategy;
use crate::error::{Error, Result};
use crate::quote::quoted;
use crate::synthetic::GeneratorSpec;
use crate::train::Extractor;

/// What else may be done with a generator that a run cannot use.
fn or_written(generator: &dyn GeneratorSpec) -> &'static str {
    match generator.makes_pictures() {
        true => {
            ", or write its rows to a file (`millstream generate sample`) and name it in data.train behind the others"
        }
        false => ", or write its rows to a file (`millstream generate sample`) for a training on tables",
    }
}

impl Strategy {
    /// Refuses a generator that a head's rows have no columns for.
    pub(super) fn check_generator(&self, datasets: &Datasets) -> Result<()> {
        let is_pooled = datasets.task.bind(&datasets.targets)?.head().is_pooled();
        if let Some(gate) = &self.gate {
            if !is_pooled {
                return Err(Error::config(format!(
                    "gate: rows are compared by features, and the task {} trains on maps, whose synthetic rows are blended pictures: leave it out",
                    datasets.task.name()
                )));
            }
            if gate.columns != [Extractor::COLUMN] {
                return Err(Error::config(format!(
                    "gate: columns are {}, and the rows that a head is trained on have {} alone to compare them by",
                    quoted(&gate.columns.join(", ")),
                    quoted(Extractor::COLUMN)
                )));
            }
        }
        let Some(generator) = &self.generator else {
            return Ok(());
        };
        if !is_pooled {
            return Err(Error::config(format!(
                "generator: {} is to make rows of features, and the task {} trains on maps, whose synthetic rows are blended pictures: leave it out{}",
                generator.name(),
                datasets.task.name(),
                or_written(&**generator)
            )));
        }
        let known = [Extractor::COLUMN, &*datasets.label];
        match generator.reads().into_iter().find(|column| !known.contains(&&**column)) {
            None => Ok(()),
            Some(column) => Err(Error::config(format!(
                "generator: {} reads the column {}, and the rows that a head is trained on have {} and {}: leave it out{}",
                generator.name(),
                quoted(&column),
                quoted(known[0]),
                quoted(known[1]),
                or_written(&**generator)
            ))),
        }
    }
}
