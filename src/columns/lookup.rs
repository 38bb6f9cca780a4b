//! Where a column is.

use crate::error::{Error, Result};
use arrow::datatypes::Schema;

/// Where `column` is, or an error that names the columns there are.
pub(crate) fn index_of(schema: &Schema, column: &str) -> Result<usize> {
    schema.index_of(column).map_err(|_| {
        let names: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| format!("\"{}\"", field.name()))
            .collect();
        Error::schema(format!("no column \"{column}\"; there are {}", names.join(", ")))
    })
}
