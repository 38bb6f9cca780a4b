use super::group_split::stratified_group_split;
use super::split::Split;
use super::time_split::time_split;
use crate::rng::{Permutation, Rng};

/// The splits of a stratified cross-validation: `folds` parts, each of which is held out once, with about the same share of each
/// class (as scikit-learn's `StratifiedKFold` with `shuffle=True`; other rows, since the draws are ours).
///
/// Of a class, no two parts differ by more than one row, and neither do the parts themselves. A class of one row is never held out. `classes` is each row's class.
///
/// ```
/// use millstream::order::stratified_folds;
///
/// let splits = stratified_folds([0, 0, 0, 0, 1, 1, 2], 2, 7);
/// for split in &splits {
///     let held = |rows: std::ops::Range<u64>| split.held_out.iter().filter(|row| rows.contains(row)).count();
///     assert_eq!((held(0..4), held(4..6), held(6..7)), (2, 1, 0));
/// }
/// ```
pub fn stratified_folds(classes: impl IntoIterator<Item = u32>, folds: usize, seed: u64) -> Vec<Split> {
    let classes: Vec<u32> = classes.into_iter().collect();
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes.iter().max().map_or(0, |last| *last as usize + 1)];
    for (row, class) in classes.iter().enumerate() {
        of_class[*class as usize].push(row);
    }
    // Each class goes on where the last one ended, so that the parts stay equal.
    let (mut part, mut next) = (vec![None; classes.len()], 0);
    for (class, rows) in of_class.iter().enumerate().filter(|(_, rows)| rows.len() > 1) {
        let permutation = Permutation::new(rows.len() as u64, &mut Rng::new(seed, "folds", class as u64));
        for at in 0..rows.len() as u64 {
            part[rows[permutation.get(at) as usize]] = Some(next % folds.max(1));
            next += 1;
        }
    }
    let split = |fold: usize| {
        let (held_out, train) = (0..classes.len() as u64).partition(|&row| part[row as usize] == Some(fold));
        Split { train, held_out }
    };
    (0..folds).map(split).collect()
}

/// The splits of a cross-validation by whole groups: `folds` parts, each of which is held out once, of about the same number of rows and with about the same share of
/// each class as far as groups allow it (as scikit-learn's `StratifiedGroupKFold`; other groups, since the draws are ours). No group has rows in two parts.
///
/// `groups` is each row's group and `classes` each row's class. One part after the other is taken out of the rows that are left, by
/// [`stratified_group_split`]. Of fewer groups than `folds` some parts are empty.
///
/// ```
/// use millstream::order::stratified_group_folds;
///
/// // Twelve patients with three rows each.
/// let patients: Vec<u32> = (0..36).map(|row| row / 3).collect();
/// let splits = stratified_group_folds(&patients, (0..36).map(|row| row / 3 % 2), 4, 7);
/// assert!(splits.iter().all(|split| split.held_out.len() == 9));
/// ```
pub fn stratified_group_folds(
    groups: &[u32],
    classes: impl IntoIterator<Item = u32>,
    folds: usize,
    seed: u64,
) -> Vec<Split> {
    let classes: Vec<u32> = classes.into_iter().collect();
    let mut part = vec![None; groups.len()];
    let mut left: Vec<u64> = (0..groups.len() as u64).collect();
    for fold in 0..folds {
        let share = 1.0 / (folds - fold) as f64;
        let groups: Vec<u32> = left.iter().map(|&row| groups[row as usize]).collect();
        let of_rows = left.iter().map(|&row| Some(classes[row as usize]));
        // The last part is what is left, which a split of two sides would not take whole.
        let held = match fold + 1 == folds {
            true => (0..left.len() as u64).collect(),
            false => stratified_group_split(&groups, of_rows, share, seed).held_out,
        };
        for at in held {
            part[left[at as usize] as usize] = Some(fold);
        }
        left.retain(|&row| part[row as usize].is_none());
    }
    let split = |fold: usize| {
        let (held_out, train) = (0..groups.len() as u64).partition(|&row| part[row as usize] == Some(fold));
        Split { train, held_out }
    };
    (0..folds).map(split).collect()
}

