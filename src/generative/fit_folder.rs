//! A fit in a folder: what is fitted, checkpoints, and the model when it is done.

use super::fit_next::{MANIFEST, Next, STEPS, refuse_foreign};
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::exec::files;
use crate::exec::lock::Lock;
use crate::quote::shown;
use crate::spec::Catalog;
use crate::synthetic::learned::{About, FitProgress, FitRun, LearnedModel, LearnedSpec, MODEL_FILE, Training};
use crate::train::Existing;
use crate::train::checkpoint;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The version of `fit.json`.
const VERSION: u64 = 1;

/// The folder in which a generator is fitted and then kept. While it is fitted there are checkpoints in it, from which a fit that was killed
/// goes on to the same model. It is locked as long as the fit lasts. One that is overwritten stays until the new one is whole.
///
/// ```text
/// fit.json          what is fitted, and on what
/// steps/            checkpoints, until it is done
/// generator.json    the model, and the parts that it names
/// ```
#[derive(Clone, Debug)]
pub struct FitFolder {
    folder: PathBuf,
    existing: Existing,
    every: u64,
}

impl FitFolder {
    /// The folder at `folder`, which is made where it is missing; `existing` says what to do with what an earlier fit left there.
    pub fn new(folder: impl Into<PathBuf>, existing: Existing) -> Self {
        Self {
            folder: folder.into(),
            existing,
            every: FitRun::EVERY,
        }
    }

    /// Steps between two checkpoints; at least one. Defaults to 200.
    #[must_use]
    pub fn every(mut self, steps: u64) -> Self {
        self.every = steps.max(1);
        self
    }

    /// Checks, before rows are read, that a fit may begin here. Nothing is written.
    ///
    /// # Errors
    ///
    /// `Exists` where there is a fit and [`Existing`] says that it stays; `Config` where files of a fit's names lie in a folder that is not
    /// one's; `Io` where nothing can be written.
    pub fn check(&self) -> Result<()> {
        crate::exec::outputs::check_folder(&self.folder)?;
        Next::of(&self.folder).check()?;
        let has_manifest = manifest(&self.folder)?.is_some();
        if has_manifest && matches!(self.existing, Existing::Refuse) {
            let message = "this folder holds a generator, or a part of one: go on with it, or overwrite it";
            return Err(self.place(Error::new(ErrorKind::Exists, message)));
        }
        let there = |name: &&str| self.folder.join(name).symlink_metadata().is_ok();
        if let Some(name) = [MODEL_FILE, STEPS].into_iter().find(there).filter(|_| !has_manifest) {
            return Err(self.place(Error::config(format!(
                "{name} exists, but no {MANIFEST}: no fit wrote it; move it away, or use another folder"
            ))));
        }
        let steps = self.folder.join(STEPS).symlink_metadata();
        match steps.is_ok_and(|steps| !steps.is_dir()) {
            true => Err(self.place(Error::config(format!(
                "{STEPS} is no folder, and no fit wrote it: move it away, or use another folder"
            )))),
            false => Ok(()),
        }
    }

    /// Fits what `spec` says, saves it here and gives it. One that is done already is read. Where nothing comes of it, not even a checkpoint, no
    /// folder stays that was made for it. This blocks, and must not be called inside an async task.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check) and [`LearnedModel::fit`]; `Resume` where another generator was begun here, or on other rows.
    pub fn fit(
        &self,
        spec: &dyn LearnedSpec,
        training: &Training,
        progress: &mut dyn FnMut(&FitProgress) -> Result<()>,
    ) -> Result<LearnedModel> {
        self.check()?;
        spec.check()?;
        let about = About::of(&spec.description(), training)?.unplaced();
        let missing = self.missing();
        self.fit_here(spec, training, &about, progress).inspect_err(|_| {
            // One that is not empty stays, and those above it.
            let _ = missing.iter().try_for_each(std::fs::remove_dir);
        })
    }

    /// The folders that are made for this one, the innermost first.
    fn missing(&self) -> Vec<&Path> {
        let folders = self.folder.ancestors().filter(|folder| *folder != Path::new(""));
        folders.take_while(|folder| !folder.exists()).collect()
    }

