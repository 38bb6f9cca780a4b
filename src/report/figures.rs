//! The figures of one run.

use serde::{Deserialize, Serialize};

use super::confusion::Confusion;
use super::measured::{Figure, Measured};
use super::named::Named;
use super::shortlist::{ascending, shortlist};
use super::table::{Align, Table};
use crate::error::{Error, Result};
use crate::quote::quoted;

/// How many of the rarest classes a report names.
const RAREST: usize = 3;

/// The rows of one class on their way to the trainer. A row with several classes counts for each of them; of a detection boxes are
/// counted, as the rows are stored.
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
    /// Rows that a generator made, and stored rows into which something of other rows was mixed or pasted.
    pub synthetic: u64,
}

/// One of the classes with the fewest training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RareClass {
    /// Its name.
    pub class: String,
    /// Its rows in the training data.
    pub before: u64,
    /// Its recall in `0..=1`, the first of the figures of classes; `None` where it was not evaluated on any row.
    pub recall: Option<f64>,
}

/// What one run achieved on the evaluation rows, and which rows it was trained on.
///
/// In JSON each figure stands under its own name, and the figures of classes under the plural of theirs, by class name
/// (`"recalls": { "Bag": 0.9 }`), beside `figure`, the name of the one that chooses, and `standard_errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFigures {
    /// The task's name.
    pub task: String,
    /// What was measured.
    pub measured: Measured,
    /// The three classes with the fewest training rows, the rarest first; of equally rare ones the earlier class first.
    pub rarest: Vec<RareClass>,
    /// The names of the classes; empty for a task without.
    pub classes: Vec<String>,
    /// Wall time of the run in seconds.
    pub seconds: f64,
    /// Rows by class name, before and after the loader; empty where nothing was trained.
    pub counts: Named<ClassCounts>,
}

impl RunFigures {
    /// The figures of a run of `task` over `classes` with these `counts` (one for each class), that took `seconds`.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::error::ErrorKind::Config) where these differ in their number of classes, or two classes have one name.
    pub fn new(
        task: &str,
        classes: &[String],
        counts: &[ClassCounts],
        measured: Measured,
        seconds: f64,
    ) -> Result<Self> {
        check(classes, counts, &measured)?;
        Ok(Self {
            task: task.to_owned(),
            rarest: rarest(classes, counts, &measured),
            measured,
            classes: classes.to_vec(),
            seconds,
            counts: classes.iter().cloned().zip(counts.iter().copied()).collect(),
        })
    }

