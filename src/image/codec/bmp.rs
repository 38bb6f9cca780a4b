//! BMP, as a file and as the bitmaps in icons.
//!
//! Read are 1 to 8 bits with a palette, also run-length encoded, and 16, 24 and 32 bits with any masks. Values of fewer than eight
//! bits are scaled and rounded down, and places that runs leave out have the palette's first colour: as in Pillow.

use super::alpha::Alpha;
use super::limit::check;
use crate::image::error::ImageError;
use crate::image::pixels::Pixels;

const CUT: fn(&'static str) -> ImageError = ImageError::Truncated;

/// What the header says.
struct Header<'a> {
    width: u32,
    height: u32,
    top_down: bool,
    bits: u16,
    runs: bool,
    /// Red, green, blue of 16 and 32 bits.
    masks: [u32; 3],
    /// Alpha of 16 and 32 bits; 0 where there is none.
    alpha: u32,
    /// Blue, green, red and perhaps a fourth byte of each colour.
    palette: &'a [u8],
    color: usize,
    /// What follows the header and the palette.
    start: usize,
}

/// Decodes a BMP file; `indices` is a buffer. Only files that say where it is have alpha, as in Pillow.
pub(in crate::image) fn decode(
    file: &[u8],
    max_pixels: u64,
    buffers: (&mut Vec<u8>, &mut Alpha),
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let header = Header::read(file, 14, "BMP")?;
    let offset = le(file, 10).ok_or(CUT("BMP"))? as usize;
    // Some writers forget that there is a palette.
    let end = 14 + le(file, 14).unwrap_or(0) as usize;
    let start = match offset {
        0 => header.start,
        _ if offset == end && header.bits <= 8 => header.start,
        _ => offset,
    };
    draw(
        &header,
        file.get(start..).unwrap_or_default(),
        "BMP",
        max_pixels,
        buffers,
        into,
    )
}

/// Decodes the bitmap of an icon, whose height counts its mask, too. Alpha is that of 32 bits, or else the mask.
pub(in crate::image) fn decode_icon(
    bitmap: &[u8],
    max_pixels: u64,
    (indices, alpha): (&mut Vec<u8>, &mut Alpha),
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let mut header = Header::read(bitmap, 0, "ICO")?;
    header.height /= 2;
    if header.bits == 32 {
        header.alpha = 0xff00_0000;
    }
    let data = bitmap.get(header.start..).unwrap_or_default();
    draw(&header, data, "ICO", max_pixels, (indices, alpha), into)?;
    if header.bits == 32 || !alpha.is_wanted() {
        return Ok(());
    }
    let (width, height) = (header.width as usize, header.height as usize);
    let padded = |bits: usize| bits.div_ceil(8).next_multiple_of(4);
    let (start, stride) = (padded(width * usize::from(header.bits)) * height, padded(width));
    let mask = data.get(start..).filter(|mask| mask.len() >= stride * height);
    let mask = mask.ok_or(CUT("ICO"))?;
    let clear = |place: usize| {
        let (x, y) = (place % width, header.row(place / width));
        mask[y * stride + x / 8] >> (7 - x % 8) & 1 == 1
    };
    alpha.keep((0..width * height).map(|place| if clear(place) { 0 } else { 255 }));
    Ok(())
}

impl<'a> Header<'a> {
    fn read(file: &'a [u8], at: usize, format: &'static str) -> Result<Self, ImageError> {
        let cut = || CUT(format);
        let unsupported = |what: String| Err(ImageError::Unsupported(format!("{format} with {what}")));
        let size = le(file, at).ok_or_else(cut)? as usize;
        let long = match size {
            12 => false,
            40 | 52 | 56 | 64 | 108 | 124 => true,
            _ => return unsupported(format!("a header of {size} bytes")),
        };
        let head = file.get(at..at + size).ok_or_else(cut)?;
        let short = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (width, height, bits, compression, colors) = if long {
            (word(4), word(8) as i32, short(14), word(16), word(32))
        } else {
            (short(4).into(), short(6).into(), short(10), 0, 0)
        };
        if !matches!(bits, 1 | 2 | 4 | 8 | 16 | 24 | 32) {
            return unsupported(format!("{bits} bits a pixel"));
        }
        let mut masks = match bits {
            16 => [0x7c00, 0x3e0, 0x1f],
            _ => [0xff_0000, 0xff00, 0xff],
        };
        let mut start = at + size;
        let mut alpha = 0;
        match (compression, bits) {
            (0, _) | (1, 8) | (2, 4) => {}
            (3, 16 | 32) if size != 64 => {
                // Inside of long headers, behind short ones.
                let place = file.get(at + 40..at + 52).ok_or_else(cut)?;
                let told = [0, 4, 8].map(|at| le(place, at).unwrap_or(0));
                if told != [0; 3] {
                    masks = told;
                }
                start = start.max(at + 52);
                if size >= 56 {
                    alpha = word(52);
                }
            }
            (1 | 2, _) => return unsupported(format!("runs of {bits} bits a pixel")),
            (4, _) => return unsupported("JPEG in it".to_owned()),
            (5, _) => return unsupported("PNG in it".to_owned()),
            (other, _) => return unsupported(format!("compression {other} of {bits} bits a pixel")),
        }
        let color = if long { 4 } else { 3 };
        let mut palette = &[][..];
        if bits <= 8 {
            let colors = if colors == 0 { 1 << bits } else { colors as usize };
            let end = start.saturating_add(colors.saturating_mul(color));
            palette = file.get(start..end).ok_or_else(cut)?;
            start = end;
        }
        Ok(Self {
            width,
            height: height.unsigned_abs(),
            top_down: height < 0,
            bits,
            runs: matches!(compression, 1 | 2),
            masks,
            alpha,
            palette,
            color,
            start,
        })
    }

