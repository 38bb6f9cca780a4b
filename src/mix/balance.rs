use super::cap::{capped, limit, synthetic};
use super::class_sampler::{ClassSampler, NAME, Pick, ScheduledShares, Sorted, Stored};
use super::piecewise::Piecewise;
use super::pool::pools;
use super::quota::{Cycle, whole};
use super::read_ahead::{Part, ReadAhead};
use super::read_plan::{DataLayout, ReadPlan};
use super::schedule::Schedule;
use super::target::Target;
use crate::columns::{compact, gather};
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::order::{Hinted, OrderCache};
use crate::plan::Plan;
use crate::rows::scan_cache::cached;
use crate::rows::{ClassEncoded, Labels};
use crate::synthetic::Generator;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;
use xxhash_rust::xxh3::xxh3_128;

/// Rows in exact class proportions; made by [`balance`](crate::DatasetExt::balance).
///
/// Every aligned block of positions has its quota of each class, to the row where the shares allow it and within one
/// row where they do not. A class without rows has the share 0. What a class lacks is filled by repeats and, with
/// [`fill`](Self::fill), by a generator. It shuffles the class pools itself: in each pass over a class every row comes once.
#[derive(Debug)]
pub struct Balance<D> {
    base: Arc<ClassEncoded<D>>,
    target: Target,
    store: DataLayout,
    shares: Vec<f64>,
    /// Rows of an epoch, as asked for.
    rows: NonZeroU64,
    toward: Option<Toward>,
    cap: Option<u64>,
    sampler: ClassSampler,
    filler: Option<Filler>,
    held: OnceCell<ResidentRows<D>>,
    hinted: Hinted<Sorted>,
}

#[derive(Debug)]
struct Filler {
    generator: Arc<dyn Generator>,
    share: Schedule,
}

/// The target that the first one becomes.
#[derive(Debug)]
struct Toward {
    target: Target,
    shares: Vec<f64>,
    share: Schedule,
}

/// Rows that are in memory before their turn comes, because in random order each would cost a block.
#[derive(Debug)]
struct ResidentRows<D> {
    /// The rows of rare classes, which stay, and their positions, ascending.
    rows: Option<RecordBatch>,
    positions: Vec<u64>,
    /// Those of other classes come and go.
    ahead: Option<ReadAhead<D>>,
}

impl<D> ResidentRows<D> {
    /// Where the row at `position` is in `rows`.
    fn find(&self, position: u64) -> Option<usize> {
        self.positions.binary_search(&position).ok()
    }
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

    pub(crate) fn new(cx: &Context, base: ClassEncoded<D>, target: Target) -> Result<Self> {
        let labels = Arc::clone(base.labels());
        let shares = target.shares(&labels.counts(), labels.names())?;
        let (stored, blocks) = (labels.len(), base.blocks());
        let window = crate::order::Shuffle::<ClassEncoded<D>>::WINDOW;
        let (pools, table) = pools(&labels, &blocks, window);
        let store = DataLayout {
            blocks: blocks.len() as u64,
            bytes: blocks.iter().map(|block| block.bytes).sum(),
            window: window as u64,
            held: 0,
            cache: 0,
        };
        let rows = NonZeroU64::new(stored).ok_or_else(|| Error::config("balance: no rows"))?;
        let sampler = ClassSampler {
            rows,
            scheduled: None,
            fresh: false,
            block: Self::BLOCK,
            cycle: Cycle::new(&shares, Self::BLOCK, stored),
            recent: Mutex::new((0..pools.len()).map(|_| OrderCache::default()).collect()),
            pools,
            table,
            stored,
            views: base.views(),
        };
        let balance = Self {
            base: Arc::new(base),
            target,
            store: store.under(cx),
            shares,
            rows,
            toward: None,
            cap: None,
            sampler,
            filler: None,
            held: OnceCell::new(),
            hinted: Hinted::default(),
        };
        Ok(balance.settled())
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
        self.sampler.block = block.max(1);
        self.settled()
    }

