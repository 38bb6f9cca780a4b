//! The same order for any number of ranks and threads, any depth and batch size, also when they change in mid-run.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use common::{fashion, repeated, table, with_targets};
use millstream::dataset::{Blocks, Len, Provenance};
use millstream::image::{Boxes, CopyPaste, Image};
use millstream::mix::{BalanceSpec, BatchPart, Target};
use millstream::plan::Plan;
use millstream::rows::{Key, Labels};
use millstream::source::Memory;
use millstream::synthetic::generators;
use millstream::testing::check_elastic;
use millstream::{Context, Dataset, DatasetExt, Prepared, Stable};
use std::sync::Arc;

#[test]
fn the_order_is_the_same_for_any_number_of_ranks() {
    check_elastic(1, "id", |_| Ok(table(&[40, 15, 9]))).unwrap();
    check_elastic(2, "id", |_| Ok(table(&[60, 25, 11]).shuffle_window(3))).unwrap();
    check_elastic(3, "id", |cx| {
        cx.block_on(table(&[40, 15, 9]).balance(cx, "label", Target::Uniform))
    })
    .unwrap();
    check_elastic(6, "id", |cx| Ok(repeated(cx, table(&[40, 15, 9]), 0.5))).unwrap();
    let parts = [BatchPart::of("class 1", 0.4), BatchPart::others(0.6)];
    check_elastic(8, "id", |cx| {
        let balance = cx.block_on(table(&[40, 15, 9]).balance(cx, "label", Target::Uniform))?;
        balance.batches(6, &parts, None)
    })
    .unwrap();
    let cells = BalanceSpec {
        by: Some(Key::product([Key::column("label"), Key::bins("id", &[30.0])])),
        ..BalanceSpec::default()
    };
    check_elastic(9, "id", |cx| {
        cx.block_on(table(&[40, 15, 9]).balance_with(cx, "label", &cells, None))
    })
    .unwrap();
}

#[test]
fn and_for_rows_that_a_generator_makes() {
    for (seed, text) in [
        (8, r#"{"smote": {"columns": ["id"]}}"#),
        (9, r#"{"calibrated": {"column": "x"}}"#),
        (10, r#"{"residuals": {"column": "x"}}"#),
    ] {
        check_elastic(seed, "id", |cx| {
            let rows: Arc<dyn Stable> = Arc::new(table(&[40, 15, 9]));
            let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label"))?);
            let generator = generators().read_json(text)?;
            let generator = cx.block_on(generator.fit(cx, Arc::clone(&rows), &labels))?;
            cx.block_on(rows.balance(cx, "label", Target::Uniform))?
                .fill(generator, 0.7)
        })
        .unwrap();
    }
}

#[test]
fn and_over_parquet_with_augmented_images() {
    let some: Vec<u64> = (0..1242).step_by(10).take(100).collect();
    check_elastic(4, "image", |cx| {
        let image = Image::new(4)
            .random_resized_crop(0.4..=1.0, 0.8..=1.2)
            .gaussian_noise(0.1);
        fashion(cx)
            .select(some.clone())?
            .shuffle_window(2)
            .image("image", image)
    })
    .unwrap();
}

#[test]
fn and_for_what_belongs_to_a_picture_and_is_pasted_into_it() {
    for column in ["boxes", "mask", "image"] {
        check_elastic(7, column, |_| {
            let image = Image::new(16)
                .random_resized_crop(0.5..=1.0, 0.8..=1.25)
                .horizontal_flip(0.5)
                .mask("mask")
                .boxes(Boxes::default());
            let images = with_targets(64).shuffle().image("image", image)?;
            images.copy_paste("image", CopyPaste::new(Boxes::default()).mask("mask").window(4))
        })
        .unwrap();
    }
}

/// An epoch of 61 rows in batches of 12 ends with one row: three of four ranks have none of it, and still see a batch.
#[test]
fn a_last_batch_with_fewer_rows_than_ranks_reaches_every_rank() {
    for rows in [61, 62, 63] {
        check_elastic(5, "id", |_| Ok(table(&[40, 15, rows - 55]).shuffle())).unwrap();
    }
}

/// Rows that depend on the threads, or on what is taken beside them.
#[derive(Debug)]
struct Wrong(Memory, bool);

impl Dataset for Wrong {
    fn schema(&self) -> arrow::datatypes::SchemaRef {
        self.0.schema()
    }
    fn len(&self) -> Len {
        self.0.len()
    }
    fn blocks(&self) -> Blocks {
        self.0.blocks()
    }
    fn describe(&self) -> Plan {
        self.0.describe()
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let by = if self.1 { cx.threads() } else { positions.len() };
        let positions: Vec<u64> = positions.iter().map(|position| position + by as u64).collect();
        self.0.prepare(cx, &positions)
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    for (threads, said) in [(true, ["threads: 8", "batch 0 is"]), (false, ["depth: 9", "batch "])] {
        let error = check_elastic(6, "id", |_| Ok(Wrong(table(&[40, 24]), threads))).unwrap_err();
        let error = error.to_string();
        assert!(said.iter().all(|said| error.contains(said)), "{error}");
    }
}
