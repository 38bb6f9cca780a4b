//! Which of the rows that a loader's plan counts as stored ones a generator made.

use super::datasets::Datasets;
use crate::dataset::{Dataset, Origin};
use crate::exec::Context;
use crate::quote::shown;

/// Classes that a line names at most.
const NAMED: usize = 20;

/// Columns of the name of a class.
const WIDTH: usize = 40;

impl Datasets {
    /// The `plan` of a loader of the training rows. Where a generator made some of these, which lie in files like others, with a line that says how many: a plan counts
    /// them as stored, and a report as synthetic.
    pub(super) fn explained(&self, cx: &Context, plan: String) -> String {
        if !self.hold_out.has_synthetic() {
            return plan;
        }
        let rows = self.targets.len();
        let is_made = |row: u64| self.train.provenance(cx, row).origin == Origin::Synthetic;
        let made: Vec<u64> = (0..rows).filter(|&row| is_made(row)).collect();
        let of_classes = self.targets.one_class().map(|labels| {
            let mut counts = vec![0_u64; labels.names().len()];
            made.iter().for_each(|&row| counts[labels.class(row) as usize] += 1);
            let classes = labels.names().iter().zip(counts).filter(|(_, count)| *count > 0);
            let words: Vec<String> = classes
                .map(|(name, count)| format!("{} {count}", shown(name, WIDTH)))
                .collect();
            let more = words.len().saturating_sub(NAMED);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!(": {}{more}", words[..words.len().min(NAMED)].join(", "))
        });
        format!(
            "{plan}\nof the {rows} stored rows a generator made {}, which a report counts as synthetic{}",
            made.len(),
            of_classes.unwrap_or_default()
        )
    }
}
