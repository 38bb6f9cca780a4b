use crate::screen::{Screen, context, print};
use clap::Args;
use millstream::transfer::{self, ReplayedRow};
use millstream::{Error, Result};
use serde_json::json;
use std::path::PathBuf;

/// Make the rows of a batch of an earlier `finetune` again, and say where each comes from.
#[derive(Args)]
pub(crate) struct Replay {
    /// A cursor as JSON, a checkpoint's state.json, or a checkpoint's folder
    #[arg(long, value_name = "FILE")]
    cursor: PathBuf,
    /// Batches after the cursor; 0 is the one that begins there
    #[arg(long, value_name = "N", default_value_t = 0)]
    batch: u64,
    /// The run's folder, if the cursor's file does not lie in it
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Print one JSON object a row
    #[arg(long)]
    json: bool,
    /// Threads that decode and augment
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Memory for caches and batches, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: u64,
}

impl Replay {
    pub(crate) fn run(self) -> Result<()> {
        let cx = context(self.threads, self.memory)?;
        let replay = transfer::Replay {
            cursor: self.cursor,
            batch: self.batch,
            run: self.run,
        };
        let mut screen = Screen::new();
        let (_, rows) = replay.rows(&cx, &mut |event| screen.show(event))?;
        let line = if self.json { in_json } else { in_words };
        for row in &rows {
            print(&line(row)?)?;
        }
        Ok(())
    }
}

fn places(row: &ReplayedRow) -> Vec<String> {
    row.trace.places.iter().map(ToString::to_string).collect()
}

/// `460 Bag, synthetic by smote, of row 3 in a.parquet and row 9 in a.parquet, occurrence 0: 00c0ffee00c0ffee`
fn in_words(row: &ReplayedRow) -> Result<String> {
    let class = row.class.as_deref().unwrap_or("no class");
    let by = row.trace.generator.as_ref().map(|name| format!(" by {name}"));
    Ok(format!(
        "{} {class}, {}{}, of {}, occurrence {}: {:016x}",
        row.position,
        row.trace.origin.name(),
        by.unwrap_or_default(),
        places(row).join(" and "),
        row.trace.occurrence,
        row.hash
    ))
}

fn in_json(row: &ReplayedRow) -> Result<String> {
    let line = json!({
        "position": row.position,
        "class": row.class,
        "origin": row.trace.origin.name(),
        "generator": row.trace.generator.as_deref(),
        "places": places(row),
        "occurrence": row.trace.occurrence,
        "hash": format!("{:016x}", row.hash),
    });
    serde_json::to_string(&line).map_err(|error| Error::data(error.to_string()))
}
