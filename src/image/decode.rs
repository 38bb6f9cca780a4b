//! Encoded bytes to RGB pixels.
//!
//! JPEG by our own decoder ([`super::jpeg`]), which decodes no more than the crop needs; PNG by png, WebP by image-webp, both
//! through the `image` crate. All of it is safe Rust.
//! Every image becomes 8-bit RGB the way Pillow's `convert("RGB")` does it: grey is repeated, palettes are looked up, an
//! alpha channel is dropped (not blended), and CMYK is converted. Of 16 bits the upper eight count. An orientation in
//! EXIF is *not* applied, as neither Pillow nor torchvision applies it unasked. Of an animation the first frame counts.
//!
//! # Damage
//!
//! A PNG has a checksum on every chunk, and a flipped bit in its pixels is always found. JPEG and WebP have none. Of a
//! JPEG's compressed data the decoder refuses what breaks the code and what ends before the picture does, and files of which
//! scans are missing; what is still a picture, another one, passes, and so does what lies below the crop, where nothing is
//! read (but in progressive files, and others of several scans, which are read to their end). Tolerated are stray
//! bytes between a JPEG's header segments, and anything that is left over after its last pixel or its end marker; a JPEG
//! without its end marker counts as cut off.

use std::error::Error as _;
use std::io::{Cursor, ErrorKind};

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder, ImageFormat, ImageResult, Limits};

use super::crop::Region;
use super::jpeg::{self, markers};
use super::{ImageError, Pixels};

/// How much of a JPEG is decoded. It is part of the fingerprint, because pixels of pictures that shrink differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoder {
    /// Only the window of the picture that the crop needs, and at a reduced size where the output is at most a quarter as
    /// large.
    #[default]
    Window,
    /// The whole picture at its full size.
    Whole,
}

impl Decoder {
    /// What decodes, for fingerprints: decoders of another version may differ by a few levels.
    pub(crate) fn fingerprint(self) -> &'static str {
        match self {
            Self::Window => "window-jpeg 2, png 0.18, image-webp 0.2 via image 0.25",
            Self::Whole => "whole-jpeg 2, png 0.18, image-webp 0.2 via image 0.25",
        }
    }
}

/// What a thread keeps between images.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    raw: Vec<u8>,
    jpeg: jpeg::Scratch,
}

impl Scratch {
    /// Gives back buffers of more than `limit` bytes.
    pub(super) fn trim(&mut self, limit: usize) {
        if self.raw.capacity() > limit {
            self.raw = Vec::new();
        }
        self.jpeg.trim(limit);
    }
}

/// Pixels that are accepted unless a stage says otherwise: 64 Mpx, 192 MiB as RGB.
pub(super) const MAX_PIXELS: u64 = 64 << 20;

/// Decodes into `into` what has to be there so that a part of the picture can be resampled to `size` x `size` pixels. `choose` is
/// told width and height and gives the part; the result is where it is in `into`.
pub(super) fn decode_for(
    encoded: &[u8],
    (decoder, max_pixels): (Decoder, u64),
    size: u32,
    choose: impl Fn(u32, u32) -> Region,
    scratch: &mut Scratch,
    into: &mut Pixels,
) -> Result<Region, ImageError> {
    if decoder == Decoder::Window && encoded.starts_with(&[0xff, 0xd8]) {
        return read_jpeg(encoded, size, max_pixels, choose, &mut scratch.jpeg, into);
    }
    decode_whole(encoded, max_pixels, scratch, into)?;
    Ok(choose(into.width, into.height))
}

/// Decodes the whole picture into `into`, as a stage does that asks for nothing else.
pub(crate) fn decode(encoded: &[u8], scratch: &mut Scratch, into: &mut Pixels) -> Result<(), ImageError> {
    let with = (Decoder::default(), MAX_PIXELS);
    decode_for(encoded, with, u32::MAX, Region::whole, scratch, into).map(drop)
}

