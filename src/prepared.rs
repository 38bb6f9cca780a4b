//! The rows of some positions, before they are read.

use crate::error::{Error, Result};
use arrow::array::RecordBatch;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

/// What is waited for, and how badly. It changes no row, only how rows are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// Read so that the whole run costs least.
    #[default]
    Normal,
    /// The caller waits, and nothing was fetched ahead: a run's first batch. Read as little as these rows need.
    Urgent,
}

/// The rows of some positions, worked out but not read: which rows of which blocks, and what becomes of them.
///
/// [`Dataset::prepare`](crate::Dataset::prepare) makes it, once for each batch. It owns positions and requests, no rows, and
/// borrows nothing, so that a loader keeps some ready. Dropping it cancels the reads that it has begun and nobody else wants.
///
/// A source makes one of a future. An adapter prepares the dataset below and adds what it does to the rows:
///
/// ```
/// use arrow::array::RecordBatch;
/// use millstream::{Context, Dataset, Prepared, Result};
///
/// fn first_column(below: &dyn Dataset, cx: &Context, positions: &[u64]) -> Prepared {
///     below.prepare(cx, positions).and_then(|rows: RecordBatch| async move { Ok(rows.project(&[0])?) })
/// }
/// ```
#[must_use = "rows are read by `rows`"]
pub struct Prepared(Box<dyn Request>);

/// Boxed, so that a dataset is usable as a trait object.
trait Request: Send {
    fn prefetch(&self);
    fn rows(self: Box<Self>, priority: Priority) -> BoxFuture<'static, Result<RecordBatch>>;
}

impl Prepared {
    /// Rows that are read when they are asked for.
    pub fn new(rows: impl Future<Output = Result<RecordBatch>> + Send + 'static) -> Self {
        Self::with_prefetch(|| (), move |_| rows)
    }

    /// Rows that can be fetched ahead: `prefetch` starts to, and may be called any number of times; `rows` reads them.
    ///
    /// What `prefetch` returns is kept until it is called again, until the rows are there or fail, or until this is dropped:
    /// something whose drop gives up what was begun, such as a [`Task`](crate::exec::Task), and that holds no rows. `()` where
    /// nothing was begun.
    pub fn with_prefetch<T, F>(
        prefetch: impl Fn() -> T + Send + 'static,
        rows: impl FnOnce(Priority) -> F + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
        F: Future<Output = Result<RecordBatch>> + Send + 'static,
    {
        let begun = Mutex::new(None);
        Self(Box::new(Own { prefetch, rows, begun }))
    }

    /// An error in place of rows.
    pub fn failed(error: Error) -> Self {
        Self::new(async { Err(error) })
    }

    /// What `then` makes of the rows.
    pub fn and_then<F>(self, then: impl FnOnce(RecordBatch) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<RecordBatch>> + Send + 'static,
    {
        Self(Box::new(AndThen { below: self, then }))
    }

    /// The same with another error.
    pub fn map_err(self, change: impl FnOnce(Error) -> Error + Send + 'static) -> Self {
        Self(Box::new(MapErr { below: self, change }))
    }

    /// What `then` makes of the rows of several. All are read, also where one of them fails.
    pub fn join_all<F>(below: Vec<Self>, then: impl FnOnce(Vec<Result<RecordBatch>>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<RecordBatch>> + Send + 'static,
    {
        Self(Box::new(JoinAll { below, then }))
    }

    /// Starts to fetch what the rows are read from, as far as there is room. Changes no result.
    pub fn prefetch(&self) {
        self.0.prefetch();
    }

    /// The rows, in the order of the positions.
    pub fn rows(self) -> BoxFuture<'static, Result<RecordBatch>> {
        self.rows_with(Priority::Normal)
    }

    /// As [`rows`](Self::rows), with a priority.
    pub fn rows_with(self, priority: Priority) -> BoxFuture<'static, Result<RecordBatch>> {
        self.0.rows(priority)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

struct Own<P, R, T> {
    prefetch: P,
    rows: R,
    begun: Mutex<Option<T>>,
}

impl<P, R, T, F> Request for Own<P, R, T>
where
    P: Fn() -> T + Send,
    R: FnOnce(Priority) -> F + Send,
    T: Send + 'static,
    F: Future<Output = Result<RecordBatch>> + Send + 'static,
{
    fn prefetch(&self) {
        let begun = (self.prefetch)();
        // What was begun before is given up only now that it is wanted anew.
        let before = self.begun.lock().unwrap_or_else(PoisonError::into_inner).replace(begun);
        drop(before);
    }

    fn rows(self: Box<Self>, priority: Priority) -> BoxFuture<'static, Result<RecordBatch>> {
        let Self { rows, begun, .. } = *self;
        let rows = rows(priority);
        async move {
            let rows = rows.await;
            drop(begun);
            rows
        }
        .boxed()
    }
}

struct AndThen<T> {
    below: Prepared,
    then: T,
}

impl<T, F> Request for AndThen<T>
where
    T: FnOnce(RecordBatch) -> F + Send + 'static,
    F: Future<Output = Result<RecordBatch>> + Send + 'static,
{
    fn prefetch(&self) {
        self.below.prefetch();
    }

    fn rows(self: Box<Self>, priority: Priority) -> BoxFuture<'static, Result<RecordBatch>> {
        let Self { below, then } = *self;
        let below = below.rows_with(priority);
        async move { then(below.await?).await }.boxed()
    }
}

struct MapErr<C> {
    below: Prepared,
    change: C,
}

impl<C: FnOnce(Error) -> Error + Send + 'static> Request for MapErr<C> {
    fn prefetch(&self) {
        self.below.prefetch();
    }

    fn rows(self: Box<Self>, priority: Priority) -> BoxFuture<'static, Result<RecordBatch>> {
        let Self { below, change } = *self;
        let below = below.rows_with(priority);
        async move { below.await.map_err(change) }.boxed()
    }
}

struct JoinAll<T> {
    below: Vec<Prepared>,
    then: T,
}

impl<T, F> Request for JoinAll<T>
where
    T: FnOnce(Vec<Result<RecordBatch>>) -> F + Send + 'static,
    F: Future<Output = Result<RecordBatch>> + Send + 'static,
{
    fn prefetch(&self) {
        self.below.iter().for_each(Prepared::prefetch);
    }

    fn rows(self: Box<Self>, priority: Priority) -> BoxFuture<'static, Result<RecordBatch>> {
        let Self { below, then } = *self;
        let below = join_all(below.into_iter().map(|below| below.rows_with(priority)));
        async move { then(below.await).await }.boxed()
    }
}
