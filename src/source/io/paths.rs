//! Paths: one spelling for each, and what they share.

use crate::error::{Error, ErrorKind, Result};
use std::path::{Component, Path, PathBuf};

/// The error of a file or folder at `path` that cannot be read.
pub(in crate::source) fn io_error(path: &str, source: std::io::Error) -> Error {
    let message = match source.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => source.to_string(),
    };
    Error::new(ErrorKind::Io, message).with_source(source).context(path)
}

/// `path` from the root of the file system on, without `.` and `..`: the same for all ways to spell it.
pub(in crate::source) fn whole(path: &Path) -> Result<PathBuf> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    let absolute = std::path::absolute(path).map_err(|source| io_error(&path.display().to_string(), source))?;
    let mut whole = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    Ok(whole)
}

/// The deepest folder that all of `paths` are in.
pub(in crate::source) fn shared(paths: &[PathBuf]) -> PathBuf {
    let mut paths = paths.iter();
    let first = paths.next().cloned().unwrap_or_default();
    paths.fold(first, |shared, path| {
        let same = shared.components().zip(path.components()).take_while(|(a, b)| a == b);
        same.map(|(part, _)| part).collect()
    })
}

/// `files`, [whole] paths, without the directories that all of them share, so that a plan does not depend on where the data lies.
pub(in crate::source) fn relative<'a>(files: impl Iterator<Item = &'a Path>) -> Vec<String> {
    let parts: Vec<Vec<_>> = files.map(|file| file.components().collect()).collect();
    let shortest = parts.iter().map(Vec::len).min().unwrap_or(0);
    let shared = (0..shortest.saturating_sub(1))
        .take_while(|&i| parts.iter().all(|part| part[i] == parts[0][i]))
        .count();
    let name = |part: &Vec<_>| part[shared..].iter().collect::<PathBuf>().display().to_string();
    parts.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_depend_on_how_paths_are_spelled() {
        let names = |files: &[&str]| {
            let whole: Vec<_> = files.iter().map(|file| whole(Path::new(file)).unwrap()).collect();
            relative(whole.iter().map(PathBuf::as_path))
        };
        assert_eq!(names(&["/x/a.parquet"]), ["a.parquet"]);
        assert_eq!(names(&["./a/1", "b/2"]), ["a/1", "b/2"]);
        assert_eq!(
            names(&["/d/./a/1", "/d/e/../b/2", "/d/a/../a/1"]),
            ["a/1", "b/2", "a/1"]
        );
    }

    #[test]
    fn a_path_has_one_whole_spelling() -> Result<()> {
        let plain = whole(Path::new("data/a.parquet"))?;
        for other in ["./data/a.parquet", "data/./a.parquet", "x/../data//a.parquet"] {
            assert_eq!(whole(Path::new(other))?, plain);
        }
        assert_eq!(whole(Path::new(""))?, whole(Path::new("."))?);
        Ok(())
    }
}
