use crate::machine::Machine;
use crate::output::{shown, tell};
use crate::progress::Progress;
use crate::values::Balance;
use clap::Args;
use millstream::generative::learned_generators;
use millstream::mix::Target;
use millstream::quote::counted_with;
use millstream::synthetic::learned::{LearnedModel, RowsFile, spread};
use millstream::task::FinetuneSpec;
use millstream::{Error, Result};
use std::path::PathBuf;

/// Write rows that a generator makes to a Parquet file, which finetune and others read like any other.
#[derive(Args)]
pub(crate) struct Sample {
    /// The folder with the generator
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Rows in all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    rows: u64,
    /// Of these classes alone; of all that were learnt if left out
    #[arg(long, value_name = "NAME", num_args = 1..)]
    classes: Vec<String>,
    /// Which share of the rows each class gets: none has those of the training rows; uniform if left out
    #[arg(long, value_name = "none|sqrt|uniform", value_parser = Balance::read)]
    balance: Option<Balance>,
    /// Seed of the rows; 0 if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=FinetuneSpec::MAX_SEED))]
    seed: Option<u64>,
    /// Where to write them; a file in this folder that is named by the kind, the hash of the generator and the seed if left out
    #[arg(long, value_name = "PARQUET")]
    out: Option<PathBuf>,
    /// Replace the file of that name
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    machine: Machine,
}

impl Sample {
    pub(crate) fn run(self) -> Result<()> {
        let seed = self.seed.unwrap_or(0);
        let model = LearnedModel::load(&self.model, &learned_generators())?;
        let named = || {
            PathBuf::from(format!(
                "{}-{}-{seed}.parquet",
                model.about().name(),
                &model.hash()[..16]
            ))
        };
        let out = self.out.clone().unwrap_or_else(named);
        let file = RowsFile::new(&out, self.overwrite);
        file.check(std::slice::from_ref(&self.model))?;
        let rows = self.rows_of_classes(&model)?;
        let cx = self.machine.context()?.with_seed(seed);
        let mut progress = Progress::new("rows", self.rows);
        file.write(&cx, &model, &rows, &mut |done| {
            progress.reached(done);
            Ok(())
        })?;
        progress.end();
        tell(&format!(
            "{} in {}",
            counted_with(self.rows, "row", ["is", "are"]),
            shown(&out)
        ));
        Ok(())
    }

    /// Rows of each class.
    fn rows_of_classes(&self, model: &LearnedModel) -> Result<Vec<u64>> {
        let about = model.about();
        let named = self.classes.iter().map(|name| about.class(name));
        let named = named.collect::<Result<Vec<u32>>>()?;
        let is_wanted = |class: u32| about.supports(class) && (named.is_empty() || named.contains(&class));
        let counts = (0..).zip(&about.counts);
        let counts: Vec<u64> = counts
            .map(|(class, &rows)| if is_wanted(class) { rows } else { 0 })
            .collect();
        let target = match &self.balance {
            None => Target::Uniform,
            Some(Balance::Target(target)) => target.clone(),
            Some(Balance::Auto) => {
                return Err(Error::config(
                    "--balance auto is of a training, which compares shares: name none, sqrt or uniform",
                ));
            }
        };
        Ok(spread(self.rows, &target.shares(&counts, &about.classes)?))
    }
}
