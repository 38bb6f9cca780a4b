//! Boxes after a motion.

use crate::image::Motion;
use crate::image::geometry::resampled_motions::ResampledMotions;

/// Places on each side of a box that are followed where lines do not stay lines.
const PLACES: usize = 16;

/// A box after a motion, before it is clipped.
pub(super) struct Moved {
    /// Left, top, right, bottom.
    pub(super) corners: [f64; 4],
}

/// What is left of a box in the output: its sides and area in pixels, and the share of its area.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) area: f64,
    pub(super) visible: f64,
}

/// The box around the polygon that the box `corners` (left, top, right, bottom) becomes.
pub(super) fn around(motion: &Motion, corners: [f64; 4]) -> Moved {
    let mut around = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    outline(motion, &polygon(corners), |[x, y]| {
        around = [around[0].min(x), around[1].min(y), around[2].max(x), around[3].max(y)];
    });
    Moved { corners: around }
}

/// What is left of the box `corners` in the output of `motions`: its part inside, and what that is of the whole.
pub(super) fn around_resampled(motions: &ResampledMotions, corners: [f64; 4]) -> ([f64; 4], Left) {
    let whole = around(motions.whole(), corners);
    let size = motions.whole().to();
    let Some(polygon) = cut(motions, &polygon(corners)) else {
        return whole.clipped(size);
    };
    let start = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let corners = polygon.iter().fold(start, |around, [x, y]| {
        [
            around[0].min(*x),
            around[1].min(*y),
            around[2].max(*x),
            around[3].max(*y),
        ]
    });
    // Nothing is left where no corner is.
    let corners = if polygon.is_empty() { [0.0; 4] } else { corners };
    let (clipped, mut left) = Moved { corners }.clipped(size);
    let [from, top, to, bottom] = whole.corners;
    let area = (to - from) * (bottom - top);
    left.visible = if area > 0.0 { left.area / area } else { 0.0 };
    (clipped, left)
}

/// What is left of a polygon of the stored picture in the output, where a resample before the last one has cut a part of it off. None where none has.
fn cut(motions: &ResampledMotions, corners: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
    let (last, before) = motions.parts().split_last()?;
    let (mut polygon, mut is_cut) = (corners.to_vec(), false);
    for part in before {
        polygon = moved(part, &polygon);
        let size = part.to().map(f64::from);
        let inside = |[x, y]: &[f64; 2]| (0.0..=size[0]).contains(x) && (0.0..=size[1]).contains(y);
        if !polygon.iter().all(inside) {
            is_cut = true;
            polygon = clip(&polygon, part.to());
        }
    }
    is_cut.then(|| clip(&moved(last, &polygon), last.to()))
}

fn moved(motion: &Motion, polygon: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut places = Vec::with_capacity(polygon.len());
    outline(motion, polygon, |place| places.push(place));
    places
}

impl Moved {
    /// The part inside a picture of `size`, and what is left of the whole.
    pub(super) fn clipped(&self, size: [u32; 2]) -> ([f64; 4], Left) {
        let [width, height] = size.map(f64::from);
        let [left, top, right, bottom] = self.corners;
        let clipped = [
            left.clamp(0.0, width),
            top.clamp(0.0, height),
            right.clamp(0.0, width),
            bottom.clamp(0.0, height),
        ];
        let (across, down) = (clipped[2] - clipped[0], clipped[3] - clipped[1]);
        let whole = (right - left) * (bottom - top);
        let area = across * down;
        let visible = if whole > 0.0 { area / whole } else { 0.0 };
        let left = Left {
            width: across,
            height: down,
            area,
            visible,
        };
        (clipped, left)
    }
}

/// Follows the outline of a polygon.
fn outline(motion: &Motion, corners: &[[f64; 2]], mut seen: impl FnMut([f64; 2])) {
    let places = if motion.is_straight() { 1 } else { PLACES };
    for (at, from) in corners.iter().enumerate() {
        let to = corners[(at + 1) % corners.len()];
        for place in 0..places {
            let share = place as f64 / places as f64;
            seen(motion.point([0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis]))));
        }
    }
}

fn polygon([left, top, right, bottom]: [f64; 4]) -> [[f64; 2]; 4] {
    [[left, top], [right, top], [right, bottom], [left, bottom]]
}

/// An oriented box: centre, width, height, and degrees counter-clockwise from the x axis to its width.
pub(super) type Oriented = [f64; 5];

