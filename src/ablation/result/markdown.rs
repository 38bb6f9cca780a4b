//! `ablation.md`: the table for a README.

use super::tables::cells;
use super::{AblationReport, DataReport, RowReport};

impl AblationReport {
    /// The tables as Markdown, with what they say below. A figure in bold differs from that of the baseline by more than chance.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        for data in &self.data {
            out += &table(data);
        }
        for data in &self.detection {
            out += &data.to_markdown(escaped);
        }
        for said in self.in_words() {
            out += &format!("- {}\n", escaped(&said));
        }
        out
    }
}

fn table(data: &DataReport) -> String {
    let mut out = format!(
        "| {} | balanced accuracy | macro F1 | geometric mean | rarest third |\n|---|---|---|---|---|\n",
        escaped(&data.name)
    );
    for input in &data.inputs {
        for row in &input.rows {
            let name = match data.inputs.len() {
                1 => row.name.clone(),
                _ => format!("{}: {}", input.input, row.name),
            };
            out += &format!("| {} | {} |\n", escaped(&name), marked(row).join(" | "));
        }
    }
    out + "\n"
}

/// The figures, in bold where they were tested and differ.
fn marked(row: &RowReport) -> Vec<String> {
    let differs = row.against.as_ref().map(|against| {
        [
            against.balanced_accuracy.is_more_than_chance(),
            false,
            false,
            against.rarest_third.is_more_than_chance(),
        ]
    });
    let bold = differs.unwrap_or_default();
    cells(row)
        .zip(bold)
        .map(|(cell, bold)| if bold { format!("**{cell}**") } else { cell })
        .collect()
}

/// Names come from files: what would end a cell or begin markup is escaped.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in crate::quote::escaped(text).chars() {
        if matches!(c, '|' | '<' | '*' | '_' | '`' | '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
