//! What the tags say of how a page is stored.

use super::error::{NAME, corrupt};
use crate::image::codec::ifd::Directory;
use crate::image::error::ImageError;

/// Samples of a pixel that a file may have, as in Pillow.
const SAMPLES: u64 = 6;

/// How a page is stored; checked to hang together, except for the sizes themselves.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of a sample: 1, 2, 4, 8, 12, 16; 32 of floating-point numbers.
    pub(super) bits: u8,
    /// Samples are floating-point numbers.
    pub(super) floats: bool,
    /// Samples of a pixel in the file.
    pub(super) samples: usize,
    /// Those of them that are looked at, the first ones: the colours, and alpha where they were multiplied by it.
    pub(super) used: usize,
    /// Alpha is wanted, and there is one: the last of those that are looked at.
    pub(super) alpha: bool,
    /// Colours were multiplied by alpha.
    pub(super) associated: bool,
    pub(super) colors: Colors,
    pub(super) compression: Compression,
    /// Values are differences to those on the left; of floating-point numbers, their bytes are, all first bytes of a row coming first.
    pub(super) differences: bool,
    /// The lowest bit of a byte is its first pixel.
    pub(super) reversed: bool,
    /// 16-bit values are stored lowest byte first.
    pub(super) little: bool,
    /// Width and height of a strip or tile.
    pub(super) chunk: [u32; 2],
    /// JPEG's tables, which its strips share.
    pub(super) tables: Option<&'a [u8]>,
    /// A plane for each sample.
    planar: bool,
    tiled: bool,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

/// What the samples mean.
#[derive(Debug, PartialEq)]
pub(super) enum Colors {
    Grey {
        /// 0 is white.
        inverted: bool,
    },
    Rgb,
    Palette(Vec<[u8; 3]>),
    Cmyk,
    YCbCr,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Compression {
    None,
    Group4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
}

/// Where a strip or tile is in the page, cut to it.
pub(super) struct Area {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// The sample that it holds, if it does not hold all.
    pub(super) plane: Option<usize>,
}

fn unsupported(what: impl std::fmt::Display) -> ImageError {
    ImageError::Unsupported(format!("TIFF {what}"))
}

impl<'a> Layout<'a> {
    /// `alpha` is whether it is wanted, `floats` whether floating-point numbers are.
    pub(super) fn read(file: &'a [u8], alpha: bool, floats: bool) -> Result<Self, ImageError> {
        let tags = Directory::first(file).filter(Directory::is_whole);
        let tags = tags.ok_or(ImageError::Truncated(NAME))?;
        let number = |tag, default| tags.value(tag).unwrap_or(default);
        let side = |tag, name: &str| {
            let side = tags.value(tag).and_then(|side| u32::try_from(side).ok());
            side.ok_or_else(|| corrupt(format!("no {name}")))
        };
        let (width, height) = (side(256, "width")?, side(257, "height")?);
        let compression = compression(number(259, 1))?;
        let photometric = number(262, 0);
        let samples = number(277, 1);
        let (bits, format) = (number(258, 1), number(339, 1));
        let differing = |tag, value| {
            tags.values(tag)
                .is_some_and(|mut values| values.any(|other| other != value))
        };
        match format {
            1 | 4 => {}
            3 if floats => {}
            2 => return Err(unsupported("of signed numbers")),
            3 => return Err(unsupported("of floating-point numbers, but for stages of Depth::F32,")),
            _ => return Err(unsupported("of complex numbers")),
        }
        let floats = format == 3;
        let is_known = match floats {
            true => bits == 32,
            false => matches!(bits, 1 | 2 | 4 | 8 | 12 | 16),
        };
        if !is_known || differing(258, bits) {
            let all: Vec<u64> = tags.values(258).map(Iterator::collect).unwrap_or_default();
            let kind = if floats { "floating-point numbers of " } else { "" };
            return Err(unsupported(format!("of {kind}{all:?} bits a sample")));
        }
        if samples == 0 || samples > SAMPLES {
            return Err(unsupported(format!("with {samples} samples a pixel")));
        }
        let (samples, bits) = (samples as usize, bits as u8);
        let colors = match photometric {
            0 | 1 => Colors::Grey {
                inverted: photometric == 0,
            },
            2 => Colors::Rgb,
            3 => palette(&tags, bits)?,
            5 => Colors::Cmyk,
            6 if samples == 1 => Colors::Grey { inverted: false },
            6 => Colors::YCbCr,
            other => return Err(unsupported(format!("in {}", photometric_name(other)))),
        };
        let needed = match colors {
            Colors::Grey { .. } | Colors::Palette(_) => 1,
            Colors::Rgb | Colors::YCbCr => 3,
            Colors::Cmyk => 4,
        };
        if samples < needed {
            return Err(corrupt(format!("{samples} samples a pixel in place of {needed}")));
        }
        if colors == Colors::YCbCr && compression != Compression::Jpeg {
            let halved = tags.values(530).map_or_else(Vec::new, Iterator::collect);
            if halved.iter().any(|&factor| factor != 1) {
                return Err(unsupported("in YCbCr of reduced resolution, unless it is in JPEG,"));
            }
        }
        let associated = number(338, 0) == 1 && samples > needed && matches!(colors, Colors::Grey { .. } | Colors::Rgb);
        // Without a word on what a fourth sample is, Pillow takes it for alpha, too.
        let has_alpha = match tags.value(338) {
            Some(kind) => matches!(kind, 1 | 2) && samples > needed && colors != Colors::Cmyk,
            None => colors == Colors::Rgb && samples == 4,
        };
        let alpha = alpha && has_alpha;
        let mut layout = Self {
            width,
            height,
            bits,
            floats,
            samples,
            used: needed + usize::from(associated || alpha),
            alpha,
            associated,
            colors,
            compression,
            differences: match number(317, 1) {
                1 => false,
                2 if !floats => true,
                3 if floats => true,
                other => return Err(unsupported(format!("with predictor {other}"))),
            },
            reversed: number(266, 1) == 2,
            little: tags.little(),
            chunk: [width, height],
            tables: tags.bytes(347),
            planar: number(284, 1) == 2 && samples > 1,
            tiled: tags.value(324).is_some(),
            offsets: Vec::new(),
            lengths: Vec::new(),
        };
        layout.check()?;
        layout.find_chunks(&tags)?;
        Ok(layout)
    }

