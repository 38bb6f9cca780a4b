use super::source_order::SourceOrder;
use super::spec::MixSpec;
use super::stopping::StoppingStrategy;
use crate::columns::Scatter;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::mix::piecewise::Piecewise;
use crate::mix::schedule::Schedule;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::rng::Rng;
use crate::rows::one_schema;
use crate::spec::Spec;
use arrow::datatypes::SchemaRef;
use std::num::NonZeroU64;
use std::sync::Arc;

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
    spec: MixSpec,
    schema: SchemaRef,
    order: SourceOrder,
}

impl Mix {
    const NAME: &str = MixSpec::NAME;

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
        let spec = MixSpec {
            weights,
            stop,
            ..MixSpec::default()
        };
        Self::with(sources, spec)
    }

    /// Mixes `sources` by their sizes: one of `n` rows has the weight `n^(1 / temperature)`, as [`MixSpec::temperature`] says.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// # use millstream::mix::{Mix, StoppingStrategy};
    /// # use millstream::source::Memory;
    /// # use millstream::{Dataset, DatasetExt, Result};
    /// # use std::sync::Arc;
    /// # fn rows(count: i64) -> Result<Arc<dyn Dataset>> {
    /// #     let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    /// #     Ok(Arc::new(Memory::new(vec![RecordBatch::try_from_iter([("id", id)])?])?.shuffle()))
    /// # }
    /// // 900 rows and 100: 9 to 1 by size, and 3 to 1 with a temperature of 2.
    /// let mix = Mix::by_size(vec![rows(900)?, rows(100)?], 2.0, StoppingStrategy::AllExhausted)?;
    /// assert_eq!(mix.counts(100), [75, 25]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); `Config` for a temperature that is no number above 0, and for a source without an end.
    pub fn by_size(sources: Vec<Arc<dyn Dataset>>, temperature: f64, stop: StoppingStrategy) -> Result<Self> {
        let spec = MixSpec {
            temperature: Some(temperature),
            stop,
            ..MixSpec::default()
        };
        Self::with(sources, spec)
    }

    /// Mixes `sources` as `spec` says, each with its weight.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new) and [`rows`](Self::rows); `Config` for another number of weights than of sources.
    pub fn with(sources: Vec<Arc<dyn Dataset>>, spec: MixSpec) -> Result<Self> {
        let named = |error: Error| error.context(Self::NAME);
        let schemas: Vec<SchemaRef> = sources.iter().map(|source| source.schema()).collect();
        let schema = one_schema(Self::NAME, &schemas)?;
        spec.check().map_err(named)?;
        let lens: Vec<_> = sources.iter().map(|source| source.len().finite()).collect();
        let weights = spec.weights(
            &lens
                .iter()
                .map(|rows| rows.and_then(NonZeroU64::new))
                .collect::<Vec<_>>(),
        );
        let weights = weights.map_err(named)?;
        if weights.len() != sources.len() {
            let (weights, sources) = (weights.len(), sources.len());
            return Err(named(Error::config(format!("{weights} weights for {sources} sources"))));
        }
        let mut order = SourceOrder::new(&weights, lens, spec.stop)?;
        spec.rows
            .and_then(NonZeroU64::new)
            .into_iter()
            .for_each(|rows| order.set_rows(rows));
        Ok(Self {
            order,
            sources,
            spec,
            schema,
        })
    }

    /// Calls every `rows` rows an epoch where there would be none: the sources go on where they are.
    ///
    /// # Errors
    ///
    /// `Config` under a policy that ends epochs itself, and for no rows.
    pub fn rows(mut self, rows: u64) -> Result<Self> {
        self.spec.rows = Some(rows);
        self.spec.check().map_err(|error| error.context(Self::NAME))?;
        NonZeroU64::new(rows)
            .into_iter()
            .for_each(|rows| self.order.set_rows(rows));
        Ok(self)
    }

    /// Its parameters.
    pub fn spec(&self) -> &MixSpec {
        &self.spec
    }

    /// Which source, in the order in which they were given, the row at `position` is of.
    pub fn source(&self, position: u64) -> usize {
        self.order.at(position).0
    }

    /// How many of the first `prefix` rows of an epoch (under [`CycleForever`](StoppingStrategy::CycleForever): of the run) are of
    /// each source.
    pub fn counts(&self, prefix: u64) -> Vec<u64> {
        self.order.counts(prefix)
    }

    /// The share of each source that is used around `position`.
    pub fn shares(&self, position: u64) -> Vec<f64> {
        self.order.shares(position)
    }

    /// The context of a source: the same threads, a seed of its own.
    fn scope(cx: &Context, source: usize) -> Context {
        cx.with_seed(Rng::new(cx.seed(), Self::NAME, source as u64).next_u64())
    }
}

impl Dataset for Mix {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        self.order.len()
    }

    /// One block: rows of all sources are open at once. Without an end, it is as many rows as the sources have.
    fn blocks(&self) -> Blocks {
        let of_sources = || self.sources.iter().filter_map(|source| source.len().finite());
        let rows = self
            .order
            .len()
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
        let plan = Plan::of(&self.spec).proportions();
        let weights = &self.spec.weights;
        let plan = if weights.iter().all(Schedule::is_constant) {
            plan.note(format_args!("in the proportion {}", self.order.pieces.ratio(0)))
        } else {
            let plan = weights.iter().enumerate().fold(plan, |plan, (source, weight)| {
                plan.note(format_args!("weight {source} {weight}"))
            });
            plan.note(format_args!(
                "a step function of {} steps of whole rows, each a cycle of up to {} rows; from row {} on {}",
                self.order.pieces.ranges().count(),
                Piecewise::SLOTS,
                self.order.pieces.settles(),
                self.order.pieces.ratio(self.order.pieces.settles()),
            ))
        };
        let plan = match (self.spec.stop, self.order.len()) {
            (StoppingStrategy::CycleForever, _) | (_, Len::Endless) => plan,
            (_, Len::Finite(rows)) => plan.note(format_args!("of each source an epoch: {:?}", self.counts(rows.get()))),
        };
        self.sources
            .iter()
            .fold(plan, |plan, source| plan.scope(source.describe()))
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let places = positions.iter().map(|&position| self.order.at(position));
        Scatter::new(self.sources.len(), places).prepare(self.schema(), |source, below| {
            self.sources[source].prepare(&Self::scope(cx, source), below)
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let (source, below) = self.order.at(position);
        self.sources[source].provenance(&Self::scope(cx, source), below)
    }
}
