//! A stream in order as balanced segments.

use super::load::{Rules, Segment, Wanted};
use super::spec::SegmentsSpec;
use crate::columns::{Scatter, index_of};
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance};
use crate::error::{Error, Result};
use crate::exec::stream_room::StreamRoom;
use crate::exec::{Context, Task};
use crate::order::Sampler;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::counted;
use crate::rng::{Rng, stream};
use crate::rows::{CLASS_NAMES, ClassesSpec, Labels, encoded_schema};
use crate::spec::Spec;
use crate::synthetic::{Generator, second_generator};
use arrow::datatypes::SchemaRef;
use futures::FutureExt;
use futures::future::Shared;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::Semaphore;

/// The name under which segments draw.
const NAME: &str = SegmentsSpec::NAME;

/// Rows of a stream, in segments each of which has exact class proportions; made by [`segments`](crate::DatasetExt::segments).
///
/// The rows below are gone through once, in their order: no label is scanned before, so they may have no end. `rows` of them at a time are a
/// segment, which lies in memory while its rows come, shuffled and balanced as a [`Balance`](super::super::Balance) does: what a class has too many of is left out, what it
/// lacks is repeated or, with [`fill`](Self::fill), made by a generator. Position `p` is row `p % emit` of segment `p / emit`, so a run resumes by
/// reading one segment.
///
/// Segments lie inside of the budget of the context, of which they leave room for what is beside them: tables, and a batch that was delivered. Up to six segments' worth of
/// bytes are in memory at a time (two are read, each twice while it is put together, and two are there), so one has a sixth of `7/16 * budget - 16 MiB`, and 1 MiB in any
/// case: a larger one is an error (`Budget`) that says which budget would hold it.
#[derive(Debug)]
pub struct Segments<D> {
    inner: Arc<Inner<D>>,
    schema: SchemaRef,
}

#[derive(Debug)]
struct Inner<D> {
    base: Arc<D>,
    rules: Arc<Rules>,
    layout: Layout,
    /// Segments in memory or on their way, the newest last.
    recent: Mutex<Vec<Kept>>,
    /// Bytes for them, and how many may be read at a time.
    room: Arc<OnceLock<StreamRoom>>,
    reads: Arc<Semaphore>,
}

#[derive(Debug)]
struct Kept {
    key: Key,
    load: Shared<Task<Arc<Segment>>>,
}

/// Seed of the run, epoch, and which segment of it.
type Key = (u64, u64, u64);

/// Where segments begin and end.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Rows of the stream in a segment, and those that come of it.
    rows: u64,
    emit: u64,
    /// Rows of the stream in an epoch, and those that come.
    epoch: Option<(u64, NonZeroU64)>,
}

impl Layout {
    /// # Errors
    ///
    /// `Config` where more rows would come in an epoch than [are counted](SegmentsSpec::MOST).
    fn new(spec: &SegmentsSpec, len: Len) -> Result<Self> {
        let emit = spec.emit.unwrap_or(spec.rows);
        let mut epoch = None;
        if let Some(rows) = len.finite() {
            let rest = Self::of_rest(rows % spec.rows, spec.rows, emit);
            let all = u128::from(rows / spec.rows) * u128::from(emit) + u128::from(rest);
            let most = SegmentsSpec::MOST;
            let all = u64::try_from(all).ok().filter(|all| *all <= most).ok_or_else(|| {
                Error::config(format!(
                    "emit: {emit} of each {} of {} are {all} in an epoch, and at most {most} (2^53) are counted one by one: let fewer come of a segment",
                    counted(spec.rows, "row"),
                    counted(rows, "row")
                ))
                .context(NAME)
            })?;
            epoch = NonZeroU64::new(all).map(|all| (rows, all));
        }
        Ok(Self {
            rows: spec.rows,
            emit,
            epoch,
        })
    }

    /// Rows that come of a last segment of `rest` rows, at least one.
    fn of_rest(rest: u64, rows: u64, emit: u64) -> u64 {
        match rest {
            0 => 0,
            rest => ((u128::from(rest) * u128::from(emit) / u128::from(rows)) as u64).max(1),
        }
    }

    /// The epoch and segment of `position`, and which row of it.
    fn at(&self, position: u64) -> (u64, u64, u64) {
        let (epoch, row) = match self.epoch {
            Some((_, emitted)) => (position / emitted, position % emitted),
            None => (0, position),
        };
        (epoch, row / self.emit, row % self.emit)
    }

