//! TIFF: the first page, as Pillow reads it.
//!
//! Read are pictures of whole numbers of 1 to 16 bits: grey, RGB, palettes, CMYK and YCbCr at full resolution, with or without
//! further samples; in strips or tiles, interleaved or one plane after the other; as they are or in PackBits, LZW, Deflate,
//! JPEG, or CCITT's group 4. Floating-point numbers of 32 bits are read for stages of `f32`. What is not read is named: signed numbers,
//! L*a*b*, other compressions.
//!
//! No size that a file claims is taken before it is checked: a page takes up to eight bytes a pixel while it is decoded, and a
//! strip or tile two bytes a sample beside its own, up to a limit.
//!
//! ```text
//! tags -> layout -> strip or tile: bytes -> values -> levels, all samples of a pixel side by side -> RGB
//! ```

mod error;
pub(in crate::image) mod floats;
mod layout;
mod page;
mod unpack;

use self::error::corrupt;
use self::layout::{Colors, Compression, Layout};
use self::page::{layout, place};
use super::alpha::Alpha;
use super::jpeg;
use super::levels::Levels;
use crate::image::error::ImageError;
use crate::image::pixels::Pixels;

/// Decodes the first page; `raw` is a buffer, and so is what JPEG keeps.
pub(in crate::image) fn decode(
    file: &[u8],
    max_pixels: u64,
    levels: &mut Levels,
    (raw, scratch, alpha): (&mut Vec<u8>, &mut jpeg::Scratch, &mut Alpha),
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let layout = layout(file, max_pixels, alpha.is_wanted(), false)?;
    // All levels of the page, and what one strip or tile holds.
    let (page, mut values) = (raw, Vec::new());
    page.clear();
    page.resize(layout.width as usize * layout.height as usize * layout.used, 0);
    for index in 0..layout.chunks() {
        let data = layout.data(file, index)?;
        if layout.compression == Compression::Jpeg {
            let picture = unpack::jpeg(data, &layout)?;
            let mut part = Pixels::default();
            jpeg::decode_whole(&picture, max_pixels, scratch, &mut part)?;
            place_jpeg(&layout, index, &part, page)?;
        } else {
            unpack::values(data, &layout, index, &mut values)?;
            let palette = matches!(layout.colors, Colors::Palette(_));
            let level = |value: u16| match layout.bits {
                _ if palette => value as u8,
                bits @ ..8 => (u32::from(value) * 255 / ((1 << bits) - 1)) as u8,
                8 => value as u8,
                bits => levels.of(value, bits),
            };
            place(&layout, index, &values, level, page);
        }
    }
    into.resize(layout.width, layout.height);
    to_rgb(&layout, page, &mut into.levels);
    if layout.alpha {
        alpha.keep(page.chunks_exact(layout.used).map(|pixel| pixel[layout.used - 1]));
    }
    Ok(())
}

/// Puts a strip or tile that was a JPEG in its place.
fn place_jpeg(layout: &Layout<'_>, index: usize, part: &Pixels, page: &mut [u8]) -> Result<(), ImageError> {
    let area = layout.area(index);
    if (part.width as usize) < area.width || (part.height as usize) < area.height {
        return Err(corrupt(format!(
            "a JPEG of {} x {} pixels in place of {} x {}",
            part.width, part.height, area.width, area.height
        )));
    }
    for (y, row) in part.levels.chunks_exact(part.stride()).take(area.height).enumerate() {
        let to = ((area.top + y) * layout.width as usize + area.left) * layout.used;
        let pixels = row.chunks_exact(3).take(area.width);
        for (pixel, to) in pixels.zip(page[to..].chunks_exact_mut(layout.used)) {
            to.copy_from_slice(&pixel[..layout.used]);
        }
    }
    Ok(())
}

fn to_rgb(layout: &Layout<'_>, page: &[u8], rgb: &mut [u8]) {
    let pixels = page.chunks_exact(layout.used).zip(rgb.as_chunks_mut::<3>().0);
    match &layout.colors {
        // JPEG has made RGB of it.
        Colors::YCbCr if layout.compression == Compression::Jpeg => rgb.copy_from_slice(page),
        Colors::Grey { inverted } => {
            let flip = if *inverted { 255 } else { 0 };
            pixels.for_each(|(from, to)| *to = [straight(from, 0, layout.associated) ^ flip; 3]);
        }
        Colors::Rgb => pixels.for_each(|(from, to)| *to = [0, 1, 2].map(|at| straight(from, at, layout.associated))),
        Colors::Palette(palette) => pixels.for_each(|(from, to)| {
            *to = palette.get(usize::from(from[0])).copied().unwrap_or_default();
        }),
        Colors::Cmyk => pixels.for_each(|(from, to)| *to = cmyk(from)),
        Colors::YCbCr => pixels.for_each(|(from, to)| *to = ycbcr(from)),
    }
}

/// A level that was not multiplied by its pixel's alpha, which is the last of the pixel.
fn straight(pixel: &[u8], at: usize, associated: bool) -> u8 {
    match pixel[pixel.len() - 1] {
        _ if !associated => pixel[at],
        0 => 0,
        alpha => (u32::from(pixel[at]) * 255 / u32::from(alpha)).min(255) as u8,
    }
}

/// Pillow's conversion, which knows no profile.
fn cmyk(pixel: &[u8]) -> [u8; 3] {
    let white = 255 - i32::from(pixel[3]);
    [0, 1, 2].map(|at| {
        let product = i32::from(pixel[at]) * white + 128;
        (white - (((product >> 8) + product) >> 8)).clamp(0, 255) as u8
    })
}

/// JFIF's conversion, in Pillow's fixed point.
fn ycbcr(pixel: &[u8]) -> [u8; 3] {
    let [y, cb, cr] = [0, 1, 2].map(|at| i32::from(pixel[at]));
    let (cb, cr) = (cb - 128, cr - 128);
    let scaled = |factor: f64, by: i32| (factor * f64::from(by) * 64.0 + 0.5) as i32;
    let level = |sum: i32| (y + (sum >> 6)).clamp(0, 255) as u8;
    [
        level(scaled(1.402, cr)),
        level(scaled(-0.34414, cb) + scaled(-0.71414, cr)),
        level(scaled(1.772, cb)),
    ]
}