    /// The figures of a model of `task` over `classes` on rows that nothing was trained on, which took `seconds`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn evaluated(task: &str, classes: &[String], measured: Measured, seconds: f64) -> Result<Self> {
        check(classes, &vec![ClassCounts::default(); classes.len()], &measured)?;
        Ok(Self {
            task: task.to_owned(),
            rarest: Vec::new(),
            measured,
            classes: classes.to_vec(),
            seconds,
            counts: Named::default(),
        })
    }

    /// The value of the figure called `name`, if there is one.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.measured.value(name)
    }

    /// Evaluation rows.
    pub fn rows(&self) -> u64 {
        self.measured.rows
    }

    /// Truth against prediction, where each row has one class.
    pub fn confusion(&self) -> Option<&Confusion> {
        self.measured.confusion.as_ref()
    }

    /// By how much this run is better than `other` by the figure that chooses, and the standard error of that difference,
    /// `sqrt(a^2 + b^2)` of both standard errors: as of two independent sets of rows. Of the same rows, on which both runs
    /// mostly err together, it is an upper bound. `None` where the figure of one of them is not defined.
    pub fn above(&self, other: &Self) -> Option<(f64, f64)> {
        let figure = |run: &Self| run.measured.figures.get(&self.measured.chooses).copied();
        let error = figure(self)?.standard_error?.hypot(figure(other)?.standard_error?);
        Some((self.measured.score()? - other.measured.score()?, error))
    }

    /// A row for each class: training rows, emitted rows by origin, validation rows, and the figures of classes with their standard
    /// errors. Of more than 24 classes the ten with the least of the first figure and the ten with the fewest rows. Where there are
    /// no classes, a row for each figure.
    pub fn to_table(&self) -> Table {
        if self.classes.is_empty() {
            let mut table = Table::new([("figure", Align::Left), ("value", Align::Right)]);
            for (name, figure) in self.measured.figures.iter() {
                table.push([
                    heading(name).replace('\n', " "),
                    with_error(figure.value, figure.standard_error),
                ]);
            }
            table.note(format!("on {} rows", self.rows()));
            return table;
        }
        let emits = self
            .counts
            .iter()
            .any(|(_, counts)| counts.emitted != Emitted::default());
        let origins: &[&str] = if emits {
            &["real", "augmented", "synthetic"]
        } else {
            &[]
        };
        let trained = !self.counts.is_empty();
        let stored: &[&str] = if trained { &["rows"] } else { &[] };
        let names = stored
            .iter()
            .chain(origins)
            .chain(&["tested"])
            .map(|name| (*name).to_owned());
        let names = names.chain(self.measured.by_class.iter().map(|(name, _)| name.replace('_', "\n")));
        let numbers = names.map(|name| (name, Align::Right));
        let mut table = Table::new([("class".to_owned(), Align::Left)].into_iter().chain(numbers));
        let some = self.shortlist();
        let counts = self.counts.iter().map(|(_, counts)| *counts);
        let counts = counts.chain(std::iter::repeat(ClassCounts::default()));
        for (at, (class, counts)) in self.classes.iter().zip(counts).enumerate() {
            if some.as_ref().is_some_and(|some| !some.contains(&at)) {
                continue;
            }
            let Emitted {
                real,
                augmented,
                synthetic,
            } = counts.emitted;
            let origins: &[u64] = if emits { &[real, augmented, synthetic] } else { &[] };
            let tested = self.measured.tested.get(at).copied().unwrap_or(0);
            let before = trained.then_some(counts.before);
            let rows = before
                .iter()
                .chain(origins)
                .chain(&[tested])
                .map(u64::to_string)
                .collect::<Vec<_>>();
            let figures = self.measured.by_class.iter().map(|(_, figures)| {
                let figure = figures.get(at).copied().unwrap_or_default();
                with_error(figure.value, figure.standard_error)
            });
            table.push([class.clone()].into_iter().chain(rows).chain(figures));
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
        let firsts = (0..self.classes.len()).map(|class| first_of(&self.measured, class).unwrap_or(f64::INFINITY));
        let rows: Vec<u64> = match self.counts.is_empty() {
            true => self.measured.tested.clone(),
            false => self.counts.iter().map(|(_, counts)| counts.before).collect(),
        };
        shortlist(
            self.classes.len(),
            &[ascending(&firsts.collect::<Vec<_>>()), ascending(&rows)],
        )
    }

    /// The recall of the class called `class` with its standard error: the first of the figures of classes.
    pub(super) fn recall_figure(&self, class: &str) -> Option<Figure> {
        let at = self.classes.iter().position(|name| name == class)?;
        let (_, figures) = self.measured.by_class.iter().next()?;
        figures.get(at).copied()
    }

    /// The recall of the class called `class`: the first of the figures of classes.
    pub fn recall(&self, class: &str) -> Option<f64> {
        first_of(&self.measured, self.classes.iter().position(|name| name == class)?)
    }
}

/// The first of the figures of a class.
fn first_of(measured: &Measured, class: usize) -> Option<f64> {
    let (_, figures) = measured.by_class.iter().next()?;
    figures.get(class)?.value
}

fn check(classes: &[String], counts: &[ClassCounts], measured: &Measured) -> Result<()> {
    let figures = measured.by_class.iter().map(|(_, figures)| figures.len());
    let matrix = measured.confusion.as_ref().map(Confusion::classes);
    if let Some(other) = figures
        .chain(matrix)
        .chain([counts.len()])
        .find(|len| *len != classes.len())
    {
        return Err(Error::config(format!(
            "a report over {} class names has counts or figures of {other} classes",
            classes.len()
        )));
    }
    let twice = (1..classes.len()).find(|&i| classes[..i].contains(&classes[i]));
    twice.map_or(Ok(()), |i| {
        Err(Error::config(format!("two classes are called {}", quoted(&classes[i]))))
    })
}

