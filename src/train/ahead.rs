//! The batches of a training, and what is made of each before the model sees it.

use crate::dataset::Origin;
use crate::error::{Error, Result};
use crate::exec::{Context, Task};
use crate::loader::{Batch, Blocking, Loader, LoaderBuilder};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Batches in their order, each with what was made of it.
pub(super) trait Batches {
    /// What is made of a batch.
    type Made;

    /// The next batch; none where the loader has ended.
    fn next(&mut self) -> Result<Option<(Batch, Self::Made)>>;

    /// Begins with the batch after that one, while this thread does something else.
    fn begin_next(&mut self);

    /// Rows delivered, by class and origin.
    fn emitted(&self) -> BTreeMap<(Option<u32>, Origin), u64>;
}

impl Batches for Blocking {
    type Made = ();

    fn next(&mut self) -> Result<Option<(Batch, ())>> {
        Ok(Iterator::next(self).transpose()?.map(|batch| (batch, ())))
    }

    fn begin_next(&mut self) {
        // The loader is ahead by itself.
    }

    fn emitted(&self) -> BTreeMap<(Option<u32>, Origin), u64> {
        self.loader().emitted()
    }
}

/// Makes something of a batch on the threads of the loader's context, while the batch before it trains.
///
/// One batch is ahead at most, and only where it is [begun](Batches::begin_next): no more rows are delivered than are trained on.
pub(super) struct Ahead<T> {
    cx: Context,
    make: Arc<Make<T>>,
    /// None while a batch is under way, and once one has failed.
    loader: Option<Loader>,
    next: Option<Task<Next<T>>>,
}

/// What makes something of a batch.
type Make<T> = dyn Fn(&Batch) -> Result<T> + Send + Sync;

/// The loader after a batch, and that batch.
type Next<T> = (Loader, Option<(Batch, T)>);

impl<T: Send + 'static> Ahead<T> {
    pub(super) fn new(
        loader: LoaderBuilder,
        make: impl Fn(&Batch) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        Ok(Self {
            cx: loader.context().clone(),
            make: Arc::new(make),
            loader: Some(loader.build()?),
            next: None,
        })
    }
}

impl<T: Send + 'static> Batches for Ahead<T> {
    type Made = T;

    fn next(&mut self) -> Result<Option<(Batch, T)>> {
        self.begin_next();
        let next = self.next.take();
        let next = next.ok_or_else(|| Error::stage("there is no batch after one that failed"))?;
        let (loader, batch) = self.cx.block_on(next)?;
        self.loader = Some(loader);
        Ok(batch)
    }

    fn begin_next(&mut self) {
        let Some(mut loader) = self.loader.take() else { return };
        let (cx, make) = (self.cx.clone(), Arc::clone(&self.make));
        self.next = Some(self.cx.spawn(async move {
            let Some(batch) = loader.next().await.transpose()? else {
                return Ok((loader, None));
            };
            let made = cx.compute(move || Ok((make(&batch)?, batch))).await;
            let (made, batch) = made?;
            Ok((loader, Some((batch, made))))
        }));
    }

    fn emitted(&self) -> BTreeMap<(Option<u32>, Origin), u64> {
        self.loader.as_ref().map(Loader::emitted).unwrap_or_default()
    }
}

impl<T> fmt::Debug for Ahead<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead")
            .field("loader", &self.loader)
            .finish_non_exhaustive()
    }
}
