use crate::machine::Machine;
use crate::output::{print, print_json, shown, tell};
use crate::progress::Progress;
use crate::text::Text;
use clap::Args;
use millstream::{Result, inspect};
use std::path::PathBuf;

/// Compare synthetic rows with real ones: fidelity, usefulness, privacy and bias, each figure beside that of real rows.
///
/// A figure fails where the whole of its interval of 95 % confidence lies further on the wrong side of real rows than its margin; one whose interval reaches into the
/// margin passes.
///
/// A file of generate sample says which rows its generator was fitted on: a --holdout with one of them is refused, and rows of REAL that it was not fitted on are left out of the
/// training rows where a holdout is named, and counted in a note where none is.
///
/// The exit code is 0 where rows were compared, whatever came of it (--json has "passes" of each section), 1 where they could not be compared or the report not be written, and 2 for options that make no sense.
#[derive(Args)]
pub(crate) struct Quality {
    /// Real rows that the generator was fitted on: Parquet files, CSV, JSON lines, or a folder of pictures
    #[arg(value_name = "REAL")]
    real: String,
    /// Synthetic rows; of generate sample those of --balance none, which have the classes' shares of its training rows
    #[arg(value_name = "SYNTHETIC")]
    synthetic: String,
    /// Real rows that the generator was not fitted on; half of REAL if left out, and then of privacy only copies are judged
    #[arg(long, value_name = "REAL2")]
    holdout: Option<String>,
    /// The column of classes, if not found by its type
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// A column of groups that are to be served alike
    #[arg(long, value_name = "COL")]
    group: Option<String>,
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// Columns of whole numbers that are categories
    #[arg(long, num_args = 1.., value_name = "COL")]
    categories: Vec<String>,
    /// Rows of each set that are compared at most, 10 or more; 5000, of pictures 2000, if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..))]
    rows: Option<u32>,
    /// The seed of all that is drawn
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Folder for quality.json and quality.html, a page with plots
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the files of another comparison there
    #[arg(long, requires = "out")]
    overwrite: bool,
    #[command(flatten)]
    machine: Machine,
}

impl Quality {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?.with_seed(self.seed);
        let quality = inspect::Quality {
            holdout: self.holdout.into_iter().collect(),
            label: self.label,
            group: self.group,
            image: self.image,
            categories: self.categories,
            rows: self.rows.map(|rows| rows as usize),
            out: self.out,
            overwrite: self.overwrite,
            ..inspect::Quality::new([self.real], [self.synthetic])
        };
        let mut progress: Option<Progress> = None;
        let report = quality.run(&cx, &mut |done, total| {
            progress
                .get_or_insert_with(|| Progress::new("features", total))
                .reached(done);
        })?;
        progress.into_iter().for_each(Progress::end);
        match self.json {
            true => print_json(&report)?,
            false => print(Text(&report).to_string().trim_end())?,
        }
        if let Some(out) = &quality.out {
            tell(&format!("quality.json and quality.html are in {}", shown(out)));
        }
        Ok(())
    }
}
