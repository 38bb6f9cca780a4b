//! Pipelines over pictures with what belongs to them, and those whose rows have partners, by name: each keeps the law, is the same
//! for any number of ranks, goes on where it stopped (see `resume`) and stays what it was. A new kind is one line of [`PIPELINES`].

use crate::common::{self, context};

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use millstream::image::{Boxes, CopyPaste, Image, IouCrop, Keypoints, Mosaic, Pixels};
use millstream::rng::Rng;
use millstream::source::Memory;
use millstream::synthetic::{CutMix, MixUp};
use millstream::{Dataset, DatasetExt, Result, testing};
use std::sync::{Arc, LazyLock};
use xxhash_rust::xxh3::Xxh3;

/// The dataset of a pipeline.
type Open = fn() -> Result<Arc<dyn Dataset>>;

/// A name, the columns besides the picture that the pipeline changes, what it makes of [`ROWS`] rows, and the [`hash`] of that without the pictures
/// and of the pictures.
type Pipeline = (&'static str, &'static [&'static str], Open, [u64; 2]);

const PIPELINES: &[Pipeline] = &[
    (
        "keypoints",
        &["points"],
        || images(moved().keypoints(points())),
        [0xdee9_827a_d0ac_61c0, 0x11ba_2396_210e_64e4],
    ),
    (
        "oriented boxes",
        &["turned", "kinds"],
        || images(moved().boxes(turned())),
        [0xe8c7_056a_8dce_d4f1, 0x11ba_2396_210e_64e4],
    ),
    (
        "boxes and masks",
        &["boxes", "kinds", "mask"],
        || images(both(moved())),
        [0xc8f5_37de_ef38_b859, 0x11ba_2396_210e_64e4],
    ),
    (
        "IoU crop",
        &["boxes", "kinds"],
        || images(cropped()),
        [0x5763_ede7_e80f_bfd6, 0x748b_5ce9_b3a6_09ba],
    ),
    (
        "elastic",
        &["points", "boxes", "mask"],
        || images(bent()),
        [0x74ac_00eb_97fe_6e41, 0x585f_b3d2_2d24_7200],
    ),
    (
        "copy-paste",
        &["boxes", "kinds", "mask"],
        pasted,
        [0x69e3_f3f2_5ff9_560f, 0xc8a5_8f35_d187_3b28],
    ),
    (
        "mosaic with a mask",
        &["boxes", "kinds", "mask"],
        || mosaic(images(both(moved()))?),
        [0xbd76_9e0f_4f78_2f19, 0x0b8c_6e13_906e_7d28],
    ),
    (
        "copy-paste, mosaic",
        &["boxes", "kinds", "mask"],
        || mosaic(pasted()?),
        [0x19ad_f577_2efa_9c31, 0x6e73_c886_7257_3f77],
    ),
    (
        "mixup",
        &["label"],
        || mixed(images(moved())?),
        [0x64b0_4c0e_f1da_d16e, 0xcdf0_9e15_5e9c_c5b3],
    ),
    (
        "cutmix of a mosaic",
        &["label"],
        || cut(mosaic(images(both(moved()))?)?),
        [0x8350_d638_56bc_a872, 0x683f_f624_01d8_45c2],
    ),
    (
        "copy-paste from others",
        &["boxes", "kinds", "mask"],
        pasted_from,
        [0x78cf_3b9b_b9fa_4eb5, 0x5ee1_bef1_313b_5560],
    ),
    (
        "mosaic, copy-paste from others",
        &["boxes", "kinds", "mask"],
        || from_others(mosaic(images(both(moved()))?)?),
        [0x8625_6ae4_7061_18a5, 0x66e6_7439_a376_a5d0],
    ),
];

/// As many rows as a run of [`testing::check_elastic`] needs to pass through all of its worlds.
const ROWS: usize = 64;

/// The names of all.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PIPELINES.iter().map(|(name, ..)| *name)
}

/// The pipeline of this name.
pub(crate) fn open(name: &str) -> Result<Arc<dyn Dataset>> {
    let (_, _, open, _) = PIPELINES.iter().find(|(own, ..)| *own == name).unwrap();
    open()
}

fn images(image: Image) -> Result<Arc<dyn Dataset>> {
    let rows = Memory::new(common::in_batches(&STORED, 10))?;
    Ok(Arc::new(rows.shuffle_window(2).image("image", image)?))
}

fn moved() -> Image {
    Image::sized(32, 24)
        .random_resized_crop(0.5..=1.0, 0.8..=1.25)
        .horizontal_flip(0.5)
        .rotate(20.0)
}

fn cropped() -> Image {
    Image::new(24)
        .random_iou_crop(IouCrop::default())
        .horizontal_flip(0.5)
        .boxes(boxes().sanitize(1.0, 1.0))
}

fn bent() -> Image {
    both(Image::sized(32, 24).elastic_transform(30.0, 3.0)).keypoints(points())
}

fn both(image: Image) -> Image {
    image.mask("mask").boxes(boxes())
}

fn boxes() -> Boxes {
    Boxes::default().label_fields(&["kinds"])
}

fn turned() -> Boxes {
    Boxes::oriented("turned").label_fields(&["kinds"])
}

fn points() -> Keypoints {
    Keypoints::new("points")
}

fn pasted() -> Result<Arc<dyn Dataset>> {
    let pasting = CopyPaste::new(boxes()).mask("mask").window(4);
    Ok(Arc::new(images(both(moved()))?.copy_paste("image", pasting)?))
}

fn pasted_from() -> Result<Arc<dyn Dataset>> {
    from_others(images(both(moved()))?)
}

/// With objects of a part of the rows, in pictures that are moved in other ways.
fn from_others(images: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
    let others = Memory::new(vec![STORED.slice(ROWS / 2, 21)])?;
    let others = others.image("image", both(Image::sized(32, 24).horizontal_flip(0.5).rotate(30.0)))?;
    let pasting = CopyPaste::new(boxes()).mask("mask").p(0.8);
    Ok(Arc::new(images.copy_paste_from("image", pasting, Arc::new(others))?))
}

fn mosaic(images: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
    let mosaic = Mosaic::new().p(0.8).mask("mask").boxes(boxes()).window(8);
    Ok(Arc::new(images.mosaic("image", mosaic)?))
}

fn mixed(images: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
    let up = MixUp::new(0.4).num_classes(3).window(6);
    Ok(Arc::new(images.mixup("image", "label", up)?))
}

fn cut(images: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
    let cut = CutMix::new(1.0).num_classes(3).p(0.7);
    Ok(Arc::new(images.cutmix("image", "label", cut)?))
}

/// Made once, since the checks open each pipeline often.
static STORED: LazyLock<RecordBatch> = LazyLock::new(stored);

/// Pictures of 40 x 30 pixels: number `row` has a class and `row % 4` objects, each with a box, the value 1, 2 or 3 in the mask, an
/// oriented box, a point and a kind.
fn stored() -> RecordBatch {
    let png = |row: usize| {
        let mut pixels = Pixels::new(40, 30);
        Rng::new(row as u64, "picture", 0).fill(&mut pixels.levels);
        pixels.to_png().unwrap()
    };
    let mask = |row: usize| {
        let mut pixels = Pixels::with_channels(40, 30, 1);
        for at in 0..row % 4 {
            let [left, top, right, bottom] = corners(row, at).map(|side| side as usize);
            for y in top..bottom {
                pixels.levels[40 * y + left..40 * y + right].fill(at as u8 + 1);
            }
        }
        pixels.to_png().unwrap()
    };
    let centre = |row: usize, at: usize| {
        let [left, top, right, bottom] = corners(row, at);
        [(left + right) / 2.0, (top + bottom) / 2.0]
    };
    let turned = |row: usize, at: usize| {
        let [x, y] = centre(row, at);
        [x, y, 8.0, 5.0 + at as f32, 20.0 * (row % 5) as f32]
    };
    let kinds = (0..ROWS).flat_map(|row| (0..row % 4).map(move |at| (row + at) as i64 % 5));
    let columns: [(&str, ArrayRef); 8] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..ROWS as i64))),
        (
            "label",
            Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| row % 3))),
        ),
        ("image", Arc::new(BinaryArray::from_iter_values((0..ROWS).map(png)))),
        ("mask", Arc::new(BinaryArray::from_iter_values((0..ROWS).map(mask)))),
        ("boxes", lists(corners)),
        ("turned", lists(turned)),
        ("points", lists(centre)),
        ("kinds", list(Arc::new(Int64Array::from_iter_values(kinds)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Left, top, right and bottom of object `at` of a row.
fn corners(row: usize, at: usize) -> [f32; 4] {
    let (left, top) = ((2 + 12 * at) as f32, (3 + row % 8) as f32);
    [left, top, left + 8.0 + (row % 3) as f32, top + 9.0 + at as f32]
}

/// Items of `N` numbers, one for each object.
fn lists<const N: usize>(item: impl Fn(usize, usize) -> [f32; N]) -> ArrayRef {
    let all = (0..ROWS).flat_map(|row| (0..row % 4).map(move |at| (row, at)));
    let values: Vec<f32> = all.flat_map(|(row, at)| item(row, at)).collect();
    let field = Arc::new(Field::new_list_field(DataType::Float32, false));
    let values = Arc::new(Float32Array::from(values));
    list(Arc::new(FixedSizeListArray::new(field, N as i32, values, None)))
}

/// `items`, of which row number `row` has `row % 4`.
fn list(items: ArrayRef) -> ArrayRef {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), false));
    let offsets = OffsetBuffer::from_lengths((0..ROWS).map(|row| row % 4));
    Arc::new(ListArray::new(field, offsets, items, None))
}

