//! The only place that remembers something: which row comes next.

use crate::context::{Context, StopOnDrop, Task};
use crate::cursor::Cursor;
use crate::dataset::{Dataset, Len, Origin, Trace};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::provenance;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use futures::stream::{Stream, StreamExt};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};

/// What happens to an epoch's last batch where the rows do not fill it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Last {
    /// It comes as it is, shorter.
    #[default]
    Keep,
    /// It is left out (`drop_last`).
    Drop,
    /// It is filled with the epoch's first rows, again.
    Pad,
}

/// How batches are cut and fetched; made by [`loader`](crate::DatasetExt::loader).
#[derive(Clone, Debug)]
#[must_use]
pub struct LoaderBuilder {
    dataset: Arc<dyn Dataset>,
    cx: Context,
    batch_size: u64,
    depth: usize,
    epochs: Option<u64>,
    last: Last,
    shard: (u64, u64),
    resumed: Option<Cursor>,
}

impl LoaderBuilder {
    pub(crate) fn new(dataset: Arc<dyn Dataset>, cx: &Context) -> Self {
        Self {
            dataset,
            cx: cx.clone(),
            batch_size: 32,
            depth: 4,
            epochs: None,
            last: Last::Keep,
            shard: (0, 1),
            resumed: None,
        }
    }

    /// Rows in a batch (in a global batch, where there are several ranks); 32 where nothing else is said.
    pub fn batch_size(mut self, rows: u64) -> Self {
        self.batch_size = rows;
        self
    }

    /// The seed of every random draw in this run: the same seed gives the same rows.
    pub fn seed(mut self, seed: u64) -> Self {
        self.cx = self.cx.with_seed(seed);
        self
    }

    /// Batches that are made ahead of the trainer, inside the byte budget; 4 where nothing else is said. Changes no row.
    pub fn depth(mut self, batches: usize) -> Self {
        self.depth = batches.max(1);
        self
    }

    /// Ends after so many epochs; else the loader goes on for ever. A dataset without an end has no epochs.
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.epochs = Some(epochs);
        self
    }

    /// What happens to an epoch's last, short batch.
    pub fn last(mut self, last: Last) -> Self {
        self.last = last;
        self
    }

    /// Takes part `rank` of `world` of every global batch.
    pub fn shard(mut self, rank: u64, world: u64) -> Self {
        self.shard = (rank, world);
        self
    }

    /// Goes on where `cursor` was taken.
    ///
    /// # Errors
    ///
    /// `Resume` where the cursor belongs to another pipeline or seed, naming what differs.
    pub fn resume(mut self, cursor: &Cursor) -> Result<Self> {
        cursor.check(&self.dataset.describe(), self.cx.seed())?;
        self.resumed = Some(cursor.clone());
        Ok(self)
    }

    /// What will be loaded: the pipeline from the top down, its classes, windows and bytes.
    pub fn explain(&self) -> String {
        let len = match self.dataset.len() {
            Len::Finite(rows) => format!("{rows} rows an epoch"),
            Len::Endless => "endless".to_owned(),
        };
        let plan = Plan::new("loader")
            .param("batch", self.batch_size)
            .param("seed", self.cx.seed())
            .param("depth", self.depth)
            .param("threads", self.cx.threads())
            .param("budget", format_args!("{} MiB", self.cx.memory() >> 20))
            .note(len)
            .input(self.dataset.describe());
        plan.to_string()
    }

    /// A stream of batches.
    ///
    /// # Errors
    ///
    /// `Config` for a batch of no rows, a rank outside the world, more ranks than rows in a batch, epochs of a dataset
    /// without an end, full batches alone of a dataset that cannot fill one, or two stages that draw under one name;
    /// `Resume` where the seed was changed after [`resume`](Self::resume).
    pub fn build(self) -> Result<Loader> {
        Ok(Loader::new(self.feed()?, self.start()))
    }

    /// An iterator over batches, for programs without tokio.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn blocking(self) -> Result<Blocking> {
        Ok(Blocking(self.build()?))
    }

    pub(crate) fn start(&self) -> u64 {
        self.resumed.as_ref().map_or(0, Cursor::position)
    }

    /// What would leave a rank without rows, or the loader without an end to its search for a batch.
    fn mistake(&self) -> Option<String> {
        let ((rank, world), size) = (self.shard, self.batch_size);
        match self.dataset.len().finite() {
            _ if size == 0 => Some("a batch has at least one row; batch_size is 0".to_owned()),
            _ if rank >= world => Some(format!("shard: rank {rank} is outside a world of {world}")),
            _ if world > size => Some(format!("a batch of {size} rows cannot be cut for {world} ranks")),
            None if self.epochs.is_some() => Some("epochs: the dataset has no end, so it has no epochs".to_owned()),
            Some(rows) if self.last == Last::Drop && rows < size => Some(format!(
                "an epoch of {rows} rows never fills a batch of {size}, and Last::Drop leaves out what is not full"
            )),
            _ => None,
        }
    }

    pub(crate) fn feed(&self) -> Result<Arc<Feed>> {
        if let Some(mistake) = self.mistake() {
            return Err(Error::config(mistake));
        }
        let plan = self.dataset.describe();
        if let Some(name) = plan.shared_name() {
            return Err(Error::config(format!(
                "two stages named \"{name}\" would draw the same random numbers; use one, or name them apart"
            )));
        }
        if let Some(cursor) = &self.resumed {
            cursor.check(&plan, self.cx.seed())?;
        }
        Ok(Arc::new(Feed {
            dataset: Arc::clone(&self.dataset),
            origin: Cursor::new(&plan, self.cx.seed(), 0),
            cx: self.cx.clone(),
            batch_size: self.batch_size,
            depth: self.depth,
            end: self
                .epochs
                .zip(self.dataset.len().finite())
                .map(|(epochs, rows)| epochs.saturating_mul(rows)),
            last: self.last,
            shard: self.shard,
        }))
    }
}

