//! Rows that a saved model is used on: those of Parquet files, or pictures in files of their own.

use super::picture_files::PictureFiles;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::Parquet;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows with a picture each.
#[derive(Clone, Debug)]
pub(super) enum StoredRows {
    Parquet(Parquet),
    Pictures(PictureFiles),
}

impl StoredRows {
    /// Opens files, folders or patterns, which are either all of Parquet or all of pictures.
    pub(super) fn open(cx: &Context, paths: &[String]) -> Result<Self> {
        let pictures = paths.iter().filter(|path| PictureFiles::is_one(path)).count();
        match pictures {
            0 => Ok(Self::Parquet(cx.block_on(Parquet::open_all(cx, paths))?)),
            some if some == paths.len() => Ok(Self::Pictures(PictureFiles::find(paths)?)),
            _ => Err(Error::config(
                "some of the paths are pictures and some are not: name either pictures or Parquet",
            )),
        }
    }

    /// The files that are read.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Parquet(rows) => rows.files().iter().map(|file| PathBuf::from(&*file.path)).collect(),
            Self::Pictures(rows) => rows.files().to_vec(),
        }
    }

    /// The column of pictures: `named`, or the one that is found.
    pub(super) fn image(&self, named: Option<&str>) -> Result<String> {
        match (self, named) {
            (Self::Parquet(rows), named) => rows.find_image(named),
            (Self::Pictures(_), None | Some(PictureFiles::COLUMN)) => Ok(PictureFiles::COLUMN.to_owned()),
            (Self::Pictures(_), Some(named)) => Err(no_column(named)),
        }
    }

    /// These columns of all rows.
    pub(super) fn columns(&self, columns: &[&str]) -> Result<Arc<dyn Stable>> {
        match self {
            Self::Parquet(rows) => Ok(Arc::new(rows.clone().columns(columns)?)),
            Self::Pictures(rows) => match columns.iter().find(|name| **name != PictureFiles::COLUMN) {
                Some(name) => Err(no_column(name)),
                None => Ok(Arc::new(rows.clone())),
            },
        }
    }
}

fn no_column(name: &str) -> Error {
    Error::schema(format!(
        "files of pictures have no column {name:?}: of each there is its path"
    ))
}
