use super::piecewise::Piecewise;
use super::quota::{Cycle, whole};
use super::schedule::Schedule;
use crate::columns::gather;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::rng::Rng;
use crate::rows::CLASS_NAMES;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use futures::future::{BoxFuture, join_all};
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

/// When an epoch of a [`Mix`] ends, as torchdata's `MultiNodeWeightedSampler` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoppingStrategy {
    /// Before the first row that a source does not have (`FIRST_DATASET_EXHAUSTED`).
    FirstExhausted,
    /// When every row of every source came, once. A source that has run out leaves, and the others go on in the
    /// proportion of their own weights (`ALL_DATASETS_EXHAUSTED`).
    AllExhausted,
    /// Before the row with which the last source would start over. Sources that ran out earlier start over until then
    /// (`CYCLE_UNTIL_ALL_DATASETS_EXHAUSTED`).
    CycleUntilAllExhausted,
    /// Never: a source that has run out starts over (`CYCLE_FOREVER`). Without [`Mix::rows`] there are no epochs.
    CycleForever,
}

impl fmt::Display for StoppingStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstExhausted => "first exhausted",
            Self::AllExhausted => "all exhausted",
            Self::CycleUntilAllExhausted => "cycle until all exhausted",
            Self::CycleForever => "cycle forever",
        })
    }
}

/// Several datasets of one schema in exact proportion.
///
/// With `w` a source's share of the weights that are used, `|count(k) - w k| < 1` for the first `k` rows of an epoch
/// ([`CycleForever`](StoppingStrategy::CycleForever): of the run; [`AllExhausted`](StoppingStrategy::AllExhausted): since the last source left).
/// Weights become the smallest whole numbers in their proportion (0.7, 0.2 and 0.1 become 7 : 2 : 1); where these sum to
/// more than 2^22 they are rounded to parts of 2^20. `explain()` prints what is used.
///
/// Which source comes where is no draw: it is arithmetic on the position, in constant time and memory. Each epoch of the
/// mix begins a new epoch of every source. The sources draw under seeds of their own, so that each may be shuffled:
///
/// ```
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use millstream::mix::{Mix, StoppingStrategy};
/// use millstream::source::Memory;
/// use millstream::{Context, Dataset, DatasetExt, Result};
/// use std::sync::Arc;
///
/// fn rows(from: i64) -> Result<Arc<dyn Dataset>> {
///     let id: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 100));
///     Ok(Arc::new(Memory::new(vec![RecordBatch::try_from_iter([("id", id)])?])?.shuffle()))
/// }
///
/// let mix = Mix::new(vec![(rows(0)?, 0.75), (rows(1000)?, 0.25)], StoppingStrategy::AllExhausted)?;
/// assert_eq!(mix.counts(40), [30, 10]);
/// assert_eq!(mix.len().finite(), Some(200));
/// let cx = Context::with(2, 1 << 20)?;
/// for batch in mix.loader(&cx).batch_size(8).epochs(1).blocking()? {
///     assert_eq!(batch?.rows().num_rows(), 8);
/// }
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug)]
pub struct Mix {
    sources: Vec<Arc<dyn Dataset>>,
    weights: Vec<Schedule>,
    stop: StoppingStrategy,
    schema: SchemaRef,
    pieces: Piecewise,
    len: Len,
    /// By how many positions each source moves on in an epoch of the mix.
    spans: Vec<u64>,
}

impl Mix {
    const NAME: &str = "mix";

