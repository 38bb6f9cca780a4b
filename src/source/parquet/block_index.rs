//! Which block a row is in.

use crate::dataset::Block;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A row of a block: index of the block, row in it.
pub(super) type RowInBlock = (usize, u64);

/// Finds the block of a row by a look into a table of where equal stretches of rows begin, and a search among the blocks of
/// one stretch: in the time of one or two reads of memory where blocks are alike.
#[derive(Debug)]
pub(super) struct BlockIndex {
    /// Rows of a stretch, as a power of two.
    bits: u32,
    /// The block in which each stretch begins.
    first: Vec<u32>,
}

impl BlockIndex {
    pub(super) fn new(blocks: &[Block]) -> Self {
        let rows = blocks.last().map_or(0, |block| block.rows.end);
        // About eight stretches a block, so that few have two: a search among them is a branch that nobody can foresee.
        let bits = (rows / blocks.len().max(1) as u64).max(1).ilog2().saturating_sub(3);
        let mut block = 0;
        let begin = |stretch: u64| {
            while blocks[block].rows.end <= stretch << bits {
                block += 1;
            }
            block as u32
        };
        let first = (0..rows.div_ceil(1 << bits)).map(begin).collect();
        Self { bits, first }
    }

    pub(super) fn find(&self, blocks: &[Block], row: u64) -> usize {
        let stretch = (row >> self.bits) as usize;
        let first = self.first[stretch] as usize;
        let last = self
            .first
            .get(stretch + 1)
            .map_or(blocks.len() - 1, |&block| block as usize);
        first + blocks[first..last].partition_point(|block| block.rows.end <= row)
    }
}

/// The blocks of `at` in the order in which they are first met, and for each row the index of its block among them.
pub(super) fn distinct(at: &[RowInBlock]) -> (Vec<usize>, Vec<usize>) {
    let (mut wanted, mut slots) = (Vec::new(), HashMap::<_, _, Spread>::default());
    let slot = |&(block, _): &RowInBlock| {
        *slots.entry(block).or_insert_with(|| {
            wanted.push(block);
            wanted.len() - 1
        })
    };
    let of_rows = at.iter().map(slot).collect();
    (wanted, of_rows)
}

/// Spreads indices of blocks over a hash table. Nobody chooses them so that they collide.
#[derive(Clone, Default)]
struct Spreading(u64);

type Spread = BuildHasherDefault<Spreading>;

impl Hasher for Spreading {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_usize(byte.into()));
    }

    fn write_usize(&mut self, index: usize) {
        self.0 = (self.0 ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
