//! The loader as Burn's trainer sees it, and columns as tensors.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::Float32Type;
use burn::data::dataloader::DataLoader;
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use common::{context, ids, picture, pictures, refused, rows, table, vectors};
use millstream::error::ErrorKind;
use millstream::image::Image;
use millstream::loader::{LastBatch, LoaderBuilder};
use millstream::sink::tensor;
use millstream::source::{Memory, Parquet};
use millstream::{Batch, Context, Dataset, DatasetExt, Error, Result};
use std::sync::Arc;

/// 30, 10 and 5 rows.
const COUNTS: [usize; 3] = [30, 10, 5];

type Ids = Vec<i64>;

fn shuffled(cx: &Context, size: u64, last: LastBatch) -> LoaderBuilder {
    table(&COUNTS)
        .shuffle()
        .loader(cx)
        .batch_size(size)
        .last_batch(last)
        .seed(2)
}

fn burn(builder: LoaderBuilder) -> Arc<dyn DataLoader<Ids>> {
    builder
        .into_burn(&Device::flex(), |batch: &Batch, _| Ok(ids(batch.rows())))
        .unwrap()
}

/// An epoch's items, and the progress after each.
fn epoch(loader: &Arc<dyn DataLoader<Ids>>) -> (Vec<Ids>, Vec<(usize, usize)>) {
    let (mut items, mut progress, mut iter) = (Vec::new(), Vec::new(), loader.iter());
    while let Some(item) = iter.next() {
        items.push(item.unwrap());
        let now = iter.progress();
        progress.push((now.items_processed, now.items_total));
    }
    (items, progress)
}

/// The items of some epochs of a plain loader.
fn expected(cx: &Context, size: u64, last: LastBatch, epochs: u64) -> Vec<Ids> {
    let batches = shuffled(cx, size, last).epochs(epochs).blocking().unwrap();
    batches.map(|batch| ids(batch.unwrap().rows())).collect()
}

fn sums(items: &[Ids], done: usize) -> Vec<usize> {
    let sum = |at: usize| items[..=at].iter().map(Vec::len).sum::<usize>();
    (0..items.len()).map(|at| done + sum(at)).collect()
}

#[test]
fn each_iter_is_an_epoch_and_progress_is_exact() {
    let cx = context();
    for (last, size, total) in [
        (LastBatch::Keep, 8, 45),
        (LastBatch::Drop, 8, 40),
        (LastBatch::Pad, 8, 48),
        (LastBatch::Keep, 9, 45),
    ] {
        let loader = burn(shuffled(&cx, size, last));
        assert_eq!(loader.num_items(), total);
        let mut all = Vec::new();
        for _ in 0..3 {
            let (items, progress) = epoch(&loader);
            let exact: Vec<_> = sums(&items, 0).into_iter().map(|done| (done, total)).collect();
            assert_eq!(progress, exact, "{last:?}");
            assert_eq!(progress.last(), Some(&(total, total)));
            all.extend(items);
        }
        assert_eq!(all, expected(&cx, size, last, 3), "{last:?}");
    }
}

#[test]
fn another_device_goes_on_where_the_first_was() {
    let cx = context();
    let loader = burn(shuffled(&cx, 8, LastBatch::Keep));
    let first = epoch(&loader).0;
    let other = loader.to_device(&Device::flex());
    let second = epoch(&other).0;
    let third = epoch(&loader.to_device(&Device::flex()).to_device(&Device::flex())).0;
    assert_eq!([first, second, third].concat(), expected(&cx, 8, LastBatch::Keep, 3));
}

