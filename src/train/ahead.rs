//! Batches in their order, and what is made of each before a model sees it.

use crate::dataset::Origin;
use crate::error::{Error, Result};
use crate::exec::{Context, OwnThread, Task};
use crate::loader::{Batch, Blocking, Loader};
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

/// Makes something of a batch while the batch before it trains: on the threads of a context, or on one of its own.
///
/// One batch is ahead at most, and only where it is [begun](Batches::begin_next): no more rows are delivered than are asked for.
pub(super) struct Ahead<T> {
    cx: Context,
    make: Arc<Make<T>>,
    /// The thread that makes it, where those of the context do not.
    thread: Option<OwnThread>,
    /// None while a batch is under way, and once that ended in a panic.
    loader: Option<Loader>,
    next: Option<Task<Next<T>>>,
}

/// What makes something of a batch.
type Make<T> = dyn Fn(&Batch) -> Result<T> + Send + Sync;

/// The loader after a batch, and that batch.
type Next<T> = (Loader, Result<Option<(Batch, T)>>);

impl<T: Send + 'static> Ahead<T> {
    pub(super) fn new(
        cx: &Context,
        loader: Loader,
        make: impl Fn(&Batch) -> Result<T> + Send + Sync + 'static,
        thread: Option<OwnThread>,
    ) -> Self {
        Self {
            cx: cx.clone(),
            make: Arc::new(make),
            thread,
            loader: Some(loader),
            next: None,
        }
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
        batch
    }

    fn begin_next(&mut self) {
        let Some(mut loader) = self.loader.take() else { return };
        let (cx, make, thread) = (self.cx.clone(), Arc::clone(&self.make), self.thread.clone());
        self.next = Some(self.cx.spawn(async move {
            let batch = match loader.next().await.transpose() {
                Ok(Some(batch)) => batch,
                Ok(None) => return Ok((loader, Ok(None))),
                Err(error) => return Ok((loader, Err(error))),
            };
            let work = move || make(&batch).map(|made| Some((batch, made)));
            let made = match thread {
                Some(thread) => thread.run(work).await,
                None => cx.compute(work).await,
            };
            Ok((loader, made))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::DatasetExt;
    use crate::loader::LoaderBuilder;
    use crate::source::Memory;
    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::Int64Type;
    use std::sync::Mutex;
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    /// Numbers 0 to 31 in random order, in batches of four.
    fn loader(cx: &Context) -> Result<LoaderBuilder> {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..32));
        let rows = Memory::new(vec![RecordBatch::try_from_iter([("x", numbers)])?])?;
        Ok(rows.shuffle().loader(cx).batch_size(4).epochs(1))
    }

    fn numbers(batch: &Batch) -> Vec<i64> {
        batch.rows().column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    /// What was made, and by which threads.
    type Made = Arc<Mutex<Vec<(Vec<i64>, ThreadId)>>>;

    /// Batches that are noted when they are made; the fourth fails.
    fn noted(cx: &Context, loader: LoaderBuilder, fails: bool) -> Result<(Ahead<usize>, Made)> {
        let made = Made::default();
        let notes = Arc::clone(&made);
        let make = move |batch: &Batch| {
            let mut notes = notes.lock().map_err(|_| Error::stage("poisoned"))?;
            notes.push((numbers(batch), thread::current().id()));
            match notes.len() {
                4 if fails => Err(Error::data("no tensor")),
                count => Ok(count),
            }
        };
        Ok((
            Ahead::new(cx, loader.build()?, make, Some(OwnThread::start("upload")?)),
            made,
        ))
    }

    fn count(made: &Made) -> usize {
        made.lock().unwrap().len()
    }

    #[test]
    fn exactly_one_batch_is_made_ahead_and_all_by_one_thread() -> Result<()> {
        let cx = Context::with(2, 1 << 24)?;
        let in_turn: Vec<_> = loader(&cx)?
            .blocking()?
            .map(|batch| Ok(numbers(&batch?)))
            .collect::<Result<_>>()?;
        let (mut batches, made) = noted(&cx, loader(&cx)?, false)?;
        let mut seen = Vec::new();
        while let Some((batch, nth)) = batches.next()? {
            seen.push(numbers(&batch));
            assert_eq!(
                (nth, count(&made)),
                (seen.len(), seen.len()),
                "none is made before it is begun"
            );
            batches.begin_next();
            batches.begin_next();
            let ahead = (seen.len() + 1).min(8);
            for _ in 0..1000 {
                if count(&made) == ahead {
                    break;
                }
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(5));
            assert_eq!(count(&made), ahead, "one is, and no more");
        }
        assert_eq!(seen, in_turn);
        let made = made.lock().unwrap();
        assert!(
            made.iter()
                .all(|(_, id)| *id == made[0].1 && *id != thread::current().id())
        );
        Ok(())
    }

    #[test]
    fn a_run_that_ends_with_a_batch_ahead_goes_on_with_that_batch() -> Result<()> {
        let cx = Context::with(2, 1 << 24)?;
        let whole: Vec<_> = loader(&cx)?
            .blocking()?
            .map(|batch| Ok(numbers(&batch?)))
            .collect::<Result<_>>()?;
        for stop in 1..8 {
            let (mut batches, made) = noted(&cx, loader(&cx)?, false)?;
            let mut last = None;
            for _ in 0..stop {
                last = batches.next()?;
                batches.begin_next();
            }
            while count(&made) < stop + 1 {
                thread::sleep(Duration::from_millis(1));
            }
            let (batch, _) = last.ok_or_else(|| Error::stage("it ended"))?;
            drop(batches);
            let (mut rest, _) = noted(&cx, loader(&cx)?.resume(&batch.cursor())?, false)?;
            let mut seen = Vec::new();
            while let Some((batch, _)) = rest.next()? {
                rest.begin_next();
                seen.push(numbers(&batch));
            }
            assert_eq!(seen, whole[stop..], "after {stop} batches");
        }
        Ok(())
    }

    #[test]
    fn a_batch_that_fails_is_an_error_in_its_place_and_the_next_one_comes() -> Result<()> {
        let cx = Context::with(2, 1 << 24)?;
        let (mut batches, _) = noted(&cx, loader(&cx)?, true)?;
        let mut came = Vec::new();
        while let Some(batch) = batches.next().transpose() {
            batches.begin_next();
            came.push(batch.map(|(batch, _)| batch.len()).map_err(|error| error.to_string()));
        }
        let mut expected = vec![Ok(4); 8];
        expected[3] = Err("no tensor".to_owned());
        assert_eq!(came, expected);
        Ok(())
    }
}