    /// Refuses combinations that are not read.
    fn check(&self) -> Result<(), ImageError> {
        match self.compression {
            Compression::Group4 if (self.bits, self.samples) != (1, 1) => {
                Err(corrupt("CCITT compression of more than one bit a pixel"))
            }
            Compression::Jpeg if self.bits != 8 || self.planar || !matches!(self.samples, 1 | 3) => {
                Err(unsupported("in JPEG of other than 8-bit grey or three colours"))
            }
            Compression::Jpeg if matches!(self.colors, Colors::Palette(_)) => {
                Err(corrupt("JPEG compression of a palette's indices"))
            }
            Compression::Lzw | Compression::Deflate if self.differences && !matches!(self.bits, 8 | 16 | 32) => {
                Err(unsupported(format!("with differences of {} bits", self.bits)))
            }
            _ => Ok(()),
        }
    }

    fn find_chunks(&mut self, tags: &Directory<'_>) -> Result<(), ImageError> {
        let short = |tag, name: &str| {
            let side = tags.value(tag).filter(|&side| side > 0);
            side.map(|side| side.min(u32::MAX.into()) as u32)
                .ok_or_else(|| corrupt(format!("no {name}")))
        };
        let (offsets, lengths) = if self.tiled {
            self.chunk = [short(322, "width of tiles")?, short(323, "height of tiles")?];
            (324, 325)
        } else {
            let rows = tags.value(278).unwrap_or(u64::MAX);
            self.chunk[1] = u64::from(self.height).min(rows.max(1)) as u32;
            (273, 279)
        };
        let list = |tag| tags.values(tag).map(Iterator::collect).unwrap_or_default();
        (self.offsets, self.lengths) = (list(offsets), list(lengths));
        let needed = self.across().saturating_mul(self.down());
        let needed = needed.saturating_mul(if self.planar { self.samples as u64 } else { 1 });
        if (self.offsets.len() as u64) < needed {
            return Err(corrupt(format!(
                "{} strips or tiles in place of {needed}",
                self.offsets.len()
            )));
        }
        self.offsets.truncate(needed as usize);
        Ok(())
    }

