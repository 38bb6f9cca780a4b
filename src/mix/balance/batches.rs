//! A balance with exact parts of every batch.

use super::batch_quotas::{BatchPart, BatchQuotas, BatchSpec};
use super::builder::{Balance, Filler};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::mix::schedule::Schedule;
use crate::mix::target::Target;
use crate::synthetic::Generator;
use std::sync::Arc;

impl<D: Stable> Balance<D> {
    /// Gives every batch of `size` rows exact numbers of rows by class and origin: half positive, a quarter negative, a quarter made by
    /// `generator`:
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
    /// # use arrow::datatypes::Float32Type;
    /// use millstream::dataset::Origin;
    /// use millstream::mix::{BatchPart, Target};
    /// # use millstream::rows::Labels;
    /// # use millstream::source::Memory;
    /// # use millstream::synthetic::{Smote, SmoteSpec};
    /// # use millstream::{Context, DatasetExt, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// # let cx = Context::new()?;
    /// # let x = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>((0..100).map(|x| Some(vec![Some(x as f32)])), 1);
    /// # let label = StringArray::from_iter_values((0..100).map(|row| if row % 10 == 0 { "positive" } else { "negative" }));
    /// # let columns: [(&str, ArrayRef); 2] = [("x", Arc::new(x)), ("label", Arc::new(label))];
    /// # let rows = Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns)?])?);
    /// # let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label"))?);
    /// # let smote = Arc::new(cx.block_on(Smote::fit(&cx, rows.clone(), &labels, SmoteSpec::new("x")))?);
    /// let balanced = cx.block_on(rows.balance(&cx, "label", Target::Uniform))?;
    /// let parts = [BatchPart::of("positive", 0.5), BatchPart::of("negative", 0.25), BatchPart::others(0.25).synthetic()];
    /// let balanced = balanced.batches(64, &parts, Some(smote))?;
    /// let batch = balanced.loader(&cx).batch_size(64).blocking()?.next().unwrap()?;
    /// let synthetic = batch.provenance().iter().filter(|row| row.origin == Origin::Synthetic).count();
    /// assert_eq!((batch.len(), synthetic), (64, 16));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What the parts mean is said at [`BatchSpec`]. The loader's batches have to be of that size, or of a multiple of it, which it checks. An epoch is
    /// rounded up to whole batches. Passes over a class go on over the ends of epochs, and the numbers are the same after a resume at any row.
    ///
    /// # Errors
    ///
    /// As [`BatchSpec::check`]; `Config` for a class that there is not, or that has no rows of that origin, for synthetic rows without a generator, or
    /// with one of classes in a balance by cells, and beside a schedule, a [`cap`](Self::cap), a repeat factor or synthetic rows by [`fill`](Self::fill).
    pub fn batches(self, size: u64, parts: &[BatchPart], generator: Option<Arc<dyn Generator>>) -> Result<Self> {
        let spec = BatchSpec {
            size,
            parts: parts.to_vec(),
        };
        self.with_batches(spec, generator)
            .map_err(|error| error.context("batch"))
    }

    fn with_batches(mut self, spec: BatchSpec, generator: Option<Arc<dyn Generator>>) -> Result<Self> {
        if matches!(self.target, Target::RepeatFactor(_)) {
            return Err(Error::config(
                "a repeat factor says how often each row comes, so that batches cannot be of fixed parts",
            ));
        }
        if let Some(generator) = &generator {
            self.check_generator(&**generator)?;
        }
        if self.filler.is_some() {
            return Err(Error::config(
                "the parts of a batch say how many of its rows are synthetic: leave the share of `fill` out",
            ));
        }
        let labels = Arc::clone(self.labels());
        let classes = (&labels.counts()[..], labels.names(), &self.shares[..]);
        self.batch = Some(BatchQuotas::new(spec, classes, generator.as_deref())?);
        self.filler = generator.map(|generator| Filler {
            generator,
            share: Schedule::constant(0.0),
        });
        self.checked()
    }
}
