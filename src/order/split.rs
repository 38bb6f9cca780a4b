use crate::rng::{Permutation, Rng};
use std::collections::BTreeSet;

/// Rows for training and rows that are held out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows to train on, ascending.
    pub train: Vec<u64>,
    /// Rows held out, ascending.
    pub held_out: Vec<u64>,
}

/// Holds out `share` of each class (as scikit-learn's `train_test_split(stratify=..)`): rounded to the nearest row, at
/// least one row of a class that has two or more, none of a class that has one.
///
/// `classes` is each row's class; where rows have several, see [`stratified_multi_label`]. The split carries its own `seed`: it is made before anything is fitted.
pub fn stratified(classes: impl IntoIterator<Item = u32>, share: f64, seed: u64) -> Split {
    let mut of_class: Vec<Vec<u64>> = Vec::new();
    for (row, class) in (0..).zip(classes) {
        let class = class as usize;
        if of_class.len() <= class {
            of_class.resize(class + 1, Vec::new());
        }
        of_class[class].push(row);
    }
    let mut split = Split {
        train: Vec::new(),
        held_out: Vec::new(),
    };
    for (class, rows) in of_class.iter().enumerate() {
        let n = rows.len() as u64;
        let permutation = Permutation::new(n, &mut Rng::new(seed, "split", class as u64));
        let held = held_of(n, share);
        for (at, &row) in rows.iter().enumerate() {
            let out = permutation.get(at as u64) < held;
            if out { &mut split.held_out } else { &mut split.train }.push(row);
        }
    }
    split.train.sort_unstable();
    split.held_out.sort_unstable();
    split
}

/// Holds out `share` of `rows` rows, drawn at random, whatever their labels: for numbers (regression targets), and where there are no
/// labels. Rounded to the nearest row; of two rows or more at least one is held out, if `share` is above 0, and one is not.
pub fn random_split(rows: u64, share: f64, seed: u64) -> Split {
    let permutation = Permutation::new(rows, &mut Rng::new(seed, "random split", 0));
    let held = held_of(rows, share);
    let (held_out, train) = (0..rows).partition(|&row| permutation.get(row) < held);
    Split { train, held_out }
}

/// Holds out about `share` (0 to 1) of each class where rows have several classes or none: iterative stratification (Sechidis et
/// al. 2011). `rows` are each row's classes, each class once.
///
/// The class with the fewest rows that are not assigned yet comes first. Each of its rows goes to the side that lacks more rows of
/// this class, on a tie to the one that lacks more rows, then as it is drawn. Rows without a class come last, so that they make up the total. Unlike
/// [`stratified`], this promises no class a row on each side: what a class is given is `share` of its rows to within one row where
/// classes do not come together, and near it where they do.
///
/// ```
/// use millstream::order::stratified_multi_label;
///
/// let rows = [vec![0, 1], vec![0], vec![1], vec![0], vec![1], vec![0, 1], vec![], vec![]];
/// let split = stratified_multi_label(rows.clone(), 0.5, 7);
/// let held = |class| split.held_out.iter().filter(|&&row| rows[row as usize].contains(&class)).count();
/// assert_eq!((split.held_out.len(), held(0), held(1)), (4, 2, 2));
/// ```
pub fn stratified_multi_label<R: IntoIterator<Item = u32>>(
    rows: impl IntoIterator<Item = R>,
    share: f64,
    seed: u64,
) -> Split {
    let (mut classes, mut ends) = (Vec::new(), vec![0]);
    for row in rows {
        classes.extend(row.into_iter().map(|class| class as usize));
        ends.push(classes.len());
    }
    let rows = ends.len() - 1;
    let of_row = |row: usize| &classes[ends[row]..ends[row + 1]];
    let mut rng = Rng::new(seed, "multi-label split", 0);
    let order = Permutation::new(rows as u64, &mut rng);
    let order = || (0..rows as u64).map(|at| order.get(at) as usize);
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes.iter().max().map_or(0, |last| last + 1)];
    for row in order() {
        of_row(row).iter().for_each(|&class| of_class[class].push(row));
    }
    // Rows of each class that have no side yet, the class with the fewest first.
    let mut open: Vec<usize> = of_class.iter().map(Vec::len).collect();
    let mut next: BTreeSet<(usize, usize)> = open.iter().copied().zip(0..).filter(|(rows, _)| *rows > 0).collect();
    let mut lack: Vec<Lack> = open.iter().map(|&rows| Lack::new(rows, share)).collect();
    let mut lack_of_all = Lack::new(rows, share);
    let mut sides: Vec<Option<bool>> = vec![None; rows];
    while let Some(&(_, class)) = next.first() {
        for &row in &of_class[class] {
            if sides[row].is_some() {
                continue;
            }
            let out = lack[class].held_out().or_else(|| lack_of_all.held_out());
            let out = out.unwrap_or_else(|| rng.below(2) == 1);
            sides[row] = Some(out);
            lack_of_all.give(out);
            for &class in of_row(row) {
                lack[class].give(out);
                next.remove(&(open[class], class));
                open[class] -= 1;
                next.extend((open[class] > 0).then_some((open[class], class)));
            }
        }
    }
    for row in order() {
        if sides[row].is_none() {
            let out = lack_of_all.held_out().unwrap_or_else(|| rng.below(2) == 1);
            sides[row] = Some(out);
            lack_of_all.give(out);
        }
    }
    let held = |row: &u64| sides[*row as usize] == Some(true);
    let (held_out, train) = (0..rows as u64).partition(held);
    Split { train, held_out }
}

