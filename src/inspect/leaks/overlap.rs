//! What was found between two sets, with places and labels.

use super::found::Found;
use super::labels::SetLabels;
use super::report::{Leak, LeakControl, LeakCount, LeakKind, LeakRow, Overlap};
use super::sets::Set;
use crate::exec::Context;
use crate::inspect::taken::place;

/// All that was found of the rows of one set in another.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The kinds that were looked for, with their control.
    kinds: Vec<(LeakKind, Option<LeakControl>)>,
    found: Vec<Found>,
    copied: Vec<u32>,
}

impl Gathered {
    /// Adds what was found of `kind`, and the rows that `found` are copies of.
    pub(super) fn add(
        &mut self,
        kind: LeakKind,
        found: Vec<Found>,
        copied: impl IntoIterator<Item = u32>,
        control: Option<LeakControl>,
    ) {
        self.kinds.push((kind, control));
        self.found.extend(found);
        self.copied.extend(copied);
    }

    /// With the places and labels of the first `most` rows.
    pub(super) fn overlap(
        mut self,
        cx: &Context,
        (set, labels): (&Set, Option<&SetLabels>),
        (other, other_labels): (&Set, Option<&SetLabels>),
        most: usize,
    ) -> Overlap {
        self.found.sort_by_key(|found| (found.kind, found.row));
        let same_label = |found: &Found| {
            let (own, other) = labels.zip(other_labels)?;
            Some(own.hashes[found.row as usize] == other.hashes[found.copy_of as usize])
        };
        let counts = |kind: &dyn Fn(&&Found) -> bool| {
            let is_other = |found: &&Found| same_label(found) == Some(false);
            let of = || self.found.iter().filter(kind);
            (of().count() as u64, of().filter(is_other).count() as u64)
        };
        let count = |&(kind, control): &(LeakKind, Option<LeakControl>)| {
            let (rows, other_label) = counts(&|found| found.kind == kind);
            LeakCount {
                kind,
                rows,
                other_label,
                control,
            }
        };
        let (rows, other_label) = counts(&|_| true);
        let kinds = self.kinds.iter().map(count).collect();
        let row = |set: &Set, labels: Option<&SetLabels>, row: u32| LeakRow {
            position: row.into(),
            place: place(cx, &set.files, row.into()),
            label: labels.map(|labels| labels.text(row as usize)),
        };
        let leak = |found: &Found| Leak {
            row: row(set, labels, found.row),
            copy_of: row(other, other_labels, found.copy_of),
            kind: found.kind,
            copies: found.copies,
            turn: found.turn,
            phash_bits: found.phash_bits,
            correlation: found.correlation,
            distance: found.distance,
            same_label: same_label(found),
        };
        let leaks = self.found.iter().take(most).map(leak).collect();
        let mut positions: Vec<u64> = self.found.iter().map(|found| found.row.into()).collect();
        positions.sort_unstable();
        self.copied.sort_unstable();
        self.copied.dedup();
        Overlap {
            set: set.name.clone(),
            copied_from: other.name.clone(),
            rows,
            other_label,
            kinds,
            leaks,
            positions,
            copied_positions: self.copied.into_iter().map(u64::from).collect(),
        }
    }
}
