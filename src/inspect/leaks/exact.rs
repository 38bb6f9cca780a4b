//! Rows with equal keys, found by sorting.

use super::found::Found;
use super::report::LeakKind;
use std::ops::Range;

/// Hashes of rows in 128 bits, and which rows have them. A hash of 0 is that of a row that has none.
///
/// Two different rows get the same hash by chance with a probability of about n^2 / 2^129, 1 in 10^26 for a million rows; the rows themselves are not compared.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    keys: Vec<u128>,
    /// Rows by their key, equal ones in order.
    order: Vec<u32>,
    /// For each place in that order the first row of the same key whose label differs from that of the first one; `NONE` where there is none.
    first_other: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Keys {
    /// Bytes of a row.
    pub(super) const BYTES: u64 = 16 + 4 + 4;

    /// The rows with these keys; `labels` has a hash of each one's label, if there are labels.
    pub(super) fn new(keys: Vec<u128>, labels: Option<&[u64]>) -> Self {
        let with_key = (0..).zip(&keys).filter(|&(_, &key)| key != 0);
        let mut order: Vec<u32> = with_key.map(|(row, _)| row).collect();
        order.sort_unstable_by_key(|&row| (keys[row as usize], row));
        let mut first_other = vec![NONE; order.len()];
        if let Some(labels) = labels {
            let mut start = 0;
            for run in order.chunk_by(|a, b| keys[*a as usize] == keys[*b as usize]) {
                let is_other = |row: &&u32| labels[**row as usize] != labels[run[0] as usize];
                first_other[start..start + run.len()].fill(run.iter().find(is_other).copied().unwrap_or(NONE));
                start += run.len();
            }
        }
        Self {
            keys,
            order,
            first_other,
        }
    }

    /// The rows that have a key and are not `done`, ascending.
    pub(super) fn open_rows(&self, done: &[bool]) -> Vec<u32> {
        let open = (0..)
            .zip(&self.keys)
            .zip(done)
            .filter(|((_, key), done)| **key != 0 && !**done);
        open.map(|((row, _), _)| row).collect()
    }

    /// Where the rows with that key stand in the order.
    fn run(&self, key: u128) -> Range<usize> {
        let at = |row: &u32| self.keys[*row as usize];
        let start = self.order.partition_point(|row| at(row) < key);
        let end = start + self.order[start..].partition_point(|row| at(row) == key);
        if key == 0 { start..start } else { start..end }
    }

    /// The first row with the key at `run`, or the first one before `end` whose label is not `label`; and how many there are before `end`.
    fn copy(&self, run: Range<usize>, end: u32, label: Option<u64>, labels: Option<&[u64]>) -> Option<(u32, u64)> {
        let rows = &self.order[run.clone()];
        let count = rows.partition_point(|&row| row < end) as u64;
        let &first = rows.first().filter(|_| count > 0)?;
        let other = self.first_other[run.start];
        let is_like_first = label
            .zip(labels)
            .is_none_or(|(label, labels)| labels[first as usize] == label);
        let copy = if is_like_first && other < end { other } else { first };
        Some((copy, count))
    }

    /// The rows of `held`, none of which is `done`, that have the key of a row of these; and the rows of these that have one of theirs.
    pub(super) fn across(
        &self,
        labels: Option<&[u64]>,
        (held, held_labels): (&Self, Option<&[u64]>),
        kind: LeakKind,
        done: &mut [bool],
    ) -> (Vec<Found>, Vec<u32>) {
        let mut found = Vec::new();
        for (row, &key) in (0..).zip(&held.keys) {
            let label = held_labels.map(|labels| labels[row as usize]);
            if done[row as usize] {
                continue;
            }
            if let Some((copy, count)) = self.copy(self.run(key), NONE, label, labels) {
                done[row as usize] = true;
                found.push(Found::exact(kind, row, copy, count));
            }
        }
        let is_copied = |row: &&u32| !held.run(self.keys[**row as usize]).is_empty();
        let mut copied: Vec<u32> = self.order.iter().filter(is_copied).copied().collect();
        copied.sort_unstable();
        (found, copied)
    }

    /// The rows, none of which is `done`, that have the key of an earlier one.
    pub(super) fn within(&self, labels: Option<&[u64]>, kind: LeakKind, done: &mut [bool]) -> Vec<Found> {
        let mut found = Vec::new();
        for (row, &key) in (0..).zip(&self.keys) {
            let label = labels.map(|labels| labels[row as usize]);
            if done[row as usize] {
                continue;
            }
            if let Some((copy, count)) = self.copy(self.run(key), row, label, labels) {
                done[row as usize] = true;
                found.push(Found::exact(kind, row, copy, count));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(found: &[Found]) -> Vec<(u32, u32, Option<u64>)> {
        found.iter().map(|one| (one.row, one.copy_of, one.copies)).collect()
    }

    #[test]
    fn rows_with_equal_keys_are_found_and_rows_without_a_key_never() {
        let train = Keys::new(vec![7, 0, 3, 7, 0, 9, 7], None);
        let held = Keys::new(vec![0, 7, 5, u128::MAX, 3, 7], None);
        let mut done = vec![false; 6];
        done[5] = true;
        let (found, copied) = train.across(None, (&held, None), LeakKind::SameRow, &mut done);
        assert_eq!(pairs(&found), [(1, 0, Some(3)), (4, 2, Some(1))]);
        assert_eq!(copied, [0, 2, 3, 6]);
        assert_eq!(done, [false, true, false, false, true, true]);
        let within = train.within(None, LeakKind::SameRow, &mut [false; 7]);
        assert_eq!(pairs(&within), [(3, 0, Some(1)), (6, 0, Some(2))]);
    }

    #[test]
    fn of_several_equal_rows_one_with_another_label_is_named() {
        let (keys, labels) = (vec![7, 7, 7, 4, 4], [1, 1, 2, 1, 1]);
        let train = Keys::new(keys, Some(&labels));
        let held_labels = [1, 2, 1, 2];
        let held = Keys::new(vec![7, 7, 4, 4], Some(&held_labels));
        let (found, _) = train.across(
            Some(&labels),
            (&held, Some(&held_labels)),
            LeakKind::SameRow,
            &mut [false; 4],
        );
        assert_eq!(
            pairs(&found),
            [(0, 2, Some(3)), (1, 0, Some(3)), (2, 3, Some(2)), (3, 3, Some(2))]
        );
        let within = train.within(Some(&labels), LeakKind::SameRow, &mut [false; 5]);
        assert_eq!(pairs(&within), [(1, 0, Some(1)), (2, 0, Some(2)), (4, 3, Some(1))]);
    }
}
