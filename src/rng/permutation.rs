//! Random permutations of which any index is had in constant time.

use super::feistel::{Feistel, Tables, tables};
use super::generator::Rng;

/// A random permutation of `0..n`, of which any index is had in constant time.
///
/// Up to 256 it is a shuffled table (Fisher and Yates 1938), uniform over all permutations. Above that it is computed, not
/// stored: an eight-round Feistel network over the smallest even power of two that holds `n`, walked along its cycles
/// until it lands below `n` (Black and Rogaway 2002), as Grain's `index_shuffle` does. A network for fewer would be
/// visibly biased, and a table for more would be large.
#[derive(Clone, Debug)]
pub struct Permutation(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Table(Box<[u8]>),
    Network(Feistel),
}

impl Permutation {
    /// The largest that is a table.
    pub(crate) const TABLE: u64 = 256;

    /// The permutation of `0..n` that `rng` draws.
    pub fn new(n: u64, rng: &mut Rng) -> Self {
        if n > Self::TABLE {
            return Self(Kind::Network(Feistel::new(n, rng)));
        }
        Self(Kind::Table(Self::table(n, rng)[..n as usize].into()))
    }

    /// What [`new`](Self::new) draws for `n` of at most [`TABLE`](Self::TABLE): where each index goes, the first `n` of them.
    pub(crate) fn table(n: u64, rng: &mut Rng) -> [u8; Self::TABLE as usize] {
        let mut table = std::array::from_fn(|index| index as u8);
        for last in (1..n).rev() {
            table.swap(last as usize, rng.below(last + 1) as usize);
        }
        table
    }

    /// Where `index` goes. An index that is not below `n` is returned as it is.
    pub fn get(&self, index: u64) -> u64 {
        match &self.0 {
            Kind::Table(table) => table.get(index as usize).map_or(index, |&to| u64::from(to)),
            Kind::Network(network) => network.get(index),
        }
    }

    /// As [`get`](Self::get) for each of `indices`, in a fraction of the time.
    pub(crate) fn map(&self, indices: &mut [u64]) {
        match &self.0 {
            Kind::Table(_) => indices.iter_mut().for_each(|index| *index = self.get(*index)),
            Kind::Network(network) => network.map(indices),
        }
    }

    /// The same permutation for many calls of [`map`](Self::map), several times as fast; none where it would not be, or where
    /// the tables would be large.
    pub(crate) fn tabled(&self) -> Option<TabledPermutation> {
        match &self.0 {
            Kind::Network(network) => tables(network).map(TabledPermutation),
            Kind::Table(_) => None,
        }
    }
}

/// A [`Permutation`] whose rounds are looked up in tables.
#[derive(Debug)]
pub(crate) struct TabledPermutation(Box<dyn Tables>);

impl TabledPermutation {
    /// As [`Permutation::map`].
    pub(crate) fn map(&self, indices: &mut [u64]) {
        self.0.map(indices);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_go_where_each_goes() {
        for n in [1, 17, 256, 257, 300, 80_000, 1 << 20, (1 << 33) + 5] {
            let permutation = Permutation::new(n, &mut Rng::new(9, "p", n));
            let indices: Vec<u64> = (0..1003).map(|i| i * (n / 1000).max(1)).collect();
            let mut many = indices.clone();
            permutation.map(&mut many);
            assert!(
                many.iter()
                    .zip(&indices)
                    .all(|(&to, &index)| to == permutation.get(index)),
                "{n}"
            );
            if let Some(tabled) = permutation.tabled() {
                let mut looked_up = indices.clone();
                tabled.map(&mut looked_up);
                assert_eq!(looked_up, many, "{n}");
            }
        }
    }

    #[test]
    fn permutation_is_a_bijection() {
        for n in [1, 2, 3, 5, 16, 17, 100, 256, 257, 1000, 4097] {
            let permutation = Permutation::new(n, &mut Rng::new(7, "test", n));
            let mut seen: Vec<u64> = (0..n).map(|i| permutation.get(i)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn small_permutations_are_uniform() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..24_000 {
            let p = Permutation::new(4, &mut Rng::new(seed, "small", 0));
            *counts.entry([p.get(0), p.get(1), p.get(2), p.get(3)]).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        let chi: f64 = counts.values().map(|&c| (f64::from(c) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi < 49.7, "chi-square {chi} with 23 degrees of freedom");
    }

    /// Above the table: where the first index goes, and how far the second lands from it.
    #[test]
    fn large_permutations_are_uniform() {
        const N: u64 = 300;
        let (mut first, mut gap) = ([0_u32; N as usize], [0_u32; N as usize]);
        for seed in 0..60_000 {
            let p = Permutation::new(N, &mut Rng::new(seed, "large", 0));
            first[p.get(0) as usize] += 1;
            gap[((p.get(1) + N - p.get(0)) % N) as usize] += 1;
        }
        let chi = |counts: &[u32], mean: f64| -> f64 {
            counts
                .iter()
                .map(|&count| (f64::from(count) - mean).powi(2) / mean)
                .sum()
        };
        let (first, gap) = (chi(&first, 200.0), chi(&gap[1..], 60_000.0 / 299.0));
        // The 0.999 quantiles with 299 and 298 degrees of freedom.
        assert!(first < 379.0 && gap < 378.0, "chi-square {first} and {gap}");
    }
}
