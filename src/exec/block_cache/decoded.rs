//! A decoded block.

use arrow::array::RecordBatch;
use std::sync::Arc;

/// The rows of one block.
#[derive(Debug)]
pub(crate) struct DecodedBlock {
    /// The rows in order, in batches without gaps.
    pub(crate) batches: Vec<RecordBatch>,
    /// The first row of each batch.
    starts: Vec<usize>,
    /// Which rows of the block there are, ascending, where they are not all.
    picked: Option<Arc<[u64]>>,
    /// Bytes that the batches keep alive.
    pub(crate) bytes: u64,
}

impl DecodedBlock {
    /// The rows of `batches`, all of a block or those that were `picked`, which keep `bytes` alive.
    pub(crate) fn new(batches: Vec<RecordBatch>, picked: Option<Arc<[u64]>>, bytes: u64) -> Self {
        let mut rows = 0;
        let start = |batch: &RecordBatch| {
            rows += batch.num_rows();
            rows - batch.num_rows()
        };
        Self {
            starts: batches.iter().map(start).collect(),
            bytes,
            picked,
            batches,
        }
    }

    /// Batch and row in it of the block's row `row`.
    pub(crate) fn locate(&self, row: u64) -> (usize, usize) {
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
