//! The rows that a run trains on, as they are stored.

use super::spec::DataSource;
use super::spec::source::of_train;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::{Files, FoundFiles, SourceSpec, Split};
use crate::spec::Named;

/// All columns of the training rows of `train`.
pub(super) fn training_files(cx: &Context, train: &DataSource) -> Result<Files> {
    match train {
        DataSource::Files(paths) => {
            let found = cx.block_on(FoundFiles::find(paths)).map_err(of_train)?;
            cx.block_on(found.open_split(cx, Split::Train)).map_err(of_train)
        }
        DataSource::Source(source) => of_source(cx, source),
    }
}

/// The rows of a source.
pub(super) fn of_source(cx: &Context, source: &Named<dyn SourceSpec>) -> Result<Files> {
    let name = source.name();
    let rows = cx.block_on(source.open(cx)).map_err(|error| error.context(name))?;
    match rows.len().finite() {
        Some(_) => Ok(Files::of_source(rows, name)),
        None => Err(Error::config("a source without an end cannot be trained or measured on").context(name)),
    }
}
