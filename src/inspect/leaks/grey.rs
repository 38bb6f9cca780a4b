//! Pictures in grey, made small: as Pillow's `convert("L")` and `resize(.., LANCZOS)`, to the last bit.

use crate::image::Pixels;

/// A grey picture, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grey {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) levels: Vec<u8>,
}

/// Lobes of the filter to either side.
const SUPPORT: f64 = 3.0;

/// Bits behind the point of a weight.
const PRECISION: u32 = 22;

/// What one pixel of the output is made of: the first pixel of the source, and the weights of that one and those behind it.
struct Weights {
    first: usize,
    weights: Vec<i32>,
}

impl Grey {
    /// The picture in grey, by the weights of ITU-R 601.
    pub(super) fn of(pixels: &Pixels) -> Self {
        let level = |rgb: &[u8]| {
            let [red, green, blue] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
            ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16) as u8
        };
        Self {
            width: pixels.width as usize,
            height: pixels.height as usize,
            levels: pixels.levels.chunks_exact(3).map(level).collect(),
        }
    }

    /// The picture in another size.
    pub(super) fn resized(&self, width: usize, height: usize) -> Self {
        self.across(width).down(height)
    }

    /// Resized from left to right.
    fn across(&self, width: usize) -> Self {
        if width == self.width {
            return self.clone();
        }
        let weights = weights(self.width, width);
        let line = |line: &[u8]| {
            let level = |own: &Weights| {
                let sum = own.weights.iter().zip(&line[own.first..]);
                rounded(sum.map(|(&weight, &level)| weight * i32::from(level)).sum())
            };
            weights.iter().map(level).collect::<Vec<u8>>()
        };
        Self {
            width,
            height: self.height,
            levels: self.levels.chunks_exact(self.width.max(1)).flat_map(line).collect(),
        }
    }

    /// Resized from top to bottom.
    fn down(&self, height: usize) -> Self {
        if height == self.height {
            return self.clone();
        }
        let line = |own: Weights| {
            let mut sums = vec![0_i32; self.width];
            for (&weight, line) in own
                .weights
                .iter()
                .zip(self.levels.chunks_exact(self.width.max(1)).skip(own.first))
            {
                sums.iter_mut()
                    .zip(line)
                    .for_each(|(sum, &level)| *sum += weight * i32::from(level));
            }
            sums.into_iter().map(rounded).collect::<Vec<u8>>()
        };
        Self {
            width: self.width,
            height,
            levels: weights(self.height, height).into_iter().flat_map(line).collect(),
        }
    }
}

fn rounded(sum: i32) -> u8 {
    ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8
}

/// What each of `to` pixels is made of where there were `from`.
fn weights(from: usize, to: usize) -> Vec<Weights> {
    let scale = from as f64 / to as f64;
    let stretched = scale.max(1.0);
    let reach = SUPPORT * stretched;
    let of = |at: usize| {
        let centre = (at as f64 + 0.5) * scale;
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let own: Vec<f64> = (first..end)
            .map(|pixel| lanczos((pixel as f64 - centre + 0.5) / stretched))
            .collect();
        let sum: f64 = own.iter().sum();
        let fixed = |weight: f64| (weight / sum * f64::from(1 << PRECISION)).round() as i32;
        Weights {
            first,
            weights: own.into_iter().map(fixed).collect(),
        }
    };
    (0..to).map(of).collect()
}

fn lanczos(x: f64) -> f64 {
    match x.abs() < SUPPORT {
        true => sinc(x) * sinc(x / SUPPORT),
        false => 0.0,
    }
}

/// By `libm`, so that every machine has the same weights.
fn sinc(x: f64) -> f64 {
    let turned = x * std::f64::consts::PI;
    match x == 0.0 {
        true => 1.0,
        false => libm::sin(turned) / turned,
    }
}
