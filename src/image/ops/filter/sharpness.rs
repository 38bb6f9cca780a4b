//! Sharpness.

use crate::error::{Error, Result};
use crate::image::ops::color::factor::Weight;
use crate::image::parameters::{check_p, is_chance};
use crate::image::wide::wide;
use crate::image::{Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};

/// Moves every pixel away from the mean around it, or towards it, by `factor`, with probability `p`: torchvision's
/// `RandomAdjustSharpness`, rounded to the nearest level. In the mean of 3 x 3 pixels the middle counts five times. The outermost pixels stay, and
/// so do pictures of fewer than three pixels across or down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sharpness {
    factor: f32,
    p: f32,
}

impl Sharpness {
    /// `factor` is at least 0: 0 blurs, 1 changes nothing, 2 sharpens. `p` in `0..=1`, torchvision's default is 0.5.
    pub fn new(factor: f32, p: f32) -> Self {
        Self { factor, p }
    }
}

/// Twice as sharp: torchvision has no default.
impl Default for Sharpness {
    fn default() -> Self {
        Self::new(2.0, 0.5)
    }
}

impl Spec for Sharpness {
    const NAME: &'static str = "sharpness";

    fn check(&self) -> Result<()> {
        match self.factor {
            0.0..=f32::MAX => check_p(self.p),
            factor => Err(Error::config(format!("factor is {factor}, but has to be at least 0"))),
        }
    }
}

impl Operation for Sharpness {
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        let factor = self.factor;
        match rng.chance(self.p) {
            true => Drawn::values(move |pixels| sharpen(pixels, factor)),
            false => Drawn::Nothing,
        }
    }

    fn is_random(&self) -> bool {
        is_chance(self.p)
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(match rng.chance(self.p) {
            true => format!("factor {:.3}", self.factor),
            false => "unchanged".to_owned(),
        })
    }
}

pub(in crate::image) fn sharpen(pixels: &mut Pixels, factor: f32) {
    if pixels.width < 3 || pixels.height < 3 || factor == 1.0 {
        return;
    }
    pixels.change_colors(|pixels| {
        let channels = pixels.channels();
        pixels.redraw(|old, new| {
            wide(Sharpen {
                old: &old.levels,
                new,
                stride: old.stride(),
                channels,
                weight: Weight::new(factor),
            });
        });
    });
}

struct Sharpen<'a> {
    old: &'a [u8],
    new: &'a mut [u8],
    stride: usize,
    channels: usize,
    weight: Weight,
}

impl NullaryFnOnce for Sharpen<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            old,
            new,
            stride,
            channels,
            weight,
        } = self;
        let count = stride - 2 * channels;
        new[..stride].copy_from_slice(&old[..stride]);
        for (rows, new) in old
            .windows(3 * stride)
            .step_by(stride)
            .zip(new[stride..].chunks_exact_mut(stride))
        {
            let row = |nth: usize| [0, 1, 2].map(|tap| &rows[nth * stride + tap * channels..][..count]);
            let ([a, b, c], [d, e, f], [g, h, i]) = (row(0), row(1), row(2));
            let to = &mut new[channels..][..count];
            for at in 0..count {
                let level = |row: &[u8]| u16::from(row[at]);
                let around = level(a) + level(b) + level(c) + level(d) + level(f) + level(g) + level(h) + level(i);
                let (middle, sum) = (level(e), around + 5 * level(e));
                let mean = thirteenth(sum) as i16;
                let moved = mean + weight.of(middle as i16 - mean);
                to[at] = moved.clamp(0, 255) as u8;
            }
            new[..channels].copy_from_slice(&rows[stride..stride + channels]);
            new[stride - channels..].copy_from_slice(&rows[2 * stride - channels..2 * stride]);
        }
        let last = old.len() - stride;
        new[last..].copy_from_slice(&old[last..]);
    }
}

/// The nearest whole number to a thirteenth of a sum of 13 levels.
#[inline(always)]
fn thirteenth(sum: u16) -> u16 {
    ((u32::from(sum + 6) * 5042) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirteenths_are_exact() {
        assert!((0..=13 * 255).all(|sum| thirteenth(sum) == (sum + 6) / 13));
    }
}
