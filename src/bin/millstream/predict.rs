use crate::device::Compute;
use crate::machine::Machine;
use crate::on_error::OnPredictionError;
use crate::output::{say, shown};
use crate::progress::Progress;
use crate::reading::Limit;
use clap::Args;
use millstream::Result;
use millstream::task::{self, PredictionFile};
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
    #[command(flatten)]
    limit: Limit,
    /// Where to write the predictions
    #[arg(long, value_name = "PARQUET", default_value = "predictions.parquet")]
    out: PathBuf,
    /// Replace the file of that name
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    on_error: OnPredictionError,
    /// Parquet files, folders or patterns
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    device: Compute,
    #[command(flatten)]
    machine: Machine,
}

impl Predict {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let output = PredictionFile::new(&self.out, self.overwrite);
        output.check(&cx, &self.model, &self.files)?;
        let mut progress = Progress::new("predictions", 0);
        let predict = task::Predict {
            image: self.image,
            max_pixels: self.limit.max_pixels,
            on_bad_row: self.on_error.rule(),
            device: self.device.device()?,
            ..task::Predict::new(self.model, self.files)
        };
        let rows = predict.run(&cx, &mut |done, total| {
            progress.of(total);
            progress.reached(done);
        })?;
        progress.end();
        output.write(&rows)?;
        let errors = rows.column_by_name("error");
        let without = errors.map_or(0, |errors| errors.len() - errors.null_count());
        if without > 0 {
            say(&format!(
                "{without} rows have no prediction, because their pictures cannot be read; their column \"error\" says why"
            ));
        }
        say(&format!(
            "{} predictions are in {}",
            rows.num_rows() - without,
            shown(&self.out)
        ));
        Ok(())
    }
}
