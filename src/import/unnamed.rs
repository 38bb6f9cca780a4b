//! Columns of pictures that nobody named, beside those that are made smaller.

use crate::error::{Error, Result};
use crate::quote::quoted;

/// Says in `notes` of each of `columns` that its pictures stay as large as they are.
///
/// # Errors
///
/// `Config` for a column that is called as those of masks are: they would not fit their pictures any more.
pub(super) fn check(columns: &[String], notes: &mut Vec<String>) -> Result<()> {
    for column in columns {
        let as_they_are = format!(
            "column {} holds pictures, too, which stay as large as they are",
            quoted(column)
        );
        if is_called_a_mask(column) {
            return Err(Error::config(format!(
                "{as_they_are}, and by its name they are masks, which would not fit their pictures any more: name it among the masks"
            )));
        }
        let note = format!("{as_they_are}: name it among the pictures, or the masks, if they are to be made smaller");
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok(())
}

fn is_called_a_mask(column: &str) -> bool {
    let name = column.to_lowercase();
    ["mask", "segmentation", "annotation"]
        .iter()
        .any(|word| name.contains(word))
}
