//! What Hugging Face's `datasets` is told of the columns.

use arrow::datatypes::{DataType, Field, Fields};
use serde_json::{Value, json};

/// The metadata that says what each column of the schema is: its name, what is said of it, and its type.
pub(super) fn metadata(features: &[(String, Value, DataType)]) -> String {
    let features = features.iter();
    let told =
        features.map(|(name, said, stored)| format!("{}: {}", Value::from(name.as_str()), in_order(said, stored)));
    format!(
        "{{\"info\": {{\"features\": {{{}}}}}}}",
        told.collect::<Vec<_>>().join(", ")
    )
}

/// What is `said` of a column of the type `stored`, as JSON in which the fields of structs come in the order of the type: `datasets` compares
/// it with the order in the file.
fn in_order(said: &Value, stored: &DataType) -> String {
    let (open, close) = if said.is_array() { ('[', ']') } else { ('{', '}') };
    let all: Vec<String> = match said {
        Value::Array(items) => items.iter().map(|item| in_order(item, stored)).collect(),
        Value::Object(keys) => {
            let fields = match keys.get("_type").is_some_and(Value::is_string) {
                true => None,
                false => fields_of(stored),
            };
            let known = fields.into_iter().flatten().filter_map(|field| {
                let said = keys.get(field.name())?;
                Some((field.name(), said, field.data_type()))
            });
            let is_field = |name: &str| fields.is_some_and(|fields| fields.find(name).is_some());
            let others = keys.iter().filter(|(name, _)| !is_field(name));
            let all = known.chain(others.map(|(name, said)| (name, said, stored)));
            all.map(|(name, said, stored)| format!("{}: {}", Value::from(name.as_str()), in_order(said, stored)))
                .collect()
        }
        other => return other.to_string(),
    };
    format!("{open}{}{close}", all.join(", "))
}

/// The fields of a struct, or of the structs in a list.
fn fields_of(stored: &DataType) -> Option<&Fields> {
    match stored {
        DataType::Struct(fields) => Some(fields),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            fields_of(item.data_type())
        }
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn fields_of_structs_are_told_in_their_order() {
        let list = |item: DataType| DataType::List(Arc::new(Field::new("item", item, true)));
        let field = |name: &str, data_type| Field::new(name, data_type, true);
        let inner = DataType::Struct(vec![field("z", DataType::Int64), field("a", DataType::Utf8)].into());
        let stored =
            DataType::Struct(vec![field("box", list(list(DataType::Float32))), field("area", list(inner))].into());
        let said =
            json!({"_type": "Sequence", "feature": {"area": {"a": {"dtype": "string"}, "z": 1}, "box": [{"x": null}]}});
        let expected =
            r#"{"_type": "Sequence", "feature": {"box": [{"x": null}], "area": {"z": 1, "a": {"dtype": "string"}}}}"#;
        assert_eq!(in_order(&said, &stored), expected);
        let whole = metadata(&[
            ("b\"".to_owned(), said.clone(), stored),
            ("a".to_owned(), json!("x"), DataType::Int64),
        ]);
        assert_eq!(
            whole,
            format!(r#"{{"info": {{"features": {{"b\"": {expected}, "a": "x"}}}}}}"#)
        );
    }
}
