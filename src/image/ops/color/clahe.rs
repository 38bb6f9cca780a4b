//! Contrast-limited adaptive histogram equalization.

use super::lab;
use crate::error::{Error, Result};
use crate::image::ops::filter::reflect::reflect;
use crate::image::ops::levels::change_levels;
use crate::image::parameters::check_range;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Makes levels about equally frequent in each tile of a grid, with a limit on how much that may raise contrast (Zuiderveld 1994): CLAHE of
/// albumentations, with OpenCV's arithmetic. The limit is drawn evenly from `clip_limit`, in multiples of a level's even share of a
/// tile; between the tiles' middles, their results are interpolated. Of a picture in colour, the lightness of CIE L\*a\*b\*
/// changes, and a\* and b\* stay, without the rounding to 8 bits between the two that OpenCV has. Pictures of `f32` are rounded to 256 levels first, and keep
/// no more of them, as in albumentations.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clahe {
    #[serde(with = "crate::spec::range")]
    clip_limit: RangeInclusive<f32>,
    tiles: [u32; 2],
}

impl Clahe {
    /// `clip_limit` within `1..=256`; albumentations' default is `1.0..=4.0`. The grid has 8 x 8 tiles, as its
    /// `tile_grid_size`.
    pub fn new(clip_limit: RangeInclusive<f32>) -> Self {
        Self {
            clip_limit,
            tiles: [8, 8],
        }
    }

    /// How many tiles there are, across and down, `1..=64` each. Defaults to 8 x 8, as albumentations' `tile_grid_size`.
    ///
    /// ```
    /// # use millstream::image::{Clahe, Image};
    /// let train = Image::new(224).with(Clahe::new(1.0..=4.0).tiles(4, 4));
    /// # train.check().unwrap();
    /// ```
    #[must_use]
    pub fn tiles(mut self, across: u32, down: u32) -> Self {
        self.tiles = [across, down];
        self
    }

    fn limit(&self, rng: &mut Rng) -> f32 {
        rng.range(*self.clip_limit.start(), *self.clip_limit.end())
    }
}

impl Default for Clahe {
    fn default() -> Self {
        Self::new(1.0..=4.0)
    }
}

impl Spec for Clahe {
    const NAME: &'static str = "clahe";

    fn check(&self) -> Result<()> {
        check_range("clip_limit", &self.clip_limit, 1.0..=256.0)?;
        match self.tiles.iter().all(|tiles| (1..=64).contains(tiles)) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "tiles is {:?}, but has to be two numbers in 1..=64",
                self.tiles
            ))),
        }
    }
}

impl Operation for Clahe {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (limit, tiles) = (self.limit(rng), self.tiles);
        let equalize = move |pixels: &mut Pixels| pixels.change_colors(|pixels| equalize_tiles(pixels, limit, tiles));
        Drawn::of_depth(subject.depth, equalize, move |pixels| change_levels(pixels, equalize))
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        self.clip_limit.start() < self.clip_limit.end()
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("clip limit {:.3}", self.limit(rng)))
    }
}

fn equalize_tiles(pixels: &mut Pixels, limit: f32, tiles: [u32; 2]) {
    let size = (pixels.width as usize, pixels.height as usize);
    if pixels.channels() == 1 {
        let grid = Grid::new(&pixels.levels, size, limit, tiles);
        let mut changed = vec![0; pixels.levels.len()];
        grid.look_up(&pixels.levels, &mut changed);
        pixels.levels.copy_from_slice(&changed);
        return;
    }
    let mut lightness = vec![0; size.0 * size.1];
    lab::lightness(&pixels.levels, &mut lightness);
    let mut changed = vec![0; lightness.len()];
    Grid::new(&lightness, size, limit, tiles).look_up(&lightness, &mut changed);
    lab::change_lightness(&mut pixels.levels, &lightness, &changed);
}

/// What becomes of each level in each tile.
struct Grid {
    tables: Vec<[u8; 256]>,
    /// Tables in a row.
    tiles: usize,
    width: usize,
    across: Vec<Between>,
    down: Vec<Between>,
}

/// The two tiles whose middles a place lies between, and the weight of the second.
#[derive(Clone, Copy)]
struct Between {
    tiles: [usize; 2],
    weight: f32,
}

