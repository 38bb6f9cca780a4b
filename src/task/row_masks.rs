//! The masks of all rows, counted before any picture is read.

use super::target_kind::TargetKind;
use super::target_reading::TargetReading;
use crate::columns::bytes_of;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::{ImageError, Mask, Reading};
use crate::rows::{CLASS_NAMES, MultiLabels, Projected};
use arrow::array::{Array, ArrayRef};
use rayon::prelude::*;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The value of pixels that are beyond the picture, and of no class whatever else is: classes are 0 to 254.
pub(super) const BEYOND: u8 = 255;
/// The percentage of pixels of no class from which on they are said.
const MANY_IGNORED: u64 = 20;

/// How many pixels of each class each mask has.
#[derive(Clone, Debug, PartialEq)]
pub struct RowMasks {
    column: Arc<str>,
    names: Arc<[String]>,
    /// Class and pixels, by row.
    rows: Vec<Vec<(u8, u32)>>,
    /// A hash of the file of each mask.
    hashes: Vec<u64>,
    /// The value of pixels of no class, if there is one; and such pixels, by row.
    ignore_index: Option<u8>,
    ignored: Vec<u32>,
    /// Why the mask of a row cannot be read, where such rows are skipped.
    bad: Vec<Option<Arc<str>>>,
}

/// What a mask has.
#[derive(Default)]
struct MaskCounts {
    classes: Vec<(u8, u32)>,
    ignored: u32,
    hash: u64,
    bad: Option<Arc<str>>,
}

impl RowMasks {
    /// Reads the masks of `rows`; with the classes `names`, where these are given. Else they are those of the column's metadata, or the
    /// numbers up to the largest value.
    ///
    /// # Errors
    ///
    /// `Data` for a null and for what is no mask, where such rows are not skipped, and for a class that there is not, with its place.
    pub(super) async fn scan(
        cx: &Context,
        rows: &impl Stable,
        reading: &TargetReading<'_>,
        names: Option<&[String]>,
    ) -> Result<Self> {
        let TargetKind::Mask { ignore_index } = reading.kind else {
            return Err(Error::config("the targets are no masks"));
        };
        let (column, skips) = (reading.column, reading.skips);
        let all = rows.column(cx, column).await?;
        let files = Arc::clone(&all);
        let counted = cx.compute(move || {
            let one = |row| match counts_of(&files, row, ignore_index) {
                // The run meets it again where pictures are made, and counts it among the bad rows.
                Err(error) if skips => Ok(MaskCounts {
                    bad: Some(error.to_string().into()),
                    ..MaskCounts::default()
                }),
                found => found.map_err(|error| advised(error).at(row)),
            };
            let all: Vec<Result<_>> = (0..files.len()).into_par_iter().map(one).collect();
            // The first bad one, whichever thread finds it.
            all.into_iter().collect::<Result<Vec<_>>>()
        });
        let placed = |error: Error| {
            let row = error.index().unwrap_or(0) as u64;
            let place = rows.provenance(cx, row).places.into_iter().next();
            let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
            error.context(format!("column {column:?}")).context(place)
        };
        let counted = counted.await.map_err(placed)?;
        let schema = rows.schema();
        let stored = || {
            let names = schema.field_with_name(column).ok()?.metadata().get(CLASS_NAMES)?;
            serde_json::from_str::<Vec<String>>(names).ok()
        };
        let largest = counted.iter().flat_map(|row| row.classes.last()).map(|of| of.0).max();
        let numbers = || (0..largest.map_or(0, |largest| u32::from(largest) + 1)).map(|class| class.to_string());
        let names = match names {
            Some(names) => names.to_vec(),
            None => stored().unwrap_or_else(|| numbers().collect()),
        };
        let unknown = |row: &MaskCounts| {
            let mut classes = row.classes.iter().map(|of| of.0);
            classes.find(|class| *class == BEYOND || usize::from(*class) >= names.len())
        };
        if let Some((row, class)) = (0..).zip(&counted).find_map(|(at, row)| Some((at, unknown(row)?))) {
            let message = match class {
                BEYOND => {
                    "a pixel is 255, and classes are 0 to 254: store 0 and 1 in place of 0 and 255, or let 255 be the task's ignore_index"
                        .to_owned()
                }
                class => format!("a pixel is of class {class}, and there are {} classes", names.len()),
            };
            return Err(placed(Error::data(message).at(row)));
        }
        Ok(Self {
            column: column.into(),
            names: names.into(),
            ignore_index,
            hashes: counted.iter().map(|row| row.hash).collect(),
            ignored: counted.iter().map(|row| row.ignored).collect(),
            bad: counted.iter().map(|row| row.bad.clone()).collect(),
            rows: counted.into_iter().map(|row| row.classes).collect(),
        })
    }

    /// Why the mask of `row` cannot be read, where such rows are skipped.
    pub(super) fn bad(&self, row: u64) -> Option<&str> {
        self.bad.get(row as usize)?.as_deref()
    }

    /// Pixels of no class, and all.
    pub(super) fn ignored(&self) -> (u64, u64) {
        let ignored = self.ignored.iter().map(|&pixels| u64::from(pixels)).sum();
        let classed: u64 = self.rows.iter().flatten().map(|&(_, pixels)| u64::from(pixels)).sum();
        (ignored, ignored + classed)
    }

