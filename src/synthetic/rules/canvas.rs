//! What a scene is painted on.

use super::cutout::Cutout;
use crate::image::Pixels;
use crate::rng::Rng;

/// Lattice points across the coarsest of a background's three patterns.
const COARSEST: usize = 3;

/// An RGB picture of numbers from 0 to 1, and which object each pixel shows.
#[derive(Debug)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    colors: Vec<[f32; 3]>,
    /// 0 for the background, else the object's number.
    pub(super) shows: Vec<u16>,
}

impl Canvas {
    /// A background between two colours, in a smooth random pattern (value noise of three octaves).
    pub(super) fn new(width: usize, height: usize, rng: &mut Rng) -> Self {
        let [from, to]: [[f32; 3]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| rng.range(0.05, 0.95)));
        let mut pattern = vec![0.0; width * height];
        for (octave, weight) in [(1, 0.5), (2, 0.3), (4, 0.2)] {
            add_noise_pattern(&mut pattern, (width, height), COARSEST * octave, weight, rng);
        }
        let color = |&t: &f32| std::array::from_fn(|c| from[c] + (to[c] - from[c]) * t);
        Self {
            width,
            height,
            colors: pattern.iter().map(color).collect(),
            shows: vec![0; width * height],
        }
    }

    /// With these colours as background.
    pub(super) fn of(width: usize, height: usize, colors: Vec<[f32; 3]>) -> Self {
        Self {
            width,
            height,
            shows: vec![0; colors.len()],
            colors,
        }
    }

    /// Darkens what an object with its top left corner at `at` keeps the light from: its outline, `by` further, soft, and of this strength.
    pub(super) fn shade(&mut self, cutout: &Cutout, at: (isize, isize), by: [f32; 2], strength: f32) {
        let soft = (cutout.width.max(cutout.height) / 16).max(1) as isize;
        let by = by.map(|by| libm::roundf(by) as isize);
        let (width, height) = (cutout.width as isize, cutout.height as isize);
        let alpha = |x: isize, y: isize| match (0..width).contains(&x) && (0..height).contains(&y) {
            true => cutout.alpha[(y * width + x) as usize],
            false => 0.0,
        };
        for y in -soft..height + soft {
            for x in -soft..width + soft {
                let (to_x, to_y) = (at.0 + x + by[0], at.1 + y + by[1]);
                let is_inside = (0..self.width as isize).contains(&to_x) && (0..self.height as isize).contains(&to_y);
                if !is_inside {
                    continue;
                }
                let near = (-soft..=soft).flat_map(|dy| (-soft..=soft).map(move |dx| (x + dx, y + dy)));
                let share = near.map(|(x, y)| alpha(x, y)).sum::<f32>() / ((2 * soft + 1) * (2 * soft + 1)) as f32;
                let color = &mut self.colors[to_y as usize * self.width + to_x as usize];
                color.iter_mut().for_each(|value| *value *= 1.0 - strength * share);
            }
        }
    }

    /// Light from the direction of `angle`: `1 + strength` of it there, `1 - strength` at the other end.
    pub(super) fn light(&mut self, angle: f32, strength: f32) {
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        let reach = (cos.abs() * self.width as f32 + sin.abs() * self.height as f32) / 2.0;
        let (middle_x, middle_y) = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        for (at, color) in self.colors.iter_mut().enumerate() {
            let (x, y) = (
                (at % self.width) as f32 + 0.5 - middle_x,
                (at / self.width) as f32 + 0.5 - middle_y,
            );
            let light = 1.0 + strength * (cos * x + sin * y) / reach;
            color.iter_mut().for_each(|value| *value *= light);
        }
    }

    /// Paints an object with its top left corner at `at`, in `tint`, as number `number`. What is outside is cut off.
    pub(super) fn paint(&mut self, cutout: &Cutout, at: (isize, isize), tint: [f32; 3], number: u16) {
        for (from, to) in self.places(cutout, at) {
            let alpha = cutout.alpha[from];
            let light = 0.35 + 0.65 * cutout.light[from];
            let own = match &cutout.colors {
                Some(colors) => std::array::from_fn(|c| tint[c] * colors[from][c]),
                None => tint.map(|tint| tint * light),
            };
            for (color, own) in self.colors[to].iter_mut().zip(own) {
                *color += (own - *color) * alpha;
            }
            if cutout.covers(from) {
                self.shows[to] = number;
            }
        }
    }

    /// Pixels of an object, and where on the canvas they come.
    pub(super) fn places(&self, cutout: &Cutout, (left, top): (isize, isize)) -> Vec<(usize, usize)> {
        let mut places = Vec::with_capacity(cutout.alpha.len());
        for y in 0..cutout.height {
            let Some(to_y) = top
                .checked_add_unsigned(y)
                .filter(|y| (0..self.height as isize).contains(y))
            else {
                continue;
            };
            for x in 0..cutout.width {
                let to_x = left + x as isize;
                if (0..self.width as isize).contains(&to_x) {
                    places.push((y * cutout.width + x, to_y as usize * self.width + to_x as usize));
                }
            }
        }
        places
    }

    /// A Gaussian of `sigma` pixels.
    pub(super) fn blur(&mut self, sigma: f32) {
        let reach = libm::ceilf(3.0 * sigma) as isize;
        if sigma < 0.05 {
            return;
        }
        let weight = |d: isize| libm::expf(-((d * d) as f32) / (2.0 * sigma * sigma));
        let weights: Vec<f32> = (-reach..=reach).map(weight).collect();
        let sum: f32 = weights.iter().sum();
        for (step, length) in [(1, self.width), (self.width, self.height)] {
            let old = self.colors.clone();
            for (at, color) in self.colors.iter_mut().enumerate() {
                let place = (at / step % length) as isize;
                *color = [0.0; 3];
                for (d, weight) in (-reach..=reach).zip(&weights) {
                    // Beyond an edge the edge's colour goes on.
                    let from = (place + d).clamp(0, length as isize - 1) - place;
                    let from = old[at.wrapping_add_signed(from * step as isize)];
                    color
                        .iter_mut()
                        .zip(from)
                        .for_each(|(c, from)| *c += from * weight / sum);
                }
            }
        }
    }

    /// Adds normal noise of deviation `sigma`, and rounds to levels.
    pub(super) fn finish(&self, sigma: f32, rng: &mut Rng) -> Pixels {
        let mut pixels = Pixels::new(self.width as u32, self.height as u32);
        for (levels, color) in pixels.levels.chunks_exact_mut(3).zip(&self.colors) {
            for (level, value) in levels.iter_mut().zip(color) {
                let value = value + sigma * rng.normal();
                *level = (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
            }
        }
        pixels
    }
}

