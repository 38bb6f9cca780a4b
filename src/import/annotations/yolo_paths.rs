//! Where the pictures and the labels of YOLO's annotations lie.

use super::read::entries;
use crate::error::Result;
use crate::quote::quoted;
use std::path::{Component, Path, PathBuf};

/// A path below a folder, without the parts that stay where they are: `images/a.png` of `./images/./a.png`.
pub(super) fn below(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// Where the labels of `path` lie: with `labels` in place of the last `images` below `root`; beside it where there is none.
pub(super) fn labels_of(root: &Path, path: &Path) -> PathBuf {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.iter().collect();
    let last = parts.iter().rposition(|part| *part == "images");
    let parts = parts.iter().enumerate().map(|(at, part)| match Some(at) == last {
        true => Path::new("labels"),
        false => Path::new(part),
    });
    root.join(parts.collect::<PathBuf>())
}

/// What is wrong where no picture has labels; `picture` is the first of them.
pub(super) fn without_labels(root: &Path, picture: &Path) -> String {
    let labels = labels_of(root, picture).with_extension("txt");
    let name = picture.strip_prefix(root).unwrap_or(picture).display().to_string();
    format!(
        "no picture has a file of labels: that of {} was looked for as {}. Labels lie at the path of their picture, with labels in place of its last \
         images, or beside it where its path has none. A picture without objects needs no file, but where all are without there is nothing \
         to import",
        quoted(&name),
        labels.display()
    )
}

/// Each file in `folder` and below it, in order. Links to folders are not followed.
pub(super) fn walk(folder: &Path, found: &mut dyn FnMut(PathBuf)) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in entries(folder)? {
        match entry.is_dir() {
            true if entry.is_symlink() => {}
            true => walk(&entry, found)?,
            false => found(entry),
        }
    }
    Ok(())
}
