//! The one resample of a segment: from a picture, or from the part of it that is decoded, to what all motions together show.

use super::area::Area;
use super::crop::{Frame, Region};
use super::exact::Exact;
use super::interpolation::Interpolation;
use super::mirror::Mirrored;
use super::motion::Motion;
use super::padding::Padding;
use super::resize::resize;
use super::warp::{Blended, Scratch};
use crate::image::error::ImageError;
use crate::image::mask::Mask;
use crate::image::pixels::Pixels;

/// How a frame of a picture, and a motion behind it, are drawn.
#[derive(Clone, Debug)]
pub(in crate::image) struct Resample {
    kind: Kind,
    padding: Padding,
    to: [u32; 2],
}

#[derive(Clone, Debug)]
enum Kind {
    /// Sides stay sides: an antialiased resize, and then whole pixels are moved.
    Straight { area: Area, exact: Exact },
    /// Anything else.
    Warp { motion: Motion, area: Option<Area> },
}

impl Resample {
    /// Of `frame` and then `motion`.
    pub(in crate::image) fn new(frame: &Frame, motion: &Motion) -> Self {
        let whole = frame.motion().then(motion.clone());
        let padding = whole.beyond().unwrap_or_default();
        let inside = frame.region.is_inside(frame.of);
        let simple = Exact::of(motion).filter(|exact| inside && exact.keeps_all());
        let kind = match simple {
            Some(exact) => Kind::Straight {
                area: Area {
                    region: frame.region,
                    size: frame.size,
                    by_eighths: false,
                },
                exact,
            },
            None => match straight(&whole, padding) {
                Some((area, exact)) => Kind::Straight { area, exact },
                None => Kind::Warp {
                    area: Area::of(&whole, padding),
                    motion: whole,
                },
            },
        };
        Self {
            kind,
            padding,
            to: motion.to(),
        }
    }

    /// What the picture has to be decoded for.
    pub(in crate::image) fn area(&self) -> Area {
        match &self.kind {
            Kind::Straight { area, .. } => *area,
            // A picture that is not seen is still decoded, or at least looked into, since it may be damaged.
            Kind::Warp { motion, area } => area.map_or(Area::whole(1, 1), |area| area.to_decode(motion)),
        }
    }

    /// Where in the picture it draws from.
    pub(super) fn region(&self) -> Region {
        match &self.kind {
            Kind::Straight { area, .. } => area.region,
            Kind::Warp { area, .. } => area.map_or(Region::whole(1, 1), |area| area.region),
        }
    }

    /// Draws into `into`, which takes the size of the output, what lies at `region` of `pixels`: that of [`area`](Self::area).
    pub(in crate::image) fn draw<L: Blended + Mirrored>(
        &self,
        interpolation: Interpolation,
        (pixels, region): (&Pixels<L>, Region),
        scratch: &mut Scratch<L>,
        into: &mut Pixels<L>,
    ) -> Result<(), ImageError> {
        let (area, exact) = match &self.kind {
            Kind::Straight { area, exact } => (area, exact),
            Kind::Warp { motion, area } => {
                let held = area.map(|area| (area, region));
                return motion.draw(pixels, held, self.padding, scratch, into);
            }
        };
        let [columns, rows] = area.size;
        if exact.is_identity() {
            into.reshape(columns, rows, pixels.channels());
            return resize(&mut scratch.resizer, interpolation, pixels, region, into);
        }
        scratch.reduced.reshape(columns, rows, pixels.channels());
        resize(
            &mut scratch.resizer,
            interpolation,
            pixels,
            region,
            &mut scratch.reduced,
        )?;
        into.reshape(self.to[0], self.to[1], pixels.channels());
        exact.draw(&scratch.reduced, into, self.padding);
        Ok(())
    }

    /// The mask of the picture, moved: each place has the value of the nearest one, and `fill` beyond the picture where that has a colour.
    pub(in crate::image) fn mask(&self, mut mask: Mask, fill: u8) -> Mask {
        match &self.kind {
            Kind::Straight { area, exact } => {
                let part = mask.resampled(area.region, (area.size[0], area.size[1]));
                let [width, height] = self.to;
                let mut values = vec![0; width as usize * height as usize];
                exact.copy(&part.values, &mut values, fill, self.padding);
                Mask { width, height, values }
            }
            Kind::Warp { motion, .. } => {
                motion.apply_to_mask(&mut mask, fill);
                mask
            }
        }
    }
}

