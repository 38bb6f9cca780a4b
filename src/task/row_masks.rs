//! The masks of all rows, counted before any picture is read.

use crate::columns::bytes_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::{Mask, Reading};
use crate::rows::{CLASS_NAMES, MultiLabels};
use arrow::array::{Array, ArrayRef};
use rayon::prelude::*;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The value of pixels that are neither learnt nor measured, as in torchvision's references and Pascal VOC.
pub(super) const IGNORED: u8 = 255;

/// How many pixels of each class each mask has.
#[derive(Clone, Debug, PartialEq)]
pub struct RowMasks {
    column: Arc<str>,
    names: Arc<[String]>,
    /// Class and pixels, by row.
    rows: Vec<Vec<(u8, u32)>>,
    /// A hash of the file of each mask.
    hashes: Vec<u64>,
}

impl RowMasks {
    /// Reads `column` of `rows`; with the classes `names`, where these are given. Else they are those of the column's metadata, or the
    /// numbers up to the largest value.
    ///
    /// # Errors
    ///
    /// `Data` for a null, for what is no mask and for a class that there is not, with its place.
    pub(super) async fn scan(cx: &Context, rows: &impl Stable, column: &str, names: Option<&[String]>) -> Result<Self> {
        let all = rows.column(cx, column).await?;
        let files = Arc::clone(&all);
        let counted = cx.compute(move || {
            let one = |row| counted(&files, row).map_err(|error| error.at(row));
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
        let largest = counted.iter().flat_map(|(row, _)| row.last()).map(|of| of.0).max();
        let numbers = || (0..largest.map_or(0, |largest| u32::from(largest) + 1)).map(|class| class.to_string());
        let names = match names {
            Some(names) => names.to_vec(),
            None => stored().unwrap_or_else(|| numbers().collect()),
        };
        let unknown = |row: &[(u8, u32)]| {
            row.iter()
                .map(|of| of.0)
                .find(|class| usize::from(*class) >= names.len())
        };
        if let Some((row, class)) = (0..).zip(&counted).find_map(|(at, (row, _))| Some((at, unknown(row)?))) {
            let message = format!("a pixel is of class {class}, and there are {} classes", names.len());
            return Err(placed(Error::data(message).at(row)));
        }
        let (rows, hashes) = counted.into_iter().unzip();
        Ok(Self {
            column: column.into(),
            names: names.into(),
            rows,
            hashes,
        })
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
        }
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

/// Pixels of each class in a mask, by ascending class; those that are ignored do not count.
pub(super) fn classes_of(values: &[u8]) -> Vec<(u8, u32)> {
    let mut counts = [0_u32; 256];
    values.iter().for_each(|&value| counts[usize::from(value)] += 1);
    let there = (0..IGNORED).zip(counts).filter(|&(_, pixels)| pixels > 0);
    there.collect()
}

/// The classes of the mask in a row, and a hash of its file.
fn counted(files: &ArrayRef, row: usize) -> Result<(Vec<(u8, u32)>, u64)> {
    let bytes = bytes_of(files, row).ok_or_else(|| Error::data("a mask is null"))?;
    let mask = Mask::decode(bytes, Reading::default().max_pixels)?;
    Ok((classes_of(&mask.values), xxh3_64(bytes)))
}
