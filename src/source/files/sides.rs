//! Files that are read for two sets.

use super::open::Files;
use crate::error::{Error, Result};
use crate::exec::outputs;
use std::collections::HashMap;

/// Refuses a file that is read for two of the `sets`, by whatever path or link: all of its rows would be copies.
///
/// Hard links tell files of rows apart, and no pictures: where a disk stores equal pictures once, two sets share some, which is to be found and not refused.
pub(crate) fn refuse_shared(sets: &[(&str, &Files)]) -> Result<()> {
    let mut seen = HashMap::new();
    for (name, files) in sets {
        let tables = files.tables().into_iter().map(|path| (outputs::identity(&path), path));
        let tables = tables.filter_map(|(table, path)| Some((Ok(table?), path)));
        let paths = files.paths().into_iter();
        let paths = paths.map(|path| (Err(path.canonicalize().unwrap_or_else(|_| path.clone())), path));
        for (file, path) in tables.chain(paths) {
            if let Some(other) = seen.insert(file, name).filter(|other| *other != name) {
                let message = format!(
                    "this file is read as {other} and as {name}, so each of its rows would be a copy: name other files"
                );
                return Err(Error::config(message).context(path.display().to_string()));
            }
        }
    }
    Ok(())
}
