use super::batch_sampler::{BatchIndices, BatchSampler};
use super::on_error::{self, OnError, Replaced};
use crate::cursor::Cursor;
use crate::dataset::{Block, Dataset};
use crate::error::{Error, Result};
use crate::exec::{Context, catch, caught};
use crate::mix::Feedback;
use crate::prepared::{Prepared, Priority};
use crate::quote::counted;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use futures::future::join_all;
use std::sync::Arc;

/// Everything about a run that does not change.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    pub(super) dataset: Arc<dyn Dataset>,
    pub(super) cx: Context,
    pub(super) sampler: BatchSampler,
    /// Batches ahead at first, and at most.
    pub(super) depth: usize,
    pub(super) most: usize,
    pub(super) on_error: OnError,
    /// Where the run starts.
    pub(super) start: Cursor,
    /// What the shares of the rows follow from, if they do.
    pub(super) feedback: Option<Feedback>,
}

/// The rows of some positions.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) rows: RecordBatch,
    pub(super) replaced: Vec<Replaced>,
    /// Bytes of a row in memory.
    pub(super) row_bytes: u64,
}

impl Taken {
    fn new(rows: RecordBatch, replaced: Vec<Replaced>) -> Self {
        let row_bytes = rows.get_array_memory_size() as u64 / rows.num_rows().max(1) as u64;
        Self {
            rows,
            replaced,
            row_bytes,
        }
    }

    /// The first `count` rows, which are taken out.
    fn split(&mut self, count: usize) -> Self {
        let rows = self.rows.slice(0, count);
        self.rows = self.rows.slice(count, self.rows.num_rows() - count);
        Self {
            rows,
            replaced: Vec::new(),
            row_bytes: self.row_bytes,
        }
    }
}

impl Fetcher {
    /// The same run up to position `end`.
    pub(crate) fn until(&self, end: u64) -> Arc<Self> {
        let mut fetcher = self.clone();
        fetcher.sampler.end = Some(end);
        Arc::new(fetcher)
    }

    /// The same run as rank `rank` of `world`.
    pub(crate) fn sharded(&self, rank: u64, world: u64) -> Arc<Self> {
        let mut fetcher = self.clone();
        fetcher.sampler.shard = (rank, world);
        Arc::new(fetcher)
    }

    pub(crate) fn start(&self) -> &Cursor {
        &self.start
    }

    /// Refuses the cursor of another pipeline or seed.
    pub(crate) fn check(&self, cursor: &Cursor) -> Result<()> {
        cursor.check(&self.dataset.describe(), self.cx.seed())?;
        self.follow(cursor)
    }

