//! Gaussian blur.

use std::ops::RangeInclusive;

use pulp::{Simd, WithSimd};

use super::wide::wide;
use super::{Augment, Pixels};
use crate::rng::Rng;

/// Vectors that are added up side by side: more hide the time that one addition waits for another.
const VECTORS: usize = 8;

/// Blurs with a Gaussian whose deviation, in pixels of the resized image, is drawn evenly from `sigma`: torchvision's
/// `GaussianBlur`. The kernel reaches three deviations to either side, and edges are reflected.
#[derive(Clone, Debug)]
pub struct Blur {
    sigma: RangeInclusive<f32>,
}

impl Blur {
    /// `sigma` in pixels, above 0 and at most 32; torchvision's default is `0.1..=2.0`.
    pub fn new(sigma: RangeInclusive<f32>) -> Self {
        Self { sigma }
    }
}

impl Augment for Blur {
    fn name(&self) -> &'static str {
        "blur"
    }

    fn params(&self) -> Vec<(&'static str, String)> {
        vec![("sigma", format!("{:?}", self.sigma))]
    }

    fn check(&self) -> Result<(), String> {
        let (low, high) = (*self.sigma.start(), *self.sigma.end());
        if low > 0.0 && low <= high && high <= 32.0 {
            return Ok(());
        }
        Err(format!(
            "sigma is {:?}, but has to be a range above 0 and up to 32 pixels",
            self.sigma
        ))
    }

    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        let kernel = kernel(rng.range(*self.sigma.start(), *self.sigma.end()));
        let kernel = &kernel;
        pixels.redraw(|old, new| wide(Blurred { old, new, kernel }));
    }
}

/// Weights that add up to 1, `2 * radius + 1` of them.
fn kernel(sigma: f32) -> Vec<f32> {
    let radius = libm::ceilf(3.0 * sigma) as i32;
    let bell = |at: i32| libm::expf(-0.5 * (at as f32 / sigma) * (at as f32 / sigma));
    let sum: f32 = (-radius..=radius).map(bell).sum();
    (-radius..=radius).map(|at| bell(at) / sum).collect()
}

/// The pixel that stands at `at`, which may lie outside `0..length`: reflected, without repeating the edge.
fn reflect(at: isize, length: usize) -> usize {
    let period = (2 * length as isize - 2).max(1);
    let at = at.rem_euclid(period);
    at.min(period - at).min(length as isize - 1).max(0) as usize
}

/// Horizontally and then vertically, row by row. Of what lies between the two, only the rows under the kernel are kept.
struct Blurred<'a> {
    old: &'a Pixels,
    new: &'a mut [u8],
    kernel: &'a [f32],
}

impl WithSimd for Blurred<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { old, new, kernel } = self;
        let (stride, height, taps) = (old.stride(), old.height as usize, kernel.len());
        let padded = stride.next_multiple_of(VECTORS * S::F32_LANES);
        let columns = columns(old.width as usize, taps / 2);
        let mut line = vec![0.0; padded + 3 * (taps - 1)];
        let mut rows = vec![vec![0.0; padded]; taps];
        let mut sums = vec![0.0; padded];
        for y in 0..height + taps - 1 {
            let from = reflect(y as isize - (taps / 2) as isize, height) * stride;
            widen(&old.rgb[from..from + stride], &columns, &mut line);
            rows.rotate_left(1);
            weigh(simd, kernel, |tap| &line[3 * tap..], &mut rows[taps - 1]);
            rows[taps - 1].iter_mut().for_each(|sum| *sum = cut(*sum));
            if let Some(y) = (y + 1).checked_sub(taps) {
                weigh(simd, kernel, |tap| &rows[tap], &mut sums);
                for (to, &sum) in new[y * stride..][..stride].iter_mut().zip(&sums) {
                    *to = (cut(sum) + WHOLE).to_bits() as u8;
                }
            }
        }
    }
}

