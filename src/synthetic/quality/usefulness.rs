//! What a classifier learns from synthetic rows.

use super::interval::Interval;
use super::logistic::Logistic;
use super::matrix::{Matrix, check_widths};
use crate::error::{Error, Result};
use crate::rng::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Rows and the class of each.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// The rows.
    pub rows: &'a Matrix,
    /// The class of each row.
    pub classes: &'a [u32],
}

/// How well the classes of real rows are told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    /// The mean of all classes' recalls.
    pub balanced_accuracy: Interval,
    /// The mean recall of the third of the classes (rounded up) that have the fewest real training rows.
    pub rarest_third_recall: Interval,
}

/// A logistic regression, trained on real rows, on synthetic ones, and on both, and tested on other real rows. [Classes count alike](Logistic::balanced) in it, as in the
/// figures: else it would seldom predict a rare one, whatever the columns tell.
///
/// Each seed draws training and test rows anew, with repetition inside each class (a stratified bootstrap), the same for all, so that
/// the gain is that of pairs. Columns are standardised by the rows that are trained on.
///
/// More rows are something by themselves: they outweigh the penalty of large weights. So real rows are also repeated, as many of each class as there are synthetic ones, and what that
/// brings is the control of the gain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usefulness {
    /// Trained on real rows: the control.
    pub real: Skill,
    /// Trained on synthetic rows alone.
    pub synthetic: Skill,
    /// Trained on both.
    pub both: Skill,
    /// What synthetic rows bring beside the real ones: the differences of the pairs.
    pub gain: Skill,
    /// What as many repeated real rows of each class bring in their place: the control of the gain. A class without real rows has none to repeat.
    pub gain_of_repeats: Skill,
}

impl Usefulness {
    /// Default number of repetitions.
    pub const SEEDS: u64 = 10;

    /// Trains on `real` and `synthetic` rows of `classes` classes and tests on `test`, `seeds` times.
    ///
    /// # Errors
    ///
    /// `Config` where widths differ or a class is none; `Data` where one has no row, or real rows have fewer than 2 classes.
    pub fn of(
        real: Labelled<'_>,
        synthetic: Labelled<'_>,
        test: Labelled<'_>,
        classes: usize,
        (seed, seeds): (u64, u64),
    ) -> Result<Self> {
        check_widths(real.rows, synthetic.rows)?;
        check_widths(real.rows, test.rows)?;
        for (of, what) in [(real, "real"), (synthetic, "synthetic"), (test, "test")] {
            if of.rows.rows() != of.classes.len() || of.classes.iter().any(|&class| class as usize >= classes) {
                return Err(Error::config(format!(
                    "each of the {what} rows has to have one of {classes} classes"
                )));
            }
            if of.classes.is_empty() {
                return Err(Error::data(format!("there is no {what} row")));
            }
        }
        let counts = counts(real.classes, classes);
        if counts.iter().filter(|&&count| count > 0).count() < 2 {
            return Err(Error::data("the real rows have one class, and a classifier needs 2"));
        }
        let rare = rarest_third(&counts);
        let once = |repetition: u64| {
            let mut rng = Rng::new(seed, "usefulness", repetition);
            let mut drawn = |of: Labelled<'_>| {
                let rows = stratified(of.classes, classes, &mut rng);
                let drawn: Vec<u32> = rows.iter().map(|&row| of.classes[row]).collect();
                (of.rows.select(&rows), drawn)
            };
            let (real, synthetic, test) = (drawn(real), drawn(synthetic), drawn(test));
            let both = (real.0.concat(&synthetic.0)?, [&*real.1, &synthetic.1].concat());
            let repeats = repeats(&real.1, &synthetic.1, classes, &mut rng);
            let repeated: Vec<u32> = repeats.iter().map(|&row| real.1[row]).collect();
            let twice = (real.0.concat(&real.0.select(&repeats))?, [&*real.1, &repeated].concat());
            Ok([&real, &synthetic, &both, &twice].map(|train| skill(train, &test, classes, &rare)))
        };
        let all: Vec<[[f64; 2]; 4]> = (0..seeds).into_par_iter().map(once).collect::<Result<_>>()?;
        let of = |value: &dyn Fn(&[[f64; 2]; 4], usize) -> f64| {
            let [balanced, rarest] = [0, 1].map(|figure| {
                let values: Vec<f64> = all
                    .iter()
                    .map(|seed| value(seed, figure))
                    .filter(|value| value.is_finite())
                    .collect();
                Interval::repeated(&values)
            });
            Skill {
                balanced_accuracy: balanced,
                rarest_third_recall: rarest,
            }
        };
        let share = |skill: Skill| Skill {
            balanced_accuracy: skill.balanced_accuracy.within(0.0, 1.0),
            rarest_third_recall: skill.rarest_third_recall.within(0.0, 1.0),
        };
        Ok(Self {
            real: share(of(&|seed, figure| seed[0][figure])),
            synthetic: share(of(&|seed, figure| seed[1][figure])),
            both: share(of(&|seed, figure| seed[2][figure])),
            gain: of(&|seed, figure| seed[2][figure] - seed[0][figure]),
            gain_of_repeats: of(&|seed, figure| seed[3][figure] - seed[0][figure]),
        })
    }
}

