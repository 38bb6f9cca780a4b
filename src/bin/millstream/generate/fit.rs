use super::fitted;
use super::kind::Kind;
use super::rows::Rows;
use crate::machine::Machine;
use crate::output::{shown, tell};
use crate::progress::Progress;
use crate::recipe::with_default;
use clap::Args;
use millstream::generative::FitFolder;
use millstream::synthetic::learned::FitProgress;
use millstream::task::FinetuneSpec;
use millstream::train::Existing;
use millstream::{Dataset, Result};
use std::path::PathBuf;
use std::time::Instant;

/// Fit a generator on training rows: a network that learns to make rows of each class.
#[derive(Args)]
pub(crate) struct Fit {
    /// Which one: vae or gan for pictures, copula, tvae or ctgan for tables, or one with its parameters as JSON, such as {"vae": {"latent": 8}}
    #[arg(long, value_name = "NAME", value_parser = Kind::read)]
    kind: Kind,
    /// Training data: Parquet files, a folder of pictures with a folder for each class, or a list of them (CSV, JSON lines)
    #[arg(long, required = true, num_args = 1.., value_name = "DATA")]
    train: Vec<String>,
    #[command(flatten)]
    rows: Rows,
    /// Passes over as many rows as there are, 1 to 1000000; the number of steps of the generator if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    epochs: Option<u32>,
    /// Width and height that pictures are squashed to; theirs if left out, which has to be one and square then
    #[arg(long, value_name = "PX")]
    size: Option<u32>,
    /// For a look: 800 steps at most, of tvae 600, of copula 1000 rows of a class; not with --epochs
    #[arg(long, conflicts_with = "epochs")]
    quick: bool,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(..=FinetuneSpec::MAX_SEED),
        help = with_default("Seed of all that is random, and of the rows that are held out", |run| run.seed)
    )]
    seed: Option<u64>,
    /// Go on with the fit that lies in DIR, with the same options
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Replace the generator that lies in DIR once the new one is whole; what no fit wrote stays
    #[arg(long)]
    overwrite: bool,
    /// Folder for the generator
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    machine: Machine,
}

impl Fit {
    pub(crate) fn run(self) -> Result<()> {
        let spec = self.kind.spec([("epochs", self.epochs), ("size", self.size)])?;
        let spec = if self.quick { spec.quick() } else { spec };
        let folder = FitFolder::new(
            &self.out,
            match (self.resume, self.overwrite) {
                (true, _) => Existing::Resume,
                (_, true) => Existing::Overwrite,
                _ => Existing::Refuse,
            },
        );
        folder.check()?;
        let (cx, seed) = (
            self.machine.context()?,
            self.seed.unwrap_or(FinetuneSpec::default().seed),
        );
        let rows = self.rows.open(&cx, self.train, seed, spec.makes_pictures())?;
        rows.notes.iter().for_each(|note| tell(note));
        let (mut progress, begun): (Option<Progress>, _) = (None, Instant::now());
        let model = folder.fit(&*spec, &rows.training, &mut |at| {
            let progress = progress.get_or_insert_with(|| {
                let mut progress = Progress::new("steps", at.steps);
                progress.goes_on_at(at.step.saturating_sub(1));
                progress
            });
            // Ten lines of losses in all.
            if at.step.is_multiple_of(at.steps.div_ceil(10)) {
                progress.say(&losses(at));
            }
            progress.reached(at.step);
            Ok(())
        })?;
        progress.into_iter().for_each(Progress::end);
        let about = model.about();
        tell(&fitted::rows(about));
        tell(&fitted::columns(
            &rows.training.rows.schema(),
            &about.label,
            spec.makes_pictures(),
        ));
        let few: Vec<&str> = about
            .classes
            .iter()
            .zip(0..)
            .filter(|(_, class)| !about.supports(*class))
            .map(|(name, _)| name.as_str())
            .collect();
        if !few.is_empty() {
            tell(&format!(
                "no rows can be made of {}: at least two rows are needed to learn a class",
                few.join(", ")
            ));
        }
        let seconds = begun.elapsed().as_secs_f64();
        tell(&format!(
            "the generator is in {}, after {seconds:.1} s",
            shown(&self.out)
        ));
        Ok(())
    }
}

/// The losses of a step in words, and how fast it goes.
fn losses(at: &FitProgress) -> String {
    let each = at.losses.iter().map(|(name, loss)| format!("{name} {loss:.3}"));
    let each = each.collect::<Vec<_>>().join(", ");
    let (rate, left) = (at.rows_per_second, at.seconds_left);
    format!("step {}: {each}; {rate:.0} rows/s, {left:.0} s left", at.step)
}
