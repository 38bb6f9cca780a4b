//! The factor by which brightness, contrast and saturation change.

use pulp::NullaryFnOnce;

use crate::error::{Error, Result};
use crate::image::Pixels;
use crate::image::wide::wide;
use crate::rng::Rng;

pub(in crate::image) fn check(factor: f32) -> Result<()> {
    match factor {
        0.0..=f32::MAX => Ok(()),
        factor => Err(Error::config(format!(
            "factor is {factor}, but has to be a finite number of at least 0"
        ))),
    }
}

/// Evenly from `1 - factor..=1 + factor`, at least 0.
pub(in crate::image) fn draw(factor: f32, rng: &mut Rng) -> f32 {
    rng.range((1.0 - factor).max(0.0), 1.0 + factor)
}

/// Moves levels away from `center`, or towards it, by `factor`. What becomes of each of the 256 levels is defined in `f32`;
/// where 16 bits come to the same, as they nearly always do below a factor of 2, vectors of them are four times faster than
/// a table.
pub(in crate::image) fn scale(pixels: &mut Pixels, center: u8, factor: f32) {
    let middle = f32::from(center);
    let table = std::array::from_fn(|level| (middle + factor * (level as f32 - middle) + 0.5) as u8);
    let line = Line::new(center, factor);
    match (0..=255).all(|level| line.at(level) == table[usize::from(level)]) {
        true => wide(Scale(&mut pixels.levels, line)),
        false => pixels.map(&table),
    }
}

/// A line through `(center, center)` whose slope is `whole + part / 65536` of 64.
#[derive(Clone, Copy)]
struct Line {
    center: i16,
    whole: i16,
    part: i16,
}

impl Line {
    fn new(center: u8, factor: f32) -> Self {
        let slope = (factor * 4_194_304.0 + 0.5) as i32;
        Self {
            center: center.into(),
            whole: (slope.saturating_add(1 << 15) >> 16) as i16,
            part: slope as i16,
        }
    }

    /// The nearest level, if nothing overflows on the way.
    #[inline(always)]
    fn at(self, level: u8) -> u8 {
        let away = i16::from(level) - self.center;
        let part = (i32::from(away) * i32::from(self.part)) >> 16;
        let moved = away.wrapping_mul(self.whole).wrapping_add(part as i16).wrapping_add(32) >> 6;
        moved.wrapping_add(self.center).clamp(0, 255) as u8
    }
}

struct Scale<'a>(&'a mut [u8], Line);

impl NullaryFnOnce for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(levels, line) = self;
        for level in levels {
            *level = line.at(*level);
        }
    }
}

/// A factor as `share / 32768 * 2^bits`, for distances of 16 bits. 128 turns the least distance into half the range.
#[derive(Clone, Copy)]
pub(in crate::image) struct Weight {
    bits: u32,
    share: i16,
}

impl Weight {
    pub(in crate::image) fn new(factor: f32) -> Self {
        let factor = factor.min(127.99);
        let bits = (0..7).find(|&bits| factor < (1 << bits) as f32).unwrap_or(7);
        let share = factor * (32_768 >> bits) as f32;
        Self {
            bits,
            share: (share + 0.5) as i16,
        }
    }

    #[inline(always)]
    pub(in crate::image) fn of(self, away: i16) -> i16 {
        let product = i32::from(away << self.bits) * i32::from(self.share);
        (((product >> 14) + 1) >> 1) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_exact_or_not_used() {
        let levels: Vec<u8> = (0..=255).collect();
        let picture = || Pixels {
            width: 256,
            height: 1,
            levels: levels.iter().flat_map(|&level| [level; 3]).collect(),
        };
        let (mut rng, mut lines) = (Rng::new(5, "factors", 0), 0);
        let special = [0.0, 0.5, 1.0, 1.5, 1.9999999, 2.0, 3.3, 127.0, 1e9, f32::MAX];
        let drawn: Vec<f32> = (0..500).map(|_| rng.range(0.0, 2.0)).collect();
        for factor in drawn.into_iter().chain(special) {
            for center in [0, 1, 100, 128, 255] {
                let middle = f32::from(center);
                let exact = |&level: &u8| (middle + factor * (f32::from(level) - middle) + 0.5) as u8;
                let exact: Vec<u8> = levels.iter().map(exact).collect();
                let line = Line::new(center, factor);
                lines += usize::from(levels.iter().map(|&level| line.at(level)).eq(exact.iter().copied()));
                let mut scaled = picture();
                scale(&mut scaled, center, factor);
                assert!(
                    scaled.levels.into_iter().step_by(3).eq(exact),
                    "{factor} about {center}"
                );
            }
        }
        assert!(lines > 2400, "of 2550 lines, {lines} are exact");
    }

    #[test]
    fn weights_are_factors() {
        for factor in [0.0, 0.3, 0.99999, 1.0, 1.25, 1.999999, 2.0, 7.7, 63.0, 127.0] {
            for away in -255..=255 {
                let exact = f32::from(away) * factor;
                let found = f32::from(Weight::new(factor).of(away));
                assert!(
                    (found - exact).abs() <= 0.5 + exact.abs() / 10_000.0,
                    "{away} * {factor}: {found}"
                );
            }
        }
        let whole = |factor: f32, away| Weight::new(factor).of(away);
        assert!((-255..=255).all(|away| whole(1.0, away) == away && whole(0.0, away) == 0));
        assert!(whole(f32::MAX, 2) >= 255 && whole(f32::MAX, -2) <= -255);
    }
}
