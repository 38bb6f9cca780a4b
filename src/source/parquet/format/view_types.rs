//! The types that files are decoded with.

use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
use std::sync::Arc;

/// The schema to decode with: strings and binary values as views, dictionaries as the values they stand for.
pub(super) fn with_view_types(schema: &Schema) -> SchemaRef {
    let fields: Fields = schema.fields().iter().map(with_views).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn with_views(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(view_type(field.data_type())))
}

fn view_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Dictionary(_, values) => view_type(values),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(with_views).collect()),
        DataType::List(item) => DataType::List(with_views(item)),
        DataType::LargeList(item) => DataType::LargeList(with_views(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(with_views(item), *size),
        other => other.clone(),
    }
}
