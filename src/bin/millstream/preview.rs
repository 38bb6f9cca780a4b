use crate::data::TrainingData;
use crate::machine::Machine;
use crate::output::{print, print_json, shown, tell};
use crate::recipe::Recipe;
use crate::screen::Screen;
use crate::settings::Settings;
use crate::text::preview as text;
use crate::text::wrap::wrapped;
use clap::{Args, ValueEnum};
use millstream::Result;
use millstream::report::picture::PictureFile;
use millstream::task::{self, FinetuneSpec, TrainOptions, TrainingPhase};
use std::path::PathBuf;

/// Draw what a fine-tuning run with the same options would train on: real, augmented and synthetic rows of each class.
#[derive(Args)]
pub(crate) struct Preview {
    #[command(flatten)]
    data: TrainingData,
    #[command(flatten)]
    recipe: Recipe,
    /// The picture
    #[arg(long, required_unless_present = "print_recipe", value_name = "PNG")]
    out: Option<PathBuf>,
    /// Replace the file of that name if it is a PNG, whatever wrote it
    #[arg(long)]
    overwrite: bool,
    /// Show each step of row N of the training files, counted from 0
    #[arg(long, value_name = "N")]
    row: Option<u64>,
    /// Which part of the run; the deep one if left out and stages of the backbone train
    #[arg(long, value_enum)]
    phase: Option<Phase>,
    /// The epoch of that part that samples begin with
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=TrainOptions::MAX_EPOCHS))]
    epoch: u64,
    /// Samples of each class and origin, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    samples: u16,
    /// Width and height of a tile, 16 to 512; 96 for samples and 176 for steps if left out
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(16..=512))]
    tile: Option<u32>,
    #[command(flatten)]
    settings: Settings,
    /// Print one JSON object to standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

#[derive(Clone, Copy, ValueEnum)]
enum Phase {
    /// The new head
    Head,
    /// The last stages of the backbone with the head
    Deep,
}

impl Preview {
    pub(crate) fn run(self) -> Result<()> {
        self.settings.refuse_conflicts::<Self>("millstream preview");
        let mut spec = self.recipe.read_or(FinetuneSpec::default())?;
        self.data.apply(&mut spec.data.train);
        let effects = self.settings.apply(&mut spec, &self.machine)?;
        if self.recipe.printed(&spec)? {
            return Ok(());
        }
        self.recipe.check_named(&spec.data.train, "data.train")?;
        effects.check(&spec)?;
        let out = self.out.unwrap_or_default();
        let output = PictureFile::new(&out, self.overwrite);
        let recipe = self.recipe.file();
        output.check(recipe)?;
        let cx = spec.machine.context()?;
        let preview = task::Preview {
            run: task::Finetune::new(spec, ""),
            phase: self.phase.map(|phase| match phase {
                Phase::Head => TrainingPhase::Head,
                Phase::Deep => TrainingPhase::Deep,
            }),
        };
        let mut screen = Screen::new(false);
        let rows = preview.open(&cx, &mut |event| screen.show(event))?;
        output.check(&rows.files()?)?;
        match self.row {
            Some(row) => {
                let steps = rows.steps(row, self.epoch)?;
                output.write(&rows.step_sheet(&steps, self.tile.unwrap_or(176))?)?;
                match self.json {
                    true => print_json(&text::steps_in_json(&steps))?,
                    false => {
                        for note in rows.step_notes(&steps) {
                            print(&wrapped(&note, ""))?;
                        }
                        print(&format!("\n{}", text::steps(&steps)))?;
                    }
                }
            }
            None => {
                let samples = rows.samples(self.epoch, self.samples.into())?;
                let sheet = rows.sheet(&samples, self.tile.unwrap_or(96))?;
                output.write(&sheet.picture)?;
                match self.json {
                    true => print_json(&text::samples_in_json(&samples, &sheet))?,
                    false => {
                        for note in &sheet.notes {
                            print(&wrapped(note, ""))?;
                        }
                        print(&format!("\n{}", text::samples(&sheet)))?;
                    }
                }
            }
        }
        tell(&format!("the picture is in {}", shown(&out)));
        Ok(())
    }
}
