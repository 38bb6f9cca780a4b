//! What the YAML of a `README.md` says of columns, as Hugging Face's `datasets` writes it into Parquet files.

use serde_json::{Map, Value, json};

/// The features in a list of columns, each with its `name`; none where it is no such list.
pub(super) fn of_list(columns: &Value) -> Option<Value> {
    let mut features = Map::new();
    for column in columns.as_array()? {
        features.insert(column["name"].as_str()?.to_owned(), of_column(column));
    }
    Some(Value::Object(features))
}

/// What a column is, or the items of a list are; null where nothing is known of it.
fn of_column(column: &Value) -> Value {
    let items = ["list", "sequence", "large_list"]
        .iter()
        .find_map(|kind| column.get(*kind));
    if let Some(item) = items {
        return json!({"_type": "List", "feature": of_type(item)});
    }
    match (column.get("struct"), column.get("dtype")) {
        (Some(fields), _) => of_list(fields).unwrap_or_default(),
        (None, Some(dtype)) => of_type(dtype),
        (None, None) => of_type(column),
    }
}

/// What values of a type are: a word, or the parameters of one.
fn of_type(dtype: &Value) -> Value {
    match dtype {
        Value::String(word) => match word.as_str() {
            "image" => json!({"_type": "Image"}),
            "audio" => json!({"_type": "Audio"}),
            "video" => json!({"_type": "Video"}),
            "pdf" => json!({"_type": "Pdf"}),
            word => json!({"_type": "Value", "dtype": word}),
        },
        // The fields of a struct.
        Value::Array(_) => of_list(dtype).unwrap_or_default(),
        Value::Object(kind) => match kind.get("class_label") {
            Some(label) => json!({"_type": "ClassLabel", "names": names(&label["names"])}),
            None if kind.contains_key("image") => json!({"_type": "Image"}),
            None if kind.contains_key("audio") => json!({"_type": "Audio"}),
            None if ["list", "sequence", "struct", "dtype"]
                .iter()
                .any(|key| kind.contains_key(*key)) =>
            {
                of_column(dtype)
            }
            None => Value::Null,
        },
        _ => Value::Null,
    }
}

/// Names of classes: a list, or by their numbers.
fn names(names: &Value) -> Value {
    let Value::Object(by_number) = names else {
        return names.clone();
    };
    let mut all: Vec<(u64, &Value)> = Vec::new();
    for (number, name) in by_number {
        match number.parse() {
            Ok(number) => all.push((number, name)),
            Err(_) => return Value::Null,
        }
    }
    all.sort_by_key(|&(number, _)| number);
    // As `datasets` does, which takes them in the order of their numbers.
    all.into_iter().map(|(_, name)| name.clone()).collect()
}
