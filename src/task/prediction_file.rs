//! The file that predictions are written to.

use super::draw;
use super::run_folder::RunFolder;
use crate::error::{Error, Result};
use crate::exec::{files, outputs};
use crate::source::Files;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The Parquet file that predictions go to.
#[derive(Clone, Debug)]
pub struct PredictionFile {
    path: PathBuf,
    overwrite: bool,
}

impl PredictionFile {
    /// The file at `path`; one of predictions is replaced if `overwrite` says so.
    pub fn new(path: impl Into<PathBuf>, overwrite: bool) -> Self {
        Self {
            path: path.into(),
            overwrite,
        }
    }

    /// Checks, before predictions of `rows` by the model in the folder `model` are computed, that they can be written. Nothing is written.
    ///
    /// # Errors
    ///
    /// `Config` where the file is one of those that are read, lies in a folder that is read, or belongs to the model, by whatever
    /// path or link, where it would lie in the folder of a run, and where there is a folder, a device or a file of anything but predictions; `Exists` where there is a file that may not be replaced; `Io` where nothing can be
    /// written.
    pub fn check(&self, model: impl AsRef<Path>, rows: &Files) -> Result<()> {
        let of_data = rows.inputs();
        let of_model: Vec<PathBuf> = RunFolder::new(model.as_ref()).outputs().collect();
        let read = of_data.iter().chain(&of_model).map(PathBuf::as_path);
        outputs::check_output(&self.path, self.overwrite, read)?;
        outputs::check_replaced(&self.path, "a file of predictions", is_own)?;
        RunFolder::refuse(files::folder_of(&self.path))
    }

    /// Refuses a file in `folder` that is called as one which [`Predict::draw`](super::Predict::draw) writes there.
    ///
    /// # Errors
    ///
    /// `Config` where it is one; `Io` where a path cannot be made absolute.
    pub fn check_beside(&self, folder: impl AsRef<Path>) -> Result<()> {
        let (own, drawn) = (outputs::resolved(&self.path)?, outputs::resolved(folder.as_ref())?);
        let is_drawn = own.parent() == Some(&*drawn) && own.file_name().is_some_and(draw::is_drawn);
        match is_drawn {
            false => Ok(()),
            true => {
                let message = "pictures are drawn there under such names: write the predictions elsewhere";
                Err(Error::config(message).context(self.path.display().to_string()))
            }
        }
    }

    /// Writes `rows`: whole, or not at all. Missing folders are made. Where the path is a symbolic link, the link itself is replaced:
    /// what it leads to stays as it is.
    ///
    /// # Errors
    ///
    /// `Io` where the file cannot be written; `Exists` where there is one by now that may not be replaced.
    pub fn write(&self, rows: &RecordBatch) -> Result<()> {
        let path = self.path.as_path();
        let write = |out: &mut BufWriter<&File>| {
            let failed = |error| Error::io(path, error);
            let mut metadata = rows.schema().metadata().clone();
            metadata.insert(KIND.to_owned(), PREDICTIONS.to_owned());
            let rows = rows
                .clone()
                .with_schema(Arc::new(rows.schema().as_ref().clone().with_metadata(metadata)))?;
            let mut writer = ArrowWriter::try_new(out, rows.schema(), None).map_err(failed)?;
            writer.write(&rows).map_err(failed)?;
            writer.finish().map(drop).map_err(failed)
        };
        files::write_output(path, self.overwrite, write)
    }
}

/// The entry in a file's metadata that says what it holds, and what it says of predictions.
const KIND: &str = "millstream";
const PREDICTIONS: &str = "predictions";

/// The columns that predictions begin with.
static FIRST: [(&str, DataType); 3] = [
    ("file", DataType::Utf8),
    ("row_group", DataType::UInt64),
    ("row", DataType::UInt64),
];

/// Whether predictions are in the file at `path`: its metadata says so, or it has the columns of those that were written before it did.
fn is_own(path: &Path) -> bool {
    let reader = files::open(path).map(ParquetRecordBatchReaderBuilder::try_new);
    let Ok(Ok(reader)) = reader else { return false };
    let schema = reader.schema();
    let mut places = schema.fields().iter().zip(&FIRST);
    let has_places = schema.fields().len() > FIRST.len()
        && places.all(|(field, (name, kind))| field.name() == name && field.data_type() == kind);
    match schema.metadata().get(KIND) {
        Some(kind) => kind == PREDICTIONS,
        None => has_places,
    }
}
