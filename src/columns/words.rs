//! A schema in words.

use super::lists::list_item;
use arrow::datatypes::{DataType, Field, Schema};
use xxhash_rust::xxh3::xxh3_64;

/// `name type` of every column.
pub(crate) fn names_and_types(schema: &Schema) -> String {
    joined(schema, |field| format!("{} {}", field.name(), field.data_type()))
}

/// As [`names_and_types`], with a hash of the metadata of each column that has some: class names, shapes of tensors. For plans,
/// because stages make other rows of the same values under other metadata.
pub(crate) fn names_types_and_metadata(schema: &Schema) -> String {
    joined(schema, |field| {
        let mut lines = Vec::new();
        metadata(field, "", &mut lines);
        let words = format!("{} {}", field.name(), field.data_type());
        match lines.is_empty() {
            true => words,
            false => format!("{words} (metadata {:016x})", xxh3_64(format!("{lines:?}").as_bytes())),
        }
    })
}

fn joined(schema: &Schema, words: impl Fn(&Field) -> String) -> String {
    let fields = schema.fields().iter();
    fields.map(|field| words(field)).collect::<Vec<_>>().join(", ")
}

/// The path, key and value of all metadata of `field` and of the fields inside it.
fn metadata(field: &Field, path: &str, lines: &mut Vec<[String; 3]>) {
    let mut own: Vec<_> = field.metadata().iter().collect();
    own.sort_unstable();
    lines.extend(
        own.into_iter()
            .map(|(key, value)| [path.to_owned(), key.clone(), value.clone()]),
    );
    let mut inside = |field: &Field| metadata(field, &format!("{path}.{}", field.name()), lines);
    match field.data_type() {
        DataType::Map(item, _) => inside(item),
        DataType::Struct(fields) => fields.iter().for_each(|field| inside(field)),
        list => list_item(list).into_iter().for_each(|item| inside(item)),
    }
}
