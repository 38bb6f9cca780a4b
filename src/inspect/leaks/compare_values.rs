//! Rows against rows: by all columns but the label, and by how far they are apart.

use super::exact::Keys;
use super::labels::SetLabels;
use super::matched::{AllMatched, exact_across, exact_within, found_set};
use super::near_values::near_values;
use super::progress::{Counted, LeakStage};
use super::report::{LeakKind, LeakReport};
use super::sets::Set;
use super::values::{self, Hashed};
use crate::error::Result;
use crate::exec::Context;

/// Compares rows of a table, or of any other kind.
pub(super) fn compare_values(
    cx: &Context,
    (sets, labels): (&[Set], &[Option<SetLabels>]),
    ignored: &[String],
    report: &mut LeakReport,
    progress: &mut dyn FnMut(LeakStage, u64, u64),
) -> Result<AllMatched> {
    let label = report.label.clone();
    let columns = values::columns(cx, sets, label.as_deref(), ignored, &mut report.notes);
    let columns = cx.block_on(columns)?;
    let total = sets.iter().map(Set::len).sum();
    let mut counted = Counted::new(LeakStage::Rows, total, progress);
    let mut keys = Vec::new();
    for (set, labels) in sets.iter().zip(labels) {
        let hashed = cx.block_on(Hashed::of(cx, set, &columns, &mut counted))?;
        report.sets.push(found_set(set, 0, hashed.unusable, hashed.bad));
        keys.push(Keys::new(
            hashed.keys,
            labels.as_ref().map(|labels| labels.hashes.as_slice()),
        ));
    }
    let exact = [(LeakKind::SameRow, &*keys)];
    let within = exact_within(sets, labels, &exact);
    let mut across = exact_across(sets, labels, &exact);
    let train = keys[0].open_rows(&within[0].done);
    for ((held, keys), across) in sets[1..].iter().zip(&keys[1..]).zip(&mut across) {
        let rows = keys.open_rows(&across.done);
        let near = near_values(
            cx,
            (&sets[0], &train),
            (held, &rows),
            (&columns, report.medium),
            &mut report.notes,
        );
        if let Some(near) = cx.block_on(near)? {
            let copied: Vec<u32> = near.found.iter().map(|found| found.copy_of).collect();
            across
                .gathered
                .add(LeakKind::NearValues, near.found, copied, Some(near.control));
            report.distance_rule = Some(near.rule);
        }
    }
    report.notes.dedup();
    Ok(AllMatched { across, within })
}
