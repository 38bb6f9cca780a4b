//! What the header of a picture says.

use super::chunks::{png_chunks, riff_chunks};
use super::decode::{Reading, Scratch, decode_whole};
use super::format::Format;
use super::ifd::Directory;
use super::jpeg::segments::Segments;
use super::levels::Levels;
use super::{exif, ico};
use crate::image::error::ImageError;
use crate::image::pixels::Pixels;

/// What a picture's file says about it before anything is decoded.
///
/// ```
/// use millstream::image::{Facts, Format, Pixels};
///
/// let file = Pixels::new(500, 400).to_png()?;
/// let facts = Facts::of(&file)?;
/// assert_eq!(facts.format, Format::Png);
/// assert_eq!((facts.width, facts.height, facts.orientation), (500, 400, 1));
/// assert_eq!((facts.channels, facts.bits), (1, 8)); // black is grey
/// # Ok::<(), millstream::image::ImageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The format.
    pub format: Format,
    /// Width in pixels as stored.
    pub width: u32,
    /// Height in pixels as stored.
    pub height: u32,
    /// EXIF's orientation, `1..=8`; 1 where the file gives none. From 5 on, the upright picture has width and height exchanged.
    pub orientation: u8,
    /// Values of a pixel: 1 is grey, 2 grey and alpha, 3 colours, 4 colours and alpha, or CMYK. A palette is looked up, so it
    /// counts as 3.
    pub channels: u8,
    /// Bits of a value, of a palette's entry where there is one: 8 or fewer, or 16.
    pub bits: u8,
}

impl Facts {
    /// Reads the header of `file`.
    ///
    /// # Errors
    ///
    /// The file is no image, is of a format that is not read, or ends within the header. That there are facts does not mean that
    /// the picture can be decoded.
    pub fn of(file: &[u8]) -> Result<Self, ImageError> {
        let format = Format::of(file)?;
        let header = match format {
            Format::Jpeg => jpeg(file),
            Format::Png => png(file),
            Format::WebP => webp(file),
            Format::Gif => gif(file),
            Format::Bmp => file.get(14..).and_then(bmp),
            Format::Tiff => tiff(file),
            Format::Ico => icon(file),
        };
        let ([width, height], channels, bits) = header.ok_or(ImageError::Truncated(format.name()))?;
        Ok(Self {
            format,
            width,
            height,
            orientation: exif::orientation(format, file).number(),
            channels,
            bits,
        })
    }

    /// Bits that the largest value of a picture of more than eight bits needs, up to 16: 12 for a camera's values in a file of
    /// 16 bits. None for other pictures. This decodes the picture.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, or is over the limit of `reading`.
    pub fn used_bits(file: &[u8], reading: &Reading) -> Result<Option<u8>, ImageError> {
        let mut levels = Levels::new(None);
        let (scratch, pixels) = (&mut Scratch::default(), &mut Pixels::default());
        decode_whole(file, reading.max_pixels, &mut levels, scratch, pixels)?;
        Ok(levels.peak.map(|peak| (u16::BITS - peak.leading_zeros()) as u8))
    }

    /// Width and height of the upright picture.
    pub fn upright(&self) -> (u32, u32) {
        match self.orientation {
            5..=8 => (self.height, self.width),
            _ => (self.width, self.height),
        }
    }
}

/// Width and height, channels, bits.
type Header = ([u32; 2], u8, u8);

fn jpeg(file: &[u8]) -> Option<Header> {
    let mut segments = Segments::of(file);
    let frame = segments.before_scan().find(|segment| segment.is_frame())?;
    let &[bits, h1, h0, w1, w0, channels, ..] = frame.data else {
        return None;
    };
    let height = match u16::from_be_bytes([h1, h0]) {
        0 => segments.height_behind_scan()?,
        height => height,
    };
    let width = u16::from_be_bytes([w1, w0]);
    Some(([width.into(), height.into()], channels, bits))
}

fn png(file: &[u8]) -> Option<Header> {
    let (_, header) = png_chunks(file).next().filter(|(name, _)| *name == b"IHDR")?;
    let &[bits, color] = header.get(8..10)? else {
        return None;
    };
    let channels = match color {
        0 => 1,
        4 => 2,
        6 => 4,
        _ => 3,
    };
    let bits = if color == 3 { 8 } else { bits };
    Some(([be(header, 0)?, be(header, 4)?], channels, bits))
}

fn webp(file: &[u8]) -> Option<Header> {
    let mut alpha = false;
    let mut canvas = None;
    for (name, data) in riff_chunks(file) {
        match name {
            b"VP8X" => {
                let &[flags, _, _, _, w0, w1, w2, h0, h1, h2] = data.first_chunk()?;
                alpha = flags & 16 != 0;
                let side = |bytes: [u8; 3]| 1 + u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
                canvas = Some([side([w0, w1, w2]), side([h0, h1, h2])]);
            }
            b"VP8 " => {
                let &[w0, w1, h0, h1] = data.get(6..10)? else {
                    return None;
                };
                let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
                let sides = canvas.unwrap_or([side([w0, w1]), side([h0, h1])]);
                return Some((sides, if alpha { 4 } else { 3 }, 8));
            }
            b"VP8L" => {
                let bits = le(data, 1)?;
                let sides = canvas.unwrap_or([1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)]);
                return Some((sides, if bits >> 28 & 1 == 1 { 4 } else { 3 }, 8));
            }
            b"ANMF" => return Some((canvas?, if alpha { 4 } else { 3 }, 8)),
            _ => {}
        }
    }
    None
}

fn gif(file: &[u8]) -> Option<Header> {
    let &[w0, w1, h0, h1] = file.get(6..10)? else {
        return None;
    };
    let side = |bytes| u32::from(u16::from_le_bytes(bytes));
    Some(([side([w0, w1]), side([h0, h1])], 3, 8))
}

/// From the header on that follows a BMP's first 14 bytes.
fn bmp(header: &[u8]) -> Option<Header> {
    if le(header, 0)? == 12 {
        let &[w0, w1, h0, h1, _, _, depth] = header.get(4..11)? else {
            return None;
        };
        let side = |bytes| u32::from(u16::from_le_bytes(bytes));
        return Some(([side([w0, w1]), side([h0, h1])], 3, if depth == 16 { 5 } else { 8 }));
    }
    let height = le(header, 8)? as i32;
    let bits = if header.get(14..16)? == [16, 0] { 5 } else { 8 };
    Some(([le(header, 4)?, height.unsigned_abs()], 3, bits))
}

fn tiff(file: &[u8]) -> Option<Header> {
    const RGB: u64 = 2;
    const PALETTE: u64 = 3;
    let tags = Directory::first(file)?;
    let side = |tag| tags.value(tag).and_then(|side| u32::try_from(side).ok());
    let photometric = tags.value(262).unwrap_or(0);
    let samples = tags.value(277).unwrap_or(1);
    let bits = tags.value(258).unwrap_or(1);
    let (channels, bits) = match photometric {
        PALETTE => (3, 8),
        RGB => (samples.clamp(3, 4), bits),
        _ => (samples, bits),
    };
    Some((
        [side(256)?, side(257)?],
        channels.try_into().ok()?,
        bits.try_into().ok()?,
    ))
}

fn icon(file: &[u8]) -> Option<Header> {
    let entry = ico::largest(file)?;
    if Format::of(entry) == Ok(Format::Png) {
        return png(entry);
    }
    let ([width, height], ..) = bmp(entry)?;
    let channels = if entry.get(14..16)? == [32, 0] { 4 } else { 3 };
    Some(([width, height / 2], channels, 8))
}

fn be(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

fn le(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
