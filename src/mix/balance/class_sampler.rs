//! Which class, and which of its rows, comes at each position of a balanced dataset: arithmetic, without the rows.

use super::batch_quotas::BatchQuotas;
use super::pick::{Pick, Stored};
use super::pool::{Pool, Table};
use super::scheduled_shares::ScheduledShares;
use super::sorted::Sorted;
use crate::error::Result;
use crate::mix::cycle::Cycle;
use crate::mix::feedback::{Epoch, FeedbackShares};
use crate::order::{BlockOrder, OrderCache};
use crate::rng::{Permutation, Rng, stream};
use crate::synthetic::SampleId;
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The name under which everything here is drawn.
pub(super) const NAME: &str = "balance";

/// Draws a class for each position in exact proportions, and then one of its rows, each once in a pass over the class.
#[derive(Debug)]
pub(super) struct ClassSampler {
    /// Rows of an epoch.
    pub(super) rows: NonZeroU64,
    /// Positions of a block, whose rows come in random order.
    pub(super) block: u64,
    /// The classes' slots, repeated over the epoch.
    pub(super) cycle: Cycle,
    /// Used in place of the cycle where the proportions change over the run.
    pub(super) scheduled: Option<ScheduledShares>,
    /// Used in place of the cycle where every batch has exact quotas.
    pub(super) batches: Option<Arc<BatchQuotas>>,
    /// Used in place of the cycle where shares follow from reports.
    pub(super) feedback: Option<Arc<FeedbackShares>>,
    /// Whether every epoch begins a new pass over each class.
    pub(super) fresh: bool,
    pub(super) pools: Vec<Pool>,
    /// The last orders of each class. All under one lock: a batch asks for as many of them as it has rows.
    pub(super) recent: Mutex<Vec<OrderCache>>,
    pub(super) table: Table,
    /// Rows of the base, and views of each.
    pub(super) stored: u64,
    pub(super) views: u64,
}

/// A copy has no orders yet: they are worked out again.
impl Clone for ClassSampler {
    fn clone(&self) -> Self {
        let recent = (0..self.pools.len()).map(|_| OrderCache::default()).collect();
        Self {
            cycle: self.cycle.clone(),
            scheduled: self.scheduled.clone(),
            batches: self.batches.clone(),
            feedback: self.feedback.clone(),
            pools: self.pools.clone(),
            recent: Mutex::new(recent),
            table: self.table.clone(),
            ..*self
        }
    }
}

impl ClassSampler {
    /// Rows of `class` in epoch `epoch`, and how many of them are synthetic.
    pub(super) fn given(&self, class: usize, epoch: u64) -> (u64, u64) {
        let Some(scheduled) = &self.scheduled else {
            let pool = &self.pools[class];
            return (pool.quota, pool.synthetic);
        };
        let start = |epoch: u64| epoch.saturating_mul(self.rows.get());
        scheduled.given(class, start(epoch)..start(epoch + 1))
    }

    /// Refuses positions of an epoch whose shares are not known yet.
    pub(super) fn check_known(&self, positions: &[u64]) -> Result<()> {
        let Some((shares, &last)) = self.feedback.as_ref().zip(positions.iter().max()) else {
            return Ok(());
        };
        let epoch = last / self.rows;
        match shares.feedback.knows(epoch) {
            true => Ok(()),
            false => Err(shares.feedback.unknown(epoch)),
        }
    }

    /// Stored rows of `class` that epoch `epoch` draws.
    fn drawn(&self, class: usize, epoch: u64) -> u64 {
        let (quota, synthetic) = self.given(class, epoch);
        quota - synthetic
    }

    /// Stored rows of each class that an epoch draws, at most: in the first epoch, or once all schedules have settled.
    pub(super) fn most_drawn(&self) -> Vec<u64> {
        let scheduled = self.scheduled.as_ref();
        let settled = scheduled.map_or(0, |scheduled| scheduled.classes.settles() / self.rows + 1);
        let most = |class| match &self.feedback {
            Some(shares) => shares.most(class),
            None => self.drawn(class, 0).max(self.drawn(class, settled)),
        };
        (0..self.pools.len()).map(most).collect()
    }

    /// The order of pass `pass` over `class` in the run of `seed`.
    pub(super) fn order(&self, seed: u64, class: usize, pass: u64) -> Arc<BlockOrder> {
        Arc::clone(self.order_in(&mut self.recent(), seed, class, pass))
    }

