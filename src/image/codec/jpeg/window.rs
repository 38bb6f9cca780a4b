//! What has to be decoded so that a region can be resampled.

use super::header::Frame;
use crate::image::geometry::area::{Area, GAP};
use crate::image::geometry::crop::Region;
use crate::image::geometry::interpolation::Interpolation;
use std::ops::Range;

/// A part of a picture that may be decoded at a reduced size.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    /// Levels across and down that a block of 8 x 8 becomes, 1 to 8.
    pub(super) block: usize,
    /// The reduced picture.
    pub(super) width: usize,
    pub(super) height: usize,
    /// The part of it.
    pub(super) x: Range<usize>,
    pub(super) y: Range<usize>,
    /// The region, in pixels of the part.
    pub(super) region: Region,
}

impl Window {
    /// What a resample of an area by `interpolation` reads of a picture of `width` x `height`.
    pub(super) fn new(area: Area, interpolation: Interpolation, width: u32, height: u32) -> Self {
        let Area {
            region,
            size,
            by_eighths,
        } = area;
        let surplus = (region.width / f64::from(size[0])).min(region.height / f64::from(size[1])) / GAP;
        let mut blocks = (1..8_usize).filter(|block| by_eighths || block.is_power_of_two());
        let block = blocks.find(|&block| surplus * block as f64 >= 8.0).unwrap_or(8);
        let reduced = |pixels: u32| (pixels as usize * block).div_ceil(8);
        let (width, height) = (reduced(width), reduced(height));
        let scale = block as f64 / 8.0;
        let (x, left, across) = side(
            (region.left * scale, region.width * scale),
            size[0],
            interpolation,
            width,
        );
        let (y, top, down) = side(
            (region.top * scale, region.height * scale),
            size[1],
            interpolation,
            height,
        );
        let region = Region {
            left,
            top,
            width: across,
            height: down,
        };
        Self {
            block,
            width,
            height,
            x,
            y,
            region,
        }
    }

    /// The MCUs, columns and rows of them, that hold the window and the neighbours from which colours are interpolated.
    #[inline(always)]
    pub(super) fn mcus(&self, frame: &Frame) -> (Range<usize>, Range<usize>) {
        let of = |range: &Range<usize>, blocks: usize, end: usize| {
            let margin = if blocks > 1 { 2 } else { 0 };
            let (start, end) = (range.start.saturating_sub(margin), (range.end + margin).min(end));
            start / (blocks * self.block)..end.div_ceil(blocks * self.block)
        };
        (
            of(&self.x, frame.across, self.width),
            of(&self.y, frame.down, self.height),
        )
    }
}

/// One side: the pixels that are read of `length`, and where the region begins in them, and how long it is.
fn side(
    (start, extent): (f64, f64),
    size: u32,
    interpolation: Interpolation,
    length: usize,
) -> (Range<usize>, f64, f64) {
    // The filter's reach: so many pixels of the source or of the output, whichever are larger; and one more for rounding.
    let reach = (extent / f64::from(size)).max(1.0) * interpolation.reach() + 1.0;
    let first = (start - reach).floor().max(0.0) as usize;
    let first = first.min(length - 1);
    let end = (start + extent + reach).ceil().max(0.0) as usize;
    let end = end.clamp(first + 1, length);
    (first..end, start - first as f64, extent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(size: u32, width: u32, height: u32, by_eighths: bool) -> Window {
        let area = Area {
            region: Region::whole(width, height),
            size: [size; 2],
            by_eighths,
        };
        Window::new(area, Interpolation::Bilinear, width, height)
    }

    #[test]
    fn a_reduction_leaves_twice_what_the_output_has() {
        let of = |width, by_eighths| window(100, width, 2 * width, by_eighths).block;
        let widths = [228, 229, 399, 400, 533, 534, 799, 800, 1599, 1600, 9000];
        assert_eq!(widths.map(|width| of(width, true)), [8, 7, 5, 4, 4, 3, 3, 2, 2, 1, 1]);
        assert_eq!(widths.map(|width| of(width, false)), [8, 8, 8, 4, 4, 4, 4, 2, 2, 1, 1]);
        let half = window(100, 401, 800, false);
        assert_eq!((half.width, half.x), (201, 0..201));
    }

    #[test]
    fn a_region_keeps_its_place() {
        let region = Region {
            left: 100.5,
            top: 20.0,
            width: 50.0,
            height: 100.0,
        };
        let area = Area {
            region,
            size: [50; 2],
            by_eighths: false,
        };
        let window = Window::new(area, Interpolation::Bilinear, 200, 125);
        assert_eq!((window.x.clone(), window.y.clone()), (98..153, 17..123));
        assert_eq!((window.region.left, window.region.top), (2.5, 3.0));
        let wider = Window::new(area, Interpolation::Bicubic, 200, 125);
        assert_eq!((wider.x.clone(), wider.y.clone()), (97..154, 15..125));
        assert_eq!((wider.region.left, wider.region.top), (3.5, 5.0));
    }
}