    /// Fills up to `share` (0 to 1) of what a class is given beyond its stored rows with rows of `generator`, the rest
    /// with repeats. A class that the generator cannot serve is filled by repeats alone. The share may be a [`Schedule`]
    /// over the rows of the run: a warm-up, a ramp, off for the last epochs.
    ///
    /// # Errors
    ///
    /// `Config` for a share outside 0 to 1, and for a schedule beside a [`cap`](Self::cap).
    pub fn fill(mut self, generator: Arc<dyn Generator>, share: impl Into<Schedule>) -> Result<Self> {
        let share = share.into();
        within(&share, "fill: the synthetic share")?;
        self.filler = Some(Filler { generator, share });
        self.checked()
    }

    /// Goes from the target over to `target` as `share` goes from 0 to 1: at 0.25 a class's share is three quarters of
    /// what the first target gives it and one quarter of what this one does. From the data's own proportions to uniform:
    /// `balance(.., Target::Power(1.0))`, then `.toward(Target::Uniform, Schedule::constant(0.0).ramp(0..100_000, 1.0))`.
    ///
    /// A ramp is a staircase, of at most 1,024 treads, in which quotas are exact at the end of every block; bends are moved
    /// down to a multiple of the block. Blocks and passes then go on over the ends of epochs.
    ///
    /// # Errors
    ///
    /// `Config` for a share outside 0 to 1, a target that does not fit the classes, and beside a [`cap`](Self::cap).
    pub fn toward(mut self, target: Target, share: impl Into<Schedule>) -> Result<Self> {
        let share = share.into();
        within(&share, "toward: the share of the second target")?;
        let labels = self.labels();
        let shares = target.shares(&labels.counts(), labels.names())?;
        self.toward = Some(Toward { target, shares, share });
        self.checked()
    }

    /// No stored row comes more than `times` times an epoch. What a class would lack goes to the other classes, in
    /// proportion to their shares; where every class is full, the epoch is shorter. Synthetic rows do not count.
    ///
    /// Every epoch then begins a new pass over each class, so that a row which the last pass of an epoch left out is not
    /// made up for in the next; an occurrence counts the passes.
    ///
    /// # Errors
    ///
    /// `Config` for 0 times, and beside a schedule, whose epochs differ.
    pub fn cap(mut self, times: u64) -> Result<Self> {
        if times == 0 {
            return Err(Error::config(
                "cap: a row that may come 0 times never comes; the least is 1",
            ));
        }
        self.cap = Some(times);
        self.checked()
    }

    fn checked(self) -> Result<Self> {
        if self.cap.is_some() && self.is_scheduled() {
            return Err(Error::config(
                "cap: epochs differ where a schedule changes them, so nothing can be capped",
            ));
        }
        Ok(self.settled())
    }

    fn is_scheduled(&self) -> bool {
        self.toward.is_some() || self.filler.as_ref().is_some_and(|filler| !filler.share.is_constant())
    }

    /// The classes of the rows, and their names.
    pub fn labels(&self) -> &Arc<Labels> {
        self.base.labels()
    }

    /// What each class has and is given in an epoch; in the first one, where a schedule changes it.
    pub fn quotas(&self) -> Vec<Quota> {
        let names = self.labels().names().iter().zip(&self.sampler.pools);
        names
            .map(|(name, pool)| Quota {
                name: name.clone(),
                stored: pool.len(),
                rows: pool.quota,
                synthetic: pool.synthetic,
            })
            .collect()
    }

    /// How often an epoch reads the data, at most: with the memory of the context that balanced it, and beside the rows that
    /// are read once and then held. `explain()` prints it.
    pub fn passes(&self) -> f64 {
        self.read_plan(self.store).passes
    }

    /// Works out the quotas again after a setting has changed.
    fn settled(mut self) -> Self {
        (self.held, self.hinted) = (OnceCell::new(), Hinted::default());
        let (rows, shares) = self.capped();
        self.sampler.rows = rows;
        self.sampler.fresh = self.cap.is_some();
        self.sampler.cycle = Cycle::new(&shares, self.sampler.block, rows.get());
        self.sampler.scheduled = self.is_scheduled().then(|| self.scheduled());
        let quotas: Vec<_> = (0..shares.len()).map(|class| self.given(class, 0)).collect();
        for (pool, (quota, synthetic)) in self.sampler.pools.iter_mut().zip(quotas) {
            (pool.quota, pool.synthetic) = (quota, synthetic);
        }
        self
    }