    /// What segment `segment` of epoch `epoch` is made of, in the run of `seed`.
    fn wanted(&self, (seed, epoch, segment): Key) -> Wanted {
        let first = epoch * self.epoch.map_or(0, |(rows, _)| rows) + segment * self.rows;
        let left = self.epoch.map_or(self.rows, |(rows, _)| rows - segment * self.rows);
        let rows = self.rows.min(left);
        Wanted {
            rows: first..first + rows,
            seed: Rng::new(seed, NAME, stream(&[epoch, segment])).next_u64(),
            emit: match rows == self.rows {
                true => self.emit,
                false => Self::of_rest(rows, self.rows, self.emit),
            },
        }
    }
}

impl<D: Dataset> Segments<D> {
    pub(crate) fn new(base: D, spec: &SegmentsSpec) -> Result<Self> {
        spec.check().map_err(|error| error.context(NAME))?;
        let below = base.schema();
        let at = index_of(&below, &spec.column)?;
        let stored = below.field(at).metadata().get(CLASS_NAMES);
        let own: Option<Vec<String>> = stored.and_then(|names| serde_json::from_str(names).ok());
        let names = match (own, spec.classes.as_slice()) {
            (Some(own), []) => own,
            (None, [_, ..]) => spec.classes.clone(),
            (Some(_), _) => {
                return Err(Error::config(
                    "segments: the column has class names of its own: leave classes out",
                ));
            }
            (None, []) => {
                return Err(Error::config(format!(
                    "segments: column {:?} has no class names, and a stream cannot be scanned for them: give classes",
                    spec.column
                )));
            }
        };
        let classes = Labels::like_column(&spec.column, names, below.field(at))?;
        // Those that no segment could meet are found out now.
        spec.target
            .shares(&vec![1; classes.names().len()], classes.names())
            .map_err(|error| error.context(NAME))?;
        let schema = encoded_schema(&below, at, &spec.column, classes.names());
        let rules = Rules {
            spec: spec.clone(),
            classes,
            filler: None,
        };
        Ok(Self {
            inner: Arc::new(Inner::new(Arc::new(base), rules)?),
            schema,
        })
    }

