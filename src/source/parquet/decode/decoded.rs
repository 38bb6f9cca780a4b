//! A decoded block.

use crate::columns::held_bytes;
use arrow::array::RecordBatch;
use std::sync::Arc;

/// The rows of one block.
#[derive(Debug)]
pub(in crate::source::parquet) struct Decoded {
    /// The rows in order, in batches without gaps.
    pub(in crate::source::parquet) batches: Vec<RecordBatch>,
    /// The first row of each batch.
    starts: Vec<usize>,
    /// Which rows of the block there are, ascending, where they are not all.
    picked: Option<Arc<[u64]>>,
    /// Bytes that the batches keep alive.
    pub(in crate::source::parquet) bytes: u64,
}

impl Decoded {
    /// The rows of `batches`, all of a block or those that were `picked`.
    pub(super) fn new(batches: Vec<RecordBatch>, picked: Option<Arc<[u64]>>) -> Self {
        let mut rows = 0;
        let start = |batch: &RecordBatch| {
            rows += batch.num_rows();
            rows - batch.num_rows()
        };
        Self {
            starts: batches.iter().map(start).collect(),
            bytes: held_bytes(&batches),
            picked,
            batches,
        }
    }

    /// Batch and row in it of the block's row `row`.
    pub(in crate::source::parquet) fn locate(&self, row: u64) -> (usize, usize) {
        let row = match &self.picked {
            None => row as usize,
            Some(picked) => picked.partition_point(|&other| other < row),
        };
        match self.starts.as_slice() {
            [_] => (0, row),
            starts => {
                let batch = starts.partition_point(|&start| start <= row) - 1;
                (batch, row - starts[batch])
            }
        }
    }
}
