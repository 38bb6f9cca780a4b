//! The rows of each class, all in one table.

use crate::dataset::Blocks;
use crate::order::{BlockShuffle, Quality};
use crate::rows::Labels;
use std::cmp::Reverse;
use std::ops::Range;

/// The rows of one class.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    /// Its part of the table.
    range: Range<usize>,
    pub(super) orders: BlockShuffle,
    /// Blocks that it has rows in, and rows of its largest window.
    pub(super) blocks: u64,
    pub(super) widest: u64,
    /// Rows of the class in an epoch, and how many of them are synthetic.
    pub(super) quota: u64,
    pub(super) synthetic: u64,
}

impl Pool {
    /// Stored rows.
    pub(super) fn len(&self) -> u64 {
        self.range.len() as u64
    }

    /// How well a pass over the class mixes, and a uniform one.
    pub(super) fn quality(&self) -> (Quality, Quality) {
        self.orders.quality()
    }
}

/// The rows of all classes, one class after the other, each in the order of the base: four bytes a row, or eight where
/// there are more than 2^32 rows.
#[derive(Clone, Debug)]
pub(super) enum Table {
    U32(Vec<u32>),
    U64(Vec<u64>),
}

impl Table {
    fn new(rows: u64) -> Self {
        match u32::try_from(rows) {
            Ok(_) => Self::U32(vec![0; rows as usize]),
            Err(_) => Self::U64(vec![0; rows as usize]),
        }
    }

    fn set(&mut self, at: usize, row: u64) {
        match self {
            Self::U32(rows) => rows[at] = row as u32,
            Self::U64(rows) => rows[at] = row,
        }
    }

    fn get(&self, at: usize) -> u64 {
        match self {
            Self::U32(rows) => rows[at].into(),
            Self::U64(rows) => rows[at],
        }
    }

    /// The row at `at` in `pool`.
    pub(super) fn row(&self, pool: &Pool, at: u64) -> u64 {
        self.get(pool.range.start + at as usize)
    }

    /// The rows of `pool`, ascending.
    pub(super) fn rows(&self, pool: &Pool) -> impl Iterator<Item = u64> + '_ {
        pool.range.clone().map(|at| self.get(at))
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::U32(rows) => 4 * rows.len() as u64,
            Self::U64(rows) => 8 * rows.len() as u64,
        }
    }
}

/// The rows of each class, in the order and the blocks of the base. Of several views the first alone counts.
pub(super) fn pools(labels: &Labels, blocks: &Blocks, window: usize) -> (Vec<Pool>, Table) {
    let (stored, mut end) = (labels.len(), 0);
    let range = |rows: u64| {
        end += rows as usize;
        end - rows as usize..end
    };
    let ranges: Vec<Range<usize>> = labels.counts().into_iter().map(range).collect();
    // Where the next row of each class goes, and where the first one of this block went.
    let mut next: Vec<usize> = ranges.iter().map(|range| range.start).collect();
    let mut first = next.clone();
    let (mut table, mut met) = (Table::new(stored), Vec::new());
    let mut lengths = vec![Vec::new(); ranges.len()];
    for block in blocks.iter().take_while(|block| block.rows.start < stored) {
        for row in block.rows.start..block.rows.end.min(stored) {
            let class = labels.class(row) as usize;
            if next[class] == first[class] {
                met.push(class);
            }
            table.set(next[class], row);
            next[class] += 1;
        }
        for class in met.drain(..) {
            lengths[class].push((next[class] - first[class]) as u64);
            first[class] = next[class];
        }
    }
    let pool = |(range, mut lengths): (Range<usize>, Vec<u64>)| {
        let (blocks, orders) = (lengths.len() as u64, BlockShuffle::new(lengths.iter().copied(), window));
        lengths.sort_unstable_by_key(|&rows| Reverse(rows));
        Pool {
            range,
            orders,
            blocks,
            widest: lengths.iter().take(window).sum(),
            quota: 0,
            synthetic: 0,
        }
    };
    (ranges.into_iter().zip(lengths).map(pool).collect(), table)
}
