//! What came out of an ablation: means over seeds, paired tests, and what they say.

mod chosen;
mod detection;
mod format;
mod markdown;
mod page;
mod row;
mod tables;
mod tested;
mod words;

pub use chosen::ChosenReport;
pub use detection::{ChosenDetection, DetectionReport, DetectionRow};
pub use row::{Against, NoFigures, RowReport};
pub use tested::Tested;

use super::absent::absent;
use super::arms::{arms, baseline};
use super::figures::Figures;
use super::journal::Journal;
use super::line::Contents;
use super::paired::PairedTest;
use super::rows::Input;
use super::spec::{Ablation, DataSet};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What came out of an ablation; `ablation.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AblationReport {
    /// Seeds of each row.
    pub seeds: u64,
    /// Whether it was cut short to take minutes.
    pub quick: bool,
    /// The data sets, in their order; of several tables their mean comes last.
    pub data: Vec<DataReport>,
    /// The detection data sets, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detection: Vec<DetectionReport>,
    /// The way that was chosen inside the training rows of each set, beside repeats; of those with boxes it stands in `detection`.
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
    /// Rows that have no figures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<NoFigures>,
    /// Rows that other inputs have, which make no sense here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_applicable: Vec<NoFigures>,
}

impl InputReport {
    /// With the tests of all rows against the baseline.
    fn new(input: Input, rows: Vec<RowReport>, refused: Vec<NoFigures>) -> Self {
        let mut report = Self {
            input,
            baseline: baseline(input).to_owned(),
            rows,
            refused,
            not_applicable: absent(input).iter().map(without).collect(),
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
        let mut detection = Vec::new();
        for set in &ablation.data {
            let name = set.name();
            let contents = journal.contents.iter().find(|contents| contents.data == name);
            let contents = contents.ok_or_else(|| Error::stage(format!("{name} has no cells")))?;
            match inputs_of(set) {
                [] => detection.push(DetectionReport::new(ablation, journal, contents)?),
                inputs => data.push(of_data(ablation, journal, inputs, contents)?),
            }
        }
        let tables: Vec<&DataReport> = data
            .iter()
            .filter(|of| of.inputs.iter().any(|input| input.input.is_table()))
            .collect();
        let all = (tables.len() > 1).then(|| mean_of(&tables));
        data.extend(all);
        let chosen = chosen::chosen(ablation, journal, &mut detection)?;
        Ok(Self {
            seeds: ablation.seeds,
            quick: ablation.quick,
            data,
            detection,
            chosen,
        })
    }

    /// As `ablation.json` has it.
    pub(super) fn to_json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self);
        json.map(|json| json + "\n")
            .map_err(|error| Error::data(error.to_string()).with_source(error))
    }
}

/// A row that an input cannot have.
fn without(&(name, why): &(&str, &str)) -> NoFigures {
    NoFigures {
        name: name.to_owned(),
        why: why.to_owned(),
    }
}

/// What networks are given of a data set; nothing of one with boxes.
fn inputs_of(set: &DataSet) -> &'static [Input] {
    match set {
        DataSet::Pictures(pictures) if pictures.from_scratch => &[Input::FromScratch, Input::Pretrained],
        DataSet::Pictures(_) => &[Input::Pretrained],
        DataSet::Keel(_) => &[Input::Columns, Input::Forest],
        DataSet::Detection(_) => &[],
    }
}

fn of_data(ablation: &Ablation, journal: &Journal, inputs: &[Input], contents: &Contents) -> Result<DataReport> {
    let input = |&input: &Input| {
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        for arm in arms(input) {
            match RowReport::of_table(journal, &contents.data, input, &arm.name, ablation.seeds)? {
                Ok(row) => rows.push(row),
                Err(without) => refused.push(without),
            }
        }
        Ok(InputReport::new(input, rows, refused))
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

/// The mean over several tables, seed by seed, of the rows that have figures on all of them.
fn mean_of(tables: &[&DataReport]) -> DataReport {
    let inputs = tables[0].inputs.iter().enumerate().map(|(at, first)| {
        let mut refused: Vec<NoFigures> = Vec::new();
        for table in tables {
            for without in &table.inputs[at].refused {
                if refused.iter().all(|known| known.name != without.name) {
                    let (name, why) = (without.name.clone(), format!("{}, {}", table.name, without.why));
                    refused.push(NoFigures { name, why });
                }
            }
        }
        let rows = first.rows.iter().filter_map(|row| {
            let of_tables = tables.iter().map(|table| table.inputs[at].row(&row.name));
            of_tables
                .collect::<Option<Vec<_>>>()
                .map(|rows| RowReport::mean_of(&rows))
        });
        InputReport::new(first.input, rows.collect(), refused)
    });
    DataReport {
        name: chosen::name_of_mean(tables.len()),
        classes: Vec::new(),
        training_rows: Vec::new(),
        test_rows: tables.iter().map(|table| table.test_rows).sum(),
        inputs: inputs.collect(),
        transfer: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
