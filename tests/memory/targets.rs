//! What makes a row of several, or more of a row than its picture, stays below the bound as well: masks, points, oriented boxes, pasted objects,
//! mosaics with masks, blended rows. Batches are much larger than the budget, so that a bound without one of its parts would not hold.
//! A new kind is one line of [`PIPELINES`].

use super::{ALONE, MIB, peak};

use arrow::array::{
    Array, ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use millstream::image::{Boxes, CopyPaste, Image, Keypoints, Mosaic, Pixels};
use millstream::rng::Rng;
use millstream::source::Parquet;
use millstream::synthetic::{CutMix, MixUp};
use millstream::{Context, Dataset, DatasetExt};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

type Open = fn(Parquet) -> Arc<dyn Dataset>;

/// A name, how many rows each row is made of, the rows of a batch, and what makes them. Of those that are made of several, the rows come from
/// windows of twice a batch, so that a batch needs more than its own.
const PIPELINES: &[(&str, usize, usize, Open)] = &[
    ("masks", 1, 32, |rows| Arc::new(images(rows))),
    ("keypoints", 1, 32, |rows| {
        let image = moved().keypoints(Keypoints::new("points"));
        Arc::new(rows.shuffle().image("image", image).unwrap())
    }),
    ("oriented boxes", 1, 32, |rows| {
        let image = moved().boxes(Boxes::oriented("turned"));
        Arc::new(rows.shuffle().image("image", image).unwrap())
    }),
    ("copy-paste", 2, 24, |rows| {
        let pasting = CopyPaste::new(Boxes::default()).mask("mask").window(48);
        Arc::new(images(rows).copy_paste("image", pasting).unwrap())
    }),
    ("copy-paste from other rows", 2, 24, |rows| {
        let from = Arc::new(images(rows.clone()));
        let pasting = CopyPaste::new(Boxes::default()).mask("mask");
        Arc::new(images(rows).copy_paste_from("image", pasting, from).unwrap())
    }),
    ("a mosaic with masks", 4, 24, |rows| {
        let mosaic = Mosaic::new().mask("mask").boxes(Boxes::default()).window(48);
        Arc::new(images(rows).mosaic("image", mosaic).unwrap())
    }),
    ("mixup", 2, 24, |rows| {
        let up = MixUp::new(0.4).num_classes(4).window(48);
        Arc::new(images(rows).mixup("image", "label", up).unwrap())
    }),
    ("cutmix", 2, 24, |rows| {
        let cut = CutMix::new(1.0).num_classes(4).window(48);
        Arc::new(images(rows).cutmix("image", "label", cut).unwrap())
    }),
];

const ROWS: usize = 320;
/// Sides of a stored picture, and of one that a stage leaves.
const SIDE: u32 = 96;
const SIZE: u32 = 320;
/// Bytes of what a stage leaves of a picture.
const PICTURE: usize = 3 * 4 * (SIZE * SIZE) as usize;
const BUDGET: usize = 4 * MIB;

/// Lists of `N` numbers, of row number `row` as many as `count` says.
fn lists<const N: usize>(
    rows: usize,
    count: impl Fn(usize) -> usize,
    item: impl Fn(usize, usize) -> [f32; N],
) -> ArrayRef {
    let all = (0..rows).flat_map(|row| (0..count(row)).map(move |at| (row, at)));
    let numbers = Float32Array::from_iter_values(all.flat_map(|(row, at)| item(row, at)));
    let field = Arc::new(Field::new_list_field(DataType::Float32, false));
    let items: ArrayRef = Arc::new(FixedSizeListArray::new(field, N as i32, Arc::new(numbers), None));
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), false));
    let offsets = OffsetBuffer::from_lengths((0..rows).map(count));
    Arc::new(ListArray::new(field, offsets, items, None))
}

/// Writes rows as they are, nothing twice that could be written once, so that they are in memory what they are in the file.
fn write(path: &Path, columns: Vec<(&str, ArrayRef)>, group: usize) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let plain = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_dictionary_enabled(false)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(plain)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A picture of noise that is no other row's.
fn noise(row: usize, channels: usize) -> Vec<u8> {
    let mut pixels = Pixels::with_channels(SIDE, SIDE, channels);
    Rng::new(row as u64, "pixels", channels as u64).fill(&mut pixels.levels);
    pixels.to_png().unwrap()
}

/// Pictures of noise, with a class, a mask and 20 to 49 boxes, oriented boxes and points each.
fn write_pictures(path: &Path) {
    let files = |channels: usize| -> ArrayRef {
        Arc::new(BinaryArray::from_iter_values((0..ROWS).map(|row| noise(row, channels))))
    };
    let own = |row: usize| 20 + row % 30;
    let corners = |_: usize, at: usize| [at as f32, 4.0, at as f32 + 12.0, 30.0];
    let turned = |row: usize, at: usize| [at as f32 + 20.0, 40.0, 12.0, 8.0, (row % 180) as f32];
    let point = |row: usize, at: usize| [at as f32 + 10.0, (row % 90) as f32];
    let classes = Int64Array::from_iter_values((0..ROWS as i64).map(|row| row % 4));
    let columns = vec![
        ("image", files(3)),
        ("mask", files(1)),
        ("boxes", lists(ROWS, own, corners)),
        ("turned", lists(ROWS, own, turned)),
        ("points", lists(ROWS, own, point)),
        ("label", Arc::new(classes) as ArrayRef),
    ];
    write(path, columns, 20);
}

