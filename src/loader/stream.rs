use super::batch::Batch;
use super::depth;
use super::feed::{Feed, Taken, row_bytes};
use super::journal::{Lines, Quarantine};
use super::slots::Slot;
use crate::context::{Context, StopOnDrop, Task};
use crate::cursor::Cursor;
use crate::dataset::Origin;
use crate::error::Result;
use futures::stream::{Stream, StreamExt};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// A stream of batches in an order that depends on the pipeline and the seed alone.
///
/// Batches are made ahead on the context's threads, also while nobody polls. Dropping the loader stops them.
#[derive(Debug)]
pub struct Loader {
    feed: Arc<Feed>,
    /// First position of the next batch to start.
    ahead: u64,
    /// Positions before it were said below to come soon.
    hinted: u64,
    /// Whether a batch was delivered.
    begun: bool,
    /// Batches ahead.
    depth: usize,
    /// Where the next batch to deliver starts.
    delivered: Cursor,
    flight: VecDeque<(Slot, Task<Taken>)>,
    row_bytes: u64,
    work: Context,
    quarantine: Option<(Quarantine, Lines)>,
    _stop: StopOnDrop,
}

impl Loader {
    /// Batches at most that are said to come soon.
    const HINTED: usize = 64;

    pub(crate) fn new(feed: Arc<Feed>, start: Cursor) -> Self {
        let (work, stop) = feed.cx.stoppable();
        let row_bytes = row_bytes(&*feed.dataset);
        Self {
            depth: feed.depth,
            feed,
            ahead: start.position(),
            hinted: start.position(),
            begun: false,
            delivered: start,
            flight: VecDeque::new(),
            row_bytes,
            work,
            quarantine: None,
            _stop: stop,
        }
    }

    /// A loader that writes down what it does.
    pub(super) fn open(
        feed: Arc<Feed>,
        quarantine: Option<&Quarantine>,
        journal: Option<&Path>,
        resumed: bool,
    ) -> Result<Self> {
        let start = feed.start.clone();
        let skipped = start.skipped().last().filter(|range| range.end == start.position());
        if let Some(path) = journal {
            // What was skipped just now begins where the run would have gone on.
            let from = skipped.map_or(start.position(), |range| range.start);
            let mut lines = Lines::open(path, from)?;
            let event = if resumed { "resume" } else { "start" };
            lines
                .add(&json!({"at": from, "event": event, "seed": start.seed(), "batch_size": feed.slots.batch_size}))?;
            if let Some(range) = skipped {
                let rows = range.end - range.start;
                lines.add(&json!({"at": from, "event": "skip", "to": range.end, "rows": rows}))?;
            }
        }
        let lines = |quarantine: &Quarantine| Lines::open(&quarantine.path, start.position());
        let lines = quarantine.map(lines).transpose()?;
        let mut loader = Self::new(feed, start);
        loader.quarantine = quarantine.cloned().zip(lines);
        Ok(loader)
    }

    /// Where the next batch starts: give it to [`resume`](super::LoaderBuilder::resume) to go on from here. A batch that
    /// failed counts as delivered only once a later one was, so that a run which ended with it tries it again.
    pub fn cursor(&self) -> Cursor {
        self.delivered.clone()
    }

    /// Batches that are made ahead now, as far as the bytes go.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Rows delivered since the run's first one, by class and origin, as their positions tell. Rows without a class
    /// count under `None`. Works them all out again, at some cost in a long run.
    ///
    /// The rows before a resume are taken to have been cut as they are now.
    pub fn emitted(&self) -> BTreeMap<(Option<u32>, Origin), u64> {
        let (mut counts, mut position, end) = (BTreeMap::new(), 0, self.delivered.position());
        while let Some(slot) = self.feed.slots.slot(position).filter(|_| position < end) {
            let whole = slot.next <= end;
            let delivered = |&&row: &&u64| (whole || row < end) && !self.delivered.has_skipped(row);
            for &row in slot.positions.iter().filter(delivered) {
                let trace = self.feed.dataset.trace(&self.feed.cx, row);
                *counts.entry((trace.class, trace.origin)).or_insert(0) += 1;
            }
            position = slot.next;
        }
        counts
    }

    /// Batches that may be under way: the depth asked for, as far as the bytes go, and always one. The first has all threads
    /// to itself, so that it is there soon.
    fn room(&self) -> usize {
        if !self.begun {
            return 1;
        }
        let batch = self.row_bytes.saturating_mul(self.feed.slots.batch_size).max(1);
        self.depth.min((self.feed.cx.flight_share() / batch) as usize).max(1)
    }

    /// Makes one batch more ahead, if it pays, now that somebody waits for the first.
    fn grow(&mut self) {
        let others = self.flight.len() - 1;
        let ready = self.flight.iter().skip(1).filter(|(_, task)| task.is_done()).count();
        if self.depth < self.feed.most && self.flight.len() == self.room() && depth::pays(ready, others) {
            self.depth += 1;
            self.start_more();
        }
    }

    fn start_more(&mut self) {
        while self.flight.len() < self.room() {
            let Some(slot) = self.feed.slots.slot(self.ahead) else {
                return;
            };
            let work = if self.begun {
                self.hint(&slot);
                self.work.clone()
            } else {
                self.work.urgent()
            };
            self.ahead = slot.next;
            let take = Arc::clone(&self.feed).take(work, slot.positions.clone());
            let task = self.feed.cx.spawn(take);
            self.flight.push_back((slot, task));
        }
    }

    /// Says below what comes after `slot`, as many batches as may be under way, soonest first, so that nothing is fetched
    /// before what is needed earlier.
    fn hint(&mut self, slot: &Slot) {
        let ahead = self.room().min(Self::HINTED) as u64;
        let further = self.feed.slots.batch_size.saturating_mul(ahead);
        let until = slot.next.saturating_add(further);
        self.hinted = self.hinted.max(self.ahead);
        while self.hinted < until
            && let Some(next) = self.feed.slots.slot(self.hinted)
        {
            self.feed.hint(&next.positions);
            self.hinted = next.next;
        }
    }

    fn deliver(&mut self, slot: Slot, taken: Taken) -> Result<Batch> {
        let at = self.delivered.position();
        if let Some((quarantine, lines)) = &mut self.quarantine {
            for replaced in &taken.replaced {
                lines.add(&quarantine.line(at, replaced))?;
            }
        }
        self.delivered = self.delivered.after(slot.next, taken.replaced.len() as u64);
        let bytes = taken.rows.get_array_memory_size() as u64 / taken.rows.num_rows().max(1) as u64;
        self.row_bytes = self.row_bytes.max(bytes);
        Ok(Batch {
            rows: taken.rows,
            positions: slot.positions,
            replaced: taken.replaced,
            cursor: self.delivered.clone(),
            feed: Arc::clone(&self.feed),
        })
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
        let result = match Pin::new(task).poll(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                this.grow();
                return Poll::Pending;
            }
        };
        let Some((slot, _)) = this.flight.pop_front() else {
            return Poll::Ready(None);
        };
        this.begun = true;
        let batch = result.and_then(|taken| this.deliver(slot, taken));
        this.start_more();
        Poll::Ready(Some(batch))
    }
}

impl From<Loader> for Blocking {
    fn from(loader: Loader) -> Self {
        Self(loader)
    }
}

/// A [`Loader`] as an iterator; made by [`blocking`](super::LoaderBuilder::blocking).
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