/// A motion that keeps sides sides, as a part of the picture, resized to whole pixels of the output, and a motion of these. None where the
/// picture's edges do not fall on edges of pixels of the output, or where what is beyond shows the picture again.
fn straight(motion: &Motion, padding: Padding) -> Option<(Area, Exact)> {
    let [a, b, c, d, e, f, g, h, _] = motion.backward()?;
    let zero = |value: f64| value.abs() < 1e-12;
    if !(zero(g) && zero(h) && matches!(padding, Padding::Constant(_))) {
        return None;
    }
    let (from, to) = (motion.from(), motion.to());
    let (across, down, exchanged) = if zero(b) && zero(d) {
        (side(a, c, to[0], from[0])?, side(e, f, to[1], from[1])?, false)
    } else if zero(a) && zero(e) {
        (side(b, c, to[1], from[0])?, side(d, f, to[0], from[1])?, true)
    } else {
        return None;
    };
    let area = Area {
        region: Region {
            left: across.start,
            top: down.start,
            width: across.length,
            height: down.length,
        },
        size: [across.pixels, down.pixels],
        by_eighths: false,
    };
    let axes = [(across.first, across.backwards), (down.first, down.backwards)];
    Some((area, Exact::new(area.size, to, exchanged, axes)))
}

/// What an axis of the output shows of an axis of the input.
struct Side {
    /// In the input.
    start: f64,
    length: f64,
    /// Of the output.
    pixels: u32,
    /// Which of the shown pixels is the output's first one; below 0 where something beyond comes before.
    first: i64,
    backwards: bool,
}

