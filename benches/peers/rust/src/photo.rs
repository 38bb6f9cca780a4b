//! The encoded photos of a Parquet file, and what becomes of one.

use arrow::array::{ArrayRef, AsArray, BinaryArray};
use arrow::datatypes::DataType;
use bytes::Bytes;
use image::imageops::FilterType;
use image::{GenericImageView, ImageFormat};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;

/// Photos in a batch.
pub const BATCH: usize = 64;
/// Values in a photo's tensor.
pub const VALUES: usize = 3 * AREA;
const SIZE: u32 = 224;
const AREA: usize = (SIZE * SIZE) as usize;
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// All encoded photos of a file, in memory: both loaders ask for rows by their index, and Parquet has no row at random.
pub struct Photos(pub Vec<Bytes>);

impl Photos {
    /// The column `image` of a file: binary, or a struct with binary `bytes`.
    pub fn read(path: &str) -> Self {
        let file = File::open(path).expect("the data");
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        let columns = ProjectionMask::columns(builder.parquet_schema(), ["image.bytes", "image"]);
        let rows = builder.with_projection(columns).build().expect("Parquet");
        let encoded = rows.flat_map(|rows| encoded(rows.expect("rows").column(0)));
        Self(encoded.collect())
    }
}

fn encoded(column: &ArrayRef) -> Vec<Bytes> {
    let column = match column.data_type() {
        DataType::Struct(_) => column.as_struct().column_by_name("bytes").expect("bytes"),
        _ => column,
    };
    let column: &BinaryArray = column.as_binary();
    column
        .iter()
        .map(|photo| Bytes::copy_from_slice(photo.expect("a photo")))
        .collect()
}

/// Decodes photos, crops, resizes and flips each at random, and normalises them: `f32 [n, 3, 224, 224]`.
pub fn batch(photos: &[Bytes]) -> Vec<f32> {
    let mut values = vec![0.0; photos.len() * VALUES];
    for (photo, values) in photos.iter().zip(values.chunks_exact_mut(VALUES)) {
        augment(photo, values);
    }
    values
}

fn augment(photo: &[u8], values: &mut [f32]) {
    let photo = image::load_from_memory_with_format(photo, ImageFormat::Jpeg).expect("a JPEG");
    let [left, top, width, height] = crop(photo.dimensions());
    let cropped = photo.crop_imm(left, top, width, height);
    let mut resized = cropped.resize_exact(SIZE, SIZE, FilterType::Triangle).into_rgb8();
    if fastrand::bool() {
        image::imageops::flip_horizontal_in_place(&mut resized);
    }
    let scale = [0, 1, 2].map(|c| (1.0 / (255.0 * STD[c]), -MEAN[c] / STD[c]));
    let (red, rest) = values.split_at_mut(AREA);
    let (green, blue) = rest.split_at_mut(AREA);
    for (i, pixel) in resized.as_raw().chunks_exact(3).enumerate() {
        red[i] = f32::from(pixel[0]) * scale[0].0 + scale[0].1;
        green[i] = f32::from(pixel[1]) * scale[1].0 + scale[1].1;
        blue[i] = f32::from(pixel[2]) * scale[2].0 + scale[2].1;
    }
}

/// torchvision's RandomResizedCrop: left, top, width, height.
fn crop((width, height): (u32, u32)) -> [u32; 4] {
    let uniform = |from: f64, to: f64| from + (to - from) * fastrand::f64();
    for _ in 0..10 {
        let area = f64::from(width * height) * uniform(0.08, 1.0);
        let ratio = uniform(0.75_f64.ln(), (4.0_f64 / 3.0).ln()).exp();
        let (w, h) = (
            (area * ratio).sqrt().round() as u32,
            (area / ratio).sqrt().round() as u32,
        );
        if 0 < w && w <= width && 0 < h && h <= height {
            return [fastrand::u32(0..=width - w), fastrand::u32(0..=height - h), w, h];
        }
    }
    let side = width.min(height);
    [(width - side) / 2, (height - side) / 2, side, side]
}
