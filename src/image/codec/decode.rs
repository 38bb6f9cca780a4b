//! Encoded bytes to RGB pixels.
//!
//! JPEG by our own decoder ([`super::jpeg`]), which decodes no more than the crop needs; TIFF, GIF, BMP and ICO by our own
//! readers, since the crates do not read palettes or differ from Pillow in values; PNG by png and WebP by image-webp, both
//! through the `image` crate. All of it is safe Rust.
//! Every image becomes 8-bit RGB the way Pillow's `convert("RGB")` does it: grey is repeated, palettes are looked up, an
//! alpha channel is dropped (not blended), and CMYK is converted. A stage of one channel has the luma of that, as `convert("L")`, and one of
//! four keeps alpha, as `convert("RGBA")`: 255 where a file has none. Of an animation, a TIFF of several pages or several JPEGs in one
//! file (Pillow's `MPO`) the first picture counts, of an icon the largest. Colour profiles and gamma are not applied, as Hugging Face's `Image` does not apply them
//! either. What is said of 16 bits and of orientation is said at [`Reading`].
//!
//! # Damage
//!
//! A PNG has a checksum on every chunk, and a flipped bit in its pixels is always found. JPEG and WebP have none. Of a
//! JPEG's compressed data the decoder refuses what breaks the code and what ends before the picture does, and files of which
//! scans are missing; what is still a picture, another one, passes, and so does what lies below the crop, where nothing is
//! read (but in progressive files, and others of several scans, which are read to their end). Tolerated are stray
//! bytes between a JPEG's header segments, and anything that is left over after its last pixel or its end marker; a JPEG
//! without its end marker counts as cut off.

use serde::{Deserialize, Serialize};

use super::alpha::Alpha;
use super::format::Format;
use super::levels::Levels;
use super::orientation::Orientation;
use super::{bmp, exif, gif, ico, jpeg, png_webp, tiff};
use crate::error::Error;
use crate::image::error::ImageError;
use crate::image::geometry::area::Area;
use crate::image::geometry::crop::Region;
use crate::image::geometry::interpolation::Interpolation;
use crate::image::pixels::Pixels;

/// How much of a JPEG is decoded. It is part of the fingerprint, because pixels of pictures that shrink differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    /// Only the window of the picture that the crop needs. Where it is resized, at a half, a quarter or an eighth of its size that leaves two
    /// pixels for each one of the output; where it is turned, leans over or bends, at as many eighths as leave 1.2: a little sharper than the mean of the pixels that
    /// are covered, and much faster.
    #[default]
    Window,
    /// The whole picture at its full size.
    Whole,
}

impl Decoder {
    /// What decodes, for fingerprints: decoders of another version may differ by a few levels.
    pub(crate) fn fingerprint(self) -> &'static str {
        match self {
            Self::Window => "window-jpeg 3, png 0.18, image-webp 0.2 via image 0.25, tiff 1, gif 1, bmp 1",
            Self::Whole => "whole-jpeg 2, png 0.18, image-webp 0.2 via image 0.25, tiff 1, gif 1, bmp 1",
        }
    }
}

/// How pictures are read from their files, whatever is done with them then.
///
/// ```
/// use millstream::image::{Image, Reading};
///
/// let large = Reading { max_pixels: 200_000_000, ..Reading::default() };
/// let stage = Image::new(224).reading(large);
/// # stage.check().unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// Pixels, width times height, that a picture may have. Defaults to 67108864 (64 Mi), which is 192 MiB as RGB.
    ///
    /// A larger picture is an error that costs only the reading of its header, so a small file cannot exhaust the memory. It
    /// decides which rows fail, so it is part of fingerprints.
    pub max_pixels: u64,
    /// Turn pictures upright as EXIF (or where that says nothing, XMP) tells. Defaults to true.
    ///
    /// It is read of JPEG, PNG, WebP and TIFF, as Pillow's `exif_transpose` reads it, which Hugging Face's `Image` applies, too.
    /// Width, height and crops are those of the upright picture. EXIF that is broken counts as none.
    pub upright: bool,
    /// The value that is white in pictures of more than eight bits, `255..=65535`; none for the largest that their bits can hold.
    /// Defaults to none.
    ///
    /// A stage of [`Depth::F32`](crate::image::Depth) has shares of it, 1 at most. For others
    /// a level is `floor(256 * value / (white + 1))`, 255 at most: without a white, the upper eight bits. So a camera's 12 bits
    /// in a 16-bit file become levels 0 to 15, unless white is 4095. No picture is stretched by what is in it, which would make
    /// pictures of one set differ; PNG's `sBIT` and TIFF's `MaxSampleValue` do not count, as their standards want it
    /// ([`Facts::used_bits`](crate::image::Facts::used_bits) tells how many bits a picture uses). Pillow's `convert("RGB")`, and with
    /// it Hugging Face, cuts 16-bit grey at 255 instead, which is a white of 255, and takes the upper eight bits of colours.
    pub white: Option<u16>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            max_pixels: 64 << 20,
            upright: true,
            white: None,
        }
    }
}

