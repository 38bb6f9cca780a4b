//! The levels of a component, inside a window.

use super::header::{Component, Frame};
use super::idct::MOST_POINTS;
use super::window::Window;
use std::ops::Range;

/// The levels of a component, inside a window.
#[derive(Debug, Default)]
pub(super) struct Plane {
    levels: Vec<u8>,
    stride: usize,
    /// Column and row of the first sample.
    origin: (usize, usize),
    /// Samples of the whole component, across and down.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels for each sample, across and down.
    pub(super) each: (usize, usize),
    /// Samples of a block, across and down.
    pub(super) points: (usize, usize),
    /// Whether pixels are interpolated between samples ("fancy upsampling"), of which there is one for two of them across, down or
    /// both; otherwise samples are repeated. Where libjpeg does which.
    pub(super) smooth: bool,
}

/// Pixels for each sample of a component, and samples of its blocks, across and down, where blocks of the finest component have `block`
/// points along a side. In a reduced picture a component of a part of the resolution has more points, as far as they go, so that it loses
/// less.
pub(super) fn sampled(frame: &Frame, component: &Component, block: usize) -> [(usize, usize); 2] {
    let of = |whole: usize, own: usize| {
        let each = whole / own;
        let finer = (1..=each)
            .rev()
            .find(|&finer| each.is_multiple_of(finer) && block * finer <= MOST_POINTS);
        let finer = finer.filter(|_| block < 8).unwrap_or(1);
        (each / finer, block * finer)
    };
    [of(frame.across, component.across), of(frame.down, component.down)]
}

impl Plane {
    /// Makes room for these columns and rows of a component's blocks.
    pub(super) fn hold(
        &mut self,
        frame: &Frame,
        component: &Component,
        window: &Window,
        (columns, rows): (Range<usize>, Range<usize>),
    ) {
        let [across, down] = sampled(frame, component, window.block);
        (self.each, self.points) = ((across.0, down.0), (across.1, down.1));
        self.width = window.width.div_ceil(self.each.0);
        self.height = window.height.div_ceil(self.each.1);
        self.smooth = match self.each {
            (1, 2) => true,
            (2, 1 | 2) => self.width > 2 || window.block < 8,
            _ => false,
        };
        self.stride = columns.len() * self.points.0;
        self.origin = (columns.start * self.points.0, rows.start * self.points.1);
        self.levels.resize(self.stride * rows.len() * self.points.1, 0);
    }

    /// Makes room for a whole component with a sample for `each` pixels, across and down.
    pub(super) fn hold_all(&mut self, (width, height): (usize, usize), each: (usize, usize)) {
        (self.each, self.points, self.origin) = (each, (8, 8), (0, 0));
        (self.width, self.height) = (width.div_ceil(each.0), height.div_ceil(each.1));
        self.smooth = each != (1, 1) && self.width > 2;
        self.stride = self.width.next_multiple_of(8);
        self.levels.resize(self.stride * self.height.next_multiple_of(8), 0);
    }

    /// The samples of row `y`, to be written.
    #[inline(always)]
    pub(super) fn line(&mut self, y: usize) -> &mut [u8] {
        &mut self.levels[y * self.stride..][..self.width]
    }

    /// Fills up whole blocks with the samples at the edges.
    #[inline(always)]
    pub(super) fn repeat_edges(&mut self) {
        let (width, stride) = (self.width, self.stride);
        let (rows, beyond) = self.levels.split_at_mut(self.height * stride);
        for row in rows.chunks_exact_mut(stride) {
            let last = row[width - 1];
            row[width..].fill(last);
        }
        let last = &rows[rows.len() - stride..];
        beyond
            .chunks_exact_mut(stride)
            .for_each(|row| row.copy_from_slice(last));
    }

    /// Where the levels of a block begin that is this many blocks from the first, across and down, and how far apart its
    /// rows are.
    #[inline(always)]
    pub(super) fn block(&mut self, across: usize, down: usize) -> (&mut [u8], usize) {
        let at = down * self.stride * self.points.1 + across * self.points.0;
        (&mut self.levels[at..], self.stride)
    }

    /// The samples in columns `x` of row `y`, which have to be inside.
    #[inline(always)]
    pub(super) fn row(&self, y: usize, x: &Range<usize>) -> &[u8] {
        let start = (y - self.origin.1) * self.stride + x.start - self.origin.0;
        &self.levels[start..start + x.len()]
    }

    pub(super) fn trim(&mut self, limit: usize) {
        if self.levels.capacity() > limit {
            self.levels = Vec::new();
        }
    }
}
