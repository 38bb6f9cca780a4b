//! A balance as a dataset: positions in, rows out.

use super::builder::Balance;
use super::fetch::{Begun, Fetch};
use super::pick::Pick;
#[cfg(feature = "train")]
use super::pick::Picked;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::exec::Context;
use crate::order::Sampler;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::rows::ClassEncoded;
use arrow::datatypes::SchemaRef;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

impl<D: Stable> Dataset for Balance<D> {
    fn schema(&self) -> SchemaRef {
        self.base.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.sampler.rows)
    }

    fn blocks(&self) -> Blocks {
        let bytes = self.base.blocks().iter().map(|block| block.bytes).sum();
        Arc::new([Block {
            rows: 0..self.sampler.rows.get(),
            bytes,
        }])
    }

    fn describe(&self) -> Plan {
        self.plan()
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        if let Err(unknown) = self.sampler.check_known(positions) {
            return Prepared::failed(unknown);
        }
        let sorted = Arc::new(self.sampler.picker(cx.seed()).sorted(positions));
        let fetch = Fetch::new(self, cx);
        let (ahead, upcoming) = (fetch.clone(), Arc::clone(&sorted));
        let begun = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&begun);
        let prefetch = move || {
            let begun = ahead.prefetch(&upcoming.stored);
            let before = lock(&slot).replace(begun);
            drop(before);
        };
        Prepared::with_prefetch(prefetch, move |priority| async move {
            let begun = lock(&begun).take();
            fetch.rows(&sorted, begun, priority).await
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        if self.sampler.check_known(&[position]).is_err() {
            // Nobody knows which row will come there.
            return Provenance::default();
        }
        match self.sampler.picker(cx.seed()).pick(position) {
            Pick::Stored(row) => Provenance {
                occurrence: row.pass,
                ..self.base.provenance(cx, row.position)
            },
            Pick::Made(sample) => match &self.filler {
                Some(filler) => filler.generator.provenance(cx, sample),
                None => Provenance::default(),
            },
        }
    }
}

#[cfg(feature = "train")]
impl<D: Stable> Balance<D> {
    /// What comes at each of `positions`.
    pub(crate) fn picked(&self, cx: &Context, positions: &[u64]) -> Vec<Picked> {
        let sorted = self.sampler.picker(cx.seed()).sorted(positions);
        let picked = |&(made, at): &(usize, usize)| match made {
            0 => Picked::Stored(sorted.stored[at].position),
            _ => Picked::Synthetic(sorted.made[at]),
        };
        sorted.picks.iter().map(picked).collect()
    }
}

fn lock(begun: &Mutex<Option<Begun>>) -> MutexGuard<'_, Option<Begun>> {
    begun.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Stable> Sampler for Balance<D> {
    type Base = ClassEncoded<D>;

    fn base(&self) -> &ClassEncoded<D> {
        &self.base
    }

    fn base_rows(&self, cx: &Context, positions: &[u64]) -> Vec<Option<u64>> {
        if self.sampler.check_known(positions).is_err() {
            return vec![None; positions.len()];
        }
        let sorted = self.sampler.picker(cx.seed()).sorted(positions);
        let row = |&(made, at): &(usize, usize)| (made == 0).then(|| sorted.stored[at].position % self.sampler.stored);
        sorted.picks.iter().map(row).collect()
    }

    fn quota_block(&self) -> u64 {
        self.sampler
            .batches
            .as_ref()
            .map_or(self.sampler.block, |batches| batches.pattern.size())
    }
}