/// Random numbers from 0 to 1 on a lattice of `cells` by `cells`, smooth between its points.
pub(super) fn add_noise_pattern(
    pattern: &mut [f32],
    (width, height): (usize, usize),
    cells: usize,
    weight: f32,
    rng: &mut Rng,
) {
    let points = cells + 1;
    let lattice: Vec<f32> = (0..points * points).map(|_| rng.unit()).collect();
    // 3t^2 - 2t^3: no creases at the lattice.
    let place = |at: usize, of: usize| {
        let exact = at as f32 * cells as f32 / of as f32;
        let (low, t) = (exact as usize, exact - (exact as usize) as f32);
        (low, t * t * (3.0 - 2.0 * t))
    };
    for (at, value) in pattern.iter_mut().enumerate() {
        let ((x, across), (y, down)) = (place(at % width, width), place(at / width, height));
        let of = |x: usize, y: usize| lattice[y * points + x];
        let row = |y: usize| of(x, y) + (of(x + 1, y) - of(x, y)) * across;
        *value += weight * (row(y) + (row(y + 1) - row(y)) * down);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_what_is_even_and_spreads_a_point() {
        let mut canvas = Canvas::new(9, 7, &mut Rng::new(0, "canvas", 0));
        canvas.colors.fill([0.25, 0.5, 0.75]);
        canvas.blur(1.0);
        assert!(
            canvas
                .colors
                .iter()
                .flatten()
                .zip([0.25, 0.5, 0.75].iter().cycle())
                .all(|(a, b)| (a - b).abs() < 1e-6)
        );
        canvas.colors.fill([0.0; 3]);
        canvas.colors[3 * 9 + 4] = [1.0; 3];
        canvas.blur(0.5);
        // A normal density of 0.5: exp(-2) beside 1.
        let beside = canvas.colors[3 * 9 + 5][0] / canvas.colors[3 * 9 + 4][0];
        assert!((beside - libm::expf(-2.0)).abs() < 1e-6, "{beside}");
        assert!((canvas.colors.iter().map(|c| c[0]).sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn noise_has_its_deviation_and_ends_at_black_and_white() {
        let noisy = |level: f32, sigma: f32| {
            let canvas = Canvas::of(100, 90, vec![[level; 3]; 9000]);
            let pixels = canvas.finish(sigma, &mut Rng::new(3, "canvas", 0));
            assert_eq!((pixels.width, pixels.height, pixels.levels.len()), (100, 90, 27_000));
            let levels: Vec<f64> = pixels.levels.iter().map(|&level| f64::from(level)).collect();
            let mean = levels.iter().sum::<f64>() / 27_000.0;
            let spread = levels.iter().map(|level| (level - mean).powi(2)).sum::<f64>() / 27_000.0;
            (mean, spread)
        };
        for sigma in [0.02, 0.1] {
            let (mean, spread) = noisy(0.5, sigma);
            let expected = (255.0 * f64::from(sigma)).powi(2);
            // Within five deviations; rounding adds a twelfth.
            assert!(
                (mean - 127.5).abs() < 5.0 * (expected / 27_000.0).sqrt() + 0.01,
                "{sigma}: {mean}"
            );
            let off = (spread - 1.0 / 12.0) / expected - 1.0;
            assert!(off.abs() < 5.0 * (2.0 / 27_000.0_f64).sqrt(), "{sigma}: {spread}");
        }
        assert_eq!(noisy(0.4, 0.0), (102.0, 0.0));
        // Of half of the draws nothing is left.
        let half = 0.1 * 255.0 / f64::from(std::f32::consts::TAU).sqrt();
        for (level, mean) in [(0.0, half), (1.0, 255.0 - half)] {
            assert!(
                (noisy(level, 0.1).0 - mean).abs() < 0.5,
                "{level}: {:?}",
                noisy(level, 0.1)
            );
        }
    }

    #[test]
    fn what_is_outside_is_cut_off() {
        let canvas = Canvas::new(4, 4, &mut Rng::new(0, "canvas", 0));
        let cutout = Cutout {
            width: 3,
            height: 3,
            light: vec![1.0; 9],
            colors: None,
            alpha: vec![1.0; 9],
            corners: [[0.0; 2]; 4],
        };
        assert_eq!(canvas.places(&cutout, (-2, -2)), [(8, 0)]);
        assert_eq!(canvas.places(&cutout, (3, 3)), [(0, 15)]);
        assert!(canvas.places(&cutout, (4, 0)).is_empty());
    }

    #[test]
    fn light_falls_from_its_direction_and_shadows_away_from_it() {
        let mut canvas = Canvas::of(20, 10, vec![[0.5; 3]; 200]);
        canvas.light(0.0, 0.4);
        let level = |canvas: &Canvas, x: usize, y: usize| canvas.colors[y * 20 + x][1];
        assert!((level(&canvas, 19, 3) - 0.5 * (1.0 + 0.4 * 0.95)).abs() < 1e-6);
        assert!((level(&canvas, 0, 9) - 0.5 * (1.0 - 0.4 * 0.95)).abs() < 1e-6);
        let mut canvas = Canvas::of(20, 10, vec![[0.5; 3]; 200]);
        let cutout = Cutout {
            width: 4,
            height: 4,
            light: vec![1.0; 16],
            colors: None,
            alpha: vec![1.0; 16],
            corners: [[0.0; 2]; 4],
        };
        canvas.shade(&cutout, (3, 3), [5.0, 0.0], 0.6);
        assert!((level(&canvas, 9, 4) - 0.5 * 0.4).abs() < 1e-6);
        assert_eq!(level(&canvas, 4, 4), 0.5);
        // A third of the pixels around the one beside it are shaded.
        assert!((level(&canvas, 12, 4) - 0.5 * (1.0 - 0.6 / 3.0)).abs() < 1e-6);
    }
}
