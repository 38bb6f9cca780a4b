use super::rows::Rows;
use crate::machine::Machine;
use crate::output::{shown, tell};
use clap::Args;
use millstream::Result;
use millstream::generative::learned_generators;
use millstream::report::picture::PictureFile;
use millstream::synthetic::learned::LearnedModel;
use millstream::task::{FinetuneSpec, generator_sheet};
use std::path::PathBuf;

/// Draw rows that a generator of pictures makes, class by class, and real ones below them.
#[derive(Args)]
pub(crate) struct Sheet {
    /// The folder with the generator
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// The data that it was fitted on, for real rows below the made ones
    #[arg(long, num_args = 1.., value_name = "DATA")]
    train: Vec<String>,
    #[command(flatten)]
    rows: Rows,
    /// Samples of each class
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=64))]
    samples: u16,
    /// Width and height of a tile
    #[arg(long, value_name = "PX", default_value_t = 56, value_parser = clap::value_parser!(u32).range(16..=512))]
    tile: u32,
    /// Seed of the made rows; 0 if left out
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
        file.check(std::slice::from_ref(&self.model))?;
        let model = LearnedModel::load(&self.model, &learned_generators())?;
        let cx = self.machine.context()?.with_seed(self.seed.unwrap_or(0));
        let real = match self.train.is_empty() {
            true => None,
            false => {
                // The rows that were held out of the fit are told by its seed.
                let rows = self.rows.open(&cx, self.train, model.about().seed, true)?;
                file.check(&rows.inputs)?;
                Some(rows.training)
            }
        };
        let picture = generator_sheet(&cx, &model, real.as_ref(), self.samples.into(), self.tile)?;
        file.write(&picture)?;
        tell(&format!("the picture is in {}", shown(&self.out)));
        Ok(())
    }
}
