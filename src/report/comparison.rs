//! The report of a run, or of several strategies side by side.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::figures::{RunFigures, heading, share, with_error, with_two_digits};
use super::named::Named;
use super::table::{Align, TERMINAL, Table};
use crate::error::{Error, Result};
use crate::exec::files;
use crate::quote::{counted, shown};

/// Columns of a rare class's name in the header of a table.
const RARE: usize = 12;

/// The figures of the run that counts and, where several strategies were tried, of each of them.
///
/// In JSON the figures are at the top level, and the strategies are the object `ways`, which is left out where there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run that counts.
    #[serde(flatten)]
    pub figures: RunFigures,
    /// Every strategy that was tried, by name, in the order in which they were tried.
    #[serde(rename = "ways", default, skip_serializing_if = "Named::is_empty")]
    pub strategies: Named<RunFigures>,
    /// How the data was understood, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a reader of the figures has to know, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Rows that the run went on without; none where a row whose picture cannot be made ends a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_rows: Option<BadRows>,
    /// What balance, loss and synthetic share were chosen from, where they were: a `Choice` of `train::auto_balance` as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_balance: Option<Value>,
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
            strategies: Named::default(),
            notes: Vec::new(),
            warnings: Vec::new(),
            bad_rows: None,
            auto_balance: None,
        }
    }

    /// A report of several strategies; the one called `best` is the one that counts.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::error::ErrorKind::Config) where no strategy is called `best`.
    pub fn compare(strategies: Named<RunFigures>, best: &str) -> Result<Self> {
        let figures = strategies.get(best).cloned();
        let figures = figures.ok_or_else(|| Error::config(format!("no strategy is called {best:?}")))?;
        Ok(Self {
            strategies,
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
        let json = files::read_small(path).map_err(|e| Error::io(path, e))?;
        serde_json::from_slice(&json).map_err(|e| {
            Error::data(e.to_string())
                .with_source(e)
                .context(path.display().to_string())
        })
    }

    /// A row for each strategy (or for the one run): the task's figures and the recalls of the rarest classes, each with its standard
    /// error.
    ///
    /// The rarest classes are those of the run that counts, with their evaluation rows in the header. Where the names of strategies
    /// leave no room for them in 80 columns, the errors of these recalls are left out.
    pub fn to_table(&self) -> Table {
        let table = self.table(true);
        match table.width() <= TERMINAL {
            true => table,
            false => self.table(false),
        }
    }

    fn table(&self, errors_of_recalls: bool) -> Table {
        let right = |name: String| (name, Align::Right);
        let tested = |class: &str| {
            let at = self.figures.classes.iter().position(|name| name == class);
            at.and_then(|at| self.figures.measured.tested.get(at))
                .copied()
                .unwrap_or(0)
        };
        let rare = self
            .figures
            .rarest
            .iter()
            .map(|rare| format!("{}\nof {}", in_lines(shown(&rare.class, RARE)), tested(&rare.class)));
        let figures = self.figures.measured.figures.iter().map(|(name, _)| heading(name));
        let numbers = figures.chain(rare);
        let first = format!("way,\non {}", counted(self.figures.rows(), "row"));
        let mut table = Table::new([(first, Align::Left)].into_iter().chain(numbers.map(right)));
        if self.strategies.is_empty() {
            table.push(self.row("this run", &self.figures, errors_of_recalls));
        }
        self.strategies
            .iter()
            .for_each(|(name, strategy)| table.push(self.row(name, strategy, errors_of_recalls)));
        table
    }

    fn row(&self, name: &str, strategy: &RunFigures, errors_of_recalls: bool) -> Vec<String> {
        let figures = self.figures.measured.figures.iter().map(|(name, _)| {
            let figure = strategy.measured.figures.get(name).copied().unwrap_or_default();
            with_error(figure.value, figure.standard_error)
        });
        let rare = self.figures.rarest.iter().map(|rare| {
            let recall = strategy.recall_figure(&rare.class).unwrap_or_default();
            match errors_of_recalls {
                true => with_two_digits(recall),
                false => share(recall.value),
            }
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ClassCounts, Confusion, Emitted, Figure, Measured};

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
        RunFigures::new(
            "classify",
            &classes,
            &counts,
            Measured::of_classes(Confusion::try_from(rows).unwrap()),
            seconds,
        )
        .unwrap()
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
        let strategies = [("as it is", plain), ("balanced", balanced)].into_iter().collect();
        Report::compare(strategies, "balanced").unwrap()
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
            "                                                   Ankle",
            "way,                      balanced                  boot       Bag  Shirt",
            "on 30 rows    accuracy    accuracy    macro F1     of 10     of 10   of 0",
            "-------------------------------------------------------------------------",
            "as it is    0.433±.091  0.433±.076  0.358±.070  0.00±.09  0.50±.16      -",
            "balanced    0.833±.071  0.833±.076  0.836±.069  0.80±.14  0.90±.12      -",
        ];
        assert_eq!(report().to_table().to_string().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn shows_the_classes_of_a_run() {
        let table = report().figures.to_table().to_string();
        let bag = table.lines().find(|line| line.starts_with("Bag")).unwrap();
        assert_eq!(
            bag.split_whitespace().collect::<Vec<_>>(),
            ["Bag", "8", "8", "57", "1", "10", "0.900±.118"]
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
            assert_eq!(read.figures.confusion(), report.figures.confusion());
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
    fn a_report_without_classes_has_its_figures_alone() {
        let measured = Measured::new(120, "rmse")
            .lower_is_better()
            .with("mae", Figure::new(1234.5, 98.7654321))
            .with("rmse", Figure::new(2.5, 0.25))
            .with("r2", Figure::new(f64::NAN, None))
            .detail("unit", "m");
        let run = |rmse: f64| {
            let measured = measured.clone().with("rmse", Figure::new(rmse, 0.25));
            RunFigures::new("regress", &[], &[], measured, 1.0).unwrap()
        };
        let report = Report::new(run(2.5));
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((json["mae"].as_f64(), json["r2"].is_null()), (Some(1234.5), true));
        assert_eq!(json["standard_errors"]["mae"], 98.7654);
        assert!(json.get("classes").is_none(), "{json}");
        let table = report.to_table().to_string();
        let last: Vec<_> = table.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(last, ["this", "run", "1234±99", "2.500±.250", "-"]);
        assert!(report.figures.to_table().to_string().contains("on 120 rows"));
        // The smaller error is the better run.
        assert_eq!(run(2.0).above(&run(2.5)).unwrap(), (0.5, 0.25_f64.hypot(0.25)));
    }

    #[test]
    fn a_difference_has_the_error_of_both() {
        let (a, b) = (&report().strategies, report());
        let (plain, balanced) = (a.get("as it is").unwrap(), &b.figures);
        let (above, error) = balanced.above(plain).unwrap();
        // numpy: recalls 0.8, 0.9, 0.8 and 0.8, 0.5, 0 of ten rows each.
        assert!(
            (above - 0.4).abs() < 1e-12 && (error - 0.10686324478706302).abs() < 1e-6,
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
        assert_eq!(
            (&json["task"], &json["figure"]),
            (&"classify".into(), &"balanced_accuracy".into())
        );
        assert_eq!(json["standard_errors"]["rows"], 30);
        for key in ["accuracy", "balanced_accuracy", "macro_f1", "classes", "seconds"] {
            assert!(json.get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let two = ["a".to_owned(), "a".to_owned()];
        let counts = [ClassCounts::default(); 2];
        let new = |classes| {
            RunFigures::new(
                "classify",
                &two,
                &counts,
                Measured::of_classes(Confusion::new(classes)),
                0.0,
            )
        };
        assert!(new(3).is_err());
        let error = new(2).unwrap_err();
        assert_eq!(error.to_string(), r#"two classes are called "a""#);
        assert!(Report::compare(Named::default(), "best").is_err());
    }

    #[test]
    fn names_that_a_terminal_would_obey_are_escaped_in_every_table() {
        let classes = ["\u{1b}[31mred", "red ", "a\nb"].map(str::to_owned);
        let counts = [1, 2, 3].map(|before| ClassCounts {
            before,
            ..ClassCounts::default()
        });
        let run = RunFigures::new(
            "classify",
            &classes,
            &counts,
            Measured::of_classes(Confusion::new(3)),
            1.0,
        )
        .unwrap();
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
