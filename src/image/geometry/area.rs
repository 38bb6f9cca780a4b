//! What a motion needs of the picture that it draws from.

use super::crop::Region;
use super::homography::mapped;
use super::motion::{Motion, Part};
use super::padding::Padding;

/// Places across and down at which the scale of a motion is measured.
const PROBES: u32 = 5;
/// Pixels that are left for each one of the output, along a side, where a picture is made smaller before it is moved. Of what was tried (1 to 2,
/// with filters from the mean to Lanczos) this, with the triangle, is nearest to the mean of many samples for each pixel: more would leave
/// the motion to skip some, less is blurred.
const DENSITY: f64 = 1.6;
/// Pixels that the decoder leaves at least for each one of the output, along a side, where it makes a picture smaller by itself before that is
/// moved: eighths of a picture's size are antialiased already. From 1 to 1.5 the distance to the mean of many samples is the same, and below 1
/// pixels would be shown twice.
const DECODED_DENSITY: f64 = 1.2;
/// Pixels that a decoder leaves at least for each one of the size of an [`Area`]: as many as Pillow's `reducing_gap` recommends, so that
/// the resample still decides what is seen.
pub(in crate::image) const GAP: f64 = 2.0;
/// Pixels to either side of an area that its outermost places are blended from.
const MARGIN: f64 = 2.0;

/// A part of a picture, and the size that it is resampled to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::image) struct Area {
    /// Inside the picture.
    pub(in crate::image) region: Region,
    /// `[width, height]` in pixels.
    pub(in crate::image) size: [u32; 2],
    /// Whether a decoder may leave any number of eighths of the picture's size, or a half, a quarter or an eighth alone: a resize of halves is
    /// nearer to one of the picture.
    pub(in crate::image) by_eighths: bool,
}

impl Area {
    /// All of a picture, as it is.
    pub(in crate::image) fn whole(width: u32, height: u32) -> Self {
        Self {
            region: Region::whole(width, height),
            size: [width, height],
            by_eighths: false,
        }
    }

    /// What has to be decoded of a picture that `motion` is drawn of: the area, and a size of which the decoder leaves enough
    /// pixels to be drawn from without another resize.
    pub(in crate::image) fn to_decode(self, motion: &Motion) -> Self {
        let [across, down] = scales(motion).map(|scale| DECODED_DENSITY / GAP / scale);
        let side = |length: f64, each: f64| (length * each - 1e-9).ceil().max(1.0) as u32;
        Self {
            size: [side(self.region.width, across), side(self.region.height, down)],
            by_eighths: true,
            ..self
        }
    }

    /// Whether `region`, which holds the area in a picture that may have been made smaller, has no more pixels than are wanted.
    pub(super) fn is_small(self, region: Region) -> bool {
        region.width <= f64::from(self.size[0]) && region.height <= f64::from(self.size[1])
    }

    /// The whole pixels that `motion` shows of its input, made smaller where it would skip some of them. None where it shows nothing of the
    /// input.
    pub(in crate::image) fn of(motion: &Motion, padding: Padding) -> Option<Self> {
        let [across, down] = scales(motion).map(|scale| (scale / DENSITY).max(1.0));
        let bounds = bounds(motion);
        let side = |axis: usize, scale: f64| {
            let length = f64::from(motion.from()[axis]);
            let (mut low, mut high) = bounds[axis];
            if padding.folds() && (low < 0.0 || high > length) {
                (low, high) = (0.0, length);
            }
            // What is seen of an edge that goes on is its outermost pixel.
            if padding == Padding::Edge {
                (low, high) = (low.clamp(0.0, length - 1.0), high.clamp(1.0, length));
            }
            let margin = MARGIN * scale;
            let (start, end) = ((low - margin).floor().max(0.0), (high + margin).ceil().min(length));
            let shown = end - start;
            // Of a whole number that is off by a rounding error, not one more.
            let pixels = (shown / scale - 1e-9).ceil().max(1.0);
            (shown > 0.0).then_some((start, shown, pixels as u32))
        };
        let (left, width, columns) = side(0, across)?;
        let (top, height, rows) = side(1, down)?;
        Some(Self {
            region: Region {
                left,
                top,
                width,
                height,
            },
            size: [columns, rows],
            by_eighths: false,
        })
    }
}

