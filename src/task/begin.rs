//! How a run begins: everything is checked, and only then its folder is taken.

use super::content::Content;
use super::datasets::Task;
use super::finetune::{Callback, Event, Finetune, Ready, Strategy};
use super::run_folder::{Begun, Existing, Mark};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::files;
use std::path::{Component, Path, PathBuf};

impl Strategy {
    /// Refuses names that cannot be those of folders beside one another, and shares out of range.
    pub(crate) fn check_all(ways: &[Self]) -> Result<()> {
        for (at, way) in ways.iter().enumerate() {
            way.check()?;
            let mut parts = Path::new(&way.name).components();
            let plain =
                matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == &*way.name);
            if !plain || way.name == Finetune::DEEP || ways[..at].iter().any(|other| other.name == way.name) {
                return Err(Error::config(format!(
                    "a way cannot be called {:?}: its checkpoints lie in a folder of that name, beside those of others and \"{}\"",
                    way.name,
                    Finetune::DEEP
                )));
            }
        }
        Ok(())
    }
}

impl Finetune {
    /// Whether [`out`](Self::out) holds a [comparison](Self::compare) of ways with the names of `ways`.
    pub fn has_compared(&self, ways: &[Strategy]) -> bool {
        let names = |ways: &[Strategy]| ways.iter().map(|way| way.name.clone()).collect::<Vec<_>>();
        let mark = Mark::read(&self.out).ok().flatten();
        mark.is_some_and(|mark| ways.len() > 1 && names(&mark.ways) == names(ways))
    }

    /// Checks all there is to check, and only then takes the folder.
    pub(crate) fn begin(&self, cx: &Context, ways: &[Strategy], watch: Callback<'_>) -> Result<(Ready, Mark, Begun)> {
        Strategy::check_all(ways)?;
        let folder = self.folder();
        let entry = folder.enter(self.existing)?;
        let cx = &self.context(cx, false);
        let ready = self.ready(cx, ways)?;
        let (task, weights) = (&ready.task, ready.extractor.id());
        task.understood().iter().for_each(|note| watch(Event::Note(note)));
        let files = task.stored.iter().flat_map(|stored| stored.rows.files());
        let inputs: Vec<PathBuf> = files.map(|file| PathBuf::from(&*file.path)).collect();
        let inputs = || inputs.iter().chain([&self.weights]).map(PathBuf::as_path);
        for out in folder.outputs() {
            files::refuse_input(&out, inputs())?;
        }
        let run = self.settled(task)?;
        let state = task.state();
        let old = entry.old.as_ref().filter(|_| self.existing == Existing::Resume);
        let unread = old.filter(|old| state.is_some() && old.state == state && old.content.fits(task, weights));
        let (content, tables) = match unread {
            Some(old) => (old.content.clone(), None),
            None => {
                if let Some(old) = old {
                    // Said before the images are read.
                    folder.check(old, &Mark::new(run.clone(), ways, old.content.clone(), None))?;
                }
                let (content, tables) = Content::read(cx, task, weights, watch)?;
                (content, Some(tables))
            }
        };
        if let (Some(old), Some(tables)) = (old, &tables)
            && let Some(differs) = old.content.difference(cx, &content, tables, &folder.index(), task)
        {
            return Err(folder.another(&differs));
        }
        let mark = Mark::new(run, ways, content, state);
        let begun = folder.begin(entry, self.existing, &mark)?;
        if let Some(tables) = tables {
            tables.keep(&folder.index())?;
        }
        Ok((ready, mark, begun))
    }

    /// The settings with paths that lead to the same files from any working directory, and the columns of `task`.
    fn settled(&self, task: &Task) -> Result<Self> {
        let whole = |path: &String| absolute(path);
        let weights = std::path::absolute(&self.weights).map_err(|error| Error::io(&self.weights, error))?;
        Ok(Self {
            train: self.train.iter().map(whole).collect::<Result<_>>()?,
            valid: self.valid.iter().map(whole).collect::<Result<_>>()?,
            image: Some(task.image.clone()),
            label: Some(task.label.clone()),
            weights,
            ..self.clone()
        })
    }

    /// The run's seed and, if the folder may be written to, its index.
    pub(crate) fn context(&self, cx: &Context, write: bool) -> Context {
        let cx = cx.with_seed(self.seed);
        match write {
            true => cx.with_index(self.folder().index()),
            false => cx,
        }
    }
}

/// The file, folder or pattern `path`, from whatever working directory.
fn absolute(path: &str) -> Result<String> {
    let is_pattern = Path::new(path).is_relative() && path.contains(['*', '?', '[']) && !Path::new(path).exists();
    let failed = |error| Error::io(path, error);
    let whole = match is_pattern {
        // What the working directory is called is no pattern.
        true => {
            let here = std::env::current_dir().map_err(failed)?;
            PathBuf::from(glob::Pattern::escape(&here.display().to_string())).join(path)
        }
        false => std::path::absolute(path).map_err(failed)?,
    };
    Ok(whole.display().to_string())
}
