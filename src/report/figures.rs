//! The figures of one run.

use serde::{Deserialize, Serialize};

use super::confusion::Confusion;
use super::named::Named;
use super::shortlist::{ascending, shortlist};
use super::table::{Align, Table};
use crate::error::{Error, Result};
use crate::quote::quoted;

/// How many of the rarest classes a report names.
const RAREST: usize = 3;

/// The rows of one class on their way to the trainer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Rows of the class in the training data.
    pub before: u64,
    /// Rows of the class that the loader emitted over the whole run, by origin.
    pub emitted: Emitted,
}

/// Emitted rows by [`Origin`](crate::dataset::Origin).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emitted {
    /// Stored rows without random augmentation.
    pub real: u64,
    /// Stored rows with random augmentation.
    pub augmented: u64,
    /// Rows that a generator made.
    pub synthetic: u64,
}

/// One of the classes with the fewest training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RareClass {
    /// Its name.
    pub class: String,
    /// Its rows in the training data.
    pub before: u64,
    /// Its recall in `0..=1`; `None` where it was not evaluated on any row.
    pub recall: Option<f64>,
}

/// What one run achieved on the evaluation rows, and which rows it was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFigures {
    /// The share of rows that were recognised, in `0..=1`.
    pub accuracy: f64,
    /// The mean recall over the classes that have rows, in `0..=1`.
    pub balanced_accuracy: f64,
    /// The mean F1 over the classes, in `0..=1`.
    pub macro_f1: f64,
    /// What the figures are worth.
    #[serde(default)]
    pub standard_errors: StandardErrors,
    /// Recall by class name, in `0..=1`; `None` for a class without evaluation rows.
    pub recalls: Named<Option<f64>>,
    /// The three classes with the fewest training rows, the rarest first; of equally rare ones the earlier class first.
    pub rarest: Vec<RareClass>,
    /// Row = truth, column = prediction, in the order of `classes`.
    pub confusion: Confusion,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Wall time of the run in seconds.
    pub seconds: f64,
    /// Rows by class name, before and after the loader.
    pub counts: Named<ClassCounts>,
}

/// The number of evaluation rows, and how far figures of so many rows scatter: one standard error, in `0..=1`, to six
/// decimals.
///
/// About two thirds of the figures that other rows of the same kind would give lie within one of them. `None` in a report of a
/// version before 0.2, and where there are too few rows to tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StandardErrors {
    /// Evaluation rows.
    pub rows: u64,
    /// Of the accuracy: [`Confusion::accuracy_error`].
    pub accuracy: Option<f64>,
    /// Of the balanced accuracy: [`Confusion::balanced_accuracy_error`].
    pub balanced_accuracy: Option<f64>,
    /// Of the macro F1: [`Confusion::macro_f1_error`].
    pub macro_f1: Option<f64>,
}

impl StandardErrors {
    fn of(confusion: &Confusion) -> Self {
        // Six decimals are more than such a number has, and come back from JSON as they were.
        let short = |error: f64| (error * 1e6).round() / 1e6;
        Self {
            rows: confusion.total(),
            accuracy: confusion.accuracy_error().map(short),
            balanced_accuracy: confusion.balanced_accuracy_error().map(short),
            macro_f1: confusion.macro_f1_error().map(short),
        }
    }
}

impl RunFigures {
    /// The figures of a run over `classes` with these `counts` (one for each class), evaluated as `confusion` says, that took
    /// `seconds`.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::error::ErrorKind::Config) where the three differ in their number of classes, or two classes have one name.
    pub fn new(classes: &[String], counts: &[ClassCounts], confusion: Confusion, seconds: f64) -> Result<Self> {
        check(classes, counts, &confusion)?;
        let recalls = confusion.recalls();
        Ok(Self {
            accuracy: confusion.accuracy(),
            balanced_accuracy: confusion.balanced_accuracy(),
            macro_f1: confusion.macro_f1(),
            standard_errors: StandardErrors::of(&confusion),
            rarest: rarest(classes, counts, &recalls),
            recalls: classes.iter().cloned().zip(recalls).collect(),
            confusion,
            classes: classes.to_vec(),
            seconds,
            counts: classes.iter().cloned().zip(counts.iter().copied()).collect(),
        })
    }

    /// By how much the balanced accuracy of this run is above that of `other`, and the standard error of that difference,
    /// `sqrt(a^2 + b^2)` of both standard errors: as of two independent sets of rows. Of the same rows, on which both runs
    /// mostly err together, it is an upper bound. `None` where one of them was measured on no row.
    pub fn above(&self, other: &Self) -> Option<(f64, f64)> {
        let error = |run: &Self| run.confusion.balanced_accuracy_error();
        let error = error(self)?.hypot(error(other)?);
        Some((self.balanced_accuracy - other.balanced_accuracy, error))
    }

