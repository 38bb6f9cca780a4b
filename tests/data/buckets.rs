//! Rows of like length in one batch: what padding it saves, and what it leaves as it was.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    ArrayRef, BinaryViewArray, DictionaryArray, FixedSizeListArray, Int32Array, Int64Array, LargeListViewArray,
    ListArray, RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use common::{context, ids, refusal, refused};
use millstream::error::ErrorKind;
use millstream::loader::LastBatch;
use millstream::mix::Target;
use millstream::order::{Buckets, Lengths, Sampler};
use millstream::rng::Rng;
use millstream::source::Memory;
use millstream::{Context, Dataset, DatasetExt};
use std::sync::Arc;

/// `rows` rows of three classes with an `id`, a `label` and `length` tokens, 1 to 100, of which short ones are frequent.
fn texts(rows: usize) -> Memory {
    let mut rng = Rng::new(3, "texts", 0);
    let lengths: Vec<i64> = (0..rows)
        .map(|_| 1 + (rng.unit() * rng.unit() * 100.0) as i64)
        .collect();
    let tokens = lengths.iter().map(|&length| Some(vec![Some(1); length as usize]));
    let label = StringArray::from_iter_values((0..rows).map(|row| ["a", "b", "b", "b", "c", "c"][row % 6]));
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..rows as i64))),
        ("label", Arc::new(label)),
        (
            "tokens",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(tokens)),
        ),
        ("length", Arc::new(Int64Array::from(lengths))),
    ];
    Memory::new(common::in_batches(&RecordBatch::try_from_iter(columns).unwrap(), 50)).unwrap()
}

fn bucketed<D: Sampler>(cx: &Context, rows: D, batch: u64) -> Buckets<D> {
    cx.block_on(rows.buckets(cx, "tokens", batch)).unwrap()
}

fn taken(cx: &Context, rows: &impl Dataset, positions: std::ops::Range<u64>) -> RecordBatch {
    cx.block_on(rows.take(cx, &Vec::from_iter(positions))).unwrap()
}

/// What share of all values is padding in batches of `size`.
fn padding(lengths: &[i64], size: usize) -> f64 {
    let padded: i64 = lengths
        .chunks(size)
        .map(|batch| batch.iter().max().unwrap() * batch.len() as i64)
        .sum();
    1.0 - lengths.iter().sum::<i64>() as f64 / padded as f64
}

#[test]
fn most_of_the_padding_is_saved_and_every_row_comes_once() {
    let cx = context().with_seed(5);
    let plain = taken(&cx, &texts(2000).shuffle(), 0..2000);
    let rows = bucketed(&cx, texts(2000).shuffle(), 20);
    for epoch in 0..2 {
        let all = taken(&cx, &rows, epoch * 2000..(epoch + 1) * 2000);
        let mut sorted = ids(&all);
        sorted.sort_unstable();
        assert_eq!(sorted, Vec::from_iter(0..2000));
        let lengths = common::ints(&all, "length");
        let (own, below) = (padding(&lengths, 20), padding(&common::ints(&plain, "length"), 20));
        assert!(own < 0.05 && below > 0.55, "{own} {below}");
        let said = rows.padding(&cx, epoch);
        assert!((said.0 - own).abs() < 1e-9, "{said:?} {own}");
        assert!(said.1 > 0.55, "{said:?}");
        // Neither batches nor the rows inside one come by length.
        let longest: Vec<i64> = lengths.chunks(20).map(|batch| *batch.iter().max().unwrap()).collect();
        let rises =
            |values: &[i64]| values.windows(2).filter(|pair| pair[0] < pair[1]).count() as f64 / values.len() as f64;
        assert!((0.3..0.7).contains(&rises(&longest)), "{longest:?}");
        assert!((0.2..0.6).contains(&rises(&lengths)), "{}", rises(&lengths));
    }
    let epochs = [0, 2000].map(|start| ids(&taken(&cx, &rows, start..start + 100)));
    assert_ne!(epochs[0], epochs[1]);
}