impl Grid {
    fn new(plane: &[u8], (width, height): (usize, usize), limit: f32, tiles: [u32; 2]) -> Self {
        let [across, down] = tiles.map(|tiles| tiles as usize);
        // Where the tiles do not divide a side, both are extended by reflection, as in OpenCV.
        let (wide, high) = match (width % across, height % down) {
            (0, 0) => (width, height),
            (beyond, below) => (width + across - beyond, height + down - below),
        };
        let (tile_width, tile_height) = (wide / across, high / down);
        let beyond: Vec<usize> = (width..wide).map(|x| reflect(x as isize, width)).collect();
        let mut tables = Vec::with_capacity(across * down);
        let mut line = vec![0; wide];
        for top in (0..down).map(|tile| tile * tile_height) {
            let mut counts = vec![[0; 256]; across];
            for y in top..top + tile_height {
                let row = &plane[reflect(y as isize, height) * width..][..width];
                line[..width].copy_from_slice(row);
                for (to, &x) in line[width..].iter_mut().zip(&beyond) {
                    *to = row[x];
                }
                for (counts, part) in counts.iter_mut().zip(line.chunks_exact(tile_width)) {
                    for &level in part {
                        counts[usize::from(level)] += 1;
                    }
                }
            }
            let all = counts.into_iter();
            tables.extend(all.map(|counts| table(counts, tile_width * tile_height, limit)));
        }
        Self {
            tables,
            tiles: across,
            width,
            across: between(width, across, tile_width),
            down: between(height, down, tile_height),
        }
    }

    fn look_up(&self, plane: &[u8], changed: &mut [u8]) {
        let weights: Vec<f32> = self.across.iter().map(|place| place.weight).collect();
        let parts: Vec<&[Between]> = self.across.chunk_by(|a, b| a.tiles == b.tiles).collect();
        let (mut fours, mut of) = (Vec::new(), None);
        let mut found = vec![0; self.width];
        let rows = plane.chunks_exact(self.width).zip(changed.chunks_exact_mut(self.width));
        for ((row, to), vertical) in rows.zip(&self.down) {
            if of != Some(vertical.tiles) {
                of = Some(vertical.tiles);
                fours.clear();
                fours.extend(parts.iter().map(|part| self.four(vertical.tiles, part[0].tiles)));
            }
            let mut at = 0;
            for (part, four) in parts.iter().zip(&fours) {
                let levels = &row[at..at + part.len()];
                for (found, &level) in found[at..].iter_mut().zip(levels) {
                    *found = four[usize::from(level)];
                }
                at += part.len();
            }
            wide(Mix {
                found: &found,
                across: &weights,
                down: vertical.weight,
                to,
            });
        }
    }

    /// What becomes of each level in the four tiles around a place: upper left, upper right, lower left and lower right, the first
    /// in the lowest bits. One look-up finds them.
    fn four(&self, [upper, lower]: [usize; 2], [left, right]: [usize; 2]) -> [u32; 256] {
        let tile = |row: usize, column: usize| &self.tables[row * self.tiles + column];
        let around = [
            tile(upper, left),
            tile(upper, right),
            tile(lower, left),
            tile(lower, right),
        ];
        std::array::from_fn(|level| u32::from_le_bytes(around.map(|table| table[level])))
    }
}

/// Interpolates a row.
struct Mix<'a> {
    found: &'a [u32],
    across: &'a [f32],
    down: f32,
    to: &'a mut [u8],
}

impl NullaryFnOnce for Mix<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            found,
            across,
            down,
            to,
        } = self;
        for ((to, &found), &across) in to.iter_mut().zip(found).zip(across) {
            let mix = |two: u32| {
                let (left, right) = ((two & 255) as i32 as f32, (two >> 8 & 255) as i32 as f32);
                left * (1.0 - across) + right * across
            };
            let mixed = mix(found) * (1.0 - down) + mix(found >> 16) * down;
            // The nearest whole number, in the lowest bits; halves go to even ones.
            *to = (mixed + 8_388_608.0).to_bits() as u8;
        }
    }
}

fn between(length: usize, tiles: usize, tile: usize) -> Vec<Between> {
    let inverse = 1.0 / tile as f32;
    let place = |at: usize| {
        let at = at as f32 * inverse - 0.5;
        let first = at.floor();
        Between {
            tiles: [first.max(0.0) as usize, ((first + 1.0) as usize).min(tiles - 1)],
            weight: at - first,
        }
    };
    (0..length).map(place).collect()
}

/// What becomes of the levels of a tile of so many pixels: what is above the limit is shared among all levels.
fn table(mut counts: [u32; 256], pixels: usize, limit: f32) -> [u8; 256] {
    let limit = ((limit * pixels as f32 / 256.0) as u32).max(1);
    let mut beyond = 0;
    for count in &mut counts {
        beyond += count.saturating_sub(limit);
        *count = (*count).min(limit);
    }
    let (each, rest) = (beyond / 256, beyond % 256);
    counts.iter_mut().for_each(|count| *count += each);
    let step = (256 / rest.max(1)).max(1) as usize;
    counts
        .iter_mut()
        .step_by(step)
        .take(rest as usize)
        .for_each(|count| *count += 1);
    let (scale, mut sum) = (255.0 / pixels as f32, 0);
    counts.map(|count| {
        sum += count;
        (sum as f32 * scale).round_ties_even() as u8
    })
}
