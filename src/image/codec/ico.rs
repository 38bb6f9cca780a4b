//! ICO: which picture of an icon is read.

use super::format::Format;
use crate::image::error::ImageError;

/// A picture of an icon.
pub(in crate::image) enum Picture<'a> {
    Png(&'a [u8]),
    /// A BMP without its first 14 bytes, and with a mask of transparent places behind it, which its height counts.
    Bitmap(&'a [u8]),
}

/// The largest picture.
pub(in crate::image) fn picture(file: &[u8]) -> Result<Picture<'_>, ImageError> {
    let entry = largest(file).ok_or(ImageError::Truncated("ICO"))?;
    Ok(match Format::of(entry) {
        Ok(Format::Png) => Picture::Png(entry),
        _ => Picture::Bitmap(entry),
    })
}

/// The file from the largest picture on, and of several of one size, the one of fewest colours: what Pillow opens.
pub(in crate::image) fn largest(file: &[u8]) -> Option<&[u8]> {
    let count = usize::from(u16::from_le_bytes(*file.get(4..)?.first_chunk()?));
    let entries = file.get(6..6 + 16 * count)?.as_chunks::<16>().0;
    let rank = |entry: &&[u8; 16]| {
        let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
        let depth = match (u16::from_le_bytes([entry[6], entry[7]]), entry[2]) {
            (0, 0) => 256,
            (0, colors) => u32::from(colors).next_power_of_two().trailing_zeros(),
            (depth, _) => u32::from(depth),
        };
        (side(entry[0]) * side(entry[1]), std::cmp::Reverse(depth))
    };
    // The first of equals.
    let entry = entries.iter().rev().max_by_key(rank)?;
    let &[.., o0, o1, o2, o3] = entry;
    file.get(u32::from_le_bytes([o0, o1, o2, o3]) as usize..)
}