    fn color(&self, index: usize) -> [u8; 3] {
        let color = self.palette.get(index * self.color..).and_then(<[u8]>::first_chunk);
        color.map_or([0; 3], |&[blue, green, red]| [red, green, blue])
    }

    /// Where the `index`th stored row is.
    fn row(&self, index: usize) -> usize {
        if self.top_down {
            index
        } else {
            self.height as usize - 1 - index
        }
    }
}

fn draw(
    header: &Header<'_>,
    data: &[u8],
    format: &'static str,
    max_pixels: u64,
    (indices, alpha): (&mut Vec<u8>, &mut Alpha),
    into: &mut Pixels,
) -> Result<(), ImageError> {
    check(header.width, header.height, format, max_pixels)?;
    let (width, height) = (header.width as usize, header.height as usize);
    if header.runs {
        indices.clear();
        indices.resize(width * height, 0);
        runs(data, width, header.bits == 4, indices).ok_or(CUT(format))?;
    }
    let bits = usize::from(header.bits);
    let stored = (width * bits).div_ceil(8);
    let stride = stored.next_multiple_of(4);
    // The last row may lack its padding.
    if !header.runs && data.len() < stride * (height - 1) + stored {
        return Err(CUT(format));
    }
    into.resize(header.width, header.height);
    let channels = header.masks.map(Channel::new);
    for index in 0..height {
        let out = into
            .levels
            .as_chunks_mut::<3>()
            .0
            .chunks_exact_mut(width)
            .nth(header.row(index));
        let Some(out) = out else { continue };
        if header.runs {
            let row = &indices[index * width..][..width];
            out.iter_mut()
                .zip(row)
                .for_each(|(out, &index)| *out = header.color(index.into()));
            continue;
        }
        let row = &data[index * stride..][..stored];
        match bits {
            16 => out.iter_mut().zip(row.as_chunks().0).for_each(|(out, &two)| {
                let value = u16::from_le_bytes(two).into();
                *out = channels.map(|channel| channel.level(value));
            }),
            24 => out
                .iter_mut()
                .zip(row.as_chunks().0)
                .for_each(|(out, &[blue, green, red])| {
                    *out = [red, green, blue];
                }),
            32 => out.iter_mut().zip(row.as_chunks().0).for_each(|(out, &four)| {
                let value = u32::from_le_bytes(four);
                *out = channels.map(|channel| channel.level(value));
            }),
            _ => out.iter_mut().enumerate().for_each(|(x, out)| {
                let byte = usize::from(row[x * bits / 8]);
                *out = header.color(byte >> (8 - bits - x * bits % 8) & ((1 << bits) - 1));
            }),
        }
    }
    if header.alpha != 0 && matches!(bits, 16 | 32) {
        let channel = Channel::new(header.alpha);
        let value = |place: usize| {
            let at = header.row(place / width) * stride + place % width * bits / 8;
            let [low, high] = [data[at], data[at + 1]].map(u32::from);
            let upper = if bits == 32 {
                u32::from(data[at + 2]) | u32::from(data[at + 3]) << 8
            } else {
                0
            };
            low | high << 8 | upper << 16
        };
        alpha.keep((0..width * height).map(|place| channel.level(value(place))));
    }
    Ok(())
}

/// The bits of a pixel that hold one colour.
#[derive(Clone, Copy)]
struct Channel {
    shift: u32,
    most: u32,
}

impl Channel {
    fn new(mask: u32) -> Self {
        let shift = mask.trailing_zeros() % 32;
        Self {
            shift,
            most: mask >> shift,
        }
    }

    fn level(self, pixel: u32) -> u8 {
        let value = u64::from(pixel >> self.shift & self.most);
        (value * 255).checked_div(self.most.into()).unwrap_or(0) as u8
    }
}

/// Runs of equal indices, and literal ones; none where they end before the picture and do not say so.
fn runs(mut data: &[u8], width: usize, four: bool, indices: &mut [u8]) -> Option<()> {
    // `x` may stand past the last column, where a row was filled and did not end yet.
    let (mut at, mut x) = (0, 0);
    while at < indices.len() {
        let (&[count, value], rest) = data.split_first_chunk()?;
        data = rest;
        match (count, value) {
            (0, 0) => {
                at = at.next_multiple_of(width);
                x = 0;
            }
            (0, 1) => return Some(()),
            (0, 2) => {
                let (&[right, up], rest) = data.split_first_chunk()?;
                data = rest;
                at += usize::from(right) + usize::from(up) * width;
                x = at % width;
            }
            (0, literal) => {
                let count = usize::from(literal);
                let bytes = if four { count.div_ceil(2) } else { count };
                let (values, rest) = data.split_at_checked(bytes)?;
                // Literals take an even number of bytes.
                data = rest.get(bytes & 1..).unwrap_or_default();
                let places = indices[at..].iter_mut().take(count);
                places
                    .enumerate()
                    .for_each(|(i, place)| *place = index(values, i, four));
                (at, x) = (at + count, x + count);
            }
            (count, _) => {
                let count = usize::from(count).min(width.saturating_sub(x));
                // Of two values of four bits, one and the other in turn.
                let turn = if four { [value >> 4, value & 15] } else { [value; 2] };
                let places = indices[at..].iter_mut().take(count);
                places.enumerate().for_each(|(i, place)| *place = turn[i % 2]);
                (at, x) = (at + count, x + count);
            }
        }
    }
    Some(())
}

/// The `i`th value, of four bits or a whole byte.
fn index(values: &[u8], i: usize, four: bool) -> u8 {
    match (four, i % 2) {
        (false, _) => values[i],
        (true, 0) => values[i / 2] >> 4,
        (true, _) => values[i / 2] & 15,
    }
}

fn le(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
