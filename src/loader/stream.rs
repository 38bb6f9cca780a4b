use super::batch::Batch;
use super::batch_sampler::BatchIndices;
use super::depth;
use super::fetcher::{Fetcher, Taken, row_bytes};
use super::journal::{JsonLines, Quarantine};
use crate::cursor::Cursor;
use crate::dataset::Origin;
use crate::error::{Error, Result};
use crate::exec::{Context, StopOnDrop, Task, catch};
use crate::prepared::{Prepared, Priority};
use futures::FutureExt;
use futures::stream::{Stream, StreamExt};
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// Batches that are taken together, and their rows before they are read.
type Group = (Vec<BatchIndices>, Prepared);

/// What comes of a take of several batches.
type All = Vec<Result<Taken>>;

/// A stream of batches in an order that depends on the pipeline and the seed alone.
///
/// Batches are made ahead on the context's threads, also while nobody polls. Dropping the loader stops them.
#[derive(Debug)]
pub struct Loader {
    fetcher: Arc<Fetcher>,
    /// First position of the next batch to cut.
    ahead: u64,
    /// Whether a batch was delivered.
    begun: bool,
    /// Batches ahead.
    depth: usize,
    /// Batches that were taken together last.
    together: usize,
    /// Where the next batch to deliver starts.
    delivered: Cursor,
    /// Batches that are prepared, in groups that will be taken together.
    planned: VecDeque<Group>,
    flight: VecDeque<(Vec<BatchIndices>, Task<All>)>,
    ready: VecDeque<(BatchIndices, Result<Taken>)>,
    row_bytes: u64,
    work: Context,
    quarantine: Option<(Quarantine, JsonLines)>,
    _stop: StopOnDrop,
}

impl Loader {
    /// Groups of batches at most that are said to come soon.
    const PLANNED: usize = 64;

    pub(crate) fn new(fetcher: Arc<Fetcher>, start: Cursor) -> Self {
        let (work, stop) = fetcher.cx.stoppable();
        let row_bytes = row_bytes(&*fetcher.dataset);
        Self {
            depth: fetcher.depth,
            fetcher,
            ahead: start.position(),
            begun: false,
            together: 1,
            delivered: start,
            planned: VecDeque::new(),
            flight: VecDeque::new(),
            ready: VecDeque::new(),
            row_bytes,
            work,
            quarantine: None,
            _stop: stop,
        }
    }

    /// A loader that writes down what it does.
    pub(super) fn open(
        fetcher: Arc<Fetcher>,
        quarantine: Option<&Quarantine>,
        journal: Option<&Path>,
        resumed: bool,
    ) -> Result<Self> {
        let start = fetcher.start.clone();
        let skipped = start.skipped().last().filter(|range| range.end == start.position());
        if let Some(path) = journal {
            // What was skipped just now begins where the run would have gone on.
            let from = skipped.map_or(start.position(), |range| range.start);
            let mut lines = JsonLines::open(path, from)?;
            let event = if resumed { "resume" } else { "start" };
            lines.add(
                &json!({"at": from, "event": event, "seed": start.seed(), "batch_size": fetcher.sampler.batch_size}),
            )?;
            if let Some(range) = skipped {
                let rows = range.end - range.start;
                lines.add(&json!({"at": from, "event": "skip", "to": range.end, "rows": rows}))?;
            }
        }
        let lines = |quarantine: &Quarantine| JsonLines::open(&quarantine.path, start.position());
        let lines = quarantine.map(lines).transpose()?;
        let mut loader = Self::new(fetcher, start);
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
        let cx = self.fetcher.cx.for_origins();
        while let Some(slot) = self.fetcher.sampler.slot(position).filter(|_| position < end) {
            let whole = slot.next <= end;
            let delivered = |&&row: &&u64| (whole || row < end) && !self.delivered.has_skipped(row);
            for &row in slot.positions.iter().filter(delivered) {
                let trace = self.fetcher.dataset.provenance(&cx, row);
                *counts.entry((trace.class, trace.origin)).or_insert(0) += 1;
            }
            position = slot.next;
        }
        counts
    }

    /// Bytes of a batch, as far as is known.
    fn batch_bytes(&self) -> u64 {
        self.row_bytes.saturating_mul(self.fetcher.sampler.batch_size).max(1)
    }

    /// Batches that may be under way: the depth asked for, as far as the bytes go, and always one. The first has all threads
    /// to itself, so that it is there soon.
    fn room(&self) -> usize {
        if !self.begun {
            return 1;
        }
        let room = (self.fetcher.cx.batches_share() / self.batch_bytes()) as usize;
        self.depth.min(room).max(1)
    }

    /// Batches that are being made or wait to be delivered.
    fn under_way(&self) -> usize {
        let made: usize = self.flight.iter().map(|(group, _)| group.len()).sum();
        self.ready.len() + made
    }