#[test]
fn a_resume_in_mid_epoch_gives_the_rest_of_it() {
    let cx = context();
    for (last, size, batches) in [
        (LastBatch::Keep, 8, 3),
        (LastBatch::Drop, 8, 4),
        (LastBatch::Pad, 8, 5),
        (LastBatch::Drop, 20, 1),
    ] {
        let mut first = shuffled(&cx, size, last).blocking().unwrap();
        first.nth(batches - 1).unwrap().unwrap();
        let cursor = first.loader().cursor();
        let loader = burn(shuffled(&cx, size, last).resume(&cursor).unwrap());
        let (items, progress) = epoch(&loader);
        let one = expected(&cx, size, last, 1);
        assert_eq!(items, one[batches..], "{last:?}");
        let exact = sums(&items, batches * size as usize);
        assert_eq!(
            progress,
            exact
                .into_iter()
                .map(|done| (done, loader.num_items()))
                .collect::<Vec<_>>()
        );
        assert_eq!(epoch(&loader).0, expected(&cx, size, last, 2)[one.len()..]);
    }
}

#[test]
fn a_resume_with_another_batch_size_ends_at_its_total() {
    let cx = context();
    for last in [LastBatch::Keep, LastBatch::Drop, LastBatch::Pad] {
        let mut first = shuffled(&cx, 8, last).blocking().unwrap();
        first.nth(1).unwrap().unwrap();
        let cursor = first.loader().cursor();
        let (items, progress) = epoch(&burn(shuffled(&cx, 10, last).resume(&cursor).unwrap()));
        assert_eq!(
            progress.iter().map(|now| now.0).collect::<Vec<_>>(),
            sums(&items, 16),
            "{last:?}"
        );
        let end = progress.last().unwrap();
        assert_eq!(end.0, end.1, "{last:?}");
    }
}

#[test]
fn a_resume_after_the_last_full_batch_is_a_new_epoch() {
    let cx = context();
    let mut first = shuffled(&cx, 20, LastBatch::Drop).blocking().unwrap();
    first.nth(1).unwrap().unwrap();
    let cursor = first.loader().cursor();
    assert_eq!(cursor.position(), 40);
    let loader = burn(shuffled(&cx, 20, LastBatch::Drop).resume(&cursor).unwrap());
    assert_eq!(epoch(&loader).0, expected(&cx, 20, LastBatch::Drop, 2)[2..]);
}

/// As Burn's `split_dataloader` does.
fn split(loader: &Arc<dyn DataLoader<Ids>>, parts: usize) -> Vec<Arc<dyn DataLoader<Ids>>> {
    let (items, step) = (loader.num_items(), loader.num_items() / parts);
    let part = |i: usize| {
        let end = if i + 1 == parts { items } else { (i + 1) * step };
        loader.slice(i * step, end).to_device(&Device::flex())
    };
    (0..parts).map(part).collect()
}

#[test]
fn slices_hold_every_item_once() {
    let cx = context();
    for parts in [2, 3] {
        let loader = burn(shuffled(&cx, 8, LastBatch::Keep));
        let slices = split(&loader, parts);
        assert_eq!(slices.iter().map(|slice| slice.num_items()).sum::<usize>(), 45);
        for round in 0..2 {
            let epochs: Vec<_> = slices.iter().map(epoch).collect();
            let mut all: Ids = epochs.iter().flat_map(|(items, _)| items.concat()).collect();
            all.sort_unstable();
            assert_eq!(all, (0..45).collect::<Vec<_>>(), "{parts} parts, epoch {round}");
            for ((items, progress), slice) in epochs.iter().zip(&slices) {
                assert_eq!(progress.last(), Some(&(slice.num_items(), slice.num_items())));
                assert_eq!(items.concat().len(), slice.num_items());
            }
            // Each global batch is what the single device would get.
            let whole = &expected(&cx, 8, LastBatch::Keep, 2)[round * 6..];
            let first: Ids = epochs.iter().flat_map(|(items, _)| items[0].clone()).collect();
            assert_eq!(first, whole[0]);
        }
    }
}

#[test]
fn a_slice_of_everything_is_the_loader() {
    let cx = context();
    let loader = burn(shuffled(&cx, 8, LastBatch::Keep));
    assert_eq!(epoch(&loader.slice(0, 45)).0, expected(&cx, 8, LastBatch::Keep, 1));
}

