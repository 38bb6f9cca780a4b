use crate::machine::Machine;
use crate::output::{print, print_json};
use crate::screen::Screen;
use clap::Args;
use millstream::Result;
use millstream::report::shown;
use millstream::task::{self, ReplayedRow};
use serde_json::json;
use std::path::PathBuf;

/// Make the rows of a batch of an earlier `finetune` again, and say where each comes from.
#[derive(Args)]
pub(crate) struct Replay {
    /// A cursor as JSON, a checkpoint's state.json, or a checkpoint's folder
    #[arg(long, value_name = "FILE")]
    cursor: PathBuf,
    /// Batches after the cursor; 0 is the one that begins there
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=10_000_000))]
    batch: u64,
    /// The run's folder, if the cursor's file does not lie in it
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Print one JSON object a row
    #[arg(long)]
    json: bool,
    /// Print the loader's plan
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    machine: Machine,
}

impl Replay {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let replay = task::Replay {
            cursor: self.cursor,
            batch: self.batch,
            run: self.run,
        };
        let mut screen = Screen::new(self.explain);
        let (_, rows) = replay.rows(&cx, &mut |event| screen.show(event))?;
        rows.iter().try_for_each(|row| match self.json {
            true => print_json(&in_json(row)),
            false => print(&in_words(row)),
        })
    }
}

fn places(row: &ReplayedRow) -> Vec<String> {
    row.provenance.places.iter().map(ToString::to_string).collect()
}

/// `460 Bag, synthetic by smote, of row 3 in a.parquet and row 9 in a.parquet, occurrence 0: 00c0ffee00c0ffee`
fn in_words(row: &ReplayedRow) -> String {
    let class = row
        .class
        .as_deref()
        .map_or_else(|| "no class".to_owned(), |name| shown(name, 60));
    let by = row.provenance.generator.as_ref().map(|name| format!(" by {name}"));
    let line = format!(
        "{} {class}, {}{}, of {}, occurrence {}: {:016x}",
        row.position,
        row.provenance.origin.name(),
        by.unwrap_or_default(),
        places(row).join(" and "),
        row.provenance.occurrence,
        row.hash
    );
    // Names of files and generators may hold what a terminal would obey.
    line.chars()
        .map(|c| {
            if c.is_control() {
                c.escape_debug().to_string()
            } else {
                c.into()
            }
        })
        .collect()
}

fn in_json(row: &ReplayedRow) -> serde_json::Value {
    json!({
        "position": row.position,
        "class": row.class,
        "origin": row.provenance.origin.name(),
        "generator": row.provenance.generator.as_deref(),
        "places": places(row),
        "occurrence": row.provenance.occurrence,
        "hash": format!("{:016x}", row.hash),
    })
}
