//! Which column of files holds objects.

use super::layout::ObjectLayout;
use crate::dataset::Dataset;
use crate::error::{Remedy, Result};
use crate::source::Files;

/// The column of boxes with classes: the one that is `named` or, without a name, the one that is called as they are; none where none is
/// meant to hold such.
///
/// # Errors
///
/// `Schema` where a column is meant to hold boxes, and does not.
pub(crate) fn find_objects(rows: &Files, named: Option<&str>) -> Result<Option<String>> {
    let all = match named {
        Some(named) => match rows.clone().columns(&[named]) {
            Ok(rows) => rows.schema(),
            Err(_) => return Ok(None),
        },
        None => rows.schema(),
    };
    match ObjectLayout::look(&all, named) {
        None => Ok(None),
        Some(Ok(layout)) => Ok(Some(layout.column().to_owned())),
        Some(Err(error)) => Err(error.with_remedy(Remedy::LabelColumn).context(rows.name())),
    }
}