/// The splits of a cross-validation by time: rows in `folds + 1` parts, one later than the other, each of which but the first is held out once, with all
/// rows before it to train on (scikit-learn's `TimeSeriesSplit`). So no row is trained on that is later than one that is held out.
///
/// `times` is each row's time, in whichever unit. Rows with the same time stay in one part; of fewer times than parts some are empty.
///
/// ```
/// use millstream::order::time_folds;
///
/// let splits = time_folds(&[1, 2, 3, 4, 5, 6, 7, 8], 3);
/// assert_eq!((&splits[0].train[..], &splits[0].held_out[..]), (&[0, 1][..], &[2, 3][..]));
/// assert_eq!((splits[2].train.len(), &splits[2].held_out[..]), (6, &[6, 7][..]));
/// ```
pub fn time_folds<T: Ord + Clone>(times: &[T], folds: usize) -> Vec<Split> {
    let mut left: Vec<u64> = (0..times.len() as u64).collect();
    let mut splits = Vec::new();
    for fold in (1..=folds).rev() {
        let of_rows: Vec<T> = left.iter().map(|&row| times[row as usize].clone()).collect();
        let split = time_split(&of_rows, 1.0 / (fold + 1) as f64);
        let rows = |of: Vec<u64>| of.into_iter().map(|at| left[at as usize]).collect::<Vec<u64>>();
        let split = Split {
            held_out: rows(split.held_out),
            train: rows(split.train),
        };
        left.clone_from(&split.train);
        splits.push(split);
    }
    splits.reverse();
    splits
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_held_out_once_and_classes_are_spread() {
        let classes: Vec<u32> = (0..203)
            .map(|row| [0, 0, 0, 1, 1, 2][row % 6])
            .chain([3, 3, 3, 4])
            .collect();
        for (folds, seed) in [(2, 1), (5, 1), (5, 2), (7, 9)] {
            let splits = stratified_folds(classes.iter().copied(), folds, seed);
            assert_eq!(splits, stratified_folds(classes.iter().copied(), folds, seed));
            let mut held: Vec<u64> = splits.iter().flat_map(|split| split.held_out.clone()).collect();
            held.sort_unstable();
            assert!(held.into_iter().eq(0..206), "all but the only row of its class, once");
            for class in 0..4 {
                let of = |split: &Split| {
                    split
                        .held_out
                        .iter()
                        .filter(|&&row| classes[row as usize] == class)
                        .count()
                };
                let of: Vec<usize> = splits.iter().map(of).collect();
                assert!(
                    of.iter().max().unwrap() - of.iter().min().unwrap() <= 1,
                    "{class}: {of:?}"
                );
            }
            let sizes: Vec<usize> = splits.iter().map(|split| split.held_out.len()).collect();
            assert!(
                sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1,
                "{sizes:?}"
            );
            assert!(
                splits
                    .iter()
                    .all(|split| split.train.len() + split.held_out.len() == classes.len())
            );
        }
        let other = stratified_folds(classes.iter().copied(), 5, 3);
        assert_ne!(other, stratified_folds(classes, 5, 4));
    }

    #[test]
    fn no_group_is_in_two_parts_and_every_row_is_held_out_once() {
        // Forty groups of one to seven rows; every fourth is of the rare class.
        let groups: Vec<u32> = (0..40).flat_map(|group| vec![group; 1 + group as usize % 7]).collect();
        let classes: Vec<u32> = groups.iter().map(|group| u32::from(group % 4 == 0)).collect();
        for (folds, seed) in [(2, 1), (5, 1), (5, 2)] {
            let splits = stratified_group_folds(&groups, classes.iter().copied(), folds, seed);
            assert_eq!(
                splits,
                stratified_group_folds(&groups, classes.iter().copied(), folds, seed)
            );
            let mut held: Vec<u64> = splits.iter().flat_map(|split| split.held_out.clone()).collect();
            held.sort_unstable();
            assert!(held.into_iter().eq(0..groups.len() as u64), "every row once");
            for split in &splits {
                let of = |rows: &[u64]| rows.iter().map(|&row| groups[row as usize]).collect::<HashSet<_>>();
                assert!(of(&split.train).is_disjoint(&of(&split.held_out)));
                let even = groups.len() as f64 / folds as f64;
                assert!(
                    (split.held_out.len() as f64 - even).abs() <= 7.0,
                    "{}",
                    split.held_out.len()
                );
                let rare = split.held_out.iter().filter(|&&row| classes[row as usize] == 1).count();
                assert!(rare > 0, "the rare class is in every part");
            }
        }
        let few = stratified_group_folds(&[0, 0, 1, 1], [0, 1, 0, 1], 3, 0);
        assert_eq!(few.iter().filter(|split| split.held_out.is_empty()).count(), 1);
    }

    #[test]
    fn nothing_is_trained_on_that_is_later_than_what_is_held_out() {
        let times: Vec<u32> = (0..60).map(|row| row * 7 % 20).collect();
        let splits = time_folds(&times, 4);
        assert_eq!(splits.len(), 4);
        for split in &splits {
            let of = |rows: &[u64]| rows.iter().map(|&row| times[row as usize]).collect::<Vec<_>>();
            assert!(of(&split.train).iter().max() < of(&split.held_out).iter().min());
            assert_eq!(split.held_out.len(), 12);
        }
        assert!(time_folds(&[3, 3, 3], 2).iter().all(|split| split.held_out.is_empty()));
    }
}
