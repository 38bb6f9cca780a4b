//! The rows of a batch of an earlier run, made again.

use super::datasets::Datasets;
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::fingerprint::Fingerprint;
use super::manifest::RunManifest;
use super::run_folder::RunFolder;
use super::strategy::{DEEP, Strategy};
use crate::columns::batch_file;
use crate::columns::gather_one;
use crate::cursor::Cursor;
use crate::dataset::Provenance;
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::exec::{Context, files};
use crate::loader::{Batch, LoaderBuilder};
use crate::model::{FeatureModel, FrozenBackbone};
use arrow::array::RecordBatch;
use serde_json::Value;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Which batch of which fine-tuning run to make again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// A cursor as JSON, a checkpoint's `state.json`, or a checkpoint's folder.
    pub cursor: PathBuf,
    /// Batches between the cursor and the one that is asked for; 0 for the one which begins at the cursor.
    pub batch: u64,
    /// The run's folder; where it is none, the nearest folder above the cursor's file that has a `run.json`.
    pub run: Option<PathBuf>,
}

/// One row of a batch, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayedRow {
    /// Its place in the run.
    pub position: u64,
    /// Its class's name, where a row has one class; the rarest, where rows are balanced by it.
    pub class: Option<String>,
    /// What it was made of.
    pub provenance: Provenance,
    /// xxh3 of its values, as an Arrow IPC stream of this row alone.
    pub hash: u64,
}

impl Replay {
    /// Takes the batch, and tells where each of its rows comes from. Nothing is trained; what the run's caches of features
    /// and scans lack is made again. A run with a task or an operation of a user's own is read by
    /// [`Registry::reading`](crate::registry::Registry::reading).
    ///
    /// # Errors
    ///
    /// `Resume` where the cursor belongs to no phase of the run, or the data is not what the run was made of, with what differs;
    /// `Io` and `Data` for files that are missing or hold something else; whatever loading gives.
    pub fn rows(&self, cx: &Context, callback: Callback<'_>) -> Result<(Batch, Vec<ReplayedRow>)> {
        let cursor = read(&self.cursor)?;
        let folder = self
            .run
            .clone()
            .or_else(|| RunFolder::above(&self.cursor))
            .ok_or_else(|| {
                let message =
                    "no folder above has a run.json, so it is not known which run it belongs to; give the run's folder";
                let error = Error::config(message).with_remedy(Remedy::RunFolder);
                error.context(self.cursor.display().to_string())
            })?;
        let manifest = RunManifest::read(&folder)?.ok_or_else(|| {
            let message = "no run.json is there, so this is no run's folder";
            Error::config(message).context(folder.display().to_string())
        })?;
        let run = Finetune::new(manifest.spec()?, folder);
        let cx = &run.context(cx, true);
        let datasets = run.datasets(cx)?;
        same(cx, &manifest, &run, &datasets, callback)?;
        // Which rows the run went on without, and what was chosen, is known once there are features.
        let is_auto = manifest.strategies().iter().any(|strategy| strategy.auto);
        let mut strategies = manifest.strategies().to_vec();
        let datasets = match (run.spec.data.on_bad_row.is_fail() && !is_auto) || run.spec.train.unfreeze == 0 {
            true => datasets,
            false => {
                let prepared = run.prepare(cx, callback)?;
                strategies = run.with_choice(cx, &prepared, &strategies, callback)?.0;
                prepared.datasets
            }
        };
        let mut refused: Vec<Error> = Vec::new();
        let mut loader = None;
        for strategy in &strategies {
            // The deep phase first, which needs no features.
            if run.spec.train.unfreeze > 0 && loader.is_none() {
                let deep = match run.spec.train.fixed_views {
                    true => {
                        let maps = run.fixed_maps(cx, &datasets, callback)?;
                        run.map_loader(cx, &datasets, &maps, strategy)?
                    }
                    false => run.image_loader(cx, &datasets, strategy)?,
                };
                match deep.resume(&cursor) {
                    Ok(deep) => loader = Some(deep),
                    Err(error) => refused.push(error.context(DEEP)),
                }
            }
        }
        let loader = match loader {
            Some(loader) => loader,
            None => head(&run, cx, callback, &strategies, &cursor, refused)?,
        };
        callback(Event::Explain(&loader.explain()));
        let batch = loader
            .blocking()?
            .nth(usize::try_from(self.batch).unwrap_or(usize::MAX));
        let batch = batch.ok_or_else(|| Error::config(format!("the run has no batch {} from there", self.batch)))??;
        let names = datasets.targets.names();
        let rows = (0..batch.len()).zip(batch.positions()).zip(batch.provenance());
        let rows = rows.map(|((row, &position), provenance)| {
            Ok(ReplayedRow {
                position,
                class: provenance.class.and_then(|class| names.get(class as usize).cloned()),
                provenance,
                hash: hash(batch.rows(), row as u64)?,
            })
        });
        let rows = rows.collect::<Result<_>>()?;
        Ok((batch, rows))
    }
}

