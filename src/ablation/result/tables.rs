//! The tables, in 80 columns.

use super::format::{NAME, columns, p, signed};
use super::{AblationReport, DataReport, InputReport, RowReport};
use crate::report::{Table, share_with_error};

impl InputReport {
    /// A line for each row: the mean of each figure with its deviation over the seeds.
    pub fn to_table(&self) -> Table {
        let head = ["balanced\naccuracy", "macro F1", "geometric\nmean", "rarest\nthird"];
        let mut table = Table::new(columns("", &head));
        for row in &self.rows {
            table.push([row.name.clone()].into_iter().chain(cells(row)));
        }
        table
    }

    /// A line for each row but the baseline: differences from it, with p of both tests under Holm's rule.
    pub fn to_tests(&self) -> Table {
        let head = [
            "balanced\naccuracy",
            "p (t)",
            "p\n(ranks)",
            "rarest\nthird",
            "p (t)",
            "p\n(ranks)",
        ];
        let mut table = Table::new(columns(&format!("beside {}", self.baseline), &head));
        for row in &self.rows {
            let Some(against) = &row.against else { continue };
            let cells = [against.balanced_accuracy, against.rarest_third]
                .into_iter()
                .flat_map(|tested| {
                    [
                        signed(tested.test.difference),
                        p(tested.t_holm),
                        p(tested.wilcoxon_holm),
                    ]
                });
            table.push([row.name.clone()].into_iter().chain(cells));
        }
        table
    }
}

/// The figures of a row.
pub(super) fn cells(row: &RowReport) -> impl Iterator<Item = String> {
    let pairs = row.mean.values().into_iter().zip(row.deviation.values());
    pairs.map(|(mean, deviation)| share_with_error(mean, Some(deviation)))
}

impl AblationReport {
    /// All tables, with what they say.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for data in &self.data {
            for input in &data.inputs {
                let (title, rows) = (data.title(input), data.rows_in_words());
                out += &format!("{title}\n{rows}\n\n{}\n{}\n", input.to_table(), input.to_tests());
            }
        }
        for data in &self.detection {
            let (title, rows) = (data.title(), data.rows_in_words());
            out += &format!("{title}\n{rows}\n\n{}\n{}\n", data.to_table(), data.to_tests());
        }
        if self.has_chosen() {
            out += &format!(
                "Chosen inside the training rows, beside repeats\n{}",
                self.chosen_table()
            );
        }
        out
    }

    /// Whether something was chosen.
    pub(super) fn has_chosen(&self) -> bool {
        !self.chosen.is_empty() || !self.detection.is_empty()
    }

    /// A line for each data set: what was chosen inside its training rows beside repeats.
    pub(super) fn chosen_table(&self) -> Table {
        let head = [
            "balanced\naccuracy\nor mAP",
            "p (t)",
            "rarest\nthird",
            "p (t)",
            "Holm",
            "Holm\n(ranks)",
        ];
        let mut table = Table::new(columns("", &head));
        let of_rows = self
            .chosen
            .iter()
            .map(|of| (&of.data, &of.balanced_accuracy, &of.rarest_third));
        let of_boxes = self
            .detection
            .iter()
            .map(|of| (&of.name, &of.chosen.map, &of.chosen.rarest_third));
        for (data, all, rare) in of_rows.chain(of_boxes) {
            table.push([
                crate::quote::shown(data, NAME),
                signed(all.difference),
                p(all.t),
                signed(rare.test.difference),
                p(rare.test.t),
                p(rare.t_holm),
                p(rare.wilcoxon_holm),
            ]);
        }
        table
    }
}

impl DataReport {
    /// What stands above a table.
    pub(super) fn title(&self, input: &InputReport) -> String {
        format!("{}, {}", crate::quote::shown(&self.name, NAME), input.input)
    }

    /// How many rows there are.
    pub(super) fn rows_in_words(&self) -> String {
        match self.classes.len() {
            0 => format!("{} test rows", self.test_rows),
            classes => format!(
                "{classes} classes, {} training and {} test rows",
                self.training_rows.iter().sum::<u64>(),
                self.test_rows
            ),
        }
    }
}
