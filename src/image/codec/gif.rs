//! GIF: the first picture, as Pillow reads it.
//!
//! The canvas is as large as the screen and the picture together; what the picture leaves free has the transparent colour, or
//! without one the first. Transparent places have their palette's colour, as an alpha channel would be dropped.

use super::alpha::Alpha;
use super::limit::check;
use crate::image::error::ImageError;
use crate::image::pixels::Pixels;

const NAME: &str = "GIF";

const CUT: ImageError = ImageError::Truncated(NAME);

fn corrupt(reason: impl Into<String>) -> ImageError {
    ImageError::Corrupt {
        format: NAME,
        reason: reason.into(),
    }
}

/// The first picture and where it is.
struct Frame<'a> {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    interlaced: bool,
    /// Colours; none for levels of grey.
    palette: Option<&'a [u8]>,
    /// It fills the rest of the canvas; without one, colour 0 does.
    transparent: Option<u8>,
    bits: u8,
    /// Blocks of compressed indices.
    data: &'a [u8],
}

impl Frame<'_> {
    /// Where the `index`th stored row is.
    fn row(&self, index: usize) -> usize {
        match self.interlaced {
            true => interlaced(index, self.height),
            false => index,
        }
    }
}

/// Decodes the first picture; `indices` is a buffer. Transparent places have an alpha of 0.
pub(in crate::image) fn decode(
    file: &[u8],
    max_pixels: u64,
    (indices, alpha): (&mut Vec<u8>, &mut Alpha),
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let screen = screen(file)?;
    let frame = find(file)?;
    let (width, height) = (
        screen[0].max(frame.left + frame.width),
        screen[1].max(frame.top + frame.height),
    );
    check(width as u32, height as u32, NAME, max_pixels)?;
    if frame.width * frame.height == 0 {
        return Err(corrupt(format!("{} x {} pixels", frame.width, frame.height)));
    }
    unpack(&frame, indices)?;
    into.resize(width as u32, height as u32);
    let color = |index: u8| match frame.palette {
        Some(colors) => colors
            .as_chunks::<3>()
            .0
            .get(usize::from(index))
            .copied()
            .unwrap_or_default(),
        None => [index; 3],
    };
    into.levels
        .as_chunks_mut()
        .0
        .fill(color(frame.transparent.unwrap_or(0)));
    for (index, row) in indices.chunks_exact(frame.width).enumerate() {
        let at = (frame.top + frame.row(index)) * width + frame.left;
        let pixels = &mut into.levels.as_chunks_mut().0[at..at + frame.width];
        pixels
            .iter_mut()
            .zip(row)
            .for_each(|(pixel, &index)| *pixel = color(index));
    }
    if let (Some(transparent), true) = (frame.transparent, alpha.is_wanted()) {
        let mut values = vec![0; width * height];
        for (index, row) in indices.chunks_exact(frame.width).enumerate() {
            let at = (frame.top + frame.row(index)) * width + frame.left;
            let places = values[at..].iter_mut().zip(row);
            places.for_each(|(place, &index)| *place = if index == transparent { 0 } else { 255 });
        }
        alpha.keep(values.into_iter());
    }
    Ok(())
}

/// Width and height of the screen.
fn screen(file: &[u8]) -> Result<[usize; 2], ImageError> {
    let sides = file.get(6..10).ok_or(CUT)?;
    Ok([0, 2].map(|at| usize::from(u16::from_le_bytes([sides[at], sides[at + 1]]))))
}

fn find(file: &[u8]) -> Result<Frame<'_>, ImageError> {
    let head = file.get(10..13).ok_or(CUT)?;
    let mut rest = &file[13..];
    let global = palette(head[0], &mut rest)?;
    let mut transparent = None;
    loop {
        let (&block, after) = rest.split_first().ok_or(CUT)?;
        rest = after;
        match block {
            b'!' => {
                let (&kind, after) = rest.split_first().ok_or(CUT)?;
                rest = after;
                let first = skip_blocks(&mut rest)?;
                if let (0xf9, [flags, _, _, index, ..]) = (kind, first) {
                    transparent = (flags & 1 == 1).then_some(*index);
                }
            }
            b',' => {
                let (place, after) = rest.split_first_chunk::<9>().ok_or(CUT)?;
                rest = after;
                let local = palette(place[8], &mut rest)?;
                let (&bits, data) = rest.split_first().ok_or(CUT)?;
                let side = |at: usize| usize::from(u16::from_le_bytes([place[at], place[at + 1]]));
                return Ok(Frame {
                    left: side(0),
                    top: side(2),
                    width: side(4),
                    height: side(6),
                    interlaced: place[8] & 64 != 0,
                    palette: local.or(global),
                    transparent,
                    bits,
                    data,
                });
            }
            b';' => return Err(corrupt("no picture")),
            // Stray bytes between blocks.
            _ => {}
        }
    }
}

/// A palette, where the flags say that there is one.
fn palette<'a>(flags: u8, rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, ImageError> {
    if flags & 128 == 0 {
        return Ok(None);
    }
    let (palette, after) = rest.split_at_checked(6 << (flags & 7)).ok_or(CUT)?;
    *rest = after;
    Ok(Some(palette))
}

/// Passes by blocks up to the empty one, and gives the first.
fn skip_blocks<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ImageError> {
    let mut first = None;
    loop {
        let block = block(rest)?;
        if block.is_empty() {
            return Ok(first.unwrap_or_default());
        }
        first.get_or_insert(block);
    }
}

fn block<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ImageError> {
    let (&length, after) = rest.split_first().ok_or(CUT)?;
    let (block, after) = after.split_at_checked(length.into()).ok_or(CUT)?;
    *rest = after;
    Ok(block)
}

fn unpack(frame: &Frame<'_>, indices: &mut Vec<u8>) -> Result<(), ImageError> {
    // Codes have up to 12 bits, and the first one of more than the indices.
    if !(1..=11).contains(&frame.bits) {
        return Err(corrupt(format!("codes of {} bits", frame.bits)));
    }
    let length = frame.width * frame.height;
    indices.clear();
    indices.resize(length, 0);
    let mut decoder = weezl::decode::Decoder::new(weezl::BitOrder::Lsb, frame.bits);
    let (mut rest, mut written) = (frame.data, 0);
    while written < length {
        let mut data = block(&mut rest)?;
        if data.is_empty() {
            return Err(CUT);
        }
        while !data.is_empty() && written < length {
            let done = decoder.decode_bytes(data, &mut indices[written..]);
            data = &data[done.consumed_in..];
            written += done.consumed_out;
            match done.status {
                Ok(weezl::LzwStatus::Ok) => {}
                Ok(weezl::LzwStatus::NoProgress) => break,
                Ok(weezl::LzwStatus::Done) if written < length => return Err(CUT),
                Ok(weezl::LzwStatus::Done) => {}
                Err(_) => return Err(corrupt("bits that are no LZW code")),
            }
        }
    }
    Ok(())
}

/// The row that is stored as the `index`th of `height`: every eighth, those between them, every second, the rest.
fn interlaced(mut index: usize, height: usize) -> usize {
    for (first, step) in [(0, 8), (4, 8), (2, 4)] {
        let rows = height.saturating_sub(first).div_ceil(step);
        if index < rows {
            return first + index * step;
        }
        index -= rows;
    }
    1 + index * 2
}
