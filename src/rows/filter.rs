use super::column::Column;
use super::ports::Read;
use super::row::{Columns, Row, RowOf};
use crate::columns::index_of;
use crate::dataset::{Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::{Context, catch};
use crate::order::Select;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::spec::Spec;
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use futures::future::BoxFuture;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a predicate of [`filter`](crate::DatasetExt::filter) is called and reads.
///
/// Nobody can hash a closure, so its name and [version](Self::version) stand for it, beside the rows that it keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    name: String,
    version: u32,
    reads: Vec<Read>,
}

/// No name: a recipe has to give one.
impl Default for Filter {
    fn default() -> Self {
        Self::new("")
    }
}

impl Spec for Filter {
    const NAME: &'static str = "filter";
}

impl Filter {
    /// A predicate named `name`, in plans and errors.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: 1,
            reads: Vec::new(),
        }
    }

    /// Which predicate of this name it is. Defaults to 1.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Reads one column more: number 0 is the first.
    #[must_use]
    pub fn reads(mut self, read: Read) -> Self {
        self.reads.push(read);
        self
    }

    /// What errors say was being done.
    fn label(&self) -> String {
        format!("filter \"{}\"", self.name)
    }

    /// The columns that are read, each once.
    fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for column in self.reads.iter().filter_map(Read::column) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }
}

/// The rows for which a predicate holds, in their order; made by [`filter`](crate::DatasetExt::filter).
#[derive(Debug)]
pub struct Filtered<D> {
    kept: Select<D>,
}

impl<D: Stable> Filtered<D> {
    pub(crate) async fn scan<F>(inner: D, cx: &Context, filter: Filter, predicate: F) -> Result<Self>
    where
        F: Fn(&Row<'_>) -> Result<bool> + Send + Sync + 'static,
    {
        let label = filter.label();
        let scanned = matching_rows(&inner, cx, &filter, predicate).await;
        let rows = scanned.map_err(|error| error.context(label.as_str()))?;
        if rows.is_empty() {
            return Err(Error::config(format!(
                "{label} keeps none of the rows, and a dataset has at least one"
            )));
        }
        Ok(Self {
            kept: Select::chosen(inner, rows, Plan::of(&filter))?,
        })
    }
}

/// The rows of `inner` for which `predicate` holds.
async fn matching_rows<F>(inner: &impl Stable, cx: &Context, filter: &Filter, predicate: F) -> Result<Vec<u64>>
where
    F: Fn(&Row<'_>) -> Result<bool> + Send + Sync + 'static,
{
    let schema = inner.schema();
    filter.reads.iter().try_for_each(|read| Column::check(&schema, read))?;
    let rows = inner.len().finite().map(|len| len / inner.views());
    let rows = rows.ok_or_else(|| Error::config("the dataset has no end"))?;
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for column in filter.columns() {
        fields.push(schema.field(index_of(&schema, column)?).clone());
        columns.push(inner.column(cx, column).await?);
    }
    let classes: Vec<Option<u32>> = match filter.reads.contains(&Read::Class) {
        true => (0..rows).map(|row| inner.provenance(cx, row).class).collect(),
        false => Vec::new(),
    };
    let options = RecordBatchOptions::new().with_row_count(Some(rows as usize));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
    let reads = filter.reads.clone();
    let found = cx
        .compute(move || {
            let columns = reads.iter().map(|read| Column::of(&batch, read, &classes));
            let datasets = [Columns {
                reads: &reads,
                columns: columns.collect::<Result<_>>()?,
                first: 0,
            }];
            let holds = |at: usize| {
                let row = Row {
                    datasets: &datasets,
                    own: RowOf { dataset: 0, row: at },
                    partners: &[],
                };
                catch(|| predicate(&row)).map_err(|error| {
                    let column = error.column().map(|column| format!("column \"{column}\""));
                    column.into_iter().fold(error.at(at), Error::context)
                })
            };
            let held: Vec<Result<bool>> = (0..batch.num_rows()).into_par_iter().map(holds).collect();
            // In order, so that the first bad row is the one that is named.
            let held = held.into_iter().collect::<Result<Vec<bool>>>()?;
            Ok((0..rows)
                .zip(held)
                .filter_map(|(row, held)| held.then_some(row))
                .collect())
        })
        .await;
    found.map_err(|error| match error.index() {
        Some(row) => {
            let place = inner.provenance(cx, row as u64).places.into_iter().next();
            let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
            error.unplaced().context(place)
        }
        None => error,
    })
}

impl<D: Stable> Dataset for Filtered<D> {
    fn schema(&self) -> SchemaRef {
        self.kept.schema()
    }

    fn len(&self) -> Len {
        self.kept.len()
    }

    fn blocks(&self) -> Blocks {
        self.kept.blocks()
    }

    fn describe(&self) -> Plan {
        let plan = self.kept.describe();
        plan.note("a closure: its name and version stand for it")
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.kept.prepare(cx, positions)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.kept.provenance(cx, position)
    }
}

impl<D: Stable> Stable for Filtered<D> {
    fn views(&self) -> u64 {
        self.kept.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        self.kept.column(cx, name)
    }
}