    /// Goes back to the reports that a run at `cursor` has.
    pub(crate) fn follow(&self, cursor: &Cursor) -> Result<()> {
        match (&self.feedback, cursor.feedback()) {
            (Some(feedback), mark) => feedback.resume(cursor.position(), mark),
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Error::resume(
                "the run followed feedback: give the loader the file of its reports by `LoaderBuilder::feedback`",
            )),
        }
    }

    /// `cursor` with what the rows before it followed.
    pub(super) fn marked(&self, cursor: Cursor) -> Cursor {
        match &self.feedback {
            Some(feedback) => {
                let mark = feedback.mark(cursor.position());
                cursor.with_feedback(mark)
            }
            None => cursor,
        }
    }

    /// The error of an epoch whose shares are not known yet, if `batch` is of one.
    pub(super) fn unknown(&self, batch: &BatchIndices) -> Option<Error> {
        let (feedback, rows) = (self.feedback.as_ref()?, self.sampler.len.finite()?);
        let epoch = batch.next.saturating_sub(1) / rows;
        (!feedback.knows(epoch)).then(|| feedback.unknown(epoch))
    }

    pub(crate) fn sampler(&self) -> &BatchSampler {
        &self.sampler
    }

    /// The rows at `positions`, before they are read. A panic is their error.
    pub(super) fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        catch(|| Ok(self.dataset.prepare(cx, positions))).unwrap_or_else(Prepared::failed)
    }

    /// The rows of several batches, which were prepared together; each batch alone where that fails.
    pub(super) async fn take_all(
        self: Arc<Self>,
        cx: Context,
        (prepared, priority): (Prepared, Priority),
        batches: Vec<Vec<u64>>,
    ) -> Vec<Result<Taken>> {
        let count = batches.iter().map(Vec::len).sum();
        match (
            self.checked(prepared.rows_with(priority), count).await,
            batches.as_slice(),
        ) {
            (Ok(rows), _) => {
                let mut all = Taken::new(rows, Vec::new());
                batches.iter().map(|batch| Ok(all.split(batch.len()))).collect()
            }
            (Err(error), [only]) => vec![self.failed(&cx, only, error).await],
            (Err(_), _) => {
                let mut taken = Vec::with_capacity(batches.len());
                for positions in batches {
                    let rows = self.rows(&cx, &positions).await;
                    taken.push(match rows {
                        Ok(rows) => Ok(Taken::new(rows, Vec::new())),
                        Err(error) => self.failed(&cx, &positions, error).await,
                    });
                }
                taken
            }
        }
    }

    /// What becomes of a batch that failed with `error`: it is traced to its row, or the row is replaced.
    async fn failed(&self, cx: &Context, positions: &[u64], error: Error) -> Result<Taken> {
        match self.on_error {
            OnError::Replace { at_most } if on_error::is_replaceable(&error) => {
                self.mended(cx, positions, error, at_most).await
            }
            _ => Err(self.first_bad(cx, positions, error).await),
        }
    }

    /// The rows at `positions`.
    async fn rows(&self, cx: &Context, positions: &[u64]) -> Result<RecordBatch> {
        self.checked(self.prepare(cx, positions).rows(), positions.len()).await
    }

    /// `rows`, which have to be `count`; a panic on the way is an error.
    async fn checked(&self, rows: impl Future<Output = Result<RecordBatch>>, count: usize) -> Result<RecordBatch> {
        if count == 0 {
            return Ok(RecordBatch::new_empty(self.dataset.schema()));
        }
        let rows = caught(rows).await?;
        if rows.num_rows() == count {
            return Ok(rows);
        }
        let (made, name) = (rows.num_rows(), self.dataset.describe().name().to_owned());
        Err(Error::config(format!(
            "{name} made {} of {}",
            counted(made, "row"),
            counted(count, "position")
        )))
    }

    /// `error` with the position and the place of the row to blame, which is looked for where it is not known.
    async fn first_bad(&self, cx: &Context, positions: &[u64], error: Error) -> Error {
        if let Some(&position) = error.index().and_then(|at| positions.get(at)) {
            return self.placed(error, position);
        }
        if on_error::is_replaceable(&error) {
            for &position in positions {
                if let Err(error) = self.rows(cx, &[position]).await {
                    return self.placed(error, position);
                }
            }
        }
        error
    }

    /// The rows at `positions`, bad ones replaced one after the other until none is left.
    async fn mended(&self, cx: &Context, positions: &[u64], error: Error, at_most: u32) -> Result<Taken> {
        let (mut wanted, mut failed) = (positions.to_vec(), vec![(0, String::new()); positions.len()]);
        let mut error = error;
        let rows = loop {
            for (at, error) in self.bad(cx, &wanted, error).await? {
                let (attempt, reason) = &mut failed[at];
                let error = self.placed(error, wanted[at]);
                if *attempt == at_most {
                    return Err(error.context(format!("position {}: {at_most} substitutes failed too", positions[at])));
                }
                *attempt += 1;
                if reason.is_empty() {
                    *reason = error.to_string();
                }
                let epoch = self.sampler.epoch_of(positions[at]);
                let substitute = on_error::substitute(&*self.dataset, cx, epoch, positions[at], *attempt);
                wanted[at] = substitute.ok_or_else(|| error.context("no other row of its class was found"))?;
            }
            match self.rows(cx, &wanted).await {
                Ok(rows) => break rows,
                Err(next) if on_error::is_replaceable(&next) => error = next,
                Err(next) => return Err(self.first_bad(cx, &wanted, next).await),
            }
        };
        let chains = positions.iter().zip(&wanted).zip(failed);
        let replaced = chains.filter(|(_, (attempt, _))| *attempt > 0);
        let replaced = replaced.map(|((&position, &by), (_, reason))| Replaced { position, by, reason });
        Ok(Taken::new(rows, replaced.collect()))
    }

    /// Which of `positions` are to blame for `error`, and each one's own: the one that it names, or else all that fail
    /// alone.
    async fn bad(&self, cx: &Context, positions: &[u64], error: Error) -> Result<Vec<(usize, Error)>> {
        if let Some(at) = error.index().filter(|&at| at < positions.len()) {
            return Ok(vec![(at, error)]);
        }
        let alone = |position: &u64| {
            let position = *position;
            async move { self.rows(cx, &[position]).await }
        };
        let mut bad = Vec::new();
        for (at, result) in join_all(positions.iter().map(alone)).await.into_iter().enumerate() {
            match result {
                Err(error) if on_error::is_replaceable(&error) => bad.push((at, error)),
                Err(error) => return Err(self.placed(error, positions[at])),
                Ok(_) => {}
            }
        }
        // Rows that fail only together: the law is broken, and no row can be blamed.
        if bad.is_empty() { Err(error) } else { Ok(bad) }
    }

    fn placed(&self, error: Error, position: u64) -> Error {
        let trace = self.dataset.provenance(&self.cx, position);
        let places: Vec<_> = trace.places.iter().map(ToString::to_string).collect();
        let place = match places.as_slice() {
            [] => format!("position {position}"),
            places => format!("{} (position {position})", places.join(" and ")),
        };
        error.context(place)
    }
}

/// Bytes of a row as far as the schema and the blocks tell. Beside one that is made of several lie these until it is made, and it may have the
/// lists of all of them.
pub(super) fn row_bytes(dataset: &dyn Dataset) -> u64 {
    let schema = dataset.schema();
    let fixed: u64 = schema.fields().iter().map(|field| width(field.data_type())).sum();
    let in_block = |block: &Block| block.bytes / (block.rows.end - block.rows.start).max(1);
    let stored = dataset.blocks().iter().map(in_block).max().unwrap_or(0);
    let beside = match dataset.describe().rows_read() {
        ..=1 => 0,
        rows => rows,
    };
    let made = match schema.fields().iter().any(|field| has_lists(field.data_type())) {
        true => beside.max(1),
        false => 1,
    };
    fixed
        .saturating_mul(1 + beside)
        .saturating_add(stored.saturating_mul(beside.saturating_add(made)))
}

/// Whether there are as many items in it as a row has.
fn has_lists(kind: &DataType) -> bool {
    match kind {
        DataType::List(_) | DataType::LargeList(_) => true,
        DataType::Struct(fields) => fields.iter().any(|field| has_lists(field.data_type())),
        _ => false,
    }
}

fn width(kind: &DataType) -> u64 {
    match kind {
        DataType::FixedSizeList(item, size) => width(item.data_type()) * (*size).max(0) as u64,
        other => other.primitive_width().unwrap_or(16) as u64,
    }
}