/// The numbers of a row in `column`.
fn numbers(column: &ArrayRef, row: usize) -> Vec<f64> {
    let mut leaf = column.slice(row, 1);
    loop {
        let inner = match (leaf.as_list_opt::<i32>(), leaf.as_fixed_size_list_opt()) {
            (Some(list), _) => list.value(0),
            (_, Some(list)) => {
                let (start, end) = (list.value_offset(0) as usize, list.value_offset(list.len()) as usize);
                list.values().slice(start, end - start)
            }
            _ => break,
        };
        leaf = inner;
    }
    let numbers = arrow::compute::cast(&leaf, &DataType::Float64).unwrap();
    numbers.as_primitive::<Float64Type>().values().to_vec()
}

/// Rows of the pictures of all pipelines.
const HEIGHT: usize = 24;

/// The mean of each quarter of each channel, which a level that is another one on another machine hardly moves.
fn quarters(picture: &[f64]) -> Vec<f64> {
    let width = picture.len() / (3 * HEIGHT);
    let mut sums = [0.0; 12];
    for (at, value) in picture.iter().enumerate() {
        let (channel, y, x) = (at / (HEIGHT * width), at / width % HEIGHT, at % width);
        sums[4 * channel + 2 * (2 * y / HEIGHT) + 2 * x / width] += value;
    }
    sums.iter().map(|sum| sum / (picture.len() / 12) as f64).collect()
}