/// Of an axis of `count` pixels, of which the place `u` comes from `factor * u + shift` on an axis of `length`.
fn side(factor: f64, shift: f64, count: u32, length: u32) -> Option<Side> {
    let (count, length) = (f64::from(count), f64::from(length));
    let backwards = factor < 0.0;
    // Edges in the output of what is seen, in the order of the input.
    let place = |at: f64| (at - shift) / factor;
    let (low, high) = if backwards { (count, 0.0) } else { (0.0, count) };
    let ends = [shift + factor * low, shift + factor * high];
    let near = 1e-6 * length.max(1.0);
    let edge = |end: f64, limit: f64, beyond: bool| {
        if !beyond {
            return Some((end.clamp(0.0, length), place(end)));
        }
        let at = place(limit);
        ((at - libm::round(at)).abs() < 1e-6).then_some((limit, libm::round(at)))
    };
    let (start, from) = edge(ends[0], 0.0, ends[0] < -near)?;
    let (end, to) = edge(ends[1], length, ends[1] > length + near)?;
    let pixels = libm::round((to - from).abs());
    if end <= start || pixels < 1.0 {
        return None;
    }
    let from = libm::round(from) as i64;
    Some(Side {
        start,
        length: end - start,
        pixels: pixels as u32,
        first: if backwards { from - 1 } else { -from },
        backwards,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(of: [u32; 2], region: [f64; 4], size: [u32; 2]) -> Frame {
        let [left, top, width, height] = region;
        Frame {
            of,
            region: Region {
                left,
                top,
                width,
                height,
            },
            size,
            padding: None,
        }
    }

    fn area(frame: &Frame, motion: &Motion) -> Option<([f64; 4], [u32; 2])> {
        match Resample::new(frame, motion).kind {
            Kind::Straight { area, .. } => {
                let Region {
                    left,
                    top,
                    width,
                    height,
                } = area.region;
                Some(([left, top, width, height], area.size))
            }
            Kind::Warp { .. } => None,
        }
    }

    #[test]
    fn what_keeps_sides_is_a_resize() {
        let (of, size) = ([100, 80], [20, 10]);
        let part = frame(of, [10.3, 7.7, 50.0, 40.0], size);
        let same = Some(([10.3, 7.7, 50.0, 40.0], size));
        for motion in [
            Motion::identity(size),
            Motion::horizontal_flip(size),
            Motion::transpose(size),
        ] {
            assert_eq!(area(&part, &motion), same);
        }
        // Half as much of it, from a place between pixels.
        let zoomed = Motion::affine(size, size, [2.0, 0.0, -11.0, 0.0, 2.0, -5.0]).unwrap();
        let (found, shown) = area(&part, &zoomed).unwrap();
        let expected = [10.3 + 5.5 * 2.5, 7.7 + 2.5 * 4.0, 25.0, 20.0];
        assert!(
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9),
            "{found:?}"
        );
        assert_eq!(shown, size);
        // With a rim of 3 pixels on the left, 2 above.
        let whole = frame(of, [0.0, 0.0, 100.0, 80.0], size);
        let moved = Motion::crop(size, size, [-3, -2]);
        let (found, shown) = area(&whole, &moved).unwrap();
        assert!(
            found
                .iter()
                .zip([0.0, 0.0, 85.0, 64.0])
                .all(|(a, b)| (a - b).abs() < 1e-9),
            "{found:?}"
        );
        assert_eq!(shown, [17, 8]);
        assert_eq!(area(&whole, &Motion::rotation(size, 3.0)), None);
        assert_eq!(
            area(
                &whole,
                &Motion::affine(size, size, [1.0, 0.0, 0.5, 0.0, 1.0, 0.0]).unwrap()
            ),
            None
        );
    }

    /// Where the photo lies beside the crop, it is seen.
    #[test]
    fn a_crop_that_is_moved_shows_what_is_beside_it() {
        let part = frame([100, 80], [40.0, 40.0, 20.0, 20.0], [20, 20]);
        let (found, shown) = area(&part, &Motion::crop([20, 20], [20, 20], [-3, 5])).unwrap();
        assert!(
            found
                .iter()
                .zip([37.0, 45.0, 20.0, 20.0])
                .all(|(a, b)| (a - b).abs() < 1e-9),
            "{found:?}"
        );
        assert_eq!(shown, [20, 20]);
    }

    /// A disc as a picture and as a mask.
    #[test]
    fn masks_move_with_their_pictures() {
        let (of, size) = ([90, 60], [50, 40]);
        let inside = |at: u32| (f64::from(at % 90) - 50.0).hypot(f64::from(at / 90) - 25.0) < 16.0;
        let values: Vec<u8> = (0..of[0] * of[1]).map(|at| u8::from(inside(at))).collect();
        let mut pixels = Pixels::new(of[0], of[1]);
        for (pixel, value) in pixels.levels.as_chunks_mut().0.iter_mut().zip(&values) {
            *pixel = [255 * value; 3];
        }
        let motions = [
            Motion::identity(size),
            Motion::horizontal_flip(size),
            Motion::crop(size, size, [-9, 5]),
            Motion::rotation(size, 30.0),
            Motion::vertical_flip(size).then(Motion::rotation(size, -77.0)),
            Motion::of_points(
                size,
                size,
                [[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]],
                [[4.0, 3.0], [49.0, 1.0], [44.0, 38.0], [2.0, 33.0]],
            )
            .unwrap(),
        ];
        for motion in motions {
            let resample = Resample::new(&frame(of, [8.0, 3.0, 75.0, 50.0], size), &motion);
            let mut drawn = Pixels::default();
            let source = (&pixels, resample.region());
            resample
                .draw(Interpolation::Bilinear, source, &mut Scratch::default(), &mut drawn)
                .unwrap();
            let mask = Mask {
                width: of[0],
                height: of[1],
                values: values.clone(),
            };
            let mask = resample.mask(mask, 0);
            assert_eq!([mask.width, mask.height], [drawn.width, drawn.height]);
            let both = drawn.levels.as_chunks::<3>().0.iter().zip(&mask.values);
            let other = both
                .clone()
                .filter(|(pixel, value)| (pixel[0] > 127) != (**value == 1))
                .count();
            let seen = both.filter(|(_, value)| **value == 1).count();
            assert!(seen > 200 && other * 50 < seen, "{motion}: {other} of {seen}");
        }
    }
}