/// Decodes the whole picture.
fn decode_whole(encoded: &[u8], max_pixels: u64, scratch: &mut Scratch, into: &mut Pixels) -> Result<(), ImageError> {
    let (data, raw) = (Cursor::new(encoded), &mut scratch.raw);
    match image::guess_format(encoded) {
        Ok(ImageFormat::Jpeg) => {
            read_jpeg(encoded, u32::MAX, max_pixels, Region::whole, &mut scratch.jpeg, into).map(drop)
        }
        Ok(ImageFormat::Png) => read(
            "PNG",
            PngDecoder::with_limits(data, limits(max_pixels)),
            max_pixels,
            raw,
            into,
        ),
        Ok(ImageFormat::WebP) => read("WebP", WebPDecoder::new(data), max_pixels, raw, into),
        Ok(other) => Err(ImageError::Unsupported(format!("{other:?}"))),
        Err(_) => Err(ImageError::NotAnImage(encoded[..encoded.len().min(8)].to_vec())),
    }
}

/// Room for eight bytes a pixel (16-bit RGBA) and the decoder's own tables.
fn limits(max_pixels: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(8).saturating_add(16 << 20));
    limits
}

fn read(
    format: &'static str,
    decoder: ImageResult<impl ImageDecoder>,
    max_pixels: u64,
    raw: &mut Vec<u8>,
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let failed = |e| reason(format, &e);
    let mut decoder = decoder.map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check(width, height, format, max_pixels)?;
    decoder.set_limits(limits(max_pixels)).map_err(failed)?;
    into.resize(width, height);
    let color = decoder.color_type();
    if color == ColorType::Rgb8 {
        return decoder.read_image(&mut into.rgb).map_err(failed);
    }
    raw.resize(decoder.total_bytes() as usize, 0);
    decoder.read_image(raw).map_err(failed)?;
    to_rgb(raw, color, &mut into.rgb);
    Ok(())
}

/// Decodes of a JPEG what has to be there for the part that `choose` gives; the result is where it is in `into`.
fn read_jpeg(
    encoded: &[u8],
    size: u32,
    max_pixels: u64,
    choose: impl Fn(u32, u32) -> Region,
    scratch: &mut jpeg::Scratch,
    into: &mut Pixels,
) -> Result<Region, ImageError> {
    if !markers::has_end(encoded) {
        return Err(ImageError::Truncated("JPEG"));
    }
    let part = |width, height| {
        check(width, height, "JPEG", max_pixels)?;
        Ok(choose(width, height))
    };
    jpeg::decode(encoded, size, part, scratch, into)
}

fn check(width: u32, height: u32, format: &'static str, limit: u64) -> Result<(), ImageError> {
    if u64::from(width) * u64::from(height) > limit {
        return Err(ImageError::TooLarge { width, height, limit });
    }
    if width == 0 || height == 0 {
        let reason = format!("{width} x {height} pixels");
        return Err(ImageError::Corrupt { format, reason });
    }
    Ok(())
}

fn to_rgb(raw: &[u8], color: ColorType, rgb: &mut [u8]) {
    let channels = usize::from(color.channel_count());
    let bytes = usize::from(color.bytes_per_pixel()) / channels;
    let upper = if cfg!(target_endian = "little") { bytes - 1 } else { 0 };
    let apart = if color.has_color() { bytes } else { 0 };
    for (pixel, out) in raw.chunks_exact(channels * bytes).zip(rgb.chunks_exact_mut(3)) {
        for (channel, level) in out.iter_mut().enumerate() {
            *level = pixel[upper + channel * apart];
        }
    }
}

/// The decoder's complaint in one line, without the frame that `image` puts around it.
fn reason(format: &'static str, error: &image::ImageError) -> ImageError {
    match error {
        image::ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => ImageError::Truncated(format),
        image::ImageError::Unsupported(e) => ImageError::Unsupported(format!("{format} variant ({e})")),
        _ => {
            let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            ImageError::Corrupt { format, reason }
        }
    }
}
