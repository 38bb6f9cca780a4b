//! A loader over a dataset, run in several configurations and resumed at every batch.

use super::broken::broken;
use super::taken::same;
use crate::cursor::Cursor;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::Blocking;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use std::sync::Arc;

/// Longest cursor, in bytes.
const CURSOR: usize = 1024;

/// Checks that a loader over what `open` opens delivers the same first `rows` rows whatever the batch size, the depth,
/// the threads and the memory are, and that every cursor on the way, written and read as text, leads a loader over a
/// newly opened dataset to exactly the rows that are left.
///
/// Opens `open` some `rows / 3` times and reads the rows that are left each time, so a hundred rows are enough. Blocks;
/// not to be called from an async task.
///
/// # Errors
///
/// What differs, and in which batch; what `open` or the loader fails with.
pub fn check_loader<D: Dataset>(seed: u64, rows: u64, open: impl Fn(&Context) -> Result<D>) -> Result<()> {
    let run = |at: usize, cursor: Option<&str>, rows: u64| CONFIGS[at % CONFIGS.len()].run(&open, seed, cursor, rows);
    let expected = run(0, None, rows)?;
    for (at, config) in CONFIGS.iter().enumerate() {
        let whole = run(at, None, rows)?;
        expected.same(0, &whole, || format!("{:?} and {config:?}", CONFIGS[0]))?;
        for (done, cursor) in &whole.cursors {
            let rest = run(at + 1, Some(cursor), rows - done)?;
            expected.same(*done, &rest, || format!("a run, and one resumed after {done} rows"))?;
        }
    }
    Ok(())
}

/// How a loader is run; nothing of it may change a row.
#[derive(Clone, Copy, Debug)]
struct RunConfig {
    batch: u64,
    depth: usize,
    threads: usize,
    memory: u64,
}

const CONFIGS: [RunConfig; 4] = [
    RunConfig {
        batch: 16,
        depth: 4,
        threads: 2,
        memory: 1 << 28,
    },
    RunConfig {
        batch: 7,
        depth: 1,
        threads: 1,
        memory: 1,
    },
    RunConfig {
        batch: 13,
        depth: 9,
        threads: 4,
        memory: 1 << 16,
    },
    RunConfig {
        batch: 50,
        depth: 2,
        threads: 3,
        memory: 1 << 24,
    },
];

/// What came out, and the cursor before each batch with the rows that came before it.
struct Run {
    positions: Vec<u64>,
    rows: RecordBatch,
    cursors: Vec<(u64, String)>,
}

impl RunConfig {
    fn run<D: Dataset>(
        self,
        open: impl Fn(&Context) -> Result<D>,
        seed: u64,
        cursor: Option<&str>,
        wanted: u64,
    ) -> Result<Run> {
        let cx = Context::with(self.threads, self.memory)?.with_seed(seed);
        let builder = open(&cx)?.loader(&cx).batch_size(self.batch).depth(self.depth);
        let builder = match cursor {
            Some(text) => builder.resume(&text.parse::<Cursor>()?)?,
            None => builder,
        };
        let (mut loader, mut run) = (builder.blocking()?, Collected::default());
        while (run.positions.len() as u64) < wanted && run.next(&mut loader)? {}
        run.finish(wanted as usize)
    }
}

#[derive(Default)]
struct Collected {
    positions: Vec<u64>,
    rows: Vec<RecordBatch>,
    cursors: Vec<(u64, String)>,
}

impl Collected {
    fn next(&mut self, loader: &mut Blocking) -> Result<bool> {
        let cursor = loader.loader().cursor().to_string();
        if cursor.len() >= CURSOR {
            return Err(broken(format!("a cursor of {} bytes: {cursor}", cursor.len())));
        }
        self.cursors.push((self.positions.len() as u64, cursor));
        let Some(batch) = loader.next().transpose()? else {
            return Ok(false);
        };
        self.positions.extend_from_slice(batch.positions());
        self.rows.push(batch.rows().clone());
        Ok(true)
    }

    fn finish(self, wanted: usize) -> Result<Run> {
        let schema = self
            .rows
            .first()
            .map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let rows = concat_batches(&schema, &self.rows)?;
        let count = wanted.min(rows.num_rows());
        Ok(Run {
            positions: self.positions[..count].to_vec(),
            rows: rows.slice(0, count),
            cursors: self.cursors,
        })
    }
}

impl Run {
    /// Whether the rows of `other` are these from row `from` on.
    fn same(&self, from: u64, other: &Self, what: impl Fn() -> String) -> Result<()> {
        let from = from as usize;
        if self.positions[from..] != other.positions {
            let (a, b) = (&self.positions[from..], &other.positions);
            return Err(broken(format!("the positions of {} differ: {a:?} and {b:?}", what())));
        }
        let rest = self.rows.slice(from, self.rows.num_rows() - from);
        same(&rest, &other.rows, &other.positions, &what())
    }
}
