use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::spec::Spec;
use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::Xxh3;

/// The parameters of [`Select`], which has none: the hash of the rows stands for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectSpec {}

impl Spec for SelectSpec {
    const NAME: &'static str = "select";
}

/// Some of the rows, in a given order; made by [`select`](crate::DatasetExt::select) and [`split`](crate::DatasetExt::split).
#[derive(Debug)]
pub struct Select<D> {
    inner: D,
    /// How the rows were chosen.
    plan: Plan,
    /// Rows of the inner dataset (of its view 0).
    rows: Arc<[u64]>,
    below: u64,
    hash: u64,
    blocks: OnceLock<Blocks>,
}

impl<D: Stable> Select<D> {
    pub(crate) fn new(inner: D, rows: Vec<u64>) -> Result<Self> {
        Self::chosen(inner, rows, Plan::of(&SelectSpec {}))
    }

    /// `rows`, which were chosen as `plan` says.
    pub(crate) fn chosen(inner: D, rows: Vec<u64>, plan: Plan) -> Result<Self> {
        let total = inner
            .len()
            .finite()
            .ok_or_else(|| Error::config("select needs a dataset with an end"))?;
        let below = total / inner.views();
        if rows.is_empty() {
            return Err(Error::config("select: no row is left; a dataset has at least one"));
        }
        match rows.iter().find(|&&row| row >= below) {
            Some(row) => Err(Error::config(format!(
                "select: row {row} is outside the {below} rows below"
            ))),
            None => Ok(Self {
                inner,
                plan,
                hash: hash(&rows),
                rows: rows.into(),
                below,
                blocks: OnceLock::new(),
            }),
        }
    }

    fn below(&self, position: u64) -> u64 {
        let rows = self.rows.len() as u64;
        let view = position / rows % self.inner.views();
        view * self.below + self.rows[(position % rows) as usize]
    }

    fn map(&self, positions: &[u64]) -> Vec<u64> {
        positions.iter().map(|&position| self.below(position)).collect()
    }
}

/// Runs of selected rows that lie in one block below.
fn runs(below: &[Block], rows: impl Iterator<Item = u64>) -> Blocks {
    let mut out: Vec<(usize, Block)> = Vec::new();
    for (at, row) in (0..).zip(rows) {
        let last = out.last().map(|(home, _)| *home);
        let home = last.filter(|&home| below[home].rows.contains(&row));
        let home = home.unwrap_or_else(|| below.partition_point(|block| block.rows.end <= row));
        if last != Some(home) {
            let rows = at..at;
            out.push((home, Block { rows, bytes: 0 }));
        }
        if let Some((_, run)) = out.last_mut() {
            run.rows.end = at + 1;
            run.bytes += below[home].bytes / (below[home].rows.end - below[home].rows.start);
        }
    }
    out.into_iter().map(|(_, block)| block).collect()
}

fn hash(rows: &[u64]) -> u64 {
    let mut hasher = Xxh3::new();
    rows.iter().for_each(|row| hasher.update(&row.to_le_bytes()));
    hasher.digest()
}

impl<D: Stable> Dataset for Select<D> {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn len(&self) -> Len {
        let rows = self.rows.len() as u64 * self.inner.views();
        NonZeroU64::new(rows).map_or(Len::Endless, Len::Finite)
    }

    /// Runs of selected rows that lie in one block below; found once.
    fn blocks(&self) -> Blocks {
        let blocks = self.blocks.get_or_init(|| {
            let all = 0..self.rows.len() as u64 * self.inner.views();
            runs(&self.inner.blocks(), all.map(|at| self.below(at)))
        });
        Arc::clone(blocks)
    }

    fn describe(&self) -> Plan {
        let plan = self.plan.clone();
        plan.param("rows", self.rows.len())
            .param("hash", format_args!("{:016x}", self.hash))
            .input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.inner.prepare(cx, &self.map(positions))
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.inner.provenance(cx, self.below(position))
    }
}

impl<D: Stable> Stable for Select<D> {
    fn views(&self) -> u64 {
        self.inner.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let column = self.inner.column(cx, name).await?;
            Ok(arrow::compute::take(
                &column,
                &UInt64Array::from(self.rows.to_vec()),
                None,
            )?)
        })
    }
}