    /// Mixes `sources`, each with its weight; weights need not sum to 1. A weight may be a [`Schedule`] over the rows of
    /// the run, for which [`CycleForever`](StoppingStrategy::CycleForever) is the one policy, since the epochs of all others would
    /// differ in length.
    ///
    /// A source without an end never runs out; where an epoch waits for it, the mix has no end either.
    ///
    /// # Errors
    ///
    /// `Config` for no sources, a weight that is not above 0, rows at which all scheduled weights are 0, a schedule under
    /// another policy, and an epoch of more than 2^64 rows; `Schema` where a source has other columns than the first.
    pub fn new<S: Into<Schedule>>(sources: Vec<(Arc<dyn Dataset>, S)>, stop: StoppingStrategy) -> Result<Self> {
        let (sources, weights): (Vec<_>, Vec<Schedule>) = sources
            .into_iter()
            .map(|(source, weight)| (source, weight.into()))
            .unzip();
        let schema = one_schema(&sources)?;
        check(&weights, stop).map_err(|error| error.context(Self::NAME))?;
        let lens: Vec<Option<u64>> = sources.iter().map(|source| source.len().finite()).collect();
        let (pieces, end) = scheduled(&weights, &lens, stop)?;
        let span = |(class, len): (usize, &Option<u64>)| {
            let rows = end.map_or(0, |end| pieces.count(class, end));
            len.map_or(rows, |len| rows.div_ceil(len).saturating_mul(len))
        };
        Ok(Self {
            spans: lens.iter().enumerate().map(span).collect(),
            len: end.and_then(NonZeroU64::new).map_or(Len::Endless, Len::Finite),
            sources,
            weights,
            stop,
            schema,
            pieces,
        })
    }

    /// Calls every `rows` rows an epoch where there would be none: the sources go on where they are.
    ///
    /// # Errors
    ///
    /// `Config` under a policy that ends epochs itself, and for no rows.
    pub fn rows(mut self, rows: u64) -> Result<Self> {
        match NonZeroU64::new(rows) {
            Some(rows) if self.stop == StoppingStrategy::CycleForever => self.len = Len::Finite(rows),
            Some(_) => {
                let text = format!(
                    "mix: under \"{}\" an epoch has its own length; rows() is for CycleForever",
                    self.stop
                );
                return Err(Error::config(text));
            }
            None => return Err(Error::config("mix: an epoch has at least one row")),
        }
        Ok(self)
    }

    /// Which source, in the order in which they were given, the row at `position` is of.
    pub fn source(&self, position: u64) -> usize {
        self.below(position).0
    }

    /// How many of the first `prefix` rows of an epoch (under [`CycleForever`](StoppingStrategy::CycleForever): of the run) are of
    /// each source.
    pub fn counts(&self, prefix: u64) -> Vec<u64> {
        let count = |source| self.pieces.count(source, prefix);
        (0..self.sources.len()).map(count).collect()
    }

    /// The share of each source that is used around `position`.
    pub fn shares(&self, position: u64) -> Vec<f64> {
        let (_, row) = self.split(position);
        let share = |source| self.pieces.share(source, row);
        (0..self.sources.len()).map(share).collect()
    }

    fn split(&self, position: u64) -> (u64, u64) {
        match self.stop {
            StoppingStrategy::CycleForever => (0, position),
            _ => self.len.split(position),
        }
    }

    /// Source and position in it. Positions that no integer holds start over, in whole epochs of the source.
    fn below(&self, position: u64) -> (usize, u64) {
        let (epoch, row) = self.split(position);
        let (source, rank) = self.pieces.at(row);
        let below = u128::from(epoch) * u128::from(self.spans[source]) + u128::from(rank);
        let below = u64::try_from(below).unwrap_or_else(|_| {
            let len = self.sources[source].len().finite().unwrap_or(1);
            (below % u128::from(u64::MAX / len * len)) as u64
        });
        (source, below)
    }

    /// The context of a source: the same threads, a seed of its own.
    fn scope(cx: &Context, source: usize) -> Context {
        cx.with_seed(Rng::new(cx.seed(), Self::NAME, source as u64).next_u64())
    }

    fn parted(&self, positions: &[u64]) -> Parted {
        let mut parted = Parted::default();
        let mut part_of = vec![None; self.sources.len()];
        for &position in positions {
            let (source, below) = self.below(position);
            let part = *part_of[source].get_or_insert_with(|| {
                parted.parts.push((source, Vec::new()));
                parted.parts.len() - 1
            });
            parted.picks.push((part, parted.parts[part].1.len()));
            parted.parts[part].1.push(below);
        }
        parted
    }
}

