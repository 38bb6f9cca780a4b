//! Objects of simple shapes.

use super::cutout::Cutout;
use crate::error::Result;
use crate::image::check_range;
use crate::rng::Rng;
use serde::{Deserialize, Serialize};
use std::f32::consts::TAU;
use std::ops::RangeInclusive;

/// Places of a pixel, each way, at which it is looked whether they are inside.
const SAMPLES: usize = 4;

/// The shape of the objects of a class: `"disc"`, or `{ star = { points = [5, 5] } }`. All fit into a circle of the object's size, and are turned at
/// random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SceneShape {
    /// A disc.
    Disc,
    /// An ellipse.
    Ellipse {
        /// The shorter axis, a share of the longer one, above 0 and up to 1.
        #[serde(with = "crate::spec::range")]
        ratio: RangeInclusive<f32>,
    },
    /// A rectangle.
    Rectangle {
        /// The shorter side, a share of the longer one, above 0 and up to 1.
        #[serde(with = "crate::spec::range")]
        ratio: RangeInclusive<f32>,
    },
    /// A polygon of equal sides.
    Polygon {
        /// How many, `3..=64`.
        #[serde(with = "crate::spec::range")]
        sides: RangeInclusive<u32>,
    },
    /// A star.
    Star {
        /// Its points, `3..=64`.
        #[serde(with = "crate::spec::range")]
        points: RangeInclusive<u32>,
        /// How far its inner corners are from the middle, a share of the points, above 0 and up to 1.
        #[serde(with = "crate::spec::range")]
        inner: RangeInclusive<f32>,
    },
    /// A straight line.
    Line {
        /// How thick it is, a share of its length, above 0 and up to 1.
        #[serde(with = "crate::spec::range")]
        thickness: RangeInclusive<f32>,
    },
}

impl SceneShape {
    pub(super) fn check(&self) -> Result<()> {
        const SHARE: RangeInclusive<f32> = 0.01..=1.0;
        match self {
            Self::Disc => Ok(()),
            Self::Ellipse { ratio } => check_range("ellipse.ratio", ratio, SHARE),
            Self::Rectangle { ratio } => check_range("rectangle.ratio", ratio, SHARE),
            Self::Polygon { sides } => check_range("polygon.sides", sides, 3..=64),
            Self::Star { points, inner } => {
                check_range("star.points", points, 3..=64)?;
                check_range("star.inner", inner, SHARE)
            }
            Self::Line { thickness } => check_range("line.thickness", thickness, SHARE),
        }
    }

    /// One of these shapes. Takes three draws.
    pub(super) fn draw(&self, rng: &mut Rng) -> Outline {
        let angle = rng.range(0.0, TAU);
        let (first, second) = (rng.unit(), rng.unit());
        let of = |range: &RangeInclusive<f32>, t: f32| range.start() + (range.end() - range.start()) * t;
        let whole = |range: &RangeInclusive<u32>, t: f32| {
            let count = range.end() - range.start() + 1;
            range.start() + ((t * count as f32) as u32).min(count - 1)
        };
        let form = match self {
            Self::Disc => Form::Ellipse(1.0),
            Self::Ellipse { ratio } => Form::Ellipse(of(ratio, first)),
            Self::Rectangle { ratio } => Form::Corners(rectangle(of(ratio, first))),
            Self::Line { thickness } => Form::Corners(rectangle(of(thickness, first))),
            Self::Polygon { sides } => Form::Corners(around(whole(sides, first), |_| 1.0)),
            Self::Star { points, inner } => {
                let inner = of(inner, second);
                let radius = |at: u32| if at.is_multiple_of(2) { 1.0 } else { inner };
                Form::Corners(around(2 * whole(points, first), radius))
            }
        };
        Outline { form, angle }
    }
}

/// The corners of a rectangle in a circle of radius 1.
fn rectangle(ratio: f32) -> Vec<[f32; 2]> {
    let x = 1.0 / (1.0 + ratio * ratio).sqrt();
    let y = ratio * x;
    vec![[-x, -y], [x, -y], [x, y], [-x, y]]
}

/// So many corners around the middle.
fn around(count: u32, radius: impl Fn(u32) -> f32) -> Vec<[f32; 2]> {
    let corner = |at: u32| {
        let angle = TAU * at as f32 / count as f32;
        [radius(at) * libm::cosf(angle), radius(at) * libm::sinf(angle)]
    };
    (0..count).map(corner).collect()
}

/// A shape that was drawn, in a circle of radius 1.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    form: Form,
    /// How far it is turned.
    angle: f32,
}

#[derive(Clone, Debug)]
enum Form {
    /// Of this shorter axis.
    Ellipse(f32),
    Corners(Vec<[f32; 2]>),
}

