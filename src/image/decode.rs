//! Encoded bytes to RGB pixels.
//!
//! JPEG by zune-jpeg, PNG by png, WebP by image-webp, all of them through the `image` crate and in safe Rust.
//! Every image becomes 8-bit RGB the way Pillow's `convert("RGB")` does it: grey is repeated, palettes are looked up, an
//! alpha channel is dropped (not blended), and CMYK is converted. Of 16 bits the upper eight count. An orientation in
//! EXIF is *not* applied, as neither Pillow nor torchvision applies it unasked. Of an animation the first frame counts.

use std::error::Error as _;
use std::io::{Cursor, ErrorKind};

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder, ImageFormat, ImageResult, Limits};

use super::{ImageError, Pixels};

/// What decodes, for fingerprints: decoders of another version may differ by a few levels.
pub(crate) const DECODER: &str = "zune-jpeg 0.5, png 0.18, image-webp 0.2 via image 0.25";

/// Pixels that are accepted unless a stage says otherwise: 64 Mpx, 192 MiB as RGB.
pub(crate) const MAX_PIXELS: u64 = 64 << 20;

/// Decodes into `into`; `raw` is a buffer for images that the decoder does not give as 8-bit RGB.
pub(crate) fn decode(encoded: &[u8], max_pixels: u64, raw: &mut Vec<u8>, into: &mut Pixels) -> Result<(), ImageError> {
    let data = Cursor::new(encoded);
    match image::guess_format(encoded) {
        Ok(ImageFormat::Jpeg) if !jpeg_is_whole(encoded) => Err(ImageError::Truncated("JPEG")),
        Ok(ImageFormat::Jpeg) => read("JPEG", JpegDecoder::new(data), max_pixels, raw, into),
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

/// True where the markers of a JPEG file lead to its end-of-image marker.
///
/// The decoder fills what is missing with grey, so a file that was cut has to be found before it. Thumbnails have an end
/// marker of their own, therefore segments are skipped by their length. What this cannot find is damage inside the
/// compressed data: like libjpeg, the decoder goes on as well as it can.
fn jpeg_is_whole(file: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(marker) = next_marker(file, &mut at) else {
            return false;
        };
        match marker {
            0xd9 => return true,
            0x01 | 0xd0..=0xd8 => {}
            _ => match file.get(at..at + 2) {
                Some(length) => at += usize::from(u16::from_be_bytes([length[0], length[1]])),
                None => return false,
            },
        }
    }
}

/// The next marker's code from `at` on, past fill bytes, stuffed zeros and entropy-coded data.
fn next_marker(file: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += file.get(*at..)?.iter().position(|&b| b == 0xff)? + 1;
        match *file.get(*at)? {
            0x00 => *at += 1,
            0xff => {}
            marker => {
                *at += 1;
                return Some(marker);
            }
        }
    }
}
