//! The types that files are decoded with.

use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
use std::sync::Arc;

/// The schema to decode with: strings and binary values as views, dictionaries as the values they stand for.
pub(in crate::source::parquet) fn stored(schema: &Schema) -> SchemaRef {
    let fields: Fields = schema.fields().iter().map(stored_field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn stored_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(stored_type(field.data_type())))
}

fn stored_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Dictionary(_, values) => stored_type(values),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(stored_field).collect()),
        DataType::List(item) => DataType::List(stored_field(item)),
        DataType::LargeList(item) => DataType::LargeList(stored_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(stored_field(item), *size),
        other => other.clone(),
    }
}
