//! Columns as the type that all files' values have in common.

use crate::error::{Error, Result};
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, OffsetSizeTrait, StructArray, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, FieldRef, Fields, Int64Type, UInt64Type};
use std::sync::Arc;

/// Whole numbers up to this one, either side of zero, are f64 each.
const EXACT: u64 = 1 << 53;

/// `column` as `to`, which [`common_type`](super::types::common_type) made of its type and others.
///
/// # Errors
///
/// `Data` for a value that `to` does not hold: a whole number that is no f64, a time out of range.
pub(in crate::source::parquet) fn adapt(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    use DataType::*;
    if column.data_type() == to {
        return Ok(Arc::clone(column));
    }
    Ok(match (column.data_type(), to) {
        (Null, _) => new_null_array(to, column.len()),
        (Struct(_), Struct(fields)) => Arc::new(structs(column.as_struct(), fields)?),
        (List(_), List(item)) => Arc::new(lists(column.as_list::<i32>(), item)?),
        (LargeList(_), LargeList(item)) => Arc::new(lists(column.as_list::<i64>(), item)?),
        (FixedSizeList(..), FixedSizeList(item, size)) => {
            let own = column.as_fixed_size_list();
            let values = adapt(own.values(), item.data_type())?;
            let nulls = own.nulls().cloned();
            Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *size, values, nulls)?)
        }
        (List(from), LargeList(_)) => adapt(&convert(column, &LargeList(Arc::clone(from)))?, to)?,
        (FixedSizeList(from, _), List(_)) => adapt(&convert(column, &List(Arc::clone(from)))?, to)?,
        (FixedSizeList(from, _), LargeList(_)) => adapt(&convert(column, &LargeList(Arc::clone(from)))?, to)?,
        (Int64 | UInt64, Float64) => {
            check_exact(column)?;
            convert(column, to)?
        }
        _ => convert(column, to)?,
    })
}

fn convert(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    Ok(cast_with_options(column, to, &options)?)
}

fn structs(column: &StructArray, fields: &Fields) -> Result<StructArray> {
    let child = |field: &FieldRef| match column.column_by_name(field.name()) {
        Some(child) => adapt(child, field.data_type()),
        None => Ok(new_null_array(field.data_type(), column.len())),
    };
    let children = fields.iter().map(child).collect::<Result<_>>()?;
    let nulls = column.nulls().cloned();
    Ok(StructArray::try_new_with_length(
        fields.clone(),
        children,
        nulls,
        column.len(),
    )?)
}

fn lists<O: OffsetSizeTrait>(column: &GenericListArray<O>, item: &FieldRef) -> Result<GenericListArray<O>> {
    let values = adapt(column.values(), item.data_type())?;
    let (offsets, nulls) = (column.offsets().clone(), column.nulls().cloned());
    Ok(GenericListArray::try_new(Arc::clone(item), offsets, values, nulls)?)
}

/// Refuses whole numbers that are no f64.
fn check_exact(column: &ArrayRef) -> Result<()> {
    let inexact = match column.data_type() {
        DataType::Int64 => {
            let mut values = column.as_primitive::<Int64Type>().iter().flatten();
            values
                .find(|value| value.unsigned_abs() > EXACT)
                .map(|value| value.to_string())
        }
        _ => {
            let mut values = column.as_primitive::<UInt64Type>().iter().flatten();
            values.find(|&value| value > EXACT).map(|value| value.to_string())
        }
    };
    match inexact {
        None => Ok(()),
        Some(value) => Err(Error::data(format!(
            "{value} is no exact Float64, which this column is in other files"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::types::common_type;
    use super::*;
    use DataType::{Float64, Int8, Int32, Int64};
    use arrow::array::{Float64Array, Int32Array, Int64Array};
    use arrow::datatypes::Field;

    #[test]
    fn structs_and_lists_are_made_one_from_the_inside() -> Result<()> {
        let list = |item: DataType| DataType::List(Arc::new(Field::new_list_field(item, false)));
        let one = Fields::from(vec![Field::new("a", list(Int32), false), Field::new("b", Int8, false)]);
        let other = Fields::from(vec![Field::new("c", Int8, false), Field::new("a", list(Int64), false)]);
        let (one, other) = (DataType::Struct(one), DataType::Struct(other));
        let Some(both) = common_type(&one, &other) else {
            panic!("{one} and {other} are not one");
        };
        let expected = Fields::from(vec![
            Field::new("a", list(Int64), false),
            Field::new("b", Int8, true),
            Field::new("c", Int8, true),
        ]);
        assert_eq!(both, DataType::Struct(expected));
        let DataType::Struct(fields) = &one else { return Ok(()) };
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![7, 8, 9]));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([1, 2]);
        let item = Arc::new(Field::new_list_field(Int32, false));
        let a: ArrayRef = Arc::new(GenericListArray::<i32>::try_new(item, offsets, numbers, None)?);
        let b: ArrayRef = Arc::new(arrow::array::Int8Array::from(vec![1, 2]));
        let column: ArrayRef = Arc::new(StructArray::try_new(fields.clone(), vec![a, b], None)?);
        let adapted = adapt(&column, &both)?;
        let adapted = adapted.as_struct();
        let second = adapted.column(0).as_list::<i32>().value(1);
        assert_eq!(second.as_primitive::<Int64Type>().values(), &[8, 9]);
        assert_eq!(adapted.column(2).null_count(), 2);
        Ok(())
    }

    #[test]
    fn whole_numbers_beside_others_are_exact_or_refused() -> Result<()> {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(-3), None, Some(1 << 53)]));
        let expected = Float64Array::from(vec![Some(-3.0), None, Some(9007199254740992.0)]);
        assert_eq!(adapt(&column, &Float64)?.as_ref(), &expected as &dyn Array);
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1, (1 << 53) + 1]));
        let error = adapt(&column, &Float64).expect_err("it is no f64").to_string();
        assert!(error.contains("9007199254740993 is no exact Float64"), "{error}");
        Ok(())
    }
}
