//! What a file says of the generator that made its rows.

use crate::stored_rows::{GENERATOR, MADE_BY, StoredRows};
use arrow::datatypes::Schema;
use parquet::file::metadata::ParquetMetaData;
use serde::Deserialize;
use std::sync::Arc;

/// The generator that made all rows of a file.
#[derive(Debug)]
pub(in crate::source::parquet) struct MadeBy {
    /// Kind, model and seed.
    pub(in crate::source::parquet) name: Arc<str>,
    /// The rows that it was fitted on; none where that is not said.
    pub(in crate::source::parquet) fitted_on: StoredRows,
}

/// As `generate sample` writes it, among other things.
#[derive(Deserialize)]
struct Written {
    made_by: String,
    #[serde(default)]
    fitted_on: StoredRows,
}

impl MadeBy {
    /// Reads it from the `schema` of a file. None of a file that does not say it, and of one that has rows without a generator: what puts
    /// tables together keeps what the first one said.
    pub(super) fn read(schema: &Schema, metadata: &ParquetMetaData) -> Option<Arc<Self>> {
        let text = schema.metadata().get(MADE_BY)?;
        let of_others = |group: &parquet::file::metadata::RowGroupMetaData| {
            let column = group
                .columns()
                .iter()
                .find(|column| column.column_path().string() == GENERATOR);
            // A column that was left out says nothing of other rows.
            column.is_some_and(|column| {
                let nulls = column.statistics().and_then(|values| values.null_count_opt());
                nulls != Some(0) && group.num_rows() > 0
            })
        };
        if metadata.row_groups().iter().any(of_others) {
            return None;
        }
        let written: Written = serde_json::from_str(text).ok()?;
        Some(Arc::new(Self {
            name: written.made_by.into(),
            fitted_on: written.fitted_on,
        }))
    }
}