/// Everything about a run that does not change.
#[derive(Debug)]
pub(crate) struct Feed {
    dataset: Arc<dyn Dataset>,
    cx: Context,
    origin: Cursor,
    batch_size: u64,
    depth: usize,
    end: Option<u64>,
    last: Last,
    shard: (u64, u64),
}

/// One rank's part of a global batch.
#[derive(Clone, Debug)]
struct Slot {
    positions: Vec<u64>,
    next: u64,
}

impl Feed {
    /// The same run up to position `end`.
    pub(crate) fn until(&self, end: u64) -> Arc<Self> {
        Arc::new(Self {
            end: Some(end),
            ..self.clone_parts()
        })
    }

    /// The same run as rank `rank` of `world`.
    pub(crate) fn sharded(&self, rank: u64, world: u64) -> Arc<Self> {
        Arc::new(Self {
            shard: (rank, world),
            ..self.clone_parts()
        })
    }

    pub(crate) fn batch_size(&self) -> u64 {
        self.batch_size
    }

    /// The place at `position`, to be saved.
    pub(crate) fn cursor(&self, position: u64) -> Cursor {
        self.origin.at(position)
    }

    /// Refuses the cursor of another pipeline or seed.
    pub(crate) fn check(&self, cursor: &Cursor) -> Result<()> {
        cursor.check(&self.dataset.describe(), self.cx.seed())
    }

    fn clone_parts(&self) -> Self {
        Self {
            dataset: Arc::clone(&self.dataset),
            cx: self.cx.clone(),
            origin: self.origin.clone(),
            ..*self
        }
    }

    pub(crate) fn len(&self) -> Len {
        self.dataset.len()
    }

    pub(crate) fn is_sharded(&self) -> bool {
        self.shard.1 > 1
    }

    /// Whether a global batch is cut of the last `rows` rows of an epoch.
    pub(crate) fn has_batch(&self, rows: u64) -> bool {
        rows >= self.batch_size || (rows > 0 && self.last != Last::Drop)
    }

    /// Rows that this rank gets of the `rows` before an epoch's end.
    pub(crate) fn rows_until_end(&self, rows: u64) -> u64 {
        let whole = rows / self.batch_size;
        let rest = match self.last {
            Last::Keep => rows % self.batch_size,
            Last::Pad if !rows.is_multiple_of(self.batch_size) => self.batch_size,
            Last::Pad | Last::Drop => 0,
        };
        let part = |size: u64| self.part(size).end - self.part(size).start;
        whole * part(self.batch_size) + part(rest)
    }

    /// Rows that this rank got of an epoch's first `rows`, if they were cut into batches of the size that they have now.
    pub(crate) fn rows_before(&self, rows: u64) -> u64 {
        let part = |size: u64| self.part(size).end - self.part(size).start;
        rows / self.batch_size * part(self.batch_size) + part(rows % self.batch_size)
    }

    fn part(&self, size: u64) -> Range<u64> {
        let (rank, world) = self.shard;
        let cut = |rank: u64| (u128::from(size) * u128::from(rank) / u128::from(world)) as u64;
        cut(rank)..cut(rank + 1)
    }

