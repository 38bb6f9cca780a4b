//! Which files there are below what a user names, and what their folders say of them.

use super::splits::{Split, Splits};
use crate::error::{Error, ErrorKind, Result};
use crate::source::parquet::io::files::{Location, io};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What a file's folders say of its rows: a key, and its value, null for Hive's default partition.
pub(in crate::source::parquet) type Key = (Arc<str>, Option<Arc<str>>);

/// The folder name that stands for a null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Which files of a folder that has several splits are wanted.
#[derive(Clone, Debug)]
pub(in crate::source::parquet) enum Wanted {
    /// All, of whatever split.
    All,
    /// It must have one split only, or none.
    One,
    /// Those of this split.
    Split(Split),
    /// Those of this split; all where the folder has one split only, whatever that is.
    #[cfg_attr(not(feature = "train"), allow(dead_code, reason = "tasks alone ask for it"))]
    SplitOrOnly(Split),
}

/// The files behind `paths`, each path's sorted by name, and what there is to say of files that are passed over.
///
/// Blocks on the file system.
pub(in crate::source::parquet) fn discover(paths: &[String], wanted: &Wanted) -> Result<(Vec<Location>, Vec<String>)> {
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    for path in paths {
        let mut own = Named::find(path)?;
        if own.is_folder {
            let splits = Splits::among(path, &own.root, &own.files)?;
            let (files, note) = splits.choose(path, wanted)?;
            own.files = files.into_iter().map(PathBuf::from).collect();
            notes.extend(note);
        }
        found.push(own);
    }
    notes.extend(mixed(&found));
    let roots: Vec<PathBuf> = found.iter().map(|own| whole(&own.root)).collect::<Result<_>>()?;
    let root = shared(&roots);
    let files = found.iter().flat_map(|own| &own.files);
    let files = files.map(|file| Location::local(file, keys(&root, &whole(file)?).into()));
    Ok((files.collect::<Result<_>>()?, notes))
}

/// What there is to say where files that were named one by one or by a pattern have the names of several splits.
fn mixed(found: &[Named]) -> Option<String> {
    let named = found.iter().filter(|own| !own.is_folder).flat_map(|own| &own.files);
    let named: Vec<PathBuf> = named.filter_map(|file| whole(file).ok()).collect();
    let root = shared(
        &named
            .iter()
            .filter_map(|file| Some(file.parent()?.to_owned()))
            .collect::<Vec<_>>(),
    );
    // Names that say nothing clear are no splits: these files were named.
    let splits = Splits::by_name(&root, &named).ok()?;
    let several = splits.iter().count() > 1;
    several.then(|| format!("the files that were named are of several splits, and all are read: {splits}"))
}

/// The files that one path stands for.
#[derive(Debug)]
pub(in crate::source::parquet) struct Named {
    /// The folder below which folders count: the folder that was named, a pattern's up to its first wildcard, a file's own.
    pub(in crate::source::parquet) root: PathBuf,
    pub(in crate::source::parquet) files: Vec<PathBuf>,
    pub(in crate::source::parquet) is_folder: bool,
}

impl Named {
    /// The files of `path`: a file, a directory (all `*.parquet` below it), or a glob pattern; sorted by name.
    ///
    /// In directories, and by wildcards, names that begin with `_` or `.` are passed over.
    pub(in crate::source::parquet) fn find(path: &str) -> Result<Self> {
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => Ok(Self {
                root: path.into(),
                files: in_directory(path)?,
                is_folder: true,
            }),
            Ok(meta) if !meta.is_file() => {
                let message = "neither a file nor a folder, but a pipe or a device";
                Err(Error::new(ErrorKind::Io, message).context(path))
            }
            Ok(_) => Ok(Self {
                root: Path::new(path).parent().unwrap_or(Path::new("")).into(),
                files: vec![path.into()],
                is_folder: false,
            }),
            Err(_) if path.contains(WILD) => matching(path),
            Err(source) => Err(io(path, source)),
        }
    }
}

/// Paths below linked folders that a pattern with `**` passes over before it is taken to lead in circles.
const MOST_LINKED: usize = 10_000;

const WILD: [char; 3] = ['*', '?', '['];

fn in_directory(path: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(Path::new(path), &mut files)?;
    files.sort();
    if files.is_empty() {
        let message = "no *.parquet file in this directory";
        return Err(Error::new(ErrorKind::Io, message).context(path));
    }
    Ok(files)
}

/// Collects files below `directory`. Linked files count, linked directories do not: they may lead in circles.
fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| io(&directory.display().to_string(), source);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if is_passed_over(entry.file_name().as_encoded_bytes()) {
            continue;
        }
        if path.to_str().is_none() {
            let message = "its name is not UTF-8; rename it";
            return Err(Error::new(ErrorKind::Io, message).context(path.display().to_string()));
        }
        let kind = entry.file_type().map_err(failed)?;
        let is_named = || path.extension().is_some_and(|extension| extension == "parquet");
        if kind.is_dir() {
            walk(&path, files)?;
        } else if is_named() && (kind.is_file() || path.is_file()) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether this is the name of what writers leave beside the data: `_SUCCESS`, `_temporary`, `_delta_log`, hidden files.