/// Balanced accuracy and the rarest classes' mean recall; classes without a test row do not count.
fn skill(train: &(Matrix, Vec<u32>), test: &(Matrix, Vec<u32>), classes: usize, rare: &[usize]) -> [f64; 2] {
    let (means, deviations) = (train.0.means(), train.0.deviations());
    let model = Logistic::balanced(&train.0.standardised(&means, &deviations), &train.1, classes, 1.0);
    let predicted = model.predict(&test.0.standardised(&means, &deviations));
    let (mut right, of) = (vec![0_usize; classes], counts(&test.1, classes));
    for (predicted, class) in predicted.iter().zip(&test.1) {
        right[*class as usize] += usize::from(predicted == class);
    }
    let mean = |classes: &mut dyn Iterator<Item = usize>| {
        let recalls: Vec<f64> = classes
            .filter(|&at| of[at] > 0)
            .map(|at| right[at] as f64 / of[at] as f64)
            .collect();
        recalls.iter().sum::<f64>() / recalls.len() as f64
    };
    [mean(&mut (0..classes)), mean(&mut rare.iter().copied())]
}

fn counts(of: &[u32], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    of.iter().for_each(|&class| counts[class as usize] += 1);
    counts
}

/// The third of the classes that have the fewest rows, of equally rare ones the first.
fn rarest_third(counts: &[usize]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] > 0).collect();
    classes.sort_by_key(|&class| (counts[class], class));
    classes.truncate(classes.len().div_ceil(3));
    classes
}

/// The rows of each class.
fn pools(of: &[u32], classes: usize) -> Vec<Vec<usize>> {
    let mut pools = vec![Vec::new(); classes];
    of.iter()
        .enumerate()
        .for_each(|(row, &class)| pools[class as usize].push(row));
    pools
}

/// As many rows of each class as there are, with repetition.
fn stratified(of: &[u32], classes: usize, rng: &mut Rng) -> Vec<usize> {
    pools(of, classes)
        .into_iter()
        .flat_map(|pool| {
            (0..pool.len())
                .map(|_| pool[rng.below(pool.len() as u64) as usize])
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Rows of those of the classes `of`: of each class as many as `like` has, with repetition; none of a class that `of` lacks.
fn repeats(of: &[u32], like: &[u32], classes: usize, rng: &mut Rng) -> Vec<usize> {
    let (pools, wanted) = (pools(of, classes), counts(like, classes));
    let filled = pools.iter().zip(wanted).filter(|(pool, _)| !pool.is_empty());
    filled
        .flat_map(|(pool, rows)| {
            (0..rows)
                .map(|_| pool[rng.below(pool.len() as u64) as usize])
                .collect::<Vec<_>>()
        })
        .collect()
}
