//! Objects that are cut out of pictures with a dark background.

use crate::image::{ImageError, Pixels};

/// An object: how bright each pixel is, and how much of it is the object's.
#[derive(Clone, Debug)]
pub(super) struct Cutout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Brightness from 0 to 1, row by row.
    pub(super) light: Vec<f32>,
    /// From 0 (background) to 1.
    pub(super) alpha: Vec<f32>,
}

impl Cutout {
    /// Cuts the object out of a picture. Background is what can be reached from the picture's edge over pixels of brightness
    /// `threshold` and less, so dark places inside of an object belong to it.
    pub(super) fn of(encoded: &[u8], threshold: u8) -> Result<Self, ImageError> {
        let pixels = Pixels::decode(encoded)?;
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let light: Vec<u8> = pixels.levels.chunks_exact(3).map(brightness).collect();
        let background = reached_from_the_edge(&light, width, threshold);
        Ok(Self {
            width,
            height,
            light: light.iter().map(|&level| f32::from(level) / 255.0).collect(),
            alpha: background
                .iter()
                .map(|&background| f32::from(u8::from(!background)))
                .collect(),
        })
    }

    /// The object `factor` times as large, mirrored left and right or not: bilinear.
    pub(super) fn scaled(&self, factor: f32, mirrored: bool) -> Self {
        let side = |length: usize| ((length as f32 * factor) as usize).max(1);
        let (width, height) = (side(self.width), side(self.height));
        let mut scaled = Self {
            width,
            height,
            light: Vec::with_capacity(width * height),
            alpha: Vec::with_capacity(width * height),
        };
        for y in 0..height {
            let row = Between::at(y, height, self.height);
            for x in 0..width {
                let x = if mirrored { width - 1 - x } else { x };
                let column = Between::at(x, width, self.width);
                let value = |of: &[f32]| {
                    let across =
                        |y: usize| column.of(of[y * self.width + column.low], of[y * self.width + column.high]);
                    row.of(across(row.low), across(row.high))
                };
                scaled.light.push(value(&self.light));
                scaled.alpha.push(value(&self.alpha));
            }
        }
        scaled
    }

    /// Whether a pixel is the object's.
    pub(super) fn covers(&self, at: usize) -> bool {
        self.alpha[at] >= 0.5
    }
}

/// The two pixels of the source beside a pixel, and the weight of the second.
struct Between {
    low: usize,
    high: usize,
    weight: f32,
}

impl Between {
    fn at(place: usize, of: usize, source: usize) -> Self {
        let exact = ((place as f32 + 0.5) * source as f32 / of as f32 - 0.5).clamp(0.0, source as f32 - 1.0);
        let low = exact as usize;
        Self {
            low,
            high: (low + 1).min(source - 1),
            weight: exact - low as f32,
        }
    }

    fn of(&self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.weight
    }
}

/// The largest of red, green and blue.
fn brightness(pixel: &[u8]) -> u8 {
    pixel.iter().copied().max().unwrap_or(0)
}

/// Which pixels are reached from the edge by steps up, down, left and right over levels of `threshold` and less.
fn reached_from_the_edge(light: &[u8], width: usize, threshold: u8) -> Vec<bool> {
    let mut reached = vec![false; light.len()];
    let is_edge = |at: usize| {
        let (x, y) = (at % width, at / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == light.len() / width
    };
    let mut open: Vec<usize> = (0..light.len()).filter(|&at| is_edge(at)).collect();
    while let Some(at) = open.pop() {
        if reached[at] || light[at] > threshold {
            continue;
        }
        reached[at] = true;
        let x = at % width;
        let sides = [
            (x > 0).then(|| at - 1),
            (x + 1 < width).then_some(at + 1),
            at.checked_sub(width),
            (at + width < light.len()).then_some(at + width),
        ];
        open.extend(sides.into_iter().flatten());
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_places_inside_belong_to_the_object() {
        // A ring of 3 x 3 in 5 x 5.
        let mut light = vec![0; 25];
        for at in [6, 7, 8, 11, 13, 16, 17, 18] {
            light[at] = 200;
        }
        let background = reached_from_the_edge(&light, 5, 20);
        assert_eq!(background.iter().filter(|&&b| b).count(), 16);
        assert!(!background[12]);
        // A gap opens it.
        light[7] = 10;
        assert!(reached_from_the_edge(&light, 5, 20)[12]);
    }

    #[test]
    fn twice_as_large_covers_four_times_as_much() {
        let mut pixels = Pixels::new(8, 8);
        for y in 2..6 {
            for x in 2..6 {
                pixels.levels[(y * 8 + x) * 3] = 255;
            }
        }
        let cut = Cutout::of(&pixels.to_png().unwrap(), 20).unwrap();
        let covered = |cut: &Cutout| (0..cut.alpha.len()).filter(|&at| cut.covers(at)).count();
        assert_eq!((covered(&cut), covered(&cut.scaled(2.0, true))), (16, 64));
        let same = cut.scaled(1.0, false);
        assert_eq!((same.light, same.alpha), (cut.light, cut.alpha));
    }
}
