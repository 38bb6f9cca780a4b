use super::deal::{Deal, NAME, Pick, pools};
use super::quota::Cycle;
use super::target::Target;
use crate::context::Context;
use crate::dataset::{Block, Blocks, Dataset, Len, Stable, Trace};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::rows::{Classed, Labels, compact, gather, gather_one};
use crate::synthetic::{Draft, Generator};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Rows in exact class proportions; made by [`balance`](crate::DatasetExt::balance).
///
/// Every aligned block of positions has its quota of each class, to the row where the shares allow it and within one
/// row where they do not. What a class lacks is filled by repeats and, with [`fill`](Self::fill), by a generator. It
/// shuffles the class pools itself: in each pass over a class every row comes once.
#[derive(Debug)]
pub struct Balance<D> {
    base: Classed<D>,
    target: Target,
    window: usize,
    shares: Vec<f64>,
    deal: Deal,
    filler: Option<Filler>,
    held: OnceCell<Held>,
}

#[derive(Debug)]
struct Filler {
    generator: Arc<dyn Generator>,
    share: f64,
}

/// Rows of rare classes that stay in memory, because in random order each would cost a block.
#[derive(Debug, Default)]
struct Held {
    rows: Option<RecordBatch>,
    at: HashMap<u64, u64>,
}

/// What balancing gives a class in one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// The class's name.
    pub name: String,
    /// Stored rows.
    pub stored: u64,
    /// Rows in a balanced epoch.
    pub rows: u64,
    /// How many of these a generator makes.
    pub synthetic: u64,
}

impl<D: Stable> Balance<D> {
    /// Positions in a block, where nothing else is said.
    pub const BLOCK: u64 = 64;

    pub(crate) fn new(base: Classed<D>, target: Target) -> Result<Self> {
        let labels = Arc::clone(base.labels());
        let shares = target.shares(&labels.counts(), labels.names())?;
        let stored = labels.of().len() as u64;
        let window = crate::order::Shuffle::<Classed<D>>::WINDOW;
        let deal = Deal {
            rows: NonZeroU64::new(stored).ok_or_else(|| Error::config("balance: no rows"))?,
            block: Self::BLOCK,
            cycle: Cycle::new(&shares, Self::BLOCK, stored),
            pools: pools(&labels, &base.blocks(), window),
            stored,
            views: base.views(),
        };
        let balance = Self {
            base,
            target,
            window,
            shares,
            deal,
            filler: None,
            held: OnceCell::new(),
        };
        Ok(balance.settled())
    }

    /// Makes an epoch `rows` long; else it has as many rows as the set that is balanced.
    #[must_use]
    pub fn rows(mut self, rows: u64) -> Self {
        self.deal.rows = NonZeroU64::new(rows).unwrap_or(self.deal.rows);
        self.settled()
    }

    /// Makes quotas exact over blocks of `block` positions: best a divisor of the batch size, and a multiple of the
    /// number of classes.
    #[must_use]
    pub fn block(mut self, block: u64) -> Self {
        self.deal.block = block.max(1);
        self.settled()
    }

    /// Fills up to `share` (0 to 1) of what a class is given beyond its stored rows with rows of `generator`, the rest
    /// with repeats. A class that the generator cannot serve is filled by repeats alone.
    ///
    /// # Errors
    ///
    /// `Config` for a share outside 0 to 1.
    pub fn fill(mut self, generator: Arc<dyn Generator>, share: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::config(format!(
                "fill: the synthetic share is {share}, not in 0 to 1"
            )));
        }
        self.filler = Some(Filler { generator, share });
        Ok(self.settled())
    }

    /// The classes of the rows, and their names.
    pub fn labels(&self) -> &Arc<Labels> {
        self.base.labels()
    }

    /// What each class has and is given in an epoch.
    pub fn quotas(&self) -> Vec<Quota> {
        let names = self.labels().names().iter().zip(&self.deal.pools);
        names
            .map(|(name, pool)| Quota {
                name: name.clone(),
                stored: pool.rows.len() as u64,
                rows: pool.quota,
                synthetic: pool.synthetic,
            })
            .collect()
    }

    /// Works out the quotas again after a setting has changed.
    fn settled(mut self) -> Self {
        let rows = self.deal.rows.get();
        let deal = &mut self.deal;
        deal.cycle = Cycle::new(&self.shares, deal.block, rows);
        for (class, pool) in deal.pools.iter_mut().enumerate() {
            pool.quota = deal.cycle.count(class, rows);
            let beyond = pool.quota.saturating_sub(pool.rows.len() as u64);
            let filler = self.filler.as_ref().filter(|filler| filler.generator.can(class as u32));
            pool.synthetic = filler.map_or(0, |filler| (beyond as f64 * filler.share).floor() as u64);
        }
        self
    }

    async fn stored(&self, cx: &Context, positions: &[u64]) -> Result<RecordBatch> {
        let held = self.held.get_or_try_init(|| self.hold(cx)).await?;
        let Some(rows) = &held.rows else {
            return self.base.take(cx, positions).await;
        };
        let missing: Vec<u64> = positions.iter().copied().filter(|p| !held.at.contains_key(p)).collect();
        if missing.is_empty() {
            let rows_at: Vec<u64> = positions.iter().map(|p| held.at[p]).collect();
            return gather_one(rows, &rows_at);
        }
        let taken = self.base.take(cx, &missing).await;
        let taken = taken.map_err(|error| moved(error, &missing, positions))?;
        let mut next = 0;
        let picks = positions.iter().map(|position| match held.at.get(position) {
            Some(&at) => (0, at as usize),
            None => {
                next += 1;
                (1, next - 1)
            }
        });
        gather(&self.schema(), &[rows, &taken], &picks.collect::<Vec<_>>())
    }

    /// The rows that are worth holding. Where one of them is damaged none is held, so that it fails at its own position.
    async fn hold(&self, cx: &Context) -> Result<Held> {
        let rows = self.repeating(cx.held_share());
        if rows.is_empty() {
            return Ok(Held::default());
        }
        match self.base.take(cx, &rows).await {
            Ok(taken) => Ok(Held {
                rows: Some(compact(&taken)?),
                at: rows.into_iter().zip(0..).collect(),
            }),
            Err(error) if error.kind() == ErrorKind::Io => Err(error.unplaced()),
            Err(_) => Ok(Held::default()),
        }
    }

    /// Rows of the classes that repeat, the smallest classes first, as far as `room` bytes go.
    fn repeating(&self, mut room: u64) -> Vec<u64> {
        let bytes: u64 = self.base.blocks().iter().map(|block| block.bytes).sum();
        let all = self.deal.stored * self.deal.views;
        let mut pools: Vec<_> = self.deal.pools.iter().collect();
        pools.retain(|pool| pool.quota - pool.synthetic > pool.rows.len() as u64);
        pools.sort_by_key(|pool| pool.rows.len());
        let mut rows = Vec::new();
        for pool in pools {
            let cost = (u128::from(bytes) * pool.rows.len() as u128 / u128::from(all)) as u64;
            if bytes == 0 || self.deal.views > 1 || cost > room {
                break;
            }
            room -= cost;
            rows.extend_from_slice(&pool.rows);
        }
        rows.sort_unstable();
        rows
    }

    /// What comes at `positions`: stored rows, rows to be made, and for each position which of the two and where in it.
    fn sorted(&self, cx: &Context, positions: &[u64]) -> Sorted {
        let (mut sorted, mut picker) = (Sorted::default(), self.deal.picker(cx.seed()));
        for &position in positions {
            sorted.add(picker.pick(position));
        }
        sorted
    }
}