    /// How many pixels are of no class, in a sentence, where these are many.
    pub(super) fn remark(&self) -> Option<String> {
        let (ignored, all) = self.ignored();
        let percent = (100 * ignored).checked_div(all)?;
        (percent >= MANY_IGNORED).then(|| {
            format!(
                "{percent} % of the pixels of the masks in column {:?} are {}, the task's ignore_index: they are neither learnt nor measured",
                self.column,
                self.ignore_index.unwrap_or_default()
            )
        })
    }

    /// The column of the masks.
    pub(super) fn column(&self) -> &str {
        &self.column
    }

    /// The names of the classes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Rows.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows in which a class is.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.names.len()];
        let classes = self.rows.iter().flatten();
        classes.for_each(|&(class, _)| counts[usize::from(class)] += 1);
        counts
    }

    /// The classes of each row.
    pub(super) fn classes(&self) -> Result<MultiLabels> {
        let of_row = |row: &Vec<(u8, u32)>| row.iter().map(|of| of.0.into()).collect::<Vec<u32>>();
        MultiLabels::new(&self.column, self.names.to_vec(), self.rows.iter().map(of_row))
    }

    /// The classes that are in a row.
    pub(super) fn of_row(&self, row: u64) -> impl Iterator<Item = u32> {
        let row = self.rows.get(row as usize).into_iter().flatten();
        row.map(|&(class, _)| class.into())
    }

    pub(super) fn select(&self, rows: &[u64]) -> Self {
        Self {
            column: Arc::clone(&self.column),
            names: Arc::clone(&self.names),
            rows: rows.iter().map(|&row| self.rows[row as usize].clone()).collect(),
            hashes: rows.iter().map(|&row| self.hashes[row as usize]).collect(),
            ignore_index: self.ignore_index,
            ignored: rows.iter().map(|&row| self.ignored[row as usize]).collect(),
            bad: rows.iter().map(|&row| self.bad[row as usize].clone()).collect(),
        }
    }

    /// A hash of what a row has.
    pub(super) fn hash_of_row(&self, row: u64) -> u64 {
        self.hashes.get(row as usize).copied().unwrap_or(0)
    }

    pub(super) fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        self.hashes.iter().for_each(|hash| hasher.update(&hash.to_le_bytes()));
        hasher.digest()
    }

    pub(super) fn in_words(&self, row: u64) -> String {
        let row = self.rows.get(row as usize).map_or(&[][..], Vec::as_slice);
        shares_in_words(row, &self.names)
    }
}

/// The classes of a mask with their shares of its pixels, the largest first: `background 81 %, bag 19 %`.
pub(super) fn shares_in_words(classes: &[(u8, u32)], names: &[String]) -> String {
    let all: u64 = classes.iter().map(|&(_, pixels)| u64::from(pixels)).sum();
    let mut classes = classes.to_vec();
    classes.sort_by_key(|&(class, pixels)| (std::cmp::Reverse(pixels), class));
    let words = |&(class, pixels): &(u8, u32)| {
        let name = names.get(usize::from(class)).map_or("", String::as_str);
        // A number beside a share needs a word.
        let name = match name.parse::<u32>() {
            Ok(number) => format!("class {number}:"),
            Err(_) => name.to_owned(),
        };
        format!("{name} {:.0} %", 100.0 * f64::from(pixels) / all.max(1) as f64)
    };
    match classes.is_empty() {
        true => "nothing".to_owned(),
        false => classes.iter().map(words).collect::<Vec<_>>().join(", "),
    }
}

/// Pixels of each value in a mask, by ascending value.
pub(super) fn classes_of(values: &[u8]) -> Vec<(u8, u32)> {
    let mut counts = [0_u32; 256];
    values.iter().for_each(|&value| counts[usize::from(value)] += 1);
    let there = (0..=u8::MAX).zip(counts).filter(|&(_, pixels)| pixels > 0);
    there.collect()
}

/// `error` of a mask, with what to do about it.
fn advised(error: Error) -> Error {
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        // That has an advice of its own.
        if let Some(ImageError::TooLarge { .. }) = cause.downcast_ref() {
            return error;
        }
        source = cause.source();
    }
    let why = format!(
        "{error}: store the numbers of its classes as a PNG of one channel, leave the row out, or let bad rows be skipped"
    );
    Error::new(error.kind(), why).with_remedy(Remedy::BadRows)
}

fn counts_of(files: &ArrayRef, row: usize, ignore_index: Option<u8>) -> Result<MaskCounts> {
    let bytes = bytes_of(files, row).ok_or_else(|| Error::data("a mask is null"))?;
    let mask = Mask::decode(bytes, Reading::default().max_pixels)?;
    let (ignored, classes): (Vec<_>, Vec<_>) = classes_of(&mask.values)
        .into_iter()
        .partition(|(value, _)| Some(*value) == ignore_index);
    Ok(MaskCounts {
        classes,
        ignored: ignored.iter().map(|(_, pixels)| pixels).sum(),
        hash: xxh3_64(bytes),
        bad: None,
    })
}

/// `rows` without `column`: that of masks, once objects have been pasted by them.
pub(super) fn without<D: Dataset>(rows: D, column: &str) -> Result<Projected<D>> {
    let schema = rows.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let others: Vec<&str> = names.filter(|name| *name != column).collect();
    rows.project(&others)
}
