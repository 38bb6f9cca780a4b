use crate::choice::print_choice;
use crate::evaluate::figures;
use crate::machine::Machine;
use crate::output::{print, print_json, shown, tell};
use crate::recipe::Recipe;
use crate::screen::Screen;
use crate::settings::{Settings, set_files};
use clap::Args;
use millstream::task::{self, FinetuneSpec};
use millstream::train::Existing;
use millstream::{Error, Result};
use std::path::PathBuf;

/// Fine-tune a pretrained model on images, in Parquet or in the folders of their classes: first a new head on frozen features, then deeper.
#[derive(Args)]
pub(crate) struct Finetune {
    /// Training data: Parquet files, a folder of pictures with a folder for each class, or a list of them (CSV, JSON lines)
    #[arg(long, required_unless_present_any = ["recipe", "print_recipe", "resume"], num_args = 1.., value_name = "DATA")]
    train: Vec<String>,
    #[command(flatten)]
    recipe: Recipe,
    #[command(flatten)]
    settings: Settings,
    /// Go on with the run that lies in DIR, or print the report of one that has ended: as it was begun, where no --train and no --recipe is
    /// given; else with the same options
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Replace the run that lies in DIR; what no run wrote stays
    #[arg(long)]
    overwrite: bool,
    /// Folder for the model and the report
    #[arg(long, required_unless_present = "print_recipe", value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object to standard output
    #[arg(long)]
    json: bool,
    /// Print the loader's plan before training
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    machine: Machine,
}

/// The run that lies in `out`, on the machine of `spec`, which says nothing else.
fn as_begun(spec: FinetuneSpec, out: PathBuf) -> Result<task::Finetune> {
    let (machine, plain) = (spec.machine.clone(), FinetuneSpec::default());
    let spec = FinetuneSpec {
        machine: plain.machine.clone(),
        ..spec
    };
    if serde_json::json!(spec) != serde_json::json!(plain) {
        return Err(Error::config(
            "a run is gone on with as it was begun: leave out the other options, or repeat all, those of the data too",
        ));
    }
    let mut run = task::Finetune::of_folder(out)?;
    run.spec.machine = machine;
    Ok(run)
}

impl Finetune {
    pub(crate) fn run(self) -> Result<()> {
        self.settings.refuse_conflicts::<Self>("millstream finetune");
        let mut spec = self.recipe.read_or(FinetuneSpec::default())?;
        set_files(&mut spec.data.train, self.train);
        let effects = self.settings.apply(&mut spec, &self.machine)?;
        let out = self.out.unwrap_or_default();
        let run = match self.resume && spec.data.train.is_none() && !self.recipe.is_given() {
            true => as_begun(spec, out)?,
            false => task::Finetune::new(spec, out).existing(match (self.resume, self.overwrite) {
                (true, _) => Existing::Resume,
                (_, true) => Existing::Overwrite,
                _ => Existing::Refuse,
            }),
        };
        if self.recipe.printed(&run.spec)? {
            return Ok(());
        }
        self.recipe.check_named(&run.spec.data.train, "data.train")?;
        effects.check(&run.spec)?;
        let cx = run.spec.machine.context()?;
        let mut screen = Screen::new(self.explain).of(&run.spec);
        let report = run.run(&cx, &mut |event| screen.show(event))?;
        if self.json {
            return print_json(&report);
        }
        print_choice(&report)?;
        print(&figures(&report))?;
        tell(&format!(
            "the model, report.json and report.html are in {}",
            shown(&run.out)
        ));
        Ok(())
    }
}