fn moved() -> Image {
    Image::new(SIZE).random_resized_crop(0.5..=1.0, 0.8..=1.25).rotate(20.0)
}

fn images(rows: Parquet) -> impl Dataset {
    let rows = rows.project(&["image", "mask", "boxes", "label"]).unwrap();
    let image = moved().mask("mask").boxes(Boxes::default());
    rows.shuffle().image("image", image).unwrap()
}

/// The bound and the peak of some batches of `rows` rows. Each is held for so much longer than one takes that the next one has been made.
fn measured(path: &Path, open: impl Fn(Parquet) -> Arc<dyn Dataset>, rows: usize) -> (usize, usize) {
    let mut bound = 0;
    let peak = peak(|| {
        let cx = Context::with(2, BUDGET as u64).unwrap();
        let stored = cx.block_on(Parquet::open(&cx, path.to_str().unwrap())).unwrap();
        let builder = open(stored).loader(&cx).depth(4).batch_size(rows as u64).seed(1);
        bound = builder.memory_bound() as usize;
        let (begun, mut pause) = (Instant::now(), None);
        for batch in builder.blocking().unwrap().take(8) {
            let held = batch.unwrap();
            std::thread::sleep(*pause.get_or_insert_with(|| 3 * begun.elapsed()));
            drop(held);
        }
    });
    (bound, peak)
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / MIB as f64
}

#[test]
fn masks_and_rows_with_partners_stay_below_the_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    write_pictures(&path);
    for &(name, made_of, rows, open) in PIPELINES {
        let (bound, peak) = measured(&path, open, rows);
        // One of the two batches that there are at a time, the delivered one or the one that is made; or what the rows of both are made of.
        let part = match made_of {
            1 => rows * PICTURE,
            several => 2 * several * rows * PICTURE,
        };
        println!(
            "{name}, budget {} MiB: bound {:.1} MiB, peak {:.1} MiB; a part of it {:.1} MiB",
            BUDGET / MIB,
            mib(bound),
            mib(peak),
            mib(part)
        );
        assert!(peak <= bound, "{name}: {peak} bytes, {bound} is the bound");
        assert!(
            peak + part > bound,
            "{name}: {peak} bytes are below a bound of {bound} without {part}, which this test would not miss"
        );
    }
}

/// How many different rows a batch needs differs from batch to batch, and a buffer of another size waits for its next use.
#[test]
fn buffers_of_partners_that_wait_stay_below_the_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    write_pictures(&path);
    let open = |stored: Parquet| -> Arc<dyn Dataset> {
        let stored = stored.project(&["image", "boxes"]).unwrap().shuffle();
        let images = stored.image("image", Image::new(512).boxes(Boxes::default())).unwrap();
        let pasting = CopyPaste::new(Boxes::default()).window(64);
        Arc::new(images.copy_paste("image", pasting).unwrap())
    };
    let (bound, peak) = measured(&path, open, 8);
    println!(
        "buffers that wait: bound {:.1} MiB, peak {:.1} MiB",
        mib(bound),
        mib(peak)
    );
    assert!(peak <= bound, "{peak} bytes, {bound} is the bound");
}

/// A mosaic has the boxes of four rows, and where the boxes are more than the pixels these are what a batch is.
#[test]
fn mosaics_of_many_boxes_stay_below_the_bound() {
    const BOXES: usize = 3000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    let png = Pixels::new(8, 8).to_png().unwrap();
    // Of the whole picture, so that each is in every part of it.
    let corners = |row: usize, at: usize| [0.0, 0.0, 8.0 - (at % 100) as f32 / 1e3, 8.0 - (row % 100) as f32 / 1e3];
    let columns = vec![
        (
            "image",
            Arc::new(BinaryArray::from_iter_values(vec![png; 128])) as ArrayRef,
        ),
        ("boxes", lists(128, |_| BOXES, corners)),
    ];
    write(&path, columns, 32);
    let rows = 64;
    let open = |stored: Parquet| -> Arc<dyn Dataset> {
        let images = stored.image("image", Image::new(8).as_u8().boxes(Boxes::default()));
        let mosaic = Mosaic::new().boxes(Boxes::default());
        Arc::new(images.unwrap().mosaic("image", mosaic).unwrap())
    };
    let (bound, peak) = measured(&path, open, rows);
    println!("many boxes: bound {:.1} MiB, peak {:.1} MiB", mib(bound), mib(peak));
    assert!(peak <= bound, "{peak} bytes, {bound} is the bound");
    // Two batches, each row with the boxes of four.
    let two = 2 * rows * 4 * BOXES * 4 * size_of::<f32>();
    assert!(peak > two, "{peak} bytes, and two batches are {two}");
}
