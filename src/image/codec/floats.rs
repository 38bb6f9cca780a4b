//! Encoded bytes to `f32`, without a loss where a file has more than 8 bits.

use super::decode::{Decoder, Reading, Scratch, decode_for};
use super::facts::Facts;
use super::format::Format;
use super::orientation::Orientation;
use super::{exif, png_webp, tiff};
use crate::image::error::ImageError;
use crate::image::geometry::area::Area;
use crate::image::geometry::crop::Region;
use crate::image::geometry::interpolation::Interpolation;
use crate::image::level::Level;
use crate::image::pixels::Pixels;

/// As [`decode_for`], as `f32`: of PNG and TIFF of more than 8 bits all of them, of other files 255 as 1. `levels` is a buffer.
pub(in crate::image) fn decode_floats(
    encoded: &[u8],
    (decoder, reading, channels): (Decoder, &Reading, usize),
    interpolation: Interpolation,
    choose: impl FnOnce(u32, u32) -> Area,
    (scratch, levels): (&mut Scratch, &mut Pixels),
    into: &mut Pixels<f32>,
) -> Result<Region, ImageError> {
    let format = Format::of(encoded)?;
    let max_pixels = reading.max_pixels;
    let is_deep = match format {
        Format::Png if Facts::of(encoded)?.bits > 8 => {
            png_webp::png_floats(encoded, max_pixels, reading.white, channels, &mut scratch.raw, into)?;
            true
        }
        Format::Tiff => tiff::floats::decode(encoded, max_pixels, reading.white, channels, into)?,
        _ => false,
    };
    if !is_deep {
        let with = (decoder, reading, channels);
        let region = decode_for(encoded, with, interpolation, choose, scratch, levels)?;
        into.convert(levels, f32::of);
        return Ok(region);
    }
    let orientation = match reading.upright {
        true => exif::orientation(format, encoded),
        false => Orientation::default(),
    };
    orientation.turn(into, Region::whole(into.width, into.height));
    Ok(choose(into.width, into.height).region)
}
