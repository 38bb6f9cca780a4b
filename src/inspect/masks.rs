//! What masks are, and which of them cannot be read.

use super::pictures::{Bad, NAMED, SAMPLE, TOGETHER};
use crate::columns::{bytes_of, index_of};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::{Facts, Mask, Reading};
use crate::source::Files;
use arrow::array::{ArrayRef, RecordBatch};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of the masks of rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Masks {
    /// Rows in all.
    pub rows: u64,
    /// Rows that were looked at: all, or some from all over. The numbers below are of these.
    pub looked_at: u64,
    /// The values that their pixels have, in ascending order.
    pub values: Vec<MaskValue>,
    /// Rows whose mask cannot be used.
    pub unusable: u64,
    /// The first of them.
    pub bad: Vec<Bad>,
}

/// A value of pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MaskValue {
    /// The value: the number of a class, or by default 255 for pixels of no class.
    pub value: u8,
    /// The class's name, where names are stored.
    pub name: Option<String>,
    /// Masks that have it.
    pub rows: u64,
    /// Pixels that have it.
    pub pixels: u64,
}

/// The pixels of each value in a mask, or why it is none.
type Seen = std::result::Result<BTreeMap<u8, u64>, String>;

impl Masks {
    /// Looks at the masks in the column `mask` of `rows`: at all of them if `full`. Each has to have the size of its picture, in the column `image` where that is
    /// known, read as `reading` says.
    pub(super) async fn of(
        cx: &Context,
        rows: &Files,
        (mask, image): (&str, Option<&str>),
        (full, reading): (bool, Reading),
    ) -> Result<Self> {
        let all = rows.len().finite().unwrap_or(0);
        let count = if full { all } else { all.min(SAMPLE) };
        let row = |at: u64| (u128::from(at) * u128::from(all) / u128::from(count.max(1))) as u64;
        let columns: Vec<&str> = [Some(mask), image].into_iter().flatten().collect();
        let own = rows.clone().columns(&columns)?;
        let mut found = Self {
            rows: all,
            looked_at: count,
            ..Self::default()
        };
        let mut values: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
        for first in (0..count).step_by(TOGETHER) {
            let wanted: Vec<u64> = (first..count.min(first + TOGETHER as u64)).map(row).collect();
            let seen = match own.take(cx, &wanted).await {
                Ok(taken) => seen(cx, taken, (mask, image), reading).await?,
                // One of them is not readable from its file: which, and why, is said one by one.
                Err(_) => {
                    let mut one_by_one = Vec::with_capacity(wanted.len());
                    for &row in &wanted {
                        one_by_one.push(match own.take(cx, &[row]).await {
                            Ok(taken) => seen(cx, taken, (mask, image), reading).await?.remove(0),
                            Err(error) => Err(error.to_string()),
                        });
                    }
                    one_by_one
                }
            };
            for (row, seen) in wanted.into_iter().zip(seen) {
                match seen {
                    Ok(counts) => counts.into_iter().for_each(|(value, pixels)| {
                        let of = values.entry(value).or_default();
                        *of = (of.0 + 1, of.1 + pixels);
                    }),
                    Err(why) => {
                        found.unusable += 1;
                        if found.bad.len() < NAMED {
                            let place = rows.provenance(cx, row).places.into_iter().next();
                            let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
                            found.bad.push(Bad { place, why });
                        }
                    }
                }
            }
        }
        let names = rows.class_names(mask).unwrap_or_default();
        let value = |(value, (rows, pixels)): (u8, (u64, u64))| MaskValue {
            value,
            name: names.get(usize::from(value)).cloned(),
            rows,
            pixels,
        };
        found.values = values.into_iter().map(value).collect();
        Ok(found)
    }

    /// Pixels of all masks that were read.
    pub fn pixels(&self) -> u64 {
        self.values.iter().map(|value| value.pixels).sum()
    }
}

/// What the rows of `taken` have.
async fn seen(
    cx: &Context,
    taken: RecordBatch,
    (mask, image): (&str, Option<&str>),
    reading: Reading,
) -> Result<Vec<Seen>> {
    let schema = taken.schema();
    let column = |name: &str| -> Result<ArrayRef> { Ok(Arc::clone(taken.column(index_of(&schema, name)?))) };
    let (masks, images) = (column(mask)?, image.map(column).transpose()?);
    cx.compute(move || {
        let one = |row: usize| {
            let bytes = bytes_of(&masks, row).ok_or_else(|| "the mask is null".to_owned())?;
            let mask = Mask::decode(bytes, reading.max_pixels).map_err(|error| Error::from(error).to_string())?;
            // What is wrong with a picture is said of the picture.
            let picture = images.as_ref().and_then(|images| bytes_of(images, row));
            if let Some(facts) = picture.and_then(|bytes| Facts::of(bytes).ok()) {
                let (width, height) = match reading.upright {
                    true => facts.upright(),
                    false => (facts.width, facts.height),
                };
                if (mask.width, mask.height) != (width, height) {
                    return Err(format!(
                        "the mask has {} x {} pixels, its picture {width} x {height}",
                        mask.width, mask.height
                    ));
                }
            }
            let mut counts = BTreeMap::new();
            mask.values
                .iter()
                .for_each(|&value| *counts.entry(value).or_default() += 1);
            Ok(counts)
        };
        Ok((0..masks.len()).into_par_iter().map(one).collect())
    })
    .await
}
