//! Rotation about the centre.

use super::{Augment, Pixels};
use crate::rng::Rng;

/// Turns the image about its centre by an angle drawn evenly from `-degrees..=degrees`, counter-clockwise where it is
/// positive: torchvision's `RandomRotation` with bilinear interpolation. The size stays; corners that come from outside
/// are black.
#[derive(Clone, Debug)]
pub struct Rotate {
    degrees: f32,
}

impl Rotate {
    /// `degrees` in `0..=180`.
    pub fn new(degrees: f32) -> Self {
        Self { degrees }
    }
}

impl Augment for Rotate {
    fn name(&self) -> &'static str {
        "rotate"
    }

    fn params(&self) -> Vec<(&'static str, String)> {
        vec![("degrees", self.degrees.to_string())]
    }

    fn check(&self) -> Result<(), String> {
        match self.degrees {
            0.0..=180.0 => Ok(()),
            degrees => Err(format!("degrees is {degrees}, but has to lie in 0..=180")),
        }
    }

    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        let degrees = rng.range(-self.degrees, self.degrees);
        pixels.redraw(|old, new| turn(old, new, f64::from(degrees)));
    }
}

/// Looks up, for every new pixel, where it came from. Coordinates are in 1/65536 of a pixel.
fn turn(old: &Pixels, new: &mut [u8], degrees: f64) {
    let (sin, cos) = libm::sincos(degrees.to_radians());
    let fixed = |v: f64| libm::round(v * 65_536.0) as i64;
    let step = (fixed(cos), fixed(sin));
    let (cx, cy) = (f64::from(old.width - 1) / 2.0, f64::from(old.height - 1) / 2.0);
    for (y, row) in new.chunks_exact_mut(old.stride()).enumerate() {
        let dy = y as f64 - cy;
        let (mut sx, mut sy) = (fixed(cx - cos * cx - sin * dy), fixed(cy - sin * cx + cos * dy));
        for pixel in row.chunks_exact_mut(3) {
            pixel.copy_from_slice(&inside(old, sx, sy));
            (sx, sy) = (sx + step.0, sy + step.1);
        }
    }
}

/// The colour at a point, black where the nearest pixel is outside.
fn inside(old: &Pixels, x: i64, y: i64) -> [u8; 3] {
    let nearest = ((x + 32_768) >> 16, (y + 32_768) >> 16);
    if (0..i64::from(old.width)).contains(&nearest.0) && (0..i64::from(old.height)).contains(&nearest.1) {
        old.sample(((x + 128) >> 8) as i32, ((y + 128) >> 8) as i32)
    } else {
        [0; 3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(degrees: f64) -> Vec<u8> {
        let mut pixels = Pixels {
            width: 2,
            height: 2,
            rgb: vec![1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
        };
        pixels.redraw(|old, new| turn(old, new, degrees));
        pixels.rgb.into_iter().step_by(3).collect()
    }

    #[test]
    fn quarter_turns_are_counter_clockwise() {
        assert_eq!(turned(0.0), [1, 2, 3, 4]);
        assert_eq!(turned(90.0), [2, 4, 1, 3]);
        assert_eq!(turned(180.0), [4, 3, 2, 1]);
        assert_eq!(turned(-90.0), [3, 1, 4, 2]);
    }
}
