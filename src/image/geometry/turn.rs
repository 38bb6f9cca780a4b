//! A picture turned about its centre.

use std::ops::Range;

use pulp::NullaryFnOnce;

use crate::image::pixels::Pixels;
use crate::image::wide::wide;

/// Looks up, for every new pixel, where it came from. Coordinates are in 1/65536 of a pixel.
pub(super) fn turn(old: &Pixels, new: &mut [u8], degrees: f64) {
    let (sin, cos) = libm::sincos(degrees.to_radians());
    let fixed = |v: f64| libm::round(v * 65_536.0) as i64;
    let step = (fixed(cos), fixed(sin));
    let (cx, cy) = (f64::from(old.width - 1) / 2.0, f64::from(old.height - 1) / 2.0);
    for (y, row) in new.chunks_exact_mut(old.stride()).enumerate() {
        let dy = y as f64 - cy;
        let start = (fixed(cx - cos * cx - sin * dy), fixed(cy - sin * cx + cos * dy));
        let line = Line { start, step };
        match old.channels() {
            1 => line.sample::<1>(old, row.as_chunks_mut().0),
            4 => line.sample::<4>(old, row.as_chunks_mut().0),
            _ => line.draw(old, row.as_chunks_mut().0),
        }
    }
}

/// Where the pixels of a row come from: pixel `i` from `start + i * step`.
#[derive(Clone, Copy)]
struct Line {
    start: (i64, i64),
    step: (i64, i64),
}

impl Line {
    /// As [`draw`](Self::draw), pixel by pixel, of any number of channels.
    fn sample<const N: usize>(self, old: &Pixels, row: &mut [[u8; N]]) {
        let seen = self
            .moved(32_768)
            .within(old.width.into(), old.height.into(), row.len());
        let sampled = self.moved(128);
        for (i, pixel) in row.iter_mut().enumerate() {
            let (x, y) = sampled.at(i);
            *pixel = match seen.contains(&i) {
                true => old.sample_of((x >> 8) as i32, (y >> 8) as i32),
                false => [0; N],
            };
        }
    }

    /// Black where the nearest pixel is outside. Where all four neighbours are inside, nothing needs to be clamped.
    fn draw(self, old: &Pixels, row: &mut [[u8; 3]]) {
        let (width, height) = (i64::from(old.width), i64::from(old.height));
        let seen = self.moved(32_768).within(width, height, row.len());
        let sampled = self.moved(128);
        let inner = both(&seen, &sampled.within(width - 2, height - 1, row.len()));
        row[..seen.start].fill([0; 3]);
        row[seen.end..].fill([0; 3]);
        for i in (seen.start..inner.start).chain(inner.end..seen.end) {
            let (x, y) = sampled.at(i);
            row[i] = old.sample((x >> 8) as i32, (y >> 8) as i32);
        }
        sampled.blend(old, inner.start, &mut row[inner]);
    }

    /// Pixels from place `from` on, whose neighbours all lie inside.
    fn blend(self, old: &Pixels, from: usize, row: &mut [[u8; 3]]) {
        let mut block = Block {
            colors: [[0; BLOCK]; 4],
            weights: [[0; BLOCK]; 2],
        };
        for (nth, row) in row.chunks_mut(BLOCK).enumerate() {
            block.gather(old, self, from + nth * BLOCK, row.len());
            row.copy_from_slice(&wide(Blend(&block))[..row.len()]);
        }
    }

    fn at(self, i: usize) -> (i64, i64) {
        (
            self.start.0 + i as i64 * self.step.0,
            self.start.1 + i as i64 * self.step.1,
        )
    }

    fn moved(self, by: i64) -> Self {
        Self {
            start: (self.start.0 + by, self.start.1 + by),
            ..self
        }
    }

    /// Which of `0..count` come from inside a picture of `width` x `height`.
    fn within(self, width: i64, height: i64, count: usize) -> Range<usize> {
        let columns = within(self.start.0, self.step.0, width << 16, count);
        both(&columns, &within(self.start.1, self.step.1, height << 16, count))
    }
}

/// Pixels that are blended side by side.
const BLOCK: usize = 64;

/// What a run of pixels is blended from.
struct Block {
    /// The upper left, upper right, lower left and lower right neighbours, red lowest; above blue are bits to be ignored.
    colors: [[u32; BLOCK]; 4],
    /// Of the right ones and of the lower ones, of 256.
    weights: [[u32; BLOCK]; 2],
}

impl Block {
    /// `count` pixels of `line` from place `from` on; all neighbours lie inside.
    fn gather(&mut self, old: &Pixels, line: Line, from: usize, count: usize) {
        let ((mut x, mut y), stride) = (line.at(from), old.stride());
        let two = |at: usize| {
            let eight = old.levels.get(at..).and_then(|rest| rest.first_chunk());
            eight.map_or(0, |&eight| u64::from_le_bytes(eight))
        };
        for i in 0..count.min(BLOCK) {
            let at = (y >> 16) as usize * stride + (x >> 16) as usize * 3;
            let (upper, lower) = (two(at), two(at + stride));
            let colors = [upper, upper >> 24, lower, lower >> 24];
            for (all, color) in self.colors.iter_mut().zip(colors) {
                all[i] = color as u32;
            }
            self.weights[0][i] = (x >> 8) as u32 & 255;
            self.weights[1][i] = (y >> 8) as u32 & 255;
            (x, y) = (x + line.step.0, y + line.step.1);
        }
    }
}

