use super::quota::Cycle;
use super::target::Target;
use crate::context::Context;
use crate::dataset::{Block, Blocks, Dataset, Len, Stable, Trace};
use crate::error::{Error, Result};
use crate::order::OrderCache;
use crate::plan::Plan;
use crate::rng::{Permutation, Rng, stream};
use crate::rows::{Classed, Labels, copied, gather, interleave};
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
    rows: NonZeroU64,
    block: u64,
    window: usize,
    shares: Vec<f64>,
    cycle: Cycle,
    pools: Vec<Pool>,
    filler: Option<Filler>,
    held: OnceCell<Held>,
}

/// The rows of one class.
#[derive(Debug)]
struct Pool {
    rows: Vec<u64>,
    orders: OrderCache,
    /// Rows of the class in an epoch, and how many of them are synthetic.
    quota: u64,
    synthetic: u64,
}

#[derive(Debug)]
struct Filler {
    generator: Arc<dyn Generator>,
    share: f64,
}

/// Rows of rare classes that stay in memory, because in random order each would cost a block.
#[derive(Debug)]
struct Held {
    rows: Option<RecordBatch>,
    at: HashMap<u64, u64>,
}

/// What comes at a position.
#[derive(Clone, Copy, Debug)]
enum Pick {
    /// A position of the base, and how often its row came before.
    Stored {
        position: u64,
        occurrence: u64,
    },
    Made(Draft),
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
    const NAME: &str = "balance";

    pub(crate) fn new(base: Classed<D>, target: Target) -> Result<Self> {
        let labels = Arc::clone(base.labels());
        let shares = target.shares(&labels.counts(), labels.names())?;
        let rows = NonZeroU64::new(labels.of().len() as u64).ok_or_else(|| Error::config("balance: no rows"))?;
        let window = crate::order::Shuffle::<Classed<D>>::WINDOW;
        let pools = pools(&labels, &base.blocks(), window);
        let cycle = Cycle::new(&shares, Self::BLOCK);
        let block = Self::BLOCK;
        let held = OnceCell::new();
        Ok(Self {
            base,
            target,
            rows,
            block,
            window,
            shares,
            cycle,
            pools,
            filler: None,
            held,
        }
        .settled())
    }

    /// Makes an epoch `rows` long; else it has as many rows as the set that is balanced.
    #[must_use]
    pub fn rows(mut self, rows: u64) -> Self {
        self.rows = NonZeroU64::new(rows).unwrap_or(self.rows);
        self.settled()
    }

    /// Makes quotas exact over blocks of `block` positions: best a divisor of the batch size, and a multiple of the
    /// number of classes.
    #[must_use]
    pub fn block(mut self, block: u64) -> Self {
        self.block = block.max(1);
        self.cycle = Cycle::new(&self.shares, self.block);
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
        let names = self.labels().names().iter().zip(&self.pools);
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
        for (class, pool) in self.pools.iter_mut().enumerate() {
            pool.quota = self.cycle.count(class, self.rows.get());
            let beyond = pool.quota.saturating_sub(pool.rows.len() as u64);
            let filler = self.filler.as_ref().filter(|filler| filler.generator.can(class as u32));
            pool.synthetic = filler.map_or(0, |filler| (beyond as f64 * filler.share).floor() as u64);
        }
        self
    }

    /// What comes at `position`.
    fn pick(&self, cx: &Context, position: u64) -> Pick {
        let (epoch, row) = (position / self.rows, position % self.rows);
        let (class, rank) = self.cycle.at(self.shuffled(cx, epoch, row));
        let pool = &self.pools[class];
        let rank = pool.spread(cx, epoch, class, rank);
        let stored = pool.quota - pool.synthetic;
        if rank >= stored {
            let index = epoch * pool.synthetic + (rank - stored);
            return Pick::Made(Draft {
                class: class as u32,
                index,
            });
        }
        let drawn = epoch * stored + rank;
        let (pass, at) = (drawn / pool.rows.len() as u64, drawn % pool.rows.len() as u64);
        let order = pool.orders.get(cx.seed(), Self::NAME, &[1, class as u64, pass]);
        let row = pool.rows[order.get(at) as usize];
        let view = pass % self.base.views();
        Pick::Stored {
            position: view * self.labels().of().len() as u64 + row,
            occurrence: pass,
        }
    }

