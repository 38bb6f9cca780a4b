//! Bent here and there.

use super::moved;
use crate::error::Result;
use crate::image::Field;
use crate::image::parameters::check_number;
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Deviations of the Gaussian to either side that noise is smoothed with.
const REACH: f64 = 4.0;
/// Nodes of the field for a deviation: between them it is linear.
const NODES: f64 = 2.0;

/// Moves each pixel by noise that is smoothed by a Gaussian of deviation `sigma` pixels, so that neighbours move alike: torchvision's
/// `ElasticTransform`. The size stays.
///
/// As there, noise is even in `-1..=1` for each pixel, and is multiplied by `alpha / 2` pixels once it is smoothed: displacements have a
/// deviation of `0.081 * alpha / sigma` pixels. (For pictures that are no squares torchvision multiplies displacements across by width over
/// height.) What would fold the picture is [made flatter](Field::new), which begins at an `alpha` of about `sigma * sigma`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElasticTransform {
    alpha: f32,
    sigma: f32,
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

impl ElasticTransform {
    /// `alpha` in `0..=100000`, `sigma` in `0.5..=1000` pixels; torchvision's defaults are 50 and 5.
    pub fn new(alpha: f32, sigma: f32) -> Self {
        Self {
            alpha,
            sigma,
            padding_mode: None,
        }
    }

    fn field(&self, size: [u32; 2], rng: &mut Rng) -> Option<Field> {
        let (alpha, sigma) = (f64::from(self.alpha), f64::from(self.sigma));
        let apart = (sigma / NODES).max(1.0);
        let [columns, rows] = size.map(|side| (f64::from(side) / apart).ceil().max(1.0) as usize);
        // Along each side in nodes, which lie a little closer than they might.
        let sigmas = [columns, rows].map(|count| sigma * count as f64);
        let across = bell(sigmas[0] / f64::from(size[0]));
        let down = bell(sigmas[1] / f64::from(size[1]));
        // The deviation that noise for each pixel would have, over that of noise for each node.
        let squares = |weights: &[f32]| weights.iter().map(|&weight| f64::from(weight * weight)).sum::<f64>();
        let wanted = 1.0 / (2.0 * std::f64::consts::PI.sqrt() * sigma);
        let strength = alpha / 2.0 * wanted / (squares(&across) * squares(&down)).sqrt();
        let mut smooth = || smoothed([columns, rows], [&across, &down], rng);
        let (x, y) = (smooth(), smooth());
        let nodes = x
            .into_iter()
            .zip(y)
            .map(|(x, y)| [x, y].map(|value| value * strength as f32));
        Field::new(size, columns, nodes.collect())
    }
}

impl Default for ElasticTransform {
    fn default() -> Self {
        Self::new(50.0, 5.0)
    }
}

/// The weights of a Gaussian, whose sum is 1.
fn bell(sigma: f64) -> Vec<f32> {
    let radius = libm::ceil(REACH * sigma) as i32;
    let at = |i: i32| libm::exp(-0.5 * (f64::from(i) / sigma) * (f64::from(i) / sigma));
    let sum: f64 = (-radius..=radius).map(at).sum();
    (-radius..=radius).map(|i| (at(i) / sum) as f32).collect()
}

/// Noise in `-1..=1`, smoothed across and down.
fn smoothed([columns, rows]: [usize; 2], [across, down]: [&[f32]; 2], rng: &mut Rng) -> Vec<f32> {
    let (wide, high) = (columns + across.len() - 1, rows + down.len() - 1);
    let mut lines = vec![0.0; columns * high];
    let mut noise = vec![0.0; wide];
    for line in lines.chunks_exact_mut(columns) {
        noise.iter_mut().for_each(|value| *value = rng.range(-1.0, 1.0));
        for (first, &weight) in across.iter().enumerate() {
            add(line, &noise[first..], weight);
        }
    }
    let mut out = vec![0.0; columns * rows];
    for (row, line) in out.chunks_exact_mut(columns).enumerate() {
        for (tap, &weight) in down.iter().enumerate() {
            add(line, &lines[(row + tap) * columns..], weight);
        }
    }
    out
}

fn add(to: &mut [f32], from: &[f32], weight: f32) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from * weight);
}

impl Spec for ElasticTransform {
    const NAME: &'static str = "elastic_transform";

    fn check(&self) -> Result<()> {
        check_number("alpha", self.alpha, 0.0..=100_000.0)?;
        check_number("sigma", self.sigma, 0.5..=1000.0)
    }
}

impl Operation for ElasticTransform {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let field = self.field(subject.size(), rng);
        moved(
            field.map(|field| Motion::field(subject.size(), field)),
            self.padding_mode,
        )
    }

    fn moves(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As torchvision's noise for each pixel: even noise has a deviation of 0.577.
    #[test]
    fn displacements_have_the_deviation_that_the_docs_name() {
        for (alpha, sigma) in [(50.0, 5.0), (20.0, 8.0), (3.0, 1.5)] {
            let (mut squares, mut count) = (0.0, 0.0);
            for row in 0..20 {
                let field = ElasticTransform::new(alpha, sigma).field([120, 90], &mut Rng::new(1, "elastic", row));
                let motion = Motion::field([120, 90], field.unwrap());
                for at in 0..12 * 9 {
                    let place = [f64::from(at % 12 * 10) + 5.0, f64::from(at / 12 * 10) + 5.0];
                    let from = motion.origin(place);
                    squares += (from[0] - place[0]).powi(2) + (from[1] - place[1]).powi(2);
                    count += 2.0;
                }
            }
            let (found, expected) = (f64::sqrt(squares / count), 0.0814 * f64::from(alpha / sigma));
            assert!(
                (found / expected - 1.0).abs() < 0.12,
                "{alpha}, {sigma}: {found} for {expected}"
            );
        }
    }
}