    /// A row for each class: training rows, emitted rows by origin, validation rows, recall and its standard error. Of more than 24
    /// classes the ten with the least recall and the ten with the fewest rows.
    pub fn to_table(&self) -> Table {
        let numbers = ["rows", "real", "augmented", "synthetic", "tested", "recall"];
        let numbers = numbers.map(|name| (name, Align::Right));
        let mut table = Table::new([("class", Align::Left)].into_iter().chain(numbers));
        let errors = self.confusion.recall_errors();
        let some = self.shortlist();
        for (at, (class, counts)) in self.counts.iter().enumerate() {
            if some.as_ref().is_some_and(|some| !some.contains(&at)) {
                continue;
            }
            let Emitted {
                real,
                augmented,
                synthetic,
            } = counts.emitted;
            let rows = [counts.before, real, augmented, synthetic, self.confusion.rows(at)];
            let rows = rows.map(|rows| rows.to_string());
            let recall = with_error(self.recall(class), errors.get(at).copied().flatten());
            table.push([class.to_owned()].into_iter().chain(rows).chain([recall]));
        }
        if let Some(some) = some {
            let (some, all) = (some.len(), self.classes.len());
            table.note(format!(
                "{some} of {all} classes: the worst and the rarest. The JSON form has all."
            ));
        }
        table
    }

    /// The classes that [`to_table`](Self::to_table) shows where these are many: the worst and the rarest.
    fn shortlist(&self) -> Option<Vec<usize>> {
        let recalls = self
            .classes
            .iter()
            .map(|class| self.recall(class).unwrap_or(f64::INFINITY));
        let rows: Vec<u64> = self.counts.iter().map(|(_, counts)| counts.before).collect();
        shortlist(
            self.classes.len(),
            &[ascending(&recalls.collect::<Vec<_>>()), ascending(&rows)],
        )
    }

    pub(super) fn recall(&self, class: &str) -> Option<f64> {
        self.recalls.get(class).copied().flatten()
    }
}

fn check(classes: &[String], counts: &[ClassCounts], confusion: &Confusion) -> Result<()> {
    if counts.len() != classes.len() || confusion.classes() != classes.len() {
        return Err(Error::config(format!(
            "a report over {} class names has {} counts and a confusion matrix of {}",
            classes.len(),
            counts.len(),
            confusion.classes()
        )));
    }
    let twice = (1..classes.len()).find(|&i| classes[..i].contains(&classes[i]));
    twice.map_or(Ok(()), |i| {
        Err(Error::config(format!("two classes are called {}", quoted(&classes[i]))))
    })
}

fn rarest(classes: &[String], counts: &[ClassCounts], recalls: &[Option<f64>]) -> Vec<RareClass> {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(|&class| counts[class].before);
    order.truncate(RAREST);
    let rare = |class: usize| RareClass {
        class: classes[class].clone(),
        before: counts[class].before,
        recall: recalls[class],
    };
    order.into_iter().map(rare).collect()
}

/// A figure with its standard error, where there is one: `0.737±.014`, which is narrow enough for 80 columns.
pub(super) fn with_error(value: Option<f64>, error: Option<f64>) -> String {
    match error {
        // Rows that are all right or all wrong say nothing of their spread.
        Some(error) if error > 0.0 => format!("{}±{}", share(value), format!("{error:.3}").trim_start_matches('0')),
        _ => share(value),
    }
}

/// Three decimals, or a dash for what was not measured.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_classes_the_worst_and_the_rarest_are_shown() {
        let classes: Vec<String> = (0..1000).map(|class| format!("class {class}")).collect();
        let mut confusion = vec![vec![0; 1000]; 1000];
        // Recall falls with the number of the class; the training rows grow with it.
        for (class, row) in confusion.iter_mut().enumerate() {
            row[class] = 1000 - class as u64;
            row[(class + 1) % 1000] = class as u64;
        }
        let counts: Vec<ClassCounts> = (0..1000)
            .map(|before| ClassCounts {
                before,
                ..ClassCounts::default()
            })
            .collect();
        let run = RunFigures::new(&classes, &counts, Confusion::try_from(confusion).unwrap(), 1.0).unwrap();
        let text = run.to_table().to_string();
        let shown: Vec<_> = (text.lines())
            .filter_map(|line| line.strip_prefix("class ")?.split(' ').next())
            .filter(|name| !name.is_empty())
            .collect();
        let expected = (0..10).chain(990..1000).map(|class| class.to_string());
        assert_eq!(shown, expected.collect::<Vec<_>>());
        assert_eq!(
            text.lines().last().unwrap(),
            "20 of 1000 classes: the worst and the rarest. The JSON form has all."
        );
        assert_eq!(run.recalls.len(), 1000);
    }
}