fn rarest(classes: &[String], counts: &[ClassCounts], measured: &Measured) -> Vec<RareClass> {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(|&class| counts[class].before);
    order.truncate(RAREST);
    let rare = |class: usize| RareClass {
        class: classes[class].clone(),
        before: counts[class].before,
        recall: first_of(measured, class),
    };
    order.into_iter().map(rare).collect()
}

/// The name of a figure as a table's heading: `balanced` over `accuracy`, `macro F1`, `RMSE`.
pub(super) fn heading(name: &str) -> String {
    match name {
        "balanced_accuracy" => "balanced\naccuracy".to_owned(),
        "macro_f1" | "micro_f1" => name.replace("_f1", " F1"),
        "mean_average_precision" => "mAP".to_owned(),
        "map" => "mAP".to_owned(),
        "ap50" => "AP50".to_owned(),
        "mean_iou" => "mean IoU".to_owned(),
        "iou" => "IoU".to_owned(),
        "mae" | "rmse" => name.to_uppercase(),
        "r2" => "R2".to_owned(),
        "f1" => "F1".to_owned(),
        // `map50`, `mar_small`.
        name => match name
            .get(3..)
            .filter(|of| of.starts_with(|c: char| c == '_' || c.is_ascii_digit()))
        {
            Some(of) if name.starts_with("map") => format!("mAP{}", of.replace('_', "\n")),
            Some(of) if name.starts_with("mar") => format!("mAR{}", of.replace('_', "\n")),
            _ => name.replace('_', "\n"),
        },
    }
}

/// A figure with its standard error, where there is one: `0.737±.014`, which is narrow enough for 80 columns.
pub(crate) fn with_error(value: Option<f64>, error: Option<f64>) -> String {
    match error {
        Some(error) if error > 0.0 && error < 5e-4 => format!("{}±{error:.0e}", share(value)),
        Some(error) if error > 0.0 && value.is_some_and(has_power) => format!("{}±{error:.0e}", share(value)),
        Some(error) if error > 0.0 && error < 1.0 && value.is_none_or(|value| value.abs() < 10.0) => {
            format!("{}±{}", share(value), format!("{error:.3}").trim_start_matches('0'))
        }
        // No more decimals than the figure has.
        Some(error) if error > 0.0 => {
            let decimals = value.map_or(0, decimals);
            format!("{}±{error:.decimals$}", share(value))
        }
        _ => share(value),
    }
}

/// A share in two digits with its standard error: `0.80±.13`, where several stand in a line.
pub(super) fn with_two_digits(Figure { value, standard_error }: Figure) -> String {
    match (value, standard_error) {
        (Some(value), Some(error)) => format!("{value:.2}±{}", format!("{error:.2}").trim_start_matches('0')),
        (value, _) => share(value),
    }
}

/// Three decimals (of ten and more four digits, of a million and more and of less than a thousandth with its power of ten), or a
/// dash for what was not measured.
pub(crate) fn share(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if has_power(value) => format!("{value:.2e}"),
        Some(value) if value.abs() >= 10.0 => digits(value),
        Some(value) => format!("{value:.3}"),
    }
}

/// Whether a number is too long, or too small for three decimals.
fn has_power(value: f64) -> bool {
    value.abs() >= 1e6 || (value != 0.0 && value.abs() < 5e-4)
}

/// Four digits, or all of those before the point; of long numbers three and the power of ten.
fn digits(value: f64) -> String {
    if has_power(value) {
        return format!("{value:.2e}");
    }
    format!("{value:.*}", decimals(value))
}

/// Decimals of a number of four digits.
fn decimals(value: f64) -> usize {
    let whole = value.abs().max(1.0).log10().floor() as usize;
    3_usize.saturating_sub(whole)
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
        let run = RunFigures::new(
            "classify",
            &classes,
            &counts,
            Measured::of_classes(Confusion::try_from(confusion).unwrap()),
            1.0,
        )
        .unwrap();
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
        assert_eq!(run.recall("class 998"), Some(0.002));
    }
}