#[test]
fn no_row_leaves_its_window_and_every_quota_holds() {
    let cx = context().with_seed(5);
    let balance = || {
        cx.block_on(texts(1200).balance(&cx, "label", Target::Uniform))
            .unwrap()
            .block(30)
    };
    let rows = bucketed(&cx, balance(), 20).window(120).unwrap();
    // Rows of an epoch are no multiple of the window.
    let shorter = bucketed(&cx, balance().rows(1000), 20).window(120).unwrap();
    for start in (0..2400).step_by(120) {
        let window = start..start + 120;
        let (own, below) = (taken(&cx, &rows, window.clone()), taken(&cx, &balance(), window));
        let classes = |batch: &RecordBatch| {
            let mut counts = [0; 3];
            common::ints(batch, "label")
                .into_iter()
                .for_each(|class| counts[class as usize] += 1);
            counts
        };
        assert_eq!(
            (classes(&own), classes(&below)),
            ([40, 40, 40], [40, 40, 40]),
            "from {start}"
        );
        let sorted = |batch| {
            let mut ids = ids(batch);
            ids.sort_unstable();
            ids
        };
        assert_eq!(sorted(&own), sorted(&below), "from {start}");
    }
    let (own, below) = rows.padding(&cx, 0);
    assert!(own < 0.3 && below > 0.55, "{own} {below}");
    for (window, rows) in [(960..1000, 40), (1000..1120, 120), (1960..2000, 40)] {
        let (own, below) = (
            taken(&cx, &shorter, window.clone()),
            taken(&cx, &balance().rows(1000), window),
        );
        let (mut own, mut below) = (ids(&own), ids(&below));
        own.sort_unstable();
        below.sort_unstable();
        assert_eq!((own.len(), own), (rows, below));
    }
}

#[test]
fn the_batch_that_is_not_full_comes_last_and_is_of_any_length() {
    let cx = context();
    let rows = || texts(205).shuffle();
    let mut means = Vec::new();
    for epoch in 0..20 {
        let own = bucketed(&cx, rows(), 20);
        let all = common::ints(&taken(&cx, &own, epoch * 205..(epoch + 1) * 205), "length");
        let (full, last) = all.split_at(200);
        assert!(padding(full, 20) < 0.16, "{}", padding(full, 20));
        means.push(last.iter().sum::<i64>() / 5);
    }
    let (least, most) = (means.iter().min().unwrap(), means.iter().max().unwrap());
    assert!(*least < 10 && *most > 30, "{means:?}");
    let loader = bucketed(&cx, rows(), 20)
        .loader(&cx)
        .batch_size(20)
        .last_batch(LastBatch::Keep)
        .epochs(2);
    let sizes: Vec<usize> = loader.blocking().unwrap().map(|batch| batch.unwrap().len()).collect();
    assert_eq!((sizes.len(), sizes[10], sizes[21]), (22, 5, 5));
}

#[test]
fn the_order_of_buckets() {
    let cx = context().with_seed(42);
    let rows = bucketed(&cx, texts(60).shuffle(), 5).window(20).unwrap();
    let all = taken(&cx, &rows, 0..25);
    assert_eq!(
        ids(&all),
        [
            15, 16, 4, 3, 40, 31, 58, 43, 46, 17, 19, 47, 10, 21, 11, 13, 33, 29, 18, 48, 23, 39, 20, 51, 32
        ]
    );
    // The batches of a window, by length, are its sorted rows.
    let window = common::ints(&all.slice(0, 20), "length");
    let mut batches: Vec<Vec<i64>> = window.chunks(5).map(<[i64]>::to_vec).collect();
    batches.iter_mut().for_each(|batch| batch.sort_unstable());
    batches.sort_unstable();
    assert!(batches.concat().is_sorted(), "{batches:?}");
}

#[cfg(feature = "testing")]
#[test]
fn the_law_holds() {
    use millstream::testing;
    let cx = context().with_seed(11);
    let law = |rows: &dyn Dataset| cx.block_on(testing::check_law(&cx, rows, 1)).unwrap();
    law(&bucketed(&cx, texts(130), 8));
    law(&bucketed(&cx, texts(130).shuffle_window(2), 8).window(24).unwrap());
    let balance = |cx: &Context| cx.block_on(texts(130).balance(cx, "label", Target::Uniform)).unwrap();
    law(&bucketed(&cx, balance(&cx), 8).window(64).unwrap());
    law(&bucketed(&cx, texts(130).select((0..60).collect()).unwrap(), 8));
    testing::check_loader(11, 150, |cx| Ok(bucketed(cx, balance(cx), 8).window(64).unwrap())).unwrap();
}

