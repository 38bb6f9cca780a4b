//! Gaussian blur.

use std::ops::RangeInclusive;

use super::{Augment, Pixels};
use crate::rng::Rng;

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
        pixels.redraw(|old, new| across(old, new, &kernel));
        pixels.redraw(|old, new| down(old, new, &kernel));
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

/// Horizontally: a row with reflected margins, added up at the kernel's offsets.
fn across(old: &Pixels, new: &mut [u8], kernel: &[f32]) {
    let (stride, width) = (old.stride(), old.width as usize);
    let mut wide = vec![0.0; stride + 3 * (kernel.len() - 1)];
    let mut sums = vec![0.0; stride];
    let radius = (kernel.len() / 2) as isize;
    let columns: Vec<usize> = (-radius..width as isize + radius)
        .map(|x| 3 * reflect(x, width))
        .collect();
    for (from, to) in old.rgb.chunks_exact(stride).zip(new.chunks_exact_mut(stride)) {
        for (pixel, &x) in wide.chunks_exact_mut(3).zip(&columns) {
            for (wide, &level) in pixel.iter_mut().zip(&from[x..x + 3]) {
                *wide = f32::from(level);
            }
        }
        sums.fill(0.5);
        for (tap, &weight) in kernel.iter().enumerate() {
            add(&mut sums, wide[3 * tap..].iter().copied(), weight);
        }
        round(&sums, to);
    }
}

/// Vertically: whole rows, added up.
fn down(old: &Pixels, new: &mut [u8], kernel: &[f32]) {
    let (stride, height) = (old.stride(), old.height as usize);
    let mut sums = vec![0.0; stride];
    let radius = kernel.len() / 2;
    for (y, to) in new.chunks_exact_mut(stride).enumerate() {
        sums.fill(0.5);
        for (tap, &weight) in kernel.iter().enumerate() {
            let from = reflect((y + tap) as isize - radius as isize, height) * stride;
            add(
                &mut sums,
                old.rgb[from..from + stride].iter().map(|&level| f32::from(level)),
                weight,
            );
        }
        round(&sums, to);
    }
}

fn add(sums: &mut [f32], levels: impl Iterator<Item = f32>, weight: f32) {
    for (sum, level) in sums.iter_mut().zip(levels) {
        *sum += level * weight;
    }
}

/// Sums start at one half, so cutting rounds, and end below 256 (by way of `i32`, which vectorises).
fn round(sums: &[f32], to: &mut [u8]) {
    for (to, &sum) in to.iter_mut().zip(sums) {
        *to = sum as i32 as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_does_not_repeat_the_edge() {
        let row: Vec<usize> = (-3..7).map(|at| reflect(at, 4)).collect();
        assert_eq!(row, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert!((-9..9).all(|at| reflect(at, 1) == 0));
    }
}
