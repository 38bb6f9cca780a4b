//! The file that predictions are written to.

use super::run_folder::RunFolder;
use crate::error::{Error, Result};
use crate::exec::{files, outputs};
use crate::source::Files;
use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// The Parquet file that predictions go to.
#[derive(Clone, Debug)]
pub struct PredictionFile {
    path: PathBuf,
    overwrite: bool,
}

impl PredictionFile {
    /// The file at `path`; one that is there already is replaced if `overwrite` says so.
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
    /// path or link, and where there is a folder or a device; `Exists` where there is a file that may not be replaced; `Io` where nothing can be
    /// written.
    pub fn check(&self, model: impl AsRef<Path>, rows: &Files) -> Result<()> {
        let of_data = rows.inputs();
        let of_model: Vec<PathBuf> = RunFolder::new(model.as_ref()).outputs().collect();
        let read = of_data.iter().chain(&of_model).map(PathBuf::as_path);
        outputs::check_output(&self.path, self.overwrite, read)
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
            let mut writer = ArrowWriter::try_new(out, rows.schema(), None).map_err(failed)?;
            writer.write(rows).map_err(failed)?;
            writer.finish().map(drop).map_err(failed)
        };
        files::write_output(path, self.overwrite, write)
    }
}
