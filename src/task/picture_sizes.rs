//! The sizes of pictures, by their headers.

use crate::columns::{bytes_of, index_of};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::Facts;
use crate::loader::is_replaceable;
use crate::quote::counted_with;
use crate::source::Files;
use crate::train::failed_rows::take_row;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
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
/// Whatever reading gives; `Data` where columns `width` and `height` say otherwise, with the first such row.
pub(super) fn picture_sizes(cx: &Context, rows: &Files, image: &str, upright: bool) -> Result<PictureSizes> {
    let pictures: Arc<dyn Stable> = Arc::new(rows.clone().columns(&[image])?);
    let total = pictures.len().finite().unwrap_or(0);
    let sizes_of = |batch: &RecordBatch| -> Result<Vec<_>> {
        let column = batch.column(index_of(&batch.schema(), image)?);
        let size = |row| {
            let facts = Facts::of(bytes_of(column, row)?).ok()?;
            Some(match upright {
                true => facts.upright(),
                false => (facts.width, facts.height),
            })
        };
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
    check_stated(cx, rows, &sizes)?;
    Ok(sizes.into())
}

/// Refuses columns `width` and `height` of whole numbers that say something else than `sizes`, be it of the upright picture or of the
/// stored one.
fn check_stated(cx: &Context, rows: &Files, sizes: &[Option<(u32, u32)>]) -> Result<()> {
    let mut stated = Vec::new();
    for name in ["width", "height"] {
        let schema = rows.schema();
        let Some(field) = schema
            .field_with_name(name)
            .ok()
            .filter(|field| field.data_type().is_integer())
        else {
            return Ok(());
        };
        let column = cx.block_on(rows.clone().columns(&[field.name()])?.column(cx, name))?;
        stated.push(cast(&column, &DataType::Int64)?);
    }
    let side = |of: usize, row: usize| {
        let sides = stated[of].as_primitive::<Int64Type>();
        // 0 says that nobody knows.
        (row < sides.len() && sides.is_valid(row))
            .then(|| sides.value(row))
            .filter(|side| *side != 0)
    };
    let differs = |&row: &usize| {
        let (Some((width, height)), Some(across), Some(down)) = (sizes[row], side(0, row), side(1, row)) else {
            return false;
        };
        let (width, height) = (i64::from(width), i64::from(height));
        (across, down) != (width, height) && (across, down) != (height, width)
    };
    let wrong = (0..sizes.len()).filter(differs).count();
    let Some(first) = (0..sizes.len()).find(differs) else {
        return Ok(());
    };
    let place = rows.provenance(cx, first as u64).places.into_iter().next();
    let place = place.map_or_else(|| format!("row {first}"), |place| place.to_string());
    let (width, height) = sizes[first].unwrap_or_default();
    Err(Error::data(format!(
        "the columns width and height say {} x {}, and the picture has {width} x {height} pixels; {} so: mend these columns, or leave them out",
        side(0, first).unwrap_or_default(),
        side(1, first).unwrap_or_default(),
        counted_with(wrong as u64, "row", ["is", "are"]),
    ))
    .context(place))
}