#[test]
fn lengths_are_those_of_lists_strings_bytes_and_numbers() {
    let cx = context();
    let lists = || [Some(vec![Some(1), Some(2)]), Some(vec![]), Some(vec![Some(3)])];
    let item = Arc::new(Field::new_list_field(DataType::Int32, false));
    let words: DictionaryArray<Int32Type> = ["ab", "", "ä"].into_iter().collect();
    let columns: Vec<(&str, ArrayRef, [u32; 3])> = vec![
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists())),
            [2, 0, 1],
        ),
        (
            "view",
            Arc::new(LargeListViewArray::from_iter_primitive::<Int32Type, _, _>(lists())),
            [2, 0, 1],
        ),
        ("word", Arc::new(StringArray::from(vec!["ab", "", "ä"])), [2, 0, 2]),
        ("coded", Arc::new(words), [2, 0, 2]),
        (
            "bytes",
            Arc::new(BinaryViewArray::from_iter_values([&b"ab"[..], b"", b"c"])),
            [2, 0, 1],
        ),
        ("number", Arc::new(UInt64Array::from(vec![7, 0, 4])), [7, 0, 4]),
        (
            "fixed",
            Arc::new(FixedSizeListArray::new(
                item,
                2,
                Arc::new(Int32Array::from(vec![0; 6])),
                None,
            )),
            [2, 2, 2],
        ),
    ];
    let rows = RecordBatch::try_from_iter(columns.iter().map(|(name, column, _)| (*name, Arc::clone(column)))).unwrap();
    let rows = Memory::new(vec![rows]).unwrap();
    for (name, _, lengths) in &columns {
        assert_eq!(
            cx.block_on(Lengths::scan(&cx, &rows, name)).unwrap().of(),
            lengths,
            "{name}"
        );
    }
    let odd: [(&str, ArrayRef); 4] = [
        ("hole", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("minus", Arc::new(Int64Array::from(vec![1, -1]))),
        ("huge", Arc::new(UInt64Array::from(vec![1, u64::MAX]))),
        ("share", Arc::new(arrow::array::Float32Array::from(vec![1.0, 2.0]))),
    ];
    let odd = Memory::new(vec![RecordBatch::try_from_iter(odd).unwrap()]).unwrap();
    let scan = |column| cx.block_on(Lengths::scan(&cx, &odd, column));
    let place = |column: &str, why: &str| format!("row 1 in memory: column \"{column}\": {why}");
    refused(
        scan("hole"),
        ErrorKind::Data,
        &place("hole", "the value is null, and a row needs a length"),
    );
    refused(
        scan("minus"),
        ErrorKind::Data,
        &place("minus", "-1 is no length of 0 to 2^32 - 1"),
    );
    refused(
        scan("huge"),
        ErrorKind::Data,
        &place("huge", "9223372036854775807 is no length of 0 to 2^32 - 1"),
    );
    refused(
        scan("share"),
        ErrorKind::Schema,
        "column \"share\" holds Float32, which has no length: name a column of lists, strings, binary values or whole numbers",
    );
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    let cx = context();
    let balance = cx.block_on(texts(100).balance(&cx, "label", Target::Uniform)).unwrap();
    let rows = bucketed(&cx, balance, 20);
    refused(
        rows.window(100),
        ErrorKind::Config,
        "buckets: a window of 100 is no multiple of the batch size 20 and of the balance's block of 64; 320 is",
    );
    refused(
        cx.block_on(texts(100).buckets(&cx, "tokens", 0)),
        ErrorKind::Config,
        "buckets: a batch has at least one row; batch_size is 0",
    );
    refused(
        Buckets::new(texts(100).shuffle(), Lengths::new("own", [1, 2]), 8),
        ErrorKind::Config,
        "buckets: 2 lengths for a dataset of 100 rows",
    );
}

#[test]
fn windows_that_no_position_reaches_are_refused() {
    let cx = context();
    for batch in [1 << 63, 1 << 40, u64::MAX] {
        let made = cx.block_on(texts(30).buckets(&cx, "length", batch));
        refusal(
            made,
            ErrorKind::Config,
            &format!("buckets: windows of 50 batches of {batch} rows are larger than 2^32"),
        );
    }
    let rows = Buckets::new(texts(30), Lengths::new("length", [1; 29]), 4);
    refusal(rows, ErrorKind::Config, "buckets: 29 lengths for a dataset of 30 rows");
    let rows = bucketed(&cx, texts(30), 20).window(30);
    refusal(
        rows,
        ErrorKind::Config,
        "a window of 30 is no multiple of the batch size 20; 40 is",
    );
    let rows = bucketed(&cx, texts(30), 20).window(20 << 32);
    refusal(rows, ErrorKind::Config, "is larger than 2^32 positions");
}

#[test]
fn another_batch_size_of_the_loader_is_told() {
    let cx = context();
    let told = |size: u64| {
        let loader = bucketed(&cx, texts(60), 20).loader(&cx).batch_size(size);
        loader
            .explain()
            .contains("`buckets` sorts rows into batches of 20, and the loader's have")
    };
    assert_eq!([20, 10, 32, 40].map(told), [false, false, true, true]);
}
