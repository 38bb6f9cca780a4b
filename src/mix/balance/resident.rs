//! Rows in memory before their turn comes.

use super::class_sampler::ClassSampler;
use super::read_ahead::ReadAhead;
use super::read_plan::{DataLayout, ReadPlan};
use crate::columns::compact;
use crate::dataset::{Dataset, Stable};
use crate::error::{ErrorKind, Result};
use crate::exec::Context;
use crate::exec::reservation::Reservation;
use crate::rows::ClassEncoded;
use crate::rows::scan_cache::cached;
use arrow::array::RecordBatch;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Rows that are in memory before their turn comes, because in random order each would cost a block.
#[derive(Debug)]
pub(super) struct ResidentRows<D> {
    /// The rows of rare classes, which stay, and their positions, ascending.
    pub(super) rows: Option<RecordBatch>,
    positions: Vec<u64>,
    /// Those of other classes come and go.
    pub(super) ahead: Option<ReadAhead<D>>,
    /// The bytes of both.
    _reserved: [Reservation; 2],
}

impl<D: Stable> ResidentRows<D> {
    /// Divides what is left of the context's budget among the classes, and reads the rows that are held. If one of them is
    /// damaged, none is held, so that it fails at its own position. `row_bytes` is what a row takes in memory.
    pub(super) async fn read(
        cx: &Context,
        base: &Arc<ClassEncoded<D>>,
        sampler: &ClassSampler,
        layout: DataLayout,
        row_bytes: u64,
    ) -> Result<Self> {
        // What other balances have is theirs.
        let (mut rows, mut blocks) = (cx.reserve_rows(), cx.borrow_blocks());
        let layout = DataLayout {
            held: rows.bytes(),
            cache: 2 * blocks.bytes(),
            ..layout
        };
        let reads = ReadPlan::new(sampler, layout);
        if reads.budget.is_none() {
            rows.shrink(reads.held_bytes);
            blocks.shrink(0);
        }
        cx.trim_cache();
        let of_class = |&class: &usize| sampler.table.rows(&sampler.pools[class]);
        let mut positions: Vec<u64> = reads.held.iter().flat_map(of_class).collect();
        positions.sort_unstable();
        let ahead = !reads.budget.is_none();
        let mut held = Self {
            rows: None,
            positions: Vec::new(),
            ahead: ahead.then(|| ReadAhead::new(base, reads.budget, row_bytes)),
            _reserved: [rows, blocks],
        };
        if positions.is_empty() {
            return Ok(held);
        }
        let what: Vec<u8> = positions.iter().flat_map(|row| row.to_le_bytes()).collect();
        let what = format!("rows {:032x}", xxh3_128(&what));
        let taken = async { compact(&base.take(cx, &positions).await?, cx.buffers()) };
        match cached(cx, base, &what, base.schema(), taken).await {
            Ok(taken) => (held.rows, held.positions) = (Some(taken), positions),
            Err(error) if error.kind() == ErrorKind::Io => return Err(error.unplaced()),
            Err(_) => {}
        }
        Ok(held)
    }

    /// Where the row at `position` is in `rows`.
    pub(super) fn find(&self, position: u64) -> Option<usize> {
        self.positions.binary_search(&position).ok()
    }
}