    fn recent(&self) -> MutexGuard<'_, Vec<OrderCache>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order_in<'a>(&self, recent: &'a mut [OrderCache], seed: u64, class: usize, pass: u64) -> &'a Arc<BlockOrder> {
        let rng = || Rng::new(seed, NAME, stream(&[1, class as u64, pass]));
        recent[class].get(&self.pools[class].orders, seed, pass, rng)
    }

    /// The position of the base of row `at` of `class` in pass `pass`.
    fn row(&self, class: usize, pass: u64, at: u64) -> u64 {
        pass % self.views * self.stored + self.table.row(&self.pools[class], at)
    }

    /// The positions of the base of the rows that `order` has at `at` in pass `pass` over `class`.
    pub(super) fn positions(&self, order: &BlockOrder, class: usize, pass: u64, at: Range<u64>) -> Vec<u64> {
        let mut rows: Vec<u64> = at.collect();
        order.map(&mut rows);
        rows.iter_mut().for_each(|row| *row = self.row(class, pass, *row));
        rows
    }

    /// A picker for the run's `seed`.
    pub(super) fn picker(&self, seed: u64) -> Picker<'_> {
        Picker {
            sampler: self,
            seed,
            block: None,
            spreads: HashMap::new(),
            epoch: None,
        }
    }
}

/// Works out one position after another and remembers what neighbours have in common, which cannot change a result.
#[derive(Debug)]
pub(super) struct Picker<'a> {
    sampler: &'a ClassSampler,
    seed: u64,
    /// Order of the last block: epoch, first row.
    block: Option<((u64, u64), Permutation)>,
    /// The last epoch's spread of each class.
    spreads: HashMap<usize, Option<(u64, Permutation)>>,
    /// The last epoch whose shares follow from reports.
    epoch: Option<Arc<Epoch>>,
}

