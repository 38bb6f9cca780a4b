//! How a run begins: everything is checked, and only then its folder is taken.

use super::datasets::Datasets;
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::fingerprint::Fingerprint;
use super::manifest::RunManifest;
use super::prepare::RunInputs;
use super::run_folder::StartedRun;
use super::spec::recipe::below;
use super::spec::{DataOptions, DataSource, FinetuneSpec, MachineOptions, ModelOptions};
use super::strategy::Strategy;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::outputs;
use crate::train::Existing;
use std::path::{Path, PathBuf};

impl Finetune {
    /// Whether [`out`](Self::out) holds a [comparison](Self::compare) of strategies with the names of `strategies`.
    pub fn has_compared(&self, strategies: &[Strategy]) -> bool {
        let names = |strategies: &[Strategy]| {
            strategies
                .iter()
                .map(|strategy| strategy.name.clone())
                .collect::<Vec<_>>()
        };
        let manifest = RunManifest::read(&self.out).ok().flatten();
        manifest.is_some_and(|manifest| strategies.len() > 1 && names(manifest.strategies()) == names(strategies))
    }

    /// Checks all there is to check, and only then takes the folder. The strategies are those that are `compared`, or the run's own.
    pub(crate) fn begin(
        &self,
        cx: &Context,
        compared: &[Strategy],
        callback: Callback<'_>,
    ) -> Result<(RunInputs, RunManifest, StartedRun)> {
        let strategies = match compared {
            [] => std::slice::from_ref(&self.spec.balance),
            compared => compared,
        };
        Strategy::check_all(strategies)?;
        let folder = self.folder();
        let found = folder.enter(self.existing)?;
        let cx = &self.context(cx, false);
        let inputs = self.inputs(cx, strategies)?;
        let (datasets, weights) = (&inputs.datasets, inputs.extractor.weights());
        // Of the weights that come with the program nobody can change what they expect; the report says it.
        let own = match self.spec.model.pretrained()?.is_carried() {
            true => Vec::new(),
            false => self.preprocessing_notes(&*datasets.task)?,
        };
        let notes = datasets.understood().into_iter().chain(own);
        let has_features = datasets.task.head().is_pooled() || inputs.shapes.is_some();
        let unused = self.unused_views(datasets, strategies).filter(|_| has_features);
        let notes = notes.chain(unused).chain(self.unused_operations());
        let notes = notes.chain(datasets.made_beside(strategies));
        notes.for_each(|note| callback(Event::Note(&note)));
        for strategy in strategies {
            let warnings = strategy.warnings(datasets)?;
            warnings.iter().for_each(|warning| callback(Event::Warning(warning)));
        }
        callback(Event::Explain(&self.spec.plan().to_string()));
        let read = self.files_read(datasets)?;
        let outputs = [self.out.clone()].into_iter().chain(folder.outputs());
        outputs::refuse_inputs(outputs, read.iter().map(PathBuf::as_path))?;
        let run = self.settled(datasets)?;
        let settled = compared
            .iter()
            .map(|strategy| with_whole_paths(strategy.settled(datasets)));
        let compared: Vec<Strategy> = settled.collect::<Result<_>>()?;
        let state = datasets.state();
        let old = found.manifest.as_ref().filter(|_| self.existing == Existing::Resume);
        let unread = old.filter(|old| state.is_some() && old.state == state && old.fingerprint.fits(datasets, weights));
        let (fingerprint, hashes) = match unread {
            Some(old) => (old.fingerprint.clone(), None),
            None => {
                if let Some(old) = old {
                    // Said before the images are read.
                    folder.check(
                        old,
                        &RunManifest::new(run.clone(), &compared, old.fingerprint.clone(), None)?,
                    )?;
                }
                let (fingerprint, hashes) = Fingerprint::read(cx, datasets, weights, callback)?;
                (fingerprint, Some(hashes))
            }
        };
        if let (Some(old), Some(hashes)) = (old, &hashes)
            && let Some(differs) = old
                .fingerprint
                .difference(cx, &fingerprint, hashes, &folder.index(), datasets)
        {
            return Err(folder.another(&differs));
        }
        let mut manifest = RunManifest::new(run, &compared, fingerprint, state)?;
        manifest.task_found = self.spec.task.is_none();
        let started = folder.begin(found, self.existing, &manifest)?;
        if let Some(hashes) = hashes {
            hashes.keep(&folder.index())?;
        }
        Ok((inputs, manifest, started))
    }

    /// The files and folders that a run on `datasets` reads: those of the data and the weights.
    pub(crate) fn files_read(&self, datasets: &Datasets) -> Result<Vec<PathBuf>> {
        let model = &self.spec.model;
        let weights = model.pretrained()?.file().map(Path::to_owned);
        let config = Path::new(&model.backbone).join("config.json");
        let data = datasets.stored.iter().flat_map(|stored| stored.rows.inputs());
        Ok(data.chain(weights).chain([config]).collect())
    }

    /// What the run is, with paths that lead to the same files from any working directory, and the columns, the task and the size that
    /// were found. The machine is no part of it.
    fn settled(&self, datasets: &Datasets) -> Result<FinetuneSpec> {
        let FinetuneSpec { data, model, .. } = self.spec.clone();
        let whole = |rows: &DataSource| {
            let mut rows = rows.clone();
            rows.start_paths_with(&absolute)?;
            Ok::<_, Error>(rows)
        };
        let weights = model.weights.as_ref();
        let weights = weights.map(|path| std::path::absolute(path).map_err(|error| Error::io(path, error)));
        let data = DataOptions {
            train: whole(&data.train)?,
            valid: whole(&data.valid)?,
            image: Some(datasets.image.clone()),
            label: Some(datasets.label.clone()),
            ..data
        };
        let model = ModelOptions {
            size: Some(model.preprocessing()?.size as u32),
            height: model.height,
            weights: weights.transpose()?,
            backbone: match Path::new(&model.backbone).exists() {
                true => absolute(&model.backbone)?,
                false => model.backbone,
            },
        };
        Ok(FinetuneSpec {
            task: Some(datasets.task.clone()),
            balance: with_whole_paths(self.spec.balance.settled(datasets))?,
            data,
            model,
            machine: MachineOptions::default(),
            ..self.spec.clone()
        })
    }

    /// The run's seed and, if the folder may be written to, its index.
    pub(crate) fn context(&self, cx: &Context, write: bool) -> Context {
        let cx = cx.with_seed(self.spec.seed);
        match write {
            true => cx.with_index(self.folder().index()),
            false => cx,
        }
    }
}

/// `strategy` with a generator whose paths lead to the same files from any working directory.
fn with_whole_paths(mut strategy: Strategy) -> Result<Strategy> {
    if let Some(generator) = &mut strategy.generator {
        *generator = generator.with_paths(&absolute)?;
    }
    Ok(strategy)
}

/// The file, folder or pattern `path`, from whatever working directory.
fn absolute(path: &str) -> Result<String> {
    let failed = |error| Error::io(path, error);
    let here = std::env::current_dir().map_err(failed)?;
    let whole = std::path::absolute(below(&here, path)).map_err(failed)?;
    Ok(whole.display().to_string())
}
