//! The orders of a run, epoch after epoch, over one list of blocks.

use super::block_order::{BlockOrder, running_total};
use super::quality::Quality;
use crate::dataset::Block;
use crate::rng::Rng;
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::xxh3_64;

/// A shuffle of blocks, and of the rows in each window of blocks: every epoch draws a [`BlockOrder`] of it.
#[derive(Clone, Debug)]
pub(crate) struct BlockShuffle {
    /// First row of each block, and the total.
    firsts: Arc<[u64]>,
    window: usize,
    /// What to expect of these orders, and of uniform ones.
    quality: OnceLock<(Quality, Quality)>,
}

impl BlockShuffle {
    pub(crate) fn new(lengths: impl ExactSizeIterator<Item = u64>, window: usize) -> Self {
        Self {
            firsts: running_total(lengths).into(),
            window,
            quality: OnceLock::new(),
        }
    }

    pub(crate) fn over(blocks: &[Block], window: usize) -> Self {
        Self::new(blocks.iter().map(|block| block.rows.end - block.rows.start), window)
    }

    /// The order that `rng` draws.
    fn order(&self, rng: &mut Rng) -> BlockOrder {
        BlockOrder::over(&self.firsts, self.window, rng)
    }

    /// How many blocks there are, and a hash of where each ends: what of the dataset below decides these orders, for plans.
    pub(crate) fn layout(&self) -> String {
        let bytes: Vec<u8> = self.firsts.iter().flat_map(|first| first.to_le_bytes()).collect();
        format!("{} ({:016x})", self.firsts.len() - 1, xxh3_64(&bytes))
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
}

/// The orders of the last few epochs, each drawn when it is first asked for. An order depends on its seed and turn only, so
/// the cache cannot change a result.
#[derive(Debug, Default)]
pub(crate) struct OrderCache([Option<Entry>; Self::ENTRIES]);

/// The seed and the turn of an order, and the order.
type Entry = ((u64, u64), Arc<BlockOrder>);

impl OrderCache {
    /// Two epochs' orders are alive at a boundary; one more for readers that lag.
    const ENTRIES: usize = 3;

    /// The order of `shuffle` in turn `turn` (an epoch, or a pass over a class) of the run of `seed`. Where it has to be drawn,
    /// `rng` gives the generator.
    pub(crate) fn get(
        &mut self,
        shuffle: &BlockShuffle,
        seed: u64,
        turn: u64,
        rng: impl FnOnce() -> Rng,
    ) -> &Arc<BlockOrder> {
        let key = (seed, turn);
        let known = self
            .0
            .iter()
            .position(|entry| entry.as_ref().is_some_and(|(at, _)| *at == key));
        let at = known.unwrap_or_else(|| {
            // The newest are the first.
            self.0.rotate_right(1);
            self.0[0] = None;
            0
        });
        let draw = || Arc::new(shuffle.order(&mut rng()));
        &self.0[at].get_or_insert_with(|| (key, draw())).1
    }
}
