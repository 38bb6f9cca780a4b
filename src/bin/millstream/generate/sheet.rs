use super::rows::Rows;
use crate::machine::Machine;
use crate::output::{shown, tell};
use crate::values::generator;
use clap::{ArgGroup, Args};
use millstream::generative::learned_generators;
use millstream::report::picture::PictureFile;
use millstream::spec::Named;
use millstream::synthetic::GeneratorSpec;
use millstream::synthetic::learned::{FittedGenerator, LearnedModel};
use millstream::task::{FinetuneSpec, generator_sheet};
use millstream::{Error, Result};
use std::path::PathBuf;

/// Draw rows that a generator of pictures makes, class by class, and real ones below them.
#[derive(Args)]
#[command(group(ArgGroup::new("made_by").args(["model", "generator"]).required(true)))]
pub(crate) struct Sheet {
    /// The folder with a generator that was fitted (generate fit)
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Any other generator of pictures, fitted on --train: scenes, blend, or one with its parameters as JSON, such as '{"scenes": {"width": 320}}'
    #[arg(long, value_name = "NAME", value_parser = generator, requires = "train")]
    generator: Option<Named<dyn GeneratorSpec>>,
    /// The data that it was fitted on, or with --generator is fitted on, for real rows below the made ones
    #[arg(long, num_args = 1.., value_name = "DATA")]
    train: Vec<String>,
    #[command(flatten)]
    rows: Rows,
    /// Samples of each class, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=64))]
    samples: u16,
    /// Width and height of a tile, 16 to 512
    #[arg(long, value_name = "PX", default_value_t = 56, value_parser = clap::value_parser!(u32).range(16..=512))]
    tile: u32,
    /// Seed of the made rows, and with --generator of those that are held out; 0 if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=FinetuneSpec::MAX_SEED))]
    seed: Option<u64>,
    /// The picture
    #[arg(long, value_name = "PNG")]
    out: PathBuf,
    /// Replace the file of that name if it is a PNG, whatever wrote it
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    machine: Machine,
}

impl Sheet {
    pub(crate) fn run(self) -> Result<()> {
        let file = PictureFile::new(&self.out, self.overwrite);
        let (seed, samples) = (self.seed.unwrap_or(0), self.samples.into());
        let picture = match (self.model, self.generator) {
            (Some(folder), _) => {
                file.check(std::slice::from_ref(&folder))?;
                let model = LearnedModel::load(&folder, &learned_generators())?;
                let cx = self.machine.context()?.with_seed(seed);
                let real = match self.train.is_empty() {
                    true => None,
                    false => {
                        // The rows that were held out of the fit are told by its seed.
                        let rows = self.rows.open(&cx, self.train, model.about().seed, true)?;
                        file.check(&rows.inputs)?;
                        Some(rows.training)
                    }
                };
                generator_sheet(&cx, &model, real.as_ref(), samples, self.tile)?
            }
            (None, Some(generator)) => {
                // Before anything is read.
                file.check(&[])?;
                let cx = self.machine.context()?.with_seed(seed);
                let rows = self.rows.open_for(&cx, self.train, seed, &*generator)?;
                rows.notes.iter().for_each(|note| tell(note));
                file.check(&rows.inputs)?;
                let generator = rows.generator.as_deref().unwrap_or(&*generator);
                let maker = FittedGenerator::fit(generator, &rows.training)?;
                generator_sheet(&cx, &maker, Some(&rows.training), samples, self.tile)?
            }
            (None, None) => {
                return Err(Error::config(
                    "name the folder of a generator (--model), or a generator (--generator)",
                ));
            }
        };
        file.write(&picture)?;
        tell(&format!("the picture is in {}", shown(&self.out)));
        Ok(())
    }
}
