//! JPEG, no more of it than a crop needs.
//!
//! The crop is drawn before an image is decoded, so this decoder knows which part of the picture will be resampled, and how
//! much smaller. Huffman codes have to be read from the start, but
//!
//! - blocks beside and above the part are only passed by, and nothing below it is read;
//! - only the part is transformed, interpolated and converted;
//! - where it will shrink to a quarter or less, blocks are transformed at a half, a quarter or an eighth of their size, and where it
//!   is turned, at as many eighths as leave enough pixels (see [`window`]).
//!
//! It reads sequential and progressive files of 8 bits, Huffman-coded: grey, YCbCr, RGB, CMYK and YCCK; sampling factors of 1 to
//! 4, in which each component goes evenly into the finest; in one scan or several, with or without restart markers; without
//! Huffman tables, where the standard ones are meant (Motion JPEG); and with the height behind the first scan (DNL). What the
//! components are is decided as libjpeg does: JFIF, then Adobe's segment, then their names.
//!
//! Not read, and refused by name ([`ImageError::Unsupported`]): arithmetic coding, lossless and hierarchical files, JPEG-LS, more
//! than 8 bits, two components, sampling factors that do not divide (3 and 2), and progressive files of which scans were
//! left out, where libjpeg guesses.
//!
//! There are two ways. Nearly all files are [plain](header::Frame::is_plain): one sequential scan, grey or YCbCr with whole or
//! halved colours. Of these, blocks become levels as they are read. Of all others the [coefficients] of the whole picture are
//! read first; levels and pixels are made of the part alone, there as well.
//!
//! Levels differ from libjpeg-turbo's by 3 at most and by 0.1 on average, of photos and of every combination of sampling
//! factors and scans (`tests/scripts/jpeg_corpus.py`); those of a part are the same as those of the whole there. An MCU of more
//! than ten blocks, which libjpeg refuses, is read. Damage is refused where libjpeg would warn and go on.
//!
//! ```text
//! segments -> header -> data (unstuffed) -> bits -> coefficients -> planes of levels -> rows of RGB
//! ```

mod blocks;
mod coefficients;
mod color;
mod data;
mod error;
mod header;
mod huffman;
mod idct;
mod plain;
mod plane;
pub(in crate::image) mod round_trip;
pub(in crate::image) mod segments;
mod standard;
mod window;

use self::coefficients::{Grid, OneScan, Part, Progress};
use self::color::{Output, Rows};
use self::data::{Data, Input};
use self::error::corrupt;
use self::header::{Frame, Reader, Scan};
use self::huffman::Tables;
use self::plain::Plain;
use self::plane::Plane;
use self::window::Window;
use super::limit::check;
use crate::image::error::ImageError;
use crate::image::geometry::area::Area;
use crate::image::geometry::crop::Region;
use crate::image::geometry::interpolation::Interpolation;
use crate::image::pixels::Pixels;
use crate::image::wide::wide;

/// Scans that are read of a file: a progressive one has about ten. It takes few bytes to pass over a large picture once more.
const MOST_SCANS: usize = 500;

/// What is kept from picture to picture.
#[derive(Debug, Default)]
pub(in crate::image) struct Scratch {
    tables: Tables,
    data: Data,
    planes: [Plane; 4],
    grids: [Grid; 4],
    rows: Rows,
}

impl Scratch {
    /// Gives back buffers of more than `limit` bytes.
    pub(in crate::image) fn trim(&mut self, limit: usize) {
        self.data.trim(limit);
        self.planes.iter_mut().for_each(|plane| plane.trim(limit));
        self.grids.iter_mut().for_each(|grid| grid.trim(limit));
    }
}

/// Decodes the whole picture as it is stored, of at most `max_pixels`.
pub(in crate::image) fn decode_whole(
    file: &[u8],
    max_pixels: u64,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let interpolation = Interpolation::default();
    decode(file, interpolation, max_pixels, Area::whole, scratch, into).map(drop)
}

/// Decodes what is needed to resample a part of `file` by `interpolation` into `into`. `choose` is told width and height, which are at
/// most `max_pixels`, and gives the part and the size that it is resampled to; the result is where the part is in `into`.
pub(in crate::image) fn decode(
    file: &[u8],
    interpolation: Interpolation,
    max_pixels: u64,
    choose: impl FnOnce(u32, u32) -> Area,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<Region, ImageError> {
    if !segments::has_end(file) {
        return Err(ImageError::Truncated("JPEG"));
    }
    let part = |width, height| {
        check(width, height, "JPEG", max_pixels)?;
        Ok(choose(width, height))
    };
    decode_part(file, interpolation, part, scratch, into)
}

/// As [`decode`], of a file that may end anywhere.
fn decode_part(
    file: &[u8],
    interpolation: Interpolation,
    choose: impl FnOnce(u32, u32) -> Result<Area, ImageError>,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<Region, ImageError> {
    let (reader, scan) = Reader::open(file, &mut scratch.tables)?;
    let Frame { width, height, .. } = reader.frame;
    let window = Window::new(choose(width, height)?, interpolation, width, height);
    into.resize(window.x.len() as u32, window.y.len() as u32);
    let Scratch {
        tables,
        data,
        planes,
        grids,
        rows,
    } = scratch;
    let output = Output {
        window: &window,
        planes,
        rows,
        into,
    };
    if reader.frame.is_plain(&scan, tables) {
        data.load(scan.data);
        let input = Input {
            frame: &reader.frame,
            scan: &scan,
            tables,
            data,
        };
        wide(Plain { input, output })?;
    } else {
        decode_scans(reader, scan, (tables, data, grids), output)?;
    }
    Ok(window.region)
}

/// Decodes a picture of any number of scans, of which `scan` is the first.
fn decode_scans<'a>(
    mut reader: Reader<'a>,
    mut scan: Scan<'a>,
    (tables, data, grids): (&mut Tables, &mut Data, &mut [Grid]),
    output: Output<'_>,
) -> Result<(), ImageError> {
    for (grid, component) in grids.iter_mut().zip(&reader.frame.components) {
        grid.clear(&reader.frame, component);
    }
    let mut progress = Progress::new(&reader.frame);
    for _ in 0..MOST_SCANS {
        data.load(scan.data);
        let input = Input {
            frame: &reader.frame,
            scan: &scan,
            tables,
            data,
        };
        wide(OneScan { input, grids })?;
        progress.add(&reader.frame, &scan);
        let Some(next) = reader.scan(tables)? else {
            progress.check()?;
            let frame = &reader.frame;
            wide(Part { frame, grids, output });
            return Ok(());
        };
        scan = next;
    }
    Err(corrupt(format!("more than {MOST_SCANS} scans")))
}

#[cfg(test)]
mod tests;
