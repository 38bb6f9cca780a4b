//! What the tables say, in sentences.

use super::chosen::{ChosenReport, most_often};
use super::format::{p, signed};
use super::tested::LEVEL;
use super::{AblationReport, DataReport, InputReport, Tested};
use crate::quote::counted;

impl AblationReport {
    /// What the figures say and how sure that is, a sentence each: which rows differ from repeats by more than noise, what transfer learning
    /// brings, and what was chosen inside the training rows.
    pub fn in_words(&self) -> Vec<String> {
        let mut said = vec![format!(
            "Means over {} with their deviation. Of pictures the seed decides order, draws and what the network begins with, and the test rows \
             are the same, so the tests say nothing of other rows; of a table the seed decides the split as well.",
            counted(self.seeds, "seed")
        )];
        if 2.0 / 2_f64.powi(self.seeds.min(100) as i32) >= LEVEL {
            let least = p(Some(2.0 / 2_f64.powi(self.seeds as i32)));
            said.push(format!(
                "The signed-rank test of {} pairs cannot fall below {least}, so the t-test alone decides.",
                self.seeds
            ));
        }
        for data in &self.data {
            said.extend(data.inputs.iter().flat_map(|input| differences(data, input)));
            let transfer = data.transfer.iter().map(|transfer| {
                let test = &transfer.balanced_accuracy;
                format!("{} with {} (p {})", signed(test.difference), transfer.row, p(test.t))
            });
            let transfer: Vec<String> = transfer.collect();
            if !transfer.is_empty() {
                said.push(format!(
                    "{}: balanced accuracy of pretrained features beside that of a small network from scratch on 28 x 28 pixels: {}.",
                    data.name,
                    transfer.join(", ")
                ));
            }
        }
        said.extend(self.not_applicable());
        said.extend(self.detection.iter().flat_map(super::DetectionReport::in_words));
        // Of several tables their mean is compared.
        let compared = self
            .chosen
            .iter()
            .filter(|chosen| chosen.rarest_third.wilcoxon_holm.is_some());
        let compared: Vec<&ChosenReport> = compared.collect();
        said.extend(compared.iter().map(|of| chosen(of)));
        said.extend(self.detection.iter().map(|of| of.chosen.in_words(&of.name)));
        let all = compared.iter().map(|of| (of.data.as_str(), of.helps()));
        let of_boxes = self.detection.iter().map(|of| (of.name.as_str(), of.chosen.helps()));
        let all: Vec<(&str, bool)> = all.chain(of_boxes).collect();
        if !all.is_empty() {
            let sets = counted(all.len() as u64, "data set");
            let helps: Vec<&str> = all.iter().filter(|(_, helps)| *helps).map(|(name, _)| *name).collect();
            said.push(match helps.as_slice() {
                [] => format!(
                    "On none of {} a synthetic row that was chosen inside the training rows beats repeats on the rarest third without losing \
                     balanced accuracy (of boxes mAP).",
                    sets
                ),
                some => format!(
                    "On {} of {} ({}) a synthetic row that was chosen inside the training rows beats repeats on the rarest third without \
                     losing balanced accuracy (of boxes mAP).",
                    some.len(),
                    sets,
                    some.join(", ")
                ),
            });
        }
        said
    }
}

impl AblationReport {
    /// The rows that an input cannot have, once for each input.
    fn not_applicable(&self) -> Vec<String> {
        let (mut met, mut said) = (Vec::new(), Vec::new());
        for input in self.data.iter().flat_map(|data| &data.inputs) {
            if input.not_applicable.is_empty() || met.contains(&input.input) {
                continue;
            }
            met.push(input.input);
            let rows = input.not_applicable.iter();
            let rows: Vec<String> = rows.map(|row| format!("{} ({})", row.name, row.why)).collect();
            said.push(format!("Not applicable, {}: {}.", input.input, rows.join("; ")));
        }
        said
    }
}