    fn across(&self) -> u64 {
        u64::from(self.width.div_ceil(self.chunk[0].max(1)))
    }

    fn down(&self) -> u64 {
        u64::from(self.height.div_ceil(self.chunk[1].max(1)))
    }

    /// Strips or tiles.
    pub(super) fn chunks(&self) -> usize {
        self.offsets.len()
    }

    pub(super) fn samples_in_chunk(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Bytes of a row of a strip or tile once it is unpacked.
    pub(super) fn row_bytes(&self) -> u64 {
        (u64::from(self.chunk[0]) * self.samples_in_chunk() as u64 * u64::from(self.bits)).div_ceil(8)
    }

    /// Bytes that a whole strip or tile takes as values.
    pub(super) fn chunk_bytes(&self) -> u64 {
        let pixels = u64::from(self.chunk[0]) * u64::from(self.chunk[1]);
        pixels.saturating_mul(self.samples_in_chunk() as u64 * if self.floats { 4 } else { 2 })
    }

    pub(super) fn area(&self, index: usize) -> Area {
        let (across, down) = (self.across() as usize, self.down() as usize);
        let [width, height] = self.chunk.map(|side| side as usize);
        let (left, top) = (index % across * width, index / across % down * height);
        Area {
            left,
            top,
            width: width.min(self.width as usize - left),
            height: height.min(self.height as usize - top),
            plane: self.planar.then(|| index / across / down),
        }
    }

    /// Rows that are stored of a strip or tile: the last strip ends with the page, tiles are always whole.
    pub(super) fn rows(&self, index: usize) -> usize {
        if self.tiled {
            self.chunk[1] as usize
        } else {
            self.area(index).height
        }
    }

    /// The bytes of a strip or tile. Of one that is not compressed, its size is known, whatever the file says.
    pub(super) fn data<'f>(&self, file: &'f [u8], index: usize) -> Result<&'f [u8], ImageError> {
        let cut = || ImageError::Truncated(NAME);
        let start = usize::try_from(self.offsets[index]).map_err(|_| cut())?;
        let rest = file.get(start..).ok_or_else(cut)?;
        let length = match self.compression {
            Compression::None => self.row_bytes().saturating_mul(self.rows(index) as u64),
            _ => *self.lengths.get(index).ok_or_else(|| corrupt("no lengths of strips"))?,
        };
        usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length))
            .ok_or_else(cut)
    }
}

fn compression(number: u64) -> Result<Compression, ImageError> {
    Ok(match number {
        1 => Compression::None,
        4 => Compression::Group4,
        5 => Compression::Lzw,
        7 => Compression::Jpeg,
        8 | 32946 => Compression::Deflate,
        32773 => Compression::PackBits,
        2 => return Err(unsupported("with CCITT run lengths")),
        3 => return Err(unsupported("with CCITT group 3")),
        6 => return Err(unsupported("with JPEG of the old kind")),
        33003 | 33005 | 34712 => return Err(unsupported("with JPEG 2000")),
        34925 => return Err(unsupported("with LZMA")),
        50000 => return Err(unsupported("with Zstandard")),
        50001 => return Err(unsupported("with WebP")),
        other => return Err(unsupported(format!("with compression {other}"))),
    })
}

fn photometric_name(number: u64) -> String {
    match number {
        4 => "a transparency mask".to_owned(),
        8..=10 => "L*a*b*".to_owned(),
        32803 => "a camera's raw colours".to_owned(),
        32844 | 32845 => "LogLuv".to_owned(),
        other => format!("photometric interpretation {other}"),
    }
}

/// The colours, of which the upper eight bits count.
fn palette(tags: &Directory<'_>, bits: u8) -> Result<Colors, ImageError> {
    let count = 1 << bits;
    let all: Vec<u64> = tags.values(320).map(Iterator::collect).unwrap_or_default();
    if bits > 8 || all.len() < 3 * count {
        return Err(corrupt(format!("a palette of {} values for {bits} bits", all.len())));
    }
    let level = |at: usize| (all[at] >> 8) as u8;
    Ok(Colors::Palette(
        (0..count)
            .map(|at| [level(at), level(at + count), level(at + 2 * count)])
            .collect(),
    ))
}
