use crate::columns::{gather_one, index_of};
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::counted;
use crate::spec::Spec;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::sync::Arc;

/// What the function of [`Cached`] rows is called: a function cannot be hashed, so name and version stand for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CachedSpec {
    /// The name that stands for the function, in plans and errors.
    pub name: String,
    /// Which function of this name it is. Defaults to 1; raise it when the function comes to give other values.
    pub version: u32,
}

impl CachedSpec {
    /// A function named `name`, of version 1.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: 1,
        }
    }
}

/// No name: a recipe has to give one.
impl Default for CachedSpec {
    fn default() -> Self {
        Self::new("")
    }
}

impl Spec for CachedSpec {
    const NAME: &'static str = "cached";
}

impl From<CachedSpec> for Plan {
    fn from(spec: CachedSpec) -> Self {
        Self::of(&spec)
            .renamed(&spec.name)
            .note("a function: its name and version stand for it")
    }
}

/// What was computed once for every position of a dataset, kept in memory; it traces to the rows it was made of.
#[derive(Debug)]
pub struct Cached {
    below: Arc<dyn Stable>,
    rows: RecordBatch,
    len: NonZeroU64,
    plan: Plan,
}

impl Cached {
    /// `rows` are what a deterministic function made of all positions of `below`; `plan` describes that function, and the seed
    /// where `below` draws (`Plan::from(spec).param("seed", cx.seed())`), because the rows stay as they are under another one. A
    /// [`CachedSpec`] does for a closure.
    ///
    /// # Errors
    ///
    /// `Config` if there is not one row for each position.
    pub fn new(below: Arc<dyn Stable>, rows: RecordBatch, plan: impl Into<Plan>) -> Result<Self> {
        match (below.len(), NonZeroU64::new(rows.num_rows() as u64)) {
            (Len::Finite(wanted), Some(len)) if wanted == len => {
                let plan = plan.into().input(below.describe());
                Ok(Self { below, rows, len, plan })
            }
            (wanted, _) => Err(Error::config(format!(
                "{} cached rows for a dataset {}",
                rows.num_rows(),
                wanted.finite().map_or_else(
                    || "without an end".to_owned(),
                    |rows| format!("of {}", counted(rows, "row"))
                )
            ))),
        }
    }

    /// All rows.
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }
}

impl Dataset for Cached {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.len)
    }

    fn blocks(&self) -> Blocks {
        Arc::new([Block {
            rows: 0..self.len.get(),
            bytes: 0,
        }])
    }

    fn describe(&self) -> Plan {
        self.plan.clone()
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let rows: Vec<u64> = positions.iter().map(|&position| position % self.len).collect();
        let (batch, cx) = (self.rows.clone(), cx.clone());
        Prepared::new(async move { cx.compute(move || gather_one(&batch, &rows)).await })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.below.provenance(cx, position % self.len)
    }
}

impl Stable for Cached {
    fn views(&self) -> u64 {
        self.below.views()
    }

    fn column<'a>(&'a self, _: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let column = self.rows.column(index_of(&self.rows.schema(), name)?);
            Ok(column.slice(0, (self.len.get() / self.views()) as usize))
        })
    }
}
