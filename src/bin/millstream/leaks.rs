//! `inspect --leaks`: rows on both sides of a split.

use crate::output::{print, print_json, shown, tell};
use crate::progress::Progress;
use crate::text::Text;
use clap::Args;
use millstream::inspect::{self, LeakStage};
use millstream::task::FinetuneSpec;
use millstream::{Context, Result};
use std::path::PathBuf;

/// What is compared, and where it is written.
#[derive(Args)]
pub(crate) struct Leaks {
    /// Compare instead: `--leaks TRAIN TEST` looks for rows of TEST that TRAIN has as well, exactly or nearly; `--leaks DIR` compares the
    /// splits of a folder, and of rows without splits shows which come several times
    #[arg(long, conflicts_with_all = ["full", "split", "boxes"])]
    leaks: bool,
    /// With --leaks: the held-out rows, where --train names several files
    #[arg(long, num_args = 1.., value_name = "TEST", requires = "leaks")]
    valid: Vec<String>,
    /// With --leaks: columns of a table that are not compared
    #[arg(long, num_args = 1.., value_name = "COL", requires = "leaks")]
    ignore: Vec<String>,
    /// With --leaks: whether pictures are compared by features of a network, too; of up to 10,000 if left out
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true", requires = "leaks")]
    features: Option<bool>,
    /// With --leaks: pairs of each two sets that --json names at most
    #[arg(long, value_name = "N", requires = "leaks", default_value_t = inspect::Leaks::PAIRS)]
    pairs: usize,
    /// With --leaks: the seed by which rows are drawn where not all are compared
    #[arg(long, value_name = "N", requires = "leaks", default_value_t = 0)]
    seed: u64,
    /// With --leaks: folder for leaks.json, leaked-rows.json (the positions of rows to leave out), and of pictures leaks.png, the pairs side by
    /// side
    #[arg(long, value_name = "DIR", requires = "leaks")]
    out: Option<PathBuf>,
    /// Replace the files of another search there
    #[arg(long, requires = "out")]
    overwrite: bool,
}

impl Leaks {
    /// Whether splits are compared.
    pub(crate) fn is_asked(&self) -> bool {
        self.leaks
    }

    /// The held-out rows that are named.
    pub(crate) fn valid(&self) -> &[String] {
        &self.valid
    }

    /// Compares what `spec` names.
    pub(crate) fn run(self, cx: &Context, spec: FinetuneSpec, json: bool) -> Result<()> {
        let data = spec.data;
        let held_out = match data.valid.is_none() {
            true => Vec::new(),
            false => data.valid.into_files("inspect")?,
        };
        let leaks = inspect::Leaks {
            image: data.image,
            label: data.label,
            ignore: self.ignore,
            reading: data.reading,
            features: self.features,
            pairs: Some(self.pairs),
            out: self.out,
            overwrite: self.overwrite,
            ..inspect::Leaks::new(data.train.into_files("inspect")?, held_out)
        };
        let cx = cx.with_seed(self.seed);
        let mut progress: Option<(LeakStage, Progress)> = None;
        let report = leaks.run(&cx, &mut |stage, done, total| {
            if let Some((_, ended)) = progress.take_if(|(of, _)| *of != stage) {
                ended.end();
            }
            let (_, progress) = progress.get_or_insert_with(|| (stage, Progress::new(&stage.to_string(), total)));
            progress.reached(done);
        })?;
        if let Some((_, progress)) = progress {
            progress.end();
        }
        match json {
            true => print_json(&report)?,
            false => print(Text(&report).to_string().trim_end())?,
        }
        if let Some(out) = &leaks.out {
            tell(&format!(
                "the report and the positions of the rows are in {}",
                shown(out)
            ));
        }
        Ok(())
    }
}
