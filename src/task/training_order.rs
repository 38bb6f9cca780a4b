//! In which order the rows of a training come.

use super::datasets::Datasets;
use super::finetune::Finetune;
use super::strategy::Strategy;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::forward::forward;
use crate::loader::{LoaderBuilder, Pass};
use crate::mix::{Balance, BalanceSpec, BatchPart, Feedback, PartOrigin, Picked, Quota};
use crate::order::{Sampler, Shuffle};
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::synthetic::Generator;
use arrow::datatypes::SchemaRef;
use std::ops::Range;
use std::sync::Arc;

/// What decides the order of training rows.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    strategy: &'a Strategy,
    batch_size: u64,
    /// The reports that the shares follow from, if they do.
    feedback: Option<Feedback>,
}

impl Finetune {
    /// What decides the order of the training rows of a part of the run: of the deep phase, or of the head.
    pub(super) fn wanted<'a>(&self, strategy: &'a Strategy, is_deep: bool) -> Result<Wanted<'a>> {
        let open = |_| Feedback::open(self.folder().feedback(is_deep));
        Ok(Wanted {
            strategy,
            batch_size: self.spec.train.batch_size,
            feedback: strategy.feedback.as_ref().map(open).transpose()?,
        })
    }
}

/// Training rows in the shares of a strategy where they have classes, else in random order.
#[derive(Debug)]
pub(super) enum TrainingOrder {
    Balanced(Box<Balance<Arc<dyn Stable>>>),
    Shuffled(Shuffle<Arc<dyn Stable>>),
}

impl TrainingOrder {
    fn balanced(rows: Balance<Arc<dyn Stable>>) -> Self {
        Self::Balanced(Box::new(rows))
    }

    /// The order of `rows`, which are those of `datasets` or what was made of them.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced.
    pub(super) fn new(cx: &Context, rows: Arc<dyn Stable>, datasets: &Datasets, wanted: &Wanted<'_>) -> Result<Self> {
        let order = Self::of_strategy(cx, rows, datasets, wanted.strategy)?;
        let Self::Balanced(rows) = order else { return Ok(order) };
        let rows = match wanted.strategy.feedback.as_ref().zip(wanted.feedback.as_ref()) {
            Some((rule, feedback)) => rows.feedback(feedback, rule)?,
            None => *rows,
        };
        match wanted.strategy.batch_of(wanted.batch_size) {
            // What needs a generator is said when there is one.
            Some(batch) if !wanted.strategy.is_synthetic() => {
                Ok(Self::balanced(rows.batches(batch.size, &batch.parts, None)?))
            }
            _ => Ok(Self::balanced(rows)),
        }
    }

    fn of_strategy(cx: &Context, rows: Arc<dyn Stable>, datasets: &Datasets, strategy: &Strategy) -> Result<Self> {
        let (spec, one_class) = (strategy.balance(), datasets.targets.one_class().is_some());
        if let Some(key) = &strategy.by {
            let cells = datasets.cells_of(key)?;
            return Ok(Self::balanced(match one_class {
                true => cx.block_on(rows.balance_cells(cx, &datasets.label, cells, &spec))?,
                false => rows.balance_cells_alone(cx, cells, &spec)?,
            }));
        }
        if one_class {
            let rows = cx.block_on(rows.balance(cx, &datasets.label, strategy.target()))?;
            return Ok(Self::balanced(rows));
        }
        let several = datasets.targets.several_classes()?;
        Ok(match several.zip(strategy.target_of_rarest()) {
            Some((classes, target)) => {
                let spec = BalanceSpec {
                    target: target.clone(),
                    ..BalanceSpec::default()
                };
                Self::balanced(rows.balance_rarest_with(cx, &classes, &spec, None)?)
            }
            None => Self::Shuffled(rows.shuffle()),
        })
    }

    /// Whether a pass over its rows has every view of each, which is no epoch of a training: a balance has as many rows as there are stored ones, and the next
    /// view of each row in the next pass over its class.
    pub(super) fn has_all_views(&self) -> bool {
        match self {
            Self::Balanced(_) => false,
            Self::Shuffled(rows) => rows.base().views() > 1,
        }
    }

    /// The loader of its rows.
    pub(super) fn into_loader(self: Arc<Self>, cx: &Context) -> LoaderBuilder {
        let has_all_views = self.has_all_views();
        let loader = self.loader(cx);
        match has_all_views {
            true => loader.pass(Pass::OF_VIEWS),
            false => loader,
        }
    }