/// The loader of the head's rows, of the strategy to which the cursor belongs.
fn head(
    run: &Finetune,
    cx: &Context,
    callback: Callback<'_>,
    strategies: &[Strategy],
    cursor: &Cursor,
    mut refused: Vec<Error>,
) -> Result<LoaderBuilder> {
    let prepared = run.prepare(cx, callback)?;
    let (strategies, _) = run.with_choice(cx, &prepared, strategies, callback)?;
    for strategy in &strategies {
        match run.head_loader(cx, &prepared, strategy)?.resume(cursor) {
            Ok(loader) => return Ok(loader),
            Err(error) if error.kind() == ErrorKind::Resume => refused.push(error.context(strategy.name.clone())),
            Err(error) => return Err(error.context(strategy.name.clone())),
        }
    }
    Err(of_no_phase(refused))
}

/// The error of a cursor that every phase has `refused`.
fn of_no_phase(mut refused: Vec<Error>) -> Error {
    match refused.as_slice() {
        [_] => refused.remove(0),
        several => {
            let said: Vec<_> = several.iter().map(ToString::to_string).collect();
            Error::resume(format!("it belongs to no phase of the run: {}", said.join("; ")))
        }
    }
}

/// Refuses data that is not what the run was made of.
fn same(
    cx: &Context,
    manifest: &RunManifest,
    run: &Finetune,
    datasets: &Datasets,
    callback: Callback<'_>,
) -> Result<()> {
    let backbone = FrozenBackbone::load(&run.spec.model.pretrained()?, &run.spec.machine.device)?;
    let state = datasets.state();
    if state.is_some() && manifest.state == state && manifest.fingerprint.fits(datasets, backbone.weights()) {
        return Ok(());
    }
    let folder = RunFolder::new(&run.out);
    let (now, tables) = Fingerprint::read(cx, datasets, backbone.weights(), callback)?;
    match manifest
        .fingerprint
        .difference(cx, &now, &tables, &folder.index(), datasets)
    {
        Some(differs) => Err(folder.another(&differs)),
        None => Ok(()),
    }
}

/// The cursor in a file: by itself, or in the state of a checkpoint.
fn read(path: &Path) -> Result<Cursor> {
    let file = if path.is_dir() {
        path.join("state.json")
    } else {
        path.to_owned()
    };
    if path.is_dir() && !file.exists() {
        let message = match RunFolder::new(path).has_manifest() {
            true => {
                "this is the folder of a run, and no checkpoint: name one in checkpoints/head or checkpoints/deep below it, or a file with a \
                 cursor; a run that has ended keeps no checkpoints"
            }
            false => {
                "no checkpoint lies in this folder: it has no state.json; name one that has, or a file with a cursor"
            }
        };
        return Err(Error::config(message).context(path.display().to_string()));
    }
    let bytes = files::read_small(&file).map_err(|error| Error::io(&file, error))?;
    let text = String::from_utf8_lossy(&bytes);
    let state: Value = serde_json::from_str(&text).unwrap_or_default();
    let inner = [&state["state"], &state["state"]["cursor"]]
        .into_iter()
        .find_map(Value::as_str);
    let cursor = inner.unwrap_or(&text).parse::<Cursor>();
    cursor.map_err(|error| error.context(file.display().to_string()))
}

fn hash(rows: &RecordBatch, row: u64) -> Result<u64> {
    Ok(xxh3_64(&batch_file::stream(&gather_one(rows, &[row])?)?))
}
