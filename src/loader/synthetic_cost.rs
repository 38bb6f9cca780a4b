//! What synthetic rows cost beside the stored rows that they replace.

use super::pass::Pass;
use crate::dataset::{Dataset, Origin};
use crate::exec::Context;
use crate::mix::{BalanceSpec, SegmentsSpec};
use crate::plan::Plan;
use crate::quote::counted;
use crate::rng::Rng;
use crate::spec::Spec;
use crate::synthetic::BankSpec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows that are looked at, at most: all of [`EPOCHS`] epochs of up to 2,730 rows.
const SAMPLE: u64 = 1 << 15;
/// The epochs that they are of, evenly: where each row comes in another of its views in each epoch, the first one alone says little. Views of two, three, four
/// and six come equally often in them.
const EPOCHS: u64 = 12;

/// How many stored rows a synthetic row of each generator or stage reads, and what it [costs](Plan::cost) beside one, a line each; none where no row is synthetic. It is worked out
/// from where rows of the first epochs come from, without reading one: of a stream by segments nothing is said. Of epochs of many rows some are looked at, and how far the counts may
/// be off is said with them: two standard deviations.
pub(super) fn synthetic_cost(dataset: &dyn Dataset, plan: &Plan, cx: &Context, pass: Pass) -> Vec<String> {
    let is_stream = !plan.topmost(SegmentsSpec::NAME, "column").is_empty();
    let Some(rows) = dataset.len().finite().filter(|_| !is_stream) else {
        return Vec::new();
    };
    // What later epochs have follows from reports that nobody has made yet.
    let follows = !plan.topmost(BalanceSpec::NAME, "feedback").is_empty();
    let epochs = if follows { 1 } else { EPOCHS };
    let all = rows.saturating_mul(epochs);
    let sample = all.min(SAMPLE);
    let cx = &cx.for_origins();
    // For each generator its rows, and the stored rows that they are made of.
    let mut made: BTreeMap<Arc<str>, (u64, u64)> = BTreeMap::new();
    let mut rng = Rng::new(0, "synthetic_cost", 0);
    for at in 0..sample {
        let begin = |at: u64| (u128::from(at) * u128::from(all) / u128::from(sample)) as u64;
        // One of each piece of the run, drawn in it: even steps would meet the same places of batches again and again.
        let position = begin(at) + rng.below(begin(at + 1) - begin(at));
        let trace = dataset.provenance(cx, position);
        if let Some(name) = trace.generator.filter(|_| trace.origin == Origin::Synthetic) {
            let of = made.entry(name).or_default();
            *of = (of.0 + 1, of.1 + trace.places.len() as u64);
        }
    }
    let counted_over = |synthetic: u64| {
        let of_rows = match sample < all {
            true => format!(
                ", by {sample} of their rows, give or take {:.0} %",
                off(synthetic, sample).max(1.0)
            ),
            false => String::new(),
        };
        match follows {
            true => format!(
                "in the first {}{of_rows}; what later ones have follows from reports",
                pass.one
            ),
            false => format!("a mean of the first {EPOCHS} {}{of_rows}", pass.many),
        }
    };
    let line = |(name, (synthetic, parents)): (Arc<str>, (u64, u64))| {
        let share = synthetic as f64 / sample as f64;
        let per_row = parents as f64 / synthetic as f64;
        let epoch = ((share * rows as f64).round() as u64).max(1);
        let taken = plan.taken_of(&name).map(|taken| taken as f64);
        let taken = taken.filter(|taken| *taken < per_row);
        let read = taken.map_or_else(String::new, |taken| format!(" ({taken:.0} of them read anew)"));
        let reads = match parents {
            0 => "made without reading a stored row, in place of one row read each".to_owned(),
            _ => format!(
                "each made of {per_row:.1} stored rows{read}, where the row that it replaces is one: {:.0} rows read {} in place of {epoch}",
                taken.unwrap_or(per_row) * epoch as f64,
                pass.a
            ),
        };
        // Rows of a file are called by what made them.
        let cost = plan.cost_of(&name).or_else(|| plan.cost_of(BankSpec::NAME)).flatten();
        let cost = cost.map_or_else(String::new, |cost| format!("; {cost}"));
        format!(
            "synthetic ({name}): about {} {}, {reads}{cost}; {}",
            counted(epoch, "row"),
            pass.a,
            counted_over(synthetic)
        )
    };
    let rare = plan.made_rows();
    if made.is_empty() && rare > 0 {
        return vec![format!(
            "synthetic: {} {} by the quotas, and none among the {sample} rows that were looked at to tell what one costs",
            counted(rare, "row"),
            pass.a
        )];
    }
    made.into_iter().map(line).collect()
}

/// Percent by which a count is off that is told from `found` of `sample` rows: two standard deviations.
fn off(found: u64, sample: u64) -> f64 {
    let share = found as f64 / sample as f64;
    200.0 * ((1.0 - share) / found as f64).sqrt()
}
