//! Where a column is.

use crate::error::{Error, Result};
use arrow::datatypes::{DataType, Fields, Schema};

/// Where `column` is, or an error that names the columns there are.
pub(crate) fn index_of(schema: &Schema, column: &str) -> Result<usize> {
    schema.index_of(column).map_err(|_| {
        let names: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| format!("\"{}\"", field.name()))
            .collect();
        let hint = nested_hint(schema, column);
        Error::schema(format!("no column \"{column}\"; there are {}{hint}", names.join(", ")))
    })
}

/// What there is to say of a column that is missing, where a field of that name is inside of a struct; else nothing.
pub(crate) fn nested_hint(schema: &Schema, column: &str) -> String {
    let mut paths = Vec::new();
    add_nested(&mut paths, schema.fields(), "");
    let is_meant = |path: &&String| *path == column || path.rsplit('.').next() == Some(column);
    match paths.iter().find(is_meant) {
        Some(path) if path == column => {
            format!("; {path:?} is inside of a struct: name it among the columns to be read (`Parquet::columns`)")
        }
        Some(path) => format!("; do you mean {path:?}, to be named among the columns to be read (`Parquet::columns`)?"),
        None => String::new(),
    }
}

/// Adds the names of all fields inside of structs: `objects.bbox`.
fn add_nested(paths: &mut Vec<String>, fields: &Fields, outer: &str) {
    for field in fields {
        let name = format!("{outer}{}", field.name());
        if let DataType::Struct(inner) = field.data_type() {
            let outer = format!("{name}.");
            paths.extend(inner.iter().map(|field| format!("{outer}{}", field.name())));
            add_nested(paths, inner, &outer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;

    #[test]
    fn a_field_inside_of_a_struct_is_named() {
        let of = |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(fields.into()), true);
        let leaf = |name: &str| Field::new(name, DataType::Int64, true);
        let objects = of("objects", vec![leaf("area"), of("box", vec![leaf("left")])]);
        let schema = Schema::new(vec![leaf("id"), objects]);
        let error = |column: &str| index_of(&schema, column).expect_err("it is missing").to_string();
        let start = |column: &str| format!("no column \"{column}\"; there are \"id\", \"objects\"");
        let meant = "to be named among the columns to be read (`Parquet::columns`)?";
        assert_eq!(
            error("area"),
            format!("{}; do you mean \"objects.area\", {meant}", start("area"))
        );
        assert_eq!(
            error("left"),
            format!("{}; do you mean \"objects.box.left\", {meant}", start("left"))
        );
        let inside = "is inside of a struct: name it among the columns to be read (`Parquet::columns`)";
        assert_eq!(
            error("objects.area"),
            format!("{}; \"objects.area\" {inside}", start("objects.area"))
        );
        assert_eq!(error("x"), start("x"));
    }
}