#[test]
fn odd_slices_are_refused_with_an_error() {
    let cx = context();
    let loader = burn(shuffled(&cx, 8, LastBatch::Keep));
    let twice = loader.slice(0, 22);
    for slice in [
        loader.slice(3, 20),
        loader.slice(0, 21),
        loader.slice(0, 1),
        twice.slice(0, 5),
    ] {
        let mut iter = slice.iter();
        let error = iter.next().unwrap().unwrap_err().to_string();
        assert!(error.contains("equal parts"), "{error}");
        assert!(iter.next().is_none());
        assert!(slice.to_device(&Device::flex()).iter().next().unwrap().is_err());
    }
    // Nine parts of batches of four would leave devices without rows.
    let nine = burn(shuffled(&cx, 4, LastBatch::Keep)).slice(5, 10);
    assert!(nine.iter().next().unwrap().is_err());
}

#[test]
fn failures_are_items_not_panics() {
    let cx = context();
    let bad = |batch: &Batch, _: &Device| match batch.positions().contains(&20) {
        true => Err(Error::data("no twenties")),
        false => Ok(batch.len()),
    };
    let loader = shuffled(&cx, 8, LastBatch::Keep)
        .into_burn(&Device::flex(), bad)
        .unwrap();
    let items: Vec<Result<usize, DatasetError>> = loader.iter().collect();
    assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
    let error = items[2].as_ref().unwrap_err().to_string();
    assert_eq!(error, "into_burn, batch that ends at position 24: no twenties");
    let torn = |_: &Batch, _: &Device| -> Result<usize> { panic!("a wire came loose") };
    let torn = shuffled(&cx, 8, LastBatch::Keep)
        .into_burn(&Device::flex(), torn)
        .unwrap();
    let error = torn.iter().next().unwrap().unwrap_err().to_string();
    assert_eq!(
        error,
        "into_burn, batch that ends at position 8: panicked: a wire came loose"
    );
    let image: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..10).map(|row| {
        if row == 7 {
            b"nothing".to_vec()
        } else {
            picture(row).to_png().unwrap()
        }
    })));
    let rows = RecordBatch::try_from_iter([("image", image)]).unwrap();
    let images = Memory::new(vec![rows]).unwrap().image("image", Image::new(8)).unwrap();
    let loader = images
        .loader(&cx)
        .batch_size(5)
        .into_burn(&Device::flex(), |batch, device| {
            tensor::floats::<4>(batch.rows(), "image", device)
        });
    let items: Vec<_> = loader.unwrap().iter().collect();
    assert_eq!(items[0].as_ref().unwrap().dims(), [5, 3, 8, 8]);
    let error = items[1].as_ref().unwrap_err().to_string();
    assert!(
        error.starts_with("row 7 in memory (position 7): image \"image\": not an image"),
        "{error}"
    );
}

fn address(rows: &RecordBatch, column: &str) -> *const u8 {
    let list = rows[column].as_fixed_size_list();
    let first = list.value_offset(0) as usize;
    let values = list.values().as_primitive::<Float32Type>().values();
    values[first..].as_ptr().cast()
}

#[test]
fn a_tensor_column_becomes_a_tensor_without_a_copy() {
    let (cx, device) = (context(), Device::flex());
    let images = pictures(&COUNTS).image("image", Image::new(8)).unwrap();
    let batch = images
        .loader(&cx)
        .batch_size(6)
        .blocking()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let values: Vec<f32> = batch.rows()["image"]
        .as_fixed_size_list()
        .values()
        .as_primitive::<Float32Type>()
        .values()
        .to_vec();
    for (start, rows) in [(0, 6), (2, 3), (5, 1)] {
        let part = batch.rows().slice(start, rows);
        let tensor = tensor::floats::<4>(&part, "image", &device).unwrap();
        assert_eq!(tensor.dims(), [rows, 3, 8, 8]);
        let data = tensor.into_data();
        assert_eq!(
            data.as_slice::<f32>().unwrap(),
            &values[start * 192..(start + rows) * 192]
        );
        assert_eq!(
            data.as_bytes().as_ptr(),
            address(&part, "image"),
            "{rows} rows from {start}"
        );
    }
}