    /// Makes a take more ahead, if it pays, now that somebody waits for the first.
    fn grow(&mut self) {
        let others = self.flight.len().saturating_sub(1);
        let ready = self.flight.iter().skip(1).filter(|(_, task)| task.is_done()).count();
        let full = self.under_way() + self.together > self.room();
        if self.depth < self.fetcher.most && full && depth::pays(ready, others) {
            self.depth += self.together;
            self.start_more();
        }
    }

    fn start_more(&mut self) {
        loop {
            let (room, under_way) = (self.room(), self.under_way());
            let next = self.planned.front().map_or(1, |(group, _)| group.len());
            if under_way > 0 && under_way + next > room {
                return;
            }
            let priority = match self.begun {
                true => Priority::Normal,
                false => Priority::Urgent,
            };
            if self.begun {
                self.plan(room);
            }
            let Some((group, prepared)) = self.planned.pop_front().or_else(|| self.next_group(room)) else {
                return;
            };
            let batches = group.iter().map(|batch| batch.positions.clone()).collect();
            let take = Arc::clone(&self.fetcher).take_all(self.work.clone(), (prepared, priority), batches);
            let task = self.fetcher.cx.spawn(async { Ok(take.await) });
            self.flight.push_back((group, task));
        }
    }

    /// The batches that come next and are taken together: few at first, so that a run begins soon.
    fn cut(&mut self, room: usize) -> Option<Vec<BatchIndices>> {
        let most = depth::together(self.batch_bytes()).min(room / depth::LEAST).max(1);
        self.together = most.min(2 * self.together);
        let mut group = Vec::with_capacity(self.together);
        while group.len() < self.together
            && let Some(slot) = self.fetcher.sampler.slot(self.ahead)
            // What comes later follows from reports that are still to come.
            && self.fetcher.unknown(&slot).is_none()
        {
            self.ahead = slot.next;
            group.push(slot);
        }
        (!group.is_empty()).then_some(group)
    }

    /// As [`cut`](Self::cut), with their rows prepared.
    fn next_group(&mut self, room: usize) -> Option<Group> {
        let group = self.cut(room)?;
        let positions: Vec<_> = group.iter().map(|batch| batch.positions.as_slice()).collect();
        let prepared = self.fetcher.prepare(&self.work, &positions.concat());
        Some((group, prepared))
    }

    /// Prepares what comes next and starts to fetch it, as many batches as may be under way, soonest first, so that nothing is
    /// fetched before what is needed earlier.
    fn plan(&mut self, room: usize) {
        let mut batches: usize = self.planned.iter().map(|(group, _)| group.len()).sum();
        while batches <= room
            && self.planned.len() < Self::PLANNED
            && let Some((group, prepared)) = self.next_group(room)
        {
            // A panic there is passed over: the rows will show what is wrong.
            let _ = catch(|| {
                prepared.prefetch();
                Ok(())
            });
            batches += group.len();
            self.planned.push_back((group, prepared));
        }
    }

    /// The batches of a take that came to its end.
    fn arrive(&mut self, group: Vec<BatchIndices>, result: Result<All>) {
        match result {
            Ok(taken) => self.ready.extend(group.into_iter().zip(taken)),
            Err(error) => {
                let failed = |slot| (slot, Err(Error::new(error.kind(), error.to_string())));
                self.ready.extend(group.into_iter().map(failed));
            }
        }
    }

    fn deliver(&mut self, slot: BatchIndices, taken: Taken) -> Result<Batch> {
        let at = self.delivered.position();
        if let Some((quarantine, lines)) = &mut self.quarantine {
            for replaced in &taken.replaced {
                lines.add(&quarantine.line(at, replaced))?;
            }
        }
        let delivered = self.delivered.after(slot.next, taken.replaced.len() as u64);
        self.delivered = self.fetcher.marked(delivered);
        self.row_bytes = self.row_bytes.max(taken.row_bytes);
        Ok(Batch {
            rows: taken.rows,
            positions: slot.positions,
            replaced: taken.replaced,
            cursor: self.delivered.clone(),
            fetcher: Arc::clone(&self.fetcher),
        })
    }
}

impl Stream for Loader {
    type Item = Result<Batch>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.start_more();
        while this.ready.is_empty() {
            let Some((_, task)) = this.flight.front_mut() else {
                let next = this.fetcher.sampler.slot(this.ahead);
                return Poll::Ready(next.and_then(|next| this.fetcher.unknown(&next)).map(Err));
            };
            let Poll::Ready(result) = Pin::new(task).poll(cx) else {
                this.grow();
                return Poll::Pending;
            };
            if let Some((group, _)) = this.flight.pop_front() {
                this.arrive(group, result);
            }
        }
        let next = this.ready.pop_front();
        this.begun = true;
        let batch = next.map(|(slot, result)| result.and_then(|taken| this.deliver(slot, taken)));
        this.start_more();
        Poll::Ready(batch)
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
        // Most batches are ready, and then there is nothing to wait for.
        if let Some(ready) = self.0.next().now_or_never() {
            return ready;
        }
        let cx = self.0.fetcher.cx.clone();
        let next = cx.block_on(async { Ok(self.0.next().await) });
        next.unwrap_or_else(|error| Some(Err(error)))
    }
}
