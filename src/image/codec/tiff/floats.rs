//! A page as `f32`.

use super::error::{NAME, corrupt};
use super::layout::{Colors, Compression, Layout};
use super::page::{layout, place};
use super::unpack;
use crate::image::codec::shares::{Scale, write};
use crate::image::error::ImageError;
use crate::image::pixels::Pixels;

/// Decodes the first page, whole numbers of more than 8 bits as shares of white and floating-point numbers as they are; false, and
/// nothing decoded, where it has no more than 8 bits.
pub(in crate::image) fn decode(
    file: &[u8],
    max_pixels: u64,
    white: Option<u16>,
    channels: usize,
    into: &mut Pixels<f32>,
) -> Result<bool, ImageError> {
    let layout = layout(file, max_pixels, channels == 4, true)?;
    if layout.bits <= 8 {
        return Ok(false);
    }
    if layout.compression == Compression::Jpeg || layout.colors == Colors::YCbCr {
        return Err(ImageError::Unsupported(format!(
            "{NAME} of {} bits in YCbCr",
            layout.bits
        )));
    }
    let (mut page, mut whole, mut floats) = (Vec::new(), Vec::new(), Vec::new());
    page.resize(layout.width as usize * layout.height as usize * layout.used, 0.0);
    let scale = Scale::new(white, layout.bits);
    for index in 0..layout.chunks() {
        let data = layout.data(file, index)?;
        if layout.floats {
            unpack::floats(data, &layout, index, &mut floats)?;
            place(&layout, index, &floats, |value| value, &mut page);
        } else {
            unpack::values(data, &layout, index, &mut whole)?;
            place(&layout, index, &whole, |value| scale.of(value), &mut page);
        }
    }
    if let Some(at) = page.iter().position(|value| !value.is_finite()) {
        let (column, row) = (
            at / layout.used % layout.width as usize,
            at / layout.used / layout.width as usize,
        );
        return Err(corrupt(format!(
            "{} in column {column} of row {row}, which is no number",
            page[at]
        )));
    }
    (into.width, into.height) = (layout.width, layout.height);
    into.levels.clear();
    for pixel in page.chunks_exact(layout.used) {
        let alpha = if layout.alpha { pixel[layout.used - 1] } else { 1.0 };
        write(color(&layout, pixel), alpha, channels, &mut into.levels);
    }
    Ok(true)
}

fn color(layout: &Layout<'_>, pixel: &[f32]) -> [f32; 3] {
    match layout.colors {
        Colors::Grey { inverted } => match straight(pixel, 0, layout.associated) {
            // As Pillow's mode F.
            grey if inverted && !layout.floats => [1.0 - grey; 3],
            grey => [grey; 3],
        },
        Colors::Cmyk => [0, 1, 2].map(|at| (1.0 - pixel[at]) * (1.0 - pixel[3])),
        _ => [0, 1, 2].map(|at| straight(pixel, at, layout.associated)),
    }
}

/// A level that was not multiplied by its pixel's alpha, which is the last of the pixel.
fn straight(pixel: &[f32], at: usize, associated: bool) -> f32 {
    match pixel[pixel.len() - 1] {
        _ if !associated => pixel[at],
        0.0 => 0.0,
        alpha => (pixel[at] / alpha).min(1.0),
    }
}