    /// Lets `generator` make what the strategy wants of it.
    pub(super) fn fill(self, generator: Arc<dyn Generator>, wanted: &Wanted<'_>) -> Result<Self> {
        let Self::Balanced(rows) = self else { return Ok(self) };
        Ok(Self::balanced(match wanted.strategy.batch_of(wanted.batch_size) {
            Some(batch) => rows.batches(batch.size, &batch.parts, Some(generator))?,
            None => rows.fill(generator, wanted.strategy.synthetic)?,
        }))
    }

    /// Stored rows of the largest class of which the strategy wants synthetic rows; none where it wants none of any class. Of a part of each batch that names no
    /// class these are the classes that lack rows; where none does, all that no other such part names.
    pub(super) fn largest_made(&self, strategy: &Strategy) -> Option<u64> {
        let quotas = self.quotas();
        let largest = quotas.iter().map(|class| class.stored).max()?;
        let most =
            |of: &dyn Fn(&Quota) -> bool| quotas.iter().filter(|class| of(class)).map(|class| class.stored).max();
        let Some(parts) = &strategy.batch else {
            return most(&|class| strategy.synthetic > 0.0 && class.rows > class.stored);
        };
        let parts = || parts.iter().filter(|part| part.origin == PartOrigin::Synthetic);
        let is_named = |class: &Quota| parts().any(|part| part.class.contains(&class.name));
        let of = |part: &BatchPart| match part.class.is_empty() {
            false => most(&|class| part.class.contains(&class.name)),
            true => {
                most(&|class| !is_named(class) && class.stored < largest).or_else(|| most(&|class| !is_named(class)))
            }
        };
        // Where no class fits, making the batches is an error that says so.
        parts().map(|part| of(part).unwrap_or(largest)).max()
    }

    /// The reports that the shares follow from, if they do.
    pub(super) fn feedback(&self) -> Option<&Feedback> {
        match self {
            Self::Balanced(rows) => rows.follows(),
            Self::Shuffled(_) => None,
        }
    }

    /// What the cells of a balance by another key are called, and how many rows of each come at `positions`; none where there are no cells.
    pub(super) fn cells(&self, cx: &Context, positions: Range<u64>) -> Result<Option<Vec<(Quota, u64)>>> {
        let Self::Balanced(rows) = self else { return Ok(None) };
        let emitted = rows.emitted(cx, positions)?;
        Ok(Some(rows.quotas().into_iter().zip(emitted).collect()))
    }

    /// What each class is given in an epoch; empty where rows come in random order.
    pub(super) fn quotas(&self) -> Vec<Quota> {
        match self {
            Self::Balanced(rows) => rows.quotas(),
            Self::Shuffled(_) => Vec::new(),
        }
    }

    /// What comes at each of `positions`.
    pub(super) fn picked(&self, cx: &Context, positions: &[u64]) -> Vec<Picked> {
        match self {
            Self::Balanced(rows) => rows.picked(cx, positions),
            Self::Shuffled(rows) => rows.below(cx, positions).into_iter().map(Picked::Stored).collect(),
        }
    }

    fn rows(&self) -> &dyn Dataset {
        match self {
            Self::Balanced(rows) => &**rows,
            Self::Shuffled(rows) => rows,
        }
    }
}

/// Views whose features are not kept, in the order of those whose are: as one block, wherever they are stored.
#[derive(Debug)]
pub(super) struct AsOneBlock(pub(super) Arc<dyn Stable>);

impl Dataset for AsOneBlock {
    forward!(0: schema, len, describe, prepare, provenance);

    fn blocks(&self) -> Blocks {
        let rows = 0..self.len().finite().unwrap_or(0);
        Arc::new([Block { rows, bytes: 0 }])
    }
}

impl Stable for AsOneBlock {
    forward!(0: views, column);
}

impl Dataset for TrainingOrder {
    fn schema(&self) -> SchemaRef {
        self.rows().schema()
    }

    fn len(&self) -> Len {
        self.rows().len()
    }

    fn blocks(&self) -> Blocks {
        self.rows().blocks()
    }

    fn describe(&self) -> Plan {
        self.rows().describe()
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.rows().prepare(cx, positions)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.rows().provenance(cx, position)
    }
}