/// What some positions need, by where it comes from.
#[derive(Debug, Default)]
struct Sorted {
    stored: Vec<u64>,
    made: Vec<Draft>,
    /// For each position: 0 and an index into `stored`, or 1 and an index into `made`.
    picks: Vec<(usize, usize)>,
}

impl Sorted {
    fn add(&mut self, pick: Pick) {
        match pick {
            Pick::Stored { position, .. } => {
                self.picks.push((0, self.stored.len()));
                self.stored.push(position);
            }
            Pick::Made(draft) => {
                self.picks.push((1, self.made.len()));
                self.made.push(draft);
            }
        }
    }

    /// A failure in part `part` is one among the positions.
    fn moved(&self, part: usize, error: Error) -> Error {
        let bad = error.index().map(|at| (part, at));
        match bad.and_then(|bad| self.picks.iter().position(|pick| *pick == bad)) {
            Some(at) => error.at(at),
            None => error.unplaced(),
        }
    }
}

/// A failure among `missing` is one among `positions`.
fn moved(error: Error, missing: &[u64], positions: &[u64]) -> Error {
    let bad = error.index().and_then(|at| missing.get(at));
    match bad.and_then(|bad| positions.iter().position(|position| position == bad)) {
        Some(at) => error.at(at),
        None => error.unplaced(),
    }
}

impl<D: Stable> Dataset for Balance<D> {
    fn schema(&self) -> SchemaRef {
        self.base.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.deal.rows)
    }

    fn blocks(&self) -> Blocks {
        let bytes = self.base.blocks().iter().map(|block| block.bytes).sum();
        Arc::new([Block {
            rows: 0..self.deal.rows.get(),
            bytes,
        }])
    }

    fn describe(&self) -> Plan {
        let plan = Plan::new(NAME)
            .random()
            .param("target", &self.target)
            .param("rows", self.deal.rows)
            .param("block", self.deal.block)
            .param("window", self.window);
        let plan = self.quotas().into_iter().fold(plan, |plan, class| {
            let repeats = (class.rows - class.synthetic) as f64 / class.stored.max(1) as f64;
            plan.note(format_args!(
                "{:<16} {:>8} stored -> {:>8} an epoch: each {repeats:.2} times, {} synthetic",
                class.name, class.stored, class.rows, class.synthetic
            ))
        });
        let plan = match &self.filler {
            Some(filler) => plan.param("synthetic", filler.share).input(filler.generator.describe()),
            None => plan,
        };
        plan.input(self.base.describe())
    }

    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        self.base.hint(cx, &self.sorted(cx, upcoming).stored);
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let sorted = self.sorted(cx, positions);
            let stored = self.stored(cx, &sorted.stored);
            let filler = match &self.filler {
                Some(filler) if !sorted.made.is_empty() => filler,
                _ => return stored.await.map_err(|error| sorted.moved(0, error)),
            };
            let made = filler.generator.generate(cx, &sorted.made).await;
            let made = made.map_err(|error| sorted.moved(1, error))?;
            let made = RecordBatch::try_new(self.schema(), made.columns().to_vec())?;
            if sorted.stored.is_empty() {
                return Ok(made);
            }
            let stored = stored.await.map_err(|error| sorted.moved(0, error))?;
            gather(&self.schema(), &[&stored, &made], &sorted.picks)
        })
    }

    fn trace(&self, cx: &Context, position: u64) -> Trace {
        match self.deal.picker(cx.seed()).pick(position) {
            Pick::Stored { position, occurrence } => Trace {
                occurrence,
                ..self.base.trace(cx, position)
            },
            Pick::Made(draft) => match &self.filler {
                Some(filler) => filler.generator.trace(cx, draft),
                None => Trace::default(),
            },
        }
    }
}
