//! What comes at each position of a balanced set: the arithmetic, without the rows.

use super::pool::{Pool, Table};
use super::quota::Cycle;
use super::stairs::Stairs;
use crate::order::BlockOrder;
use crate::rng::{Permutation, Rng, stream};
use crate::synthetic::Draft;
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

/// The name under which everything here is drawn.
pub(super) const NAME: &str = "balance";

/// Which class comes where, and which of its rows.
#[derive(Debug)]
pub(super) struct Deal {
    /// Rows of an epoch.
    pub(super) rows: NonZeroU64,
    /// Positions of a block, whose rows come in random order.
    pub(super) block: u64,
    pub(super) cycle: Cycle,
    /// What comes in place of the cycle where the proportions change over the run.
    pub(super) course: Option<Course>,
    /// Whether every epoch begins a new pass over each class.
    pub(super) fresh: bool,
    pub(super) pools: Vec<Pool>,
    pub(super) table: Table,
    /// Rows of the base, and views of each.
    pub(super) stored: u64,
    pub(super) views: u64,
}

/// Proportions that change over the run. Ranks count over all of it.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) classes: Stairs,
    /// For each class, whether a row of that rank is stored (0) or made (1).
    pub(super) made: Vec<Stairs>,
}

impl Course {
    /// Rows of `class` that come before position `end`, to within a block, and how many of them are synthetic.
    pub(super) fn count(&self, class: usize, end: u64) -> (u64, u64) {
        let rows = self.classes.count(class, end);
        (rows, self.made[class].count(1, rows))
    }
}

/// What comes at a position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pick {
    Stored(Stored),
    Made(Draft),
}

/// A stored row and its turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    /// Position of the base.
    pub(super) position: u64,
    pub(super) class: usize,
    /// How many passes over the class came before, and where in this one it comes.
    pub(super) pass: u64,
    pub(super) at: u64,
}

impl Deal {
    /// The order of pass `pass` over `class` in the run of `seed`.
    pub(super) fn order(&self, seed: u64, class: usize, pass: u64) -> Arc<BlockOrder> {
        self.pools[class].orders.get(seed, NAME, &[1, class as u64, pass])
    }

    /// The position of the base of the row that `order` has at `at` in pass `pass` over `class`.
    pub(super) fn position(&self, order: &BlockOrder, class: usize, pass: u64, at: u64) -> u64 {
        self.row(class, pass, order.get(at))
    }

    /// The position of the base of row `at` of `class` in pass `pass`.
    fn row(&self, class: usize, pass: u64, at: u64) -> u64 {
        pass % self.views * self.stored + self.table.row(&self.pools[class], at)
    }

    /// As [`position`](Self::position), of a range.
    pub(super) fn positions(&self, order: &BlockOrder, class: usize, pass: u64, at: Range<u64>) -> Vec<u64> {
        let mut rows: Vec<u64> = at.collect();
        order.map(&mut rows);
        rows.iter_mut().for_each(|row| *row = self.row(class, pass, *row));
        rows
    }

    /// A picker for the run's `seed`.
    pub(super) fn picker(&self, seed: u64) -> Picker<'_> {
        Picker {
            deal: self,
            seed,
            block: None,
            recent: HashMap::new(),
        }
    }
}

/// Works out one position after another and remembers what neighbours have in common, which cannot change a result.
#[derive(Debug)]
pub(super) struct Picker<'a> {
    deal: &'a Deal,
    seed: u64,
    /// Order of the last block: epoch, first row.
    block: Option<((u64, u64), Permutation)>,
    recent: HashMap<usize, Recent>,
}

/// The last epoch's spread and the last pass's order of a class.
#[derive(Debug, Default)]
struct Recent {
    spread: Option<(u64, Permutation)>,
    order: Option<(u64, Arc<BlockOrder>)>,
}

