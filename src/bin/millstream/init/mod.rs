//! A recipe for data that nobody has looked at yet.

mod choose;
mod commented;

use crate::columns::{Columns, SplitColumns};
use crate::machine::Machine;
use crate::output::{print, shown, tell};
use crate::reading::Reading;
use crate::values::{GivenTask, boxes, boxes_of, with_boxes};
use clap::Args;
use millstream::rows::BoxFormat;
use millstream::task::{Finetune, FinetuneSpec, RecipeFile, TargetKind};
use millstream::{Error, Result, inspect};
use std::path::{Path, PathBuf};

/// Look at data and write a recipe for it, which says in comments why it says what.
#[derive(Args)]
pub(crate) struct Init {
    /// Training data: Parquet files, a folder of pictures with a folder for each class, or a list of them (CSV, JSON lines)
    #[arg(required_unless_present = "train", value_name = "DATA")]
    data: Vec<String>,
    /// The same as DATA, as finetune has it
    #[arg(long, num_args = 1.., value_name = "DATA", conflicts_with = "data")]
    train: Vec<String>,
    /// Validation data; without them the folder's validation split, else a stratified tenth of the training rows
    #[arg(long, num_args = 1.., value_name = "DATA")]
    valid: Vec<String>,
    #[command(flatten)]
    split: SplitColumns,
    #[command(flatten)]
    columns: Columns,
    /// The task: classify, multilabel, regress, detect or segment, or one with its parameters as JSON; that of the label column's type if left
    /// out
    #[arg(long, value_name = "NAME", value_parser = GivenTask::read)]
    task: Option<GivenTask>,
    /// What the four numbers of a box mean: xyxy, xywh, cxcywh, or one of these with _normalized; xywh, as COCO has it, if left out
    #[arg(long, value_name = "FORMAT", value_parser = boxes)]
    boxes: Option<BoxFormat>,
    #[command(flatten)]
    reading: Reading,
    /// Decode every picture, and not only some, to count those that cannot be read
    #[arg(long)]
    full: bool,
    /// Write the recipe to this file, and not to standard output
    #[arg(long, value_name = "TOML")]
    out: Option<PathBuf>,
    /// Replace the file of that name if it is a recipe, even one that you wrote
    #[arg(long, requires = "out")]
    overwrite: bool,
    #[command(flatten)]
    machine: Machine,
}

impl Init {
    pub(crate) fn run(self) -> Result<()> {
        // Before the data is read.
        let output = self.out.as_ref().map(|out| RecipeFile::new(out, self.overwrite));
        output.as_ref().map(RecipeFile::check).transpose()?;
        let cx = self.machine.context()?;
        let mut spec = FinetuneSpec::default();
        let data = [self.data, self.train].concat();
        spec.data.train = data.clone().into();
        spec.data.valid = self.valid.clone().into();
        self.split.apply(&mut spec.data);
        self.columns.apply(&mut spec.data);
        spec.data.reading = self.reading.or(spec.data.reading);
        if let Some(format) = self.boxes {
            self.task.iter().try_for_each(|task| task.check_boxes(format))?;
        }
        spec.task = self.task.map(|task| task.task);
        if let Some(format) = self.boxes {
            spec.task = Some(with_boxes(spec.task.take(), format)?);
        }
        // Masks and boxes are no labels that it counts.
        let has_labels = !spec.task.as_ref().is_some_and(|task| {
            matches!(
                task.target(),
                TargetKind::Objects(_) | TargetKind::Mask { .. } | TargetKind::Other
            )
        });
        let inspect = inspect::Inspect {
            files: data,
            image: spec.data.image.clone(),
            label: spec.data.label.clone().filter(|_| has_labels),
            split: None,
            full: self.full,
            reading: spec.data.reading,
            boxes: boxes_of(spec.task.as_ref()),
        };
        let found = cx.block_on(inspect.run(&cx))?;
        found.check()?;
        let datasets = Finetune::new(spec.clone(), "").datasets(&cx)?;
        output.as_ref().map(|output| output.check_for(&datasets)).transpose()?;
        let shared = datasets.shared_pictures(&cx)?;
        let reasons = choose::choose(&mut spec, &found, &datasets, shared);
        if let Some(out) = &self.out {
            start_at(&mut spec, out.parent().unwrap_or(Path::new("")))?;
        }
        let recipe = commented::commented(&spec, &reasons)?;
        match (&self.out, output) {
            (Some(out), Some(output)) => {
                output.write(&recipe)?;
                tell(&format!("the recipe is in {}", shown(out)));
                Ok(())
            }
            _ => print(recipe.trim_end()),
        }
    }
}

/// Paths that lead from the working directory lead from `folder` then, where the recipe lies.
fn start_at(spec: &mut FinetuneSpec, folder: &Path) -> Result<()> {
    let whole = |path: &Path| std::path::absolute(path).map_err(|error| Error::io(path, error));
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let folder = whole(folder)?;
    for path in spec.data.train.iter_mut().chain(spec.data.valid.iter_mut()) {
        let there = whole(Path::new(path))?;
        *path = match there.strip_prefix(&folder) {
            // The recipe lies in the folder of the data.
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            below => below.unwrap_or(&there).display().to_string(),
        };
    }
    Ok(())
}
