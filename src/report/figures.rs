//! The figures of a run, and of several ways side by side.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Align, Confusion, Named, Table, ascending, quoted, shortlist, shown};
use crate::error::{Error, Result};
use crate::exec::files;

/// How many of the rarest classes a report names.
const RAREST: usize = 3;

/// Columns of their names in the header of a table.
const RARE: usize = 12;

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

    fn recall(&self, class: &str) -> Option<f64> {
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

/// The figures of the run that counts and, where several ways were tried, of each of them.
///
/// In JSON the figures are at the top level, and `ways` is an object that is left out where it is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run that counts.
    #[serde(flatten)]
    pub figures: RunFigures,
    /// Every way that was tried, by name, in the order in which they were tried.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub ways: Named<RunFigures>,
    /// How the data was understood, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a reader of the figures has to know, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Rows that the run went on without; none where a row whose picture cannot be made ends a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_rows: Option<BadRows>,
}

/// How many rows a run went on without, because their pictures cannot be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRows {
    /// Training rows that were left out.
    pub skipped: u64,
    /// Training rows in whose place another row of their class came.
    pub replaced: u64,
    /// Validation rows that were left out.
    pub held_out: u64,
}

impl Report {
    /// A report of one run.
    pub fn new(figures: RunFigures) -> Self {
        Self {
            figures,
            ways: Named::default(),
            notes: Vec::new(),
            warnings: Vec::new(),
            bad_rows: None,
        }
    }

    /// A report of several ways; the one called `best` is the one that counts.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::error::ErrorKind::Config) where no way is called `best`.
    pub fn compare(ways: Named<RunFigures>, best: &str) -> Result<Self> {
        let figures = ways.get(best).cloned();
        let figures = figures.ok_or_else(|| Error::config(format!("no way is called {best:?}")))?;
        Ok(Self {
            ways,
            ..Self::new(figures)
        })
    }

    /// Writes the report to `path` as JSON: whole, or not at all.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::error::ErrorKind::Io) where the file cannot be written.
    pub fn write_json(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut json = serde_json::to_vec_pretty(self).map_err(|e| Error::io(path, e))?;
        json.push(b'\n');
        files::write_bytes(path, &json)
    }

    /// Reads a report that [`write_json`](Self::write_json) wrote.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::error::ErrorKind::Io) where the file cannot be read, [`Data`](crate::error::ErrorKind::Data) where it is no report.
    pub fn read_json(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let json = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        serde_json::from_slice(&json).map_err(|e| {
            Error::data(e.to_string())
                .with_source(e)
                .context(path.display().to_string())
        })
    }

    /// A row for each way (or for the one run): accuracy, balanced accuracy and macro F1, each with its standard error,
    /// recall of the rarest classes.
    ///
    /// The rarest classes are those of the run that counts, with their training rows in the header.
    pub fn to_table(&self) -> Table {
        let right = |name: String| (name, Align::Right);
        let rare = self
            .figures
            .rarest
            .iter()
            .map(|rare| format!("{}\n({})", in_lines(shown(&rare.class, RARE)), rare.before));
        let figures = ["accuracy", "balanced\naccuracy", "macro F1"].map(str::to_owned);
        let numbers = figures.into_iter().chain(rare);
        let way = format!("way, on {} rows", self.figures.confusion.total());
        let mut table = Table::new([(way, Align::Left)].into_iter().chain(numbers.map(right)));
        if self.ways.is_empty() {
            table.push(self.row("this run", &self.figures));
        }
        self.ways.iter().for_each(|(name, way)| table.push(self.row(name, way)));
        table
    }

    fn row(&self, name: &str, way: &RunFigures) -> Vec<String> {
        let of = &way.standard_errors;
        let figures = [
            (way.accuracy, of.accuracy),
            (way.balanced_accuracy, of.balanced_accuracy),
            (way.macro_f1, of.macro_f1),
        ];
        let figures = figures.map(|(figure, error)| with_error(Some(figure), error));
        let rare = self.figures.rarest.iter().map(|rare| share(way.recall(&rare.class)));
        [name.to_owned()].into_iter().chain(figures).chain(rare).collect()
    }
}

/// A name with a line for each word; what is quoted for its blanks keeps them.
fn in_lines(name: String) -> String {
    match name.starts_with('"') {
        true => name,
        false => name.replace(' ', "\n"),
    }
}

/// A figure with its standard error, where there is one: `0.737±.014`, which is narrow enough for 80 columns.
fn with_error(value: Option<f64>, error: Option<f64>) -> String {
    match error {
        // Rows that are all right or all wrong say nothing of their spread.
        Some(error) if error > 0.0 => format!("{}±{}", share(value), format!("{error:.3}").trim_start_matches('0')),
        _ => share(value),
    }
}

