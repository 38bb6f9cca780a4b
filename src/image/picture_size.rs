//! The sizes of pictures that boxes lie in, beside those that columns say.

use super::codec::facts::Facts;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::quote::counted_with;
use crate::source::Files;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};

/// Width and height of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PictureSize {
    /// As the picture is read.
    pub(crate) read: (u32, u32),
    /// As it would be if EXIF's orientation were not heeded, or were.
    other: (u32, u32),
}

impl PictureSize {
    /// That of a picture with these `facts`, which is turned upright where it is read so.
    pub(crate) fn of(facts: &Facts, upright: bool) -> Self {
        let (stored, turned) = ((facts.width, facts.height), facts.upright());
        match upright {
            true => Self {
                read: turned,
                other: stored,
            },
            false => Self {
                read: stored,
                other: turned,
            },
        }
    }
}

/// How columns contradict a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contradiction {
    /// They say the size that it would have if its orientation were read the other way.
    Turned,
    /// They say another size.
    Size,
}

/// Refuses columns `width` and `height` of whole numbers that say something else than `sizes`, those of the pictures of all rows so far as they are known. Boxes
/// beside a size are those of a picture of that size: where it is that of the picture before its orientation is heeded, they lie in another frame than the
/// pixels that are learnt.
///
/// # Errors
///
/// Whatever reading the columns gives; `Data` with the first such row, and how many there are.
pub(crate) async fn check_stated(
    cx: &Context,
    rows: &Files,
    (sizes, upright): (&[Option<PictureSize>], bool),
) -> Result<()> {
    let mut stated: Vec<ArrayRef> = Vec::new();
    for name in ["width", "height"] {
        let schema = rows.schema();
        let field = schema.field_with_name(name).ok();
        let Some(field) = field.filter(|field| field.data_type().is_integer()) else {
            return Ok(());
        };
        let column = rows.clone().columns(&[field.name()])?.column(cx, name).await?;
        stated.push(cast(&column, &DataType::Int64)?);
    }
    let side = |of: usize, row: usize| {
        let sides = stated[of].as_primitive::<Int64Type>();
        // 0 says that nobody knows.
        (row < sides.len() && sides.is_valid(row))
            .then(|| sides.value(row))
            .filter(|side| *side != 0)
    };
    let contradiction = |row: usize| {
        let (size, across, down) = (sizes[row]?, side(0, row)?, side(1, row)?);
        let is = |(width, height): (u32, u32)| (across, down) == (i64::from(width), i64::from(height));
        match (is(size.read), is(size.other)) {
            (true, _) => None,
            (false, true) => Some((Contradiction::Turned, size)),
            (false, false) => Some((Contradiction::Size, size)),
        }
    };
    let Some((first, (what, size))) = (0..sizes.len()).find_map(|row| Some((row, contradiction(row)?))) else {
        return Ok(());
    };
    let alike = |row: &usize| contradiction(*row).is_some_and(|(other, _)| other == what);
    let many = counted_with((0..sizes.len()).filter(alike).count() as u64, "row", ["is", "are"]);
    let (across, down) = (side(0, first).unwrap_or_default(), side(1, first).unwrap_or_default());
    let (width, height) = size.read;
    let why = match (what, upright) {
        (Contradiction::Size, _) => format!(
            "the columns width and height say {across} x {down}, and the picture has {width} x {height} pixels; {many} so: mend these \
             columns, or leave them out"
        ),
        (Contradiction::Turned, true) => format!(
            "its EXIF orientation turns the picture from {across} x {down} to {width} x {height} pixels, and the columns width and height say \
             {across} x {down}, so that the boxes are those of the picture as it is stored; {many} so: read pictures as they are stored \
             (`reading.upright` = false), or, where the boxes are those of the upright pictures, mend these columns"
        ),
        (Contradiction::Turned, false) => format!(
            "the columns width and height say {across} x {down}, the size of the picture as its EXIF orientation turns it, and it is read as \
             it is stored, with {width} x {height} pixels; {many} so: read pictures upright (`reading.upright` = true), or, where the boxes \
             are those of the stored pictures, mend these columns"
        ),
    };
    let place = rows.provenance(cx, first as u64).places.into_iter().next();
    let place = place.map_or_else(|| format!("row {first}"), |place| place.to_string());
    let error = Error::data(why).context(place);
    Err(match what {
        Contradiction::Turned => error.with_remedy(Remedy::Orientation),
        Contradiction::Size => error,
    })
}