    /// The batch that starts at `position`, or none where the run ends.
    fn slot(&self, position: u64) -> Option<Slot> {
        let mut position = position;
        loop {
            if self.end.is_some_and(|end| position >= end) {
                return None;
            }
            let epoch = self.epoch_of(position);
            let next = position.saturating_add(self.batch_size).min(epoch.end);
            let taken = next - position;
            let size = match self.last {
                _ if taken == self.batch_size => taken,
                Last::Keep => taken,
                Last::Drop => 0,
                Last::Pad => self.batch_size,
            };
            let again = |offset: u64| epoch.start + (offset - taken) % (epoch.end - epoch.start);
            let at = |offset: u64| {
                if offset < taken {
                    position + offset
                } else {
                    again(offset)
                }
            };
            let positions: Vec<u64> = self.part(size).map(at).collect();
            if !positions.is_empty() {
                return Some(Slot { positions, next });
            }
            if next == position {
                // The positions themselves have come to an end.
                return None;
            }
            position = next;
        }
    }

    /// First position of the epoch of `position`, and of the next one.
    fn epoch_of(&self, position: u64) -> Range<u64> {
        match self.dataset.len() {
            Len::Finite(rows) => {
                let start = position / rows * rows.get();
                start..start.saturating_add(rows.get())
            }
            Len::Endless => 0..u64::MAX,
        }
    }

    /// Takes a batch; a failure is traced to its row.
    async fn take(self: Arc<Self>, cx: Context, positions: Vec<u64>) -> Result<RecordBatch> {
        let error = match self.dataset.take(&cx, &positions).await {
            Ok(rows) if rows.num_rows() == positions.len() => return Ok(rows),
            Ok(rows) => {
                let (made, name) = (rows.num_rows(), self.dataset.describe().name().to_owned());
                let message = format!("{name} made {made} rows of {} positions", positions.len());
                return Err(Error::config(message));
            }
            Err(error) => error,
        };
        match error.index().and_then(|at| positions.get(at)) {
            Some(&position) => Err(self.placed(error, position)),
            None if matches!(error.kind(), ErrorKind::Data | ErrorKind::Stage) => {
                for &position in &positions {
                    if let Err(error) = self.dataset.take(&cx, &[position]).await {
                        return Err(self.placed(error, position));
                    }
                }
                Err(error)
            }
            None => Err(error),
        }
    }

    fn placed(&self, error: Error, position: u64) -> Error {
        let trace = self.dataset.trace(&self.cx, position);
        let places: Vec<_> = trace.places.iter().map(ToString::to_string).collect();
        let place = match places.as_slice() {
            [] => format!("position {position}"),
            places => format!("{} (position {position})", places.join(" and ")),
        };
        error.context(place)
    }

    /// Bytes of a row as far as the schema and the blocks tell.
    fn row_bytes(&self) -> u64 {
        let fixed: u64 = self
            .dataset
            .schema()
            .fields()
            .iter()
            .map(|field| width(field.data_type()))
            .sum();
        let blocks = self.dataset.blocks();
        let (rows, bytes) = blocks.iter().fold((0, 0), |(rows, bytes), block| {
            (rows + block.rows.end - block.rows.start, bytes + block.bytes)
        });
        fixed + bytes.checked_div(rows).unwrap_or(0)
    }
}

fn width(kind: &DataType) -> u64 {
    match kind {
        DataType::FixedSizeList(item, size) => width(item.data_type()) * (*size).max(0) as u64,
        other => other.primitive_width().unwrap_or(16) as u64,
    }
}

/// A stream of batches in an order that depends on the pipeline and the seed alone.
///
/// Batches are made ahead on the context's threads, also while nobody polls. Dropping the loader stops them.
#[derive(Debug)]
pub struct Loader {
    feed: Arc<Feed>,
    /// First position of the next batch to start, and of the next one to deliver.
    ahead: u64,
    delivered: u64,
    flight: VecDeque<(Slot, Task<RecordBatch>)>,
    row_bytes: u64,
    work: Context,
    _stop: StopOnDrop,
}

impl Loader {
    pub(crate) fn new(feed: Arc<Feed>, start: u64) -> Self {
        let (work, stop) = feed.cx.stoppable();
        let row_bytes = feed.row_bytes();
        Self {
            feed,
            ahead: start,
            delivered: start,
            flight: VecDeque::new(),
            row_bytes,
            work,
            _stop: stop,
        }
    }

