//! What was chosen inside the training rows, beside repeats on the test rows.

use super::detection::DetectionReport;
use super::row::RowReport;
use super::tested::Tested;
use crate::ablation::arms::{CHOSEN, SyntheticShare, baseline};
use crate::ablation::choice::SyntheticChoice;
use crate::ablation::journal::Journal;
use crate::ablation::paired::PairedTest;
use crate::ablation::rows::Input;
use crate::ablation::spec::{Ablation, DataSet};
use crate::error::Result;
use serde::{Deserialize, Serialize};

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
        self.rarest_third.is_better() && self.balanced_accuracy.difference >= 0.0
    }
}

/// What several tables are called together.
pub(super) fn name_of_mean(tables: usize) -> String {
    format!("mean of {tables} tables")
}

/// What was chosen in a data set, and repeats.
pub(super) struct Pair {
    pub(super) data: String,
    pub(super) input: Input,
    pub(super) choices: Vec<SyntheticChoice>,
    pub(super) chosen: RowReport,
    pub(super) repeats: RowReport,
    /// Whether it is one of several tables, of which the mean is compared.
    pub(super) is_part: bool,
}

/// What was chosen in each set, those with boxes among them.
pub(super) fn chosen(
    ablation: &Ablation,
    journal: &Journal,
    detection: &mut [DetectionReport],
) -> Result<Vec<ChosenReport>> {
    let tables = ablation.data.iter().filter(|set| matches!(set, DataSet::Keel(_)));
    let tables = tables.count();
    let mut pairs = Vec::new();
    for set in &ablation.data {
        let (data, input) = match set {
            DataSet::Pictures(_) => (set.name(), Input::Pretrained),
            DataSet::Keel(_) => (set.name(), Input::Columns),
            DataSet::Detection(_) => continue,
        };
        let choices = journal.chosen.iter().filter(|chosen| chosen.data == data);
        let mut choices: Vec<_> = choices.map(|chosen| (chosen.split, chosen.choice.clone())).collect();
        choices.sort_by_key(|(split, _)| *split);
        let of = |row| RowReport::of_cells(journal, &data, input, row, ablation.paired_seeds);
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
    Ok(chosen_reports(pairs, detection))
}

/// Holm's rule is over the data sets, of several tables over their mean.
pub(super) fn chosen_reports(pairs: Vec<Pair>, detection: &mut [DetectionReport]) -> Vec<ChosenReport> {
    let report = |pair: Pair| ChosenReport {
        rarest_third: Tested::alone(pair.chosen.paired(&pair.repeats, |figures| figures.rarest_third)),
        balanced_accuracy: pair.chosen.paired(&pair.repeats, |figures| figures.balanced_accuracy),
        data: pair.data,
        input: pair.input,
        choices: pair.choices,
        chosen: pair.chosen,
        repeats: pair.repeats,
    };
    let is_compared: Vec<bool> = pairs.iter().map(|pair| !pair.is_part).collect();
    let mut reports: Vec<ChosenReport> = pairs.into_iter().map(report).collect();
    let compared = reports.iter_mut().zip(is_compared).filter(|(_, compared)| *compared);
    let of_boxes = detection.iter_mut().map(|of| &mut of.chosen.rarest_third);
    let tests = compared.map(|(of, _)| &mut of.rarest_third).chain(of_boxes);
    let tests: Vec<&mut Tested> = tests.collect();
    let tested = Tested::all(tests.iter().map(|of| of.test).collect());
    tests.into_iter().zip(tested).for_each(|(of, tested)| *of = tested);
    reports
}

/// What was chosen most often, and how often.
pub(super) fn most_often(choices: &[SyntheticChoice]) -> Option<(&SyntheticShare, usize)> {
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
