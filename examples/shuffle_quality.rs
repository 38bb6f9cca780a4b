//! How well a shuffle of blocks mixes, window by window, beside a uniform order (Fisher and Yates): one million rows in
//! 200 blocks of 5,000, one whole epoch of each. `said` is what `explain()` says before training.
//!
//! cargo run --release --example shuffle_quality
#![allow(clippy::print_stdout, reason = "a program")]

use millstream::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use millstream::arrow::datatypes::Int64Type;
use millstream::order::Quality;
use millstream::source::Memory;
use millstream::testing::fisher_yates;
use millstream::{Context, Dataset, DatasetExt, Result};
use std::sync::Arc;

const BLOCKS: u64 = 200;
const LENGTH: u64 = 5_000;
const ROWS: u64 = BLOCKS * LENGTH;

fn main() -> Result<()> {
    let cx = Context::new()?.with_seed(7);
    let lengths = [LENGTH; BLOCKS as usize];
    println!(
        "| window | neighbours from one block | said | serial correlation | said | sorted by class: off by | said |"
    );
    println!("|---|---|---|---|---|---|---|");
    for window in [1, 2, 4, 8, 16, 32, 64, BLOCKS as usize] {
        let shuffle = rows()?.shuffle_window(window);
        let (said, _) = shuffle.quality();
        line(
            &window.to_string(),
            Quality::measured(&lengths, &epoch(&cx, &shuffle)?),
            said,
        );
    }
    let uniform = Quality::measured(&lengths, &fisher_yates(ROWS, 7));
    line("Fisher-Yates", uniform, Quality::of(&lengths, BLOCKS as usize));
    Ok(())
}

fn line(name: &str, measured: Quality, said: Quality) {
    println!(
        "| {name} | {:.2} % | {:.2} % | {:.4} | {:.4} | {:.3} | {:.3} |",
        measured.adjacent * 100.0,
        said.adjacent * 100.0,
        measured.serial,
        said.serial,
        measured.skew,
        said.skew
    );
}

fn rows() -> Result<Memory> {
    let block = |block: u64| {
        let ids = (block * LENGTH..(block + 1) * LENGTH).map(|id| id as i64);
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
        Ok(RecordBatch::try_from_iter([("id", id)])?)
    };
    Memory::new((0..BLOCKS).map(block).collect::<Result<_>>()?)
}

/// The rows of the first epoch, in order.
fn epoch(cx: &Context, dataset: &impl Dataset) -> Result<Vec<u64>> {
    let positions: Vec<u64> = (0..ROWS).collect();
    let rows = cx.block_on(dataset.take(cx, &positions))?;
    let ids = rows["id"].as_primitive::<Int64Type>().values();
    Ok(ids.iter().map(|&id| id as u64).collect())
}
