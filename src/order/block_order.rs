//! A shuffled order of rows that keeps reads together: blocks are permuted, then rows inside a window of blocks.

use crate::rng::{Permutation, Rng, TabledPermutation};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// One epoch's order over rows that lie in blocks.
#[derive(Debug)]
pub(crate) enum BlockOrder {
    Listed(Listed),
    Computed(Computed),
}

impl BlockOrder {
    /// The order that `rng` draws over blocks of `lengths` rows, `window` blocks at a time.
    pub(crate) fn new(lengths: &[u64], window: usize, rng: &mut Rng) -> Self {
        Self::over(&running_total(lengths.iter().copied()).into(), window, rng)
    }

    /// As [`new`](Self::new), over blocks that begin at `firsts` and end where the next one begins.
    pub(super) fn over(firsts: &Arc<[u64]>, window: usize, rng: &mut Rng) -> Self {
        let window = window.max(1);
        match firsts.last().is_some_and(|&rows| rows <= Listed::MOST) {
            true => Self::Listed(Listed::over(firsts, window, rng)),
            false => Self::Computed(Computed::over(firsts, window, rng)),
        }
    }

    /// The indices that lie in one window with `index`.
    pub(crate) fn window(&self, index: u64) -> Range<u64> {
        match self {
            Self::Listed(listed) => listed.window(index),
            Self::Computed(computed) => computed.window(index),
        }
    }

    /// The row that comes at `index`.
    pub(crate) fn get(&self, index: u64) -> u64 {
        match self {
            Self::Listed(listed) => listed.get(index),
            Self::Computed(computed) => computed.get(index),
        }
    }

    /// The rows that come at `indices`; fast where neighbours are of one window.
    pub(crate) fn map(&self, indices: &mut [u64]) {
        match self {
            Self::Listed(listed) => indices.iter_mut().for_each(|index| *index = listed.get(*index)),
            Self::Computed(computed) => computed.map(indices),
        }
    }
}

/// An order that is written down: orders of few rows are drawn often, and row by row would take longer.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The row at each index.
    rows: Box<[u8]>,
    /// Where the windows end.
    windows: Box<[u64]>,
}

impl Listed {
    const MOST: u64 = Permutation::TABLE;

    fn over(firsts: &[u64], window: usize, rng: &mut Rng) -> Self {
        let count = firsts.len() - 1;
        let blocks = Permutation::new(count as u64, rng);
        let (mut stored, mut rows) = ([0; Self::MOST as usize], Vec::with_capacity(firsts[count] as usize));
        let mut windows = Vec::with_capacity(count.div_ceil(window));
        for first in (0..count).step_by(window) {
            let places = first..(first + window).min(count);
            let blocks = places.map(|place| blocks.get(place as u64) as usize);
            let of_window = blocks.flat_map(|block| firsts[block]..firsts[block + 1]);
            let mut len = 0;
            for (at, row) in stored.iter_mut().zip(of_window) {
                *at = row as u8;
                len += 1;
            }
            let within = Permutation::table(len, rng);
            rows.extend(within[..len as usize].iter().map(|&at| stored[usize::from(at)]));
            windows.push(rows.len() as u64);
        }
        Self {
            rows: rows.into(),
            windows: windows.into(),
        }
    }

    fn window(&self, index: u64) -> Range<u64> {
        let window = self.windows.partition_point(|&end| end <= index);
        let start = window.checked_sub(1).map_or(0, |before| self.windows[before]);
        start..self.windows[window]
    }

    fn get(&self, index: u64) -> u64 {
        self.rows[index as usize].into()
    }
}

/// An order of which any index is worked out, in the time of two binary searches.
#[derive(Debug)]
pub(crate) struct Computed {
    /// Block at each place of the permuted sequence. More than 2^32 of them would not fit in memory.
    blocks: Vec<u32>,
    /// First shuffled index of each place, and the total.
    starts: Vec<u64>,
    /// First row of each block, in the stored order, and the total.
    firsts: Arc<[u64]>,
    window: usize,
    within: Vec<Permutation>,
    /// The window that was mapped last and, from its second time on, its permutation in tables.
    last: Mutex<(usize, Option<Arc<TabledPermutation>>)>,
}