/// What some positions need of each source.
#[derive(Debug, Default)]
struct Parted {
    /// A source and the positions in it.
    parts: Vec<(usize, Vec<u64>)>,
    /// For each position: a part and an index into it.
    picks: Vec<(usize, usize)>,
}

impl Parted {
    /// A failure in part `part` is one among the positions.
    fn moved(&self, part: usize, error: Error) -> Error {
        let bad = error.index().map(|at| (part, at));
        match bad.and_then(|bad| self.picks.iter().position(|pick| *pick == bad)) {
            Some(at) => error.at(at),
            None => error.unplaced(),
        }
    }

    /// All parts, or of the failures the one that comes first.
    fn whole(&self, results: Vec<Result<RecordBatch>>) -> Result<Vec<RecordBatch>> {
        let (mut parts, mut first) = (Vec::new(), None::<Error>);
        for (part, result) in results.into_iter().enumerate() {
            match result {
                Ok(rows) => parts.push(rows),
                Err(error) => {
                    let error = self.moved(part, error);
                    let at = |error: &Error| error.index().unwrap_or(usize::MAX);
                    if first.as_ref().is_none_or(|first| at(&error) < at(first)) {
                        first = Some(error);
                    }
                }
            }
        }
        first.map_or(Ok(parts), Err)
    }
}

/// What comes where, and where an epoch ends.
fn scheduled(weights: &[Schedule], lens: &[Option<u64>], stop: StoppingStrategy) -> Result<(Piecewise, Option<u64>)> {
    let classes = weights.len();
    if weights.iter().any(|weight| !weight.is_constant()) {
        let schedules: Vec<&Schedule> = weights.iter().collect();
        let shares = |rows| weights.iter().map(|weight| weight.mean(&rows)).collect();
        return Ok((Piecewise::scheduled(classes, &schedules, shares), None));
    }
    let weights: Vec<f64> = weights.iter().map(|weight| weight.at(0)).collect();
    let mut pieces = Piecewise::new(classes);
    if stop == StoppingStrategy::AllExhausted {
        let counts = whole(&weights, Cycle::MOST / classes as u64);
        return leave(pieces, counts, lens);
    }
    pieces.push(u64::MAX, &whole(&weights, Cycle::MOST));
    // The row with which a source would start over; None for one that never does.
    let lacks: Vec<Option<u64>> = (0..classes)
        .map(|class| {
            lens[class]
                .map(|len| pieces.place(class, len).ok_or_else(too_long))
                .transpose()
        })
        .collect::<Result<_>>()?;
    let end = match stop {
        StoppingStrategy::FirstExhausted => lacks.into_iter().flatten().min(),
        StoppingStrategy::CycleUntilAllExhausted => lacks.into_iter().try_fold(0, |end, lack| Some(lack?.max(end))),
        StoppingStrategy::AllExhausted | StoppingStrategy::CycleForever => None,
    };
    Ok((pieces, end))
}

/// A tread for every time that a source runs out and leaves.
fn leave(mut pieces: Piecewise, mut counts: Vec<u64>, lens: &[Option<u64>]) -> Result<(Piecewise, Option<u64>)> {
    loop {
        pieces.push(u64::MAX - pieces.end(), &counts);
        let mut end: Option<u64> = None;
        for class in (0..counts.len()).filter(|&class| counts[class] > 0) {
            let Some(len) = lens[class] else { continue };
            let next = pieces.place(class, len - 1).and_then(|place| place.checked_add(1));
            let next = next.ok_or_else(too_long)?;
            end = Some(end.map_or(next, |end| end.min(next)));
        }
        let Some(end) = end else { return Ok((pieces, None)) };
        let given = pieces.cut(end);
        for class in 0..counts.len() {
            if lens[class] == Some(given[class]) {
                counts[class] = 0;
            }
        }
        if counts.iter().all(|&count| count == 0) {
            return Ok((pieces, Some(end)));
        }
        let weights: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
        counts = whole(&weights, Cycle::MOST);
    }
}

fn too_long() -> Error {
    Error::config("mix: an epoch would have more than 2^64 rows")
}

