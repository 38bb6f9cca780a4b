//! A strip or tile: from its bytes to the values of its samples.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io::Read;

use fax::decoder::{DecodeStatus, Group4Decoder};

use super::error::{NAME, corrupt};
use super::layout::{Colors, Compression, Layout};
use crate::image::error::ImageError;

/// The bytes of all rows, out of their compression.
fn unpacked<'d>(data: &'d [u8], layout: &Layout<'_>, index: usize) -> Result<Cow<'d, [u8]>, ImageError> {
    let rows = layout.rows(index);
    let length = layout.row_bytes() as usize * rows;
    let data: Cow<'_, [u8]> = match layout.reversed {
        true => data.iter().map(|byte| byte.reverse_bits()).collect(),
        false => data.into(),
    };
    Ok(match layout.compression {
        Compression::None | Compression::Jpeg => data,
        Compression::PackBits => packbits(&data, length)?.into(),
        Compression::Lzw => lzw(&data, length)?.into(),
        Compression::Deflate => inflate(&data, length)?.into(),
        Compression::Group4 => group4(&data, layout.chunk[0], rows)?.into(),
    })
}

/// The values of all samples, row by row: whole numbers.
pub(super) fn values(data: &[u8], layout: &Layout<'_>, index: usize, into: &mut Vec<u16>) -> Result<(), ImageError> {
    let (rows, bytes) = (layout.rows(index), unpacked(data, layout, index)?);
    let per_row = layout.chunk[0] as usize * layout.samples_in_chunk();
    into.clear();
    into.reserve(per_row * rows);
    for row in bytes.chunks_exact(layout.row_bytes() as usize) {
        let start = into.len();
        match layout.bits {
            8 => into.extend(row.iter().map(|&byte| u16::from(byte))),
            16 => into.extend(row.as_chunks().0.iter().map(|&two| {
                if layout.little {
                    u16::from_le_bytes(two)
                } else {
                    u16::from_be_bytes(two)
                }
            })),
            bits => into.extend((0..per_row).map(|at| sample(row, at, usize::from(bits)))),
        }
        if layout.differences && layout.compression != Compression::None {
            sum(&mut into[start..], layout.samples_in_chunk(), layout.bits);
        }
    }
    Ok(())
}

/// The values of all samples, row by row: floating-point numbers.
pub(super) fn floats(data: &[u8], layout: &Layout<'_>, index: usize, into: &mut Vec<f32>) -> Result<(), ImageError> {
    let mut bytes = unpacked(data, layout, index)?;
    into.clear();
    if !(layout.differences && layout.compression != Compression::None) {
        into.extend(bytes.as_chunks().0.iter().map(|&four| match layout.little {
            true => f32::from_le_bytes(four),
            false => f32::from_be_bytes(four),
        }));
        return Ok(());
    }
    for row in bytes.to_mut().chunks_exact_mut(layout.row_bytes() as usize) {
        let (samples, count) = (layout.samples_in_chunk(), row.len() / 4);
        for at in samples..row.len() {
            row[at] = row[at].wrapping_add(row[at - samples]);
        }
        into.extend((0..count).map(|at| f32::from_be_bytes([0, 1, 2, 3].map(|nth| row[nth * count + at]))));
    }
    Ok(())
}

/// A sample of fewer than 16 bits, the highest first.
fn sample(row: &[u8], at: usize, bits: usize) -> u16 {
    let (first, skipped) = (at * bits / 8, at * bits % 8);
    let two = [row[first], row.get(first + 1).copied().unwrap_or(0)];
    let wide = u32::from(u16::from_be_bytes(two)) >> (16 - bits - skipped);
    (wide & ((1 << bits) - 1)) as u16
}

/// Undoes differences to the pixel on the left.
fn sum(row: &mut [u16], samples: usize, bits: u8) {
    let mask = if bits == 8 { 0xff } else { 0xffff };
    for at in samples..row.len() {
        row[at] = row[at].wrapping_add(row[at - samples]) & mask;
    }
}