    /// Rows of `class` in an epoch, and how many of them are synthetic.
    fn given(&self, class: usize, epoch: u64) -> (u64, u64) {
        let (sampler, rows) = (&self.sampler, self.sampler.rows.get());
        let Some(scheduled) = &sampler.scheduled else {
            let quota = sampler.cycle.count(class, rows);
            return (
                quota,
                synthetic(quota, sampler.pools[class].len(), self.synthetic_share(class)),
            );
        };
        let until = |epoch: u64| scheduled.count(class, epoch.saturating_mul(rows));
        let (before, after) = (until(epoch), until(epoch + 1));
        (after.0 - before.0, after.1 - before.1)
    }

    fn synthetic_share(&self, class: usize) -> f64 {
        self.made(class).map_or(0.0, |share| share.at(0))
    }

    /// What the cap of `times` has changed, in words.
    fn changed(&self, times: u64) -> String {
        let (before, rows) = (
            Cycle::new(&self.shares, self.sampler.block, self.rows.get()),
            self.sampler.rows,
        );
        let of = |(class, name): (usize, &String)| {
            let (was, is) = (before.count(class, self.rows.get()), self.sampler.pools[class].quota);
            (was != is).then(|| format!("{name} {was} -> {is}"))
        };
        let changed: Vec<_> = self.labels().names().iter().enumerate().filter_map(of).collect();
        let changed = if changed.is_empty() {
            "changes nothing".to_owned()
        } else {
            changed.join(", ")
        };
        let shorter = if rows < self.rows {
            format!("; {rows} rows an epoch, not {}", self.rows)
        } else {
            String::new()
        };
        format!("cap {times}: {changed}{shorter}")
    }

    /// What share of what goes beyond its stored rows is made, for a class that the generator can serve.
    fn made(&self, class: usize) -> Option<&Schedule> {
        let filler = self
            .filler
            .as_ref()
            .filter(|filler| filler.generator.supports(class as u32));
        filler.map(|filler| &filler.share)
    }

    /// Rows of an epoch and shares of the classes under the cap.
    fn capped(&self) -> (NonZeroU64, Vec<f64>) {
        let Some(times) = self.cap else {
            return (self.rows, self.shares.clone());
        };
        let most = |(class, stored): (usize, u64)| limit(stored, self.synthetic_share(class), times);
        let most: Vec<Option<u64>> = self.labels().counts().into_iter().enumerate().map(most).collect();
        let (mut limits, mut tries) = (most.clone(), 2 * most.len() + 2);
        loop {
            let (rows, shares) = capped(&self.shares, self.rows.get(), &limits);
            let cycle = Cycle::new(&shares, self.sampler.block, rows);
            let mut fits = true;
            for (class, limit) in limits.iter_mut().enumerate() {
                let over = most[class].map_or(0, |most| cycle.count(class, rows).saturating_sub(most));
                if let Some(limit) = limit.as_mut().filter(|_| over > 0) {
                    // Rounding to the cycle's slots has given it a slot too many.
                    *limit = limit.saturating_sub(over.max(rows.div_ceil(cycle.len())));
                    fits = false;
                }
            }
            tries -= 1;
            if fits || tries == 0 {
                return (NonZeroU64::new(rows).unwrap_or(self.rows), shares);
            }
        }
    }

