use super::fetcher::Fetcher;
use super::on_error::Replaced;
use super::provenance;
use crate::cursor::Cursor;
use crate::dataset::Provenance;
use crate::error::Result;
use arrow::array::RecordBatch;
use std::sync::Arc;

/// Some rows, and what is known about them.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(super) rows: RecordBatch,
    pub(super) positions: Vec<u64>,
    pub(super) replaced: Vec<Replaced>,
    pub(super) cursor: Cursor,
    pub(super) fetcher: Arc<Fetcher>,
}

impl Batch {
    /// The rows.
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there are no rows: for some ranks, where an epoch's last global batch has fewer rows than there are ranks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position of each row.
    pub fn positions(&self) -> &[u64] {
        &self.positions
    }

    /// The rows that could not be made, and the positions of those that came in their place.
    pub fn replaced(&self) -> &[Replaced] {
        &self.replaced
    }

    /// Where the next batch starts: what to save with a checkpoint that was made after this batch.
    pub fn cursor(&self) -> Cursor {
        self.cursor.clone()
    }

    /// Where each row comes from; for a row that was replaced, where the other one does.
    pub fn provenance(&self) -> Vec<Provenance> {
        let trace = |&position: &u64| {
            let replaced = self.replaced.iter().find(|replaced| replaced.position == position);
            let position = replaced.map_or(position, |replaced| replaced.by);
            self.fetcher.dataset.provenance(&self.fetcher.cx, position)
        };
        self.positions.iter().map(trace).collect()
    }

    /// Where each row comes from, as a table: `position`, `class`, `origin` (real, augmented, synthetic), `generator`,
    /// `occurrence`, `sources` (the stored rows, as `file#row group#row`), `seed`.
    ///
    /// # Errors
    ///
    /// None that are known; Arrow checks the columns.
    pub fn provenance_table(&self) -> Result<RecordBatch> {
        provenance::table(&self.positions, &self.provenance(), self.fetcher.cx.seed())
    }
}