fn packbits(mut data: &[u8], length: usize) -> Result<Vec<u8>, ImageError> {
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let (&head, rest) = data.split_first().ok_or(ImageError::Truncated(NAME))?;
        let count = match head {
            0..=127 => usize::from(head) + 1,
            128 => 0,
            129.. => 1,
        };
        let (bytes, rest) = rest.split_at_checked(count).ok_or(ImageError::Truncated(NAME))?;
        match head {
            0..=127 => out.extend(bytes),
            128 => {}
            129.. => out.resize(out.len() + 257 - usize::from(head), bytes[0]),
        }
        data = rest;
    }
    out.truncate(length);
    Ok(out)
}

fn lzw(data: &[u8], length: usize) -> Result<Vec<u8>, ImageError> {
    let mut out = vec![0; length];
    let mut decoder = weezl::decode::Configuration::with_tiff_size_switch(weezl::BitOrder::Msb, 8).build();
    let (mut read, mut written) = (0, 0);
    while written < length {
        let done = decoder.decode_bytes(&data[read..], &mut out[written..]);
        (read, written) = (read + done.consumed_in, written + done.consumed_out);
        match done.status {
            Ok(weezl::LzwStatus::Ok) if done.consumed_in + done.consumed_out > 0 => {}
            Ok(_) if written < length => return Err(ImageError::Truncated(NAME)),
            Ok(_) => {}
            Err(_) => return Err(corrupt("bits that are no LZW code")),
        }
    }
    Ok(out)
}

fn inflate(data: &[u8], length: usize) -> Result<Vec<u8>, ImageError> {
    let mut out = vec![0; length];
    match flate2::read::ZlibDecoder::new(data).read_exact(&mut out) {
        Ok(()) => Ok(out),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(ImageError::Truncated(NAME)),
        Err(e) => Err(corrupt(e.to_string())),
    }
}

/// One bit a pixel; black is 1.
fn group4(data: &[u8], width: u32, rows: usize) -> Result<Vec<u8>, ImageError> {
    let wide = || ImageError::Unsupported(format!("TIFF with CCITT group 4 and rows of {width} pixels"));
    let width = u16::try_from(width).map_err(|_| wide())?;
    let bytes = usize::from(width).div_ceil(8);
    let mut out = vec![0; bytes * rows];
    let reader = data.iter().map(|&byte| Ok::<_, Infallible>(byte));
    let mut decoder = Group4Decoder::new(reader, width).map_err(|_| ImageError::Truncated(NAME))?;
    for row in out.chunks_exact_mut(bytes) {
        match decoder.advance() {
            Ok(DecodeStatus::Incomplete) => {}
            Ok(DecodeStatus::End) => return Err(ImageError::Truncated(NAME)),
            Err(_) => return Err(corrupt("bits that are no CCITT code")),
        }
        for (at, color) in fax::decoder::pels(decoder.transition(), width).enumerate() {
            if color == fax::Color::Black {
                row[at / 8] |= 0x80 >> (at % 8);
            }
        }
    }
    Ok(out)
}

/// A strip or tile in JPEG as a file of its own: the shared tables come first, and a marker says what its colours are.
pub(super) fn jpeg(data: &[u8], layout: &Layout<'_>) -> Result<Vec<u8>, ImageError> {
    let body = data
        .strip_prefix(&[0xff, 0xd8])
        .ok_or_else(|| corrupt("a strip that is no JPEG"))?;
    let tables = layout.tables.unwrap_or(&[0xff, 0xd8, 0xff, 0xd9]);
    let tables = tables.strip_prefix(&[0xff, 0xd8]).unwrap_or(tables);
    let tables = tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables);
    let converted = u8::from(layout.colors == Colors::YCbCr);
    let marker = [
        0xff, 0xd8, 0xff, 0xee, 0, 14, b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, converted,
    ];
    Ok([&marker, tables, body].concat())
}
