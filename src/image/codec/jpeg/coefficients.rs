//! Pictures of several scans, and every other kind that is not [plain](super::header::Frame::is_plain): all of their
//! coefficients are read, and then what a window needs becomes levels.

use super::blocks::Blocks;
use super::color::Output;
use super::data::Input;
use super::error::{Broken, unread};
use super::header::{Component, Frame, Scan};
use super::idct;
use super::plane::{Plane, sampled};
use super::window::Window;
use crate::image::error::ImageError;
use pulp::NullaryFnOnce;
use std::ops::Range;

/// How much of a picture's coefficients is known: the lowest bit that was in a scan, of each place in zigzag order.
type Known = [Option<u8>; 64];

/// The coefficients of a component.
#[derive(Debug, Default)]
pub(super) struct Grid {
    /// Row by row, each in rows of rising vertical frequency.
    blocks: Vec<[i16; 64]>,
    /// Blocks that are held in a row: whole MCUs.
    stride: usize,
    /// Blocks across and down that hold a part of the picture.
    across: usize,
    down: usize,
}

impl Grid {
    /// Makes room for `component`, all zeros.
    pub(super) fn clear(&mut self, frame: &Frame, component: &Component) {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let mcus = |length: usize, factor: usize| length.div_ceil(8 * factor);
        self.stride = mcus(width, frame.across) * component.across;
        self.across = mcus(width, frame.across / component.across);
        self.down = mcus(height, frame.down / component.down);
        self.blocks.clear();
        let rows = mcus(height, frame.down) * component.down;
        self.blocks.resize(self.stride * rows, [0; 64]);
    }

    pub(super) fn trim(&mut self, limit: usize) {
        if self.blocks.capacity() * size_of::<[i16; 64]>() > limit {
            self.blocks = Vec::new();
        }
    }
}

/// What is known of a picture's components.
#[derive(Debug)]
pub(super) struct Progress {
    known: Vec<Known>,
}

impl Progress {
    pub(super) fn new(frame: &Frame) -> Self {
        Self {
            known: vec![[None; 64]; frame.components.len()],
        }
    }

    pub(super) fn add(&mut self, frame: &Frame, scan: &Scan<'_>) {
        let (places, low) = match frame.progressive {
            true => (scan.start..=scan.end, scan.low),
            false => (0..=63, 0),
        };
        for &at in &scan.components {
            self.known[at][places.clone()].fill(Some(low));
        }
    }

    /// Refuses a picture of which something is missing.
    ///
    /// Where the lowest frequencies are, libjpeg guesses them from the blocks around ("interblock smoothing").
    pub(super) fn check(&self) -> Result<(), ImageError> {
        if self.known.iter().any(|known| known[0].is_none()) {
            return Err(ImageError::Truncated("JPEG"));
        }
        if self
            .known
            .iter()
            .any(|known| known[1..10].iter().any(|&low| low != Some(0)))
        {
            return Err(unread("progressive, with scans left out"));
        }
        Ok(())
    }
}

/// One scan to be read into the grids of the frame's components.
pub(super) struct OneScan<'a> {
    pub(super) input: Input<'a>,
    pub(super) grids: &'a mut [Grid],
}

impl NullaryFnOnce for OneScan<'_> {
    type Output = Result<(), Broken>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { input, grids } = self;
        let Input {
            frame,
            scan,
            tables,
            data,
        } = input;
        // The blocks of a component alone follow each other, without those that only fill MCUs.
        let alone = match scan.components.as_slice() {
            [at] => Some((grids[*at].across, grids[*at].down)),
            _ => None,
        };
        let mcus = |length: u32, factor: usize| (length as usize).div_ceil(8 * factor);
        let (across, down) = alone.unwrap_or((mcus(frame.width, frame.across), mcus(frame.height, frame.down)));
        let interval = if scan.interval > 0 { scan.interval } else { usize::MAX };
        let (mut piece, mut blocks, mut left) = (0, Blocks::new(data.piece(0)?), interval);
        for row in 0..down {
            for column in 0..across {
                if left == 0 {
                    blocks.check()?;
                    piece += 1;
                    (blocks, left) = (Blocks::new(data.piece(piece)?), interval);
                }
                left -= 1;
                for &at in &scan.components {
                    let (component, grid) = (&frame.components[at], &mut grids[at]);
                    let (dc, ac) = (&tables.dc[component.dc & 3], &tables.ac[component.ac & 3]);
                    let (wide, high) = match alone {
                        Some(_) => (1, 1),
                        None => (component.across, component.down),
                    };
                    for block in 0..wide * high {
                        let place = (row * high + block / wide) * grid.stride + column * wide + block % wide;
                        let block = &mut grid.blocks[place];
                        match (frame.progressive, scan.start, scan.high) {
                            (false, ..) => blocks.whole(dc, ac, at, block)?,
                            (true, 0, 0) => blocks.mean(dc, scan.low, at, block)?,
                            (true, 0, _) => blocks.finer_mean(scan.low, block),
                            (true, _, 0) => blocks.band(ac, scan, block)?,
                            (true, ..) => blocks.finer_band(ac, scan, block)?,
                        }
                    }
                }
            }
            blocks.check()?;
        }
        Ok(())
    }
}

/// The part of a picture in a window, to be made of its coefficients.
pub(super) struct Part<'a> {
    pub(super) frame: &'a Frame,
    pub(super) grids: &'a [Grid],
    pub(super) output: Output<'a>,
}

impl NullaryFnOnce for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { frame, grids, output } = self;
        let window = output.window;
        for ((component, grid), plane) in frame.components.iter().zip(grids).zip(&mut *output.planes) {
            levels(frame, component, grid, window, plane);
        }
        output.convert(frame.space);
    }
}

/// The levels of a component that `window` needs.
#[inline(always)]
fn levels(frame: &Frame, component: &Component, grid: &Grid, window: &Window, plane: &mut Plane) {
    // Pixels are interpolated from samples beside their own.
    let blocks = |range: &Range<usize>, (each, points): (usize, usize), end: usize| {
        let (start, end_of_range) = ((range.start / each).saturating_sub(1), range.end.div_ceil(each) + 1);
        start / points..end_of_range.div_ceil(points).min(end)
    };
    let [across, down] = sampled(frame, component, window.block);
    let columns = blocks(&window.x, across, grid.across);
    let rows = blocks(&window.y, down, grid.down);
    plane.hold(frame, component, window, (columns.clone(), rows.clone()));
    for (down, row) in rows.enumerate() {
        let row = &grid.blocks[row * grid.stride..][columns.clone()];
        for (across, block) in row.iter().enumerate() {
            let last = if block[1..].iter().all(|&coefficient| coefficient == 0) {
                0
            } else {
                63
            };
            let points = plane.points;
            let (levels, stride) = plane.block(across, down);
            idct::levels(points, block, last, &component.factors, levels, stride);
        }
    }
}
