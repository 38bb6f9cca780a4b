//! What a column is: pictures inside of structs, fields inside of fields, and what Hugging Face's metadata says of it.

use crate::error::{Error, Result};
use crate::source::parquet::format::layout::CLASSES;
use arrow::array::{Array, ArrayRef, AsArray, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use serde_json::Value;
use std::sync::Arc;

/// A struct with encoded bytes and more about them: `struct<bytes, path>`, as Hugging Face stores images and sounds, and others
/// with binary `bytes`. It comes out as its bytes.
pub(in crate::source::parquet) fn is_media(data_type: &DataType) -> bool {
    let DataType::Struct(children) = data_type else {
        return false;
    };
    let bytes = children.find("bytes");
    bytes.is_some_and(|(_, bytes)| *bytes.data_type() == DataType::BinaryView)
}

/// The field `stored` as it comes out under the name `name`; `declared` is what Hugging Face's metadata says of it.
pub(in crate::source::parquet) fn outgoing(stored: &Field, name: &str, declared: &Value) -> Field {
    let mut metadata = stored.metadata().clone();
    // A list of classes is a `List` or `LargeList`, once a `Sequence` or an array of one feature.
    let of_class = [declared, &declared["feature"], &declared[0]]
        .into_iter()
        .find_map(|feature| feature["names"].as_array());
    if let Some(names) = of_class {
        metadata.insert(CLASSES.to_owned(), Value::from(names.clone()).to_string());
    }
    let out = match is_media(stored.data_type()) {
        true => Field::new(name, DataType::BinaryView, true),
        false => stored.clone().with_name(name),
    };
    out.with_metadata(metadata)
}

/// The names that lead to the field `name` of `fields`: itself, or `a.b` for the field `b` of the struct `a`. A name with a dot
/// in it comes first.
pub(in crate::source::parquet) fn path(fields: &Fields, name: &str) -> Option<Vec<String>> {
    if fields.find(name).is_some() {
        return Some(vec![name.to_owned()]);
    }
    let dots = name.rmatch_indices('.').map(|(at, _)| at);
    dots.filter_map(|at| {
        let (_, outer) = fields.find(&name[..at])?;
        let DataType::Struct(inner) = outer.data_type() else {
            return None;
        };
        let rest = path(inner, &name[at + 1..])?;
        Some([vec![name[..at].to_owned()], rest].concat())
    })
    .next()
}

/// The field that `path` leads to, from `field`, the first of it, on; and whether a struct on the way may be null.
pub(in crate::source::parquet) fn descend<'a>(field: &'a Field, path: &[String]) -> Option<(&'a Field, bool)> {
    let (mut field, mut nullable) = (field, false);
    for name in path.get(1..)? {
        let DataType::Struct(inner) = field.data_type() else {
            return None;
        };
        nullable |= field.is_nullable();
        field = inner.find(name)?.1;
    }
    Some((field, nullable))
}

/// The array that `path` leads to inside of `column`, the first of it; null where a struct on the way is.
pub(in crate::source::parquet) fn inside(column: &ArrayRef, path: &[String]) -> Result<ArrayRef> {
    let mut column = Arc::clone(column);
    for name in path.iter().skip(1) {
        let whole = column.as_struct_opt();
        let inner = whole.and_then(|whole| Some((whole.column_by_name(name)?, whole.nulls())));
        let (inner, outer) = inner.ok_or_else(|| Error::data(format!("{name:?} was not decoded")))?;
        column = match outer {
            None => Arc::clone(inner),
            Some(_) if *inner.data_type() == DataType::Null => Arc::clone(inner),
            outer => {
                let nulls = NullBuffer::union(outer, inner.nulls());
                make_array(inner.to_data().into_builder().nulls(nulls).build()?)
            }
        };
    }
    Ok(column)
}

/// What Hugging Face's `datasets` says of the columns; null where it says nothing.
pub(in crate::source::parquet) fn features(schema: &Schema) -> Value {
    let text = schema.metadata().get(HUGGING_FACE);
    let parsed = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    parsed.map_or(Value::Null, |mut value| value["info"]["features"].take())
}

/// The key of Hugging Face's metadata in a schema's.
pub(in crate::source::parquet) const HUGGING_FACE: &str = "huggingface";

/// The class names in a field's metadata.
pub(in crate::source::parquet) fn classes(field: &Field) -> Option<Vec<String>> {
    serde_json::from_str(field.metadata().get(CLASSES)?).ok()
}