#[test]
fn plain_columns_become_tensors() {
    let device = Device::flex();
    let all = rows(&common::mixed(&COUNTS));
    let part = all.slice(10, 4);
    let x = tensor::floats::<2>(&part, "x", &device).unwrap();
    assert_eq!(x.dims(), [4, 4]);
    assert_eq!(x.into_data().as_slice::<f32>().unwrap(), vectors(&part).concat());
    let id = tensor::ints(&part, "id", &device).unwrap().into_data();
    let read: Vec<i64> = id.iter::<i64>().collect();
    assert_eq!(read, [10, 11, 12, 13]);
    let wrong = tensor::floats::<3>(&part, "x", &device);
    refused(
        wrong,
        ErrorKind::Schema,
        "column \"x\" makes a tensor of shape [4, 4], not one of 3 dimensions",
    );
    refused(
        tensor::floats::<2>(&part, "y", &device),
        ErrorKind::Schema,
        "no column \"y\"; there are \"id\", \"label\", \"x\"",
    );
    // Other numbers are cast.
    let id = tensor::floats::<1>(&part, "id", &device).unwrap().into_data();
    assert_eq!(id.as_slice::<f32>().unwrap(), [10.0, 11.0, 12.0, 13.0]);
    let x = tensor::ints_nd::<2>(&part, "x", &device);
    assert!(x.unwrap_err().to_string().ends_with("is no whole number"));
    refused(
        tensor::floats::<1>(&part, "label", &device),
        ErrorKind::Schema,
        "column \"label\" holds Utf8, not numbers",
    );
    let nulls: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let nulls = RecordBatch::try_from_iter([("n", nulls)]).unwrap();
    refused(
        tensor::ints(&nulls, "n", &device),
        ErrorKind::Data,
        "column \"n\": row 1 of the batch is null, and 1 of 2 values are",
    );
}

#[test]
fn integers_that_the_device_cannot_hold_are_named() {
    let device = Device::flex();
    let ints = |values: Vec<i64>| {
        let column: ArrayRef = Arc::new(Int64Array::from(values));
        tensor::ints(&RecordBatch::try_from_iter([("id", column)]).unwrap(), "id", &device)
    };
    let (least, most) = (i64::from(i32::MIN), i64::from(i32::MAX));
    let kept = ints(vec![least, 0, most]).unwrap().into_data();
    assert_eq!(kept.iter::<i64>().collect::<Vec<_>>(), [least, 0, most]);
    refused(
        ints(vec![1, most + 1]),
        ErrorKind::Data,
        "column \"id\": 2147483648 in row 1 of the batch does not fit into i32: ask for another type, as in `(&device, DType::I64)`",
    );
}

#[test]
fn what_pandas_writes_becomes_tensors() {
    let (cx, device) = (context(), Device::flex());
    let batch = |name: &str, rows: &[u64]| {
        let path = format!("{}/tests/cases/tables/{name}.parquet", env!("CARGO_MANIFEST_DIR"));
        let file = cx.block_on(Parquet::open(&cx, path)).unwrap();
        cx.block_on(file.take(&cx, rows)).unwrap()
    };
    let mixed = batch("image_numbers", &[0, 1, 2]);
    let floats = |column: &str| {
        let data = tensor::floats::<1>(&mixed, column, &device).unwrap().into_data();
        data.as_slice::<f32>().unwrap().to_vec()
    };
    // numpy: `frame[column][:3].astype("float32")`.
    assert_eq!(floats("age"), [75.0, 56.0, 13.0]);
    assert_eq!(floats("price"), [5.539298, 10.965444, 8.073887]);
    assert_eq!(floats("weight"), [82.32458, 64.51005, 79.12958]);
    let table = batch("tabular", &[1, 0]);
    let null = tensor::floats::<1>(&table, "n", &device).unwrap_err();
    assert_eq!((null.kind(), null.index()), (ErrorKind::Data, Some(1)));
}
