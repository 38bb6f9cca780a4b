//! PNG and WebP, by the crates png and image-webp, both through the `image` crate.

use std::error::Error as _;
use std::io::{Cursor, ErrorKind};

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::error::UnsupportedErrorKind;
use image::{ColorType, ImageDecoder, ImageResult, Limits};

use super::alpha::Alpha;
use super::levels::Levels;
use super::limit::check;
use super::shares::{Scale, write};
use crate::image::error::ImageError;
use crate::image::pixels::Pixels;

/// Decodes a PNG file; `buffers` are kept from picture to picture.
pub(super) fn png(
    file: &[u8],
    max_pixels: u64,
    levels: &mut Levels,
    buffers: (&mut Vec<u8>, &mut Alpha),
    into: &mut Pixels,
) -> Result<(), ImageError> {
    // Apple's own variant, which no one else reads.
    if file.get(12..16) == Some(b"CgBI") {
        return Err(ImageError::Unsupported("PNG of Apple's CgBI variant".to_owned()));
    }
    let decoder = PngDecoder::with_limits(Cursor::new(file), limits(max_pixels));
    read("PNG", decoder, max_pixels, levels, buffers, into)
}

/// Decodes a WebP file; `buffers` are kept from picture to picture.
pub(super) fn webp(
    file: &[u8],
    max_pixels: u64,
    levels: &mut Levels,
    buffers: (&mut Vec<u8>, &mut Alpha),
    into: &mut Pixels,
) -> Result<(), ImageError> {
    read(
        "WebP",
        WebPDecoder::new(Cursor::new(file)),
        max_pixels,
        levels,
        buffers,
        into,
    )
}

/// Room for eight bytes a pixel (16-bit RGBA) and the decoder's own tables.
fn limits(max_pixels: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(8).saturating_add(16 << 20));
    limits
}

/// Decodes a PNG file of 16 bits as shares of white.
pub(super) fn png_floats(
    file: &[u8],
    max_pixels: u64,
    white: Option<u16>,
    channels: usize,
    raw: &mut Vec<u8>,
    into: &mut Pixels<f32>,
) -> Result<(), ImageError> {
    let failed = |e| reason("PNG", &e);
    let decoder = PngDecoder::with_limits(Cursor::new(file), limits(max_pixels));
    let decoder = begun("PNG", decoder, max_pixels)?;
    (into.width, into.height) = decoder.dimensions();
    let color = decoder.color_type();
    raw.resize(decoder.total_bytes() as usize, 0);
    decoder.read_image(raw).map_err(failed)?;
    let (count, apart) = (usize::from(color.channel_count()), usize::from(color.has_color()));
    let scale = Scale::new(white, 16);
    into.levels.clear();
    for pixel in raw.as_chunks().0.chunks_exact(count) {
        let value = |at: usize| u16::from_ne_bytes(pixel[at]);
        let alpha = match color.has_alpha() {
            true => f32::from(value(count - 1)) / f32::from(u16::MAX),
            false => 1.0,
        };
        write(
            [0, 1, 2].map(|at| scale.of(value(at * apart))),
            alpha,
            channels,
            &mut into.levels,
        );
    }
    Ok(())
}

/// A decoder that has read the header of a picture within the limits.
fn begun<D: ImageDecoder>(format: &'static str, decoder: ImageResult<D>, max_pixels: u64) -> Result<D, ImageError> {
    let failed = |e| reason(format, &e);
    let mut decoder = decoder.map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check(width, height, format, max_pixels)?;
    decoder.set_limits(limits(max_pixels)).map_err(failed)?;
    Ok(decoder)
}

fn read(
    format: &'static str,
    decoder: ImageResult<impl ImageDecoder>,
    max_pixels: u64,
    levels: &mut Levels,
    buffers: (&mut Vec<u8>, &mut Alpha),
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let failed = |e| reason(format, &e);
    let decoder = begun(format, decoder, max_pixels)?;
    let (width, height) = decoder.dimensions();
    into.resize(width, height);
    let color = decoder.color_type();
    if color == ColorType::Rgb8 {
        return decoder.read_image(&mut into.levels).map_err(failed);
    }
    let (raw, alpha) = buffers;
    raw.resize(decoder.total_bytes() as usize, 0);
    decoder.read_image(raw).map_err(failed)?;
    to_rgb(raw, color, levels, &mut into.levels);
    if color.has_alpha() {
        keep_alpha(raw, color, alpha);
    }
    Ok(())
}

fn to_rgb(raw: &[u8], color: ColorType, levels: &mut Levels, rgb: &mut [u8]) {
    let channels = usize::from(color.channel_count());
    let apart = usize::from(color.has_color());
    if usize::from(color.bytes_per_pixel()) == channels {
        for (pixel, out) in raw.chunks_exact(channels).zip(rgb.as_chunks_mut::<3>().0) {
            *out = [0, 1, 2].map(|channel| pixel[channel * apart]);
        }
        return;
    }
    let values = raw.as_chunks().0;
    for (pixel, out) in values.chunks_exact(channels).zip(rgb.as_chunks_mut::<3>().0) {
        *out = [0, 1, 2].map(|channel| levels.of(u16::from_ne_bytes(pixel[channel * apart]), 16));
    }
}

/// Alpha is the last channel; of 16 bits, the upper eight.
fn keep_alpha(raw: &[u8], color: ColorType, alpha: &mut Alpha) {
    let (channels, bytes) = (usize::from(color.channel_count()), usize::from(color.bytes_per_pixel()));
    let of = |pixel: &[u8]| match bytes == channels {
        true => pixel[channels - 1],
        false => (u16::from_ne_bytes([pixel[bytes - 2], pixel[bytes - 1]]) >> 8) as u8,
    };
    alpha.keep(raw.chunks_exact(bytes).map(of));
}

/// The decoder's complaint in one line, without the frame that `image` puts around it.
fn reason(format: &'static str, error: &image::ImageError) -> ImageError {
    match error {
        image::ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => ImageError::Truncated(format),
        image::ImageError::Unsupported(e) => ImageError::Unsupported(match e.kind() {
            UnsupportedErrorKind::Color(color) => format!("{format} of {color:?} pixels"),
            UnsupportedErrorKind::GenericFeature(what) => format!("{format} with {what}"),
            _ => format!("{format} of this variant"),
        }),
        image::ImageError::Limits(_) => ImageError::Unsupported(format!(
            "{format} that takes more memory than the limit of pixels allows"
        )),
        _ => {
            let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            ImageError::Corrupt { format, reason }
        }
    }
}
