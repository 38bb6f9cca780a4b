//! The features that runs keep: a folder for each set of pictures, named by a hash.

use crate::error::Result;
use crate::exec::files;
use crate::train::feature_cache::FeatureCache;
use std::path::{Path, PathBuf};

/// The folders that runs made in the folder `features`.
pub(super) fn folders(features: &Path) -> Vec<PathBuf> {
    let is_folder = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    // What a link leads to is not ours.
    let features = Some(features).filter(|features| is_folder(features));
    let entries = features.and_then(|features| std::fs::read_dir(features).ok());
    let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    paths.filter(|path| is_key(path) && is_folder(path)).collect()
}

/// Whether there are any in the folder `features`.
pub(super) fn is_any(features: &Path) -> bool {
    folders(features).iter().any(|folder| !files_in(folder).is_empty())
}

/// Removes those that runs made in the folder `features`, and their folders where nothing else is in them.
pub(super) fn remove(features: &Path) -> Result<()> {
    for folder in folders(features) {
        files_in(&folder).iter().try_for_each(|file| files::remove(file))?;
        let _ = std::fs::remove_dir(folder);
    }
    let _ = std::fs::remove_dir(features);
    Ok(())
}

/// Whether a folder is named as those of features are: by a hash.
fn is_key(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The files in a folder of features that a run writes.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rows = name.strip_suffix(".arrow");
        name == FeatureCache::INPUTS || rows.is_some_and(|rows| rows.parse::<u64>().is_ok())
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_ours).collect()
}
