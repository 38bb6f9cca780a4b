//! One file of an import: written under another name, whole or not at all; and what it says of itself.

use super::encode::{EncodedRowGroup, properties};
use super::pictures::Pictures;
use super::row_groups::RowGroup;
use crate::error::{Error, Result};
use crate::exec::{catch, files};
use crate::source::spool::unwritten;
use crate::source::{HUGGING_FACE, KEYPOINTS};
use arrow::datatypes::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use tempfile::NamedTempFile;

/// The key in a footer under which a file says what it is.
const KEY: &str = "millstream.import";

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Label {
    /// Hash of what the import is.
    pub(super) import: String,
    /// The file's name.
    pub(super) name: String,
    /// What became of its pictures.
    pub(super) pictures: Pictures,
}

/// A file that is being written.
pub(super) struct Begun {
    writer: SerializedFileWriter<NamedTempFile>,
    schema: SchemaRef,
}

impl Begun {
    /// The file that will be at `path`.
    pub(super) fn new(path: &Path, schema: &SchemaRef) -> Result<Self> {
        let keys = [HUGGING_FACE, KEYPOINTS].into_iter();
        let said = keys.filter_map(|key| Some(KeyValue::new(key.to_owned(), schema.metadata().get(key)?.clone())));
        let said = Some(said.collect());
        let mut properties = properties(schema).set_key_value_metadata(said).build();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let columns = ArrowSchemaConverter::new().convert(schema).map_err(unwritten)?;
        let writer = SerializedFileWriter::new(files::begin(path)?, columns.root_schema_ptr(), Arc::new(properties));
        Ok(Self {
            writer: writer.map_err(unwritten)?,
            schema: Arc::clone(schema),
        })
    }

    /// The same with a row group more.
    pub(super) fn with(mut self, rows: &RowGroup) -> Result<Self> {
        let encoded = EncodedRowGroup::of(&self.schema, rows)?;
        let mut group = self.writer.next_row_group().map_err(unwritten)?;
        for (pages, close) in encoded.into_columns() {
            group.append_column(&pages, close).map_err(unwritten)?;
        }
        group.close().map_err(unwritten)?;
        Ok(self)
    }

    /// Gives the file its name, with `label` in it.
    pub(super) fn end(mut self, path: &Path, label: &Label) -> Result<()> {
        let text = serde_json::to_string(label).map_err(|error| Error::io(path, error))?;
        self.writer
            .append_key_value_metadata(KeyValue::new(KEY.to_owned(), text));
        files::place(self.writer.into_inner().map_err(unwritten)?, path)
    }
}

/// What the file at `path` says of itself; none where there is no file.
///
/// # Errors
///
/// `Config` where it is not whole, or no import wrote it.
pub(super) fn label(path: &Path) -> Result<Option<Label>> {
    let file = match files::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| Error::io(path, error))?,
    };
    let read = move || {
        let reader = SerializedFileReader::new(file).map_err(unwritten)?;
        let known = reader.metadata().file_metadata().key_value_metadata();
        let text = known.and_then(|all| all.iter().find(|entry| entry.key == KEY));
        // A whole file that another program wrote has nothing under the key.
        let text = text.and_then(|entry| entry.value.clone());
        let label = text.map(|text| serde_json::from_str::<Label>(&text));
        label.transpose().map_err(|error| Error::data(error.to_string()))
    };
    let why = match catch(read) {
        Ok(Some(label)) => return Ok(Some(label)),
        Ok(None) => "this is a Parquet file that no import wrote, in the place of one of this import's".to_owned(),
        Err(error) => format!("no whole file of an import ({error})"),
    };
    let message = format!("{why}: move it away, or use another folder");
    Err(Error::config(message).context(path.display().to_string()))
}
