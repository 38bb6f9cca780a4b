//! One type for a column that files store in several: whatever holds the values of all of them as they are.

use crate::error::{Error, Result};
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, OffsetSizeTrait, StructArray, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, UInt64Type};
use std::sync::Arc;

/// Whole numbers up to this one, either side of zero, are f64 each.
const EXACT: u64 = 1 << 53;

/// The type that holds what `one` and `other` hold; none where there is none.
///
/// Integers and floating-point numbers become the wider ones, integers beside floating-point numbers f64, timestamps the
/// finer ones, binary values of one size those of any, lists of one size those of any. Structs have the fields of both, by
/// name. What holds nothing becomes the other.
pub(in crate::source::parquet) fn types(one: &DataType, other: &DataType) -> Option<DataType> {
    use DataType::*;
    if one == other {
        return Some(one.clone());
    }
    Some(match (one, other) {
        (Null, some) | (some, Null) => some.clone(),
        (one, other) if one.is_integer() && other.is_integer() => integers(one, other)?,
        (one, other) if one.is_floating() && other.is_floating() => wider(one, other),
        (one, other) if one.is_integer() && other.is_floating() || one.is_floating() && other.is_integer() => Float64,
        (Timestamp(one, zone), Timestamp(other, same)) if zone == same => Timestamp(*one.max(other), zone.clone()),
        (BinaryView | FixedSizeBinary(_), BinaryView | FixedSizeBinary(_)) => BinaryView,
        (FixedSizeList(one, size), FixedSizeList(other, same)) if size == same => {
            FixedSizeList(items(one, other)?, *size)
        }
        (List(one) | FixedSizeList(one, _), List(other) | FixedSizeList(other, _)) => List(items(one, other)?),
        (
            List(one) | LargeList(one) | FixedSizeList(one, _),
            List(other) | LargeList(other) | FixedSizeList(other, _),
        ) => LargeList(items(one, other)?),
        (Struct(one), Struct(other)) => Struct(fields(one, other)?),
        _ => return None,
    })
}

/// `one`, of the type that holds what `other` holds, too.
pub(in crate::source::parquet) fn both(one: &Field, other: &Field) -> Option<Field> {
    let may_lack = |field: &Field| field.is_nullable() || *field.data_type() == DataType::Null;
    let nullable = may_lack(one) || may_lack(other);
    let data_type = types(one.data_type(), other.data_type())?;
    Some(one.clone().with_data_type(data_type).with_nullable(nullable))
}

fn items(one: &FieldRef, other: &FieldRef) -> Option<FieldRef> {
    both(one, other).map(Arc::new)
}

/// The fields of both, by name, those of `one` first. Those that one of them lacks are null there.
fn fields(one: &Fields, other: &Fields) -> Option<Fields> {
    let lacking = |field: &FieldRef| Arc::new(field.as_ref().clone().with_nullable(true));
    let merged = |field: &FieldRef| match other.find(field.name()) {
        Some((_, found)) => items(field, found),
        None => Some(lacking(field)),
    };
    let own = one.iter().map(merged);
    let more = other.iter().filter(|field| one.find(field.name()).is_none());
    own.chain(more.map(|field| Some(lacking(field)))).collect()
}

/// Of unsigned integers beside signed ones, those signed that hold both.
fn integers(one: &DataType, other: &DataType) -> Option<DataType> {
    let (unsigned, signed) = match (one.is_unsigned_integer(), other.is_unsigned_integer()) {
        (true, false) => (one, other),
        (false, true) => (other, one),
        _ => return Some(wider(one, other)),
    };
    let room = match unsigned {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        _ => return None,
    };
    Some(wider(&room, signed))
}

fn wider(one: &DataType, other: &DataType) -> DataType {
    match one.primitive_width() < other.primitive_width() {
        true => other.clone(),
        false => one.clone(),
    }
}

/// `column` as `to`, which [`types`] made of its type and others.
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
            exact(column)?;
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
fn exact(column: &ArrayRef) -> Result<()> {
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
    use super::*;
    use DataType::{Float16, Float32, Float64, Int8, Int16, Int32, Int64, Null, UInt8, UInt32, UInt64, Utf8View};
    use arrow::array::{Float64Array, Int32Array, Int64Array};

    #[test]
    fn numbers_become_the_ones_that_hold_both() {
        for (one, other, both) in [
            (Int32, Int64, Some(Int64)),
            (UInt8, UInt32, Some(UInt32)),
            (UInt8, Int8, Some(Int16)),
            (UInt32, Int8, Some(Int64)),
            (UInt64, Int64, None),
            (Float16, Float32, Some(Float32)),
            (Float32, Float64, Some(Float64)),
            (Int64, Float32, Some(Float64)),
            (Null, Utf8View, Some(Utf8View)),
            (Utf8View, Int64, None),
            (DataType::Boolean, Int8, None),
        ] {
            assert_eq!(types(&one, &other), both, "{one} {other}");
            assert_eq!(types(&other, &one), both, "{other} {one}");
        }
    }

    #[test]
    fn structs_and_lists_are_made_one_from_the_inside() -> Result<()> {
        let list = |item: DataType| DataType::List(Arc::new(Field::new_list_field(item, false)));
        let one = Fields::from(vec![Field::new("a", list(Int32), false), Field::new("b", Int8, false)]);
        let other = Fields::from(vec![Field::new("c", Int8, false), Field::new("a", list(Int64), false)]);
        let (one, other) = (DataType::Struct(one), DataType::Struct(other));
        let Some(both) = types(&one, &other) else {
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
