//! In which order the rows of a training come.

use super::datasets::Datasets;
use super::strategy::Strategy;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::mix::{Balance, BalanceSpec, Picked, Quota};
use crate::order::Shuffle;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::synthetic::Generator;
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use std::sync::Arc;

/// Training rows in the shares of a strategy where they have classes, else in random order.
#[derive(Debug)]
pub(super) enum TrainingOrder {
    Balanced(Balance<Arc<dyn Stable>>),
    Shuffled(Shuffle<Arc<dyn Stable>>),
}

impl TrainingOrder {
    /// The order of `rows`, which are those of `datasets` or what was made of them.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced.
    pub(super) fn new(cx: &Context, rows: Arc<dyn Stable>, datasets: &Datasets, strategy: &Strategy) -> Result<Self> {
        if datasets.targets.one_class().is_some() {
            let rows = cx.block_on(rows.balance(cx, &datasets.label, strategy.target()))?;
            return Ok(Self::Balanced(rows));
        }
        let several = datasets.targets.several_classes()?;
        Ok(match several.zip(strategy.target_of_rarest()) {
            Some((classes, target)) => {
                let spec = BalanceSpec {
                    target: target.clone(),
                    ..BalanceSpec::default()
                };
                Self::Balanced(rows.balance_rarest_with(cx, &classes, &spec, None)?)
            }
            None => Self::Shuffled(rows.shuffle()),
        })
    }

    /// Lets `generator` make `share` of what a class is given beyond its stored rows.
    pub(super) fn fill(self, generator: Arc<dyn Generator>, share: f64) -> Result<Self> {
        Ok(match self {
            Self::Balanced(rows) => Self::Balanced(rows.fill(generator, share)?),
            shuffled @ Self::Shuffled(_) => shuffled,
        })
    }

    /// Stored rows of the largest class that is given more than it has; none where no class is.
    pub(super) fn largest_lacking(&self) -> Option<u64> {
        let quotas = self.quotas();
        let lacking = quotas.iter().filter(|class| class.rows > class.stored);
        lacking.map(|class| class.stored).max()
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
            Self::Balanced(rows) => rows,
            Self::Shuffled(rows) => rows,
        }
    }
}

/// Views whose features are not kept, in the order of those whose are: as one block, wherever they are stored.
#[derive(Debug)]
pub(super) struct AsOneBlock(pub(super) Arc<dyn Stable>);

impl Dataset for AsOneBlock {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn len(&self) -> Len {
        self.0.len()
    }

    fn blocks(&self) -> Blocks {
        let rows = 0..self.len().finite().unwrap_or(0);
        Arc::new([Block { rows, bytes: 0 }])
    }

    fn describe(&self) -> Plan {
        self.0.describe()
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.0.prepare(cx, positions)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

impl Stable for AsOneBlock {
    fn views(&self) -> u64 {
        self.0.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        self.0.column(cx, name)
    }
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
