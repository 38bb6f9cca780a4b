//! Shuffles beside Fisher and Yates, and that the check would find a bad one.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use common::{context, ids};
use millstream::mix::Target;
use millstream::order::Quality;
use millstream::rng::{Permutation, Rng};
use millstream::source::Memory;
use millstream::testing::{check_order, fisher_yates};
use millstream::{Context, Dataset, DatasetExt, Result};
use std::sync::Arc;

/// `blocks` blocks of `length` rows, all of one class.
fn rows(blocks: u64, length: u64) -> Memory {
    let block = |block: u64| {
        let ids = (block * length..(block + 1) * length).map(|id| id as i64);
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
        let label: ArrayRef = Arc::new(Int64Array::from(vec![0; length as usize]));
        RecordBatch::try_from_iter([("id", id), ("label", label)]).unwrap()
    };
    Memory::new((0..blocks).map(block).collect()).unwrap()
}

fn order_of(cx: &Context, dataset: &impl Dataset, seed: u64, positions: &[u64]) -> Result<Vec<u64>> {
    let cx = cx.with_seed(seed);
    let rows = cx.block_on(dataset.take(&cx, positions))?;
    Ok(ids(&rows).into_iter().map(|id| id as u64).collect())
}

#[test]
fn a_shuffle_is_as_random_as_explain_says() {
    let cx = context();
    for (blocks, length, window) in [
        (8, 5, 1),
        (8, 5, 3),
        (8, 5, 8),
        (24, 20, 1),
        (24, 20, 4),
        (24, 20, 16),
        (24, 20, 24),
    ] {
        let dataset = rows(blocks, length).shuffle_window(window);
        let checked = check_order(blocks, length, window, |seed, positions| {
            order_of(&cx, &dataset, seed, positions)
        });
        checked.unwrap_or_else(|error| panic!("{blocks} blocks of {length}, window {window}: {error}"));
    }
}

#[test]
fn the_pools_of_a_balance_are_shuffled_as_well() {
    let cx = context();
    let balance = cx
        .block_on(rows(20, 64).balance(&cx, "label", Target::Uniform))
        .unwrap();
    check_order(20, 64, 16, |seed, positions| order_of(&cx, &balance, seed, positions)).unwrap();
}

#[test]
fn fisher_and_yates_pass() {
    for rows in [16, 40, 480] {
        let table = |seed, positions: &[u64]| {
            let table = |epoch| fisher_yates(rows, (seed << 8) | epoch);
            let tables: Vec<_> = (0..=positions.iter().max().map_or(0, |last| last / rows))
                .map(table)
                .collect();
            let row = |position: &u64| tables[(position / rows) as usize][(position % rows) as usize];
            Ok(positions.iter().map(row).collect())
        };
        check_order(rows / 8, 8, (rows / 8) as usize, table).unwrap();
    }
}

/// Rows of an epoch of what follows, in blocks of 20.
const ROWS: u64 = 480;

fn said(window: usize, order: impl Fn(&mut Rng, u64) -> u64) -> String {
    let checked = check_order(ROWS / 20, 20, window, |seed, positions| {
        let row = |&position: &u64| {
            let mut rng = Rng::new(seed, "broken", position / ROWS);
            order(&mut rng, position % ROWS)
        };
        Ok(positions.iter().map(row).collect())
    });
    checked.unwrap_err().to_string()
}

#[test]
fn the_check_finds_what_is_wrong() {
    let same = said(24, |_, at| at);
    assert!(
        same.contains("epoch 1 of seed 0 has the order of another one"),
        "{same}"
    );
    let twice = said(24, |rng, at| Permutation::new(ROWS, rng).get(at / 2));
    assert!(twice.contains("not every row comes once"), "{twice}");
    let rotated = said(24, |rng, at| (at + rng.below(ROWS)) % ROWS);
    assert!(
        rotated.contains("the share of neighbours from one block is 0.9"),
        "{rotated}"
    );
    // Steps of 21 rows leave every block, but not the order.
    let stepped = said(24, |rng, at| (at * 23 + rng.below(ROWS)) % ROWS);
    assert!(
        stepped.contains("the share of neighbours from one block is 0.0"),
        "{stepped}"
    );
    let within = said(1, |rng, at| at / 20 * 20 + Permutation::new(20, rng).get(at % 20));
    assert!(
        within.contains("the serial correlation is") || within.contains("positions do not have each row"),
        "{within}"
    );
    // Uniform but for 15 rows, far from each other, that always come first.
    let pinned = said(24, |rng, at| {
        let (first, rest) = (Permutation::new(15, rng), Permutation::new(ROWS - 15, rng));
        match at {
            0..15 => first.get(at) * 32,
            at => rest.get(at - 15) / 31 + rest.get(at - 15) + 1,
        }
    });
    assert!(
        pinned.contains("positions do not have each row equally often"),
        "{pinned}"
    );
    // A good shuffle of one window, said to be of another.
    let (cx, dataset) = (context(), rows(24, 20).shuffle_window(8));
    let claimed = check_order(24, 20, 12, |seed, positions| order_of(&cx, &dataset, seed, positions));
    let claimed = claimed.unwrap_err().to_string();
    assert!(
        claimed.contains("the share of neighbours from one block is 0.1"),
        "{claimed}"
    );
}

#[test]
fn explain_states_the_figures() {
    let cx = context();
    let dataset = rows(200, 100).shuffle_window(16);
    let (own, uniform) = dataset.quality();
    assert_eq!(
        (own, uniform),
        (Quality::of(&[100; 200], 16), Quality::of(&[100; 200], 200))
    );
    let text = dataset.loader(&cx).explain();
    assert!(
        text.contains("neighbours from one block 6.4 % (uniform 0.5 %), serial correlation 0.06"),
        "{text}"
    );
    let skew = format!(
        "at worst, in a file sorted by 10 classes of one size, the classes of a batch of 64 are off by {:.2} (uniform {:.2})",
        own.skew, uniform.skew
    );
    assert!(text.contains(&skew) && own.skew > uniform.skew, "{text}");
    // With all blocks open at once, no file is the worst.
    let text = rows(200, 100).shuffle_window(200).loader(&cx).explain();
    assert!(!text.contains("at worst"), "{text}");
}
