//! New images from two of a class, by elastic deformation.

use std::ops::RangeInclusive;

use fast_image_resize::Resizer;

use crate::image::decode;
use crate::image::resize;
use crate::image::{DecoderScratch, ImageError, Interpolation, Pixels, Reading, Region};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Makes an image from two of the same class: each is deformed by a smooth random field, then the two are blended.
///
/// The deformation is the elastic one of Simard, Steinkraus and Platt (2003), with a grid of normal draws, joined
/// smoothly, in place of a filtered random field; the blend is mixup (Zhang et al. 2018) inside a class, so the label stays.
///
/// ```
/// use millstream::image::Pixels;
/// use millstream::rng::Rng;
/// use millstream::synthetic::Elastic;
///
/// let black = Pixels::new(32, 24).to_png()?;
/// let made = Elastic::new().blend([&black, &black], &mut Rng::new(1, "elastic", 0))?;
/// assert!(made.starts_with(b"\x89PNG"));
/// # Ok::<(), millstream::image::ImageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Elastic {
    alpha: f32,
    grid: u32,
    #[serde(with = "crate::spec::range")]
    weight: RangeInclusive<f32>,
    reading: Reading,
}

/// Displacements at the nodes of a grid, row by row, as shares of the width (`x`) and of the height (`y`).
struct Field {
    cells: usize,
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Spec for Elastic {
    const NAME: &'static str = "elastic";

    fn check(&self) -> crate::Result<()> {
        Elastic::check(self).map_err(Into::into)
    }
}

impl Elastic {
    /// A mild deformation (4 % of the size over a grid of 4 cells) and a second parent that shows by 20 % to 50 %.
    pub fn new() -> Self {
        Self {
            alpha: 0.04,
            grid: 4,
            weight: 0.2..=0.5,
            reading: Reading::default(),
        }
    }

    /// Sets the displacement's standard deviation as a share of the image's width and height, in `0..=0.5`. Above
    /// `0.2 / grid` the image begins to fold over itself in places.
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets the cells of the grid along a side, in `1..=64`: more cells deform more locally.
    pub fn grid(mut self, cells: u32) -> Self {
        self.grid = cells;
        self
    }

    /// Sets the second parent's weight, drawn evenly from a range within `0..=1`. `0.0..=0.0` deforms one image only.
    pub fn weight(mut self, weight: RangeInclusive<f32>) -> Self {
        self.weight = weight;
        self
    }

    /// Reads parents as the images themselves are read. Defaults to [`Reading::default`].
    pub fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Whether the parameters lie in their ranges.
    ///
    /// # Errors
    ///
    /// [`ImageError::Config`] names the parameter, the value and what is allowed.
    pub fn check(&self) -> Result<(), ImageError> {
        let (low, high) = (*self.weight.start(), *self.weight.end());
        let mistake = if !(0.0..=0.5).contains(&self.alpha) {
            format!("alpha is {}, but has to lie in 0..=0.5", self.alpha)
        } else if !(1..=64).contains(&self.grid) {
            format!("grid is {}, but has to lie in 1..=64", self.grid)
        } else if !(0.0 <= low && low <= high && high <= 1.0) {
            format!("weight is {low}..={high}, but has to be a range within 0..=1")
        } else {
            return Ok(());
        };
        Err(ImageError::Config(format!("elastic: {mistake}")))
    }

    /// A new image of the first parent's size, as a PNG file; the second parent is resized to it. Grey parents make
    /// a grey child.
    ///
    /// Takes the same number of draws for images of any size.
    ///
    /// # Errors
    ///
    /// What is wrong with a parent, or with the [parameters](Self::check).
    pub fn blend(&self, parents: [&[u8]; 2], rng: &mut Rng) -> Result<Vec<u8>, ImageError> {
        self.check()?;
        let fields = [self.field(rng), self.field(rng)];
        let weight = rng.range(*self.weight.start(), *self.weight.end());
        let [first, second] = load(parents, &self.reading)?;
        let mut child = deform(&first, &fields[0]);
        mix(&mut child, &deform(&second, &fields[1]), weight);
        child.to_png()
    }

