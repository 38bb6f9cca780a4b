use crate::machine::Machine;
use crate::output::{print, print_json};
use crate::reading::Reading;
use crate::text::Text;
use clap::Args;
use millstream::{Result, inspect};

/// Show files, columns, class counts, what is wrong with labels and pictures, and what balancing would cost.
#[derive(Args)]
pub(crate) struct Inspect {
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// The label column, if not found by its type
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// Decode every picture, and not only some
    #[arg(long)]
    full: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Parquet files, folders or patterns; or folders of pictures
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    machine: Machine,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let inspect = inspect::Inspect {
            files: self.files,
            image: self.image,
            label: self.label,
            full: self.full,
            reading: self.reading.into(),
        };
        let found = cx.block_on(inspect.run(&cx))?;
        if found.files.is_empty() {
            // There is nothing to show but the reason.
            return found.check();
        }
        match self.json {
            true => print_json(&found)?,
            false => print(Text(&found).to_string().trim_end())?,
        }
        found.check()
    }
}
