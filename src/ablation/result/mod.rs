//! What came out of an ablation: means over seeds, paired tests, and what they say.

mod markdown;
mod page;
mod tables;
mod words;

use super::arms::{CHOSEN, SyntheticShare, arms, baseline};
use super::choice::SyntheticChoice;
use super::figures::{Figures, deviation};
use super::journal::{Contents, Journal};
use super::paired::{PairedTest, holm};
use super::rows::Input;
use super::spec::{Ablation, DataSet};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The p below which a difference is taken for more than chance.
pub(super) const LEVEL: f64 = 0.05;

/// What came out of an ablation; `ablation.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AblationReport {
    /// Seeds of each row.
    pub seeds: u64,
    /// Whether it was cut short to take minutes.
    pub quick: bool,
    /// The data sets, in their order; of several tables their mean comes last.
    pub data: Vec<DataReport>,
    /// The way that was chosen inside the training rows of each set, beside repeats.
    pub chosen: Vec<ChosenReport>,
}

/// The rows of the table for one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataReport {
    /// Its name.
    pub name: String,
    /// Names of its classes; empty for the mean of several tables.
    pub classes: Vec<String>,
    /// Training rows of each class.
    pub training_rows: Vec<u64>,
    /// Test rows.
    pub test_rows: u64,
    /// The rows, by what the network was given.
    pub inputs: Vec<InputReport>,
    /// What transfer learning brings, of pictures: rows on pretrained features against the same from scratch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfer: Vec<TransferReport>,
}

/// A row of the table on pretrained features against the same row from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferReport {
    /// The row.
    pub row: String,
    /// The test, by balanced accuracy.
    pub balanced_accuracy: PairedTest,
}

/// The rows of the table for one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputReport {
    /// What the network was given.
    pub input: Input,
    /// The row that others are compared with.
    pub baseline: String,
    /// The rows.
    pub rows: Vec<RowReport>,
}

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

/// Tests against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// By balanced accuracy.
    pub balanced_accuracy: Tested,
    /// By the recall of the rarest third.
    pub rarest_third: Tested,
}

/// A paired test among others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The test.
    #[serde(flatten)]
    pub test: PairedTest,
    /// p of the t-test with all that is compared taken into account (Holm 1979).
    pub t_holm: Option<f64>,
    /// The same of the signed-rank test.
    pub wilcoxon_holm: Option<f64>,
}

impl Tested {
    /// Whether the difference is more than chance gives, by the t-test with Holm's rule.
    pub fn is_more_than_chance(&self) -> bool {
        self.t_holm.is_some_and(|p| p < LEVEL)
    }

    /// Each test among all of them.
    fn all(tests: Vec<PairedTest>) -> Vec<Self> {
        let t = holm(&tests.iter().map(|test| test.t).collect::<Vec<_>>());
        let ranks = holm(&tests.iter().map(|test| test.wilcoxon).collect::<Vec<_>>());
        let all = tests.into_iter().zip(t.into_iter().zip(ranks));
        all.map(|(test, (t_holm, wilcoxon_holm))| Self {
            test,
            t_holm,
            wilcoxon_holm,
        })
        .collect()
    }
}

/// What was chosen inside the training rows of a data set, and compared once on its test rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenReport {
    /// The data set.
    pub data: String,
    /// What the network was given.
    pub input: Input,
    /// The choices: one, or of a table one for the training rows of each seed. The mean of several tables has those of all of them.
    pub choices: Vec<SyntheticChoice>,
    /// What was chosen, under the paired seeds.
    pub chosen: RowReport,
    /// Repeats (with augmentation, of pictures), under the same seeds.
    pub repeats: RowReport,
    /// The recall of the rarest third of the two; Holm's rule is over the data sets, of several tables over their mean alone.
    pub rarest_third: Tested,
    /// Their balanced accuracy.
    pub balanced_accuracy: PairedTest,
}

impl ChosenReport {
    /// Whether it beats repeats on the rarest third, with Holm's rule over the data sets, without losing balanced accuracy on average.
    pub fn helps(&self) -> bool {
        let rare = &self.rarest_third;
        rare.is_more_than_chance() && rare.test.difference > 0.0 && self.balanced_accuracy.difference >= 0.0
    }
}

impl RowReport {
    fn new(name: &str, seeds: Vec<Figures>) -> Self {
        Self {
            name: name.to_owned(),
            mean: Figures::mean(&seeds),
            deviation: Figures::over(&seeds, |values| deviation(values).unwrap_or(0.0)),
            seeds,
            against: None,
        }
    }

    /// The mean of rows of one name, seed by seed.
    fn mean_of(rows: &[&Self]) -> Self {
        let seeds = 0..rows[0].seeds.len();
        let of = |seed: usize| Figures::mean(&rows.iter().map(|row| row.seeds[seed]).collect::<Vec<_>>());
        Self::new(&rows[0].name, seeds.map(of).collect())
    }

