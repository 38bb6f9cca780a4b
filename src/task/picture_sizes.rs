//! The sizes of pictures, by their headers.

use crate::columns::{bytes_of, index_of};
use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::{Facts, PictureSize, check_stated};
use crate::loader::is_replaceable;
use crate::source::Files;
use crate::train::failed_rows::take_row;
use arrow::array::RecordBatch;
use std::sync::Arc;

/// Width and height of the picture of each row; none of what is no picture.
pub(super) type PictureSizes = Arc<[Option<(u32, u32)>]>;

/// Pictures that are asked for at a time.
const BATCH: u64 = 16;

/// The sizes of the pictures in column `image` of `rows`, turned upright where they are read so. Every file is read, and nothing
/// decoded.
///
/// # Errors
///
/// Whatever reading gives; `Data` where columns `width` and `height` say otherwise, with the first such row
/// ([`check_stated`]).
pub(super) fn picture_sizes(cx: &Context, rows: &Files, image: &str, upright: bool) -> Result<PictureSizes> {
    let pictures: Arc<dyn Stable> = Arc::new(rows.clone().columns(&[image])?);
    let total = pictures.len().finite().unwrap_or(0);
    let sizes_of = |batch: &RecordBatch| -> Result<Vec<_>> {
        let column = batch.column(index_of(&batch.schema(), image)?);
        let size = |row| Some(PictureSize::of(&Facts::of(bytes_of(column, row)?).ok()?, upright));
        Ok((0..batch.num_rows()).map(size).collect())
    };
    let (mut sizes, mut done) = (Vec::with_capacity(total as usize), 0);
    for batch in Arc::clone(&pictures)
        .loader(cx)
        .batch_size(BATCH)
        .epochs(1)
        .blocking()?
    {
        let positions = done..(done + BATCH).min(total);
        done = positions.end;
        match batch {
            Ok(batch) => sizes.extend(sizes_of(batch.rows())?),
            // What cannot be made is said where pictures are made.
            Err(error) if is_replaceable(&error) => {
                for position in positions {
                    match take_row(cx, &*pictures, position) {
                        Ok(row) => sizes.extend(sizes_of(&row)?),
                        Err(error) if is_replaceable(&error) => sizes.push(None),
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    cx.block_on(check_stated(cx, rows, (&sizes, upright)))?;
    Ok(sizes.into_iter().map(|size| size.map(|size| size.read)).collect())
}
