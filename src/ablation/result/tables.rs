//! The tables, in 80 columns.

use super::{AblationReport, ChosenReport, DataReport, InputReport, RowReport};
use crate::report::{Align, Table, with_error};

/// Columns of a data set's name.
const NAME: usize = 26;

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

fn columns<'a>(first: &'a str, others: &'a [&'a str]) -> impl Iterator<Item = (&'a str, Align)> {
    let others = others.iter().map(|name| (*name, Align::Right));
    [(first, Align::Left)].into_iter().chain(others)
}

/// The figures of a row.
pub(super) fn cells(row: &RowReport) -> impl Iterator<Item = String> {
    let pairs = row.mean.values().into_iter().zip(row.deviation.values());
    pairs.map(|(mean, deviation)| with_error(Some(mean), Some(deviation)))
}

/// `+.012`, `-.004`, `0`
pub(super) fn signed(difference: f64) -> String {
    let text = format!("{:.3}", difference.abs());
    match text.as_str() {
        "0.000" => "0".to_owned(),
        text => {
            let sign = if difference < 0.0 { '-' } else { '+' };
            format!("{sign}{}", text.trim_start_matches('0'))
        }
    }
}

/// `.031`, `<.001`, `1`
pub(super) fn p(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(p) if p < 5e-4 => "<.001".to_owned(),
        Some(p) if p >= 0.9995 => "1".to_owned(),
        Some(p) => format!("{p:.3}").trim_start_matches('0').to_owned(),
    }
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
        if !self.chosen.is_empty() {
            out += &format!(
                "Chosen inside the training rows, beside repeats\n{}",
                self.chosen_table()
            );
        }
        out
    }

    /// A line for each data set: what was chosen inside its training rows beside repeats.
    pub(super) fn chosen_table(&self) -> Table {
        let head = [
            "balanced\naccuracy",
            "p (t)",
            "rarest\nthird",
            "p (t)",
            "Holm",
            "Holm\n(ranks)",
        ];
        let mut table = Table::new(columns("", &head));
        for chosen in &self.chosen {
            let ChosenReport {
                data,
                balanced_accuracy,
                rarest_third,
                ..
            } = chosen;
            table.push([
                crate::quote::shown(data, NAME),
                signed(balanced_accuracy.difference),
                p(balanced_accuracy.t),
                signed(rarest_third.test.difference),
                p(rarest_third.test.t),
                p(rarest_third.t_holm),
                p(rarest_third.wilcoxon_holm),
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