impl Computed {
    fn over(firsts: &Arc<[u64]>, window: usize, rng: &mut Rng) -> Self {
        let count = firsts.len() - 1;
        let permutation = Permutation::new(count as u64, rng);
        let blocks: Vec<u32> = (0..count).map(|i| permutation.get(i as u64) as u32).collect();
        let length = |&block: &u32| firsts[block as usize + 1] - firsts[block as usize];
        let starts = running_total(blocks.iter().map(length));
        let within = (0..count)
            .step_by(window)
            .map(|first| Permutation::new(starts[(first + window).min(count)] - starts[first], rng))
            .collect();
        Self {
            blocks,
            starts,
            firsts: Arc::clone(firsts),
            window,
            within,
            last: Mutex::new((usize::MAX, None)),
        }
    }

    fn window(&self, index: u64) -> Range<u64> {
        let first = self.place_of(index) / self.window * self.window;
        self.starts[first]..self.starts[(first + self.window).min(self.blocks.len())]
    }

    fn get(&self, index: u64) -> u64 {
        let window = self.place_of(index) / self.window;
        let first = self.starts[window * self.window];
        let index = first + self.within[window].get(index - first);
        let place = self.place_of(index);
        self.firsts[self.blocks[place] as usize] + (index - self.starts[place])
    }

    fn map(&self, indices: &mut [u64]) {
        let mut rest = indices;
        while let Some(&index) = rest.first() {
            let window = self.place_of(index) / self.window;
            let end = ((window + 1) * self.window).min(self.blocks.len());
            let rows = self.starts[window * self.window]..self.starts[end];
            let same = rest.iter().take_while(|index| rows.contains(index)).count();
            let (some, others) = rest.split_at_mut(same.max(1));
            some.iter_mut().for_each(|index| *index -= rows.start);
            match self.tabled(window) {
                Some(tabled) => tabled.map(some),
                None => self.within[window].map(some),
            }
            let first = window * self.window;
            let starts = &self.starts[first..end];
            for index in some {
                let at = rows.start + *index;
                let place = first + starts.partition_point(|&start| start <= at) - 1;
                *index = self.firsts[self.blocks[place] as usize] + (at - self.starts[place]);
            }
            rest = others;
        }
    }

    /// The permutation inside `window` in tables, where it was the last one too: who reads in order comes many times.
    fn tabled(&self, window: usize) -> Option<Arc<TabledPermutation>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *last {
            (same, tabled) if *same == window => {
                if tabled.is_none() {
                    *tabled = self.within[window].tabled().map(Arc::new);
                }
                tabled.clone()
            }
            other => {
                *other = (window, None);
                None
            }
        }
    }

    fn place_of(&self, index: u64) -> usize {
        self.starts.partition_point(|&start| start <= index) - 1
    }
}

/// 0 and the sum after each length.
pub(super) fn running_total(lengths: impl ExactSizeIterator<Item = u64>) -> Vec<u64> {
    let (mut sums, mut total) = (Vec::with_capacity(lengths.len() + 1), 0);
    sums.push(total);
    for length in lengths {
        total += length;
        sums.push(total);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_comes_once_and_windows_hold() {
        for (lengths, window) in [
            (vec![3, 1, 7, 2, 5], 2),
            (vec![4], 1),
            (vec![1, 1, 1], 16),
            (vec![2, 0, 3], 1),
        ] {
            let order = BlockOrder::new(&lengths, window, &mut Rng::new(3, "order", 0));
            let total: u64 = lengths.iter().sum();
            let mut rows: Vec<u64> = (0..total).map(|i| order.get(i)).collect();
            let mut many: Vec<u64> = (0..total).collect();
            order.map(&mut many);
            assert_eq!(many, rows);
            rows.sort_unstable();
            assert_eq!(rows, (0..total).collect::<Vec<_>>());
        }
    }

    #[test]
    fn listed_orders_are_the_computed_ones() {
        let short: Vec<u64> = (0..40).map(|block| block % 13).collect();
        for (lengths, window) in [(vec![20], 16), (vec![256], 1), (short, 16), (vec![0, 5, 0, 0, 9, 1], 2)] {
            let firsts: Arc<[u64]> = running_total(lengths.iter().copied()).into();
            let rng = || Rng::new(5, "order", 0);
            let (listed, computed) = (
                Listed::over(&firsts, window, &mut rng()),
                Computed::over(&firsts, window, &mut rng()),
            );
            for index in 0..lengths.iter().sum() {
                assert_eq!(listed.get(index), computed.get(index));
                assert_eq!(listed.window(index), computed.window(index));
            }
        }
    }
}
