use crate::data::split;
use crate::device::Compute;
use crate::machine::Machine;
use crate::nms::Nms;
use crate::on_error::OnPredictionError;
use crate::output::{print, print_json, shown, tell, warn};
use crate::progress::Progress;
use crate::reading::Limit;
use crate::recipe::Recipe;
use crate::settings::{set_files, set_some};
use clap::Args;
use millstream::error::Remedy;
use millstream::report::Report;
use millstream::source::{Files, Split};
use millstream::task::{self, DataSource, FinetuneSpec, Predict};
use millstream::{Context, Error, Result};
use std::path::PathBuf;

/// Measure a model that `finetune` or `demo` wrote on labelled rows: Parquet files, or pictures in the folders of their classes.
#[derive(Args)]
pub(crate) struct Evaluate {
    /// The folder with the model
    #[arg(long, required_unless_present = "print_recipe", value_name = "DIR")]
    model: Option<PathBuf>,
    #[command(flatten)]
    recipe: Recipe,
    /// The image column, if it is not that of the training and not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// The label column, if it is not that of the training
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    #[command(flatten)]
    limit: Limit,
    /// Folder for report.json, report.html and pictures
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the files of another evaluation there
    #[arg(long, requires = "out")]
    overwrite: bool,
    /// Print one JSON object to standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nms: Nms,
    #[command(flatten)]
    on_error: OnPredictionError,
    /// Parquet files, folders of pictures, or lists of them (CSV, JSON lines); if left out, the validation data of the recipe or that of
    /// --valid, or else a split of the training data
    #[arg(required_unless_present_any = ["recipe", "print_recipe", "valid", "train"], value_name = "DATA")]
    files: Vec<String>,
    /// The same as DATA, as finetune has it
    #[arg(long, num_args = 1.., value_name = "DATA", conflicts_with = "files")]
    valid: Vec<String>,
    /// Training data, as finetune has it: the test split of its folder is measured, or else the validation split, where no other data is
    /// named
    #[arg(long, num_args = 1.., value_name = "DATA")]
    train: Vec<String>,
    /// The split of a folder with several; test, or else validation, if left out
    #[arg(long, value_name = "NAME", value_parser = split)]
    split: Option<Split>,
    #[command(flatten)]
    device: Compute,
    #[command(flatten)]
    machine: Machine,
}

impl Evaluate {
    pub(crate) fn run(self) -> Result<()> {
        let mut spec = self.recipe.read_or(FinetuneSpec::default())?;
        let FinetuneSpec { data, machine, .. } = &mut spec;
        set_files(&mut data.train, self.train);
        set_files(&mut data.valid, [self.files, self.valid].concat());
        set_some(&mut data.image, self.image);
        set_some(&mut data.label, self.label);
        data.reading.max_pixels = self.limit.max_pixels_or(data.reading.max_pixels);
        data.on_bad_row = self.on_error.rule_or(data.on_bad_row)?;
        machine.device = self.device.device_or(machine.device.clone())?;
        self.machine.apply(machine);
        if self.recipe.printed(&spec)? {
            return Ok(());
        }
        let cx = spec.machine.context()?;
        let mut split = self.split;
        if spec.data.valid.is_none() {
            if spec.data.train.is_none() {
                self.recipe.check_named(&spec.data.valid, "data.valid")?;
            }
            split = Some(held_out(&cx, &spec.data.train, split)?);
            spec.data.valid = spec.data.train;
        }
        let mut evaluate = task::Evaluate {
            label: spec.data.label,
            out: self.out,
            overwrite: self.overwrite,
            ..task::Evaluate::new(Predict {
                image: spec.data.image,
                max_pixels: spec.data.reading.max_pixels,
                on_bad_row: spec.data.on_bad_row,
                device: spec.machine.device,
                files: spec.data.valid,
                split,
                ..Predict::new(self.model.unwrap_or_default(), [""; 0])
            })
        };
        let recipe = spec.task.as_ref().and_then(|task| task.nms());
        evaluate.predict.nms = self.nms.over(recipe, evaluate.predict.model_nms()?)?;
        let mut progress: Option<Progress> = None;
        let report = evaluate.run(&cx, &mut |done, total| {
            progress
                .get_or_insert_with(|| Progress::new("evaluation", total))
                .reached(done);
        })?;
        progress.into_iter().for_each(Progress::end);
        report.notes.iter().for_each(|note| tell(note));
        report.warnings.iter().for_each(|warning| warn(warning));
        match self.json {
            true => print_json(&report)?,
            false => print(&figures(&report))?,
        }
        if let Some(out) = &evaluate.out {
            tell(&format!("report.json, report.html and pictures are in {}", shown(out)));
        }
        Ok(())
    }
}

/// The split of the training data that no run trains on: the one that is named, or else test, or else validation.
fn held_out(cx: &Context, train: &DataSource, named: Option<Split>) -> Result<Split> {
    let splits = train.iter().map(|path| cx.block_on(Files::splits(path)));
    let splits = splits.collect::<Result<Vec<_>>>()?;
    let has = |split: &Split| !splits.is_empty() && splits.iter().all(|own| !own.files(split).is_empty());
    let mut all = named
        .map_or_else(|| vec![Split::Test, Split::Validation], |split| vec![split])
        .into_iter();
    all.find(has).ok_or_else(|| {
        Error::config(
            "there is nothing to measure on: no validation data is named, and the training data is no folder with such a split",
        )
        .with_remedy(Remedy::Validation)
    })
}

/// The tables of a report: its classes, where it has any, and its figures.
pub(crate) fn figures(report: &Report) -> String {
    match report.figures.classes.is_empty() {
        // Without classes both tables have the same figures.
        true => report.to_table().to_string(),
        false => format!("{}\n\n{}", report.figures.to_table(), report.to_table()),
    }
}