    /// Fills up to `share` (0 to 1) of what a class is given beyond its rows of a segment with rows of `generator`, the rest with repeats.
    ///
    /// # Errors
    ///
    /// `Config` for a share outside 0 to 1, and for a second generator: one makes all synthetic rows.
    pub fn fill(self, generator: Arc<dyn Generator>, share: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::config(format!(
                "fill: the synthetic share is {share}, not in 0 to 1"
            )));
        }
        if let Some((other, _)) = &self.inner.rules.filler {
            return Err(second_generator(&**other));
        }
        let rules = Rules {
            spec: self.spec().clone(),
            classes: self.inner.rules.classes.clone(),
            filler: Some((generator, share)),
        };
        Ok(Self {
            inner: Arc::new(Inner::new(Arc::clone(&self.inner.base), rules)?),
            schema: self.schema,
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &SegmentsSpec {
        &self.inner.rules.spec
    }
}

impl<D: Dataset> Inner<D> {
    /// Segments that stay in memory, however little room there is: the one that comes, and the next one.
    const KEPT: usize = 2;

    fn new(base: Arc<D>, rules: Rules) -> Result<Self> {
        Ok(Self {
            layout: Layout::new(&rules.spec, base.len())?,
            base,
            rules: Arc::new(rules),
            recent: Mutex::default(),
            room: Arc::default(),
            reads: Arc::new(Semaphore::new(Self::KEPT)),
        })
    }

    /// The segment `key`, in memory or on its way.
    fn load(&self, cx: &Context, key: Key) -> Shared<Task<Arc<Segment>>> {
        let room = self.room.get_or_init(|| StreamRoom::reserve(cx)).kept();
        let mut recent = self.lock();
        if let Some(at) = recent.iter().position(|kept| kept.key == key) {
            // One that failed is read again: a file may be there by then.
            let kept = recent.remove(at);
            if !kept.load.peek().is_some_and(|done| done.is_err()) {
                let load = kept.load.clone();
                recent.push(kept);
                return load;
            }
        }
        let (base, rules) = (Arc::clone(&self.base), Arc::clone(&self.rules));
        let (wanted, inner) = (self.layout.wanted(key), cx.clone());
        let (reads, room_of) = (Arc::clone(&self.reads), Arc::clone(&self.room));
        let load = async move {
            let _permit = reads.acquire().await;
            let room = room_of.get_or_init(|| StreamRoom::reserve(&inner));
            Segment::load(&inner, &*base, &rules, (&wanted, room))
                .await
                .map(Arc::new)
        };
        let load = cx.spawn(load).shared();
        recent.push(Kept {
            key,
            load: load.clone(),
        });
        // The oldest make room: their rows have come.
        let bytes = |kept: &Kept| match kept.load.peek() {
            Some(Ok(segment)) => segment.bytes,
            _ => 0,
        };
        while recent.len() > Self::KEPT && recent.iter().map(bytes).sum::<u64>() > room {
            recent.remove(0);
        }
        load
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The context in which the rows of a segment are drawn.
    fn seeded(&self, cx: &Context, key: Key) -> Context {
        cx.with_seed(self.layout.wanted(key).seed)
    }

    fn traced(&self, cx: &Context, position: u64) -> Result<Provenance> {
        let (epoch, segment, row) = self.layout.at(position);
        let key = (cx.seed(), epoch, segment);
        let segment = cx.wait(self.load(cx, key))?;
        let inner = self.seeded(cx, key);
        let trace = segment.balance.provenance(&inner, row);
        Ok(match segment.balance.base_rows(&inner, &[row]).first() {
            Some(Some(stored)) => Provenance {
                class: trace.class,
                occurrence: trace.occurrence,
                ..self.base.provenance(cx, segment.rows.start + stored)
            },
            _ => trace,
        })
    }
}

impl<D: Dataset> Dataset for Segments<D> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        self.inner
            .layout
            .epoch
            .map_or(Len::Endless, |(_, emitted)| Len::Finite(emitted))
    }

    /// One block a segment; one alone where there is no end.
    fn blocks(&self) -> Blocks {
        let below = self.inner.base.blocks();
        let bytes: u64 = below.iter().map(|block| block.bytes).sum();
        let rows = below.last().map_or(1, |block| block.rows.end).max(1);
        let of = |rows_of: u64| (u128::from(bytes) * u128::from(rows_of) / u128::from(rows)) as u64;
        let Some((_, emitted)) = self.inner.layout.epoch else {
            let rows = 0..self.inner.layout.emit;
            return Arc::new([Block {
                rows,
                bytes: of(self.inner.layout.rows),
            }]);
        };
        let starts = (0..emitted.get()).step_by(self.inner.layout.emit as usize);
        starts
            .map(|start| Block {
                rows: start..emitted.get().min(start + self.inner.layout.emit),
                bytes: of(self.inner.layout.rows),
            })
            .collect()
    }

    fn describe(&self) -> Plan {
        let (spec, classes) = (&self.inner.rules.spec, &self.inner.rules.classes);
        let encoded = Plan::of(&ClassesSpec {
            column: spec.column.clone(),
        });
        let encoded = encoded.param("classes", format_args!("{:?}", classes.names()));
        let plan = Plan::of(spec)
            .random()
            .proportions()
            .streamed(spec.most_bytes)
            .note(format_args!(
                "{} of the stream at a time, of which {} come; each row is read once, in order",
                counted(self.inner.layout.rows, "row"),
                self.inner.layout.emit
            ))
            .note(format_args!(
                "a segment of {} takes at most {} KiB, and no more than the budget has for it; a class without rows in a segment has no share there",
                counted(classes.names().len(), "class"),
                spec.most_bytes >> 10
            ));
        let plan = match &self.inner.rules.filler {
            Some((generator, share)) => plan.param("synthetic", share).input(generator.describe()),
            None => plan,
        };
        plan.input(encoded.input(self.inner.base.describe()))
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let places: Vec<_> = positions
            .iter()
            .map(|&position| self.inner.layout.at(position))
            .collect();
        let mut keys: Vec<Key> = places
            .iter()
            .map(|&(epoch, segment, _)| (cx.seed(), epoch, segment))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let child = |&(epoch, segment, row): &(u64, u64, u64)| {
            let at = keys.partition_point(|key| *key < (cx.seed(), epoch, segment));
            (at, row)
        };
        let scatter = Scatter::new(keys.len(), places.iter().map(child));
        scatter.prepare(self.schema(), |at, rows| {
            let (key, rows) = (keys[at], rows.to_vec());
            let (inner, cx) = (Arc::clone(&self.inner), cx.clone());
            // Read when the rows are wanted, so that what is far ahead takes no memory.
            Prepared::new(async move {
                let segment = inner.load(&cx, key).await?;
                segment.balance.prepare(&inner.seeded(&cx, key), &rows).rows().await
            })
        })
    }

    /// Where a row comes from follows from the labels of its segment, which is read for it where it is not in memory. None is known of a segment that cannot be read.
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.inner.traced(cx, position).unwrap_or_default()
    }
}
