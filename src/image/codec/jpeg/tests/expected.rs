//! The pixels that libjpeg decodes from a made file.
//!
//! They are computed from the coefficients, not from the file: an exact transform, and libjpeg's rules for what lies between
//! samples.

use super::encoder::{Made, quantisation};
use crate::image::codec::jpeg::huffman::ZIGZAG;
use crate::image::pixels::Pixels;
use std::f64::consts::PI;

/// Rows of samples.
type Samples = Vec<Vec<i32>>;

impl Made {
    /// The levels of a component: the samples that count.
    fn samples(&self, at: usize) -> Samples {
        let (width, height) = self.spec.samples(at);
        let stride = self.spec.mcus().0 * self.spec.factors[at].0;
        let mut samples = vec![vec![0; width]; height];
        let wave = |k: usize, x: usize| {
            let scale = if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
            scale / 2.0 * ((2 * x + 1) as f64 * k as f64 * PI / 16.0).cos()
        };
        let waves: [[f64; 8]; 8] = std::array::from_fn(|k| std::array::from_fn(|x| wave(k, x)));
        for down in 0..height.div_ceil(8) {
            for across in 0..width.div_ceil(8) {
                let block = &self.blocks[at][down * stride + across];
                // Across, then down.
                let mut columns = [[0.0; 8]; 8];
                for (place, &value) in block.iter().enumerate().filter(|(_, value)| **value != 0) {
                    let (v, u) = (usize::from(ZIGZAG[place]) / 8, usize::from(ZIGZAG[place]) % 8);
                    let value = f64::from(value * quantisation(at, place));
                    (0..8).for_each(|x| columns[v][x] += value * waves[u][x]);
                }
                for y in 0..8.min(height - down * 8) {
                    for x in 0..8.min(width - across * 8) {
                        let sum: f64 = (0..8).map(|v| columns[v][x] * waves[v][y]).sum();
                        samples[down * 8 + y][across * 8 + x] = (sum + 128.0).round().clamp(0.0, 255.0) as i32;
                    }
                }
            }
        }
        samples
    }

    /// The component's level at each pixel (jdsample.c).
    fn full(&self, at: usize) -> Samples {
        let samples = self.samples(at);
        let (across, down) = self.spec.finest();
        let (a, d) = self.spec.factors[at];
        let (last_x, last_y) = (samples[0].len() - 1, samples.len() - 1);
        let at = |x: usize, y: usize| samples[y.min(last_y)][x.min(last_x)];
        let beside = |at: usize| {
            if at.is_multiple_of(2) {
                (at / 2).saturating_sub(1)
            } else {
                at / 2 + 1
            }
        };
        let level = |x: usize, y: usize| match (across / a, down / d) {
            (2, 1) if last_x > 1 => (3 * at(x / 2, y) + at(beside(x), y) + 1 + (x % 2) as i32) >> 2,
            (1, 2) => (3 * at(x, y / 2) + at(x, beside(y)) + 1 + (y % 2) as i32) >> 2,
            (2, 2) if last_x > 1 => {
                let column = |x: usize| 3 * at(x, y / 2) + at(x, beside(y));
                (3 * column(x / 2) + column(beside(x).min(last_x)) + 8 - (x % 2) as i32) >> 4
            }
            (across, down) => at(x / across, y / down),
        };
        let rows = (0..self.spec.height).map(|y| (0..self.spec.width).map(|x| level(x, y)).collect());
        rows.collect()
    }

    /// The picture.
    pub(super) fn expected(&self) -> Pixels {
        let all: Vec<_> = (0..self.spec.factors.len()).map(|at| self.full(at)).collect();
        let mut pixels = Pixels::new(self.spec.width as u32, self.spec.height as u32);
        let adobe = self
            .spec
            .adobe
            .and_then(|(colors, length)| (length >= 12).then_some(colors));
        let rgb = match (all.len(), adobe) {
            (3, adobe) => !self.spec.jfif && (adobe == Some(0) || adobe.is_none() && self.spec.ids == b"RGB"),
            (_, adobe) => adobe.unwrap_or(0) == 0,
        };
        for (at, pixel) in pixels.levels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let level = |component: usize| all[component][at / self.spec.width][at % self.spec.width];
            if all.len() == 1 {
                *pixel = [level(0) as u8; 3];
                continue;
            }
            let mut color = [level(0), level(1), level(2)].map(f64::from);
            if !rgb {
                let (y, blue, red) = (color[0], color[1] - 128.0, color[2] - 128.0);
                color = [
                    y + 1.402 * red,
                    y - 0.344_136_286 * blue - 0.714_136_286 * red,
                    y + 1.772 * blue,
                ];
                color = color.map(|level| level.round().clamp(0.0, 255.0));
            }
            if all.len() == 4 {
                // Where inks come as YCbCr, libjpeg inverts them, and Pillow inverts all of them once more.
                let black = f64::from(level(3));
                color = color.map(|level| {
                    let ink = if rgb { 255.0 - level } else { level };
                    black - (ink * black / 255.0).round()
                });
            }
            *pixel = color.map(|level| level as u8);
        }
        pixels
    }
}
