//! What a column is: pictures inside of structs, fields inside of fields, and what Hugging Face's metadata says of it.

use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Key in a label field's metadata: its class names as a JSON array.
pub(crate) const CLASSES: &str = "millstream.classes";

/// A struct with encoded bytes and more about them: `struct<bytes, path>`, as Hugging Face stores images and sounds, and others
/// with binary `bytes`. It comes out as its bytes.
pub(in crate::source) fn is_media(data_type: &DataType) -> bool {
    let DataType::Struct(children) = data_type else {
        return false;
    };
    let bytes = children.find("bytes");
    bytes.is_some_and(|(_, bytes)| *bytes.data_type() == DataType::BinaryView)
}

/// The field `stored` as it comes out under the name `name`; `declared` is what Hugging Face's metadata says of it.
pub(in crate::source) fn outgoing(stored: &Field, name: &str, declared: &Value) -> Field {
    let mut metadata = stored.metadata().clone();
    // Of a list the items are declared: in a `List` or `LargeList`, once a `Sequence`, or as an array of one feature.
    let of_items = [&declared["feature"]["names"], &declared[0]["names"]];
    let names = match stored.data_type() {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            of_items.into_iter().find_map(Value::as_array)
        }
        _ => declared["names"].as_array(),
    };
    // Names that are none are told by `problems`.
    if let Some(names) = names.filter(|names| names.iter().all(Value::is_string)) {
        metadata.insert(CLASSES.to_owned(), Value::from(names.clone()).to_string());
    }
    let out = match is_media(stored.data_type()) {
        true => Field::new(name, DataType::BinaryView, true),
        false => stored.clone().with_name(name),
    };
    out.with_metadata(metadata)
}

/// What Hugging Face's metadata says of the field `name` inside of a column of which it says `declared`. Of a list of structs,
/// which is stored as a struct of lists (a `Sequence`), each field is a list.
pub(crate) fn declared_inside(declared: &Value, name: &str) -> Value {
    let is_kind = |value: &Value| value["_type"].is_string();
    let item = match declared {
        Value::Array(items) => items.first(),
        _ if is_kind(declared) => declared.get("feature").filter(|item| !is_kind(item)),
        _ => None,
    };
    match item {
        Some(item) => json!({"_type": "List", "feature": item[name]}),
        None => declared[name].clone(),
    }
}

/// What is wrong with what Hugging Face's metadata says of the columns, a sentence each, without a full stop.
pub(in crate::source) fn problems(schema: &Schema) -> Vec<String> {
    let Some(text) = schema.metadata().get(HUGGING_FACE) else {
        return Vec::new();
    };
    let features = match serde_json::from_str::<Value>(text) {
        Ok(mut value) => value["info"]["features"].take(),
        Err(error) => {
            return vec![format!(
                "the metadata that Hugging Face's datasets left is no JSON ({error}), so that class names in it are not known"
            )];
        }
    };
    let mut problems = Vec::new();
    for (name, declared) in features.as_object().into_iter().flatten() {
        add_problems(&mut problems, name, declared);
    }
    problems
}

fn add_problems(problems: &mut Vec<String>, name: &str, declared: &Value) {
    if declared["_type"] == "ClassLabel" {
        let names = declared["names"].as_array();
        if !names.is_some_and(|names| names.iter().all(Value::is_string)) {
            problems.push(format!(
                "Hugging Face's metadata calls column {name:?} a ClassLabel, but its names are {}, not a list of strings: they are not \
                 used",
                declared["names"]
            ));
        }
        return;
    }
    match declared {
        Value::Array(items) => items.iter().for_each(|item| add_problems(problems, name, item)),
        Value::Object(fields) if fields.get("_type").is_some_and(Value::is_string) => {
            fields
                .get("feature")
                .into_iter()
                .for_each(|item| add_problems(problems, name, item));
        }
        Value::Object(fields) => fields
            .iter()
            .for_each(|(inner, declared)| add_problems(problems, &format!("{name}.{inner}"), declared)),
        _ => {}
    }
}

