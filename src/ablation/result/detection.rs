//! The table of a detection data set.

use super::format::{NAME, columns, p, signed};
use super::tested::Tested;
use crate::ablation::detection::{BoxFigures, DetectionArm};
use crate::ablation::figures::{deviation, mean};
use crate::ablation::journal::{Contents, Journal};
use crate::ablation::paired::PairedTest;
use crate::error::{Error, Result};
use crate::report::{Table, with_error};
use serde::{Deserialize, Serialize};

/// The rows of the table for a detection data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectionReport {
    /// Its name.
    pub name: String,
    /// Names of its classes.
    pub classes: Vec<String>,
    /// Training objects of each class.
    pub training_objects: Vec<u64>,
    /// Test pictures.
    pub test_pictures: u64,
    /// The row that others are compared with.
    pub baseline: String,
    /// The rows.
    pub rows: Vec<DetectionRow>,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectionRow {
    /// What is done about rare classes.
    pub name: String,
    /// The mean over the seeds.
    pub mean: BoxFigures,
    /// The deviation over the seeds, with `n - 1`.
    pub deviation: BoxFigures,
    /// The figures of each seed.
    pub seeds: Vec<BoxFigures>,
    /// The test of the mean average precision against the baseline, seed by seed; none of the baseline itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<Tested>,
    /// The same of the rarest third.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rarest_third: Option<Tested>,
}

impl DetectionRow {
    fn new(name: &str, seeds: Vec<BoxFigures>) -> Self {
        let over = |of: &dyn Fn(&[f64]) -> f64| {
            let each = |figure: fn(&BoxFigures) -> f64| of(&seeds.iter().map(figure).collect::<Vec<_>>());
            BoxFigures {
                map: each(|figures| figures.map),
                map50: each(|figures| figures.map50),
                rarest_third: each(|figures| figures.rarest_third),
            }
        };
        Self {
            name: name.to_owned(),
            mean: over(&mean),
            deviation: over(&|values| deviation(values).unwrap_or(0.0)),
            seeds,
            map: None,
            rarest_third: None,
        }
    }

    fn paired(&self, other: &Self, of: fn(&BoxFigures) -> f64) -> PairedTest {
        let values = |row: &Self| row.seeds.iter().map(of).collect::<Vec<_>>();
        PairedTest::new(&values(self), &values(other))
    }
}

impl DetectionReport {
    /// What the cells of `journal` come to.
    pub(super) fn new(seeds: u64, journal: &Journal, contents: &Contents) -> Result<Self> {
        let row = |arm: &DetectionArm| {
            let (data, name) = (&contents.data, arm.name());
            let of = |seed| {
                let cell = journal.detection(data, name, seed);
                let missing = || Error::stage(format!("{data}, {name}, seed {seed} has not been done"));
                cell.map(|cell| cell.figures).ok_or_else(missing)
            };
            Ok(DetectionRow::new(name, (0..seeds).map(of).collect::<Result<_>>()?))
        };
        let rows = DetectionArm::ALL.iter().map(row).collect::<Result<_>>()?;
        Ok(Self::of(contents, rows))
    }

    /// With the tests of all rows against the baseline.
    fn of(contents: &Contents, mut rows: Vec<DetectionRow>) -> Self {
        let baseline = DetectionArm::BASELINE.name();
        let base = rows.iter().find(|row| row.name == baseline).cloned();
        if let Some(base) = base {
            let others = || rows.iter().filter(|row| row.name != baseline);
            let by = |of: fn(&BoxFigures) -> f64| Tested::all(others().map(|row| row.paired(&base, of)).collect());
            let tests = by(|figures| figures.map)
                .into_iter()
                .zip(by(|figures| figures.rarest_third));
            let tests: Vec<_> = tests.collect();
            for (row, (map, rarest_third)) in rows.iter_mut().filter(|row| row.name != baseline).zip(tests) {
                (row.map, row.rarest_third) = (Some(map), Some(rarest_third));
            }
        }
        Self {
            name: contents.data.clone(),
            classes: contents.classes.clone(),
            training_objects: contents.counts.clone(),
            test_pictures: contents.tested,
            baseline: baseline.to_owned(),
            rows,
        }
    }

    /// A line for each row: the mean of each figure with its deviation over the seeds.
    pub fn to_table(&self) -> Table {
        let mut table = Table::new(columns("", &["mAP", "mAP50", "rarest\nthird"]));
        for row in &self.rows {
            table.push([row.name.clone()].into_iter().chain(cells(row)));
        }
        table
    }

