//! How long the search for the neighbours of a large class takes: `cargo bench --bench neighbours [ROWS [COLUMNS]]`.
#![allow(clippy::print_stdout, missing_docs, reason = "a program")]

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use millstream::dataset::Stable;
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::{Smote, SmoteSpec};
use millstream::{Context, Result};
use std::sync::Arc;
use std::time::Instant;

fn main() -> Result<()> {
    let counts: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let rows = counts.first().copied().unwrap_or(1_000_000);
    let width = counts.get(1).copied().unwrap_or(8);
    let names: Vec<String> = (0..width).map(|column| format!("x{column}")).collect();
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for (column, name) in (0..).zip(&names) {
        let mut rng = Rng::new(0, "neighbours", column);
        let normal = Float64Array::from_iter_values((0..rows).map(|_| f64::from(rng.normal())));
        columns.push((name, Arc::new(normal)));
    }
    // A second class, since one alone is no classification.
    let label = Int64Array::from_iter_values((0..rows).map(|row| i64::from(row == 0)));
    columns.push(("label", Arc::new(label)));
    let data: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns)?])?);
    let cx = Context::with(std::thread::available_parallelism().map_or(1, usize::from), 1 << 30)?;
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &data, "label"))?);
    let spec = SmoteSpec {
        columns: names.clone(),
        ..SmoteSpec::default()
    };
    let started = Instant::now();
    let smote = cx.block_on(Smote::fit(&cx, data, &labels, spec))?;
    let found = smote.neighbours(0).count();
    println!(
        "{found} rows of {width} columns, 5 neighbours each: {:.1} s on {} threads",
        started.elapsed().as_secs_f64(),
        cx.threads()
    );
    Ok(())
}
