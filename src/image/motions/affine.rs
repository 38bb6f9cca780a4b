//! Turned, scaled, leant over and moved aside at once.

use std::ops::RangeInclusive;

use super::moved;
use super::translate::shift;
use crate::error::{Error, Result};
use crate::image::geometry::motion::sin_cos;
use crate::image::parameters::{check_number, check_range};
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Turns, leans over, scales and moves the picture aside, about its centre: torchvision's `RandomAffine`. The size stays.
///
/// Everything is drawn evenly: the angle, clockwise where it is positive, from `-degrees..=degrees`; the shares by which the picture
/// moves, to whole pixels, from `-translate..=translate`; the factor from `scale`; the angles by which vertical and horizontal lines lean
/// over from `-shear..=shear`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Affine {
    degrees: f32,
    translate: [f32; 2],
    #[serde(with = "crate::spec::range")]
    scale: RangeInclusive<f32>,
    shear: [f32; 2],
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

/// What is drawn for a row.
struct Drew {
    angle: f32,
    shift: [f64; 2],
    factor: f32,
    shear: [f32; 2],
}

impl Affine {
    /// Turns by up to `degrees` (`0..=180`) either way, and nothing else.
    pub fn new(degrees: f32) -> Self {
        Self {
            degrees,
            translate: [0.0; 2],
            scale: 1.0..=1.0,
            shear: [0.0; 2],
            padding_mode: None,
        }
    }

    /// Moves aside by up to these shares of width and height, each in `0..=1`.
    #[must_use]
    pub fn translate(mut self, shares: [f32; 2]) -> Self {
        self.translate = shares;
        self
    }

    /// Scales by a factor within `0.01..=100`.
    #[must_use]
    pub fn scale(mut self, scale: RangeInclusive<f32>) -> Self {
        self.scale = scale;
        self
    }

    /// Leans vertical lines over by up to the first number of degrees, horizontal ones by up to the second, each in `0..=80`. torchvision's pair
    /// is the range of the first alone.
    #[must_use]
    pub fn shear(mut self, degrees: [f32; 2]) -> Self {
        self.shear = degrees;
        self
    }

    fn drawn(&self, size: [u32; 2], rng: &mut Rng) -> Drew {
        Drew {
            angle: rng.range(-self.degrees, self.degrees),
            shift: shift(self.translate, size, rng),
            factor: rng.range(*self.scale.start(), *self.scale.end()),
            shear: self.shear.map(|most| rng.range(-most, most)),
        }
    }
}

impl Default for Affine {
    fn default() -> Self {
        Self::new(0.0)
    }
}

/// torchvision's matrix of a turn, clockwise in degrees, a factor, and angles that vertical and horizontal lines lean over.
pub(super) fn linear(angle: f32, factor: f32, shear: [f32; 2]) -> [f64; 4] {
    let tan = |degrees: f32| libm::tan(f64::from(degrees).to_radians());
    let (factor, [x, y]) = (f64::from(factor), shear);
    let (sin, cos) = sin_cos(f64::from(angle) - f64::from(y));
    let over = libm::cos(f64::from(y).to_radians());
    let (turn_sin, turn_cos) = sin_cos(f64::from(angle));
    [
        cos / over,
        -cos * tan(x) / over - turn_sin,
        sin / over,
        -sin * tan(x) / over + turn_cos,
    ]
    .map(|value| value * factor)
}

impl Spec for Affine {
    const NAME: &'static str = "affine";

    fn check(&self) -> Result<()> {
        check_number("degrees", self.degrees, 0.0..=180.0)?;
        check_range("scale", &self.scale, 0.01..=100.0)?;
        self.translate
            .into_iter()
            .try_for_each(|share| check_number("translate", share, 0.0..=1.0))?;
        self.shear
            .into_iter()
            .try_for_each(|most| check_number("shear", most, 0.0..=80.0))?;
        let is_still = self.degrees == 0.0 && [self.translate, self.shear] == [[0.0; 2]; 2];
        match is_still && self.scale == (1.0..=1.0) {
            false => Ok(()),
            true => Err(Error::config(
                "degrees, translate, scale and shear are all left out or change nothing: give at least one of them",
            )),
        }
    }
}

impl Operation for Affine {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let drew = self.drawn(subject.size(), rng);
        let matrix = linear(drew.angle, drew.factor, drew.shear);
        moved(
            Some(Motion::about_centre(subject.size(), matrix, drew.shift)),
            self.padding_mode,
        )
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let Drew {
            angle,
            shift: [x, y],
            factor,
            shear: [a, b],
        } = self.drawn(subject.size(), rng);
        Some(format!(
            "{angle:.2} degrees, {x}, {y} pixels, factor {factor:.3}, shear {a:.2}, {b:.2}"
        ))
    }

    fn moves(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/scripts/make_motions.py` printed these.
    #[test]
    fn the_matrix_is_torchvisions() {
        let expected = [
            1.1635386072292992,
            -0.37190250026878013,
            0.311769230169524,
            1.1379529957721028,
        ];
        let found = linear(10.0, 1.2, [8.0, -5.0]);
        assert!(
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{found:?}"
        );
    }
}
