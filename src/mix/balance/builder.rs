//! The settings of a balance.

use super::batch_quotas::BatchQuotas;
use super::class_sampler::ClassSampler;
use super::pool::pools;
use super::read_plan::{DataLayout, ReadPlan};
use super::resident::ResidentRows;
use super::spec::{BalanceSpec, TowardSpec, within};
use crate::columns::index_of;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::mix::cycle::Cycle;
use crate::mix::feedback::{Feedback, FeedbackSpec};
use crate::mix::schedule::Schedule;
use crate::mix::target::Target;
use crate::order::OrderCache;
use crate::rows::{ClassEncoded, Key, LabelKind, Labels, MultiLabels};
use crate::spec::Spec;
use crate::synthetic::{Generator, second_generator};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;

/// Rows in exact class proportions; made by [`balance`](crate::DatasetExt::balance).
///
/// Every aligned block of positions has its quota of each class, to the row where the shares allow it and within one
/// row where they do not. A class without rows has the share 0. What a class lacks is filled by repeats and, with
/// [`fill`](Self::fill), by a generator. It shuffles the class pools itself: in each pass over a class every row comes once.
///
/// Passes follow one another in time, but for the rows of a block, which come in random order. With [`fill`](Self::fill) under a constant share it is so from epoch to epoch alone:
/// synthetic and stored rows of a class are mixed over the whole epoch, so that a row may come again before another one came first. At the end of each epoch no row
/// of a class has come more than once more often than another.
#[derive(Debug)]
pub struct Balance<D> {
    pub(super) base: Arc<ClassEncoded<D>>,
    /// What it balances by: the classes of the rows, or cells of another key.
    labels: Arc<Labels>,
    /// The key, if it is by another one than the class; none inside where the caller worked that out.
    pub(super) key: Option<Option<Key>>,
    /// Rows that have each class, where a row has several and counts for the rarest.
    pub(super) with: Option<Vec<u64>>,
    pub(super) layout: DataLayout,
    pub(super) target: Target,
    /// What the target gives each class.
    pub(super) shares: Vec<f64>,
    /// Rows of an epoch, as asked for.
    pub(super) rows: NonZeroU64,
    pub(super) toward: Option<Toward>,
    pub(super) cap: Option<u64>,
    pub(super) filler: Option<Filler>,
    pub(super) batch: Option<BatchQuotas>,
    pub(super) feedback: Option<(Feedback, FeedbackSpec)>,
    /// Which row comes where: worked out from the settings.
    pub(super) sampler: Arc<ClassSampler>,
    /// Filled when the first rows are read.
    pub(super) resident: Arc<OnceCell<ResidentRows<D>>>,
}

/// What makes synthetic rows, and what share of what goes beyond a class's stored rows they are.
#[derive(Debug)]
pub(super) struct Filler {
    pub(super) generator: Arc<dyn Generator>,
    pub(super) share: Schedule,
}

/// The target that the first one becomes.
#[derive(Debug)]
pub(super) struct Toward {
    pub(super) target: Target,
    pub(super) shares: Vec<f64>,
    pub(super) share: Schedule,
}

impl<D: Stable> Balance<D> {
    /// Default number of positions in a block.
    pub const BLOCK: u64 = 64;

    /// Scans the classes in `column`.
    pub(crate) async fn scan(cx: &Context, rows: D, column: &str, target: Target) -> Result<Self> {
        let schema = rows.schema();
        LabelKind::one_class_to_balance(schema.field(index_of(&schema, column)?))?;
        let labels = Arc::new(Labels::scan(cx, &rows, column).await?);
        Self::new(cx, ClassEncoded::new(rows, (&labels).into())?, labels, None, target)
    }