/// Where each pixel of a row with `radius` reflected pixels on either side comes from.
fn columns(width: usize, radius: usize) -> Vec<usize> {
    let radius = radius as isize;
    (-radius..width as isize + radius)
        .map(|x| 3 * reflect(x, width))
        .collect()
}

/// A row with its reflected margins.
#[inline(always)]
fn widen(row: &[u8], columns: &[usize], line: &mut [f32]) {
    let margin = (3 * columns.len() - row.len()) / 6;
    for x in (0..margin).chain(columns.len() - margin..columns.len()) {
        for channel in 0..3 {
            line[3 * x + channel] = f32::from(row[columns[x] + channel]);
        }
    }
    for (level, &of) in line[3 * margin..].iter_mut().zip(row) {
        *level = f32::from(of);
    }
}

/// Adds up levels, one slice for each weight. Sums start at one half, so that cutting rounds, and end below 256.
#[inline(always)]
fn weigh<'a, S: Simd>(simd: S, kernel: &[f32], levels: impl Fn(usize) -> &'a [f32], sums: &mut [f32]) {
    let (sums, _) = S::as_mut_simd_f32s(sums).0.as_chunks_mut::<VECTORS>();
    for (at, sums) in sums.iter_mut().enumerate() {
        let mut all = [simd.splat_f32s(0.5); VECTORS];
        for (tap, &weight) in kernel.iter().enumerate() {
            let (levels, _) = S::as_simd_f32s(levels(tap)).0.as_chunks::<VECTORS>();
            let weight = simd.splat_f32s(weight);
            for (sum, &level) in all.iter_mut().zip(&levels[at]) {
                *sum = simd.add_f32s(*sum, simd.mul_f32s(level, weight));
            }
        }
        *sums = all;
    }
}

/// An `f32` of this size or more has no fraction.
const WHOLE: f32 = 8_388_608.0;

/// Without its fraction, for numbers from 0 to 256. A cast does the same, but not in vectors.
#[inline(always)]
fn cut(sum: f32) -> f32 {
    let near = (sum + WHOLE) - WHOLE;
    if near > sum { near - 1.0 } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One pass, level by level: `step` apart are the neighbours along a line.
    fn pass(old: &Pixels, kernel: &[f32], downwards: bool) -> Vec<u8> {
        let (stride, radius) = (old.stride(), (kernel.len() / 2) as isize);
        let level = |at: usize| {
            let (x, y, channel) = (at % stride / 3, at / stride, at % 3);
            let weighed = |sum: f32, (tap, &weight): (usize, &f32)| {
                let away = tap as isize - radius;
                let (x, y) = match downwards {
                    true => (x, reflect(y as isize + away, old.height as usize)),
                    false => (reflect(x as isize + away, old.width as usize), y),
                };
                sum + f32::from(old.rgb[y * stride + 3 * x + channel]) * weight
            };
            kernel.iter().enumerate().fold(0.5, weighed) as u8
        };
        (0..old.rgb.len()).map(level).collect()
    }

    #[test]
    fn two_passes_are_one_after_the_other() {
        for (width, height) in [(1, 1), (1, 5), (5, 1), (2, 2), (7, 40), (40, 7), (33, 64)] {
            let mut old = Pixels::new(width, height);
            Rng::new(1, "levels", 0).fill(&mut old.rgb);
            for kernel in [0.1, 0.7, 1.0, 2.3, 9.0].map(kernel) {
                let mut new = vec![0; old.rgb.len()];
                let (old, new, kernel) = (&old, &mut new[..], &kernel[..]);
                wide(Blurred { old, new, kernel });
                let mut expected = old.clone();
                expected.rgb = pass(&expected, kernel, false);
                expected.rgb = pass(&expected, kernel, true);
                assert!(*new == expected.rgb, "{width} x {height}, {} weights", kernel.len());
            }
        }
    }

    #[test]
    fn reflection_does_not_repeat_the_edge() {
        let row: Vec<usize> = (-3..7).map(|at| reflect(at, 4)).collect();
        assert_eq!(row, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert!((-9..9).all(|at| reflect(at, 1) == 0));
    }
}