/// Three decimals, or a dash for what was not measured.
fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: Vec<Vec<u64>>, seconds: f64) -> RunFigures {
        let classes = ["Coat", "Bag", "Shirt", "Ankle boot"].map(str::to_owned);
        let counts = [65, 8, 23, 5].map(|before| ClassCounts {
            before,
            emitted: Emitted {
                real: before,
                augmented: 65 - before,
                synthetic: 1,
            },
        });
        RunFigures::new(&classes, &counts, Confusion::try_from(rows).unwrap(), seconds).unwrap()
    }

    fn report() -> Report {
        let plain = run(
            vec![vec![8, 2, 0, 0], vec![5, 5, 0, 0], vec![0; 4], vec![10, 0, 0, 0]],
            1.26,
        );
        let balanced = run(
            vec![vec![8, 2, 0, 0], vec![1, 9, 0, 0], vec![0; 4], vec![2, 0, 0, 8]],
            12.0,
        );
        let ways = [("as it is", plain), ("balanced", balanced)].into_iter().collect();
        Report::compare(ways, "balanced").unwrap()
    }

    #[test]
    fn names_the_rarest_classes() {
        let figures = report().figures;
        let rarest: Vec<_> = figures
            .rarest
            .iter()
            .map(|r| (r.class.as_str(), r.before, r.recall))
            .collect();
        assert_eq!(
            rarest,
            [("Ankle boot", 5, Some(0.8)), ("Bag", 8, Some(0.9)), ("Shirt", 23, None)]
        );
    }

    #[test]
    fn shows_the_ways_side_by_side() {
        let expected = [
            "                                                     Ankle",
            "                               balanced               boot    Bag  Shirt",
            "way, on 30 rows    accuracy    accuracy    macro F1    (5)    (8)   (23)",
            "------------------------------------------------------------------------",
            "as it is         0.433±.090  0.433±.067  0.358±.070  0.000  0.500      -",
            "balanced         0.833±.068  0.833±.067  0.836±.069  0.800  0.900      -",
        ];
        assert_eq!(report().to_table().to_string().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn shows_the_classes_of_a_run() {
        let table = report().figures.to_table().to_string();
        let bag = table.lines().find(|line| line.starts_with("Bag")).unwrap();
        assert_eq!(
            bag.split_whitespace().collect::<Vec<_>>(),
            ["Bag", "8", "8", "57", "1", "10", "0.900±.095"]
        );
    }

    #[test]
    fn comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        for report in [report(), Report::new(report().figures)] {
            report.write_json(&path).unwrap();
            let read = Report::read_json(&path).unwrap();
            assert_eq!(read.to_table().to_string(), report.to_table().to_string());
            assert_eq!(read.figures.confusion, report.figures.confusion);
            assert_eq!(read.figures.counts, report.figures.counts);
            assert_eq!(read, report);
        }
        assert_eq!(
            std::fs::read_dir(&folder).unwrap().count(),
            1,
            "no temporary file stays"
        );
    }

    #[test]
    fn a_report_of_an_earlier_version_is_read() {
        let mut json = serde_json::to_value(report()).unwrap();
        let way = json["ways"]["balanced"].as_object_mut().unwrap();
        assert_eq!(way.remove("standard_errors").unwrap()["rows"], 30);
        let top = json.as_object_mut().unwrap();
        for key in ["standard_errors", "warnings"] {
            assert!(top.remove(key).is_some(), "{key}");
        }
        let old: Report = serde_json::from_value(json).unwrap();
        assert_eq!(old.figures.standard_errors, StandardErrors::default());
        assert_eq!(
            (old.figures.accuracy, old.warnings.len()),
            (report().figures.accuracy, 0)
        );
    }

    #[test]
    fn a_difference_has_the_error_of_both() {
        let (a, b) = (&report().ways, report());
        let (plain, balanced) = (a.get("as it is").unwrap(), &b.figures);
        let (above, error) = balanced.above(plain).unwrap();
        // numpy: recalls 0.8, 0.9, 0.8 and 0.8, 0.5, 0 of ten rows each.
        assert!(
            (above - 0.4).abs() < 1e-12 && (error - 0.09545214042184234).abs() < 1e-12,
            "{above} {error}"
        );
        assert_eq!(plain.above(balanced).unwrap().0, -above);
    }

    #[test]
    fn has_the_keys_that_others_read() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["rarest"][0]["class"], "Ankle boot");
        assert_eq!(json["recalls"]["Shirt"], serde_json::Value::Null);
        assert_eq!(json["counts"]["Bag"]["emitted"]["augmented"], 57);
        assert_eq!(json["confusion"][3][3], 8);
        assert_eq!(json["ways"]["as it is"]["seconds"], 1.26);
        for key in ["accuracy", "balanced_accuracy", "macro_f1", "classes", "seconds"] {
            assert!(json.get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let two = ["a".to_owned(), "a".to_owned()];
        let counts = [ClassCounts::default(); 2];
        assert!(RunFigures::new(&two, &counts, Confusion::new(3), 0.0).is_err());
        let error = RunFigures::new(&two, &counts, Confusion::new(2), 0.0).unwrap_err();
        assert_eq!(error.to_string(), r#"two classes are called "a""#);
        assert!(Report::compare(Named::default(), "best").is_err());
    }

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

    #[test]
    fn names_that_a_terminal_would_obey_are_escaped_in_every_table() {
        let classes = ["\u{1b}[31mred", "red ", "a\nb"].map(str::to_owned);
        let counts = [1, 2, 3].map(|before| ClassCounts {
            before,
            ..ClassCounts::default()
        });
        let run = RunFigures::new(&classes, &counts, Confusion::new(3), 1.0).unwrap();
        for text in [
            run.to_table().to_string(),
            Report::new(run.clone()).to_table().to_string(),
        ] {
            assert!(
                !text.contains('\u{1b}') && text.contains("\"red \"") && text.contains(r#""a\nb""#),
                "{text}"
            );
        }
    }
}