impl Reading {
    /// Refuses values that no picture can be read with.
    ///
    /// # Errors
    ///
    /// `Config` that names the field, its value and what is allowed.
    pub fn check(&self) -> Result<(), Error> {
        if self.max_pixels == 0 {
            return Err(Error::config("max_pixels is 0, and has to be 1 at least"));
        }
        match self.white {
            Some(white @ ..255) => Err(Error::config(format!(
                "white is {white}, but has to lie in 255..=65535"
            ))),
            _ => Ok(()),
        }
    }
}

/// What a thread keeps between images.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(in crate::image) raw: Vec<u8>,
    jpeg: jpeg::Scratch,
    alpha: Alpha,
}

impl Scratch {
    /// Gives back buffers of more than `limit` bytes.
    pub(in crate::image) fn trim(&mut self, limit: usize) {
        if self.raw.capacity() > limit {
            self.raw = Vec::new();
        }
        self.jpeg.trim(limit);
        self.alpha.trim(limit);
    }
}

impl Scratch {
    /// Makes `channels` of the three that were decoded.
    fn give(&mut self, channels: usize, into: &mut Pixels) {
        match channels {
            1 => into.make_luma(),
            4 => self.alpha.join(into),
            _ => {}
        }
    }
}

/// Decodes into `into`, with 1, 3 or 4 `channels`, what has to be there so that a part of the picture can be resampled by `interpolation`. `choose` is told width and
/// height of the upright picture and gives the part, and the size that it is resampled to; the result is where the part is in `into`,
/// which is upright, too.
pub(in crate::image) fn decode_for(
    encoded: &[u8],
    (decoder, reading, channels): (Decoder, &Reading, usize),
    interpolation: Interpolation,
    choose: impl FnOnce(u32, u32) -> Area,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<Region, ImageError> {
    let format = Format::of(encoded)?;
    let orientation = if reading.upright {
        exif::orientation(format, encoded)
    } else {
        Orientation::default()
    };
    if decoder == Decoder::Window && format == Format::Jpeg {
        let part = |width, height| {
            let (across, down) = orientation.upright((width, height));
            orientation.stored(choose(across, down), (width, height))
        };
        let region = jpeg::decode(
            encoded,
            interpolation,
            reading.max_pixels,
            part,
            &mut scratch.jpeg,
            into,
        )?;
        scratch.alpha.begin(false);
        scratch.give(channels, into);
        return Ok(orientation.turn(into, region));
    }
    let mut levels = Levels::new(reading.white);
    scratch.alpha.begin(channels == 4);
    decode_whole(encoded, reading.max_pixels, &mut levels, scratch, into)?;
    scratch.give(channels, into);
    orientation.turn(into, Region::whole(into.width, into.height));
    Ok(choose(into.width, into.height).region)
}

/// Decodes the whole picture into `into`.
pub(crate) fn decode(
    encoded: &[u8],
    reading: &Reading,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let with = (Decoder::default(), reading, 3);
    decode_for(encoded, with, Interpolation::default(), Area::whole, scratch, into).map(drop)
}

/// Decodes the whole picture as it is stored.
pub(in crate::image) fn decode_whole(
    encoded: &[u8],
    max_pixels: u64,
    levels: &mut Levels,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let Scratch { raw, jpeg, alpha } = scratch;
    match Format::of(encoded)? {
        Format::Jpeg => jpeg::decode_whole(encoded, max_pixels, jpeg, into),
        Format::Png => png_webp::png(encoded, max_pixels, levels, (raw, alpha), into),
        Format::WebP => png_webp::webp(encoded, max_pixels, levels, (raw, alpha), into),
        Format::Gif => gif::decode(encoded, max_pixels, (raw, alpha), into),
        Format::Bmp => bmp::decode(encoded, max_pixels, (raw, alpha), into),
        Format::Tiff => tiff::decode(encoded, max_pixels, levels, (raw, jpeg, alpha), into),
        Format::Ico => match ico::picture(encoded)? {
            ico::Picture::Png(png) => png_webp::png(png, max_pixels, levels, (raw, alpha), into),
            ico::Picture::Bitmap(bitmap) => bmp::decode_icon(bitmap, max_pixels, (raw, alpha), into),
        },
    }
}

impl Pixels {
    /// The picture in a file of any [`Format`], as [`Reading::default`] reads it: upright.
    ///
    /// # Errors
    ///
    /// What is wrong with the file; one of more than 64 Mi pixels is refused by its header.
    pub fn decode(encoded: &[u8]) -> Result<Self, ImageError> {
        Self::decode_with(encoded, &Reading::default())
    }

    /// The picture in a file, read as told.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn decode_with(encoded: &[u8], reading: &Reading) -> Result<Self, ImageError> {
        let mut pixels = Self::default();
        decode(encoded, reading, &mut Scratch::default(), &mut pixels)?;
        Ok(pixels)
    }
}