    fn paired(&self, other: &Self, of: fn(&Figures) -> f64) -> PairedTest {
        let values = |row: &Self| row.seeds.iter().map(of).collect::<Vec<_>>();
        PairedTest::new(&values(self), &values(other))
    }
}

impl InputReport {
    /// With the tests of all rows against the baseline.
    fn new(input: Input, rows: Vec<RowReport>) -> Self {
        let mut report = Self {
            input,
            baseline: baseline(input).to_owned(),
            rows,
        };
        let Some(base) = report.base().cloned() else {
            return report;
        };
        let others = || report.rows.iter().filter(|row| row.name != base.name);
        let by = |of: fn(&Figures) -> f64| Tested::all(others().map(|row| row.paired(&base, of)).collect());
        let tests = by(|figures| figures.balanced_accuracy)
            .into_iter()
            .zip(by(|figures| figures.rarest_third));
        let tests: Vec<_> = tests.collect();
        let rows = report.rows.iter_mut().filter(|row| row.name != base.name);
        for (row, (balanced_accuracy, rarest_third)) in rows.zip(tests) {
            row.against = Some(Against {
                balanced_accuracy,
                rarest_third,
            });
        }
        report
    }

    /// The row that others are compared with.
    fn base(&self) -> Option<&RowReport> {
        self.row(&self.baseline)
    }

    fn row(&self, name: &str) -> Option<&RowReport> {
        self.rows.iter().find(|row| row.name == name)
    }
}

impl AblationReport {
    /// What the cells of `journal` come to.
    pub(super) fn new(ablation: &Ablation, journal: &Journal) -> Result<Self> {
        let mut data = Vec::new();
        for set in &ablation.data {
            let name = set.name();
            let contents = journal.contents.iter().find(|contents| contents.data == name);
            let contents = contents.ok_or_else(|| Error::stage(format!("{name} has no cells")))?;
            data.push(of_data(ablation, journal, set, contents)?);
        }
        let tables: Vec<&DataReport> = data
            .iter()
            .filter(|of| of.inputs.iter().any(|input| input.input == Input::Columns))
            .collect();
        let all = (tables.len() > 1).then(|| mean_of(&tables));
        data.extend(all);
        Ok(Self {
            seeds: ablation.seeds,
            quick: ablation.quick,
            data,
            chosen: chosen(ablation, journal)?,
        })
    }

    /// As `ablation.json` has it.
    pub(super) fn to_json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        json.map(|json| json + "\n")
            .map_err(|error| Error::data(error.to_string()).with_source(error))
    }
}

fn figures_of(journal: &Journal, data: &str, input: Input, row: &str, seeds: u64) -> Result<RowReport> {
    let of = |seed| {
        let cell = journal.cell(data, input, row, seed);
        let missing = || Error::stage(format!("{data}, {input}, {row}, seed {seed} has not been done"));
        cell.map(|cell| cell.figures).ok_or_else(missing)
    };
    Ok(RowReport::new(row, (0..seeds).map(of).collect::<Result<_>>()?))
}

fn of_data(ablation: &Ablation, journal: &Journal, set: &DataSet, contents: &Contents) -> Result<DataReport> {
    let inputs: &[Input] = match set {
        DataSet::Pictures(pictures) if pictures.from_scratch => &[Input::FromScratch, Input::Pretrained],
        DataSet::Pictures(_) => &[Input::Pretrained],
        DataSet::Keel(_) => &[Input::Columns],
    };
    let input = |&input: &Input| {
        let rows = arms(input)
            .into_iter()
            .map(|arm| figures_of(journal, &contents.data, input, &arm.name, ablation.seeds));
        Ok(InputReport::new(input, rows.collect::<Result<_>>()?))
    };
    let inputs: Vec<InputReport> = inputs.iter().map(input).collect::<Result<_>>()?;
    Ok(DataReport {
        name: contents.data.clone(),
        classes: contents.classes.clone(),
        training_rows: contents.counts.clone(),
        test_rows: contents.tested,
        transfer: transfer(&inputs),
        inputs,
    })
}

/// Rows that both inputs of pictures have and that no generator makes: augmentation costs a network from scratch much that it is too short
/// trained to win back, so one row alone would say too little.
const TRANSFER: [&str; 3] = ["repeats", "repeats + augmentation", "balanced softmax"];

fn transfer(inputs: &[InputReport]) -> Vec<TransferReport> {
    let of = |wanted: Input, row: &str| {
        let report = inputs.iter().find(|report| report.input == wanted);
        report.and_then(|report| report.row(row))
    };
    let report = |row: &&str| {
        let (ours, other) = (of(Input::Pretrained, row)?, of(Input::FromScratch, row)?);
        Some(TransferReport {
            row: (*row).to_owned(),
            balanced_accuracy: ours.paired(other, |figures| figures.balanced_accuracy),
        })
    };
    TRANSFER.iter().filter_map(report).collect()
}

