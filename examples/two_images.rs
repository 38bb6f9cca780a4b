//! Two columns of pictures in one pipeline, each augmented by draws of its own.

use millstream::arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch};
use millstream::image::{Image, Pixels};
use millstream::source::Memory;
use millstream::{Context, DatasetExt, Result};
use std::sync::Arc;

pub(crate) fn main() -> Result<()> {
    let mut photo = Pixels::new(64, 64);
    photo
        .levels
        .iter_mut()
        .enumerate()
        .for_each(|(at, level)| *level = (at % 251) as u8);
    let photos: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&photo.to_png()?; 100]));
    let rows = RecordBatch::try_from_iter([("before", Arc::clone(&photos)), ("after", photos)])?;

    let flipped = Image::new(32).horizontal_flip(0.5);
    let rows = Memory::new(vec![rows])?
        .image("before", flipped.clone())?
        .image("after", flipped)?;
    let (cx, mut unequal) = (Context::new()?, 0);
    for batch in rows.loader(&cx).batch_size(20).epochs(1).blocking()? {
        let batch = batch?;
        let [before, after] = ["before", "after"].map(|column| batch.rows()[column].as_fixed_size_list()); // [20, 3, 32, 32]
        unequal += (0..batch.len())
            .filter(|&row| *before.value(row) != *after.value(row))
            .count();
    }
    assert!((30..70).contains(&unequal)); // in half of the rows one of the two is flipped, and not the other
    Ok(())
}
