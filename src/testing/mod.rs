//! The law suite: run your own source or adapter through it.
//!
//! A dataset that passes may stand anywhere in a pipeline, and the loader keeps its promises over it: the same rows for
//! any number of threads, any batch size and any depth, and a resume that goes on with the very next row.
//!
//! ```
//! use arrow::array::{ArrayRef, Int64Array, RecordBatch};
//! use millstream::source::Memory;
//! use millstream::{Context, DatasetExt, Result, testing};
//! use std::sync::Arc;
//!
//! fn rows() -> Result<Memory> {
//!     let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..50));
//!     Memory::new(vec![RecordBatch::try_from_iter([("x", column)])?])
//! }
//!
//! let cx = Context::with(2, 1 << 20)?;
//! cx.block_on(testing::check_stable(&cx, &rows()?, 1))?;
//! cx.block_on(testing::check_law(&cx, &rows()?.shuffle(), 1))?;
//! testing::check_loader(1, 60, |_| Ok(rows()?.shuffle()))?;
//! # Ok::<(), millstream::Error>(())
//! ```

mod elastic;
mod once;
mod order;

pub use elastic::check_elastic;
pub use once::check_once;
pub use order::{check_order, fisher_yates};
mod corruption;
pub mod fuzz;

pub use corruption::{Damage, Outcome, check_corruption};
mod proportions;
mod virtual_rows;

pub use proportions::check_proportions;
pub use virtual_rows::Virtual;

use crate::cursor::Cursor;
use crate::dataset::{Dataset, Len, Origin, Stable};
use crate::error::{Error, Result};
use crate::exec::{Context, catch};
use crate::ext::DatasetExt;
use crate::loader::Blocking;
use crate::rng::Rng;
use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::Schema;
use std::sync::Arc;

/// Random calls in one check.
const TURNS: u64 = 24;
/// Epochs that the positions are drawn from.
const EPOCHS: u64 = 4;
/// Longest cursor, in bytes.
const CURSOR: usize = 1024;

/// Checks [`Dataset`]'s law on random positions of several epochs, which `seed` draws: that
/// `take(p ++ q) == take(p) ++ take(q)`, with repeated positions and none, after other takes and beside them, after
/// hints, and with other threads and hardly any memory. And that schema, length, blocks, plan and traces are of one piece.
///
/// # Errors
///
/// What is broken, with the call that showed it; what `dataset` itself fails with.
pub async fn check_law(cx: &Context, dataset: &dyn Dataset, seed: u64) -> Result<()> {
    let plan = dataset.describe();
    check_form(dataset)?;
    let other = Context::with(cx.threads() + 2, 4096)?.with_seed(cx.seed());
    for turn in 0..TURNS {
        let mut rng = Rng::new(seed, "law", turn);
        let (p, q) = (positions(&mut rng, dataset.len()), positions(&mut rng, dataset.len()));
        check_parts(cx, dataset, &p, &q).await?;
        check_again(&other, cx, dataset, &[p, q].concat()).await?;
        check_traces(cx, dataset, &mut rng)?;
    }
    match dataset.describe() == plan {
        true => Ok(()),
        false => Err(broken(
            "the plan, and so the fingerprint, changed while rows were taken",
        )),
    }
}

/// Checks [`Stable`]'s promises besides the [law](check_law): every epoch is the same, [`Stable::column`] is what
/// `take` gives for view 0, and view 0 is no augmented row.
///
/// # Errors
///
/// As [`check_law`].
pub async fn check_stable(cx: &Context, dataset: &dyn Stable, seed: u64) -> Result<()> {
    check_law(cx, dataset, seed).await?;
    let len = dataset.len().finite();
    let len = len.ok_or_else(|| broken("a stable dataset has an end, but len() is Endless"))?;
    let views = dataset.views();
    if views == 0 || len % views != 0 {
        return Err(broken(format!("{len} rows are not {views} views of each row")));
    }
    let mut rng = Rng::new(seed, "stable", 0);
    let rows: Vec<u64> = (0..40).map(|_| rng.below(len)).collect();
    check_epochs(cx, dataset, &rows, len).await?;
    let rows: Vec<u64> = rows.iter().map(|row| row % (len / views)).collect();
    check_columns(cx, dataset, &rows, len / views).await
}

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
    let run = |way: usize, cursor: Option<&str>, rows: u64| WAYS[way % WAYS.len()].run(&open, seed, cursor, rows);
    let expected = run(0, None, rows)?;
    for (way, named) in WAYS.iter().enumerate() {
        let whole = run(way, None, rows)?;
        expected.same(0, &whole, || format!("{:?} and {named:?}", WAYS[0]))?;
        for (done, cursor) in &whole.cursors {
            let rest = run(way + 1, Some(cursor), rows - done)?;
            expected.same(*done, &rest, || format!("a run, and one resumed after {done} rows"))?;
        }
    }
    Ok(())
}

