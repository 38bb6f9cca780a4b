//! What is said of files as they are opened, and what is refused before.

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::quote::counted;
use crate::source::folder::Folder;
use crate::source::listing::Listing;
use std::collections::HashMap;

/// Refuses a file or folder that is named twice: all of its rows would be.
pub(super) fn refuse_twice(paths: &[String]) -> Result<()> {
    let mut seen = HashMap::new();
    for path in paths {
        // A pattern leads nowhere by itself.
        let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        if let Some(first) = seen.insert(whole, path) {
            let message = match first == path {
                true => format!("{path} is named twice, and its rows would be read twice: name it once"),
                false => format!("{first} and {path} are the same, and its rows would be read twice: name it once"),
            };
            return Err(Error::config(message));
        }
    }
    Ok(())
}

/// What was found, in a sentence.
pub(super) fn said(folder: &Folder) -> String {
    let pictures = counted(folder.len().finite().unwrap_or(0), "picture");
    let name = folder.spec().path.join(", ");
    match folder.class_names().len() {
        0 => format!("{name}: {pictures} in files of their own, without classes"),
        1 => format!("{name}: {pictures} in the folder of 1 class"),
        classes => format!("{name}: {pictures} in the folders of {classes} classes"),
    }
}

/// As [`said`], of a list.
pub(super) fn said_of_list(list: &Listing) -> String {
    let rows = counted(list.len().finite().unwrap_or(0), "row");
    let name = list.spec().path.join(", ");
    match list.paths() {
        Some(column) => format!("{name}: a list of {rows}, whose column {column:?} names the pictures"),
        None => format!("{name}: a list of {rows}, without pictures"),
    }
}