impl Picker<'_> {
    /// What comes at `position`.
    pub(super) fn pick(&mut self, position: u64) -> Pick {
        let mut pick = self.turn(position);
        if let Pick::Stored(row) = &mut pick {
            row.position = self
                .deal
                .position(self.order(row.class, row.pass), row.class, row.pass, row.at);
        }
        pick
    }

    /// As [`pick`](Self::pick) for each of `positions`, in a fraction of the time.
    pub(super) fn picks(&mut self, positions: &[u64]) -> Vec<Pick> {
        let mut picks: Vec<Pick> = positions.iter().map(|&position| self.turn(position)).collect();
        let mut stored: Vec<&mut Stored> = picks
            .iter_mut()
            .filter_map(|pick| match pick {
                Pick::Stored(row) => Some(row),
                Pick::Made(_) => None,
            })
            .collect();
        stored.sort_by_key(|row| (row.class, row.pass, row.at));
        let deal = self.deal;
        let mut rows = Vec::new();
        for same in stored.chunk_by_mut(|a, b| (a.class, a.pass) == (b.class, b.pass)) {
            let (class, pass) = (same[0].class, same[0].pass);
            rows.clear();
            rows.extend(same.iter().map(|row| row.at));
            // Sorted by class and pass, so that none is asked for twice.
            deal.order(self.seed, class, pass).map(&mut rows);
            for (row, &at) in same.iter_mut().zip(&rows) {
                row.position = deal.row(class, pass, at);
            }
        }
        picks
    }

    /// What comes at `position`: of a stored row its turn, not yet its position.
    fn turn(&mut self, position: u64) -> Pick {
        if let Some(course) = &self.deal.course {
            return self.turn_of(course, position);
        }
        let (epoch, row) = (position / self.deal.rows, position % self.deal.rows);
        let (class, rank) = self.deal.cycle.at(self.shuffled(epoch, row));
        let pool = &self.deal.pools[class];
        let rank = self.spread(epoch, class, rank);
        let stored = pool.quota - pool.synthetic;
        if rank >= stored {
            let (class, index) = (class as u32, epoch * pool.synthetic + (rank - stored));
            return Pick::Made(Draft { class, index });
        }
        let rows = pool.len();
        if self.deal.fresh {
            let passes = stored.div_ceil(rows);
            return Self::stored(class, epoch * passes + rank / rows, rank % rows);
        }
        let drawn = epoch * stored + rank;
        Self::stored(class, drawn / rows, drawn % rows)
    }

    /// As [`turn`](Self::turn), where the proportions change.
    fn turn_of(&mut self, course: &Course, position: u64) -> Pick {
        let (class, rank) = course.classes.at(self.shuffled_of_run(position));
        let rows = self.deal.pools[class].len();
        match course.made[class].at(rank) {
            (0, drawn) => Self::stored(class, drawn / rows, drawn % rows),
            (_, index) => Pick::Made(Draft {
                class: class as u32,
                index,
            }),
        }
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
        let (deal, seed) = (self.deal, self.seed);
        let first = row / deal.block * deal.block;
        let draw = || {
            let mut rng = Rng::new(seed, NAME, stream(&[0, epoch, first]));
            Permutation::new(deal.block.min(deal.rows.get() - first), &mut rng)
        };
        first + remembered(&mut self.block, (epoch, first), draw).get(row - first)
    }

    /// As [`shuffled`](Self::shuffled), in blocks that are aligned to the run, not to its epochs.
    fn shuffled_of_run(&mut self, position: u64) -> u64 {
        let (block, seed) = (self.deal.block, self.seed);
        let first = position / block * block;
        let draw = || Permutation::new(block, &mut Rng::new(seed, NAME, stream(&[3, first])));
        first + remembered(&mut self.block, (0, first), draw).get(position - first)
    }

    /// Mixes synthetic among stored rows over the whole epoch.
    fn spread(&mut self, epoch: u64, class: usize, rank: u64) -> u64 {
        let (pool, seed) = (&self.deal.pools[class], self.seed);
        if pool.synthetic == 0 {
            return rank;
        }
        let draw = || {
            let mut rng = Rng::new(seed, NAME, stream(&[2, epoch, class as u64]));
            Permutation::new(pool.quota, &mut rng)
        };
        let recent = self.recent.entry(class).or_default();
        remembered(&mut recent.spread, epoch, draw).get(rank)
    }

    /// In each pass over a class every row comes once, in an order of its own.
    fn order(&mut self, class: usize, pass: u64) -> &BlockOrder {
        let (deal, seed) = (self.deal, self.seed);
        let recent = self.recent.entry(class).or_default();
        let order: &Arc<BlockOrder> = remembered(&mut recent.order, pass, || deal.order(seed, class, pass));
        order
    }
}

/// What `kept` holds under `key`, which `make` makes if it holds something else.
fn remembered<K: PartialEq, V>(kept: &mut Option<(K, V)>, key: K, make: impl FnOnce() -> V) -> &V {
    let kept = match kept.take() {
        Some(held) if held.0 == key => kept.insert(held),
        _ => kept.insert((key, make())),
    };
    &kept.1
}