/// [`Pixels::sample`] for all of a block.
struct Blend<'a>(&'a Block);

impl NullaryFnOnce for Blend<'_> {
    type Output = [[u8; 3]; BLOCK];

    #[inline(always)]
    fn call(self) -> [[u8; 3]; BLOCK] {
        let Block { colors, weights } = self.0;
        let mut blended = [[0; 3]; BLOCK];
        for (i, out) in blended.iter_mut().enumerate() {
            let [a, b, c, d] = [colors[0][i], colors[1][i], colors[2][i], colors[3][i]];
            let across = |from: u32, to: u32, mask: u32| between(from & mask, to & mask, weights[0][i]);
            let down = |upper: u32, lower: u32| ((between(upper, lower, weights[1][i]) + 32_768) >> 16) as u8;
            // Red and blue share a word, of which each has 16 bits.
            let (upper, lower) = (across(a, b, 0xff_00ff), across(c, d, 0xff_00ff));
            let green = down(across(a >> 8, b >> 8, 255), across(c >> 8, d >> 8, 255));
            *out = [
                down(upper & 0xffff, lower & 0xffff),
                green,
                down(upper >> 16, lower >> 16),
            ];
        }
        blended
    }
}

/// `from * (256 - weight) + to * weight`.
#[inline(always)]
fn between(from: u32, to: u32, weight: u32) -> u32 {
    (from << 8).wrapping_add(to.wrapping_sub(from).wrapping_mul(weight))
}

/// Which `i` of `0..count` have `start + i * step` in `0..end`: they follow one another.
fn within(start: i64, step: i64, end: i64, count: usize) -> Range<usize> {
    let (start, step) = if step < 0 {
        (end - 1 - start, -step)
    } else {
        (start, step)
    };
    let reaches = |goal: i64| match step {
        0 if start >= goal => 0,
        0 => count,
        _ => -(start - goal).div_euclid(step).clamp(-(count as i64), 0) as usize,
    };
    both(&(reaches(0)..count), &(0..reaches(end)))
}

/// What two ranges share; empty ones lie inside the first.
fn both(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = b.start.clamp(a.start, a.end);
    start..b.end.clamp(start, a.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn turned(degrees: f64) -> Vec<u8> {
        let mut pixels = Pixels {
            width: 2,
            height: 2,
            levels: vec![1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
        };
        pixels.redraw(|old, new| turn(old, new, degrees));
        pixels.levels.into_iter().step_by(3).collect()
    }

    /// Pixel by pixel, as the definition says.
    fn looked_up(old: &Pixels, degrees: f64) -> Vec<[u8; 3]> {
        let (sin, cos) = libm::sincos(degrees.to_radians());
        let fixed = |v: f64| libm::round(v * 65_536.0) as i64;
        let (width, height) = (i64::from(old.width), i64::from(old.height));
        let (cx, cy) = ((width - 1) as f64 / 2.0, (height - 1) as f64 / 2.0);
        let place = |x: i64, y: i64| {
            let dy = y as f64 - cy;
            let start = (fixed(cx - cos * cx - sin * dy), fixed(cy - sin * cx + cos * dy));
            (start.0 + x * fixed(cos), start.1 + x * fixed(sin))
        };
        let color = |(x, y): (i64, i64)| {
            let nearest = ((x + 32_768) >> 16, (y + 32_768) >> 16);
            match (0..width).contains(&nearest.0) && (0..height).contains(&nearest.1) {
                true => old.sample(((x + 128) >> 8) as i32, ((y + 128) >> 8) as i32),
                false => [0; 3],
            }
        };
        (0..width * height)
            .map(|at| color(place(at % width, at / width)))
            .collect()
    }

    #[test]
    fn every_pixel_is_looked_up() {
        for (width, height) in [(1, 1), (2, 1), (1, 9), (2, 2), (3, 3), (17, 13), (90, 200), (200, 90)] {
            let mut old = Pixels::new(width, height);
            Rng::new(1, "levels", 0).fill(&mut old.levels);
            for degrees in [
                0.0, 0.01, -0.1, 7.0, -33.3, 45.0, 89.99, 90.0, -90.0, 135.0, 180.0, -179.5,
            ] {
                let mut new = vec![1; old.levels.len()];
                turn(&old, &mut new, degrees);
                assert!(
                    new.as_chunks().0 == looked_up(&old, degrees),
                    "{width} x {height} by {degrees}"
                );
            }
        }
    }

    #[test]
    fn quarter_turns_are_counter_clockwise() {
        assert_eq!(turned(0.0), [1, 2, 3, 4]);
        assert_eq!(turned(90.0), [2, 4, 1, 3]);
        assert_eq!(turned(180.0), [4, 3, 2, 1]);
        assert_eq!(turned(-90.0), [3, 1, 4, 2]);
    }
}
