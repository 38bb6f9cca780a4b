//! Segmentation: a picture and its mask, which one draw moves in the same way.

use millstream::arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch};
use millstream::arrow::datatypes::UInt8Type;
use millstream::image::{Image, Pixels};
use millstream::{Context, DatasetExt, Result, source::Memory};
use std::sync::Arc;

/// Fifty pictures of a disc on black. In a mask, which is grey, the levels are numbers of classes.
fn discs(color: [u8; 3]) -> Result<ArrayRef> {
    let mut pixels = Pixels::new(96, 64);
    for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
        if (at % 96).abs_diff(30).pow(2) + (at / 96).abs_diff(25).pow(2) < 400 {
            pixel.copy_from_slice(&color);
        }
    }
    Ok(Arc::new(BinaryArray::from_vec(vec![&pixels.to_png()?; 50])))
}

pub(crate) fn main() -> Result<()> {
    let rows = [("photo", discs([255, 0, 0])?), ("mask", discs([1, 1, 1])?)];
    let rows = Memory::new(vec![RecordBatch::try_from_iter(rows)?])?;
    let moved = Image::new(64).random_resized_crop(0.3..=1.0, 0.75..=1.333);
    let rows = rows.image("photo", moved.horizontal_flip(0.5).as_u8().mask("mask"))?;
    for batch in rows.loader(&Context::new()?).batch_size(50).epochs(1).blocking()? {
        let batch = batch?;
        let levels = |column: &str| batch.rows()[column].as_fixed_size_list().values();
        let photos = levels("photo").as_primitive::<UInt8Type>().values();
        let masks = levels("mask").as_primitive::<UInt8Type>().values();
        for (photo, mask) in photos.chunks(3 * 64 * 64).zip(masks.chunks(64 * 64)) {
            let same = photo
                .iter()
                .zip(mask)
                .filter(|(red, class)| (**red > 127) == (**class == 1));
            assert!(same.count() > 64 * 64 * 97 / 100); // all but some on the disc's edge
        }
    }
    Ok(())
}