/// Which rows differ from the baseline by more than noise.
fn differences(data: &DataReport, input: &InputReport) -> Vec<String> {
    let place = format!("{}, {}", data.name, input.input);
    let mut said = Vec::new();
    type Of = fn(&super::Against) -> &Tested;
    let figures: [(&str, Of); 2] = [
        ("balanced accuracy", |against| &against.balanced_accuracy),
        ("the rarest third", |against| &against.rarest_third),
    ];
    for (figure, of) in figures {
        let tests = input
            .rows
            .iter()
            .filter_map(|row| Some((row, of(row.against.as_ref()?))));
        let (constant, tests): (Vec<_>, Vec<_>) = tests.partition(|(_, tested)| tested.test.is_constant());
        let (real, noise): (Vec<_>, Vec<_>) = tests.into_iter().partition(|(_, tested)| tested.is_more_than_chance());
        let names = |of: &[(&super::RowReport, &Tested)]| {
            let all = of.iter().map(|(row, _)| row.name.as_str());
            all.collect::<Vec<_>>().join(", ")
        };
        let side = |sign: f64| -> Vec<String> {
            let some = real.iter().filter(|(_, tested)| tested.test.difference * sign > 0.0);
            some.map(|(row, tested)| {
                let (by, p) = (signed(tested.test.difference), p(tested.t_holm));
                format!("{} ({by}, p {p})", row.name)
            })
            .collect()
        };
        let (above, below) = (side(1.0), side(-1.0));
        let mut parts = Vec::new();
        if !above.is_empty() {
            parts.push(format!("above {}: {}", input.baseline, above.join(", ")));
        }
        if !below.is_empty() {
            let what = if above.is_empty() { &input.baseline } else { "it" };
            parts.push(format!("below {what}: {}", below.join(", ")));
        }
        let (few, noise): (Vec<_>, Vec<_>) = noise
            .into_iter()
            .partition(|(_, tested)| tested.not_told_apart().is_some());
        if !noise.is_empty() {
            parts.push(format!("no more than noise: {}", names(&noise)));
        }
        // All rows have the same seeds.
        if let Some(said) = few.first().and_then(|(_, tested)| tested.not_told_apart()) {
            parts.push(format!("{said}: {}", names(&few)));
        }
        if !constant.is_empty() {
            let each = constant
                .iter()
                .map(|(row, of)| format!("{} ({})", row.name, signed(of.test.difference)));
            let each = each.collect::<Vec<_>>().join(", ");
            parts.push(format!("the same under each seed, so that no t-test can tell: {each}"));
        }
        said.push(format!("{place}, {figure}: {}.", parts.join("; ")));
    }
    let without = input.refused.iter();
    said.extend(without.map(|row| format!("{place}, {} has no figures ({}).", row.name, row.why)));
    said
}

fn chosen(chosen: &ChosenReport) -> String {
    let what = match chosen.choices.as_slice() {
        [one] => one.in_words(),
        many => match most_often(many) {
            Some((synthetic, times)) => format!(
                "chosen inside the training rows of each of {}: {synthetic} most often, {} times",
                counted(many.len() as u64, "split"),
                times
            ),
            None => String::new(),
        },
    };
    let (rare, all) = (&chosen.rarest_third, &chosen.balanced_accuracy);
    format!(
        "{}: {what}. On the test rows, {} paired seeds: rarest third {:.3} beside {:.3} of repeats, {} (p {}, by Holm's rule over the data sets \
         {}): {}; balanced accuracy {:.3} beside {:.3}, {} (p {}).",
        chosen.data,
        rare.test.pairs,
        chosen.chosen.mean.rarest_third,
        chosen.repeats.mean.rarest_third,
        signed(rare.test.difference),
        p(rare.test.t),
        p(rare.t_holm),
        rare.verdict(),
        chosen.chosen.mean.balanced_accuracy,
        chosen.repeats.mean.balanced_accuracy,
        signed(all.difference),
        p(all.t)
    )
}
