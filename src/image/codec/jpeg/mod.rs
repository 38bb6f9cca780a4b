//! JPEG, no more of it than a crop needs.
//!
//! The crop is drawn before an image is decoded, so this decoder knows which part of the picture will be resampled, and how
//! much smaller. Huffman codes have to be read from the start, but
//!
//! - blocks beside and above the part are only passed by, and nothing below it is read;
//! - only the part is transformed, interpolated and converted;
//! - where it will shrink to a quarter or less, blocks are transformed at a half, a quarter or an eighth of their size (see
//!   [`window`]).
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
//! header -> data (unstuffed) -> bits -> coefficients -> planes of levels -> rows of RGB
//! ```

mod blocks;
mod coefficients;
mod color;
mod header;
mod huffman;
mod idct;
pub(in crate::image) mod markers;
mod plane;
mod scan;
mod standard;
mod window;

use std::fmt::Display;

use pulp::NullaryFnOnce;

use self::coefficients::{Grid, OneScan, Part, Progress};
use self::color::Rows;
use self::header::{Frame, Reader, Scan, Tables};
use self::plane::Plane;
use self::scan::Data;
use self::window::Window;
use crate::image::geometry::crop::Region;
use crate::image::wide::wide;
use crate::image::{ImageError, Pixels};

/// What is wrong with the compressed data.
#[derive(Clone, Copy, Debug)]
enum Broken {
    /// Bits that are no code.
    Code,
    /// A run that leads out of its block.
    Run,
    /// Fewer bits, or restart markers, than the picture needs.
    Ended,
}

impl From<Broken> for ImageError {
    fn from(broken: Broken) -> Self {
        let reason = match broken {
            Broken::Code => "bits that are no Huffman code",
            Broken::Run => "a run of zeros leads out of its block",
            Broken::Ended => return Self::Truncated("JPEG"),
        };
        corrupt(reason)
    }
}

fn corrupt(reason: impl Into<String>) -> ImageError {
    ImageError::Corrupt {
        format: "JPEG",
        reason: reason.into(),
    }
}

/// A kind of JPEG that is not read.
fn unread(kind: impl Display) -> ImageError {
    ImageError::Unsupported(format!("JPEG variant ({kind})"))
}

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

/// Decodes what is needed to resample a part of `file` to `size` x `size` pixels into `into`. `choose` is told width and height
/// and gives the part; the result is where that is in `into`.
pub(in crate::image) fn decode(
    file: &[u8],
    size: u32,
    choose: impl FnOnce(u32, u32) -> Result<Region, ImageError>,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<Region, ImageError> {
    let (reader, scan) = Reader::open(file, &mut scratch.tables)?;
    let Frame { width, height, .. } = reader.frame;
    let region = choose(width, height)?;
    let window = Window::new(region, size, width, height);
    into.resize(window.x.len() as u32, window.y.len() as u32);
    if reader.frame.is_plain(&scan, &scratch.tables) {
        scratch.data.load(scan.data);
        wide(Plain {
            frame: &reader.frame,
            scan: &scan,
            tables: &scratch.tables,
            data: &scratch.data,
            window: &window,
            planes: &mut scratch.planes,
            rows: &mut scratch.rows,
            into,
        })?;
    } else {
        decode_scans(reader, scan, &window, scratch, into)?;
    }
    Ok(window.region)
}

/// Decodes a picture of any number of scans, of which `scan` is the first.
fn decode_scans<'a>(
    mut reader: Reader<'a>,
    mut scan: Scan<'a>,
    window: &Window,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let Scratch {
        tables,
        data,
        planes,
        grids,
        rows,
    } = scratch;
    for (grid, component) in grids.iter_mut().zip(&reader.frame.components) {
        grid.clear(&reader.frame, component);
    }
    let mut progress = Progress::new(&reader.frame);
    for _ in 0..MOST_SCANS {
        data.load(scan.data);
        wide(OneScan {
            frame: &reader.frame,
            scan: &scan,
            tables,
            data,
            grids,
        })?;
        progress.add(&reader.frame, &scan);
        scan = match reader.scan(tables)? {
            Some(next) => next,
            None => {
                progress.check()?;
                wide(Part {
                    frame: &reader.frame,
                    grids,
                    window,
                    planes,
                    rows,
                    into,
                });
                return Ok(());
            }
        };
    }
    Err(corrupt(format!("more than {MOST_SCANS} scans")))
}

/// All that is done to the data of a plain picture, compiled for the machine's vector instructions, too: everything below is
/// inlined.
struct Plain<'a> {
    frame: &'a Frame,
    scan: &'a Scan<'a>,
    tables: &'a Tables,
    data: &'a Data,
    window: &'a Window,
    planes: &'a mut [Plane],
    rows: &'a mut Rows,
    into: &'a mut Pixels,
}

impl NullaryFnOnce for Plain<'_> {
    type Output = Result<(), Broken>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self {
            frame,
            scan,
            tables,
            data,
            window,
            planes,
            rows,
            into,
        } = self;
        match window.block {
            8 => scan::decode::<8>(frame, scan, tables, data, window, planes),
            4 => scan::decode::<4>(frame, scan, tables, data, window, planes),
            2 => scan::decode::<2>(frame, scan, tables, data, window, planes),
            _ => scan::decode::<1>(frame, scan, tables, data, window, planes),
        }?;
        color::part(frame.space, planes, window, rows, into);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
