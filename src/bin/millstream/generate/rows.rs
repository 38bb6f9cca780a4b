//! The rows that a generator is fitted on: options of every command that reads them.

use crate::columns::{Columns, HeldOut};
use crate::settings::set_files;
use clap::Args;
use millstream::synthetic::GeneratorSpec;
use millstream::task::{DataOptions, FinetuneSpec, GeneratorRows};
use millstream::{Context, Result};

/// Data and seed: with the same ones `finetune` trains on the same rows.
#[derive(Args)]
pub(crate) struct Rows {
    /// Validation data, which no generator may see; without them the folder's validation split, else --held-out of the training rows, stratified:
    /// the rows that finetune with the same data and seed validates on
    #[arg(long, num_args = 1.., value_name = "DATA")]
    valid: Vec<String>,
    #[command(flatten)]
    held_out: HeldOut,
    #[command(flatten)]
    columns: Columns,
    /// Columns of a table that are not learnt; nor are those of --group and --time
    #[arg(long, num_args = 1.., value_name = "COL")]
    ignore: Vec<String>,
}

impl Rows {
    /// Opens the rows.
    pub(crate) fn open(&self, cx: &Context, train: Vec<String>, seed: u64, pictures: bool) -> Result<GeneratorRows> {
        GeneratorRows::open_without(cx, &self.options(train), seed, pictures, &self.ignore)
    }

    /// Opens the rows that the generator `spec` is fitted on.
    pub(crate) fn open_for(
        &self,
        cx: &Context,
        train: Vec<String>,
        seed: u64,
        spec: &dyn GeneratorSpec,
    ) -> Result<GeneratorRows> {
        GeneratorRows::open_for(cx, &self.options(train), seed, spec, &self.ignore)
    }

    fn options(&self, train: Vec<String>) -> DataOptions {
        let mut data = FinetuneSpec::default().data;
        set_files(&mut data.train, train);
        set_files(&mut data.valid, self.valid.clone());
        self.held_out.apply(&mut data);
        self.columns.apply(&mut data);
        data
    }
}
