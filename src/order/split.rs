use crate::rng::{Permutation, Rng};

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
/// `classes` is each row's class. The split carries its own `seed`: it is made before anything is fitted.
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
        let wanted = (n as f64 * share.clamp(0.0, 1.0)).round() as u64;
        let held = if share > 0.0 && n > 1 {
            wanted.clamp(1, n - 1)
        } else {
            0
        };
        for (at, &row) in rows.iter().enumerate() {
            let out = permutation.get(at as u64) < held;
            if out { &mut split.held_out } else { &mut split.train }.push(row);
        }
    }
    split.train.sort_unstable();
    split.held_out.sort_unstable();
    split
}