    /// Rows of a block come in random order.
    fn shuffled(&self, cx: &Context, epoch: u64, row: u64) -> u64 {
        let first = row / self.block * self.block;
        let size = self.block.min(self.rows.get() - first);
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[0, epoch, first]));
        first + Permutation::new(size, &mut rng).get(row - first)
    }

    async fn stored(&self, cx: &Context, positions: &[u64]) -> Result<RecordBatch> {
        let held = self.held.get_or_try_init(|| self.hold(cx)).await?;
        let Some(rows) = &held.rows else {
            return self.base.take(cx, positions).await;
        };
        let missing: Vec<u64> = positions.iter().copied().filter(|p| !held.at.contains_key(p)).collect();
        if missing.is_empty() {
            let rows_at: Vec<u64> = positions.iter().map(|p| held.at[p]).collect();
            return gather(rows, &rows_at);
        }
        let taken = self
            .base
            .take(cx, &missing)
            .await
            .map_err(|e| moved(e, &missing, positions))?;
        let mut next = 0;
        let picks = positions.iter().map(|position| match held.at.get(position) {
            Some(&at) => (0, at as usize),
            None => {
                next += 1;
                (1, next - 1)
            }
        });
        interleave(&[rows, &taken], &picks.collect::<Vec<_>>())
    }

    /// Takes the classes that repeat, the smallest first, as far as the budget goes.
    async fn hold(&self, cx: &Context) -> Result<Held> {
        let blocks = self.base.blocks();
        let bytes: u64 = blocks.iter().map(|block| block.bytes).sum();
        let stored = blocks
            .iter()
            .map(|block| block.rows.end - block.rows.start)
            .sum::<u64>()
            .max(1);
        let mut repeating: Vec<&Pool> = self
            .pools
            .iter()
            .filter(|pool| pool.quota > pool.rows.len() as u64)
            .collect();
        repeating.sort_by_key(|pool| pool.rows.len());
        let (mut rows, mut room) = (Vec::new(), cx.quarter());
        for pool in repeating {
            let cost = pool.rows.len() as u64 * bytes / stored;
            if bytes == 0 || self.base.views() > 1 || cost > room {
                break;
            }
            room -= cost;
            rows.extend_from_slice(&pool.rows);
        }
        rows.sort_unstable();
        let at = rows.iter().copied().zip(0..).collect();
        let rows = match rows.as_slice() {
            [] => None,
            rows => Some(copied(&self.base.take(cx, rows).await.map_err(|e| unplaced(e, rows))?)?),
        };
        Ok(Held { rows, at })
    }
}

/// A failure among `missing` is one among `positions`.
fn moved(error: Error, missing: &[u64], positions: &[u64]) -> Error {
    let bad = error.index().and_then(|at| missing.get(at));
    match bad.and_then(|bad| positions.iter().position(|position| position == bad)) {
        Some(at) => error.at(at),
        None => error,
    }
}

/// A failure while rare rows are fetched is at no position of the caller.
fn unplaced(error: Error, rows: &[u64]) -> Error {
    match error.index().and_then(|at| rows.get(at)) {
        Some(row) => error.unplaced().context(format!("row {row} of a rare class")),
        None => error.context("rows of rare classes"),
    }
}

impl Pool {
    /// Mixes synthetic among stored rows over the whole epoch.
    fn spread(&self, cx: &Context, epoch: u64, class: usize, rank: u64) -> u64 {
        if self.synthetic == 0 {
            return rank;
        }
        let mut rng = Rng::new(cx.seed(), "balance", stream(&[2, epoch, class as u64]));
        Permutation::new(self.quota, &mut rng).get(rank)
    }
}

fn pools(labels: &Labels, blocks: &Blocks, window: usize) -> Vec<Pool> {
    let mut rows = vec![Vec::new(); labels.names().len()];
    let mut lengths = vec![Vec::new(); labels.names().len()];
    for block in blocks
        .iter()
        .take_while(|block| block.rows.start < labels.of().len() as u64)
    {
        let before: Vec<usize> = rows.iter().map(Vec::len).collect();
        for row in block.rows.clone() {
            rows[labels.of()[row as usize] as usize].push(row);
        }
        for (class, before) in before
            .into_iter()
            .enumerate()
            .filter(|(class, before)| rows[*class].len() > *before)
        {
            lengths[class].push((rows[class].len() - before) as u64);
        }
    }
    let both = rows.into_iter().zip(lengths);
    both.map(|(rows, lengths)| Pool {
        rows,
        orders: OrderCache::new(lengths, window),
        quota: 0,
        synthetic: 0,
    })
    .collect()
}

impl<D: Stable> Dataset for Balance<D> {
    fn schema(&self) -> SchemaRef {
        self.base.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.rows)
    }

    fn blocks(&self) -> Blocks {
        let bytes = self.base.blocks().iter().map(|block| block.bytes).sum();
        Arc::new([Block {
            rows: 0..self.rows.get(),
            bytes,
        }])
    }

    fn describe(&self) -> Plan {
        let plan = Plan::new(Self::NAME)
            .random()
            .param("target", &self.target)
            .param("rows", self.rows)
            .param("block", self.block)
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
        let below = upcoming.iter().filter_map(|&position| match self.pick(cx, position) {
            Pick::Stored { position, .. } => Some(position),
            Pick::Made(_) => None,
        });
        self.base.hint(cx, &below.collect::<Vec<_>>());
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (mut stored, mut made, mut picks) = (Vec::new(), Vec::new(), Vec::with_capacity(positions.len()));
            for &position in positions {
                match self.pick(cx, position) {
                    Pick::Stored { position, .. } => {
                        picks.push((0, stored.len()));
                        stored.push(position);
                    }
                    Pick::Made(draft) => {
                        picks.push((1, made.len()));
                        made.push(draft);
                    }
                }
            }
            let failed = |part: usize| {
                let picks = picks.clone();
                move |error: Error| match error
                    .index()
                    .and_then(|at| picks.iter().position(|pick| *pick == (part, at)))
                {
                    Some(at) => error.at(at),
                    None => error,
                }
            };
            let filler = match (&self.filler, made.is_empty()) {
                (Some(filler), false) => filler,
                _ => return self.stored(cx, &stored).await.map_err(failed(0)),
            };
            let made = filler.generator.generate(cx, &made).await.map_err(failed(1))?;
            if stored.is_empty() {
                return Ok(made);
            }
            let stored = self.stored(cx, &stored).await.map_err(failed(0))?;
            let made = RecordBatch::try_new(stored.schema(), made.columns().to_vec())?;
            interleave(&[&stored, &made], &picks)
        })
    }

    fn trace(&self, cx: &Context, position: u64) -> Trace {
        match self.pick(cx, position) {
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