    /// What comes where, if the target or the synthetic share changes.
    fn scheduled(&self) -> ScheduledShares {
        let (block, rows, counts) = (
            self.sampler.block,
            self.sampler.rows.get() as f64,
            self.labels().counts(),
        );
        let blend = self
            .toward
            .as_ref()
            .map(|toward| (toward.share.aligned(block), &toward.shares));
        let fill = self.filler.as_ref().map(|filler| filler.share.aligned(block));
        let schedules: Vec<&Schedule> = blend.iter().map(|(share, _)| share).chain(&fill).collect();
        let shares = |rows: Range<u64>| match &blend {
            Some((share, second)) => {
                let x = share.mean(&rows);
                let both = self.shares.iter().zip(*second);
                both.map(|(first, second)| (1.0 - x) * first + x * second).collect()
            }
            None => self.shares.clone(),
        };
        let classes = Piecewise::scheduled(counts.len(), &schedules, shares);
        let most = (Cycle::MOST / counts.len() as u64).clamp(1 << 10, 1 << 16);
        let of_class = |class: usize| {
            let mut made = Piecewise::new(2);
            for range in classes.ranges() {
                let natural = counts[class] as f64 / rows;
                let beyond = (1.0 - natural / classes.share(class, range.start)).max(0.0);
                let fill = fill.as_ref().filter(|_| self.made(class).is_some());
                let share = fill.map_or(0.0, |fill| fill.mean(&range) * beyond);
                if range.end == u64::MAX {
                    made.push(u64::MAX - made.end(), &whole(&[1.0 - share, share], most));
                } else {
                    made.rise(classes.count(class, range.end) - made.end(), &[1.0 - share, share]);
                }
            }
            made
        };
        let made = (0..counts.len()).map(of_class).collect();
        ScheduledShares { classes, made }
    }

    /// `rows`: from what is held, from what was read ahead, and from the base.
    async fn stored(&self, cx: &Context, rows: &[Stored]) -> Result<RecordBatch> {
        let held = self.held.get_or_try_init(|| self.hold(cx)).await?;
        let mut sources: Vec<RecordBatch> = held.rows.iter().cloned().collect();
        let mut at: Vec<Option<(usize, usize)>> = rows.iter().map(|row| Some((0, held.find(row.position)?))).collect();
        if let Some(ahead) = &held.ahead {
            let left: Vec<usize> = (0..rows.len()).filter(|&i| at[i].is_none()).collect();
            let wanted: Vec<Stored> = left.iter().map(|&i| rows[i]).collect();
            let parts = ahead.parts(cx, &self.sampler, &wanted).await;
            let mut places = Places::default();
            for (i, part) in left.into_iter().zip(&parts) {
                at[i] = part
                    .as_ref()
                    .and_then(|part| places.of(part, rows[i].position, &mut sources));
            }
        }
        let missing: Vec<usize> = (0..rows.len()).filter(|&i| at[i].is_none()).collect();
        let positions: Vec<u64> = missing.iter().map(|&i| rows[i].position).collect();
        let below = held.ahead.as_ref().map(|ahead| ahead.below(cx));
        let cx = below.as_ref().unwrap_or(cx);
        if missing.len() == rows.len() {
            return self.base.take(cx, &positions).await;
        }
        if !missing.is_empty() {
            let taken = self.base.take(cx, &positions).await;
            let place = |error: Error| match error.index().and_then(|at| missing.get(at)) {
                Some(&at) => error.at(at),
                None => error.unplaced(),
            };
            sources.push(taken.map_err(place)?);
            for (row, &i) in missing.iter().enumerate() {
                at[i] = Some((sources.len() - 1, row));
            }
        }
        let at: Vec<_> = at.into_iter().flatten().collect();
        let (schema, ahead) = (self.schema(), held.ahead.is_some());
        let bytes = self.row_bytes().saturating_mul(at.len() as u64);
        let spare = Arc::clone(cx.buffers());
        let pick = move || {
            let rows = gather(&schema, &sources.iter().collect::<Vec<_>>(), &at)?;
            // Strings and binary values would hold on to what was read ahead.
            if ahead { compact(&rows, &spare) } else { Ok(rows) }
        };
        cx.compute_sized(bytes, pick).await
    }

    /// What an epoch reads, in words.
    fn read(&self) -> String {
        let reads = self.read_plan(self.store);
        let rows: u64 = reads.held.iter().map(|&class| self.sampler.pools[class].len()).sum();
        let ahead = match reads.budget.is_none() {
            true => "",
            false => "; those of others are read ahead of their turn",
        };
        format!(
            "an epoch reads the data at most {:.1} times; {rows} rows of {} classes are held in memory{ahead}",
            reads.passes,
            reads.held.len()
        )
    }

