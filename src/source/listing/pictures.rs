//! The pictures that a list names: which column does, and where the files are.

use super::spec::ListingSpec;
use crate::error::{Error, Remedy, Result};
use crate::quote::counted;
use crate::source::endings::is_picture;
use crate::source::file_table::StoredFile;
use crate::source::io::paths::io_error;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The column of Hugging Face's `imagefolder`.
const FILE_NAME: &str = "file_name";

/// Where the column of paths is; none where there is none.
///
/// # Errors
///
/// `Schema` where the one that was named is missing or holds no texts; `Config` where several may be it.
pub(super) fn column(rows: &RecordBatch, spec: &ListingSpec) -> Result<Option<usize>> {
    let schema = rows.schema();
    let is_text = |at: usize| *rows.column(at).data_type() == DataType::Utf8View;
    let named = spec.file_name.as_deref();
    if let Some(name) = named.or_else(|| schema.index_of(FILE_NAME).ok().map(|_| FILE_NAME)) {
        let at = crate::source::columns::index_of(&schema, name, "file_name")?;
        return match is_text(at) {
            true => Ok(Some(at)),
            false if *rows.column(at).data_type() == DataType::Null => {
                Err(Error::schema(format!("column {name:?} names no picture in any row")))
            }
            false => Err(Error::schema(format!(
                "column {name:?} holds {}, not paths of pictures",
                rows.column(at).data_type()
            ))),
        };
    }
    let names_pictures = |&at: &usize| {
        let texts = is_text(at).then(|| rows.column(at).as_string_view());
        texts.is_some_and(|texts| texts.null_count() < texts.len() && texts.iter().flatten().all(is_picture))
    };
    let found: Vec<usize> = (0..rows.num_columns()).filter(names_pictures).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        several => {
            let names: Vec<&str> = several.iter().map(|&at| schema.field(at).name().as_str()).collect();
            Err(Error::config(format!(
                "which column names the pictures? it could be {}; call it {FILE_NAME}",
                names.join(", ")
            )))
        }
    }
}

/// The files that the column `at` of `rows` names, each once, and which of them is each row's. `lists` has each list, and how many
/// of the rows are its own.
///
/// # Errors
///
/// `Data` for a path that leaves its list's folder, with row and path, and where none of the files is there.
pub(super) fn files(
    rows: &RecordBatch,
    at: usize,
    lists: &[(&Path, u64)],
    outside: bool,
) -> Result<(Vec<StoredFile>, Vec<Option<u32>>)> {
    let texts = rows.column(at).as_string_view();
    let (mut found, mut known, mut of_row) = (Vec::new(), HashMap::new(), Vec::with_capacity(rows.num_rows()));
    let mut first = 0;
    for &(list, count) in lists {
        let folder = list.parent().unwrap_or(Path::new(""));
        for row in first..first + count as usize {
            if texts.is_null(row) {
                of_row.push(None);
                continue;
            }
            let text = texts.value(row);
            let refused = |why: &str| {
                Error::data(format!(
                    "row {} of {}: the path {text:?} {why}",
                    row - first,
                    list.display()
                ))
            };
            let beyond = |how: &str| {
                let why = format!(
                    "leads out of the list's folder{how}; move the list above its pictures, or allow such paths"
                );
                refused(&why).with_remedy(Remedy::PathsOutside)
            };
            let path = Path::new(text);
            if text.is_empty() {
                return Err(refused("is empty"));
            }
            if !outside && !stays_in(folder, path)? {
                return Err(beyond(""));
            }
            let next = found.len();
            let file = *known.entry(folder.join(path)).or_insert_with_key(|path| {
                found.push((path.clone(), folder.to_owned(), beyond(" by a link")));
                next
            });
            of_row.push(u32::try_from(file).ok());
        }
        first += count as usize;
    }
    let look = |(path, folder, refused): (PathBuf, PathBuf, Error)| {
        if !outside && leads_out(&path, &folder)? {
            return Err(refused);
        }
        StoredFile::find(path)
    };
    let files: Vec<StoredFile> = found.into_par_iter().map(look).collect::<Result<_>>()?;
    match files.first().filter(|_| files.iter().all(|file| file.state.is_none())) {
        Some(first) => {
            let name = rows.schema().field(at).name().clone();
            let message = format!(
                "of {} that column {name:?} names none is there; the first is {}",
                counted(files.len(), "file"),
                first.path.display()
            );
            Err(Error::data(message))
        }
        None => Ok((files, of_row)),
    }
}

/// What there is to say of pictures that lie beside `files`, in the same folders, and are none of them. `are_all` lists were read: others
/// may name them.
pub(super) fn beside(files: &[StoredFile], are_all: bool) -> Option<String> {
    let there = files.iter().filter(|file| file.state.is_some());
    let mut names = HashMap::<PathBuf, HashSet<OsString>>::new();
    for file in there {
        // `a/./b/../c` and links to folders: each folder once.
        let real = file
            .path
            .parent()
            .and_then(|folder| match folder.as_os_str().is_empty() {
                true => Path::new(".").canonicalize().ok(),
                false => folder.canonicalize().ok(),
            });
        if let (Some(folder), Some(name)) = (real, file.path.file_name()) {
            names.entry(folder).or_default().insert(name.to_owned());
        }
    }
    let mut others: Vec<PathBuf> = Vec::new();
    for (folder, names) in &names {
        // A folder that cannot be listed may have files that can be read.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let shown = name.to_string_lossy();
            if !names.contains(&name) && is_picture(&shown) && !shown.starts_with('.') {
                others.push(entry.path());
            }
        }
    }
    let first = others.iter().min()?.display();
    let lists = match are_all {
        true => "no list",
        false => "none of the lists that are read",
    };
    Some(match others.len() {
        1 => format!("1 picture that lies beside those in the list is in {lists}: {first}"),
        many => format!("{many} pictures that lie beside those in the list are in {lists}; the first is {first}"),
    })
}

/// Whether `path`, which begins at `folder`, ends below it, as it is spelt: `a/../b` does, and so does an absolute path into the folder.
fn stays_in(folder: &Path, path: &Path) -> Result<bool> {
    let below = match path.is_absolute() {
        false => path,
        true => {
            let whole = match folder.as_os_str().is_empty() {
                true => std::env::current_dir(),
                false => std::path::absolute(folder),
            };
            let whole = whole.map_err(|error| io_error(&folder.display().to_string(), error))?;
            match path.strip_prefix(whole) {
                Ok(below) => below,
                Err(_) => return Ok(false),
            }
        }
    };
    let mut depth = 0_usize;
    for part in below.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether a link on the way leads out of `folder`.
fn leads_out(path: &Path, folder: &Path) -> Result<bool> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let real = folder
        .canonicalize()
        .map_err(|error| io_error(&folder.display().to_string(), error))?;
    // A file that is not there leads nowhere.
    Ok(path.canonicalize().is_ok_and(|path| !path.starts_with(real)))
}
