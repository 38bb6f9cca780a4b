//! The compressed data of a picture in one scan: block after block, of which those in a window become levels.

use super::Broken;
use super::header::{Frame, Scan, Tables};
use super::huffman::{Bits, PADDING};
use super::idct;
use super::plane::Plane;
use super::window::Window;
use memchr::memchr;
use std::ops::Range;

/// The compressed data without what is stuffed between, in pieces from restart marker to restart marker.
#[derive(Debug, Default)]
pub(super) struct Data {
    bytes: Vec<u8>,
    /// Where each piece ends, its padding included.
    ends: Vec<usize>,
}

impl Data {
    /// Takes what follows a header, up to the first marker that is not a restart.
    pub(super) fn load(&mut self, mut rest: &[u8]) {
        self.bytes.clear();
        self.ends.clear();
        self.bytes.reserve(rest.len() + PADDING);
        while let Some(at) = memchr(0xff, rest) {
            let (before, marker) = rest.split_at(at);
            self.bytes.extend_from_slice(before);
            match marker.get(1) {
                Some(0) => {
                    self.bytes.push(0xff);
                    rest = &marker[2..];
                }
                Some(0xd0..=0xd7) => {
                    self.end();
                    rest = &marker[2..];
                }
                Some(0xff) => rest = &marker[1..],
                _ => break,
            }
        }
        self.end();
    }

    fn end(&mut self) {
        self.bytes.extend_from_slice(&[0; PADDING]);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn piece(&self, index: usize) -> Result<Bits<'_>, Broken> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let end = *self.ends.get(index).ok_or(Broken::Ended)?;
        Ok(Bits::new(&self.bytes[start..end]))
    }

    pub(super) fn trim(&mut self, limit: usize) {
        if self.bytes.capacity() > limit {
            self.bytes = Vec::new();
        }
    }
}

/// Decodes what `window` needs, blocks of 8 x 8 as `N` x `N` levels, and nothing below it.
#[inline(always)]
pub(super) fn decode<const N: usize>(
    frame: &Frame,
    scan: &Scan<'_>,
    tables: &Tables,
    data: &Data,
    window: &Window,
    planes: &mut [Plane],
) -> Result<(), Broken> {
    let (columns, rows) = window.mcus(frame, N);
    for (plane, component) in planes.iter_mut().zip(&frame.components) {
        let of = |range: &Range<usize>, blocks: usize| range.start * blocks..range.end * blocks;
        let blocks = (of(&columns, component.across), of(&rows, component.down));
        plane.hold(frame, component, window, N, blocks);
    }
    let row_of_mcus = (frame.width as usize).div_ceil(frame.across * 8);
    let interval = if scan.interval > 0 { scan.interval } else { usize::MAX };
    let (mut piece, mut bits, mut left) = (0, data.piece(0)?, interval);
    let mut means = [0_i32; 3];
    for row in 0..rows.end {
        for column in 0..row_of_mcus {
            if left == 0 {
                bits.check()?;
                piece += 1;
                (bits, left, means) = (data.piece(piece)?, interval, [0; 3]);
            }
            left -= 1;
            let inside = row >= rows.start && columns.contains(&column);
            for ((component, plane), mean) in frame.components.iter().zip(&mut *planes).zip(&mut means) {
                let (dc, ac) = (&tables.dc[component.dc & 3], &tables.ac[component.ac & 3]);
                for block in 0..component.down * component.across {
                    if !inside {
                        *mean = mean.wrapping_add(bits.pass(dc, ac)?);
                        continue;
                    }
                    let mut coefficients = [0; 64];
                    let (difference, last) = bits.block::<2>(dc, ac, &mut coefficients)?;
                    *mean = mean.wrapping_add(difference);
                    coefficients[0] = *mean as i16;
                    let across = (column - columns.start) * component.across + block % component.across;
                    let down = (row - rows.start) * component.down + block / component.across;
                    let (levels, stride) = plane.block::<N>(across, down);
                    idct::levels::<N>(&coefficients, last, &component.factors, levels, stride);
                }
            }
        }
        bits.check()?;
    }
    Ok(())
}