/// Of some rows: which ones they are, and in each column how many numbers each has, and these in hundredths, since the last bit of a
/// float is no matter of the order and the draws; of masks their sum, and of pictures their [`quarters`].
fn hash(rows: &dyn Dataset, columns: &[&str]) -> u64 {
    let cx = context().with_seed(42);
    let batch = cx.block_on(rows.take(&cx, &[0, 1, 2, 9, 1_000_003])).unwrap();
    let mut hasher = Xxh3::new();
    for column in ["id"].iter().chain(columns) {
        for row in 0..batch.num_rows() {
            let mut numbers = numbers(&batch[*column], row);
            match *column {
                "mask" => numbers = vec![numbers.iter().sum()],
                "image" => numbers = quarters(&numbers),
                _ => (),
            }
            hasher.update(&(numbers.len() as u64).to_le_bytes());
            for number in numbers {
                hasher.update(&((number * 100.0).round() as i64).to_le_bytes());
            }
        }
    }
    hasher.digest()
}

/// Of each row one number that all of it goes into, to the last bit: the picture, and `columns`.
fn condensed(rows: Arc<dyn Dataset>, columns: &'static [&'static str]) -> impl Dataset {
    let schema = Arc::new(Schema::new(vec![Field::new("all", DataType::Int64, false)]));
    let own = Arc::clone(&schema);
    rows.map_batch("condensed", schema, move |batch| {
        let of_row = |row: usize| {
            let mut hasher = Xxh3::new();
            for column in ["id", "image"].iter().chain(columns) {
                let numbers = numbers(&batch[*column], row);
                hasher.update(&(numbers.len() as u64).to_le_bytes());
                for number in numbers {
                    hasher.update(&number.to_bits().to_le_bytes());
                }
            }
            hasher.digest() as i64
        };
        let all = Int64Array::from_iter_values((0..batch.num_rows()).map(of_row));
        Ok(RecordBatch::try_new(Arc::clone(&own), vec![Arc::new(all)])?)
    })
}

#[test]
fn each_keeps_the_law() {
    for &(name, _, open, _) in PIPELINES {
        let (cx, rows) = (context().with_seed(11), open().unwrap());
        let kept = cx.block_on(testing::check_law(&cx, &*rows, 1));
        kept.unwrap_or_else(|error| panic!("{name}: {error}"));
        testing::check_loader(3, 90, |_| open()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn each_is_the_same_for_any_number_of_ranks() {
    for (seed, &(name, columns, open, _)) in (20..).zip(PIPELINES) {
        let same = testing::check_elastic(seed, "all", |_| Ok(condensed(open()?, columns)));
        same.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Without it the checks would compare rows with nothing in them, or of which each has the same.
#[test]
fn each_has_what_belongs_to_a_picture_in_lists_of_other_lengths() {
    for &(name, columns, open, _) in PIPELINES {
        let (cx, rows) = (context().with_seed(11), open().unwrap());
        let all: Vec<u64> = (0..ROWS as u64).collect();
        let batch = cx.block_on(rows.take(&cx, &all)).unwrap();
        for &column in columns {
            let found: Vec<Vec<f64>> = (0..ROWS).map(|row| numbers(&batch[column], row)).collect();
            assert!(
                found.iter().any(|own| *own != found[0]),
                "{name}: {column} is the same in all rows"
            );
            if batch[column].as_list_opt::<i32>().is_some() {
                let lengths = || found.iter().map(Vec::len);
                assert!(
                    lengths().min() < lengths().max(),
                    "{name}: lists of {column} are all of one length"
                );
            }
        }
    }
}

/// What must not change within a major version, as in `golden`: which rows come, with which partners, where what belongs to them lies, and what
/// the pictures show.
#[test]
fn the_order_and_the_draws_of_each() {
    let found = PIPELINES.iter().map(|&(name, columns, open, _)| {
        let rows = open().unwrap();
        (name, [hash(&*rows, columns), hash(&*rows, &["image"])])
    });
    let expected = PIPELINES.iter().map(|&(name, _, _, hashes)| (name, hashes));
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}
