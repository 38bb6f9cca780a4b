//! What generators that start from stored rows have in common: the class pools and their rows.

use crate::dataset::{Dataset, Origin, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rng::Rng;
use crate::rows::{ClassEncoded, Labels};
use crate::synthetic::SampleId;
use arrow::array::{ArrayRef, RecordBatch};
use std::sync::Arc;

/// Rows that are read together where all of a class are read.
pub(in crate::synthetic) const ROWS_AT_A_TIME: usize = 4096;

/// Training rows by class, from which parents are drawn.
#[derive(Debug)]
pub(in crate::synthetic) struct Parents {
    pub(in crate::synthetic) base: ClassEncoded<Arc<dyn Stable>>,
    /// Rows of each class, ascending.
    pub(in crate::synthetic) pools: Vec<Vec<u64>>,
}

impl Parents {
    pub(in crate::synthetic) fn new(base: Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Self> {
        // At once: a pool that grows takes up to twice as much, and more while it moves.
        let room = |rows: u64| Vec::with_capacity(rows as usize);
        let mut pools: Vec<Vec<u64>> = labels.counts().into_iter().map(room).collect();
        for (row, class) in (0..).zip(labels.iter()) {
            pools[class as usize].push(row);
        }
        Ok(Self {
            base: ClassEncoded::new(base, labels.into())?,
            pools,
        })
    }

    /// Bytes of the pools.
    pub(in crate::synthetic) fn bytes(&self) -> u64 {
        let of = |pool: &Vec<u64>| size_of_val(pool) + size_of_val(&**pool);
        self.pools.iter().map(of).sum::<usize>() as u64
    }

    /// The pool of `class`; empty for a class that there is not.
    pub(in crate::synthetic) fn of(&self, class: u32) -> &[u64] {
        self.pools.get(class as usize).map_or(&[], Vec::as_slice)
    }

    /// The class of a row.
    pub(in crate::synthetic) fn class(&self, row: u64) -> Option<u32> {
        Some(self.base.labels().single().ok()?.class(row))
    }

    /// The position of `row` in one of its views, drawn where there are several.
    pub(in crate::synthetic) fn any_view(&self, rng: &mut Rng, row: u64) -> u64 {
        rng.below(self.base.views()) * self.base.labels().len() + row
    }

    /// `error` with the stored place of what lies at `position`.
    pub(in crate::synthetic) fn placed(&self, cx: &Context, position: u64, error: Error) -> Error {
        match self.base.provenance(cx, position).places.into_iter().next() {
            Some(stored) => error.context(stored.to_string()),
            None => error,
        }
    }

    /// Two batches: the first and the second parent of each draft.
    pub(in crate::synthetic) async fn take(&self, cx: &Context, pairs: &[[u64; 2]]) -> Result<[RecordBatch; 2]> {
        let first: Vec<u64> = pairs.iter().map(|pair| pair[0]).collect();
        let second: Vec<u64> = pairs.iter().map(|pair| pair[1]).collect();
        Ok([self.base.take(cx, &first).await?, self.base.take(cx, &second).await?])
    }

    /// `rows` with another value in column `at`.
    pub(in crate::synthetic) fn with_column(rows: &RecordBatch, at: usize, column: ArrayRef) -> Result<RecordBatch> {
        let mut columns = rows.columns().to_vec();
        columns[at] = column;
        Ok(RecordBatch::try_new(rows.schema(), columns)?)
    }

    pub(in crate::synthetic) fn provenance(
        &self,
        cx: &Context,
        sample: SampleId,
        parents: &[u64],
        generator: &str,
    ) -> Provenance {
        let places = parents
            .iter()
            .flat_map(|&parent| self.base.provenance(cx, parent).places)
            .collect();
        Provenance {
            places,
            class: Some(sample.class),
            label_shares: Vec::new(),
            origin: Origin::Synthetic,
            generator: Some(generator.into()),
            occurrence: 0,
        }
    }
}