fn check(weights: &[Schedule], stop: StoppingStrategy) -> Result<()> {
    for (source, weight) in weights.iter().enumerate() {
        weight.check()?;
        let lowest = if weight.is_constant() { f64::MIN_POSITIVE } else { 0.0 };
        if let Some(bad) = weight.values().find(|value| !value.is_finite() || *value < lowest) {
            let text = format!("source {source} cannot have the weight {bad}; a weight is a number above 0");
            return Err(Error::config(text));
        }
        if !weight.is_constant() && stop != StoppingStrategy::CycleForever {
            return Err(Error::config(format!(
                "the weight of source {source} changes over the rows, so that epochs under \"{stop}\" would differ in \
                 length; use CycleForever, and rows() for epochs"
            )));
        }
    }
    let mut breaks: Vec<u64> = weights.iter().flat_map(Schedule::breaks).chain([0]).collect();
    breaks.sort_unstable();
    breaks.dedup();
    let ends = breaks.iter().skip(1).copied().chain([u64::MAX]);
    for (start, end) in breaks.iter().copied().zip(ends) {
        if weights.iter().all(|weight| weight.mean(&(start..end)) <= 0.0) {
            return Err(Error::config(format!(
                "from row {start} on the weights of all sources are 0"
            )));
        }
    }
    Ok(())
}

/// The columns of all sources. One that is nullable in any source is nullable.
fn one_schema(sources: &[Arc<dyn Dataset>]) -> Result<SchemaRef> {
    let first = sources
        .first()
        .ok_or_else(|| Error::config("mix: no sources"))?
        .schema();
    let mut nullable: Vec<bool> = first.fields().iter().map(|field| field.is_nullable()).collect();
    for (source, other) in sources.iter().enumerate().skip(1) {
        let other = other.schema();
        same_columns(source, &first, &other)?;
        for (nullable, field) in nullable.iter_mut().zip(other.fields()) {
            *nullable |= field.is_nullable();
        }
    }
    let fields = first.fields().iter().zip(nullable);
    let fields: Vec<Field> = fields
        .map(|(field, nullable)| field.as_ref().clone().with_nullable(nullable))
        .collect();
    Ok(Arc::new(Schema::new_with_metadata(fields, first.metadata().clone())))
}

fn same_columns(source: usize, first: &Schema, other: &Schema) -> Result<()> {
    let differs = |text: String| Err(Error::schema(format!("mix: {text}")));
    for (at, wanted) in first.fields().iter().enumerate() {
        let name = wanted.name();
        let Ok(found) = other.index_of(name) else {
            return differs(format!("source {source} has no column \"{name}\", source 0 has"));
        };
        if found != at {
            return differs(format!(
                "column \"{name}\" is number {found} in source {source}, number {at} in source 0"
            ));
        }
        let field = other.field(at);
        let (kind, wanted_kind) = (field.data_type(), wanted.data_type());
        if kind != wanted_kind {
            return differs(format!(
                "column \"{name}\" of source {source} is {kind}, of source 0 {wanted_kind}"
            ));
        }
        for key in [CLASS_NAMES, EXTENSION_TYPE_NAME_KEY, EXTENSION_TYPE_METADATA_KEY] {
            let said = |field: &Field| {
                field
                    .metadata()
                    .get(key)
                    .cloned()
                    .unwrap_or_else(|| "nothing".to_owned())
            };
            let (here, there) = (said(field), said(wanted));
            if here != there {
                return differs(format!(
                    "column \"{name}\" of source {source} says {key} {here}, of source 0 {there}"
                ));
            }
        }
    }
    match other.fields().get(first.fields().len()) {
        Some(more) => differs(format!(
            "source {source} has a column \"{}\", source 0 has not",
            more.name()
        )),
        None => Ok(()),
    }
}