/// Where the picture's columns and rows that are seen begin and end.
fn bounds(motion: &Motion) -> [(f64, f64); 2] {
    let whole = motion.to().map(|side| (0.0, f64::from(side)));
    motion
        .parts()
        .iter()
        .rev()
        .fold(whole, |[across, down], part| match part {
            Part::Field(field) => [across, down].map(|(low, high)| (low - field.furthest(), high + field.furthest())),
            Part::Homography(homography) => {
                let corners = [
                    [across.0, down.0],
                    [across.1, down.0],
                    [across.1, down.1],
                    [across.0, down.1],
                ];
                let nowhere = (f64::INFINITY, f64::NEG_INFINITY);
                let around = |all: Option<[(f64, f64); 2]>, corner| {
                    let (all, place) = (all?, mapped(&homography.backward, corner)?);
                    Some([0, 1].map(|axis| (all[axis].0.min(place[axis]), all[axis].1.max(place[axis]))))
                };
                // With a corner beyond the horizon anything may be seen.
                let found = corners.into_iter().fold(Some([nowhere; 2]), around);
                found.unwrap_or([(-1e9, 1e9); 2])
            }
        })
}

/// Pixels of the input across and down that a step of a pixel in the output passes, in the quadratic mean over the picture.
fn scales(motion: &Motion) -> [f64; 2] {
    let [width, height] = motion.to().map(f64::from);
    let place = |at: u32, length: f64| (f64::from(at) + 0.5) * length / f64::from(PROBES);
    let (mut squares, mut count) = ([0.0; 2], 0.0);
    for probe in 0..PROBES * PROBES {
        let (x, y) = (place(probe % PROBES, width), place(probe / PROBES, height));
        let from = [[x - 0.5, y], [x + 0.5, y], [x, y - 0.5], [x, y + 0.5]].map(|at| motion.origin(at));
        let square = [0, 1].map(|axis| {
            let (right, lower) = (from[1][axis] - from[0][axis], from[3][axis] - from[2][axis]);
            right * right + lower * lower
        });
        if square.iter().all(|square| square.is_finite()) {
            squares = [squares[0] + square[0], squares[1] + square[1]];
            count += 1.0;
        }
    }
    squares.map(|sum| if count > 0.0 { (sum / count).sqrt() } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_part_needs_the_box_around_it() {
        let cut = Motion::crop([1000, 800], [200, 200], [300, 200]);
        let turned = cut.then(Motion::rotation([200, 200], 45.0));
        let area = Area::of(&turned, Padding::default()).unwrap();
        // The half diagonal of the part is 141.4 pixels.
        assert_eq!((area.region.left, area.region.top), (256.0, 156.0));
        assert_eq!((area.region.width, area.size), (288.0, [288, 288]));
    }

    #[test]
    fn what_is_squashed_shrinks_by_as_much_on_each_side() {
        let motion = Motion::resize([1000, 400], [100, 100]).then(Motion::rotation([100, 100], 30.0));
        let area = Area::of(&motion, Padding::default()).unwrap();
        assert_eq!(area.region, Region::whole(1000, 400));
        assert_eq!(area.size, [160, 160]);
        // 1.2 pixels for each one of the output, which the decoder doubles.
        assert_eq!(area.to_decode(&motion).size, [60, 60]);
    }

    #[test]
    fn what_shows_nothing_needs_nothing() {
        let motion = Motion::crop([100, 100], [10, 10], [500, 0]);
        assert_eq!(Area::of(&motion, Padding::default()), None);
        let edge = Area::of(&motion, Padding::Edge).unwrap();
        assert_eq!((edge.region.left, edge.region.width), (97.0, 3.0));
    }
}
