use super::super::correlation::{Symmetric, lower_times};
use super::super::marginal::Marginal;
use super::super::normal::cdf;
use super::columns::ModelColumn;
use crate::error::{Error, Result};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// What a Gaussian copula learns of a table: for each class how the values of each column are distributed, and how their normal scores go
/// together.
///
/// It is written and read with serde. [`Copula`](super::Copula) makes rows of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopulaModel {
    /// The columns, in the order of the table; the label is not among them.
    pub(super) columns: Vec<ModelColumn>,
    pub(super) classes: Vec<ClassModel>,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassModel {
    pub(super) name: String,
    /// Rows that it was fitted to.
    pub(super) rows: u64,
    /// Of each variable: those of all columns, and then whether one is null. Empty for a class that no row can be drawn of.
    pub(super) marginals: Vec<Marginal>,
    /// The lower half of the correlations' factor, row after row.
    pub(super) factor: Vec<f64>,
}

impl ClassModel {
    /// A class of fewer than two rows, whose rows would be copies.
    pub(super) fn none(name: &str, rows: u64) -> Self {
        Self {
            name: name.to_owned(),
            rows,
            marginals: Vec::new(),
            factor: Vec::new(),
        }
    }

    pub(super) fn new(name: &str, rows: u64, marginals: Vec<Marginal>, correlations: Symmetric) -> Self {
        Self {
            name: name.to_owned(),
            rows,
            marginals,
            factor: correlations.factor().lower,
        }
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> u64 {
        let values = self.factor.len() + self.marginals.iter().map(Marginal::len).sum::<usize>();
        (values * size_of::<f64>()) as u64
    }

    /// The variables of a new row.
    pub(super) fn draw(&self, rng: &mut Rng) -> Vec<f64> {
        let draws: Vec<f64> = self.marginals.iter().map(|_| rng.normal().into()).collect();
        self.of_draws(&draws)
    }

    /// The variables of the row that these independent normal numbers give.
    pub(super) fn of_draws(&self, draws: &[f64]) -> Vec<f64> {
        let scores = lower_times(&self.factor, draws);
        let values = self.marginals.iter().zip(scores);
        values.map(|(marginal, score)| marginal.value(cdf(score))).collect()
    }
}

impl CopulaModel {
    /// The classes, in their order.
    pub fn classes(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(|class| class.name.as_str())
    }

    /// 128 bits that are equal where two models are, as 32 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{:032x}", xxh3_128(text.as_bytes()))
    }

    /// Refuses a model that was written wrong.
    pub(super) fn check(&self) -> Result<()> {
        let nulls = self.columns.iter().filter(|column| column.null().is_some()).count();
        let variables = self.columns.iter().map(ModelColumn::width).sum::<usize>() + nulls;
        for class in self.classes.iter().filter(|class| !class.marginals.is_empty()) {
            if class.marginals.len() != variables || class.factor.len() != variables * (variables + 1) / 2 {
                return Err(Error::data(format!(
                    "the copula of class {:?} has {} marginals and {} correlations for {variables} variables: the model is damaged",
                    class.name,
                    class.marginals.len(),
                    class.factor.len()
                )));
            }
        }
        Ok(())
    }
}