/// The corners of an oriented box: those that are upper left, upper right, lower right and lower left at an angle of 0.
fn corners_of([x, y, width, height, degrees]: Oriented) -> [[f64; 2]; 4] {
    let (sin, cos) = libm::sincos(degrees.to_radians());
    // y points downwards, so that a turn to the left takes x towards -y.
    let corner = |a: f64, b: f64| {
        let (a, b) = (a * width / 2.0, b * height / 2.0);
        [x + a * cos + b * sin, y - a * sin + b * cos]
    };
    [
        corner(-1.0, -1.0),
        corner(1.0, -1.0),
        corner(1.0, 1.0),
        corner(-1.0, 1.0),
    ]
}

/// The oriented box around what `oriented` becomes, along the line to which its middle line across is moved; and what of it is in the
/// output. None where that line has no length any more, or is beyond a horizon.
pub(super) fn around_oriented(motions: &ResampledMotions, oriented: Oriented) -> Option<(Oriented, Left)> {
    let motion = motions.whole();
    let corners = corners_of(oriented);
    let middle = |a: [f64; 2], b: [f64; 2]| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
    let from = motion.point(middle(corners[0], corners[3]));
    let to = motion.point(middle(corners[1], corners[2]));
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let length = libm::sqrt(dx * dx + dy * dy);
    if !(length.is_finite() && length > 0.0) {
        return None;
    }
    let (cos, sin) = (dx / length, -dy / length);
    let mut around = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    outline(motion, &corners, |[x, y]| {
        let (a, b) = (x * cos - y * sin, x * sin + y * cos);
        around = [around[0].min(a), around[1].min(b), around[2].max(a), around[3].max(b)];
    });
    let (width, height) = (around[2] - around[0], around[3] - around[1]);
    let (a, b) = ((around[0] + around[2]) / 2.0, (around[1] + around[3]) / 2.0);
    let degrees = libm::atan2(sin, cos).to_degrees();
    let moved = [a * cos + b * sin, -a * sin + b * cos, width, height, degrees];
    if !moved.iter().all(|value| value.is_finite()) {
        return None;
    }
    let inside = match cut(motions, &corners) {
        Some(rest) => area(&rest),
        None => area(&clip(&corners_of(moved), motion.to())),
    };
    let whole = width * height;
    let visible = if whole > 0.0 { inside / whole } else { 0.0 };
    let left = Left {
        width,
        height,
        area: inside,
        visible,
    };
    Some((moved, left))
}

/// The part of a convex polygon inside a picture of `size` (Sutherland and Hodgman).
fn clip(polygon: &[[f64; 2]], size: [u32; 2]) -> Vec<[f64; 2]> {
    let mut polygon = polygon.to_vec();
    for axis in 0..2 {
        for (edge, sign) in [(0.0, 1.0), (f64::from(size[axis]), -1.0)] {
            let depth = |point: &[f64; 2]| sign * (point[axis] - edge);
            let mut kept = Vec::with_capacity(polygon.len() + 1);
            for (at, to) in polygon.iter().enumerate() {
                let from = &polygon[(at + polygon.len() - 1) % polygon.len()];
                let (before, after) = (depth(from), depth(to));
                if (before < 0.0) != (after < 0.0) {
                    let share = before / (before - after);
                    kept.push([0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis])));
                }
                if after >= 0.0 {
                    kept.push(*to);
                }
            }
            polygon = kept;
        }
    }
    polygon
}

