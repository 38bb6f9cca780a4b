//! Generators that were fitted on the training rows of a split: what they learn does not depend on the seed of a cell.

use super::rows::{Rows, Stored};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::generative::FitFolder;
use crate::rows::{Project, Projected};
use crate::source::Parquet;
use crate::synthetic::learned::{FittedGenerator, LearnedSpec, RowMaker, RowsFile, Training};
use crate::synthetic::{Bank, Generator, GeneratorSpec};
use crate::train::Existing;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What tells a fitted generator of one split from another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Its name.
    pub(super) generator: String,
    /// The name of one that makes every other row.
    pub(super) beside: Option<String>,
    /// Rows of the largest class that is served.
    pub(super) largest: u64,
    /// Whether rows are augmented.
    pub(super) augmented: bool,
    /// Whether rows have to pass a gate.
    pub(super) gate: bool,
}

/// A value for each key, which one thread at a time sets.
type Slots<K, V> = Mutex<BTreeMap<K, Arc<Mutex<V>>>>;

/// The slot of `key`, so that threads wait for those alone who need the same.
fn slot<K: Ord, V: Default>(slots: &Slots<K, V>, key: K) -> Arc<Mutex<V>> {
    Arc::clone(locked(slots).entry(key).or_default())
}

/// What a thread that panicked left is whole: a value is set at once.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The generators of one split. Networks and the rows that they make lie in a folder, and are there again after a kill.
#[derive(Debug, Default)]
pub(super) struct FittedGenerators {
    fitted: Slots<Key, Option<Arc<dyn Generator>>>,
    /// Held while something is fitted in the folder of a name.
    folders: Slots<String, ()>,
    /// None where nothing is kept: there a network is not fitted.
    folder: Option<PathBuf>,
    /// Whether networks are trained for fewer steps.
    pub(super) quick: bool,
}

impl FittedGenerators {
    /// Rows that a network makes of each class; once all were used they come again.
    const BANK: u64 = 512;
    /// The folder of what cross-validations fit.
    const INSIDE: &str = "inside";

    /// Those of a split whose networks lie in `folder`.
    pub(super) fn new(folder: PathBuf, quick: bool) -> Self {
        Self {
            folder: Some(folder),
            quick,
            ..Self::default()
        }
    }

    /// That of `key`, which `fit` gives the first time; other threads that need the same wait for it.
    pub(super) fn get(
        &self,
        key: &Key,
        fit: impl FnOnce() -> Result<Arc<dyn Generator>>,
    ) -> Result<Arc<dyn Generator>> {
        let slot = slot(&self.fitted, key.clone());
        let mut fitted = locked(&slot);
        if let Some(fitted) = &*fitted {
            return Ok(Arc::clone(fitted));
        }
        Ok(Arc::clone(fitted.insert(fit()?)))
    }

    /// Those of part `part` of a cross-validation under `seed` inside the training rows.
    pub(super) fn inside(&self, seed: u64, part: usize) -> Self {
        Self {
            folder: self
                .folder
                .as_ref()
                .map(|of| of.join(Self::INSIDE).join(format!("{seed}-{part}"))),
            quick: self.quick,
            ..Self::default()
        }
    }

    /// Removes the networks of all cross-validations, which serve nothing once a way was chosen.
    pub(super) fn forget_inside(&self) -> Result<()> {
        let Some(inside) = self.folder.as_ref().map(|of| of.join(Self::INSIDE)) else {
            return Ok(());
        };
        match inside.exists() {
            true => std::fs::remove_dir_all(&inside).map_err(|error| Error::io(&inside, error)),
            false => Ok(()),
        }
    }

    /// The rows of the network `name` that `spec` says, which is trained on the stored training rows: they are made once, into a file, and become inputs of the networks
    /// that are compared as the stored rows do.
    pub(super) fn learned(
        &self,
        cx: &Context,
        of: &Rows,
        rows: &Arc<dyn Stable>,
        (name, spec): (&str, &dyn LearnedSpec),
    ) -> Result<Arc<dyn Generator>> {
        self.banked(cx, of, rows, name, |training, folder| {
            let model = FitFolder::new(folder, Existing::Resume).fit(spec, &training, &mut |_| Ok(()))?;
            Ok(Box::new(model))
        })
    }

    /// The same of the pictures that the generator `name` makes of the stored training pictures, as `spec` says.
    pub(super) fn written(
        &self,
        cx: &Context,
        of: &Rows,
        rows: &Arc<dyn Stable>,
        (name, spec): (&str, &dyn GeneratorSpec),
    ) -> Result<Arc<dyn Generator>> {
        self.banked(cx, of, rows, name, |training, folder| {
            std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
            // The rows of a file have no columns that are not trained on.
            let columns = Project::new(&[&of.column, &of.label]);
            let training = Training {
                rows: Arc::new(Projected::new(training.rows, columns)?),
                ..training
            };
            Ok(Box::new(FittedGenerator::fit(spec, &training)?))
        })
    }

    /// The rows that what `fit` gives makes of the stored training rows, from a file in a folder of their own.
    fn banked(
        &self,
        cx: &Context,
        of: &Rows,
        rows: &Arc<dyn Stable>,
        name: &str,
        fit: impl FnOnce(Training, &Path) -> Result<Box<dyn RowMaker>>,
    ) -> Result<Arc<dyn Generator>> {
        let folder = self.folder.as_ref();
        let folder = folder.ok_or_else(|| Error::config(format!("{name} has no folder for its rows")))?;
        let stored = match &of.stored {
            Some(Stored::Columns(rows, _) | Stored::Pictures(rows, _)) => Arc::clone(rows),
            None => return Err(Error::config(format!("{name} has no stored rows to learn"))),
        };
        let training = Training {
            cx: cx.clone(),
            rows: stored,
            labels: Arc::clone(&of.labels),
        };
        // One that is behind a gate, or makes every other row, has a key of its own and the same network.
        let slot = slot(&self.folders, folder_name(name));
        let _held = locked(&slot);
        let folder = folder.join(folder_name(name));
        let file = folder.join("rows.parquet");
        let maker = fit(training, &folder)?;
        if !file.exists() {
            let classes = 0..of.labels.names().len() as u32;
            let each: Vec<u64> = classes
                .map(|class| {
                    if maker.check_class(class).is_ok() {
                        Self::BANK
                    } else {
                        0
                    }
                })
                .collect();
            RowsFile::new(&file, true).write(cx, &*maker, &each, &mut |_| Ok(()))?;
        }
        let path = file.to_str();
        let path = path.ok_or_else(|| Error::config(format!("{} is no UTF-8", file.display())))?;
        let made: Arc<dyn Stable> = Arc::new(cx.block_on(Parquet::open(cx, path))?);
        let made = match &of.stored {
            Some(Stored::Pictures(_, image)) => image(cx, made)?,
            _ => made,
        };
        let bank = cx.block_on(Bank::new(cx, made, &of.label, rows, &of.labels))?;
        Ok(Arc::new(bank))
    }
}

/// A name of letters, digits and hyphens, whatever the generator is called.
fn folder_name(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}
