//! Columns of numbers that come out together, as one tensor column.

use crate::error::{Error, Result};
use crate::rows::tensor_field;
use crate::source::memory::index_of;
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, RecordBatch};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type, Schema};
use std::sync::Arc;

/// Columns whose values in a row come out as that row of one tensor column.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

impl Packed {
    /// Checks that `columns` are numbers in `schema`, and that no other column has the name.
    pub(super) fn new(schema: &Schema, name: &str, columns: &[&str], source: &str) -> Result<Self> {
        if columns.is_empty() {
            return Err(Error::config(format!("tensor {name:?}: no column was asked for")));
        }
        for (i, column) in columns.iter().enumerate() {
            let data_type = schema.field(index_of(schema, column, source)?).data_type();
            if !data_type.is_integer() && !data_type.is_floating() {
                return Err(Error::schema(format!(
                    "tensor {name:?}: column {column:?} is {data_type}, not numbers"
                )));
            }
            if columns[..i].contains(column) {
                return Err(Error::config(format!(
                    "tensor {name:?}: column {column:?} is asked for twice"
                )));
            }
        }
        if !columns.contains(&name) && schema.index_of(name).is_ok() {
            return Err(Error::config(format!(
                "tensor {name:?}: there is another column of this name"
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        })
    }

    /// `schema` with the tensor in place of the first of its columns, and without the others.
    ///
    /// Its numbers are nullable where those of a column are, so that one null does not spoil the rows beside it.
    pub(super) fn schema(&self, schema: &Schema) -> Result<Schema> {
        let is_part = |name: &String| self.columns.contains(name);
        let mut parts = schema.fields().iter().filter(|field| is_part(field.name()));
        let nullable = parts.any(|field| field.is_nullable());
        let mut tensor = Some(Arc::new(self.field(nullable)?));
        let fields = schema.fields().iter().filter_map(|field| match is_part(field.name()) {
            true => tensor.take(),
            false => Some(Arc::clone(field)),
        });
        Ok(Schema::new_with_metadata(
            fields.collect::<Vec<_>>(),
            schema.metadata().clone(),
        ))
    }

    pub(super) fn field(&self, nullable: bool) -> Result<Field> {
        let field = tensor_field(&self.name, &[self.columns.len()])?;
        Ok(match field.data_type() {
            DataType::FixedSizeList(item, size) => {
                let item = item.as_ref().clone().with_nullable(nullable);
                let list = DataType::FixedSizeList(Arc::new(item), *size);
                field.with_data_type(list)
            }
            _ => field,
        })
    }

    /// The tensor column of a decoded batch. Nulls stay nulls: [`check`](Self::check) finds them in the rows that are taken.
    pub(super) fn join(&self, batch: &RecordBatch, field: &Field) -> Result<ArrayRef> {
        let column = |name: &String| {
            let stored = batch.column_by_name(name);
            let stored = stored.ok_or_else(|| Error::data(format!("column {name:?} was not decoded")))?;
            Ok(cast(stored, &DataType::Float32)?)
        };
        let columns: Vec<ArrayRef> = self.columns.iter().map(column).collect::<Result<_>>()?;
        let numbers: Vec<&Float32Array> = columns
            .iter()
            .map(|column| column.as_primitive::<Float32Type>())
            .collect();
        let bytes: Vec<&[u8]> = numbers
            .iter()
            .map(|column| column.values().inner().as_slice())
            .collect();
        let mut values = vec![0.0; batch.num_rows() * bytes.len()];
        by_rows(&bytes, &mut values, bytes.len(), 0);
        let values = Float32Array::new(values.into(), nulls(&numbers, batch.num_rows()));
        let DataType::FixedSizeList(item, size) = field.data_type() else {
            return Err(Error::schema(format!("column {:?} is not a tensor", self.name)));
        };
        let list = FixedSizeListArray::try_new(Arc::clone(item), *size, Arc::new(values), None)?;
        Ok(Arc::new(list))
    }

    /// Refuses a row of this tensor column in which a number is missing.
    pub(super) fn check(&self, tensor: &ArrayRef) -> Result<()> {
        let values = tensor.as_fixed_size_list().values();
        if values.null_count() == 0 {
            return Ok(());
        }
        let missing = (0..values.len()).find(|&i| values.is_null(i)).unwrap_or(0);
        let (row, column) = (missing / self.columns.len(), missing % self.columns.len());
        let message = format!("tensor {:?}: column {:?} is null", self.name, self.columns[column]);
        Err(Error::data(message).at(row))
    }
}

/// Where a number is missing, row by row; none where none is.
fn nulls(columns: &[&Float32Array], rows: usize) -> Option<NullBuffer> {
    if columns.iter().all(|column| column.null_count() == 0) {
        return None;
    }
    let width = columns.len();
    let valid = |i: usize| columns[i % width].is_valid(i / width);
    Some(NullBuffer::new(BooleanBuffer::collect_bool(rows * width, valid)))
}

/// Writes `columns`, little-endian f32 each, into the rows of `values`, which are `width` numbers wide, from the number `first`
/// of a row on.
///
/// Four columns at a time, in squares of four by four: the compiler turns those in registers, and few columns are read side
/// by side, which is what a processor can foresee.
pub(super) fn by_rows(columns: &[&[u8]], values: &mut [f32], width: usize, first: usize) {
    const SIDE: usize = 4;
    let number = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
    let numbers: Vec<&[[u8; 4]]> = columns.iter().map(|column| column.as_chunks().0).collect();
    let (squares, _) = numbers.as_chunks::<SIDE>();
    for (columns, first) in squares.iter().zip((first..).step_by(SIDE)) {
        let columns = columns.map(|column| column.as_chunks::<SIDE>().0);
        for (at, rows) in values.chunks_exact_mut(SIDE * width).enumerate() {
            let square = columns.map(|column| column[at].each_ref().map(number));
            for (row, values) in rows.chunks_exact_mut(width).enumerate() {
                values[first..][..SIDE].copy_from_slice(&square.map(|column| column[row]));
            }
        }
    }
    // What is left to the right of the squares, and below.
    let (right, below) = (squares.len() * SIDE, values.len() / width / SIDE * SIDE);
    for (row, values) in values.chunks_exact_mut(width).enumerate() {
        let left = if row < below { right } else { 0 };
        for (column, numbers) in numbers.iter().enumerate().skip(left) {
            values[first + column] = number(&numbers[row]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        for (columns, rows, width, first) in [
            (64, 100, 64, 0),
            (7, 9, 7, 0),
            (5, 6, 12, 4),
            (1, 1, 1, 0),
            (3, 0, 3, 0),
        ] {
            let number = |column: usize, row: usize| (column * 1000 + row) as f32 + 1.0;
            let bytes = |column| -> Vec<u8> { (0..rows).flat_map(|row| number(column, row).to_le_bytes()).collect() };
            let stored: Vec<Vec<u8>> = (0..columns).map(bytes).collect();
            let mut values = vec![0.0; rows * width];
            by_rows(
                &stored.iter().map(Vec::as_slice).collect::<Vec<_>>(),
                &mut values,
                width,
                first,
            );
            for (at, value) in values.into_iter().enumerate() {
                let (row, column) = (
                    at / width,
                    (at % width).checked_sub(first).filter(|&column| column < columns),
                );
                assert_eq!(
                    value,
                    column.map_or(0.0, |column| number(column, row)),
                    "{columns} {rows} {at}"
                );
            }
        }
    }
}
