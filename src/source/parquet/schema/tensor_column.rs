//! A tensor column: columns of numbers that come out together.

use crate::columns::tensor_field;
use crate::error::{Error, Result};
use crate::source::columns::index_of;
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array};
use arrow::buffer::{BooleanBuffer, MutableBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type, Schema};
use std::sync::Arc;

/// Columns whose values in a row come out as that row of one tensor column.
#[derive(Clone, Debug)]
pub(in crate::source::parquet) struct TensorColumn {
    pub(in crate::source::parquet) name: String,
    pub(in crate::source::parquet) columns: Vec<String>,
}

impl TensorColumn {
    /// Checks that `columns` are numbers in `schema`, and that no other column has the name.
    pub(in crate::source::parquet) fn new(schema: &Schema, name: &str, columns: &[&str], source: &str) -> Result<Self> {
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
    pub(in crate::source::parquet) fn schema(&self, schema: &Schema) -> Result<Schema> {
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

    pub(in crate::source::parquet) fn field(&self, nullable: bool) -> Result<Field> {
        let field = tensor_field(&self.name, &DataType::Float32, &[self.columns.len()])?;
        Ok(match field.data_type() {
            DataType::FixedSizeList(item, size) => {
                let item = item.as_ref().clone().with_nullable(nullable);
                let list = DataType::FixedSizeList(Arc::new(item), *size);
                field.with_data_type(list)
            }
            _ => field,
        })
    }

    /// The tensor column of `columns`, of `rows` rows each. Nulls stay nulls: [`check`](Self::check) finds them in the rows that
    /// are taken.
    pub(in crate::source::parquet) fn join(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        field: &Field,
    ) -> Result<ArrayRef> {
        let column = |stored: &ArrayRef| Ok(cast(stored, &DataType::Float32)?);
        let columns: Vec<ArrayRef> = columns.iter().map(column).collect::<Result<_>>()?;
        let numbers: Vec<&Float32Array> = columns
            .iter()
            .map(|column| column.as_primitive::<Float32Type>())
            .collect();
        let bytes: Vec<&[u8]> = numbers
            .iter()
            .map(|column| column.values().inner().as_slice())
            .collect();
        let values = Float32Array::new(row_major(&bytes), nulls(&numbers, rows));
        let DataType::FixedSizeList(item, size) = field.data_type() else {
            return Err(Error::schema(format!("column {:?} is not a tensor", self.name)));
        };
        let list = FixedSizeListArray::try_new(Arc::clone(item), *size, Arc::new(values), None)?;
        Ok(Arc::new(list))
    }

    /// Refuses a row of this tensor column in which a number is missing.
    pub(in crate::source::parquet) fn check(&self, tensor: &ArrayRef) -> Result<()> {
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

/// The rows of `columns`, little-endian f32 each, all of the same length, one row after the other.
///
/// A few rows at a time, four columns at a time, in squares of four by four: the compiler turns those in registers, and few
/// columns are read side by side, which is what a processor can foresee. Rows are put together in the processor's cache and
/// copied out, so that the memory they go to need not be cleared first and is written in one go.
pub(in crate::source::parquet) fn row_major(columns: &[&[u8]]) -> ScalarBuffer<f32> {
    const SIDE: usize = 4;
    const ROWS: usize = 16 * SIDE;
    let numbers: Vec<&[[u8; 4]]> = columns.iter().map(|column| column.as_chunks().0).collect();
    let (squares, right) = numbers.as_chunks::<SIDE>();
    let (width, count) = (columns.len(), numbers.first().map_or(0, |column| column.len()));
    let mut values = MutableBuffer::with_capacity(width * count * size_of::<f32>());
    let mut some = vec![0.0; width * ROWS.min(count)];
    for at in (0..count).step_by(ROWS) {
        let end = count.min(at + ROWS);
        let some = &mut some[..(end - at) * width];
        for (square, first) in squares.iter().zip((0..).step_by(SIDE)) {
            let [(a, p), (b, q), (c, r), (d, s)] = square.each_ref().map(|column| column[at..end].as_chunks::<SIDE>());
            let whole = a.len() * SIDE * width;
            let rows = some[..whole].chunks_exact_mut(SIDE * width);
            for ((((a, b), c), d), rows) in a.iter().zip(b).zip(c).zip(d).zip(rows) {
                put(rows, width, first, &[a, b, c, d]);
            }
            put(&mut some[whole..], width, first, &[p, q, r, s]);
        }
        for (column, first) in right.iter().zip(squares.len() * SIDE..) {
            put(some, width, first, &[&column[at..end]]);
        }
        values.extend_from_slice(some);
    }
    values.into()
}

/// Writes `columns` into `rows` of `width` numbers, from the number `first` of each on.
#[inline(always)]
fn put<const N: usize, C: AsRef<[[u8; 4]]>>(rows: &mut [f32], width: usize, first: usize, columns: &[C; N]) {
    for (at, row) in rows.chunks_exact_mut(width).enumerate() {
        for (value, column) in row[first..][..N].iter_mut().zip(columns) {
            *value = f32::from_le_bytes(column.as_ref()[at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        for (columns, rows) in [(64, 100), (7, 9), (5, 6), (1, 1), (3, 0), (2, 33), (12, 67)] {
            let number = |column: usize, row: usize| (column * 1000 + row) as f32 + 1.0;
            let bytes = |column| -> Vec<u8> { (0..rows).flat_map(|row| number(column, row).to_le_bytes()).collect() };
            let stored: Vec<Vec<u8>> = (0..columns).map(bytes).collect();
            let values = row_major(&stored.iter().map(Vec::as_slice).collect::<Vec<_>>());
            assert_eq!(values.len(), rows * columns);
            for (at, &value) in values.iter().enumerate() {
                assert_eq!(value, number(at % columns, at / columns), "{columns} {rows} {at}");
            }
        }
    }
}