fn is_passed_over(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'_' | b'.'))
}

fn matching(pattern: &str) -> Result<Named> {
    let entries =
        glob::glob(pattern).map_err(|source| Error::config(format!("{pattern}: {source}")).with_source(source))?;
    let parts: Vec<_> = Path::new(pattern).components().collect();
    let is_plain = |part: &&Component<'_>| !part.as_os_str().to_string_lossy().contains(WILD);
    let root: PathBuf = parts.iter().take_while(is_plain).collect();
    // What a pattern spells out is meant.
    let first = |part: &Component<'_>| part.as_os_str().as_encoded_bytes().first().copied();
    let spelt: Vec<_> = parts.iter().skip(root.components().count()).map(first).collect();
    let is_meant = |file: &Path| {
        let below = file.strip_prefix(&root).unwrap_or(file);
        let mut names = below.components().map(|part| part.as_os_str().as_encoded_bytes());
        names.all(|name| !is_passed_over(name) || spelt.contains(&name.first().copied()))
    };
    // `**` would follow links to folders, which may lead in circles.
    let below_links = |file: &Path| {
        let folders = file
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(&root) && *folder != root);
        folders.into_iter().any(Path::is_symlink)
    };
    let deep = pattern.contains("**");
    let (mut files, mut linked) = (Vec::new(), 0);
    for entry in entries {
        let file = entry.map_err(|source| Error::io(pattern, source))?;
        if deep && below_links(&file) {
            linked += 1;
            if linked > MOST_LINKED {
                let message = "links to folders lead in circles, so this pattern has no end; name the folder";
                return Err(Error::new(ErrorKind::Io, message).context(pattern));
            }
        } else if file.is_file() && is_meant(&file) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::new(ErrorKind::Io, "no file matches this pattern").context(pattern));
    }
    Ok(Named {
        root,
        files,
        is_folder: false,
    })
}

/// `path` from the root of the file system on, without `.` and `..`: the same for all ways to spell it.
pub(in crate::source::parquet) fn whole(path: &Path) -> Result<PathBuf> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    let absolute = std::path::absolute(path).map_err(|source| io(&path.display().to_string(), source))?;
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
fn shared(paths: &[PathBuf]) -> PathBuf {
    let mut paths = paths.iter();
    let first = paths.next().cloned().unwrap_or_default();
    paths.fold(first, |shared, path| {
        let same = shared.components().zip(path.components()).take_while(|(a, b)| a == b);
        same.map(|(part, _)| part).collect()
    })
}

/// What the folders `key=value` between `root` and `file` say, outermost first; of a key that is there twice the innermost.
fn keys(root: &Path, file: &Path) -> Vec<Key> {
    let folders = file.parent().and_then(|folder| folder.strip_prefix(root).ok());
    let mut keys: Vec<Key> = Vec::new();
    for folder in folders.iter().flat_map(|folders| folders.components()) {
        let name = folder.as_os_str().to_string_lossy();
        let Some((key, value)) = name.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            continue;
        };
        let (key, value) = (decoded(key), (value != NULL).then(|| decoded(value).into()));
        match keys.iter_mut().find(|(other, _)| **other == *key) {
            Some(other) => other.1 = value,
            None => keys.push((key.into(), value)),
        }
    }
    keys
}

/// `text` with each `%XX` as the byte that it stands for; as it is where that gives no UTF-8.
fn decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// `files`, [whole] paths, without the directories that all of them share, so that a plan does not depend on where the data lies.
pub(in crate::source::parquet) fn relative<'a>(files: impl Iterator<Item = &'a Path>) -> Vec<String> {
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
    fn folders_say_keys_and_values() {
        let said = |file: &str| -> Vec<(String, Option<String>)> {
            let keys = keys(
                Path::new("/data/kind=outside"),
                &Path::new("/data/kind=outside").join(file),
            );
            let text = |text: &Arc<str>| text.to_string();
            keys.iter()
                .map(|(key, value)| (text(key), value.as_ref().map(text)))
                .collect()
        };
        let pair = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        assert_eq!(
            said("label=red/year=2024/part=0.parquet"),
            [pair("label", "red"), pair("year", "2024")]
        );
        assert_eq!(
            said("a%3Db=x%2Fy%20z/b=c=d/=e/plain/f.parquet"),
            [pair("a=b", "x/y z"), pair("b", "c=d")]
        );
        assert_eq!(
            said("x=100%/y=%ff/z=%4/f.parquet"),
            [pair("x", "100%"), pair("y", "%ff"), pair("z", "%4")]
        );
        assert_eq!(said("x=__HIVE_DEFAULT_PARTITION__/f.parquet"), [("x".to_owned(), None)]);
        assert_eq!(said("x=1/x=2/f.parquet"), [pair("x", "2")]);
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