/// The names that lead to the field `name` of `fields`: itself, or `a.b` for the field `b` of the struct `a`. A name with a dot
/// in it comes first.
pub(in crate::source) fn path(fields: &Fields, name: &str) -> Option<Vec<String>> {
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
pub(in crate::source) fn descend<'a>(field: &'a Field, path: &[String]) -> Option<(&'a Field, bool)> {
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
pub(in crate::source) fn inside(column: &ArrayRef, path: &[String]) -> Result<ArrayRef> {
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
pub(crate) fn features(schema: &Schema) -> Value {
    let text = schema.metadata().get(HUGGING_FACE);
    let parsed = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    parsed.map_or(Value::Null, |mut value| value["info"]["features"].take())
}

/// The key of Hugging Face's metadata in a schema's.
pub(crate) const HUGGING_FACE: &str = "huggingface";

/// The key under which a file's metadata, and then that of a schema, says what the keypoints of its objects are: a JSON object by column.
pub(crate) const KEYPOINTS: &str = "millstream.keypoints";

/// The class names in a field's metadata.
pub(crate) fn classes(field: &Field) -> Option<Vec<String>> {
    serde_json::from_str(field.metadata().get(CLASSES)?).ok()
}

/// The class names of `field` and of the fields inside of it, by their path, which is empty for its own: those in their metadata, and those in what Hugging
/// Face's `datasets` has `declared`.
pub(crate) fn all_class_names(field: &Field, declared: &Value) -> BTreeMap<String, Value> {
    fn of_field(path: &str, field: &Field, all: &mut BTreeMap<String, Value>) {
        if let Some(names) = classes(field) {
            all.insert(path.to_owned(), names.into());
        }
        match field.data_type() {
            DataType::Struct(fields) => {
                for field in fields {
                    of_field(&format!("{path}.{}", field.name()), field, all);
                }
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                of_field(path, item, all);
            }
            _ => {}
        }
    }
    // `feature` and `0` are the items of a list.
    fn of_declared(path: &str, declared: &Value, all: &mut BTreeMap<String, Value>) {
        match declared {
            Value::Object(of) => {
                for (name, inner) in of {
                    match name.as_str() {
                        "names" if inner.is_array() => {
                            all.entry(path.to_owned()).or_insert_with(|| inner.clone());
                        }
                        "feature" => of_declared(path, inner, all),
                        name => of_declared(&format!("{path}.{name}"), inner, all),
                    }
                }
            }
            Value::Array(of) => of.iter().for_each(|inner| of_declared(path, inner, all)),
            _ => {}
        }
    }
    let mut all = BTreeMap::new();
    of_field("", field, &mut all);
    of_declared("", declared, &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_classes_has_their_names() {
        let class = json!({"names": ["ant", "bee"], "_type": "ClassLabel"});
        let list = |item: DataType| {
            Field::new(
                "tags",
                DataType::List(Arc::new(Field::new_list_field(item, true))),
                true,
            )
        };
        let of = |stored: &Field, declared: Value| classes(&outgoing(stored, "tags", &declared));
        let names = Some(vec!["ant".to_owned(), "bee".to_owned()]);
        let tags = list(DataType::Int64);
        for declared in [
            json!({"feature": class, "_type": "List"}),
            json!({"feature": class, "length": -1, "_type": "Sequence"}),
            json!({"feature": class, "_type": "LargeList"}),
            json!([class]),
        ] {
            assert_eq!(of(&tags, declared), names);
        }
        assert_eq!(
            of(
                &tags,
                json!({"feature": {"dtype": "int64", "_type": "Value"}, "_type": "List"})
            ),
            None
        );
        // Lists of lists are no lists of classes, and a struct's field is not the struct.
        let nested = json!({"feature": {"feature": class, "_type": "List"}, "_type": "List"});
        assert_eq!(of(&list(tags.data_type().clone()), nested), None);
        let one = Field::new("tags", DataType::Int64, true);
        assert_eq!(of(&one, class.clone()), names);
        // A list of structs is stored as a struct of lists: in a `Sequence`, or as an array of one feature.
        let objects = json!({"category": class, "id": {"dtype": "int64", "_type": "Value"}});
        for declared in [
            json!({"feature": objects, "length": -1, "_type": "Sequence"}),
            json!([objects]),
            json!({"category": {"feature": class, "_type": "LargeList"}}),
        ] {
            assert_eq!(of(&tags, declared_inside(&declared, "category")), names, "{declared}");
            assert_eq!(of(&tags, declared_inside(&declared, "id")), None, "{declared}");
        }
        // A struct may have a field of that name.
        let struct_of_feature = json!({"feature": {"feature": class, "_type": "List"}});
        assert_eq!(of(&tags, declared_inside(&struct_of_feature, "feature")), names);
        let inner = Field::new("feature", DataType::Int64, true);
        let object = Field::new("tags", DataType::Struct(vec![inner].into()), true);
        assert_eq!(of(&object, json!({"feature": class})), None);
    }

    #[test]
    fn broken_metadata_is_told() {
        let of = |text: &str| {
            let metadata = [(HUGGING_FACE.to_owned(), text.to_owned())].into();
            problems(&Schema::new_with_metadata(Fields::empty(), metadata))
        };
        assert_eq!(problems(&Schema::empty()), Vec::<String>::new());
        let features = |features: Value| json!({"info": {"features": features}}).to_string();
        let fine =
            json!({"label": {"names": ["ab"], "_type": "ClassLabel"}, "x": {"dtype": "string", "_type": "Value"}});
        assert_eq!(of(&features(fine)), Vec::<String>::new());
        assert!(of("{")[0].starts_with("the metadata that Hugging Face's datasets left is no JSON (EOF"));
        let text = json!({"names": "ab", "_type": "ClassLabel"});
        let said = |name: &str| {
            format!(
                "Hugging Face's metadata calls column {name:?} a ClassLabel, but its names are \"ab\", not a list of strings: they \
                 are not used"
            )
        };
        assert_eq!(of(&features(json!({"label": text}))), [said("label")]);
        let inside = json!({"objects": {"feature": {"category": text}, "_type": "Sequence"}});
        assert_eq!(of(&features(inside)), [said("objects.category")]);
    }
}
