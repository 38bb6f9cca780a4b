//! Whether what is peculiar in synthetic rows singles out a person.

use super::interval::{Interval, mean_and_deviation, sample};
use super::table::{Column, Table};
use crate::error::Result;
use crate::rng::Rng;

/// Guesses, and drawn ones at most until there are so many.
const GUESSES: usize = 500;
const DRAWN: u64 = 5_000;
/// Columns of a guess at most.
const COLUMNS: usize = 4;

/// The singling-out attack of Anonymeter (Giomi et al. 2023), multivariate: a guess is made of a synthetic row, as values of up to 4
/// columns (a category, or no less or no more than a number), which no other synthetic row has. It succeeds where exactly one real row has
/// them. What makes it an attack is only how much more often it does for `training` rows than for as many of the `holdout`.
/// Intervals are over guesses, with the rows as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinglingOut {
    /// The share of guesses that single out a training row.
    pub training: Interval,
    /// The share of the same guesses that single out a holdout row.
    pub holdout: Interval,
    /// Guesses that were made.
    pub guesses: usize,
}

impl SinglingOut {
    /// The attack by `synthetic` rows. Of the larger of `training` and `holdout` as many rows are drawn as the other has.
    ///
    /// # Errors
    ///
    /// `Config` where the tables have other columns.
    pub fn of(synthetic: &Table, training: &Table, holdout: &Table, seed: u64) -> Result<Self> {
        synthetic.check_like(training)?;
        synthetic.check_like(holdout)?;
        let rows = training.rows().min(holdout.rows());
        let mut rng = Rng::new(seed, "singling out: rows", 0);
        let mut some = |table: &Table| table.select(&sample(&mut rng, table.rows(), rows));
        let (training, holdout) = (some(training), some(holdout));
        let medians: Vec<f64> = synthetic.columns().iter().map(median_of).collect();
        let (mut guesses, mut hits) = (0, [0_usize; 2]);
        for draw in 0..DRAWN {
            if guesses == GUESSES || synthetic.rows() == 0 {
                break;
            }
            let mut rng = Rng::new(seed, "singling out", draw);
            let row = rng.below(synthetic.rows() as u64) as usize;
            let columns = sample(&mut rng, synthetic.columns().len(), COLUMNS);
            let guess: Vec<Predicate> = columns
                .iter()
                .map(|&at| Predicate::new(synthetic, at, row, medians[at]))
                .collect();
            if matches(&guess, synthetic) != 1 {
                continue;
            }
            guesses += 1;
            for (hits, real) in hits.iter_mut().zip([&training, &holdout]) {
                *hits += usize::from(matches(&guess, real) == 1);
            }
        }
        let share = |hits: usize| match guesses {
            0 => Interval::exact(f64::NAN),
            guesses => Interval::share(hits as f64 / guesses as f64, guesses as f64),
        };
        Ok(Self {
            training: share(hits[0]),
            holdout: share(hits[1]),
            guesses,
        })
    }
}

/// What one column of a row has to be.
enum Predicate {
    Missing(usize),
    AtLeast(usize, f64),
    AtMost(usize, f64),
    Is(usize, u32),
}

impl Predicate {
    fn new(table: &Table, at: usize, row: usize, median: f64) -> Self {
        match &table.columns()[at] {
            Column::Categories(values) => Self::Is(at, values[row]),
            Column::Numbers(values) if values[row].is_nan() => Self::Missing(at),
            Column::Numbers(values) if values[row] > median => Self::AtLeast(at, values[row]),
            Column::Numbers(values) => Self::AtMost(at, values[row]),
        }
    }

    fn holds(&self, table: &Table, row: usize) -> bool {
        let number = |at: usize| match &table.columns()[at] {
            Column::Numbers(values) => values[row],
            Column::Categories(_) => f64::NAN,
        };
        match *self {
            Self::Missing(at) => number(at).is_nan(),
            Self::AtLeast(at, least) => number(at) >= least,
            Self::AtMost(at, most) => number(at) <= most,
            Self::Is(at, category) => {
                matches!(&table.columns()[at], Column::Categories(values) if values[row] == category)
            }
        }
    }
}

/// Rows that fit `guess`: 2 stands for all numbers above 1.
fn matches(guess: &[Predicate], table: &Table) -> usize {
    let fits = |&row: &usize| guess.iter().all(|predicate| predicate.holds(table, row));
    (0..table.rows()).filter(fits).take(2).count()
}

fn median_of(column: &Column) -> f64 {
    let Column::Numbers(values) = column else {
        return f64::NAN;
    };
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    finite
        .get(finite.len() / 2)
        .copied()
        .unwrap_or(mean_and_deviation(&[]).0)
}
