//! The figures of one run.

use serde::{Deserialize, Serialize};

use super::confusion::Confusion;
use super::measured::{Figure, Measured};
use super::named::Named;
use super::shortlist::{ascending, shortlist};
use super::table::{Align, Table};
use super::words::{figure_in_words, heading, with_error};
use crate::error::{Error, Result};
use crate::quote::{counted, quoted};

/// How many of the rarest classes a report names.
const RAREST: usize = 3;

/// The rows of one class on their way to the trainer. A row with several classes counts for each of them; of a detection boxes are
/// counted, as the rows are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Rows of the class in the training data.
    pub before: u64,
    /// Rows of the class that the loader emitted over the whole run, by their origin; of a detection the boxes that these rows have, also where
    /// none of the class was made or pasted.
    pub emitted: Emitted,
}

/// Emitted rows by [`Origin`](crate::dataset::Origin); of a detection boxes by the origin of the row that they are in. A row into which objects may have
/// been pasted, or that is put together of several, is synthetic with all of its boxes, those that were there before as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emitted {
    /// Stored rows without random augmentation.
    pub real: u64,
    /// Stored rows with random augmentation.
    pub augmented: u64,
    /// Rows that a generator made, and stored rows into which something of other rows was mixed or may have been pasted.
    pub synthetic: u64,
}

/// One of the classes with the fewest training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RareClass {
    /// Its name.
    pub class: String,
    /// Its rows in the training data.
    pub before: u64,
    /// The name of the first of the figures of classes: `recall` of a classification, `average_precision` of a detection, `iou` of a segmentation.
    pub figure: String,
    /// That figure of the class; `None` where it was not evaluated on any row.
    pub value: Option<f64>,
}

/// What one run achieved on the evaluation rows, and which rows it was trained on.
///
/// In JSON each figure stands under its own name, and the figures of classes under the plural of theirs, by class name
/// (`"recalls": { "Bag": 0.9 }`), beside `figure`, the name of the one that chooses, and `standard_errors`. `per_class` has the same by class:
/// `{ "Bag": { "recall": 0.9 } }`, and of a detection `ap`, `ap50` and `ar` (average precision, that at a threshold of 0.5, and average recall); a
/// figure that is not defined is `null`.
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

    /// A row for each class: training rows, emitted rows by origin (of a detection both are boxes, by the origin of their row), validation rows (of a detection pictures with
    /// such boxes), and the figures of classes with their standard errors. Of more than 24 classes the ten with the least of the first figure and the
    /// ten with the fewest rows. Where there are no classes, a row for each figure.
    pub fn to_table(&self) -> Table {
        if self.classes.is_empty() {
            let mut table = Table::new([("figure", Align::Left), ("value", Align::Right)]);
            for (name, figure) in self.measured.figures.iter() {
                table.push([figure_in_words(name), with_error(name, *figure)]);
            }
            table.note(format!("on {}", counted(self.rows(), "row")));
            return table;
        }
        let emits = self
            .counts
            .iter()
            .any(|(_, counts)| counts.emitted != Emitted::default());
        let trained = !self.counts.is_empty();
        // Of a detection what is counted are its boxes, and what it is measured on are pictures.
        let is_detection = self.measured.details.contains_key("objects");
        let heads: [&str; 5] = match is_detection {
            true => [
                "boxes",
                "real\nboxes",
                "augmented\nboxes",
                "synthetic\nboxes",
                "tested\npictures",
            ],
            false => ["rows", "real", "augmented", "synthetic", "tested"],
        };
        let [stored, origins @ .., tested] = &heads;
        let stored = trained.then_some(stored);
        let origins: &[&str] = if emits { origins } else { &[] };
        let names = stored
            .into_iter()
            .chain(origins)
            .chain([tested])
            .map(|name| (*name).to_owned());
        let names = names.chain(self.measured.by_class.iter().map(|(name, _)| heading(name)));
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
            let figures = self
                .measured
                .by_class
                .iter()
                .map(|(name, figures)| with_error(name, figures.get(at).copied().unwrap_or_default()));
            table.push([class.clone()].into_iter().chain(rows).chain(figures));
        }
        if emits {
            table.note(match is_detection {
                true => "real, augmented and synthetic are boxes in such pictures, of all epochs together",
                false => "real, augmented and synthetic are the rows of all epochs together",
            });
            let mut counts = self.counts.iter();
            if is_detection && counts.any(|(_, counts)| counts.emitted.synthetic > 0) {
                table.note("a picture made of several rows, or that may be, is synthetic with all its boxes");
            }
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

    /// The first of the figures of the class called `class`, with its standard error.
    pub(super) fn figure_of_class(&self, class: &str) -> Option<Figure> {
        let at = self.classes.iter().position(|name| name == class)?;
        let (_, figures) = self.measured.by_class.iter().next()?;
        figures.get(at).copied()
    }

    /// The first of the figures of the class called `class`: recall of a classification, average precision of a detection, intersection over union of a
    /// segmentation.
    pub fn value_of_class(&self, class: &str) -> Option<f64> {
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
    // A class that only has a name is none of the rows' classes.
    let has_rows =
        |&class: &usize| counts[class].before > 0 || measured.tested.get(class).is_some_and(|&rows| rows > 0);
    let mut order: Vec<usize> = (0..classes.len()).filter(has_rows).collect();
    order.sort_by_key(|&class| counts[class].before);
    order.truncate(RAREST);
    let first = measured.by_class.iter().next();
    let figure = first.map_or_else(String::new, |(name, _)| name.to_owned());
    let rare = |class: usize| RareClass {
        class: classes[class].clone(),
        before: counts[class].before,
        figure: figure.clone(),
        value: first_of(measured, class),
    };
    order.into_iter().map(rare).collect()
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
        assert_eq!(run.value_of_class("class 998"), Some(0.002));
    }
}
