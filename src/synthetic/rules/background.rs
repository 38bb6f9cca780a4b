//! What is behind the objects of a scene.

use super::canvas::add_noise_pattern;
use crate::image::{ImageError, Interpolation, Pixels, Region, resize};
use crate::rng::Rng;
use crate::source::SourceSpec;
use crate::spec::Named;
use fast_image_resize::Resizer;
use serde::{Deserialize, Serialize};
use std::f32::consts::TAU;

/// A background that is made by rule, of random colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneBackground {
    /// Two colours in a smooth random pattern.
    Noise,
    /// One colour.
    Plain,
    /// From one colour to another one, in any direction.
    Gradient,
    /// Stripes of two colours, in any direction.
    Stripes,
    /// Squares of two colours, in any direction.
    Checks,
    /// Two colours in a fine random pattern.
    Grain,
}

/// Given pictures as backgrounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenePictures {
    /// Where they come from: `{ folder = { path = "places" } }`.
    pub source: Named<dyn SourceSpec>,
    /// The column of encoded pictures. Defaults to "image".
    #[serde(default = "image")]
    pub column: String,
}

fn image() -> String {
    "image".to_owned()
}

/// Lattice points across the coarsest pattern of grain.
const FINEST: usize = 24;

impl SceneBackground {
    /// The colours of all pixels.
    pub(super) fn draw(self, (width, height): (usize, usize), rng: &mut Rng) -> Vec<[f32; 3]> {
        let [from, to]: [[f32; 3]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| rng.range(0.05, 0.95)));
        let angle = rng.range(0.0, TAU);
        let period = rng.range(0.04, 0.25) * width.max(height) as f32;
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        let along = |at: usize| {
            let (x, y) = ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5);
            [cos * x + sin * y, cos * y - sin * x]
        };
        let odd = |at: f32| (libm::floorf(at / period) as i64).rem_euclid(2) == 1;
        let mut pattern = vec![0.0; width * height];
        match self {
            Self::Plain => {}
            Self::Noise => noise(&mut pattern, (width, height), 3, rng),
            Self::Grain => noise(&mut pattern, (width, height), FINEST, rng),
            Self::Gradient => {
                // Corner to corner.
                let ends = [0, width - 1, (height - 1) * width, height * width - 1].map(|at| along(at)[0]);
                let low = ends.into_iter().fold(f32::INFINITY, f32::min);
                let high = ends.into_iter().fold(f32::NEG_INFINITY, f32::max);
                let share = |at| (along(at)[0] - low) / (high - low).max(1.0);
                pattern
                    .iter_mut()
                    .enumerate()
                    .for_each(|(at, value)| *value = share(at));
            }
            Self::Stripes => {
                let stripe = |at| f32::from(u8::from(odd(along(at)[0])));
                pattern
                    .iter_mut()
                    .enumerate()
                    .for_each(|(at, value)| *value = stripe(at));
            }
            Self::Checks => {
                let square = |at| f32::from(u8::from(odd(along(at)[0]) != odd(along(at)[1])));
                pattern
                    .iter_mut()
                    .enumerate()
                    .for_each(|(at, value)| *value = square(at));
            }
        }
        let color = |&t: &f32| std::array::from_fn(|c| from[c] + (to[c] - from[c]) * t);
        pattern.iter().map(color).collect()
    }
}

/// Three octaves of value noise.
fn noise(pattern: &mut [f32], size: (usize, usize), cells: usize, rng: &mut Rng) {
    for (octave, weight) in [(1, 0.5), (2, 0.3), (4, 0.2)] {
        add_noise_pattern(pattern, size, cells * octave, weight, rng);
    }
}

/// A random part of a picture of the shape of a scene, at least half as long as the longest that there is.
pub(super) fn part_of(
    encoded: &[u8],
    (width, height): (usize, usize),
    rng: &mut Rng,
) -> Result<Vec<[f32; 3]>, ImageError> {
    let picture = Pixels::decode(encoded)?;
    let [across, down] = [picture.width, picture.height].map(f64::from);
    let whole = (across / width as f64).min(down / height as f64);
    let scale = whole * f64::from(rng.range(0.5, 1.0));
    let (wide, high) = (width as f64 * scale, height as f64 * scale);
    let region = Region {
        left: (across - wide) * f64::from(rng.unit()),
        top: (down - high) * f64::from(rng.unit()),
        width: wide,
        height: high,
    };
    let mut part = Pixels::new(width as u32, height as u32);
    resize(
        &mut Resizer::new(),
        Interpolation::Bilinear,
        &picture,
        region,
        &mut part,
    )?;
    let color = |pixel: &[u8]| std::array::from_fn(|c| f32::from(pixel[c]) / 255.0);
    Ok(part.levels.chunks_exact(3).map(color).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(background: SceneBackground) -> Vec<[f32; 3]> {
        background.draw((40, 30), &mut Rng::new(2, "background", 0))
    }

    fn colors(of: &[[f32; 3]]) -> usize {
        let mut all: Vec<[u32; 3]> = of.iter().map(|color| color.map(f32::to_bits)).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    #[test]
    fn backgrounds_are_what_they_are_called() {
        assert_eq!(colors(&drawn(SceneBackground::Plain)), 1);
        assert_eq!(colors(&drawn(SceneBackground::Stripes)), 2);
        assert_eq!(colors(&drawn(SceneBackground::Checks)), 2);
        let gradient = drawn(SceneBackground::Gradient);
        // Each step is as large as the one before.
        let step = |at: usize| gradient[at + 1][0] - gradient[at][0];
        assert!((0..38).all(|at| (step(at) - step(0)).abs() < 1e-5) && step(0) != 0.0);
        // Neighbours differ more in fine grain than in noise.
        let rough = |of: &[[f32; 3]]| {
            let spread = of.iter().map(|c| c[0]).fold(0.0, f32::max) - of.iter().map(|c| c[0]).fold(1.0, f32::min);
            of.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).sum::<f32>() / spread
        };
        assert!(rough(&drawn(SceneBackground::Grain)) > 2.0 * rough(&drawn(SceneBackground::Noise)));
    }

    #[test]
    fn a_part_of_a_picture_keeps_its_aspect_ratio() {
        let mut picture = Pixels::new(64, 64);
        for (at, pixel) in picture.levels.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(&[(at % 64 * 4) as u8, (at / 64 * 4) as u8, 128]);
        }
        let part = part_of(&picture.to_png().unwrap(), (32, 16), &mut Rng::new(2, "part", 1)).unwrap();
        let across = (part[31][0] - part[0][0]) / 31.0;
        let down = (part[15 * 32][1] - part[0][1]) / 15.0;
        // 32 to 64 pixels of 4 levels over 32.
        assert!((4.0 / 255.0..=8.2 / 255.0).contains(&across), "{across}");
        assert!((across - down).abs() < 0.15 * across, "{across} {down}");
        assert!(part.iter().all(|color| (color[2] - 128.0 / 255.0).abs() < 0.01));
    }
}