    fn field(&self, rng: &mut Rng) -> Field {
        let nodes = (self.grid as usize + 1).pow(2);
        let mut draws = || (0..nodes).map(|_| rng.normal() * self.alpha).collect();
        Field {
            cells: self.grid as usize,
            x: draws(),
            y: draws(),
        }
    }
}

impl Default for Elastic {
    fn default() -> Self {
        Self::new()
    }
}

/// Decodes both and brings the second to the size of the first.
fn load(parents: [&[u8]; 2], reading: &Reading) -> Result<[Pixels; 2], ImageError> {
    let (mut scratch, mut first, mut second) = (DecoderScratch::default(), Pixels::default(), Pixels::default());
    decode(parents[0], reading, &mut scratch, &mut first)?;
    decode(parents[1], reading, &mut scratch, &mut second)?;
    if (first.width, first.height) != (second.width, second.height) {
        let mut resized = Pixels::new(first.width, first.height);
        resize(
            &mut Resizer::new(),
            Interpolation::Bilinear,
            &second,
            Region::whole(second.width, second.height),
            &mut resized,
        )?;
        second = resized;
    }
    Ok([first, second])
}

/// Takes every pixel from where the field points; beyond an edge the edge goes on.
fn deform(old: &Pixels, field: &Field) -> Pixels {
    let mut new = Pixels::new(old.width, old.height);
    let (width, height) = (old.width as f32, old.height as f32);
    let columns: Vec<_> = (0..old.width as usize)
        .map(|x| place(x, old.width, field.cells))
        .collect();
    let (mut dx, mut dy) = (vec![0.0; field.cells + 1], vec![0.0; field.cells + 1]);
    for (y, row) in new.levels.chunks_exact_mut(old.stride()).enumerate() {
        let at = place(y, old.height, field.cells);
        between_rows(&field.x, at, &mut dx);
        between_rows(&field.y, at, &mut dy);
        for (x, (pixel, &at)) in row.chunks_exact_mut(3).zip(&columns).enumerate() {
            let (sx, sy) = (x as f32 + lerp(&dx, at) * width, y as f32 + lerp(&dy, at) * height);
            pixel.copy_from_slice(&old.sample(fixed(sx), fixed(sy)));
        }
    }
    new
}

/// The cell that a pixel's centre lies in, and the next node's share there: it rises smoothly, so that lines that cross
/// from cell to cell have no kinks.
fn place(pixel: usize, length: u32, cells: usize) -> (usize, f32) {
    let at = (pixel as f32 + 0.5) / length as f32 * cells as f32;
    let cell = (at as usize).min(cells - 1);
    let t = at - cell as f32;
    (cell, t * t * (3.0 - 2.0 * t))
}

/// The grid's nodes at a height between two of its rows.
fn between_rows(nodes: &[f32], (cell, share): (usize, f32), out: &mut [f32]) {
    let columns = out.len();
    for (column, out) in out.iter_mut().enumerate() {
        let (upper, lower) = (nodes[cell * columns + column], nodes[(cell + 1) * columns + column]);
        *out = upper + (lower - upper) * share;
    }
}

fn lerp(nodes: &[f32], (cell, share): (usize, f32)) -> f32 {
    nodes[cell] + (nodes[cell + 1] - nodes[cell]) * share
}

/// Pixels to 1/256 pixels.
fn fixed(at: f32) -> i32 {
    (at * 256.0 + 0.5) as i32
}

/// `first * (1 - weight) + second * weight`, rounded.
fn mix(first: &mut Pixels, second: &Pixels, weight: f32) {
    let second_of_256 = libm::roundf(weight * 256.0) as u32;
    for (level, &other) in first.levels.iter_mut().zip(&second.levels) {
        let sum = u32::from(*level) * (256 - second_of_256) + u32::from(other) * second_of_256;
        *level = ((sum + 128) >> 8) as u8;
    }
}