    pub(in crate::mix) fn new(
        cx: &Context,
        base: ClassEncoded<D>,
        labels: Arc<Labels>,
        with: Option<Vec<u64>>,
        target: Target,
    ) -> Result<Self> {
        let counts = labels.counts();
        let with_class = with.as_ref().unwrap_or(&counts);
        let shares = target.shares_of(&counts, with_class, labels.names())?;
        let rows = target.rows(&counts, with_class).unwrap_or_else(|| labels.len());
        let (stored, blocks) = (labels.len(), base.blocks());
        let window = crate::order::Shuffle::<ClassEncoded<D>>::WINDOW;
        let (pools, table) = pools(&labels, &blocks, window);
        let layout = DataLayout {
            blocks: blocks.len() as u64,
            bytes: blocks.iter().map(|block| block.bytes).sum(),
            window: window as u64,
            held: 0,
            cache: 0,
        };
        let rows = NonZeroU64::new(rows).ok_or_else(|| Error::config("balance: no rows"))?;
        let sampler = ClassSampler {
            rows,
            scheduled: None,
            batches: None,
            feedback: None,
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
            labels,
            key: None,
            with,
            target,
            layout: layout.under(cx),
            shares,
            rows,
            toward: None,
            cap: None,
            sampler: Arc::new(sampler),
            filler: None,
            batch: None,
            feedback: None,
            resident: Arc::default(),
        };
        Ok(balance.settled())
    }

    /// Its parameters.
    pub fn spec(&self) -> BalanceSpec {
        let toward = self.toward.as_ref().map(|toward| TowardSpec {
            target: toward.target.clone(),
            share: toward.share.clone(),
        });
        BalanceSpec {
            target: self.target.clone(),
            by: self.key.clone().flatten(),
            batch: self.batch.as_ref().map(|batch| batch.spec.clone()),
            feedback: self.feedback.as_ref().map(|(_, rule)| rule.clone()),
            rows: (self.rows.get() != self.usual_rows()).then_some(self.rows.get()),
            block: self.sampler.block,
            toward,
            cap: self.cap,
            synthetic: self
                .filler
                .as_ref()
                .filter(|_| self.batch.is_none())
                .map(|filler| filler.share.clone()),
        }
    }

    /// A balance of `spec`, whose synthetic rows `generator` makes.
    ///
    /// # Errors
    ///
    /// As the methods that set single parameters; `Config` for a synthetic share without a generator.
    pub(crate) async fn of(
        cx: &Context,
        rows: D,
        column: &str,
        spec: &BalanceSpec,
        generator: Option<Arc<dyn Generator>>,
    ) -> Result<Self> {
        Spec::check(spec)?;
        if let Some(key) = &spec.by {
            let cells = Arc::new(key.scan(cx, &rows).await.map_err(|error| error.context("by"))?);
            return Self::by_cells(cx, rows, column, cells, spec, generator).await;
        }
        Self::scan(cx, rows, column, spec.target.clone())
            .await?
            .set(spec, generator)
    }

    /// A balance of `spec` over rows with several classes, each of which counts for the rarest one. What the classes are made of stays
    /// as it is; the class that a row counts for becomes a column of its own.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of); `Config` where there is not one list of classes for each row, `Schema` where a column is called as that of the
    /// rarest classes.
    pub(crate) fn rarest(
        cx: &Context,
        rows: D,
        classes: &MultiLabels,
        spec: &BalanceSpec,
        generator: Option<Arc<dyn Generator>>,
    ) -> Result<Self> {
        Spec::check(spec)?;
        if spec.by.is_some() {
            return Err(Error::config(
                "by: rows with several classes are balanced by the rarest of them alone",
            ));
        }
        let labels = Arc::new(classes.rarest());
        let with = classes.rows_with(&labels);
        let base = ClassEncoded::appended(rows, (&labels).into())?;
        Self::new(cx, base, labels, Some(with), spec.target.clone())?.set(spec, generator)
    }

    /// With what `spec` has beside the target.
    pub(super) fn set(self, spec: &BalanceSpec, generator: Option<Arc<dyn Generator>>) -> Result<Self> {
        if spec.feedback.is_some() {
            return Err(Error::config(
                "feedback: the reports are in a file that a spec does not name: leave it out, and call `Balance::feedback`",
            ));
        }
        let mut balance = self.block(spec.block);
        if let Some(rows) = spec.rows {
            balance = balance.rows(rows);
        }
        if let Some(toward) = &spec.toward {
            balance = balance.toward(toward.target.clone(), toward.share.clone())?;
        }
        if let Some(batch) = &spec.batch {
            balance = balance.batches(batch.size, &batch.parts, generator.clone())?;
        }
        match (&spec.synthetic, generator) {
            (Some(share), Some(generator)) => balance = balance.fill(generator, share.clone())?,
            (Some(_), None) => {
                return Err(Error::config(
                    "synthetic: a share of rows that a generator makes needs a generator",
                ));
            }
            (None, _) => {}
        }
        match spec.cap {
            Some(times) => balance.cap(times),
            None => Ok(balance),
        }
    }

