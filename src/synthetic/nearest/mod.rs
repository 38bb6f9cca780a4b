//! Exact nearest neighbours of rows among rows: a k-d tree for few columns, a comparison with all for many.
//!
//! No distance but the `k` smallest of a row is kept: beside the values there are `k` indices a row, and a thread's own few kilobytes.

mod closest;
mod compare_all;
mod points;
mod tree;

pub(in crate::synthetic) use points::{Coordinate, Points};

use tree::Tree;

/// Up to so many columns a tree is faster than a comparison with all rows; beyond, its boxes overlap every neighbourhood.
const TREE_WIDTH: usize = 24;

/// Rows among which neighbours are looked up.
#[derive(Debug)]
pub(in crate::synthetic) enum Search<T> {
    /// The rows in the order of the tree's leaves.
    Tree(Tree<T>),
    /// The rows as they came.
    All(Points<T>),
}

impl<T: Coordinate> Search<T> {
    /// A search among `points`, whose memory it takes over.
    pub(in crate::synthetic) fn new(points: Points<T>) -> Self {
        match (1..=TREE_WIDTH).contains(&points.width) && points.len() > tree::LEAF {
            true => Self::Tree(Tree::new(points)),
            false => Self::All(points),
        }
    }

    /// For each of `queries`, which are rows, what `write` makes of its `k` nearest other rows, nearest first, in its own `stride` values. Of
    /// equally far ones the lower row is nearer. With fewer than `k` other rows there are all of them.
    pub(in crate::synthetic) fn each<R: Copy + Default + Send>(
        &self,
        queries: &[u32],
        k: usize,
        stride: usize,
        write: impl Fn(&[u32], &mut [R]) + Sync,
    ) -> Vec<R> {
        match self {
            Self::Tree(tree) => tree.each(queries, k, stride, write),
            Self::All(points) => compare_all::each(points, queries, k, stride, write),
        }
    }

    /// For each row its `k` nearest other rows, one row after the other; `k` is at most the other rows.
    pub(in crate::synthetic) fn all(&self, k: usize) -> Vec<u32> {
        let all: Vec<u32> = (0..self.len() as u32).collect();
        self.each(&all, k, k, |nearest, out: &mut [u32]| out.copy_from_slice(nearest))
    }

    /// `rows` of those among which is searched.
    pub(in crate::synthetic) fn points(&self, rows: &[u32]) -> Points<T> {
        match self {
            Self::Tree(tree) => tree.points(rows),
            Self::All(points) => points.select(rows.iter().map(|&row| row as usize)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Tree(tree) => tree.len(),
            Self::All(points) => points.len(),
        }
    }
}

/// The most bytes that a search for the `k` nearest of `queries` rows among `rows` of `width` coordinates of `of` bytes has at a time, the values and what it
/// finds among them.
pub(in crate::synthetic) fn bytes(rows: u64, width: usize, of: usize, queries: u64, k: usize) -> u64 {
    let values = rows * (width * of) as u64;
    // The rows that are asked about, and what is found of each.
    let found = queries * 4 * (k as u64 + 1);
    let tree = match (1..=TREE_WIDTH).contains(&width) {
        // The values in the order of its leaves, that order and back, its parts, and what is found in that order.
        true => values + rows * 8 + tree::part_bytes(rows, width, of) + found,
        false => 0,
    };
    values + found + tree
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of a plain generator, some of them equal.
    fn numbers(count: usize, steps: u64) -> Vec<f64> {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % steps) as f64 / 16.0 - 3.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// All distances sorted.
    fn sorted<T: Coordinate>(points: &Points<T>, row: usize, k: usize) -> Vec<u32> {
        let mut all: Vec<(f64, u32)> = (0..points.len())
            .filter(|&other| other != row)
            .map(|other| (points.distance(row, other), other as u32))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.truncate(k);
        all.into_iter().map(|(_, row)| row).collect()
    }

    fn agrees<T: Coordinate>(points: Points<T>, k: usize) {
        let expected: Vec<Vec<u32>> = (0..points.len()).map(|row| sorted(&points, row, k)).collect();
        let tree = (points.width <= TREE_WIDTH).then(|| Tree::new(points.clone()));
        let queries: Vec<u32> = (0..points.len() as u32).rev().step_by(3).collect();
        let write = |nearest: &[u32], out: &mut [u32]| out.copy_from_slice(nearest);
        let by_tree = tree.map(|tree| (tree.each(&queries, k, k, write), "tree"));
        let by_all = (compare_all::each(&points, &queries, k, k, write), "all");
        for (found, at) in by_tree.into_iter().chain([by_all]) {
            for (&row, found) in queries.iter().zip(found.chunks(k)) {
                assert_eq!(
                    found, expected[row as usize],
                    "{at}: row {row} of {} columns",
                    points.width
                );
            }
        }
        assert_eq!(Search::new(points).all(k), expected.concat());
    }

    #[test]
    fn the_nearest_are_those_of_all_distances_sorted() {
        for (rows, width, steps) in [
            (2, 1, 9),
            (40, 2, 1 << 20),
            (700, 3, 12),
            (700, 8, 1 << 30),
            (300, 24, 5),
            (200, 40, 1 << 20),
            (90, 300, 7),
        ] {
            let values = numbers(rows * width, steps);
            let narrow: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            for k in [1, 5, 17] {
                let k = k.min(rows - 1);
                agrees(Points::new(values.clone(), width), k);
                agrees(Points::new(narrow.clone(), width), k);
                let codes: Vec<u32> = (0..rows * 2).map(|at| (at * at % 3) as u32).collect();
                agrees(Points::new(values.clone(), width).with_categories(codes, 2, 0.7), k);
            }
        }
    }

    #[test]
    fn neighbours_beyond_the_squares_of_f32_are_told_apart() {
        let far = [0.0, 1e30, 3e30, f32::MAX].map(|value| f32::distance(&[value, 0.0], &[0.0, 0.0]));
        assert!(far.windows(2).all(|pair| pair[0] < pair[1]), "{far:?}");
        assert!(far.iter().all(|far| far.is_finite()));
        assert_eq!(f32::distance(&[3.0, 0.0], &[0.0, 4.0]), 25.0);
        agrees(
            Points::new(vec![0.0_f32, f32::MAX, 1e30, 3e30, -1e-30, 1e-30, f32::MIN], 1),
            6,
        );
    }

    #[test]
    fn rows_that_are_equal_are_neighbours_of_each_other_by_their_number() {
        let points = Points::new(vec![1.0_f64; 100], 1);
        let nearest = Search::new(points).all(3);
        assert_eq!(&nearest[..9], &[1, 2, 3, 0, 2, 3, 0, 1, 3]);
        assert_eq!(&nearest[150..153], &[0, 1, 2]);
    }
}
