//! What was found of the rows of one set, on the way to near ones: rows that have an exact copy are done.

use super::exact::Keys;
use super::labels::SetLabels;
use super::overlap::Gathered;
use super::report::{LeakKind, LeakSet};
use super::sets::Set;
use crate::inspect::pictures::Bad;

/// What was found, and which rows have a copy.
pub(super) struct Matched {
    pub(super) gathered: Gathered,
    pub(super) done: Vec<bool>,
}

/// All that was found: of each held-out set among the training rows, and of each set among its own.
pub(super) struct AllMatched {
    pub(super) across: Vec<Matched>,
    pub(super) within: Vec<Matched>,
}

/// Exact copies inside each set, by keys of each kind.
pub(super) fn exact_within(sets: &[Set], labels: &[Option<SetLabels>], keys: &[(LeakKind, &[Keys])]) -> Vec<Matched> {
    let of = |at: usize| {
        let mut gathered = Gathered::default();
        let mut done = vec![false; sets[at].len() as usize];
        let hashes = labels[at].as_ref().map(|labels| labels.hashes.as_slice());
        for (kind, keys) in keys {
            let found = keys[at].within(hashes, *kind, &mut done);
            gathered.add(*kind, found, [], None);
        }
        Matched { gathered, done }
    };
    (0..sets.len()).map(of).collect()
}

/// Exact copies of training rows in each held-out set.
pub(super) fn exact_across(sets: &[Set], labels: &[Option<SetLabels>], keys: &[(LeakKind, &[Keys])]) -> Vec<Matched> {
    let hashes = |at: usize| labels[at].as_ref().map(|labels| labels.hashes.as_slice());
    let of = |at: usize| {
        let mut gathered = Gathered::default();
        let mut done = vec![false; sets[at].len() as usize];
        // Labels are told apart where both sets have them.
        let (own, train) = hashes(at).zip(hashes(0)).unzip();
        for (kind, keys) in keys {
            let (found, copied) = keys[0].across(train, (&keys[at], own), *kind, &mut done);
            gathered.add(*kind, found, copied, None);
        }
        Matched { gathered, done }
    };
    (1..sets.len()).map(of).collect()
}

/// What is said of a set itself.
pub(super) fn found_set(set: &Set, flat: u64, unusable: u64, bad: Vec<Bad>) -> LeakSet {
    LeakSet {
        name: set.name.clone(),
        path: set.files.name().to_owned(),
        rows: set.len(),
        flat,
        unusable,
        bad,
    }
}
