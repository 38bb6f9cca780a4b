//! The Gaussian blur of pictures of `f32`.

use super::reflect::reflect;
use crate::image::Pixels;

/// Of `old` into `new`, horizontally and then vertically, three deviations to either side.
pub(super) fn blur(old: &Pixels<f32>, new: &mut [f32], sigma: f32) {
    let (weights, channels, stride) = (weights(sigma), old.channels(), old.stride());
    let (width, height, radius) = (old.width as usize, old.height as usize, weights.len() / 2);
    let near = |at: usize, tap: usize, length: usize| reflect((at + tap) as isize - radius as isize, length);
    let mut across = vec![0.0; old.levels.len()];
    for (to, from) in across
        .chunks_exact_mut(stride.max(1))
        .zip(old.levels.chunks_exact(stride.max(1)))
    {
        for (x, to) in to.chunks_exact_mut(channels).enumerate() {
            for (tap, weight) in weights.iter().enumerate() {
                let from = &from[near(x, tap, width) * channels..];
                to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
            }
        }
    }
    new.fill(0.0);
    for (y, to) in new.chunks_exact_mut(stride.max(1)).enumerate() {
        for (tap, weight) in weights.iter().enumerate() {
            let from = &across[near(y, tap, height) * stride..];
            to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
        }
    }
}

/// Of all pixels under the kernel.
fn weights(sigma: f32) -> Vec<f32> {
    let sigma = f64::from(sigma);
    let radius = libm::ceil(3.0 * sigma) as i32;
    let bell = |at: i32| libm::exp(-0.5 * (f64::from(at) / sigma) * (f64::from(at) / sigma));
    let sum: f64 = (-radius..=radius).map(bell).sum();
    (-radius..=radius).map(|at| (bell(at) / sum) as f32).collect()
}
