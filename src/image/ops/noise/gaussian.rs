//! Gaussian noise.

use pulp::NullaryFnOnce;

use crate::error::{Error, Result};
use crate::image::parameters::check_number;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// Fractions of a level in the tables.
const BITS: u32 = 8;
/// Levels whose noise is drawn at once.
const BLOCK: usize = 2048;

/// Adds independent normal noise to every level and clips: torchvision's `GaussianNoise`.
///
/// A draw is the sum of two table entries that a random byte each picks, which costs two bytes of randomness and no
/// arithmetic beyond an addition. The sum has the exact mean and deviation; its distribution function differs from the
/// normal one by at most 0.002 (before it is rounded to whole levels), and it ends at 4.1 deviations.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNoise {
    mean: f32,
    sigma: f32,
    /// Worked out when it is first needed.
    #[serde(skip)]
    table: OnceLock<Table>,
}

/// 256 quantiles of a normal distribution of half the mean and half the variance, in 1/256 of a level.
type Table = [i32; 256];

impl GaussianNoise {
    /// `sigma` is the noise's standard deviation as a share of the full range, in `0..=1`: 0.1, torchvision's
    /// default, is 25.5 levels.
    pub fn new(sigma: f32) -> Self {
        Self {
            mean: 0.0,
            sigma,
            table: OnceLock::new(),
        }
    }

    /// The noise's mean as a share of the full range, in `-1..=1`: above 0 it makes pictures brighter. Defaults to 0, as in torchvision.
    #[must_use]
    pub fn mean(mut self, mean: f32) -> Self {
        self.mean = mean;
        self.table = OnceLock::new();
        self
    }
}

fn table(mean: f32, sigma: f32) -> Table {
    let middle = f64::from(mean) * 255.0 * f64::from(1 << BITS) / 2.0;
    let share = f64::from(sigma) * 255.0 * f64::from(1 << BITS) / std::f64::consts::SQRT_2;
    let quantiles: [f64; 256] = std::array::from_fn(|i| quantile((i as f64 + 0.5) / 256.0));
    let power = quantiles.iter().map(|z| z * z).sum::<f64>() / 256.0;
    quantiles.map(|z| libm::round(z * share / power.sqrt() + middle) as i32)
}

impl std::fmt::Debug for GaussianNoise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GaussianNoise")
            .field("mean", &self.mean)
            .field("sigma", &self.sigma)
            .finish_non_exhaustive()
    }
}

impl Default for GaussianNoise {
    fn default() -> Self {
        Self::new(0.1)
    }
}

impl Spec for GaussianNoise {
    const NAME: &'static str = "gaussian_noise";

    fn check(&self) -> Result<()> {
        check_number("mean", self.mean, -1.0..=1.0)?;
        match self.sigma {
            0.0..=1.0 => Ok(()),
            sigma => Err(Error::config(format!(
                "sigma is {sigma}, but has to lie in 0..=1 (a share of the full range)"
            ))),
        }
    }
}

impl Operation for GaussianNoise {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (mean, sigma) = (self.mean, self.sigma);
        let table = *self.table.get_or_init(|| table(mean, sigma));
        // Every level takes a draw of its own: they are made when it is its turn.
        let mut rng = std::mem::replace(rng, Rng::new(0, Self::NAME, 0));
        match subject.depth {
            Depth::U8 => Drawn::values(move |pixels| pixels.change_colors(|pixels| add(pixels, &table, &mut rng))),
            Depth::F32 => {
                Drawn::floats(move |pixels| pixels.change_colors(|pixels| add_floats(pixels, mean, sigma, &mut rng)))
            }
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, _: &mut Rng) -> Option<String> {
        Some(match self.mean {
            0.0 => format!("sigma {}", self.sigma),
            mean => format!("mean {mean}, sigma {}", self.sigma),
        })
    }
}

fn add(pixels: &mut Pixels, table: &Table, rng: &mut Rng) {
    let (mut bytes, mut sums) = ([0; 2 * BLOCK], [0; BLOCK]);
    for levels in pixels.levels.chunks_mut(BLOCK) {
        rng.fill(&mut bytes[..2 * levels.len()]);
        for (sum, [a, b]) in sums.iter_mut().zip(bytes.as_chunks().0) {
            *sum = table[usize::from(*a)] + table[usize::from(*b)];
        }
        wide(Add(levels, &sums));
    }
}

/// Exact normal noise: of shares there are no steps that a table could have.
fn add_floats(pixels: &mut Pixels<f32>, mean: f32, sigma: f32, rng: &mut Rng) {
    for level in &mut pixels.levels {
        *level = (*level + mean + sigma * rng.normal()).clamp(0.0, 1.0);
    }
}

/// Apart from the look-ups, of which there are no vectors.
struct Add<'a>(&'a mut [u8], &'a [i32; BLOCK]);

impl NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (level, sum) in self.0.iter_mut().zip(self.1) {
            let noisy = i32::from(*level) + ((sum + (1 << (BITS - 1))) >> BITS);
            *level = noisy.clamp(0, 255) as u8;
        }
    }
}

/// The normal distribution's quantile of `p`, by bisection of its distribution function.
fn quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if libm::erfc(-middle / std::f64::consts::SQRT_2) / 2.0 < p {
            low = middle
        } else {
            high = middle
        }
    }
    (low + high) / 2.0
}
