//! Columns of encoded bytes: pictures, sounds.

use super::index_of;
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};

/// The bytes in `row` of a binary column; none for a null or another type.
pub(crate) fn bytes_of(column: &ArrayRef, row: usize) -> Option<&[u8]> {
    match column.data_type() {
        _ if column.is_null(row) => None,
        DataType::Binary => Some(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Some(column.as_binary::<i64>().value(row)),
        DataType::BinaryView => Some(column.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => Some(column.as_fixed_size_binary().value(row)),
        _ => None,
    }
}

/// The bytes of a column that is a struct with them, as Hugging Face's `datasets` stores pictures; none of any other column.
#[cfg(feature = "train")]
pub(crate) fn bytes_inside(column: &ArrayRef) -> Option<&ArrayRef> {
    column.as_struct_opt().and_then(|of| of.column_by_name("bytes"))
}

/// Where `column` is, which must hold encoded bytes.
pub(crate) fn column_of_bytes(schema: &Schema, column: &str) -> Result<usize> {
    let at = index_of(schema, column)?;
    match schema.field(at).data_type() {
        of if is_binary(of) => Ok(at),
        other => Err(Error::schema(format!(
            "column \"{column}\" holds {other}, not encoded bytes (Binary)"
        ))),
    }
}

/// Whether values of this type are bytes. Files give views; sources of a user's own any of them.
pub(crate) fn is_binary(of: &DataType) -> bool {
    matches!(
        of,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}

/// The fields of a column of pictures as Hugging Face's `datasets` stores them.
pub(crate) fn picture_fields() -> Fields {
    Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ])
}