    /// A line for each row but the baseline: differences from it, with p of both tests under Holm's rule.
    pub fn to_tests(&self) -> Table {
        let head = ["mAP", "p (t)", "p\n(ranks)", "rarest\nthird", "p (t)", "p\n(ranks)"];
        let mut table = Table::new(columns(&format!("beside {}", self.baseline), &head));
        for row in &self.rows {
            let Some((map, rarest)) = row.map.zip(row.rarest_third) else {
                continue;
            };
            let cells = [map, rarest].into_iter().flat_map(|tested| {
                let difference = signed(tested.test.difference);
                [difference, p(tested.t_holm), p(tested.wilcoxon_holm)]
            });
            table.push([row.name.clone()].into_iter().chain(cells));
        }
        table
    }

    /// What stands above the table.
    pub(super) fn title(&self) -> String {
        format!("{}, boxes", crate::quote::shown(&self.name, NAME))
    }

    /// How much there is.
    pub(super) fn rows_in_words(&self) -> String {
        format!(
            "{} classes, {} training objects and {} test pictures",
            self.classes.len(),
            self.training_objects.iter().sum::<u64>(),
            self.test_pictures
        )
    }

    /// As Markdown. A figure in bold differs from that of the baseline by more than chance.
    pub(super) fn to_markdown(&self, escaped: fn(&str) -> String) -> String {
        let mut out = format!(
            "| {} | mAP | mAP50 | rarest third |\n|---|---|---|---|\n",
            escaped(&self.name)
        );
        for row in &self.rows {
            let differs = |tested: Option<Tested>| tested.is_some_and(|tested| tested.is_more_than_chance());
            let bold = [differs(row.map), false, differs(row.rarest_third)];
            let marked = cells(row).zip(bold).map(|(cell, bold)| match bold {
                true => format!("**{cell}**"),
                false => cell,
            });
            let marked: Vec<String> = marked.collect();
            out += &format!("| {} | {} |\n", escaped(&row.name), marked.join(" | "));
        }
        out + "\n"
    }

    /// What the figures say: which rows differ from the baseline by more than noise.
    pub(super) fn in_words(&self) -> Vec<String> {
        type Of = fn(&DetectionRow) -> Option<Tested>;
        let figures: [(&str, Of); 2] = [("mAP", |row| row.map), ("the rarest third", |row| row.rarest_third)];
        let said = figures.map(|(figure, of)| {
            let all = self.rows.iter().filter_map(|row| {
                let tested = of(row)?;
                let verdict = match (tested.is_more_than_chance(), tested.test.difference > 0.0) {
                    (false, _) => "noise",
                    (true, true) => "better",
                    (true, false) => "worse",
                };
                let (by, p) = (signed(tested.test.difference), p(tested.t_holm));
                Some(format!("{} {by} (p {p}): {verdict}", row.name))
            });
            let all: Vec<String> = all.collect();
            format!("{}, {figure}, beside {}: {}.", self.name, self.baseline, all.join("; "))
        });
        said.into()
    }
}

/// The figures of a row.
fn cells(row: &DetectionRow) -> impl Iterator<Item = String> {
    let values = |of: &BoxFigures| [of.map, of.map50, of.rarest_third];
    let pairs = values(&row.mean).into_iter().zip(values(&row.deviation));
    pairs.map(|(mean, deviation)| with_error(Some(mean), Some(deviation)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detectors_are_compared_with_repeat_factors() {
        let row = |name: &str, seeds: [[f64; 2]; 3]| {
            let figures = |[map, rarest_third]: [f64; 2]| BoxFigures {
                map,
                map50: 0.8,
                rarest_third,
            };
            DetectionRow::new(name, seeds.map(figures).to_vec())
        };
        let rows = vec![
            row("none", [[0.40, 0.10], [0.42, 0.12], [0.41, 0.11]]),
            row("repeat factors", [[0.50, 0.20], [0.51, 0.23], [0.52, 0.21]]),
            row("copy-paste", [[0.50, 0.30], [0.52, 0.34], [0.51, 0.31]]),
        ];
        let contents = Contents {
            data: "cells".to_owned(),
            fingerprint: String::new(),
            classes: vec!["red".to_owned(), "white".to_owned()],
            counts: vec![90, 10],
            tested: 7,
        };
        let report = DetectionReport::of(&contents, rows);
        assert!(report.rows[1].map.is_none());
        let none = report.rows[0].map.unwrap();
        // Differences -.10, -.09 and -.11: t of 17.3, scipy's p .003317, twice by Holm's rule.
        assert!((none.test.difference + 0.1).abs() < 1e-12);
        assert!((none.t_holm.unwrap() - 2.0 * 0.003_316_76).abs() < 1e-7, "{none:?}");
        let words = report.in_words().join("\n");
        let said = "cells, mAP, beside repeat factors: none -.100 (p .007): worse; copy-paste 0 (p 1): noise.";
        assert!(words.contains(said), "{words}");
        let text = report.to_table().to_string();
        assert!(text.contains("0.510±.010"), "{text}");
        let markdown = report.to_markdown(str::to_owned);
        assert!(markdown.contains("| none | **0.410±.010** | 0.800"), "{markdown}");
    }
}