    /// Whether `spec` can learn the rows is known only when it begins to, in the folder and under its lock.
    fn fit_here(
        &self,
        spec: &dyn LearnedSpec,
        training: &Training,
        about: &About,
        progress: &mut dyn FnMut(&FitProgress) -> Result<()>,
    ) -> Result<LearnedModel> {
        std::fs::create_dir_all(&self.folder).map_err(|error| Error::io(&self.folder, error))?;
        let _lock = Lock::take(&self.folder)?;
        let next = Next::of(&self.folder);
        next.finish()?;
        match (manifest(&self.folder)?, self.existing) {
            (Some(_), Existing::Overwrite) => {
                self.refuse_foreign(spec)?;
                next.clear(spec.part_names())?;
                self.fit_in(&next.folder, spec, training, about, progress)
            }
            (Some(begun), _) => {
                // One that is to take its place, and was not done.
                let later = manifest(&next.folder)?;
                if later.is_some_and(|later| self.check_same(&later, about).is_ok()) {
                    return self.fit_in(&next.folder, spec, training, about, progress);
                }
                self.check_same(&begun, about)?;
                if self.folder.join(MODEL_FILE).exists() {
                    return LearnedModel::load_fitted(&self.folder, spec);
                }
                self.refuse_foreign(spec)?;
                self.fit_in(&self.folder, spec, training, about, progress)
            }
            (None, _) => {
                self.refuse_foreign(spec)?;
                self.fit_in(&self.folder, spec, training, about, progress)
            }
        }
    }

    /// Fits with checkpoints in `folder`, which is this one or that of what comes [next](Next), and puts the whole model in its place here.
    fn fit_in(
        &self,
        folder: &Path,
        spec: &dyn LearnedSpec,
        training: &Training,
        about: &About,
        progress: &mut dyn FnMut(&FitProgress) -> Result<()>,
    ) -> Result<LearnedModel> {
        let (steps, manifest) = (folder.join(STEPS), folder.join(MANIFEST));
        files::remove_temporary(folder)?;
        let text = serde_json::to_vec_pretty(&json!({"millstream": VERSION, "about": about}));
        files::write_bytes(&manifest, &text.map_err(|error| Error::io(&manifest, error))?)?;
        let mut run = FitRun {
            checkpoints: Some((steps.clone(), self.every)),
            progress,
        };
        let model = LearnedModel::fit(spec, training, &mut run).inspect_err(|_| {
            // Of rows that cannot be learnt nothing stays; that this fails as well is no news.
            if !steps.exists() {
                let _ = std::fs::remove_file(&manifest);
                if folder != self.folder {
                    let _ = std::fs::remove_dir(folder);
                }
            }
        })?;
        let next = Next::of(&self.folder);
        model.save(&next.folder)?;
        checkpoint::remove_all(&next.folder.join(STEPS))?;
        next.finish()?;
        Ok(model)
    }

    /// The model that was fitted here, if it is done; `known` has the kinds that may be read.
    ///
    /// # Errors
    ///
    /// As [`LearnedModel::load`].
    pub fn fitted(&self, known: &Catalog<dyn LearnedSpec>) -> Result<Option<LearnedModel>> {
        match self.folder.join(MODEL_FILE).exists() {
            true => LearnedModel::load(&self.folder, known).map(Some),
            false => Ok(None),
        }
    }

    /// Refuses to go on with another fit than the one that was begun.
    fn check_same(&self, begun: &Value, about: &About) -> Result<()> {
        let now = serde_json::to_value(about).unwrap_or_default();
        let fields = now.as_object().into_iter().flatten();
        let mut other: Vec<_> = fields
            // It follows from the rows, and an earlier version did not write it.
            .filter(|(name, _)| name.as_str() != "label_type")
            .filter(|(name, value)| begun["about"][name.as_str()] != **value)
            .collect();
        // Another seed holds out other rows, so that what follows from the rows differs as well.
        other.sort_by_key(|(name, _)| *name != "seed");
        let Some((name, now)) = other.first() else {
            return Ok(());
        };
        let (was, is) = (begun["about"][name.as_str()].to_string(), now.to_string());
        let what = match name.as_str() {
            "rows" => "the training rows or their labels are others than those that it was begun on".to_owned(),
            name => format!("{name} was {}, is {}", shown(&was, 300), shown(&is, 300)),
        };
        let error = Error::new(
            ErrorKind::Resume,
            format!(
                "{what}: this is the folder of another generator; go on with what that one was begun with, write over it, or use another folder"
            ),
        );
        Err(self.place(error.with_remedy(Remedy::OtherFolder)))
    }

    /// Refuses to begin where the model would replace files that no fit wrote.
    fn refuse_foreign(&self, spec: &dyn LearnedSpec) -> Result<()> {
        refuse_foreign(&self.folder, spec.part_names().iter().copied())
    }

    fn place(&self, error: Error) -> Error {
        error.context(self.folder.display().to_string())
    }
}

/// What is fitted in `folder`; none where it is not the folder of a fit.
fn manifest(folder: &Path) -> Result<Option<Value>> {
    let path = folder.join(MANIFEST);
    let text = match files::read_small(&path) {
        Err(error) if is_missing(&error) => return Ok(None),
        text => text.map_err(|error| Error::io(&path, error))?,
    };
    let manifest: Value = serde_json::from_slice(&text).unwrap_or_default();
    match manifest["millstream"] == VERSION {
        true => Ok(Some(manifest)),
        false => {
            let message = "not the manifest of a fit that this version can read; use another folder";
            Err(Error::config(message).context(path.display().to_string()))
        }
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}