fn area(polygon: &[[f64; 2]]) -> f64 {
    let next = |at: usize| polygon[(at + 1) % polygon.len()];
    let twice: f64 = (0..polygon.len())
        .map(|at| polygon[at][0] * next(at)[1] - next(at)[0] * polygon[at][1])
        .sum();
    (twice / 2.0).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [u32; 2] = [100, 60];

    fn once(motion: Motion) -> ResampledMotions {
        ResampledMotions::once(motion)
    }

    fn near(a: &[f64], b: &[f64]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
    }

    #[test]
    fn a_turned_box_lies_inside_of_the_box_around_it() {
        let moved = around(&Motion::rotation(SIZE, 90.0), [40.0, 20.0, 70.0, 30.0]);
        // A quarter turn to the left about [50, 30] takes [x, y] to [50 + y - 30, 30 - (x - 50)].
        assert!(near(&moved.corners, &[40.0, 10.0, 50.0, 40.0]), "{:?}", moved.corners);
        let moved = around(&Motion::rotation(SIZE, 45.0), [40.0, 20.0, 60.0, 40.0]);
        let half = 10.0 * 2.0_f64.sqrt();
        assert!(near(
            &moved.corners,
            &[50.0 - half, 30.0 - half, 50.0 + half, 30.0 + half]
        ));
    }

    #[test]
    fn a_clipped_box_knows_what_is_left() {
        let moved = Moved {
            corners: [-10.0, 50.0, 30.0, 70.0],
        };
        let (clipped, left) = moved.clipped(SIZE);
        assert_eq!(clipped, [0.0, 50.0, 30.0, 60.0]);
        assert_eq!(
            (left.width, left.height, left.area, left.visible),
            (30.0, 10.0, 300.0, 0.375)
        );
        let (_, gone) = Moved {
            corners: [-9.0, 0.0, -1.0, 9.0],
        }
        .clipped(SIZE);
        assert_eq!((gone.width, gone.area, gone.visible), (0.0, 0.0, 0.0));
    }

    #[test]
    fn what_a_resample_cuts_off_does_not_come_back() {
        // The middle half across, and then the picture at half of its size on the ground of the first.
        let crop = Motion::crop(SIZE, [50, 60], [25, 0]);
        let smaller = Motion::about_centre([50, 60], [0.5, 0.0, 0.0, 0.5], [0.0; 2]);
        let whole = crop.clone().then(smaller.clone());
        let twice = ResampledMotions::several(whole.clone(), vec![crop, smaller]);
        // Half of it lies left of the crop.
        let half = [15.0, 20.0, 35.0, 40.0];
        let (clipped, left) = around_resampled(&once(whole.clone()), half);
        assert!(
            near(&clipped, &[7.5, 25.0, 17.5, 35.0]) && left.visible == 1.0,
            "{clipped:?}"
        );
        let (clipped, left) = around_resampled(&twice, half);
        assert!(near(&clipped, &[12.5, 25.0, 17.5, 35.0]), "{clipped:?}");
        assert!(
            (left.visible - 0.5).abs() < 1e-9 && (left.area - 50.0).abs() < 1e-9,
            "{left:?}"
        );
        // All of it, and nothing of it.
        let (clipped, left) = around_resampled(&twice, [0.0, 20.0, 20.0, 40.0]);
        assert_eq!((left.area, left.visible), (0.0, 0.0), "{clipped:?}");
        let inside = [30.0, 20.0, 60.0, 40.0];
        assert_eq!(
            around_resampled(&twice, inside).0,
            around_resampled(&once(whole), inside).0
        );
        // The same of an oriented box without an angle; it keeps its sides.
        let (moved, left) = around_oriented(&twice, [25.0, 30.0, 20.0, 20.0, 0.0]).unwrap();
        assert!(near(&moved, &[12.5, 30.0, 10.0, 10.0, 0.0]), "{moved:?}");
        assert!((left.visible - 0.5).abs() < 1e-9, "{left:?}");
        assert!(twice.keeps([30.0, 30.0]) && !twice.keeps([20.0, 30.0]));
    }

    #[test]
    fn an_oriented_box_turns_with_the_picture() {
        let (moved, left) =
            around_oriented(&once(Motion::rotation(SIZE, 30.0)), [50.0, 30.0, 20.0, 10.0, 15.0]).unwrap();
        assert!(near(&moved, &[50.0, 30.0, 20.0, 10.0, 45.0]), "{moved:?}");
        assert!((left.visible - 1.0).abs() < 1e-9);
        // A mirror turns the angle about: its width points to the other side.
        let flip = once(Motion::horizontal_flip(SIZE));
        let (moved, _) = around_oriented(&flip, [30.0, 30.0, 20.0, 10.0, 30.0]).unwrap();
        assert!(near(&moved, &[70.0, 30.0, 20.0, 10.0, 150.0]), "{moved:?}");
        let (back, _) = around_oriented(&flip, moved).unwrap();
        assert!(near(&back, &[30.0, 30.0, 20.0, 10.0, 30.0]), "{back:?}");
        // Half of a box at the edge.
        let (_, left) = around_oriented(&once(Motion::identity(SIZE)), [0.0, 30.0, 20.0, 10.0, 90.0]).unwrap();
        assert!((left.visible - 0.5).abs() < 1e-9 && (left.area - 100.0).abs() < 1e-9);
    }

    #[test]
    fn corners_are_those_of_torchvision() {
        // convert_bounding_box_format(BoundingBoxes([[50, 40, 20, 10, 30]], CXCYWHR), XYXYXYXY)
        let corners = corners_of([50.0, 40.0, 20.0, 10.0, 30.0]);
        let expected = [
            [38.839_745_962_155_61, 40.669_872_981_077_81],
            [56.160_254_037_844_39, 30.669_872_981_077_81],
            [61.160_254_037_844_39, 39.330_127_018_922_19],
            [43.839_745_962_155_61, 49.330_127_018_922_19],
        ];
        assert!(corners.iter().zip(&expected).all(|(a, b)| near(a, b)), "{corners:?}");
    }
}