impl Outline {
    /// The object in a picture of its own, `size` pixels from end to end; its edges are smooth.
    pub(super) fn cutout(&self, size: f32) -> Cutout {
        let side = libm::ceilf(size) as usize + 2;
        let (middle, radius) = (side as f32 / 2.0, size / 2.0);
        let (sin, cos) = (libm::sinf(self.angle), libm::cosf(self.angle));
        let place =
            |pixel: usize, sample: usize| (pixel as f32 + (sample as f32 + 0.5) / SAMPLES as f32 - middle) / radius;
        let mut alpha = Vec::with_capacity(side * side);
        for pixel in 0..side * side {
            let inside = (0..SAMPLES * SAMPLES).filter(|sample| {
                let (x, y) = (
                    place(pixel % side, sample % SAMPLES),
                    place(pixel / side, sample / SAMPLES),
                );
                self.form.has(cos * x + sin * y, cos * y - sin * x)
            });
            alpha.push(inside.count() as f32 / (SAMPLES * SAMPLES) as f32);
        }
        let corners = self.form.bounds().map(|[x, y]| {
            [
                middle + radius * (cos * x - sin * y),
                middle + radius * (sin * x + cos * y),
            ]
        });
        Cutout {
            width: side,
            height: side,
            light: vec![1.0; side * side],
            colors: None,
            alpha,
            corners,
        }
    }
}

impl Form {
    /// Whether a point is inside.
    fn has(&self, x: f32, y: f32) -> bool {
        match self {
            Self::Ellipse(ratio) => x * x + (y / ratio) * (y / ratio) <= 1.0,
            Self::Corners(corners) => {
                // A ray to the right meets the edge an odd number of times.
                let last = corners.len() - 1;
                let before = corners[last..].iter().chain(&corners[..last]);
                let meets = |(a, b): &(&[f32; 2], &[f32; 2])| {
                    (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]
                };
                before.zip(corners).filter(meets).count() % 2 == 1
            }
        }
    }

    /// The corners of the rectangle around it, before it is turned: from the top left one clockwise.
    fn bounds(&self) -> [[f32; 2]; 4] {
        let (low, high) = match self {
            Self::Ellipse(ratio) => ([-1.0, -ratio], [1.0, *ratio]),
            Self::Corners(corners) => {
                let fold = |start: f32, pick: fn(f32, f32) -> f32| {
                    [0, 1].map(|axis| corners.iter().fold(start, |best, corner| pick(best, corner[axis])))
                };
                (fold(f32::INFINITY, f32::min), fold(f32::NEG_INFINITY, f32::max))
            }
        };
        [
            [low[0], low[1]],
            [high[0], low[1]],
            [high[0], high[1]],
            [low[0], high[1]],
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The area, a share of that of the square around the circle.
    fn area(shape: &SceneShape) -> f32 {
        let cutout = shape.draw(&mut Rng::new(4, "shape", 0)).cutout(80.0);
        cutout.alpha.iter().sum::<f32>() / (80.0 * 80.0)
    }

    #[test]
    fn shapes_have_their_areas() {
        let polygon = |n: f32| n / 2.0 * libm::sinf(TAU / n) / 4.0;
        for (shape, expected) in [
            (SceneShape::Disc, TAU / 8.0),
            (SceneShape::Ellipse { ratio: 0.5..=0.5 }, TAU / 16.0),
            (SceneShape::Rectangle { ratio: 1.0..=1.0 }, 0.5),
            (SceneShape::Rectangle { ratio: 0.5..=0.5 }, 0.4),
            (SceneShape::Line { thickness: 0.1..=0.1 }, 0.1 / 1.01),
            (SceneShape::Polygon { sides: 6..=6 }, polygon(6.0)),
            // Ten triangles between a point and an inner corner.
            (
                SceneShape::Star {
                    points: 5..=5,
                    inner: 0.5..=0.5,
                },
                5.0 * 0.5 * libm::sinf(TAU / 10.0) / 4.0,
            ),
        ] {
            let found = area(&shape);
            assert!((found - expected).abs() < 0.01, "{shape:?}: {found}, not {expected}");
        }
    }

    #[test]
    fn corners_are_those_of_the_turned_rectangle() {
        let cutout = SceneShape::Rectangle { ratio: 0.5..=0.5 }
            .draw(&mut Rng::new(4, "shape", 0))
            .cutout(60.0);
        let side = |a: [f32; 2], b: [f32; 2]| ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
        let [a, b, c, d] = cutout.corners;
        let long = 60.0 / 1.25_f32.sqrt();
        for (found, expected) in [
            (side(a, b), long),
            (side(b, c), long / 2.0),
            (side(c, d), long),
            (side(a, c), 60.0),
        ] {
            assert!((found - expected).abs() < 1e-3, "{found}, not {expected}");
        }
        // A little towards the middle from each corner is the object.
        for [x, y] in cutout.corners {
            let (x, y) = (x + (31.0 - x) * 0.1, y + (31.0 - y) * 0.1);
            assert!(cutout.covers(y as usize * cutout.width + x as usize));
        }
    }
}