fn broken(what: impl Into<String>) -> Error {
    Error::config(what).context("the law is broken")
}

fn check_form(dataset: &dyn Dataset) -> Result<()> {
    if let Some(name) = dataset.describe().shared_name() {
        return Err(broken(format!("two stages draw under the name \"{name}\"")));
    }
    let (blocks, mut end) = (dataset.blocks(), 0);
    for (i, block) in blocks.iter().enumerate() {
        if block.rows.start != end || block.rows.end <= end {
            let (rows, end) = (&block.rows, end);
            return Err(broken(format!(
                "block {i} is {rows:?}, but has to begin at {end} and have a row"
            )));
        }
        end = block.rows.end;
    }
    match dataset.len() {
        Len::Finite(rows) if rows.get() != end => Err(broken(format!("the blocks end at {end}, the rows at {rows}"))),
        _ => Ok(()),
    }
}

/// Up to 20 positions: of any epoch, at an epoch's ends, and some that came before.
fn positions(rng: &mut Rng, len: Len) -> Vec<u64> {
    let rows = len.finite().unwrap_or(1 << 40);
    let mut out = Vec::new();
    for _ in 0..rng.below(21) {
        let epoch = rng.below(EPOCHS) * rows;
        let at = match rng.below(6) {
            0 => rng.below(out.len() as u64 + 1) as usize,
            1 => usize::MAX - 1,
            _ => usize::MAX,
        };
        let edge = [0, rows - 1][rng.below(2) as usize];
        let fresh = epoch + if at == usize::MAX - 1 { edge } else { rng.below(rows) };
        out.push(out.get(at).copied().unwrap_or(fresh));
    }
    out
}

/// `take`, of which a panic is an error and the result's form is checked.
async fn taken(cx: &Context, dataset: &dyn Dataset, positions: &[u64]) -> Result<RecordBatch> {
    let call = || format!("take({positions:?})");
    let rows = dataset.take(cx, positions).await;
    let rows = rows.map_err(|error| error.context(call()))?;
    if rows.num_rows() != positions.len() {
        let made = rows.num_rows();
        return Err(broken(format!(
            "{} gave {made} rows of {} positions",
            call(),
            positions.len()
        )));
    }
    let (made, said) = (names(&rows.schema()), names(&dataset.schema()));
    if made != said {
        return Err(broken(format!(
            "{} gave the columns {made}, the schema says {said}",
            call()
        )));
    }
    Ok(rows)
}

fn names(schema: &Schema) -> String {
    let names = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), field.data_type()));
    names.collect::<Vec<_>>().join(", ")
}

/// The law itself, for two lists of positions, one after the other and all at once.
async fn check_parts(cx: &Context, dataset: &dyn Dataset, p: &[u64], q: &[u64]) -> Result<()> {
    let both = [p, q].concat();
    let whole = taken(cx, dataset, &both).await?;
    let parts = [taken(cx, dataset, p).await?, taken(cx, dataset, q).await?];
    same(
        &whole,
        &joined(&whole, &parts)?,
        &both,
        "take(p ++ q) and take(p) ++ take(q)",
    )?;
    let turned = [q, p].concat();
    let all = futures::join!(
        taken(cx, dataset, q),
        taken(cx, dataset, &turned),
        taken(cx, dataset, p),
        taken(cx, dataset, &both),
    );
    let turned = joined(&whole, &[all.0?, all.2?])?;
    same(
        &turned,
        &all.1?,
        &[q, p].concat(),
        "take(q) ++ take(p) and take(q ++ p), beside other takes",
    )?;
    same(&whole, &all.3?, &both, "two equal takes, one of them beside others")
}

