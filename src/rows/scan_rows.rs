//! A closure over each row of a dataset, of which some columns alone are read.

use super::column::Column;
use super::ports::Read;
use super::row::{Columns, Row, RowOf};
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::{Context, catch};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use rayon::prelude::*;
use std::sync::Arc;

/// What `closure` makes of each row of `inner` (of view 0), of which it reads `reads`.
///
/// # Errors
///
/// `Schema` where a column is missing or of another type; what the closure says of the first row that it refuses, with its place.
pub(super) async fn scan_rows<T, F>(inner: &impl Stable, cx: &Context, reads: &[Read], closure: F) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Fn(&Row<'_>) -> Result<T> + Send + Sync + 'static,
{
    let schema = inner.schema();
    reads.iter().try_for_each(|read| Column::check(&schema, read))?;
    let rows = inner.len().finite().map(|len| len / inner.views());
    let rows = rows.ok_or_else(|| Error::config("the dataset has no end"))?;
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for column in each_once(reads) {
        fields.push(schema.field(index_of(&schema, column)?).clone());
        columns.push(inner.column(cx, column).await?);
    }
    let classes: Vec<Option<u32>> = match reads.contains(&Read::Class) {
        true => {
            let cx = cx.for_origins();
            (0..rows).map(|row| inner.provenance(&cx, row).class).collect()
        }
        false => Vec::new(),
    };
    let options = RecordBatchOptions::new().with_row_count(Some(rows as usize));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
    let reads = reads.to_vec();
    let found = cx
        .compute(move || {
            let columns = reads.iter().map(|read| Column::of(&batch, read, &classes));
            let datasets = [Columns {
                reads: &reads,
                columns: columns.collect::<Result<_>>()?,
                first: 0,
            }];
            let of_row = |at: usize| {
                let row = Row {
                    datasets: &datasets,
                    own: RowOf { dataset: 0, row: at },
                    partners: &[],
                };
                catch(|| closure(&row)).map_err(|error| {
                    let column = error.column().map(|column| format!("column \"{column}\""));
                    column.into_iter().fold(error.at(at), Error::context)
                })
            };
            let made: Vec<Result<T>> = (0..batch.num_rows()).into_par_iter().map(of_row).collect();
            // In order, so that the first bad row is the one that is named.
            made.into_iter().collect::<Result<Vec<T>>>()
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

/// The columns of `reads`, each once.
fn each_once(reads: &[Read]) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    for column in reads.iter().filter_map(Read::column) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}
