//! Generators that are fitted once, and the rows that they make.

mod fit;
mod fitted;
mod gated_progress;
mod kind;
mod numbers;
mod rows;
mod sample;
mod sheet;
mod told_columns;

use clap::{Args, Subcommand};
use millstream::Result;

/// Fit a generator on training rows, and write rows that it makes.
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Fit(fit::Fit),
    Sample(sample::Sample),
    Sheet(sheet::Sheet),
}

impl Generate {
    pub(crate) fn name(&self) -> &'static str {
        match &self.what {
            What::Fit(_) => "fit",
            What::Sample(_) => "sample",
            What::Sheet(_) => "sheet",
        }
    }

    pub(crate) fn run(self) -> Result<()> {
        match self.what {
            What::Fit(fit) => fit.run(),
            What::Sample(sample) => sample.run(),
            What::Sheet(sheet) => sheet.run(),
        }
    }
}
