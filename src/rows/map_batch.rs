use crate::columns::{index_of, names_and_types, names_types_and_metadata};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::{Context, catch};
use crate::forward::forward;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::counted;
use crate::spec::Spec;
use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{concat, concat_batches};
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type Closure = dyn Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync;

/// What a closure of [`map_batch`](crate::DatasetExt::map_batch) is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MapBatchSpec {
    /// The name that stands for the closure, in plans and errors.
    pub name: String,
    /// Which closure of this name it is. Defaults to 1.
    pub version: u32,
}

impl Default for MapBatchSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            version: 1,
        }
    }
}

impl Spec for MapBatchSpec {
    const NAME: &'static str = "map_batch";
}

/// What a closure makes of whole batches; made by [`map_batch`](crate::DatasetExt::map_batch).
pub struct MapBatch<D> {
    inner: D,
    version: u32,
    work: Arc<Work>,
}

/// The closure, and what it promises.
struct Work {
    name: String,
    schema: SchemaRef,
    closure: Box<Closure>,
    /// Whether a batch was seen to be the same in halves. It changes no row.
    is_checked: AtomicBool,
}

impl<D: Dataset> MapBatch<D> {
    pub(crate) fn new<F>(inner: D, name: &str, schema: SchemaRef, closure: F) -> Self
    where
        F: Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync + 'static,
    {
        let work = Work {
            name: name.to_owned(),
            schema,
            closure: Box::new(closure),
            is_checked: AtomicBool::new(false),
        };
        Self {
            inner,
            version: 1,
            work: Arc::new(work),
        }
    }

    /// Which closure of this name it is. Defaults to 1; raise it when the closure comes to give other values.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }
}

impl Work {
    /// What the closure makes of `rows`. The first batch that has halves is run in halves too.
    fn run(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let whole = self.once(rows)?;
        if rows.num_rows() >= 2 && !self.is_checked.load(Ordering::Acquire) {
            let middle = rows.num_rows() / 2;
            let halves = [
                self.once(&rows.slice(0, middle))?,
                self.once(&rows.slice(middle, rows.num_rows() - middle))?,
            ];
            let joined = concat_batches(&self.schema, &halves)?;
            if let Some(row) = first_difference(&whole, &joined) {
                return Err(Error::config(format!(
                    "row {row} of a batch of {} comes out otherwise when the batch is run in two halves, but a row must depend on \
                     itself alone: write it for one row, with `map`",
                    rows.num_rows()
                )));
            }
            self.is_checked.store(true, Ordering::Release);
        }
        Ok(whole)
    }

    fn once(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        if rows.num_rows() == 0 {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let made = catch(|| (self.closure)(rows.clone()))?;
        if made.num_rows() != rows.num_rows() {
            return Err(Error::config(format!(
                "{} came of {}, but each row must give one: leave rows out with `filter`",
                counted(made.num_rows(), "row"),
                rows.num_rows()
            )));
        }
        let schema = made.schema();
        let (said, found) = (names_and_types(&self.schema), names_and_types(&schema));
        if said != found {
            return Err(Error::schema(format!(
                "the columns are {found}, but it was said that they are {said}"
            )));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            made.columns().to_vec(),
            &options,
        )?)
    }
}

/// The first row in which the two are not the same.
fn first_difference(a: &RecordBatch, b: &RecordBatch) -> Option<usize> {
    let pairs = || a.columns().iter().zip(b.columns());
    if pairs().all(|(a, b)| a == b) {
        return None;
    }
    let differs = |&row: &usize| pairs().any(|(a, b)| a.slice(row, 1) != b.slice(row, 1));
    Some((0..a.num_rows()).find(differs).unwrap_or(0))
}

impl<D: Dataset> Dataset for MapBatch<D> {
    forward!(inner: len, blocks, provenance);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.work.schema)
    }

    fn describe(&self) -> Plan {
        let spec = MapBatchSpec {
            name: self.work.name.clone(),
            version: self.version,
        };
        Plan::of(&spec)
            .renamed(&self.work.name)
            .param("schema", names_types_and_metadata(&self.work.schema))
            .note("a closure over a batch: its name and version stand for it")
            .input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let (work, cx_) = (Arc::clone(&self.work), cx.clone());
        self.inner.prepare(cx, positions).and_then(|rows| async move {
            let run = move || work.run(&rows).map_err(|error| error.context(&work.name));
            cx_.compute(run).await
        })
    }
}

impl<D> MapBatch<D> {
    /// Rows that are taken together where a whole column is wanted.
    const ROWS: u64 = 1024;
}

/// Nobody knows what a closure reads, so a column is made of whole rows.
impl<D: Stable> Stable for MapBatch<D> {
    forward!(inner: views);

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let at = index_of(&self.work.schema, name)?;
            let rows = self.len().finite().unwrap_or(0) / self.views();
            let mut parts = Vec::new();
            for start in (0..rows).step_by(Self::ROWS as usize) {
                let positions: Vec<u64> = (start..rows.min(start + Self::ROWS)).collect();
                let part = self.take(cx, &positions).await.map_err(Error::unplaced)?;
                parts.push(Arc::clone(part.column(at)));
            }
            Ok(concat(
                &parts.iter().map(|part| part as &dyn Array).collect::<Vec<_>>(),
            )?)
        })
    }
}

impl<D: fmt::Debug> fmt::Debug for MapBatch<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapBatch")
            .field("inner", &self.inner)
            .field("name", &self.work.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