    /// Where the next batch starts: give it to [`resume`](LoaderBuilder::resume) to go on from here. A batch that failed
    /// counts as delivered only once a later one was, so that a run which ended with it tries it again.
    pub fn cursor(&self) -> Cursor {
        self.feed.origin.at(self.delivered)
    }

    /// Rows delivered since the run's first one, by class and origin, as their positions tell. Rows without a class
    /// count under `None`. Works them all out again, at some cost in a long run.
    ///
    /// The rows before a resume are taken to have been cut as they are now.
    pub fn emitted(&self) -> BTreeMap<(Option<u32>, Origin), u64> {
        let (mut counts, mut position) = (BTreeMap::new(), 0);
        while let Some(slot) = self.feed.slot(position).filter(|_| position < self.delivered) {
            let whole = slot.next <= self.delivered;
            for &row in slot.positions.iter().filter(|&&row| whole || row < self.delivered) {
                let trace = self.feed.dataset.trace(&self.feed.cx, row);
                *counts.entry((trace.class, trace.origin)).or_insert(0) += 1;
            }
            position = slot.next;
        }
        counts
    }

    /// Batches that may be under way: the depth asked for, as far as the bytes go, and always one.
    fn room(&self) -> usize {
        let batch = self.row_bytes.saturating_mul(self.feed.batch_size).max(1);
        self.feed.depth.min((self.feed.cx.quarter() / batch) as usize).max(1)
    }

    fn start_more(&mut self) {
        while self.flight.len() < self.room() {
            let Some(slot) = self.feed.slot(self.ahead) else { return };
            self.ahead = slot.next;
            let further = self.feed.batch_size.saturating_mul(self.feed.depth as u64 - 1);
            if let Some(later) = self.feed.slot(slot.next.saturating_add(further)) {
                self.feed.dataset.hint(&self.feed.cx, &later.positions);
            }
            let take = Arc::clone(&self.feed).take(self.work.clone(), slot.positions.clone());
            let task = self.feed.cx.spawn(take);
            self.flight.push_back((slot, task));
        }
    }
}

impl Stream for Loader {
    type Item = Result<Batch>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.start_more();
        let Some((_, task)) = this.flight.front_mut() else {
            return Poll::Ready(None);
        };
        let result = ready!(Pin::new(task).poll(cx));
        let Some((slot, _)) = this.flight.pop_front() else {
            return Poll::Ready(None);
        };
        let batch = result.map(|rows| {
            this.delivered = slot.next;
            let bytes = rows.get_array_memory_size() as u64 / rows.num_rows().max(1) as u64;
            this.row_bytes = this.row_bytes.max(bytes);
            Batch {
                rows,
                positions: slot.positions,
                next: slot.next,
                feed: Arc::clone(&this.feed),
            }
        });
        this.start_more();
        Poll::Ready(Some(batch))
    }
}

impl From<Loader> for Blocking {
    fn from(loader: Loader) -> Self {
        Self(loader)
    }
}

/// A [`Loader`] as an iterator; made by [`blocking`](LoaderBuilder::blocking).
#[derive(Debug)]
pub struct Blocking(Loader);

impl Blocking {
    /// The loader inside.
    pub fn loader(&self) -> &Loader {
        &self.0
    }
}

impl Iterator for Blocking {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let cx = self.0.feed.cx.clone();
        cx.block_on(self.0.next())
    }
}

/// Some rows, and what is known about them.
#[derive(Clone, Debug)]
pub struct Batch {
    rows: RecordBatch,
    positions: Vec<u64>,
    next: u64,
    feed: Arc<Feed>,
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

    /// Whether there are no rows; a loader never delivers such a batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position of each row.
    pub fn positions(&self) -> &[u64] {
        &self.positions
    }

    /// Where the next batch starts: what to save with a checkpoint that was made after this batch.
    pub fn cursor(&self) -> Cursor {
        self.feed.origin.at(self.next)
    }

    pub(crate) fn next_position(&self) -> u64 {
        self.next
    }

    /// Where each row comes from.
    pub fn traces(&self) -> Vec<Trace> {
        self.positions
            .iter()
            .map(|&position| self.feed.dataset.trace(&self.feed.cx, position))
            .collect()
    }

    /// Where each row comes from, as a table: `position`, `class`, `origin` (real, augmented, synthetic), `generator`,
    /// `occurrence`, `sources` (the stored rows, as `file#row group#row`), `seed`.
    ///
    /// # Errors
    ///
    /// None that are known; Arrow checks the columns.
    pub fn provenance(&self) -> Result<RecordBatch> {
        provenance::table(&self.positions, &self.traces(), self.feed.cx.seed())
    }
}
