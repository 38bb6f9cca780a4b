use crate::device::Compute;
use crate::machine::Machine;
use crate::on_error::OnPredictionError;
use crate::output::{print, print_json, shown, tell, warn};
use crate::progress::Progress;
use crate::reading::Limit;
use crate::recipe::Recipe;
use crate::settings::{set_files, set_some};
use clap::Args;
use millstream::Result;
use millstream::report::Report;
use millstream::task::{self, FinetuneSpec, Predict};
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
    on_error: OnPredictionError,
    /// Parquet files, folders of pictures, or lists of them (CSV, JSON lines); the validation files of the recipe if left out
    #[arg(required_unless_present_any = ["recipe", "print_recipe"], value_name = "DATA")]
    files: Vec<String>,
    #[command(flatten)]
    device: Compute,
    #[command(flatten)]
    machine: Machine,
}

impl Evaluate {
    pub(crate) fn run(self) -> Result<()> {
        let mut spec = self.recipe.read_or(FinetuneSpec::default())?;
        let FinetuneSpec { data, machine, .. } = &mut spec;
        set_files(&mut data.valid, self.files);
        set_some(&mut data.image, self.image);
        set_some(&mut data.label, self.label);
        data.reading.max_pixels = self.limit.max_pixels_or(data.reading.max_pixels);
        data.on_bad_row = self.on_error.rule_or(data.on_bad_row)?;
        machine.device = self.device.device_or(machine.device.clone())?;
        self.machine.apply(machine);
        if self.recipe.printed(&spec)? {
            return Ok(());
        }
        self.recipe.check_named(&spec.data.valid, "data.valid")?;
        let cx = spec.machine.context()?;
        let evaluate = task::Evaluate {
            label: spec.data.label,
            out: self.out,
            overwrite: self.overwrite,
            ..task::Evaluate::new(Predict {
                image: spec.data.image,
                max_pixels: spec.data.reading.max_pixels,
                on_bad_row: spec.data.on_bad_row,
                device: spec.machine.device,
                files: spec.data.valid,
                ..Predict::new(self.model.unwrap_or_default(), [""; 0])
            })
        };
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

/// The tables of a report: its classes, where it has any, and its figures.
pub(crate) fn figures(report: &Report) -> String {
    match report.figures.classes.is_empty() {
        // Without classes both tables have the same figures.
        true => report.to_table().to_string(),
        false => format!("{}\n\n{}", report.figures.to_table(), report.to_table()),
    }
}
