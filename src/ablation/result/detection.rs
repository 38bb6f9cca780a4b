//! The table of a detection data set.

use super::format::{NAME, columns, p, signed};
use super::tested::Tested;
use crate::ablation::arms::CHOSEN;
use crate::ablation::detection::{BoxFigures, DetectionArm, DetectionChoice};
use crate::ablation::figures::deviation;
use crate::ablation::journal::Journal;
use crate::ablation::line::Contents;
use crate::ablation::paired::PairedTest;
use crate::ablation::spec::Ablation;
use crate::error::{Error, Result};
use crate::report::{Table, share_with_error};
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
    /// What was chosen on parts of the training pictures, beside the baseline.
    pub chosen: ChosenDetection,
}

/// What was chosen on parts of the training pictures, and compared once on the test pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenDetection {
    /// The choice.
    pub choice: DetectionChoice,
    /// What was chosen, under the paired seeds.
    pub chosen: DetectionRow,
    /// Repeat factors, under the same seeds.
    pub repeat_factors: DetectionRow,
    /// The average precision of the rarest third of the two; Holm's rule is over the data sets.
    pub rarest_third: Tested,
    /// Their mean average precision.
    pub map: PairedTest,
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
        Self {
            name: name.to_owned(),
            mean: BoxFigures::mean(&seeds),
            deviation: BoxFigures::over(&seeds, |values| deviation(values).unwrap_or(0.0)),
            seeds,
            map: None,
            rarest_third: None,
        }
    }

    /// The figures of a row of the table in `journal`.
    fn of_cells(journal: &Journal, data: &str, name: &str, seeds: u64) -> Result<Self> {
        let of = |seed| {
            let missing = || Error::stage(format!("{data}, {name}, seed {seed} has not been done"));
            journal.detection(data, name, seed, false).ok_or_else(missing)
        };
        Ok(Self::new(name, (0..seeds).map(of).collect::<Result<_>>()?))
    }

    fn paired(&self, other: &Self, of: fn(&BoxFigures) -> f64) -> PairedTest {
        let values = |row: &Self| row.seeds.iter().map(of).collect::<Vec<_>>();
        PairedTest::new(&values(self), &values(other))
    }
}

impl ChosenDetection {
    fn new(choice: DetectionChoice, chosen: DetectionRow, repeat_factors: DetectionRow) -> Self {
        Self {
            rarest_third: Tested::alone(chosen.paired(&repeat_factors, |figures| figures.rarest_third)),
            map: chosen.paired(&repeat_factors, |figures| figures.map),
            choice,
            chosen,
            repeat_factors,
        }
    }

    /// Whether it beats repeat factors on the rarest third, with Holm's rule over the data sets, without losing mean average precision on average.
    pub fn helps(&self) -> bool {
        self.rarest_third.is_better() && self.map.difference >= 0.0
    }

    /// What was chosen, and what came of it.
    pub(super) fn in_words(&self, data: &str) -> String {
        let (rare, map) = (&self.rarest_third, &self.map);
        format!(
            "{data}: {}. On the test pictures, {} paired seeds: rarest third {:.3} beside {:.3} of repeat factors, {} (p {}, by Holm's rule over the \
             data sets {}): {}; mAP {:.3} beside {:.3}, {} (p {}).",
            self.choice.in_words(),
            rare.test.pairs,
            self.chosen.mean.rarest_third,
            self.repeat_factors.mean.rarest_third,
            signed(rare.test.difference),
            p(rare.test.t),
            p(rare.t_holm),
            rare.verdict(),
            self.chosen.mean.map,
            self.repeat_factors.mean.map,
            signed(map.difference),
            p(map.t)
        )
    }
}

impl DetectionReport {
    /// What the cells of `journal` come to.
    pub(super) fn new(ablation: &Ablation, journal: &Journal, contents: &Contents) -> Result<Self> {
        let data = &contents.data;
        let row = |arm: &DetectionArm| DetectionRow::of_cells(journal, data, arm.name, ablation.seeds);
        let rows = DetectionArm::ALL.iter().map(row).collect::<Result<_>>()?;
        let paired = |name| DetectionRow::of_cells(journal, data, name, ablation.paired_seeds);
        let choice = ablation.detection_choice(data, journal)?;
        let chosen = ChosenDetection::new(choice, paired(CHOSEN)?, paired(DetectionArm::BASELINE.name)?);
        Ok(Self::of(contents, rows, chosen))
    }

    /// With the tests of all rows against the baseline.
    fn of(contents: &Contents, mut rows: Vec<DetectionRow>, chosen: ChosenDetection) -> Self {
        let baseline = DetectionArm::BASELINE.name;
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
            chosen,
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
                let (by, p, verdict) = (signed(tested.test.difference), p(tested.t_holm), tested.verdict());
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
    pairs.map(|(mean, deviation)| share_with_error(mean, Some(deviation)))
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
        let seeds = |row: &DetectionRow| row.seeds.clone();
        let choice = DetectionChoice::new(&seeds(&rows[1]), vec![(DetectionArm::ALL[2].way, seeds(&rows[2]))]);
        let chosen = ChosenDetection::new(choice, rows[2].clone(), rows[1].clone());
        let report = DetectionReport::of(&contents, rows, chosen);
        let said = report.chosen.in_words("cells");
        let expected = "On the test pictures, 3 paired seeds: rarest third 0.317 beside 0.213 of repeat factors, +.103 (p .001, by Holm's rule over the data \
                        sets -): not told apart with 3 seeds; mAP 0.510 beside 0.510, 0 (p 1).";
        assert!(said.ends_with(expected), "{said}");
        assert!(report.rows[1].map.is_none());
        let none = report.rows[0].map.unwrap();
        // Differences -.10, -.09 and -.11: t of 17.3, scipy's p .003317, twice by Holm's rule.
        assert!((none.test.difference + 0.1).abs() < 1e-12);
        assert!((none.t_holm.unwrap() - 2.0 * 0.003_316_76).abs() < 1e-7, "{none:?}");
        let words = report.in_words().join("\n");
        let said = "cells, mAP, beside repeat factors: none -.100 (p .007): worse; copy-paste 0 (p 1): not told apart with 3 \
                    seeds.";
        assert!(words.contains(said), "{words}");
        let text = report.to_table().to_string();
        assert!(text.contains("0.510±.010"), "{text}");
        let markdown = report.to_markdown(str::to_owned);
        assert!(markdown.contains("| none | **0.410±.010** | 0.800"), "{markdown}");
    }
}
