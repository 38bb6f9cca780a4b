//! Record batches that are in memory already.

use super::columns::index_of;
use crate::columns::{gather, names_types_and_metadata};
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::spec::Spec;
use arrow::array::{Array, ArrayData, ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::num::NonZeroU64;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Rows that are in memory: small tables, fixtures, what another program has read.
#[derive(Clone, Debug)]
pub struct Memory {
    schema: SchemaRef,
    batches: Arc<[RecordBatch]>,
    blocks: Blocks,
    rows: NonZeroU64,
    values: u128,
}

/// The parameters of [`Memory`], which has none: its values are hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemorySpec {}

impl Spec for MemorySpec {
    const NAME: &'static str = "memory";
}

impl Memory {
    /// A dataset of the rows of `batches`, in order. Each batch that has rows is one block.
    ///
    /// Reads every value once, for the plan's fingerprint.
    ///
    /// # Errors
    ///
    /// `Schema` where two batches disagree, naming the batch and both schemas, and for two columns of one name; `Config` where there is no row.
    pub fn new(batches: Vec<RecordBatch>) -> Result<Self> {
        let schema = one_schema(&batches)?;
        let mut met = HashSet::new();
        if let Some(twice) = schema.fields().iter().find(|field| !met.insert(field.name())) {
            let name = twice.name();
            return Err(Error::schema(format!("memory: two columns are called \"{name}\"")));
        }
        let batches: Arc<[RecordBatch]> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        let blocks = blocks(&batches);
        let rows = blocks.last().and_then(|block| NonZeroU64::new(block.rows.end));
        Ok(Self {
            rows: rows.ok_or_else(|| Error::config("a dataset in memory needs at least one row"))?,
            values: hash(&schema, &batches)?,
            schema,
            batches,
            blocks,
        })
    }

    /// Batch and row in it of `position`.
    fn locate(&self, position: u64) -> (usize, usize) {
        let row = position % self.rows;
        let batch = self.blocks.partition_point(|block| block.rows.end <= row);
        (batch, (row - self.blocks[batch].rows.start) as usize)
    }
}

impl Dataset for Memory {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.rows)
    }

    fn blocks(&self) -> Blocks {
        Arc::clone(&self.blocks)
    }

    fn describe(&self) -> Plan {
        Plan::of(&MemorySpec {})
            .param("rows", self.rows)
            .param("schema", names_types_and_metadata(&self.schema))
            .param("values", format!("{:032x}", self.values))
            .decoded(0)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let at: Vec<_> = positions.iter().map(|&position| self.locate(position)).collect();
        let (schema, batches, cx) = (self.schema(), Arc::clone(&self.batches), cx.clone());
        Prepared::new(async move {
            cx.compute(move || gather(&schema, &batches.iter().collect::<Vec<_>>(), &at))
                .await
        })
    }

    fn provenance(&self, _cx: &Context, position: u64) -> Provenance {
        Provenance {
            places: vec![StoredRow {
                source: Arc::from("memory"),
                row_group: None,
                row: position % self.rows,
            }],
            ..Provenance::default()
        }
    }
}

impl Stable for Memory {
    fn views(&self) -> u64 {
        1
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        async move {
            let index = index_of(&self.schema, name, "memory")?;
            let batches = Arc::clone(&self.batches);
            cx.compute(move || {
                let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
                Ok(concat(&parts)?)
            })
            .await
        }
        .boxed()
    }
}

fn one_schema(batches: &[RecordBatch]) -> Result<SchemaRef> {
    let first = batches
        .first()
        .ok_or_else(|| Error::config("a dataset in memory needs at least one batch"))?;
    let other = batches.iter().position(|batch| batch.schema() != first.schema());
    match other {
        None => Ok(first.schema()),
        Some(i) => Err(Error::schema(format!(
            "batch {i} in memory has another schema than batch 0: {} instead of {}",
            names_types_and_metadata(&batches[i].schema()),
            names_types_and_metadata(&first.schema()),
        ))),
    }
}

fn blocks(batches: &[RecordBatch]) -> Blocks {
    let mut start = 0;
    batches
        .iter()
        .map(|batch| {
            let rows = start..start + batch.num_rows() as u64;
            start = rows.end;
            Block { rows, bytes: 0 }
        })
        .collect()
}

/// A hash of the values, whatever the batches' sizes and buffers are (for types that rows can be encoded of).
fn hash(schema: &Schema, batches: &[RecordBatch]) -> Result<u128> {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| SortField::new(field.data_type().clone()))
        .collect();
    if fields.is_empty() || !RowConverter::supports_fields(&fields) {
        return Ok(hash_buffers(batches));
    }
    const ROWS: usize = 1024;
    let (converter, mut hasher) = (RowConverter::new(fields)?, Xxh3::new());
    for batch in batches {
        for start in (0..batch.num_rows()).step_by(ROWS) {
            let part = batch.slice(start, ROWS.min(batch.num_rows() - start));
            for row in &converter.convert_columns(part.columns())? {
                hasher.update(&(row.data().len() as u64).to_le_bytes());
                hasher.update(row.data());
            }
        }
    }
    Ok(hasher.digest128())
}

fn hash_buffers(batches: &[RecordBatch]) -> u128 {
    fn visit(data: &ArrayData, hasher: &mut Xxh3) {
        let nulls = data.nulls().map(|nulls| nulls.buffer());
        for buffer in data.buffers().iter().chain(nulls) {
            hasher.update(&xxh3_128(buffer).to_le_bytes());
        }
        for child in data.child_data() {
            visit(child, hasher);
        }
    }
    let mut hasher = Xxh3::new();
    for column in batches.iter().flat_map(RecordBatch::columns) {
        visit(&column.to_data(), &mut hasher);
    }
    hasher.digest128()
}
