//! Sharpness.

use crate::error::{Error, Result};
use crate::image::ops::color::factor::Weight;
use crate::image::parameters::{check_p, is_chance};
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Level, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};

/// Moves every pixel away from the mean around it, or towards it, by `sharpness_factor`, with probability `p`: torchvision's
/// `RandomAdjustSharpness`, rounded to the nearest level. In the mean of 3 x 3 pixels the middle counts five times. The outermost pixels stay, and
/// so do pictures of fewer than three pixels across or down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sharpness {
    #[serde(alias = "factor")]
    sharpness_factor: f32,
    p: f32,
}

impl Sharpness {
    /// `sharpness_factor` is at least 0: 0 blurs, 1 changes nothing, 2 sharpens. `p` in `0..=1`, torchvision's default is 0.5.
    pub fn new(sharpness_factor: f32, p: f32) -> Self {
        Self { sharpness_factor, p }
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
        match self.sharpness_factor {
            0.0..=f32::MAX => check_p(self.p),
            factor => Err(Error::config(format!(
                "sharpness_factor is {factor}, but has to be a finite number of at least 0"
            ))),
        }
    }
}

impl Operation for Sharpness {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let factor = self.sharpness_factor;
        match rng.chance(self.p) {
            true => Drawn::of_depth(
                subject.depth,
                move |pixels| sharpen(pixels, factor),
                move |pixels| sharpen(pixels, factor),
            ),
            false => Drawn::Nothing,
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        is_chance(self.p)
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(match rng.chance(self.p) {
            true => format!("factor {:.3}", self.sharpness_factor),
            false => "unchanged".to_owned(),
        })
    }
}

pub(in crate::image) fn sharpen<L: Sharpened>(pixels: &mut Pixels<L>, factor: f32) {
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
                weight: L::weight(factor),
            });
        });
    });
}

/// A level that can be moved away from the mean around it.
pub(in crate::image) trait Sharpened: Level {
    /// A factor.
    type Weight: Copy;

    fn weight(factor: f32) -> Self::Weight;

    /// What it becomes between these eight.
    fn sharpened(self, around: [Self; 8], weight: Self::Weight) -> Self;
}

impl Sharpened for u8 {
    type Weight = Weight;

    fn weight(factor: f32) -> Weight {
        Weight::new(factor)
    }

    #[inline(always)]
    fn sharpened(self, around: [u8; 8], weight: Weight) -> u8 {
        let [a, b, c, d, e, f, g, h] = around;
        let upper = u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d);
        let around = upper + u16::from(e) + u16::from(f) + u16::from(g) + u16::from(h);
        let middle = u16::from(self);
        let mean = thirteenth(around + 5 * middle) as i16;
        let moved = mean + weight.of(middle as i16 - mean);
        moved.clamp(0, 255) as u8
    }
}

impl Sharpened for f32 {
    type Weight = f32;

    fn weight(factor: f32) -> f32 {
        factor
    }

    #[inline(always)]
    fn sharpened(self, around: [f32; 8], weight: f32) -> f32 {
        let [a, b, c, d, e, f, g, h] = around;
        let mean = (a + b + c + d + e + f + g + h + 5.0 * self) / 13.0;
        (mean + weight * (self - mean)).clamp(0.0, 1.0)
    }
}

struct Sharpen<'a, L: Sharpened> {
    old: &'a [L],
    new: &'a mut [L],
    stride: usize,
    channels: usize,
    weight: L::Weight,
}

impl<L: Sharpened> NullaryFnOnce for Sharpen<'_, L> {
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
                let around = [a[at], b[at], c[at], d[at], f[at], g[at], h[at], i[at]];
                to[at] = e[at].sharpened(around, weight);
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
