use super::simulator::{ColumnKind, Row, Simulator};
use super::spec::TableSpec;
use crate::columns::index_of;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::rng::{Permutation, Rng, stream};
use crate::spec::Spec;
use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::future::BoxFuture;
use rayon::prelude::*;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Rows that are worked out when they are taken when a whole column is.
const AT_ONCE: u64 = 1 << 14;

/// A simulated table as a source: `train = { table = { rows = 1000, columns = { .. } } }`.
///
/// Columns are drawn from distributions or follow from other columns by equations with noise; values may be missing. Numbers are Float64, whole ones
/// Int64, categories Utf8; classes, where there are any, are Utf8 in a column of their own behind the others. A row follows from
/// [`seed`](TableSpec::seed) and its number alone, and is stored nowhere.
///
/// ```
/// use millstream::source::{Table, TableSpec};
/// use millstream::spec::read_toml;
/// use millstream::{Context, Dataset};
///
/// let spec: TableSpec = read_toml(
///     r#"
///     rows = 100
///     [columns]
///     x = { uniform = { low = 0, high = 10 } }
///     y = { equation = "2 * x + 1", noise = 0.5 }
///     "#,
/// )?;
/// let rows = Table::new(&spec)?;
/// let cx = Context::with(1, 1 << 20)?;
/// assert_eq!(cx.block_on(rows.take(&cx, &[0, 99]))?.num_columns(), 2);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spec: TableSpec,
    simulator: Simulator,
    rows: NonZeroU64,
    schema: SchemaRef,
    /// Rows of each class and all before it.
    ends: Vec<u64>,
    classes: Vec<String>,
    /// Where each row stands among those in the order of the classes.
    mixed: Permutation,
}

impl Table {
    /// The rows that `spec` says.
    ///
    /// # Errors
    ///
    /// `Config` for columns that make no sense, and where `rows` is not given; `Schema` where a column is called as the label.
    pub fn new(spec: &TableSpec) -> Result<Self> {
        spec.check()?;
        let rows = spec.rows.and_then(NonZeroU64::new);
        let rows = rows.ok_or_else(|| Error::config("rows: say how many, at least 1"))?;
        let classes: Vec<String> = spec.classes.keys().cloned().collect();
        let simulator = Simulator::new(&spec.columns, &classes)?;
        let field = |(name, kind, missing): (&str, ColumnKind, bool)| {
            let of = match kind {
                ColumnKind::Number => DataType::Float64,
                ColumnKind::Whole | ColumnKind::Flag => DataType::Int64,
                ColumnKind::Text => DataType::Utf8,
            };
            Field::new(name, of, missing)
        };
        let mut fields: Vec<Field> = simulator.columns().map(field).collect();
        if !classes.is_empty() {
            if spec.columns.contains_key(&spec.label) {
                return Err(Error::schema(format!(
                    "label: there is a column {:?} already: call the classes otherwise",
                    spec.label
                )));
            }
            fields.push(Field::new(&spec.label, DataType::Utf8, false));
        }
        let shares: Vec<f64> = spec.classes.values().copied().collect();
        Ok(Self(Arc::new(Inner {
            ends: ends(&shares, rows.get()),
            mixed: Permutation::new(rows.get(), &mut Rng::new(spec.seed, TableSpec::NAME, u64::MAX)),
            schema: Arc::new(Schema::new(fields)),
            spec: spec.clone(),
            simulator,
            rows,
            classes,
        })))
    }
}

/// Where the rows of each class end, if `rows` rows have these shares.
fn ends(shares: &[f64], rows: u64) -> Vec<u64> {
    let sum: f64 = shares.iter().sum();
    let mut before = 0.0;
    let end = |share: &f64| {
        before += share;
        (before / sum * rows as f64).round() as u64
    };
    shares.iter().map(end).collect()
}

impl Inner {
    /// The class of row `row`; 0 where there are none.
    fn class(&self, row: u64) -> usize {
        let place = self.mixed.get(row);
        let class = self.ends.partition_point(|&end| end <= place);
        class.min(self.ends.len().saturating_sub(1))
    }

    fn row(&self, row: u64) -> Result<Row> {
        let rng = |column: u64| Rng::new(self.spec.seed, TableSpec::NAME, stream(&[row, column]));
        let made = self.simulator.row(self.class(row), rng);
        made.map_err(|error| error.context(format!("row {row} in {}", TableSpec::NAME)))
    }

    fn labels(&self, rows: impl Iterator<Item = u64>) -> ArrayRef {
        let names = rows.map(|row| self.classes[self.class(row)].as_str());
        Arc::new(StringArray::from_iter_values(names))
    }

    fn batch(&self, rows: &[u64]) -> Result<RecordBatch> {
        let made: Vec<Result<Row>> = rows.par_iter().map(|&row| self.row(row)).collect();
        let made = made
            .into_iter()
            .enumerate()
            .map(|(at, row)| row.map_err(|error| error.at(at)));
        let mut columns = self.simulator.arrays(&made.collect::<Result<Vec<_>>>()?);
        if !self.classes.is_empty() {
            columns.push(self.labels(rows.iter().copied()));
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl Dataset for Table {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.0.rows)
    }

    fn blocks(&self) -> Blocks {
        let rows = 0..self.0.rows.get();
        Arc::new([Block { rows, bytes: 0 }])
    }

    fn describe(&self) -> Plan {
        Plan::of(&self.0.spec).decoded(0)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let rows: Vec<u64> = positions.iter().map(|&position| position % self.0.rows).collect();
        let (inner, cx) = (Arc::clone(&self.0), cx.clone());
        Prepared::new(async move { cx.compute(move || inner.batch(&rows)).await })
    }

    fn provenance(&self, _: &Context, position: u64) -> Provenance {
        Provenance {
            places: vec![StoredRow {
                source: TableSpec::NAME.into(),
                row_group: None,
                row: position % self.0.rows,
            }],
            ..Provenance::default()
        }
    }
}

impl Stable for Table {
    fn views(&self) -> u64 {
        1
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        let at = index_of(&self.0.schema, name);
        let (inner, is_label) = (
            Arc::clone(&self.0),
            name == self.0.spec.label && !self.0.classes.is_empty(),
        );
        Box::pin(async move {
            let at = at.map_err(|error| error.context(TableSpec::NAME))?;
            let rows = inner.rows.get();
            if is_label {
                return cx.compute(move || Ok(inner.labels(0..rows))).await;
            }
            let mut parts = Vec::new();
            for first in (0..rows).step_by(AT_ONCE as usize) {
                let inner = Arc::clone(&inner);
                let part = cx.compute(move || {
                    let rows: Vec<u64> = (first..(first + AT_ONCE).min(rows)).collect();
                    Ok(Arc::clone(inner.batch(&rows).map_err(Error::unplaced)?.column(at)))
                });
                parts.push(part.await?);
            }
            let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
            Ok(concat(&parts)?)
        })
    }
}