impl Dataset for Mix {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        self.len
    }

    /// One block: rows of all sources are open at once. Without an end, it is as many rows as the sources have.
    fn blocks(&self) -> Blocks {
        let of_sources = || self.sources.iter().filter_map(|source| source.len().finite());
        let rows = self
            .len
            .finite()
            .unwrap_or_else(|| of_sources().fold(0, u64::saturating_add))
            .max(1);
        let bytes = |(source, rows): (&Arc<dyn Dataset>, u64)| {
            let blocks = source.blocks();
            let of = blocks.last().map_or(1, |block| block.rows.end).max(1);
            let bytes: u64 = blocks.iter().map(|block| block.bytes).sum();
            (u128::from(bytes) * u128::from(rows.min(of)) / u128::from(of)) as u64
        };
        Arc::new([Block {
            rows: 0..rows,
            bytes: self.sources.iter().zip(self.counts(rows)).map(bytes).sum(),
        }])
    }

    fn describe(&self) -> Plan {
        let plan = Plan::new(Self::NAME).param("stop", self.stop);
        let plan = match self.len {
            Len::Finite(rows) if self.stop == StoppingStrategy::CycleForever => plan.param("rows", rows),
            _ => plan,
        };
        let plan = if self.weights.iter().all(Schedule::is_constant) {
            plan.param("weights", self.pieces.ratio(0))
        } else {
            let plan = self.weights.iter().enumerate().fold(plan, |plan, (source, weight)| {
                plan.param(format!("weight {source}"), weight)
            });
            plan.note(format_args!(
                "a staircase of {} treads of whole rows, each of up to {} slots; from row {} on {}",
                self.pieces.ranges().count(),
                Piecewise::SLOTS,
                self.pieces.settles(),
                self.pieces.ratio(self.pieces.settles()),
            ))
        };
        let plan = match (self.stop, self.len) {
            (StoppingStrategy::CycleForever, _) | (_, Len::Endless) => plan,
            (_, Len::Finite(rows)) => plan.note(format_args!("of each source an epoch: {:?}", self.counts(rows.get()))),
        };
        self.sources
            .iter()
            .fold(plan, |plan, source| plan.scope(source.describe()))
    }

    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        for (source, below) in self.parted(upcoming).parts {
            self.sources[source].hint(&Self::scope(cx, source), &below);
        }
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let parted = self.parted(positions);
            let takes = parted.parts.iter().map(|(source, below)| async move {
                self.sources[*source].take(&Self::scope(cx, *source), below).await
            });
            let parts = parted.whole(join_all(takes).await)?;
            if let [only] = parts.as_slice() {
                let options = RecordBatchOptions::new().with_row_count(Some(only.num_rows()));
                let columns = only.columns().to_vec();
                return Ok(RecordBatch::try_new_with_options(self.schema(), columns, &options)?);
            }
            gather(&self.schema, &parts.iter().collect::<Vec<_>>(), &parted.picks)
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let (source, below) = self.below(position);
        self.sources[source].provenance(&Self::scope(cx, source), below)
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::DatasetExt;
    use crate::testing::Virtual;

    #[test]
    fn a_run_resumes_beyond_two_to_the_33() {
        let cx = Context::with(2, 1 << 26).unwrap().with_seed(4);
        let source = |rows| Arc::new(Virtual::new(rows, 3).unwrap().shuffle()) as Arc<dyn Dataset>;
        let weights = vec![(source(1 << 33), 0.8), (source(1 << 20), 0.2)];
        let mix: Arc<dyn Dataset> = Arc::new(Mix::new(weights, StoppingStrategy::CycleForever).unwrap());
        let open = || Arc::clone(&mix).loader(&cx);
        let far = open().build().unwrap().cursor().after((1 << 33) + 17, 0);
        let cursor = far.to_string().parse().unwrap();
        let mut resumed = open().batch_size(50).resume(&cursor).unwrap().blocking().unwrap();
        let batch = resumed.next().unwrap().unwrap();
        let positions: Vec<u64> = ((1 << 33) + 17..(1 << 33) + 67).collect();
        assert_eq!(batch.positions(), positions);
        assert_eq!(batch.rows(), &cx.block_on(mix.take(&cx, &positions)).unwrap());
        assert_eq!(batch.cursor().position(), (1 << 33) + 67);
    }
}
