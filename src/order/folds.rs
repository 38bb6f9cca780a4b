use super::split::Split;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
