//! A shuffled order of rows that keeps reads together: blocks are permuted, then rows inside a window of blocks.

use super::Quality;
use crate::dataset::Block;
use crate::rng::{Permutation, Rng, Tabled, stream};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// One epoch's order over rows that lie in blocks. Any index in the time of two binary searches.
#[derive(Debug)]
pub(crate) struct BlockOrder {
    /// Block at each place of the permuted sequence. More than 2^32 of them would not fit in memory.
    blocks: Vec<u32>,
    /// First shuffled index of each place, and the total.
    starts: Vec<u64>,
    /// First row of each block, in the stored order, and the total.
    firsts: Arc<[u64]>,
    window: usize,
    within: Vec<Permutation>,
    /// The window that was mapped last and, from its second time on, its permutation in tables.
    last: Mutex<(usize, Option<Arc<Tabled>>)>,
}

impl BlockOrder {
    /// The order that `rng` draws over blocks of `lengths` rows, `window` blocks at a time.
    pub(crate) fn new(lengths: &[u64], window: usize, rng: &mut Rng) -> Self {
        Self::over(&running_total(lengths.iter().copied()).into(), window, rng)
    }

    /// As [`new`](Self::new), over blocks that begin at `firsts` and end where the next one begins.
    fn over(firsts: &Arc<[u64]>, window: usize, rng: &mut Rng) -> Self {
        let (window, count) = (window.max(1), firsts.len() - 1);
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

    /// The indices that lie in one window with `index`.
    pub(crate) fn window(&self, index: u64) -> Range<u64> {
        let first = self.place_of(index) / self.window * self.window;
        self.starts[first]..self.starts[(first + self.window).min(self.blocks.len())]
    }

    /// The row that comes at `index`.
    pub(crate) fn get(&self, index: u64) -> u64 {
        let window = self.place_of(index) / self.window;
        let first = self.starts[window * self.window];
        let index = first + self.within[window].get(index - first);
        let place = self.place_of(index);
        self.firsts[self.blocks[place] as usize] + (index - self.starts[place])
    }

    /// The rows that come at `indices`; fast where neighbours are of one window.
    pub(crate) fn map(&self, indices: &mut [u64]) {
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
    fn tabled(&self, window: usize) -> Option<Arc<Tabled>> {
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

fn running_total(lengths: impl ExactSizeIterator<Item = u64>) -> Vec<u64> {
    let (mut sums, mut total) = (Vec::with_capacity(lengths.len() + 1), 0);
    sums.push(total);
    for length in lengths {
        total += length;
        sums.push(total);
    }
    sums
}

/// The orders of the last few epochs, computed when first asked for. It cannot change a result.
#[derive(Debug)]
pub(crate) struct OrderCache {
    /// First row of each block, and the total.
    firsts: Arc<[u64]>,
    window: usize,
    kept: Mutex<VecDeque<Kept>>,
    /// What to expect of these orders, and of uniform ones.
    quality: OnceLock<(Quality, Quality)>,
}

/// The seed and the key of what was drawn, and the order.
type Kept = ((u64, u64), Arc<BlockOrder>);

impl OrderCache {
    /// Two epochs' orders are alive at a boundary; one more for readers that lag.
    const KEPT: usize = 3;

    pub(crate) fn new(lengths: impl ExactSizeIterator<Item = u64>, window: usize) -> Self {
        Self {
            firsts: running_total(lengths).into(),
            window,
            kept: Mutex::new(VecDeque::new()),
            quality: OnceLock::new(),
        }
    }

    pub(crate) fn over(blocks: &[Block], window: usize) -> Self {
        Self::new(blocks.iter().map(|block| block.rows.end - block.rows.start), window)
    }

    /// Rows of each block.
    pub(crate) fn lengths(&self) -> Vec<u64> {
        self.firsts.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// How well these orders mix, and how well uniform ones do; worked out when first asked for.
    pub(crate) fn quality(&self) -> (Quality, Quality) {
        *self.quality.get_or_init(|| {
            let lengths = self.lengths();
            let of = |window| Quality::of(&lengths, window);
            (of(self.window), of(usize::MAX))
        })
    }

    /// Share of neighbours from one block, were `window` blocks open at a time.
    pub(crate) fn adjacent(&self, window: usize) -> f64 {
        Quality::adjacent(&self.lengths(), window)
    }

    /// The order under the key (seed, stage name, parts).
    pub(crate) fn get(&self, seed: u64, stage: &str, parts: &[u64]) -> Arc<BlockOrder> {
        let key = (seed, stream(parts));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, order)) = kept.iter().find(|(at, _)| *at == key) {
            return Arc::clone(order);
        }
        let mut rng = Rng::new(seed, stage, key.1);
        let order = Arc::new(BlockOrder::over(&self.firsts, self.window, &mut rng));
        kept.push_back((key, Arc::clone(&order)));
        if kept.len() > Self::KEPT {
            kept.pop_front();
        }
        order
    }
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
}