    /// Makes an epoch `rows` long; else it has as many rows as the set that is balanced, and with a [repeat factor](Target::RepeatFactor)
    /// as many as the factors of all rows sum to.
    #[must_use]
    pub fn rows(mut self, rows: u64) -> Self {
        self.rows = NonZeroU64::new(rows).unwrap_or(self.rows);
        self.settled()
    }

    /// Makes quotas exact over blocks of `block` positions: best a divisor of the batch size, and a multiple of the
    /// number of classes.
    #[must_use]
    pub fn block(mut self, block: u64) -> Self {
        Arc::make_mut(&mut self.sampler).block = block.max(1);
        self.settled()
    }

    /// Fills up to `share` (0 to 1) of what a class is given beyond its stored rows with rows of `generator`, the rest
    /// with repeats. A class that the generator cannot serve is filled by repeats alone. The share may be a [`Schedule`]
    /// over the rows of the run: a warm-up, a ramp, off for the last epochs.
    ///
    /// Under a constant share the rows of an epoch, synthetic and stored ones, come in random order in it; under a schedule in the order of their numbers, but for the rows of a block.
    ///
    /// # Errors
    ///
    /// `Config` for a share outside 0 to 1, for a schedule beside a [`cap`](Self::cap), in a balance by
    /// cells for a generator that is not [fitted by](crate::synthetic::ByCell) them, and for a second generator: one makes all synthetic rows.
    pub fn fill(mut self, generator: Arc<dyn Generator>, share: impl Into<Schedule>) -> Result<Self> {
        let share = share.into();
        within(&share, "fill: the synthetic share")?;
        self.check_generator(&*generator)?;
        if let Some(filler) = &self.filler {
            return Err(second_generator(&*filler.generator));
        }
        self.filler = Some(Filler { generator, share });
        self.checked()
    }

    /// Goes from the target over to `target` as `share` goes from 0 to 1: at 0.25 a class's share is three quarters of
    /// what the first target gives it and one quarter of what this one does. From the data's own proportions to uniform:
    /// `balance(.., Target::Power(1.0))`, then `.toward(Target::Uniform, Schedule::constant(0.0).ramp(0..100_000, 1.0))`.
    ///
    /// A ramp becomes a step function, of at most 1,024 steps, in which quotas are exact at the end of every block; bends are moved
    /// down to a multiple of the block. Blocks and passes then go on over the ends of epochs.
    ///
    /// # Errors
    ///
    /// `Config` for a share outside 0 to 1, a target that does not fit the classes, and beside a [`cap`](Self::cap).
    pub fn toward(mut self, target: Target, share: impl Into<Schedule>) -> Result<Self> {
        let share = share.into();
        within(&share, "toward: the share of the second target")?;
        let counts = self.labels.counts();
        let with = self.with.as_ref().unwrap_or(&counts);
        let shares = target.shares_of(&counts, with, self.labels.names())?;
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

    pub(super) fn checked(self) -> Result<Self> {
        self.check_together()?;
        Ok(self.settled())
    }

    /// Whether rows come as often as a repeat factor says.
    pub(super) fn is_repeated(&self) -> bool {
        matches!(self.target, Target::RepeatFactor(_))
    }

    /// Default number of rows of an epoch.
    fn usual_rows(&self) -> u64 {
        let counts = self.labels.counts();
        let rows = self.target.rows(&counts, self.with.as_ref().unwrap_or(&counts));
        rows.unwrap_or(self.sampler.stored)
    }

    /// Whether classes are dealt over the whole run, not anew in each epoch: where their shares change, and where a row may be due every
    /// other epoch.
    pub(super) fn is_scheduled(&self) -> bool {
        self.is_repeated()
            || self.toward.is_some()
            || self.filler.as_ref().is_some_and(|filler| !filler.share.is_constant())
    }

    /// What it balances by: the classes of the rows and their names, or the cells of another key.
    pub fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    /// How often an epoch reads the data, at most: with the memory of the context that balanced it, of which no other balance
    /// holds any, and beside the rows that are read once and then held. `explain()` prints it.
    pub fn passes(&self) -> f64 {
        ReadPlan::new(&self.sampler, self.layout).passes
    }
}
