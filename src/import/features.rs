//! What Hugging Face's `datasets` is told of the columns.

use arrow::datatypes::{DataType, Field};
use serde_json::{Map, Value, json};

/// The metadata that says `features`, by column.
pub(super) fn metadata(features: Map<String, Value>) -> String {
    json!({"info": {"features": features}}).to_string()
}

/// What is said of a column of the type `stored` with such class names; none where the type itself says it.
pub(super) fn feature(stored: &DataType, classes: Option<&[String]>) -> Option<Value> {
    let item = |field: &Field| feature(field.data_type(), classes);
    Some(match (stored, classes) {
        (DataType::Int64, Some(names)) => json!({"names": names, "_type": "ClassLabel"}),
        // What releases before 4.0 know, and later ones read as a `List`.
        (DataType::List(field), _) => json!({"feature": item(field)?, "_type": "Sequence"}),
        (DataType::FixedSizeList(field, length), _) => {
            json!({"feature": item(field)?, "length": length, "_type": "Sequence"})
        }
        (other, _) => json!({"dtype": dtype(other)?, "_type": "Value"}),
    })
}

fn dtype(stored: &DataType) -> Option<&'static str> {
    Some(match stored {
        DataType::Boolean => "bool",
        DataType::Int8 => "int8",
        DataType::Int16 => "int16",
        DataType::Int32 => "int32",
        DataType::Int64 => "int64",
        DataType::UInt8 => "uint8",
        DataType::UInt16 => "uint16",
        DataType::UInt32 => "uint32",
        DataType::UInt64 => "uint64",
        DataType::Float16 => "float16",
        DataType::Float32 => "float32",
        DataType::Float64 => "float64",
        DataType::Utf8 => "string",
        DataType::Binary => "binary",
        _ => return None,
    })
}