/// Rows that each side lacks yet.
struct Lack {
    train: f64,
    held_out: f64,
}

impl Lack {
    fn new(rows: usize, share: f64) -> Self {
        let (rows, share) = (rows as f64, share.clamp(0.0, 1.0));
        Self {
            train: rows * (1.0 - share),
            held_out: rows * share,
        }
    }

    /// Whether the side of those that are held out lacks more; none where both lack the same.
    fn held_out(&self) -> Option<bool> {
        (self.train != self.held_out).then_some(self.held_out > self.train)
    }

    fn give(&mut self, held_out: bool) {
        let side = if held_out { &mut self.held_out } else { &mut self.train };
        *side -= 1.0;
    }
}

/// How many of `rows` rows are held out: `share` of them, rounded, but of two or more neither none nor all.
pub(super) fn held_of(rows: u64, share: f64) -> u64 {
    let wanted = (rows as f64 * share.clamp(0.0, 1.0)).round() as u64;
    match share > 0.0 && rows > 1 {
        true => wanted.clamp(1, rows - 1),
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of rows with up to three of ten classes, the rarer the higher their number, and every tenth row without a class.
    fn tagged(rows: u64) -> Vec<Vec<u32>> {
        let of_row = |row: u64| {
            let mut rng = Rng::new(5, "tags", row);
            let mut class = || {
                let most = rng.below(9);
                rng.below(most + 1) as u32
            };
            let mut classes: Vec<u32> = (0..row % 10 % 4).map(|_| class()).collect();
            classes.sort_unstable();
            classes.dedup();
            classes
        };
        (0..rows).map(of_row).collect()
    }

    fn held(split: &Split, rows: &[Vec<u32>], class: u32) -> usize {
        let has = |row: &&u64| rows[**row as usize].contains(&class);
        split.held_out.iter().filter(has).count()
    }

    #[test]
    fn every_class_of_several_a_row_has_its_share_held_out() {
        let rows = tagged(2000);
        for (share, seed) in [(0.2, 1), (0.2, 2), (0.5, 1), (0.1, 9)] {
            let split = stratified_multi_label(rows.iter().map(|row| row.iter().copied()), share, seed);
            assert_eq!(split, stratified_multi_label(rows.clone(), share, seed));
            let mut all = [split.train.clone(), split.held_out.clone()].concat();
            assert!(split.train.is_sorted() && split.held_out.is_sorted());
            all.sort_unstable();
            assert!(all.into_iter().eq(0..2000), "each row is on one side");
            for class in 0..9 {
                let stored = rows.iter().filter(|row| row.contains(&class)).count() as f64;
                let held = held(&split, &rows, class) as f64;
                assert!(
                    (held - share * stored).abs() <= 2.0,
                    "{share} of class {class}: {held} of {stored}"
                );
            }
            // Rows without a class make up for what the others leave.
            let held = split.held_out.len() as f64;
            assert!((held - share * 2000.0).abs() <= 1.0, "{share}: {held} of 2000 rows");
        }
        assert_ne!(
            stratified_multi_label(rows.clone(), 0.2, 1),
            stratified_multi_label(rows, 0.2, 2)
        );
    }

    #[test]
    fn one_class_a_row_is_held_out_to_half_a_row() {
        let counts = [100_u32, 37, 9, 4, 3, 1];
        let rows: Vec<Vec<u32>> = (0..)
            .zip(counts)
            .flat_map(|(class, count)| vec![vec![class]; count as usize])
            .collect();
        let split = stratified_multi_label(rows.clone(), 0.2, 3);
        let held = [0, 1, 2, 3, 4, 5].map(|class| held(&split, &rows, class));
        assert_eq!(held, [20, 7, 2, 1, 1, 0]);
    }

    #[test]
    fn the_rarest_class_is_dealt_out_first() {
        // Class 1 has four rows, which all are of class 0, too: two of them on each side, then of the other four two each.
        let rows = [
            vec![0, 1],
            vec![0],
            vec![0, 1],
            vec![0],
            vec![0, 1],
            vec![0],
            vec![0, 1],
            vec![0],
        ];
        for seed in 0..20 {
            let split = stratified_multi_label(rows.clone(), 0.5, seed);
            assert_eq!((held(&split, &rows, 0), held(&split, &rows, 1)), (4, 2), "seed {seed}");
        }
        let none = stratified_multi_label(rows.clone(), 0.0, 1);
        assert_eq!((none.train.len(), none.held_out.len()), (8, 0));
        assert_eq!(stratified_multi_label(Vec::<Vec<u32>>::new(), 0.5, 1).train.len(), 0);
    }

    #[test]
    fn a_random_split_holds_out_its_share_and_never_all() {
        for (rows, share, held) in [
            (1000, 0.2, 200),
            (7, 0.5, 4),
            (2, 0.9, 1),
            (2, 0.01, 1),
            (1, 0.9, 0),
            (9, 0.0, 0),
        ] {
            let split = random_split(rows, share, 4);
            assert_eq!(
                (split.train.len() as u64, split.held_out.len()),
                (rows - held as u64, held)
            );
            assert!(split.train.iter().all(|row| !split.held_out.contains(row)));
        }
        assert_ne!(random_split(1000, 0.2, 4), random_split(1000, 0.2, 5));
        let first = random_split(1000, 0.2, 4)
            .held_out
            .iter()
            .filter(|&&row| row < 500)
            .count();
        assert!((80..=120).contains(&first), "{first}");
    }
}
