//! What a file says of the generator that made its rows.

use crate::error::Result;
use crate::stored_rows::{GENERATOR, MADE_BY, MadeByRecord, StoredRows};
use arrow::datatypes::Schema;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use std::sync::Arc;

/// The generator that made rows of a file.
#[derive(Debug)]
pub(in crate::source::parquet) struct MadeBy {
    /// Kind, model and seed.
    pub(in crate::source::parquet) name: Arc<str>,
    /// The rows that it was fitted on; none where that is not said.
    pub(in crate::source::parquet) fitted_on: StoredRows,
    /// The column of classes that it was fitted with; none where that is not said.
    pub(in crate::source::parquet) label: Option<String>,
    /// Whether it is known without reading them that it made all rows. Where it is not, the column `generator` says of each what made it.
    pub(in crate::source::parquet) made_all: bool,
}

impl MadeBy {
    /// Reads it from the `schema` of a file; none of one that does not say it. What puts tables together keeps what the first one said, so
    /// that rows without a generator may lie among the others.
    ///
    /// # Errors
    ///
    /// `Data` where what it says cannot be read.
    pub(super) fn read(schema: &Schema, metadata: &ParquetMetaData) -> Result<Option<Arc<Self>>> {
        let Some(text) = schema.metadata().get(MADE_BY) else {
            return Ok(None);
        };
        let record = MadeByRecord::read(text)?;
        Ok(Some(Arc::new(Self {
            name: record.made_by.into(),
            fitted_on: record.fitted_on,
            label: record.label,
            made_all: !metadata.row_groups().iter().any(may_have_others),
        })))
    }
}

/// Whether rows without a generator may be in `group`.
fn may_have_others(group: &RowGroupMetaData) -> bool {
    let mut columns = group.columns().iter();
    // A column that was left out says nothing of other rows.
    let column = columns.find(|column| column.column_path().string() == GENERATOR);
    column.is_some_and(|column| {
        let nulls = column.statistics().and_then(|values| values.null_count_opt());
        let has_none = nulls == Some(0) || column.column_descr().max_def_level() == 0;
        !has_none && group.num_rows() > 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::properties::{EnabledStatistics, WriterProperties};

    const SAID: &str = r#"{"made_by": "copula 0, seed 0", "fitted_on": [["a.parquet", 0, "0000000000000080"]]}"#;

    /// What a file says with these generators, under the key if `said` is some text.
    fn read(
        names: &[Option<&str>],
        is_nullable: bool,
        statistics: EnabledStatistics,
        said: Option<&str>,
    ) -> Result<Option<Arc<MadeBy>>> {
        let names: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
        let rows = RecordBatch::try_from_iter_with_nullable([(GENERATOR, names, is_nullable)]).unwrap();
        let key = said.map(|said| (MADE_BY.to_owned(), said.to_owned()));
        let schema = rows.schema().as_ref().clone();
        let schema = Arc::new(schema.with_metadata(key.into_iter().collect()));
        let rows = rows.with_schema(schema).unwrap();
        let properties = WriterProperties::builder().set_statistics_enabled(statistics).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        let file = Bytes::from(writer.into_inner().unwrap());
        let file = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        MadeBy::read(file.schema(), file.metadata())
    }

    #[test]
    fn a_file_that_was_rewritten_still_says_what_its_generator_was_fitted_on() {
        let name = Some("copula 0, seed 0");
        let (kept, left_out) = (EnabledStatistics::Page, EnabledStatistics::None);
        for (names, is_nullable, statistics, made_all) in [
            ([name, name], true, kept, true),
            ([name, None], true, kept, false),
            // Whether there are nulls is not said.
            ([name, name], true, left_out, false),
            // There can be none.
            ([name, name], false, left_out, true),
        ] {
            let made = read(&names, is_nullable, statistics, Some(SAID)).unwrap().unwrap();
            assert_eq!(made.fitted_on.len(), 1, "{names:?}");
            assert_eq!(made.made_all, made_all, "{names:?}, {statistics:?}");
            assert_eq!(&*made.name, "copula 0, seed 0");
        }
        assert!(read(&[name], true, kept, None).unwrap().is_none());
    }

    #[test]
    fn a_record_that_cannot_be_read_is_an_error() {
        for said in [
            "",
            "{}",
            r#"{"made_by": "copula 0, seed 0", "fitted_on": [["a", 0, "8"]]}"#,
        ] {
            let error = read(&[None], true, EnabledStatistics::Page, Some(said)).unwrap_err();
            let told = error.to_string();
            assert!(
                told.contains("(metadata `millstream.generator`) cannot be read: ")
                    && told.contains("make the rows again, or remove the key"),
                "{told}"
            );
        }
    }
}