/// The mean over several tables, seed by seed.
fn mean_of(tables: &[&DataReport]) -> DataReport {
    let inputs = tables.iter().flat_map(|table| &table.inputs);
    let inputs: Vec<&InputReport> = inputs.filter(|input| input.input == Input::Columns).collect();
    let rows = inputs[0].rows.iter().enumerate().map(|(at, _)| {
        let rows: Vec<&RowReport> = inputs.iter().map(|input| &input.rows[at]).collect();
        RowReport::mean_of(&rows)
    });
    DataReport {
        name: name_of_mean(tables.len()),
        classes: Vec::new(),
        training_rows: Vec::new(),
        test_rows: tables.iter().map(|table| table.test_rows).sum(),
        inputs: vec![InputReport::new(Input::Columns, rows.collect())],
        transfer: Vec::new(),
    }
}

fn name_of_mean(tables: usize) -> String {
    format!("mean of {tables} tables")
}

/// What was chosen in a data set, and repeats.
struct Pair {
    data: String,
    input: Input,
    choices: Vec<SyntheticChoice>,
    chosen: RowReport,
    repeats: RowReport,
    /// Whether it is one of several tables, of which the mean is compared.
    is_part: bool,
}

fn chosen(ablation: &Ablation, journal: &Journal) -> Result<Vec<ChosenReport>> {
    let tables = ablation.data.iter().filter(|set| matches!(set, DataSet::Keel(_)));
    let tables = tables.count();
    let mut pairs = Vec::new();
    for set in &ablation.data {
        let (data, input) = match set {
            DataSet::Pictures(_) => (set.name(), Input::Pretrained),
            DataSet::Keel(_) => (set.name(), Input::Columns),
        };
        let choices = journal.chosen.iter().filter(|chosen| chosen.data == data);
        let mut choices: Vec<_> = choices.map(|chosen| (chosen.split, chosen.choice.clone())).collect();
        choices.sort_by_key(|(split, _)| *split);
        let of = |row| figures_of(journal, &data, input, row, ablation.paired_seeds);
        pairs.push(Pair {
            choices: choices.into_iter().map(|(_, choice)| choice).collect(),
            chosen: of(CHOSEN)?,
            repeats: of(baseline(input))?,
            is_part: tables > 1 && input == Input::Columns,
            data,
            input,
        });
    }
    let parts: Vec<&Pair> = pairs.iter().filter(|pair| pair.is_part).collect();
    if !parts.is_empty() {
        let mean =
            |of: fn(&Pair) -> &RowReport| RowReport::mean_of(&parts.iter().map(|pair| of(pair)).collect::<Vec<_>>());
        let all = Pair {
            data: name_of_mean(parts.len()),
            input: Input::Columns,
            choices: parts.iter().flat_map(|pair| pair.choices.clone()).collect(),
            chosen: mean(|pair| &pair.chosen),
            repeats: mean(|pair| &pair.repeats),
            is_part: false,
        };
        pairs.push(all);
    }
    Ok(chosen_reports(pairs))
}

/// Holm's rule is over the data sets, of several tables over their mean.
fn chosen_reports(pairs: Vec<Pair>) -> Vec<ChosenReport> {
    let rare: Vec<PairedTest> = pairs.iter().map(Pair::rarest_third).collect();
    let compared = rare.iter().zip(&pairs).filter(|(_, pair)| !pair.is_part);
    let mut compared = Tested::all(compared.map(|(test, _)| *test).collect()).into_iter();
    let report = |(pair, test): (Pair, PairedTest)| ChosenReport {
        rarest_third: match pair.is_part {
            true => None,
            false => compared.next(),
        }
        .unwrap_or(Tested {
            test,
            t_holm: None,
            wilcoxon_holm: None,
        }),
        balanced_accuracy: pair.chosen.paired(&pair.repeats, |figures| figures.balanced_accuracy),
        data: pair.data,
        input: pair.input,
        choices: pair.choices,
        chosen: pair.chosen,
        repeats: pair.repeats,
    };
    pairs.into_iter().zip(rare).map(report).collect()
}

impl Pair {
    fn rarest_third(&self) -> PairedTest {
        self.chosen.paired(&self.repeats, |figures| figures.rarest_third)
    }
}

/// What was chosen most often, and how often.
fn most_often(choices: &[SyntheticChoice]) -> Option<(&SyntheticShare, usize)> {
    let count = |of: &SyntheticShare| choices.iter().filter(|choice| choice.synthetic() == of).count();
    let mut best: Option<(&SyntheticShare, usize)> = None;
    for choice in choices {
        let many = count(choice.synthetic());
        if best.is_none_or(|(_, most)| many > most) {
            best = Some((choice.synthetic(), many));
        }
    }
    best
}

#[cfg(test)]
mod tests;