    fn row_bytes(&self) -> u64 {
        self.store.bytes / (self.sampler.stored * self.sampler.views)
    }

    /// Reads the rows that are worth holding. Where one of them is damaged none is held, so that it fails at its own position.
    async fn hold(&self, cx: &Context) -> Result<ResidentRows<D>> {
        let reads = self.read_plan(self.store.under(cx));
        let of_class = |&class: &usize| self.sampler.table.rows(&self.sampler.pools[class]);
        let mut positions: Vec<u64> = reads.held.iter().flat_map(of_class).collect();
        positions.sort_unstable();
        let ahead = !reads.budget.is_none();
        let mut held = ResidentRows {
            rows: None,
            positions: Vec::new(),
            ahead: ahead.then(|| ReadAhead::new(&self.base, reads.budget, self.row_bytes())),
        };
        if positions.is_empty() {
            return Ok(held);
        }
        let what: Vec<u8> = positions.iter().flat_map(|row| row.to_le_bytes()).collect();
        let what = format!("rows {:032x}", xxh3_128(&what));
        let taken = async { compact(&self.base.take(cx, &positions).await?, cx.buffers()) };
        match cached(cx, &self.base, &what, self.schema(), taken).await {
            Ok(taken) => (held.rows, held.positions) = (Some(taken), positions),
            Err(error) if error.kind() == ErrorKind::Io => return Err(error.unplaced()),
            Err(_) => {}
        }
        Ok(held)
    }

    /// How the rows of each class are read from `store`.
    fn read_plan(&self, store: DataLayout) -> ReadPlan {
        // Under a schedule a class may begin to repeat later.
        let settled = self
            .sampler
            .scheduled
            .as_ref()
            .map_or(0, |scheduled| scheduled.classes.settles() / self.sampler.rows + 1);
        let drawn = |class: usize, epoch| {
            let (quota, synthetic) = self.given(class, epoch);
            quota - synthetic
        };
        let of_class = |class: usize| {
            let (first, later) = (drawn(class, 0), drawn(class, settled));
            (first.max(later), first.max(later) > self.sampler.pools[class].len())
        };
        let (drawn, repeat): (Vec<u64>, Vec<bool>) = (0..self.sampler.pools.len()).map(of_class).unzip();
        ReadPlan::new(&self.sampler, store, &drawn, &repeat)
    }

    /// What comes at `positions`: stored rows, rows to be made, and for each position which of the two and where in it.
    fn sorted(&self, cx: &Context, positions: &[u64]) -> Sorted {
        self.sampler.picker(cx.seed()).sorted(positions)
    }

    /// As [`sorted`](Self::sorted), as it was worked out when it was hinted.
    fn hinted(&self, cx: &Context, positions: &[u64]) -> Sorted {
        let known = self.hinted.take(cx.seed(), positions);
        known.unwrap_or_else(|| self.sorted(cx, positions))
    }
}

/// Batches of parts, each once.
#[derive(Debug, Default)]
struct Places(HashMap<(usize, usize), usize>);

impl Places {
    /// Where among `sources` the row at `position` is, which is in `part`.
    fn of(&mut self, part: &Arc<Part>, position: u64, sources: &mut Vec<RecordBatch>) -> Option<(usize, usize)> {
        let (batch, row) = part.locate(position)?;
        let source = *self.0.entry((Arc::as_ptr(part).addr(), batch)).or_insert_with(|| {
            sources.push(part.batches[batch].clone());
            sources.len() - 1
        });
        Some((source, row))
    }
}

/// Refuses a schedule that leaves 0 to 1.
fn within(share: &Schedule, what: &str) -> Result<()> {
    share.check()?;
    match share.values().find(|value| !(0.0..=1.0).contains(value)) {
        Some(bad) => Err(Error::config(format!("{what} is {bad}, not in 0 to 1"))),
        None => Ok(()),
    }
}