impl Picker<'_> {
    /// What comes at `position`.
    pub(super) fn pick(&mut self, position: u64) -> Pick {
        let mut pick = self.turn(position);
        if let Pick::Stored(row) = &mut pick {
            let order = self.sampler.order(self.seed, row.class, row.pass);
            row.position = self.sampler.row(row.class, row.pass, order.get(row.at));
        }
        pick
    }

    /// What comes at each of `positions`, in a fraction of the time.
    pub(super) fn sorted(&mut self, positions: &[u64]) -> Sorted {
        let mut sorted = Sorted::with_capacity(positions.len());
        for &position in positions {
            sorted.add(self.turn(position));
        }
        self.place(&mut sorted.stored);
        sorted
    }

    /// The positions of `rows`, whose turns are known.
    fn place(&self, rows: &mut [Stored]) {
        // Class by class and pass by pass, so that no order is asked for twice; a class and an index are sorted faster than rows.
        let key = |(row, index): (&Stored, u64)| ((row.class as u64) << 32) | index;
        let mut keys: Vec<u64> = rows.iter().zip(0..).map(key).collect();
        keys.sort_unstable();
        let (mut recent, mut at) = (self.sampler.recent(), Vec::new());
        for of_class in keys.chunk_by_mut(|a, b| a >> 32 == b >> 32) {
            let turn = |&key: &u64| (rows[index(key)].pass, rows[index(key)].at);
            if !self.is_in_turn(of_class.iter().map(turn)) {
                of_class.sort_unstable_by_key(turn);
            }
            let (class, mut rest) = ((of_class[0] >> 32) as usize, &*of_class);
            while let Some(&first) = rest.first() {
                let pass = rows[index(first)].pass;
                let of_rest = rest.iter().map(|&key| &rows[index(key)]);
                at.clear();
                at.extend(of_rest.take_while(|row| row.pass == pass).map(|row| row.at));
                let (same, others) = rest.split_at(at.len());
                self.sampler.order_in(&mut recent, self.seed, class, pass).map(&mut at);
                for (&key, &at) in same.iter().zip(&at) {
                    rows[index(key)].position = self.sampler.row(class, pass, at);
                }
                rest = others;
            }
        }
    }

    /// Whether `turns`, each a pass and a place in it, come one after the other, but for the rows of a block, which come in random
    /// order: nearly all do, where synthetic rows are not spread among them.
    fn is_in_turn(&self, mut turns: impl Iterator<Item = (u64, u64)>) -> bool {
        let mut last = (0, 0);
        turns.all(|turn| {
            last = last.max(turn);
            turn.0 == last.0 && turn.1.saturating_add(self.sampler.block) > last.1
        })
    }

    /// What comes at `position`: of a stored row its turn, not yet its position.
    fn turn(&mut self, position: u64) -> Pick {
        if let Some(scheduled) = &self.sampler.scheduled {
            return self.turn_of(scheduled, position);
        }
        if let Some(batches) = &self.sampler.batches {
            let turn = batches.at(position);
            let rows = self.sampler.pools[turn.class].len();
            return match turn.is_synthetic {
                true => Self::made(turn.class, turn.rank),
                false => Self::stored(turn.class, turn.rank / rows, turn.rank % rows),
            };
        }
        if let Some(epoch) = self.reported(position / self.sampler.rows) {
            return self.turn_in(&epoch, position % self.sampler.rows);
        }
        let (epoch, row) = (position / self.sampler.rows, position % self.sampler.rows);
        let (class, rank) = self.sampler.cycle.at(self.shuffled(epoch, row));
        let pool = &self.sampler.pools[class];
        let rank = self.spread(epoch, class, rank, (pool.quota, pool.synthetic));
        let stored = pool.quota - pool.synthetic;
        if rank >= stored {
            return Self::made(class, epoch * pool.synthetic + (rank - stored));
        }
        let rows = pool.len();
        if self.sampler.fresh {
            let passes = stored.div_ceil(rows);
            return Self::stored(class, epoch * passes + rank / rows, rank % rows);
        }
        let drawn = epoch * stored + rank;
        Self::stored(class, drawn / rows, drawn % rows)
    }

    /// The epoch `epoch`, where shares follow from reports and its own are known.
    fn reported(&mut self, epoch: u64) -> Option<Arc<Epoch>> {
        let shares = self.sampler.feedback.as_ref()?;
        if self.epoch.as_ref().is_none_or(|known| known.epoch != epoch) {
            self.epoch = shares.epoch(epoch);
        }
        self.epoch.clone()
    }

    /// As [`turn`](Self::turn), of row `row` of an epoch whose shares follow from reports.
    fn turn_in(&mut self, epoch: &Epoch, row: u64) -> Pick {
        let (class, rank) = epoch.cycle.at(self.shuffled(epoch.epoch, row));
        let ((quota, synthetic), (drawn, made)) = (epoch.quotas[class], epoch.before[class]);
        let rank = self.spread(epoch.epoch, class, rank, (quota, synthetic));
        match rank.checked_sub(quota - synthetic) {
            Some(index) => Self::made(class, made + index),
            None => {
                let (drawn, rows) = (drawn + rank, self.sampler.pools[class].len());
                Self::stored(class, drawn / rows, drawn % rows)
            }
        }
    }

    /// As [`turn`](Self::turn), where the proportions change.
    fn turn_of(&mut self, scheduled: &ScheduledShares, position: u64) -> Pick {
        let (class, rank) = scheduled.classes.at(self.shuffled_of_run(position));
        let rows = self.sampler.pools[class].len();
        match scheduled.made[class].at(rank) {
            (0, drawn) => Self::stored(class, drawn / rows, drawn % rows),
            (_, index) => Self::made(class, index),
        }
    }

    /// The `index`-th synthetic row of a class.
    fn made(class: usize, index: u64) -> Pick {
        let class = class as u32;
        Pick::Made(SampleId { class, index })
    }

    /// The turn of the row that comes at `at` in a pass over a class.
    fn stored(class: usize, pass: u64, at: u64) -> Pick {
        Pick::Stored(Stored {
            position: 0,
            class,
            pass,
            at,
        })
    }

    /// Rows of a block come in random order.
    fn shuffled(&mut self, epoch: u64, row: u64) -> u64 {
        let (sampler, seed) = (self.sampler, self.seed);
        let first = row / sampler.block * sampler.block;
        let draw = || {
            let mut rng = Rng::new(seed, NAME, stream(&[0, epoch, first]));
            Permutation::new(sampler.block.min(sampler.rows.get() - first), &mut rng)
        };
        first + remembered(&mut self.block, (epoch, first), draw).get(row - first)
    }

    /// As [`shuffled`](Self::shuffled), in blocks that are aligned to the run, not to its epochs.
    fn shuffled_of_run(&mut self, position: u64) -> u64 {
        let (block, seed) = (self.sampler.block, self.seed);
        let first = position / block * block;
        let draw = || Permutation::new(block, &mut Rng::new(seed, NAME, stream(&[3, first])));
        first + remembered(&mut self.block, (0, first), draw).get(position - first)
    }

    /// Mixes synthetic among stored rows over the whole epoch, in which the class has `quota` rows.
    fn spread(&mut self, epoch: u64, class: usize, rank: u64, (quota, synthetic): (u64, u64)) -> u64 {
        let seed = self.seed;
        if synthetic == 0 {
            return rank;
        }
        let draw = || {
            let mut rng = Rng::new(seed, NAME, stream(&[2, epoch, class as u64]));
            Permutation::new(quota, &mut rng)
        };
        remembered(self.spreads.entry(class).or_default(), epoch, draw).get(rank)
    }
}

/// The index in a key that was sorted.
fn index(key: u64) -> usize {
    key as u32 as usize
}

/// What `kept` holds under `key`, which `make` makes if it holds something else.
fn remembered<K: PartialEq, V>(kept: &mut Option<(K, V)>, key: K, make: impl FnOnce() -> V) -> &V {
    let kept = match kept.take() {
        Some(held) if held.0 == key => kept.insert(held),
        _ => kept.insert((key, make())),
    };
    &kept.1
}
