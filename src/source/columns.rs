//! The columns of a source by name.

use crate::columns::nested_hint;
use crate::error::{Error, Result};
use arrow::datatypes::Schema;

/// Where the column `name` of `source` is; the error says which columns there are.
pub(super) fn index_of(schema: &Schema, name: &str, source: &str) -> Result<usize> {
    schema.index_of(name).map_err(|_| {
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let hint = nested_hint(schema, name);
        Error::schema(format!(
            "{source}: no column {name:?}; there are {}{hint}",
            names.join(", ")
        ))
    })
}
