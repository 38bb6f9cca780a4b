//! A row of the table.

use super::tested::Tested;
use crate::ablation::figures::{Figures, deviation};
use crate::ablation::journal::Journal;
use crate::ablation::paired::PairedTest;
use crate::ablation::rows::Input;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowReport {
    /// What is done about rare classes.
    pub name: String,
    /// The mean over the seeds.
    pub mean: Figures,
    /// The deviation over the seeds, with `n - 1`.
    pub deviation: Figures,
    /// The figures of each seed.
    pub seeds: Vec<Figures>,
    /// The tests against the baseline, seed by seed; none of the baseline itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

/// A row without figures: it makes no sense for what the network is given, or under one of its seeds a row that it needs did not pass its gate, however often it was drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoFigures {
    /// What is done about rare classes.
    pub name: String,
    /// The reason: of a gate the seed, and what the gate said.
    pub why: String,
}

/// Tests against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// By balanced accuracy.
    pub balanced_accuracy: Tested,
    /// By the recall of the rarest third.
    pub rarest_third: Tested,
}

impl RowReport {
    pub(super) fn new(name: &str, seeds: Vec<Figures>) -> Self {
        Self {
            name: name.to_owned(),
            mean: Figures::mean(&seeds),
            deviation: Figures::over(&seeds, |values| deviation(values).unwrap_or(0.0)),
            seeds,
            against: None,
        }
    }

    /// The mean of rows of one name, seed by seed.
    pub(super) fn mean_of(rows: &[&Self]) -> Self {
        let seeds = 0..rows[0].seeds.len();
        let of = |seed: usize| Figures::mean(&rows.iter().map(|row| row.seeds[seed]).collect::<Vec<_>>());
        Self::new(&rows[0].name, seeds.map(of).collect())
    }

    pub(super) fn paired(&self, other: &Self, of: fn(&Figures) -> f64) -> PairedTest {
        let values = |row: &Self| row.seeds.iter().map(of).collect::<Vec<_>>();
        PairedTest::new(&values(self), &values(other))
    }

    /// A row of the table in `journal`, or why it has no figures.
    pub(super) fn of_table(
        journal: &Journal,
        data: &str,
        input: Input,
        row: &str,
        seeds: u64,
    ) -> Result<std::result::Result<Self, NoFigures>> {
        let refused = (0..seeds).find_map(|seed| journal.refused(data, input, row, seed));
        if let Some(cell) = refused {
            let why = format!("seed {}: {}", cell.seed, cell.why);
            let name = row.to_owned();
            return Ok(Err(NoFigures { name, why }));
        }
        Self::of_cells(journal, data, input, row, seeds).map(Ok)
    }

    /// The figures of a row in `journal`.
    pub(super) fn of_cells(journal: &Journal, data: &str, input: Input, row: &str, seeds: u64) -> Result<Self> {
        let of = |seed| {
            let cell = journal.cell(data, input, row, seed);
            let missing = || Error::stage(format!("{data}, {input}, {row}, seed {seed} has not been done"));
            cell.map(|cell| cell.figures).ok_or_else(missing)
        };
        Ok(Self::new(row, (0..seeds).map(of).collect::<Result<_>>()?))
    }
}
