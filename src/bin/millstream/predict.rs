use crate::machine::Machine;
use crate::progress::Progress;
use crate::screen::say;
use clap::Args;
use millstream::Result;
use millstream::transfer::{self, Output};
use std::path::PathBuf;

/// Predict the rows of Parquet files with a model that `finetune` or `demo` wrote.
#[derive(Args)]
pub(crate) struct Predict {
    /// The folder with the model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// Where to write the predictions
    #[arg(long, value_name = "PARQUET", default_value = "predictions.parquet")]
    out: PathBuf,
    /// Replace the file of that name
    #[arg(long)]
    overwrite: bool,
    /// Parquet files, folders or patterns
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    machine: Machine,
}

impl Predict {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let output = Output::new(&self.out, self.overwrite);
        output.check(&cx, &self.model, &self.files)?;
        let mut progress = Progress::new("predictions", 0);
        let rows = transfer::predict(
            &cx,
            &self.model,
            &self.files,
            self.image.as_deref(),
            &mut |done, total| {
                progress.of(total);
                progress.reached(done);
            },
        )?;
        progress.end();
        output.write(&rows)?;
        say(&format!(
            "{} predictions are in {}",
            rows.num_rows(),
            self.out.display()
        ));
        Ok(())
    }
}