/// The same rows fetched ahead, one by one, and in another context.
async fn check_again(other: &Context, cx: &Context, dataset: &dyn Dataset, positions: &[u64]) -> Result<()> {
    let whole = taken(cx, dataset, positions).await?;
    let ahead: Vec<u64> = positions.iter().map(|position| position + 1).collect();
    let (later, now) = (dataset.prepare(cx, &ahead), dataset.prepare(cx, positions));
    later.prefetch();
    now.prefetch();
    now.prefetch();
    let fetched = now.rows().await?;
    drop(later);
    same(&whole, &fetched, positions, "a take, and rows that were fetched ahead")?;
    dataset.prepare(other, positions).prefetch();
    let elsewhere = taken(other, dataset, positions).await?;
    same(&whole, &elsewhere, positions, "takes with different threads and memory")?;
    if let Some((&last, before)) = positions.split_last() {
        let alone = taken(other, dataset, &[last]).await?;
        let row = whole.slice(before.len(), 1);
        same(&row, &alone, &[last], "a row among others and alone")?;
    }
    Ok(())
}

/// Traces are there for every position, and always the same.
fn check_traces(cx: &Context, dataset: &dyn Dataset, rng: &mut Rng) -> Result<()> {
    let near = positions(rng, dataset.len());
    for position in near.into_iter().chain([rng.next_u64() >> 2]) {
        let trace = || {
            let trace = catch(|| Ok(dataset.provenance(cx, position)));
            trace.map_err(|error| error.context(format!("trace({position})")))
        };
        if trace()? != trace()? {
            return Err(broken(format!("trace({position}) is not the same twice")));
        }
    }
    Ok(())
}

async fn check_epochs(cx: &Context, dataset: &dyn Stable, rows: &[u64], len: u64) -> Result<()> {
    let first = taken(cx, dataset, rows).await?;
    for epoch in 1..EPOCHS {
        let later: Vec<u64> = rows.iter().map(|row| row + epoch * len).collect();
        let again = taken(cx, dataset, &later).await?;
        same(&first, &again, &later, "a row in one epoch and in another")?;
        for (&row, &later) in rows.iter().zip(&later) {
            if dataset.provenance(cx, row) != dataset.provenance(cx, later) {
                return Err(broken(format!(
                    "the traces of {row} and {later} differ, but they are one row"
                )));
            }
        }
    }
    Ok(())
}

/// `rows` are of view 0, which has `of` rows.
async fn check_columns(cx: &Context, dataset: &dyn Stable, rows: &[u64], of: u64) -> Result<()> {
    let expected = taken(cx, dataset, rows).await?;
    let indices = UInt64Array::from(rows.to_vec());
    for (field, expected) in dataset.schema().fields().iter().zip(expected.columns()) {
        let column = dataset.column(cx, field.name()).await?;
        if column.len() as u64 != of {
            let (name, length) = (field.name(), column.len());
            return Err(broken(format!("column({name:?}) has {length} rows, view 0 has {of}")));
        }
        same_column(
            expected,
            &take(&column, &indices, None)?,
            field.name(),
            rows,
            "take and column()",
        )?;
    }
    match rows
        .iter()
        .find(|&&row| dataset.provenance(cx, row).origin == Origin::Augmented)
    {
        Some(row) => Err(broken(format!(
            "row {row} is of view 0, but its trace says that it is augmented"
        ))),
        None => Ok(()),
    }
}

fn joined(like: &RecordBatch, parts: &[RecordBatch]) -> Result<RecordBatch> {
    Ok(concat_batches(&like.schema(), parts)?)
}

fn same(a: &RecordBatch, b: &RecordBatch, positions: &[u64], what: &str) -> Result<()> {
    for ((field, a), b) in a.schema().fields().iter().zip(a.columns()).zip(b.columns()) {
        same_column(a, b, field.name(), positions, what)?;
    }
    Ok(())
}

/// Arrow compares values, not encodings or buffers.
fn same_column(a: &ArrayRef, b: &ArrayRef, name: &str, positions: &[u64], what: &str) -> Result<()> {
    if a.as_ref() == b.as_ref() {
        return Ok(());
    }
    let differs = |&row: &usize| row >= b.len() || a.slice(row, 1).as_ref() != b.slice(row, 1).as_ref();
    let row = (0..a.len()).find(differs).unwrap_or(0);
    let position = positions.get(row).copied().unwrap_or_default();
    Err(broken(format!(
        "{what} differ in column \"{name}\" at position {position}, index {row} of {positions:?}"
    )))
}

/// How a loader is run; nothing of it may change a row.
#[derive(Clone, Copy, Debug)]
struct RunConfig {
    batch: u64,
    depth: usize,
    threads: usize,
    memory: u64,
}

const WAYS: [RunConfig; 4] = [
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
