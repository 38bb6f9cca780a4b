//! Any Burn dataset as a source.

use super::columns::index_of;
use crate::columns::{names_and_types, names_types_and_metadata};
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result, StoredRow};
use crate::exec::{Context, catch};
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::counted;
use crate::spec::Spec;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Items of a block, and of one call that scans a column.
const ITEMS: u64 = 1024;

type Rows<I> = dyn Fn(Vec<I>) -> Result<RecordBatch> + Send + Sync;

/// A [`burn::data::dataset::Dataset`] as a source: items are fetched on the CPU pool and turned into rows by a closure.
///
/// The law holds as far as the dataset keeps it: the same index must always give the same item.
pub struct BurnSource<I> {
    inner: Arc<Inner<I>>,
    name: Arc<str>,
    blocks: Blocks,
    rows: NonZeroU64,
}

/// The parameters of [`BurnSource`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BurnSpec {
    /// The name that stands for the dataset's contents.
    pub dataset: String,
}

impl Spec for BurnSpec {
    const NAME: &'static str = "burn";
}

struct Inner<I> {
    dataset: Box<dyn burn::data::dataset::Dataset<I>>,
    schema: SchemaRef,
    to_rows: Box<Rows<I>>,
}

impl<I: Send + 'static> BurnSource<I> {
    /// `dataset` under `name`, which stands for its contents in the plan's fingerprint and names it in errors.
    ///
    /// `to_rows` turns items into as many rows of `schema`, in the same order, each from its own item.
    ///
    /// # Errors
    ///
    /// `Config` where the dataset has no items.
    pub fn new(
        dataset: impl burn::data::dataset::Dataset<I> + 'static,
        name: impl Into<String>,
        schema: SchemaRef,
        to_rows: impl Fn(Vec<I>) -> Result<RecordBatch> + Send + Sync + 'static,
    ) -> Result<Self> {
        let name: Arc<str> = name.into().into();
        let rows = NonZeroU64::new(dataset.len() as u64)
            .ok_or_else(|| Error::config(format!("{name}: the dataset has no items")))?;
        Ok(Self {
            inner: Arc::new(Inner {
                dataset: Box::new(dataset),
                schema,
                to_rows: Box::new(to_rows),
            }),
            blocks: blocks(rows.get()),
            name,
            rows,
        })
    }

    fn rows(&self, cx: &Context, items: Vec<usize>) -> impl Future<Output = Result<RecordBatch>> + Send + use<I> {
        let (inner, name, cx) = (Arc::clone(&self.inner), Arc::clone(&self.name), cx.clone());
        async move {
            let result = cx.compute(move || inner.rows(&items)).await;
            result.map_err(|error| error.context(name.as_ref()))
        }
    }
}

impl<I> Inner<I> {
    fn rows(&self, items: &[usize]) -> Result<RecordBatch> {
        if items.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let rows = catch(|| self.convert(items)).map_err(|error| self.blame(items, error))?;
        self.check(&rows, items.len())?;
        Ok(rows)
    }

    fn convert(&self, items: &[usize]) -> Result<RecordBatch> {
        let items = self
            .dataset
            .get_many(items.to_vec())
            .map_err(|source| Error::data(source.to_string()).with_source(source))?;
        (self.to_rows)(items)
    }

    /// `error` with the first item that fails alone.
    fn blame(&self, items: &[usize], error: Error) -> Error {
        for (index, &item) in items.iter().enumerate() {
            if let Err(error) = catch(|| self.convert(&[item])) {
                return error.context(format!("item {item}")).at(index);
            }
        }
        error.context(format!("{} items from item {}", items.len(), items[0]))
    }

    fn check(&self, rows: &RecordBatch, items: usize) -> Result<()> {
        if rows.num_rows() != items {
            let message = format!(
                "the closure made {} of {}",
                counted(rows.num_rows(), "row"),
                counted(items, "item")
            );
            return Err(Error::config(message));
        }
        let same = |(a, b): (&arrow::datatypes::FieldRef, &arrow::datatypes::FieldRef)| {
            a.name() == b.name() && a.data_type() == b.data_type()
        };
        let (made, said) = (rows.schema(), &self.schema);
        if made.fields().len() == said.fields().len() && made.fields().iter().zip(said.fields()).all(same) {
            return Ok(());
        }
        Err(Error::schema(format!(
            "the closure made rows of {}, the schema says {}",
            names_and_types(&made),
            names_and_types(said),
        )))
    }
}

fn blocks(rows: u64) -> Blocks {
    (0..rows.div_ceil(ITEMS))
        .map(|i| Block {
            rows: i * ITEMS..rows.min((i + 1) * ITEMS),
            bytes: 0,
        })
        .collect()
}

impl<I: Send + 'static> Dataset for BurnSource<I> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.inner.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.rows)
    }

    fn blocks(&self) -> Blocks {
        Arc::clone(&self.blocks)
    }

    fn describe(&self) -> Plan {
        let spec = BurnSpec {
            dataset: self.name.to_string(),
        };
        Plan::of(&spec)
            .param("rows", self.rows)
            .param("schema", names_types_and_metadata(&self.inner.schema))
            .note("the items are not hashed: the name stands for them")
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let items = positions.iter().map(|&position| (position % self.rows) as usize);
        Prepared::new(self.rows(cx, items.collect()))
    }

    fn provenance(&self, _cx: &Context, position: u64) -> Provenance {
        Provenance {
            places: vec![StoredRow {
                source: Arc::clone(&self.name),
                row_group: None,
                row: position % self.rows,
            }],
            ..Provenance::default()
        }
    }
}

impl<I: Send + 'static> Stable for BurnSource<I> {
    fn views(&self) -> u64 {
        1
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        async move {
            let index = index_of(&self.inner.schema, name, &self.name)?;
            let mut parts = Vec::new();
            for block in self.blocks.iter() {
                let items = block.rows.clone().map(|row| row as usize).collect();
                parts.push(Arc::clone(self.rows(cx, items).await?.column(index)));
            }
            Ok(concat(
                &parts.iter().map(|part| part as &dyn Array).collect::<Vec<_>>(),
            )?)
        }
        .boxed()
    }
}

impl<I> fmt::Debug for BurnSource<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BurnSource")
            .field("name", &self.name)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
