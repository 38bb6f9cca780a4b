//! Stages over batches of rows: what looks at boxes, and what puts several rows together.

use super::{Effort, SIZE, print};
use arrow::array::{
    Array, ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use millstream::image::{Boxes, CopyPaste, Image, IouCrop, Mosaic, Pixels};
use millstream::rows::BoxFormat;
use millstream::source::Memory;
use millstream::synthetic::{CutMix, MixUp};
use millstream::{Context, Dataset, DatasetExt};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NAMES: [&str; 5] = ["random_iou_crop", "mixup", "cutmix", "mosaic", "copy_paste"];
/// Rows of a batch.
const BATCH: usize = 64;
/// Corners of the boxes of each photo, as shares of its width and height.
static BOXES: [[f32; 4]; 3] = [[0.1, 0.2, 0.5, 0.7], [0.4, 0.3, 0.9, 0.8], [0.6, 0.1, 0.7, 0.25]];

/// What looks at boxes, and what puts several rows together, a batch of rows at a time.
pub(crate) fn measure_all(photos: &[Pixels], effort: &Effort) {
    if !NAMES.iter().any(|name| effort.has(name)) {
        return;
    }
    let cx = Context::with(1, 1 << 30).unwrap();
    let count = effort.images.clamp(4, BATCH);
    let stored = Arc::new(Memory::new(vec![rows(photos, count)]).unwrap());
    let images = |image: Image| {
        let image = image.boxes(Boxes::new("boxes", BoxFormat::Xyxy));
        Arc::clone(&stored).image("image", image).unwrap()
    };
    let kept = |image: Image| {
        let all: Vec<u64> = (0..count as u64).collect();
        let pictures = cx.block_on(images(image).take(&cx, &all)).unwrap();
        Arc::new(Memory::new(vec![pictures]).unwrap())
    };
    let crop = images(Image::new(SIZE).as_u8().random_iou_crop(IouCrop::default()));
    measure_rows("random_iou_crop", &cx, &crop, count, effort);
    let (floats, levels) = (kept(Image::new(SIZE)), kept(Image::new(SIZE).as_u8()));
    let mixup = MixUp::new(1.0).num_classes(10);
    let mixup = Arc::clone(&floats).mixup("image", "label", mixup).unwrap();
    measure_rows("mixup", &cx, &mixup, count, effort);
    let cutmix = CutMix::new(1.0).num_classes(10);
    let cutmix = Arc::clone(&floats).cutmix("image", "label", cutmix).unwrap();
    measure_rows("cutmix", &cx, &cutmix, count, effort);
    // A mosaic refuses boxes that it is not told of, which would stay as they were.
    let pictures = Arc::clone(&levels).project(&["image"]).unwrap();
    let mosaic = Arc::new(pictures).mosaic("image", Mosaic::new()).unwrap();
    measure_rows("mosaic", &cx, &mosaic, count, effort);
    let boxes = Boxes::new("boxes", BoxFormat::Xyxy);
    let paste = CopyPaste::new(boxes).most(1).cover(1.0).edge(0.0);
    let paste = levels.copy_paste("image", paste).unwrap();
    measure_rows("copy_paste", &cx, &paste, count, effort);
}

/// `count` rows of photos as BMP, which is read with next to no work, with boxes and a label.
fn rows(photos: &[Pixels], count: usize) -> RecordBatch {
    let photos: Vec<&Pixels> = photos.iter().cycle().take(count).collect();
    let files = BinaryArray::from_iter_values(photos.iter().map(|photo| bmp(photo)));
    let corners = photos.iter().flat_map(|photo| {
        let size = [photo.width as f32, photo.height as f32];
        let shares = BOXES.as_flattened().iter().enumerate();
        shares.map(move |(at, share)| share * size[at % 2])
    });
    let corners: ArrayRef = Arc::new(Float32Array::from_iter_values(corners));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let corners: ArrayRef = Arc::new(FixedSizeListArray::new(item, 4, corners, None));
    let item = Arc::new(Field::new_list_field(corners.data_type().clone(), false));
    let lengths = OffsetBuffer::from_lengths(std::iter::repeat_n(BOXES.len(), count));
    let columns: [(&str, ArrayRef); 3] = [
        ("image", Arc::new(files)),
        ("boxes", Arc::new(ListArray::new(item, lengths, corners, None))),
        (
            "label",
            Arc::new(Int64Array::from_iter_values((0..count as i64).map(|row| row % 10))),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A BMP of 24 bits, from the bottom up.
fn bmp(photo: &Pixels) -> Vec<u8> {
    let own = 3 * photo.width as usize;
    let stride = own.next_multiple_of(4);
    let size = (stride * photo.height as usize) as u32;
    let [first, second] = [[54 + size, 0, 54, 40], [photo.width, photo.height, (24 << 16) | 1, 0]];
    let header = first.into_iter().chain(second).chain([size, 0, 0, 0, 0]);
    let mut file = b"BM".to_vec();
    file.extend(header.flat_map(u32::to_le_bytes));
    for line in photo.levels.chunks_exact(own).rev() {
        let pixels = line.as_chunks::<3>().0.iter();
        file.extend(pixels.flat_map(|&[red, green, blue]| [blue, green, red]));
        file.resize(file.len() + stride - own, 0);
    }
    file
}

/// Takes all `count` rows of one epoch after the other, and prints the line.
fn measure_rows(name: &str, cx: &Context, rows: &impl Dataset, count: usize, effort: &Effort) {
    if !effort.has(name) {
        return;
    }
    let (mut rounds, mut spent) = (Vec::new(), Duration::ZERO);
    while rounds.is_empty() || spent < effort.time {
        let first = (rounds.len() * count) as u64;
        let positions: Vec<u64> = (first..first + count as u64).collect();
        let begun = Instant::now();
        drop(black_box(cx.block_on(rows.take(cx, &positions)).unwrap()));
        let taken = begun.elapsed();
        spent += taken;
        rounds.push(taken.as_secs_f64() * 1e6 / count as f64);
    }
    print(name, rounds);
}
