//! What a balance reads: blocks, counted at the source, beside what it says.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use common::{ids, table};
use futures::future::BoxFuture;
use millstream::dataset::{Block, Blocks, Len, Provenance};
use millstream::mix::{Balance, Target};
use millstream::plan::Plan;
use millstream::source::Memory;
use millstream::{Context, Dataset, DatasetExt, Error, Prepared, Result, Stable, testing};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Ten classes, each half as frequent as the one before, the last two alike.
const COUNTS: [usize; 10] = [3200, 1600, 800, 400, 200, 100, 50, 25, 13, 12];
const ROWS: u64 = 6400;
const BLOCK: u64 = 64;
const BLOCKS: u64 = ROWS / BLOCK;
const MIB: u64 = 1 << 20;

/// Rows in blocks of 64 KiB that are read anew for each take. One of them may be bad.
#[derive(Debug)]
struct Shelf {
    rows: Memory,
    read: Arc<AtomicU64>,
    bad: Option<u64>,
}

impl Dataset for Shelf {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
    fn len(&self) -> Len {
        self.rows.len()
    }
    fn blocks(&self) -> Blocks {
        let block = |at| Block {
            rows: at * BLOCK..(at + 1) * BLOCK,
            bytes: BLOCK << 10,
        };
        (0..BLOCKS).map(block).collect()
    }
    fn describe(&self) -> Plan {
        Plan::new("shelf").input(self.rows.describe())
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let blocks: BTreeSet<u64> = positions.iter().map(|position| position % ROWS / BLOCK).collect();
        let (read, blocks) = (Arc::clone(&self.read), blocks.len() as u64);
        let bad = positions.iter().position(|position| Some(position % ROWS) == self.bad);
        self.rows.prepare(cx, positions).and_then(move |rows| async move {
            read.fetch_add(blocks, Ordering::SeqCst);
            bad.map_or(Ok(rows), |at| Err(Error::data("torn").at(at)))
        })
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.rows.provenance(cx, position)
    }
}

impl Stable for Shelf {
    fn views(&self) -> u64 {
        1
    }
    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        self.rows.column(cx, name)
    }
}

fn balanced(cx: &Context, target: Target, bad: Option<u64>) -> (Balance<Shelf>, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    let rows = Shelf {
        rows: table(&COUNTS),
        read: Arc::clone(&read),
        bad,
    };
    (cx.block_on(rows.balance(cx, "label", target)).unwrap(), read)
}

/// The rows of three epochs, and how often each of the last two reads the data.
fn epochs(cx: &Context, rows: Balance<Shelf>, read: &AtomicU64) -> (Vec<i64>, f64) {
    let (mut all, mut before) = (Vec::new(), 0);
    for batch in rows.loader(cx).batch_size(64).epochs(3).blocking().unwrap() {
        all.extend(ids(batch.unwrap().rows()));
        if all.len() as u64 == ROWS {
            before = read.load(Ordering::SeqCst);
        }
    }
    let read = read.load(Ordering::SeqCst) - before;
    (all, read as f64 / BLOCKS as f64 / 2.0)
}

#[test]
fn an_epoch_reads_what_is_said() {
    for target in [Target::Uniform, Target::Sqrt] {
        let mut expected = None;
        let mut last = f64::INFINITY;
        for mib in [1, 2, 4, 6] {
            let cx = Context::with(2, mib * MIB).unwrap().with_seed(5);
            let (rows, read) = balanced(&cx, target.clone(), None);
            let said = rows.passes();
            let text = rows.describe().to_string();
            assert!(
                text.contains(&format!("reads the data at most {said:.1} times")),
                "{text}"
            );
            let (ids, passes) = epochs(&cx, rows, &read);
            assert!(
                passes <= said * 1.05 + 0.3,
                "{target:?}, {mib} MiB: {passes}, {said} said"
            );
            assert!(said < last, "{target:?}: more memory, fewer reads: {said} after {last}");
            assert_eq!(
                *expected.get_or_insert_with(|| ids.clone()),
                ids,
                "{target:?}, {mib} MiB"
            );
            last = said;
        }
    }
}

/// `sum(w_c / p_c)` over the classes that are not held, where a window of each fits twice.
#[test]
fn the_formula_holds_where_windows_fit() {
    let cx = Context::with(2, 5 * MIB).unwrap().with_seed(5);
    let weights = COUNTS.map(|rows| f64::from(u8::from(rows < COUNTS[0])));
    let (rows, read) = balanced(&cx, Target::Weights(weights.to_vec()), None);
    // 1.25 MiB hold the classes of up to 400 rows.
    let formula: f64 = COUNTS[1..3].iter().map(|&rows| ROWS as f64 / 9.0 / rows as f64).sum();
    assert!((rows.passes() - formula).abs() < 0.01, "{} {formula}", rows.passes());
    let text = rows.describe().to_string();
    assert!(
        text.contains("800 rows of 7 classes are held in memory; those of others are read ahead"),
        "{text}"
    );
    let (_, passes) = epochs(&cx, rows, &read);
    assert!(passes <= formula * 1.05 + 0.3, "{passes} {formula}");
}

#[test]
fn the_law_holds_for_rows_that_are_read_ahead() {
    let cx = Context::with(2, 2 * MIB).unwrap().with_seed(5);
    let (rows, _) = balanced(&cx, Target::Uniform, None);
    cx.block_on(testing::check_law(&cx, &rows, 1)).unwrap();
    let open = |_: &Context| Ok(balanced(&Context::with(2, 2 * MIB)?, Target::Uniform, None).0);
    testing::check_loader(3, 300, open).unwrap();
}

#[test]
fn a_bad_row_fails_at_its_own_position() {
    let cx = Context::with(2, 2 * MIB).unwrap().with_seed(5);
    let (whole, _) = balanced(&cx, Target::Uniform, None);
    let bad = (1000..).find(|&position| {
        let trace = whole.provenance(&cx, position);
        trace.class == Some(0) || trace.class == Some(whole.labels().class(0))
    });
    let at = bad.unwrap();
    let row = whole.provenance(&cx, at).places[0].row;
    let first = (0..=at)
        .find(|&position| whole.provenance(&cx, position).places[0].row == row)
        .unwrap();
    let (rows, _) = balanced(&cx, Target::Uniform, Some(row));
    let mut batches = rows.loader(&cx).batch_size(64).blocking().unwrap();
    for batch in 0..first / 64 {
        assert_eq!(batches.next().unwrap().unwrap().positions()[0], batch * 64);
    }
    let error = batches.next().unwrap().unwrap_err().to_string();
    assert!(error.contains(&format!("(position {first}): torn")), "{error}");
}

/// Where all classes are held, nothing is left to be read anew.
#[test]
fn what_is_held_is_read_once() {
    let cx = Context::with(2, 64 * MIB).unwrap();
    let (rows, _) = balanced(&cx, Target::Power(1.0), None);
    let rows = rows.rows(2 * ROWS);
    assert!(rows.passes() == 0.0 && rows.passes().is_sign_positive());
    let text = rows.describe().to_string();
    assert!(
        text.contains("the data is read once, and then held in memory: 6400 rows of 10 classes"),
        "{text}"
    );
}