impl<D: Stable> Dataset for Balance<D> {
    fn schema(&self) -> SchemaRef {
        self.base.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.sampler.rows)
    }

    fn blocks(&self) -> Blocks {
        let bytes = self.base.blocks().iter().map(|block| block.bytes).sum();
        Arc::new([Block {
            rows: 0..self.sampler.rows.get(),
            bytes,
        }])
    }

    fn describe(&self) -> Plan {
        let plan = Plan::new(NAME)
            .random()
            .holds()
            .param("target", &self.target)
            .param("rows", self.sampler.rows)
            .param("block", self.sampler.block)
            .param("window", self.store.window)
            .resident(self.sampler.table.bytes());
        let plan = match &self.toward {
            Some(toward) => plan
                .param("toward", &toward.target)
                .param("by", toward.share.aligned(self.sampler.block)),
            None => plan,
        };
        let plan = match self.cap {
            Some(times) => plan.param("cap", times).note(self.changed(times)),
            None => plan,
        };
        let plan = match &self.sampler.scheduled {
            Some(scheduled) => plan.note(format_args!(
                "a staircase of {} treads of whole rows, each of up to {} slots, until row {}; the first epoch:",
                scheduled.classes.ranges().count(),
                Piecewise::SLOTS,
                scheduled.classes.settles()
            )),
            None => plan,
        };
        let quotas = self.quotas();
        let empty: Vec<_> = quotas.iter().filter(|class| class.stored == 0).collect();
        let empty: Vec<_> = empty.iter().map(|class| format!("{:?}", class.name)).collect();
        let plan = match empty.is_empty() {
            true => plan,
            false => plan.note(format_args!(
                "classes without rows have the share 0: {}",
                empty.join(", ")
            )),
        };
        let plan = quotas
            .iter()
            .filter(|class| class.stored > 0)
            .fold(plan, |plan, class| {
                let repeats = (class.rows - class.synthetic) as f64 / class.stored as f64;
                plan.note(format_args!(
                    "{:<16} {:>8} stored -> {:>8} an epoch: each {repeats:.2} times, {} synthetic",
                    class.name, class.stored, class.rows, class.synthetic
                ))
            });
        let pools = self.sampler.pools.iter().zip(self.labels().names());
        let plan = match pools.max_by_key(|(pool, _)| pool.len()) {
            Some((pool, name)) => {
                let (own, uniform) = pool.quality();
                plan.note(format_args!(
                    "classes are mixed by quota; a pass over {name}: neighbours from one block {:.1} % (uniform {:.1} %)",
                    own.adjacent * 100.0,
                    uniform.adjacent * 100.0
                ))
            }
            None => plan,
        };
        let plan = match self.store.bytes > 0 && self.sampler.views == 1 {
            true => plan.note(self.read()),
            false => plan,
        };
        let plan = match &self.filler {
            Some(filler) if filler.share.is_constant() => plan
                .param("synthetic", &filler.share)
                .input(filler.generator.describe()),
            Some(filler) => plan
                .param("synthetic", filler.share.aligned(self.sampler.block))
                .input(filler.generator.describe()),
            None => plan,
        };
        plan.input(self.base.describe())
    }

    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        let sorted = self.sorted(cx, upcoming);
        let (mut stored, mut below) = (sorted.stored.clone(), None);
        if let Some(held) = self.held.get() {
            stored.retain(|row| held.find(row.position).is_none());
            if let Some(ahead) = &held.ahead {
                stored = ahead.hint(cx, &self.sampler, stored);
                below = Some(ahead.below(cx));
            }
        }
        let positions: Vec<u64> = stored.iter().map(|row| row.position).collect();
        self.base.hint(below.as_ref().unwrap_or(cx), &positions);
        self.hinted.keep(cx.seed(), upcoming, sorted);
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let sorted = self.hinted(cx, positions);
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

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        match self.sampler.picker(cx.seed()).pick(position) {
            Pick::Stored(row) => Provenance {
                occurrence: row.pass,
                ..self.base.provenance(cx, row.position)
            },
            Pick::Made(sample) => match &self.filler {
                Some(filler) => filler.generator.provenance(cx, sample),
                None => Provenance::default(),
            },
        }
    }
}
