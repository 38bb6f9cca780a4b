use super::one_schema::one_schema;
use crate::columns::Scatter;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::rng::Rng;
use crate::spec::Spec;
use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;
use futures::future::{BoxFuture, try_join_all};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::sync::Arc;

/// The parameters of [`Concat`], which has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConcatSpec {}

impl Spec for ConcatSpec {
    const NAME: &'static str = "concat";
}

/// The rows of several datasets, one after the other; made by [`concat`](crate::DatasetExt::concat).
///
/// All have the same columns: names, types, class names and order. Each draws its augmentation under a seed of its own, as
/// the sources of a [mix](crate::mix::Mix) do.
#[derive(Debug)]
pub struct Concat {
    sources: Vec<Arc<dyn Stable>>,
    /// The row at which each source begins, in every view; and the number of all rows at the end.
    starts: Vec<u64>,
    views: u64,
    len: NonZeroU64,
    schema: SchemaRef,
}

impl Concat {
    const NAME: &str = ConcatSpec::NAME;

    /// The rows of `sources`, in their order.
    ///
    /// # Errors
    ///
    /// `Schema` where the columns differ, naming the source and the column; `Config` for no sources, and for sources with
    /// different numbers of views.
    pub fn new(sources: Vec<Arc<dyn Stable>>) -> Result<Self> {
        let refused = |why: String| Error::config(format!("{}: {why}", Self::NAME));
        let schemas: Vec<SchemaRef> = sources.iter().map(|source| source.schema()).collect();
        let schema = one_schema(Self::NAME, &schemas)?;
        let views = sources.first().map_or(1, Stable::views);
        let (mut starts, mut end) = (vec![0], 0);
        for (at, source) in sources.iter().enumerate() {
            if source.views() != views {
                let own = source.views();
                return Err(refused(format!(
                    "views of source {at}: {own}, of source 0: {views}; give them the same number"
                )));
            }
            let rows = source.len().finite();
            let rows = rows.ok_or_else(|| refused(format!("source {at} has no end")))?;
            end += rows / views;
            starts.push(end);
        }
        let len = NonZeroU64::new(end * views);
        Ok(Self {
            len: len.ok_or_else(|| refused("no sources".to_owned()))?,
            sources,
            starts,
            views,
            schema,
        })
    }

    fn rows(&self) -> u64 {
        self.len.get() / self.views
    }

    fn rows_of(&self, source: usize) -> u64 {
        self.starts[source + 1] - self.starts[source]
    }

    /// The source that has the row at `position`, and the position in it.
    fn locate(&self, position: u64) -> (usize, u64) {
        let (view, row) = (position / self.rows() % self.views, position % self.rows());
        let source = self.starts.partition_point(|&start| start <= row) - 1;
        (source, view * self.rows_of(source) + row - self.starts[source])
    }

    /// The context of a source: the same threads, a seed of its own.
    fn scope(cx: &Context, source: usize) -> Context {
        cx.with_seed(Rng::new(cx.seed(), Self::NAME, source as u64).next_u64())
    }
}

fn named(source: usize) -> impl Fn(Error) -> Error {
    move |error| error.context(format!("source {source}"))
}

/// The parts of `blocks` inside `from..to`, moved to begin at `start`.
fn moved(blocks: &[Block], from: u64, to: u64, start: u64) -> impl Iterator<Item = Block> {
    let inside = blocks
        .iter()
        .filter(move |block| block.rows.start < to && block.rows.end > from);
    inside.map(move |block| Block {
        rows: start + block.rows.start.max(from) - from..start + block.rows.end.min(to) - from,
        bytes: block.bytes,
    })
}

impl Dataset for Concat {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.len)
    }

    fn blocks(&self) -> Blocks {
        let below: Vec<Blocks> = self.sources.iter().map(|source| source.blocks()).collect();
        let mut all = Vec::new();
        for view in 0..self.views {
            for (source, blocks) in below.iter().enumerate() {
                let (from, rows) = (view * self.rows_of(source), self.rows_of(source));
                let start = view * self.rows() + self.starts[source];
                all.extend(moved(blocks, from, from + rows, start));
            }
        }
        all.into()
    }

    fn describe(&self) -> Plan {
        let plans = self.sources.iter().map(|source| source.describe());
        plans.fold(Plan::of(&ConcatSpec {}), Plan::scope)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let places = positions.iter().map(|&position| self.locate(position));
        let scatter = Scatter::new(self.sources.len(), places);
        scatter.prepare(self.schema(), |source, below| {
            let rows = self.sources[source].prepare(&Self::scope(cx, source), below);
            rows.map_err(named(source))
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let (source, below) = self.locate(position);
        self.sources[source].provenance(&Self::scope(cx, source), below)
    }
}

impl Stable for Concat {
    fn views(&self) -> u64 {
        self.views
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let part = |(at, source): (usize, &'a Arc<dyn Stable>)| async move {
                let column = source.column(&Self::scope(cx, at), name).await;
                column.map_err(named(at))
            };
            let parts = try_join_all(self.sources.iter().enumerate().map(part)).await?;
            cx.compute(move || {
                Ok(concat(
                    &parts.iter().map(|part| part as &dyn Array).collect::<Vec<_>>(),
                )?)
            })
            .await
        })
    }
}
