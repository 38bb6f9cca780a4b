use crate::columns::{index_of, into_list, tensor_field};
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::spec::Spec;
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::sync::Arc;

/// Rows that are worked out from their number and stored nowhere, as many as wanted: for tests and benchmarks of what stands
/// above them, beyond 2^32 rows too.
///
/// The columns are `id`, the row's number from 0 on; `label`, a class of which each is half as frequent as the one before
/// (row 0 has the rarest); and `x`, a tensor of shape `[4]`: the four 16-bit parts of the number, lowest first.
///
/// ```
/// use millstream::testing::Virtual;
/// use millstream::{Context, DatasetExt, Result};
///
/// let rows = Virtual::new(1 << 33, 10)?;
/// let cx = Context::with(2, 1 << 20)?;
/// let batch = rows.shuffle().loader(&cx).blocking()?.next().transpose()?;
/// assert_eq!(batch.map(|batch| batch.rows().num_rows()), Some(32));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Virtual {
    rows: NonZeroU64,
    classes: u32,
    block: u64,
    schema: SchemaRef,
}

/// The parameters of [`Virtual`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VirtualSpec {
    /// Rows, 1 to 2^63 - 1. Defaults to 1000.
    pub rows: u64,
    /// Classes, 1 to 64. Defaults to 10.
    pub classes: u32,
}

impl Default for VirtualSpec {
    fn default() -> Self {
        Self {
            rows: 1000,
            classes: 10,
        }
    }
}

impl Spec for VirtualSpec {
    const NAME: &'static str = "virtual";
}

impl Virtual {
    /// Most rows of a block.
    const BLOCK: u64 = 1 << 26;
    /// Most rows of which a whole column is made.
    const COLUMN: u64 = 1 << 27;

    /// `rows` rows (1 to 2^63 - 1) of `classes` classes (1 to 64).
    ///
    /// # Errors
    ///
    /// `Config` for numbers outside these.
    pub fn new(rows: u64, classes: u32) -> Result<Self> {
        let some = NonZeroU64::new(rows).filter(|_| i64::try_from(rows).is_ok());
        let rows = some.ok_or_else(|| Error::config(format!("virtual: {rows} rows, not 1 to 2^63 - 1")))?;
        if !(1..=64).contains(&classes) {
            return Err(Error::config(format!("virtual: {classes} classes, not 1 to 64")));
        }
        let number = |name| Field::new(name, DataType::Int64, false);
        let fields = vec![
            number("id"),
            number("label"),
            tensor_field("x", &DataType::Float32, &[4])?,
        ];
        Ok(Self {
            rows,
            classes,
            block: Self::BLOCK,
            schema: Arc::new(Schema::new(fields)),
        })
    }

    /// The class of row `row`.
    pub fn class(&self, row: u64) -> u32 {
        // The bits of the number, so mixed that neighbours have nothing in common.
        let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 32)).trailing_zeros().min(self.classes - 1)
    }

    fn labels(&self, rows: impl Iterator<Item = u64>) -> ArrayRef {
        let labels = rows.map(|row| i64::from(self.class(row)));
        Arc::new(Int64Array::from_iter_values(labels))
    }

    fn batch(&self, rows: &[u64]) -> Result<RecordBatch> {
        let id = Int64Array::from_iter_values(rows.iter().map(|&row| row as i64));
        let parts = rows
            .iter()
            .flat_map(|&row| [0, 16, 32, 48].map(|by| (row >> by & 0xffff) as f32));
        let x = into_list(self.schema.field(2), parts.collect::<Vec<_>>())?;
        let columns = vec![Arc::new(id) as ArrayRef, self.labels(rows.iter().copied()), x];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl Dataset for Virtual {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.rows)
    }

    fn blocks(&self) -> Blocks {
        let starts = (0..self.rows.get().div_ceil(self.block)).map(|block| block * self.block);
        let block = |start: u64| Block {
            rows: start..(start + self.block).min(self.rows.get()),
            bytes: 0,
        };
        starts.map(block).collect()
    }

    fn describe(&self) -> Plan {
        Plan::of(&VirtualSpec {
            rows: self.rows.get(),
            classes: self.classes,
        })
    }

    fn prepare(&self, _: &Context, positions: &[u64]) -> Prepared {
        let rows: Vec<u64> = positions.iter().map(|&position| position % self.rows).collect();
        let batch = self.batch(&rows);
        Prepared::new(async move { batch })
    }

    fn provenance(&self, _: &Context, position: u64) -> Provenance {
        Provenance {
            places: vec![StoredRow {
                source: Arc::from("virtual"),
                row_group: None,
                row: position % self.rows,
            }],
            ..Provenance::default()
        }
    }
}

impl Stable for Virtual {
    fn views(&self) -> u64 {
        1
    }

    fn column<'a>(&'a self, _: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let rows = self.rows.get();
            if rows > Self::COLUMN {
                let text = format!(
                    "virtual: a column of {rows} rows is too much to hold; the most is {}",
                    Self::COLUMN
                );
                return Err(Error::budget(text));
            }
            match index_of(&self.schema, name)? {
                0 => Ok(Arc::new(Int64Array::from_iter_values(0..rows as i64)) as ArrayRef),
                1 => Ok(self.labels(0..rows)),
                at => Ok(Arc::clone(self.batch(&(0..rows).collect::<Vec<_>>())?.column(at))),
            }
        })
    }
}
