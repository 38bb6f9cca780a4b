//! Stages whose partners come from another dataset.

use crate::common;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Float32Type, Int64Type, Schema};
use common::context;
use millstream::dataset::{Len, Origin};
use millstream::error::ErrorKind;
use millstream::plan::Plan;
use millstream::rng::Rng;
use millstream::rows::{Bound, DType, Draws, Out, Output, Partner, Partners, Read, Row, Stage};
use millstream::source::Memory;
use millstream::{Dataset, DatasetExt, Result, testing};
use std::sync::Arc;

/// Adds half of a row of noise, and notes which one.
#[derive(Debug)]
struct Background {
    noise: Arc<dyn Dataset>,
    /// The dataset number that partners are said to be of.
    number: usize,
}

#[derive(Debug)]
struct Chosen {
    rows: u64,
    number: usize,
}

impl Partners for Chosen {
    fn of(&self, seed: u64, name: &str, _: Len, positions: &[u64]) -> Vec<Vec<Partner>> {
        let of_row = |&position: &u64| {
            vec![Partner {
                dataset: self.number,
                position: Rng::new(seed, name, position).below(self.rows),
                share: 0.0,
            }]
        };
        positions.iter().map(of_row).collect()
    }

    fn most(&self) -> usize {
        1
    }
}

impl Stage for Background {
    fn describe(&self) -> Plan {
        Plan::new("background").random()
    }

    fn bind(&self, _: &Schema) -> Result<Bound> {
        let run = |row: &Row<'_>, _: Draws<'_>, out: &mut Out<'_>| {
            let noise = row.partner(0);
            out.fixed::<i64>(1)[0] = noise.values::<i64>(0)?[0];
            out.fixed::<f32>(0)[0] = row.values::<f32>(0)?[0] + noise.values::<f32>(1)?[0] / 2.0;
            Ok(())
        };
        let rows = self.noise.len().finite().unwrap_or(1);
        let number = self.number;
        Ok(Bound::new(run)
            .reads(Read::values("sound", DType::F32))
            .other(
                Arc::clone(&self.noise),
                [Read::values("id", DType::I64), Read::values("level", DType::F32)],
            )
            .writes(Output::fixed("sound", DType::F32, []))
            .writes(Output::fixed("noise", DType::I64, []))
            .partners(Chosen { rows, number }))
    }
}

fn sounds() -> Memory {
    let sound: ArrayRef = Arc::new(Float32Array::from_iter_values((0..40).map(|row| row as f32 * 100.0)));
    Memory::new(vec![RecordBatch::try_from_iter([("sound", sound)]).unwrap()]).unwrap()
}

fn noise(null_at: Option<usize>) -> Arc<dyn Dataset> {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..7));
    let level = (0..7).map(|row| (null_at != Some(row)).then_some(row as f32));
    let level: ArrayRef = Arc::new(Float32Array::from_iter(level));
    let rows = RecordBatch::try_from_iter([("id", id), ("level", level)]).unwrap();
    Arc::new(Memory::new(vec![rows]).unwrap())
}

fn with(noise: Arc<dyn Dataset>) -> millstream::rows::Mixed<Memory> {
    sounds().mix_with(Background { noise, number: 1 }).unwrap()
}

#[test]
fn a_partner_of_another_dataset_has_its_columns() {
    let cx = context().with_seed(5);
    let rows = with(noise(None));
    let taken = cx.block_on(rows.take(&cx, &(0..80).collect::<Vec<_>>())).unwrap();
    let sounds = taken["sound"].as_primitive::<Float32Type>();
    let ids = taken["noise"].as_primitive::<Int64Type>();
    for (at, (sound, id)) in sounds.values().iter().zip(ids.values()).enumerate() {
        assert_eq!(*sound, (at % 40) as f32 * 100.0 + *id as f32 / 2.0);
    }
    // Every row of noise is met, and not the same ones in the second epoch.
    let all: std::collections::BTreeSet<_> = ids.values().iter().collect();
    assert_eq!(all.len(), 7);
    assert_ne!(ids.values()[..40], ids.values()[40..]);
}

#[test]
fn it_keeps_the_law_and_says_where_rows_come_from() {
    let cx = context().with_seed(5);
    let rows = with(noise(None));
    cx.block_on(testing::check_law(&cx, &rows, 1)).unwrap();
    let provenance = rows.provenance(&cx, 3);
    let taken = cx.block_on(rows.take(&cx, &[3])).unwrap();
    let id = taken["noise"].as_primitive::<Int64Type>().value(0) as u64;
    let places: Vec<u64> = provenance.places.iter().map(|place| place.row).collect();
    assert_eq!((provenance.origin, places), (Origin::Synthetic, vec![3, id]));
    // Noise has no share of the label, so the row is of its own class alone.
    assert_eq!(provenance.label_shares, []);
    // Another noise is another pipeline.
    let other = with(noise(Some(2)));
    assert_ne!(rows.describe().fingerprint(), other.describe().fingerprint());
}

#[test]
fn the_rows_that_are_read_for_a_row_are_explained() {
    let once = with(noise(None));
    let text = once.describe().to_string();
    assert!(text.contains("reads up to 2 rows for a row"), "{text}");
    let twice = once
        .mix_with(Background {
            noise: noise(None),
            number: 1,
        })
        .unwrap();
    let text = twice.describe().to_string();
    assert!(text.contains("reads up to 4 rows for a row"), "{text}");
}

#[test]
fn a_bad_row_of_the_other_dataset_is_named() {
    let cx = context().with_seed(5);
    let rows = with(noise(Some(2)));
    let whole = cx
        .block_on(with(noise(None)).take(&cx, &(0..40).collect::<Vec<_>>()))
        .unwrap();
    let ids = whole["noise"].as_primitive::<Int64Type>();
    let bad: Vec<usize> = (0..40).filter(|&at| ids.value(at) == 2).collect();
    let error = cx.block_on(rows.take(&cx, &(0..40).collect::<Vec<_>>())).unwrap_err();
    assert!(bad.contains(&error.index().unwrap()), "{error}");
    assert!(
        error
            .to_string()
            .contains("its partner at position 2 of other dataset 1"),
        "{error}"
    );
    let missing = sounds().mix_with(Background {
        noise: Arc::new(sounds()),
        number: 1,
    });
    let error = missing.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("background: "), "{error}");
}

#[test]
fn a_dataset_that_there_is_not_is_refused() {
    let cx = context();
    let rows = sounds()
        .mix_with(Background {
            noise: noise(None),
            number: 2,
        })
        .unwrap();
    let error = cx.block_on(rows.take(&cx, &[0])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "background: a partner is of dataset 2, but there are 1 besides the one below"
    );
}
