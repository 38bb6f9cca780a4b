use super::block_order::BlockOrder;
use super::block_shuffle::{BlockShuffle, OrderCache};
use super::quality::Quality;
use super::{Sampler, row_of};
use crate::dataset::{Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::rng::{Rng, stream};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// The parameters of a [`Shuffle`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShuffleSpec {
    /// Blocks that are open at once, at least 1. Defaults to 16.
    pub window: usize,
}

impl Default for ShuffleSpec {
    fn default() -> Self {
        Self { window: 16 }
    }
}

impl Spec for ShuffleSpec {
    const NAME: &'static str = "shuffle";

    fn check(&self) -> Result<()> {
        match self.window {
            0 => Err(Error::config("window is 0, but at least 1 block is open at once")),
            _ => Ok(()),
        }
    }
}

/// Rows in a random order that differs from epoch to epoch; made by [`shuffle`](crate::DatasetExt::shuffle).
#[derive(Debug)]
pub struct Shuffle<D> {
    inner: D,
    window: usize,
    orders: BlockShuffle,
    recent: Mutex<OrderCache>,
}

impl<D: Dataset> Shuffle<D> {
    /// Default number of blocks that are open at once.
    pub const WINDOW: usize = 16;
    const NAME: &str = ShuffleSpec::NAME;

    pub(crate) fn new(inner: D, window: usize) -> Self {
        let orders = BlockShuffle::over(&inner.blocks(), window);
        Self {
            inner,
            window: window.max(1),
            orders,
            recent: Mutex::default(),
        }
    }

    /// How well this shuffle mixes, and what a uniform one over the same rows would have.
    pub fn quality(&self) -> (Quality, Quality) {
        self.orders.quality()
    }

    fn order(&self, cx: &Context, epoch: u64) -> Arc<BlockOrder> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let rng = || Rng::new(cx.seed(), Self::NAME, stream(&[epoch]));
        Arc::clone(recent.get(&self.orders, cx.seed(), epoch, rng))
    }

    /// The position below of each of `positions`. A dataset without an end has no epochs to shuffle.
    pub(crate) fn below(&self, cx: &Context, positions: &[u64]) -> Vec<u64> {
        let Len::Finite(rows) = self.inner.len() else {
            return positions.to_vec();
        };
        let mut below = positions.to_vec();
        let mut rest = below.as_mut_slice();
        while let Some(&position) = rest.first() {
            // One division for all rows of an epoch: there are few epochs and many rows.
            let epoch = position / rows;
            let first = epoch * rows.get();
            let of_epoch = rest
                .iter()
                .take_while(|&&position| position.wrapping_sub(first) < rows.get())
                .count();
            let (some, others) = rest.split_at_mut(of_epoch);
            some.iter_mut().for_each(|position| *position -= first);
            self.order(cx, epoch).map(some);
            some.iter_mut().for_each(|row| *row += first);
            rest = others;
        }
        below
    }
}

impl<D: Dataset> Shuffle<D> {
    /// What a window of four times as many blocks would cost and gain. It is not chosen by the machine: it decides the order.
    fn wider(&self, bytes: u64, blocks: usize) -> String {
        let window = self.window.saturating_mul(4).min(blocks);
        let kib = (bytes / self.window as u64 * window as u64) >> 10;
        format!(
            "the window decides the order, so no machine chooses it; one of {window} would open about {kib} KiB and have {:.1} % \
             neighbours from one block",
            self.orders.adjacent(window) * 100.0
        )
    }
}

impl<D: Dataset> Dataset for Shuffle<D> {
    forward!(inner: schema, len, blocks);

    fn describe(&self) -> Plan {
        let blocks = self.inner.blocks();
        let window = self.window.min(blocks.len());
        let all: u64 = blocks.iter().map(|block| block.bytes).sum();
        let bytes = all / blocks.len().max(1) as u64 * window as u64;
        let (own, uniform) = self.quality();
        let plan = Plan::of(&ShuffleSpec { window: self.window })
            .random()
            .param("blocks", self.orders.layout())
            .open(bytes);
        let plan = match window < blocks.len() {
            true => plan.note(self.wider(bytes, blocks.len())),
            false => plan,
        };
        let plan = plan
            .note(format!(
                "{window} of {} blocks open at once, about {} KiB",
                blocks.len(),
                bytes >> 10
            ))
            .note(format_args!(
                "neighbours from one block {:.1} % (uniform {:.1} %), serial correlation {:.3} ({:.3})",
                own.adjacent * 100.0,
                uniform.adjacent * 100.0,
                own.serial,
                uniform.serial
            ));
        // Where all blocks are open at once it does not matter how the file is sorted.
        let plan = match window < blocks.len() {
            true => plan.note(format_args!(
                "at worst, in a file sorted by {} classes of one size, the classes of a batch of {} are off by {:.2} (uniform {:.2})",
                Quality::CLASSES,
                Quality::BATCH,
                own.skew,
                uniform.skew
            )),
            false => plan,
        };
        let below = self.inner.describe();
        let plan = match below.holds_proportions() {
            Some(name) => plan.note(format_args!(
                "this shuffle undoes the proportions of the {name} below it in each batch: they hold over an epoch alone"
            )),
            None => plan,
        };
        plan.input(below)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.inner.prepare(cx, &self.below(cx, positions))
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.inner.provenance(cx, self.below(cx, &[position])[0])
    }
}

impl<D: Stable> Sampler for Shuffle<D> {
    type Base = D;

    fn base(&self) -> &D {
        &self.inner
    }

    fn base_rows(&self, cx: &Context, positions: &[u64]) -> Vec<Option<u64>> {
        let row = row_of(&self.inner);
        self.below(cx, positions)
            .into_iter()
            .map(|position| Some(row(position)))
            .collect()
    }

    fn quota_block(&self) -> u64 {
        1
    }
}
