//! The files of a dataset: those behind all of its paths, each with what its folders say.

use super::files::PathFiles;
use super::hive;
use crate::error::Result;
use crate::source::io::location::Location;
use crate::source::io::paths::{shared, whole};
use crate::source::readme::Readme;
use crate::source::split::Wanted;
use crate::source::splits::Splits;
use std::path::PathBuf;
use std::sync::Arc;

/// The files behind `paths`, each path's sorted by name, and what there is to say of files that are passed over.
///
/// Blocks on the file system.
pub(in crate::source::parquet) fn discover(paths: &[String], wanted: &Wanted) -> Result<(Vec<Location>, Vec<String>)> {
    let (mut found, mut notes, mut declared) = (Vec::new(), Vec::new(), Vec::<Option<Arc<str>>>::new());
    for path in paths {
        let mut own = PathFiles::find(path)?;
        let mut features = None;
        if own.is_folder {
            let readme = Readme::of(path, &own.root)?;
            features = readme.features().map(|features| Arc::from(features.to_string()));
            let splits = Splits::among(path, &own.root, &own.files, &readme)?;
            let (files, note) = splits.choose(path, wanted)?;
            own.files = files.into_iter().map(PathBuf::from).collect();
            notes.extend(note);
            notes.extend(passed_over(path, &own.passed_over));
        }
        found.push(own);
        declared.push(features);
    }
    notes.extend(mixed(&found));
    let roots: Vec<PathBuf> = found.iter().map(|own| whole(&own.root)).collect::<Result<_>>()?;
    let root = shared(&roots);
    let mut locations = Vec::new();
    for (own, features) in found.iter().zip(declared) {
        for file in &own.files {
            let location = Location::local(file, hive::keys(&root, &whole(file)?).into())?;
            locations.push(location.with_features(features.clone()));
        }
    }
    Ok((locations, notes))
}

/// What there is to say of the files `found` in the folder `shown` that are not read.
fn passed_over(shown: &str, found: &[PathBuf]) -> Option<String> {
    let first = found.first()?.display();
    Some(match found.len() {
        1 => format!(
            "{shown}: not read, since its name or that of its folder begins with _ or a dot: 1 Parquet file ({first})"
        ),
        many => format!(
            "{shown}: not read, since their names or those of their folders begin with _ or a dot: {many} Parquet files, the first is \
             {first}"
        ),
    })
}

/// What there is to say where files that were named one by one or by a pattern have the names of several splits.
fn mixed(found: &[PathFiles]) -> Option<String> {
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
