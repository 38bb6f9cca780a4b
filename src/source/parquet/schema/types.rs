//! One type for a column that files store in several: whatever holds the values of all of them as they are.

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use std::sync::Arc;

/// The type that holds what `one` and `other` hold; none where there is none.
///
/// Integers and floating-point numbers become the wider ones, integers beside floating-point numbers f64, timestamps the
/// finer ones, binary values of one size those of any, lists of one size those of any. Structs have the fields of both, by
/// name. What holds nothing becomes the other.
pub(in crate::source::parquet) fn common_type(one: &DataType, other: &DataType) -> Option<DataType> {
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
pub(in crate::source::parquet) fn common_field(one: &Field, other: &Field) -> Option<Field> {
    let may_lack = |field: &Field| field.is_nullable() || *field.data_type() == DataType::Null;
    let nullable = may_lack(one) || may_lack(other);
    let data_type = common_type(one.data_type(), other.data_type())?;
    Some(one.clone().with_data_type(data_type).with_nullable(nullable))
}

fn items(one: &FieldRef, other: &FieldRef) -> Option<FieldRef> {
    common_field(one, other).map(Arc::new)
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

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::{Float16, Float32, Float64, Int8, Int16, Int32, Int64, Null, UInt8, UInt32, UInt64, Utf8View};

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
            assert_eq!(common_type(&one, &other), both, "{one} {other}");
            assert_eq!(common_type(&other, &one), both, "{other} {one}");
        }
    }
}
