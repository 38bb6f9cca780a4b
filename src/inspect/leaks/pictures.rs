//! What is kept of each picture of a set, in one pass over it.

use super::exact::Keys;
use super::grey::Grey;
use super::perceptual::Look;
use super::progress::Counted;
use crate::columns::bytes_of;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::image::{Pixels, Reading};
use crate::inspect::pictures::Bad;
use crate::inspect::taken::{place, taken};
use crate::source::Files;
use arrow::array::Array;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use xxhash_rust::xxh3::{xxh3_128, xxh3_128_with_seed};

/// Rows that are read at a time.
const TOGETHER: u64 = 64;

/// Bad rows that are named.
pub(super) const NAMED: usize = 10;

/// The pictures of a set.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Hashes of the stored bytes; 0 where there are none.
    pub(super) bytes: Vec<u128>,
    /// Hashes of the pixels; 0 where there are none.
    pub(super) pixels: Vec<u128>,
    /// How each picture looks; none of those that are flat or cannot be decoded.
    pub(super) looks: Vec<Option<Box<Look>>>,
    pub(super) flat: u64,
    pub(super) unusable: u64,
    pub(super) bad: Vec<Bad>,
}

/// What one picture is.
#[derive(Default)]
struct Looked {
    bytes: u128,
    pixels: u128,
    look: Option<Box<Look>>,
    why: Option<String>,
}

impl Seen {
    /// Bytes of a row at most: hashes, what it looks like, where that is, and the lists of equal rows.
    pub(super) const BYTES: u64 = 2 * Keys::BYTES + size_of::<Look>() as u64 + 16 + 8;

    /// Reads all rows and decodes every picture in column `column`.
    pub(super) async fn of(
        cx: &Context,
        files: &Files,
        column: &str,
        reading: Reading,
        progress: &mut Counted<'_>,
    ) -> Result<Self> {
        let files = files.clone().columns(&[column])?;
        let rows = files.len().finite().unwrap_or(0);
        let mut seen = Self {
            bytes: Vec::with_capacity(rows as usize),
            pixels: Vec::with_capacity(rows as usize),
            looks: Vec::with_capacity(rows as usize),
            ..Self::default()
        };
        let part = |start: u64| (start..rows.min(start + TOGETHER)).collect::<Vec<u64>>();
        let mut next = taken(cx, &files, &part(0)).await?;
        for start in (0..rows).step_by(TOGETHER as usize) {
            let (read, lost) = next;
            let (wanted, batch) = read.unzip();
            let look = cx.compute(move || {
                let Some(batch) = batch else { return Ok(Vec::new()) };
                let pictures = Arc::clone(batch.column(0));
                let look = |row: usize| Looked::of(bytes_of(&pictures, row), &reading);
                Ok((0..pictures.len()).into_par_iter().map(look).collect())
            });
            // The next rows are read while these are decoded.
            let following = part(start + TOGETHER);
            let (looked, read_ahead) = futures::join!(look, taken(cx, &files, &following));
            next = read_ahead?;
            let mut bad = seen.add(start..rows.min(start + TOGETHER), wanted.unwrap_or_default(), looked?);
            bad.extend(lost.into_iter().map(|(row, error)| (row, error.to_string())));
            bad.sort_by_key(|(row, _)| *row);
            for (row, why) in bad {
                seen.is_bad(cx, &files, row, why);
            }
            progress.add(rows.min(start + TOGETHER) - start);
        }
        Ok(seen)
    }

    /// Adds the rows `all`, of which `wanted` could be read. Why pictures cannot be used, by row.
    fn add(&mut self, all: Range<u64>, wanted: Vec<u64>, looked: Vec<Looked>) -> Vec<(u64, String)> {
        let mut read = wanted.into_iter().zip(looked).peekable();
        let mut bad = Vec::new();
        for row in all {
            let looked = read
                .next_if(|(own, _)| *own == row)
                .map(|(_, looked)| looked)
                .unwrap_or_default();
            self.bytes.push(looked.bytes);
            self.pixels.push(looked.pixels);
            self.flat += u64::from(looked.pixels != 0 && looked.look.is_none());
            self.looks.push(looked.look);
            bad.extend(looked.why.map(|why| (row, why)));
        }
        bad
    }

    fn is_bad(&mut self, cx: &Context, files: &Files, row: u64, why: String) {
        self.unusable += 1;
        if self.bad.len() < NAMED {
            let place = place(cx, files, row);
            self.bad.push(Bad { place, why });
        }
    }
}

impl Looked {
    fn of(bytes: Option<&[u8]>, reading: &Reading) -> Self {
        let bad = |why: &str| Self {
            why: Some(why.to_owned()),
            ..Self::default()
        };
        let bytes = match bytes {
            None => return bad("the value is null"),
            Some([]) => return bad("the value has no bytes"),
            Some(bytes) => bytes,
        };
        let hash = xxh3_128(bytes);
        match Pixels::decode_with(bytes, reading) {
            Err(error) => Self {
                bytes: hash,
                ..bad(&error.to_string())
            },
            Ok(pixels) => Self {
                bytes: hash,
                pixels: xxh3_128_with_seed(&pixels.levels, u64::from(pixels.width) << 32 | u64::from(pixels.height)),
                look: Look::of(&Grey::of(&pixels)).map(Box::new),
                why: None,
            },
        }
    }
}
