//! The length of every row: a scan of a column.

use super::scan_cache::cached;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::order::Lengths;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, UInt32Type, UInt64Type};
use std::sync::Arc;

impl Lengths {
    /// Scans `column` of `dataset`: of lists their items, of tensors that differ in shape their values, of strings and binary values
    /// their bytes; integers are the lengths themselves. The lengths are kept in the context's index, as labels are.
    ///
    /// All of the column is read at once: beside long lists, a column that holds their lengths is read much faster.
    ///
    /// # Errors
    ///
    /// `Schema` for a missing column and one of another type; `Data` for a null, a negative length and one of 2^32 or more, with the
    /// place of the first.
    pub async fn scan(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Self> {
        let schema = dataset.schema();
        let kind = schema.field(index_of(&schema, column)?).data_type().clone();
        if !has_length(&kind) {
            return Err(Error::schema(format!(
                "column \"{column}\" holds {kind}, which has no length: name a column of lists, strings, binary values or whole numbers"
            )));
        }
        let schema = Arc::new(Schema::new(vec![Field::new("length", DataType::UInt32, false)]));
        let own = Arc::clone(&schema);
        let made = async move {
            let lengths = lengths(&dataset.column(cx, column).await?)?;
            let row = |at: usize, why: String| {
                let place = dataset.provenance(cx, at as u64).places.into_iter().next();
                let place = place.map_or_else(|| format!("row {at}"), |place| place.to_string());
                Error::data(why).context(format!("column \"{column}\"")).context(place)
            };
            let length = |(at, value): (usize, Option<i64>)| match value {
                None => Err(row(at, "the value is null, and a row needs a length".to_owned())),
                Some(value) => {
                    u32::try_from(value).map_err(|_| row(at, format!("{value} is no length of 0 to 2^32 - 1")))
                }
            };
            let lengths = lengths.iter().enumerate().map(length).collect::<Result<Vec<u32>>>()?;
            Ok(RecordBatch::try_new(own, vec![Arc::new(UInt32Array::from(lengths))])?)
        };
        let batch = cached(cx, dataset, &format!("lengths {column}"), schema, made).await?;
        let lengths = batch.column(0).as_primitive::<UInt32Type>();
        Ok(Self::new(column, lengths.values().iter().copied()))
    }
}

fn has_length(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => has_length(values),
        DataType::Struct(parts) => parts.len() == 2 && parts[0].name() == "data" && parts[1].name() == "shape",
        kind => kind.is_integer() || kind.is_string() || kind.is_binary() || kind.is_list(),
    }
}

/// The length of each row; null for a null. What 63 bits do not hold is cut to them, which is no length either.
fn lengths(column: &ArrayRef) -> Result<Int64Array> {
    let nulls = column.logical_nulls();
    let column = match column.data_type() {
        DataType::Dictionary(_, values) => cast(column, values)?,
        DataType::Struct(_) => Arc::clone(column.as_struct().column(0)),
        DataType::ListView(item) | DataType::LargeListView(item) => {
            cast(column, &DataType::LargeList(Arc::clone(item)))?
        }
        DataType::BinaryView => cast(column, &DataType::LargeBinary)?,
        DataType::UInt64 => {
            let most = |value: u64| value.min(i64::MAX as u64);
            Arc::new(column.as_primitive::<UInt64Type>().unary::<_, UInt64Type>(most))
        }
        _ => Arc::clone(column),
    };
    let lengths = match column.data_type().is_integer() {
        true => column,
        false => length(&column)?,
    };
    let lengths = cast(&lengths, &DataType::Int64)?;
    let values = lengths.as_primitive::<Int64Type>().values().clone();
    Ok(Int64Array::new(
        values,
        NullBuffer::union(nulls.as_ref(), lengths.nulls()),
    ))
}
