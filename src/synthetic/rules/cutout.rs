//! Objects that are cut out of pictures.

use crate::image::{ImageError, Mask, Pixels};

/// An object: how bright each pixel is, and how much of it is the object's.
#[derive(Clone, Debug)]
pub(super) struct Cutout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Brightness from 0 to 1, row by row.
    pub(super) light: Vec<f32>,
    /// Colours of its own, where it keeps them.
    pub(super) colors: Option<Vec<[f32; 3]>>,
    /// From 0 (background) to 1.
    pub(super) alpha: Vec<f32>,
    /// The corners of the rectangle around the object, as it is turned: from the top left one clockwise.
    pub(super) corners: [[f32; 2]; 4],
}

impl Cutout {
    /// Cuts the object out of a picture. Background is what can be reached from the picture's edge over pixels of brightness
    /// `threshold` and less, so dark places inside of an object belong to it.
    pub(super) fn of(encoded: &[u8], threshold: u8, keeps_colors: bool) -> Result<Self, ImageError> {
        let pixels = Pixels::decode(encoded)?;
        let light: Vec<u8> = pixels.levels.chunks_exact(3).map(brightness).collect();
        let background = reached_from_the_edge(&light, pixels.width as usize, threshold);
        Ok(Self::new(&pixels, &background, keeps_colors))
    }

    /// Cuts out of a picture what has another value than 0 in `mask`, and no more than the rectangle around it.
    pub(super) fn of_mask(encoded: &[u8], mask: &[u8], keeps_colors: bool) -> Result<Self, ImageError> {
        let pixels = Pixels::decode(encoded)?;
        let mask = Mask::decode(mask, u64::from(pixels.width) * u64::from(pixels.height))?;
        if (mask.width, mask.height) != (pixels.width, pixels.height) {
            return Err(ImageError::Config(format!(
                "a mask of {} x {} pixels of a picture of {} x {}",
                mask.width, mask.height, pixels.width, pixels.height
            )));
        }
        let background: Vec<bool> = mask.values.iter().map(|&value| value == 0).collect();
        let width = pixels.width as usize;
        let place = |at: usize| [at % width, at / width];
        let object = || (0..background.len()).filter(|&at| !background[at]).map(place);
        let ends = |axis: usize| {
            let (low, high) = (object().map(|at| at[axis]).min(), object().map(|at| at[axis]).max());
            low.zip(high)
        };
        let (Some(across), Some(down)) = (ends(0), ends(1)) else {
            return Err(ImageError::Config("a mask without an object".to_owned()));
        };
        let mut part = Pixels::new((across.1 - across.0 + 1) as u32, (down.1 - down.0 + 1) as u32);
        let inside = (down.0..=down.1).flat_map(|y| (across.0..=across.1).map(move |x| y * width + x));
        let mut of_part = Vec::with_capacity(part.levels.len() / 3);
        for (pixel, at) in part.levels.chunks_exact_mut(3).zip(inside) {
            pixel.copy_from_slice(&pixels.levels[at * 3..at * 3 + 3]);
            of_part.push(background[at]);
        }
        Ok(Self::new(&part, &of_part, keeps_colors))
    }

    fn new(pixels: &Pixels, background: &[bool], keeps_colors: bool) -> Self {
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let levels = || pixels.levels.chunks_exact(3);
        let color = |pixel: &[u8]| std::array::from_fn(|c| f32::from(pixel[c]) / 255.0);
        let alpha = background.iter().map(|&background| f32::from(u8::from(!background)));
        Self {
            width,
            height,
            light: levels().map(|pixel| f32::from(brightness(pixel)) / 255.0).collect(),
            colors: keeps_colors.then(|| levels().map(color).collect()),
            alpha: alpha.collect(),
            corners: rectangle(width as f32, height as f32),
        }
    }

    /// The object `factor` times as large, mirrored left and right or not: bilinear.
    pub(super) fn scaled(&self, factor: f32, mirrored: bool) -> Self {
        let side = |length: usize| ((length as f32 * factor) as usize).max(1);
        let (width, height) = (side(self.width), side(self.height));
        let mut scaled = Self {
            width,
            height,
            light: Vec::with_capacity(width * height),
            colors: self.colors.as_ref().map(|_| Vec::with_capacity(width * height)),
            alpha: Vec::with_capacity(width * height),
            corners: rectangle(width as f32, height as f32),
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
                if let (Some(to), Some(from)) = (&mut scaled.colors, &self.colors) {
                    to.push(std::array::from_fn(|c| {
                        let across = |y: usize| {
                            let (low, high) = (from[y * self.width + column.low], from[y * self.width + column.high]);
                            column.of(low[c], high[c])
                        };
                        row.of(across(row.low), across(row.high))
                    }));
                }
            }
        }
        scaled
    }

    /// The object turned by `degrees`, clockwise, in a picture that has room for all of it: bilinear.
    pub(super) fn turned(&self, degrees: f32) -> Self {
        let angle = degrees.to_radians();
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        let (wide, high) = (self.width as f32, self.height as f32);
        let side = |a: f32, b: f32| libm::ceilf((a * cos).abs() + (b * sin).abs() - 1e-3) as usize;
        let (width, height) = (side(wide, high).max(1), side(high, wide).max(1));
        let middle = [width as f32 / 2.0, height as f32 / 2.0];
        let pixels = 0..width * height;
        // Where each pixel's middle was.
        let source = |at: usize| {
            let (x, y) = (
                (at % width) as f32 + 0.5 - middle[0],
                (at / width) as f32 + 0.5 - middle[1],
            );
            [
                cos * x + sin * y + wide / 2.0 - 0.5,
                cos * y - sin * x + high / 2.0 - 0.5,
            ]
        };
        let corners = self.corners.map(|[x, y]| {
            let (x, y) = (x - wide / 2.0, y - high / 2.0);
            [middle[0] + cos * x - sin * y, middle[1] + sin * x + cos * y]
        });
        Self {
            width,
            height,
            light: pixels
                .clone()
                .map(|at| self.between(source(at), |at| self.light[at], true))
                .collect(),
            colors: self.colors.as_ref().map(|colors| {
                let color = |at: usize| std::array::from_fn(|c| self.between(source(at), |at| colors[at][c], true));
                pixels.clone().map(color).collect()
            }),
            alpha: pixels
                .map(|at| self.between(source(at), |at| self.alpha[at], false))
                .collect(),
            corners,
        }
    }

    /// What `of` is between four pixels. Beyond the picture it is as at its edge where that `goes_on`, else 0.
    fn between(&self, [x, y]: [f32; 2], of: impl Fn(usize) -> f32, goes_on: bool) -> f32 {
        let (left, top) = (libm::floorf(x), libm::floorf(y));
        let value = |dx: isize, dy: isize| {
            let (x, y) = (left as isize + dx, top as isize + dy);
            let [width, height] = [self.width as isize, self.height as isize];
            let is_inside = (0..width).contains(&x) && (0..height).contains(&y);
            if !goes_on && !is_inside {
                return 0.0;
            }
            of((y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize)
        };
        let (across, down) = (x - left, y - top);
        let row = |dy: isize| value(0, dy) + (value(1, dy) - value(0, dy)) * across;
        row(0) + (row(1) - row(0)) * down
    }

    /// Whether a pixel is the object's.
    pub(super) fn covers(&self, at: usize) -> bool {
        self.alpha[at] >= 0.5
    }
}

/// The corners of a picture, from the top left one clockwise.
fn rectangle(width: f32, height: f32) -> [[f32; 2]; 4] {
    [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]]
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
        let cut = Cutout::of(&pixels.to_png().unwrap(), 20, false).unwrap();
        let covered = |cut: &Cutout| (0..cut.alpha.len()).filter(|&at| cut.covers(at)).count();
        assert_eq!((covered(&cut), covered(&cut.scaled(2.0, true))), (16, 64));
        let same = cut.scaled(1.0, false);
        assert_eq!((same.light, same.alpha), (cut.light, cut.alpha));
    }

    #[test]
    fn a_mask_cuts_out_what_it_covers() {
        let mut pixels = Pixels::new(8, 6);
        pixels
            .levels
            .iter_mut()
            .enumerate()
            .for_each(|(at, level)| *level = at as u8);
        let mut mask = Pixels::new(8, 6);
        for at in [2 * 8 + 3, 2 * 8 + 4, 3 * 8 + 4] {
            mask.levels[at * 3..at * 3 + 3].fill(7);
        }
        let (picture, mask) = (pixels.to_png().unwrap(), mask.to_png().unwrap());
        let cut = Cutout::of_mask(&picture, &mask, true).unwrap();
        assert_eq!((cut.width, cut.height, cut.alpha), (2, 2, vec![1.0, 1.0, 0.0, 1.0]));
        let first = (2 * 8 + 3) * 3;
        assert_eq!(
            cut.colors.unwrap()[0],
            [first, first + 1, first + 2].map(|level| level as f32 / 255.0)
        );
        let other = Pixels::new(4, 6).to_png().unwrap();
        let error = Cutout::of_mask(&picture, &other, true).unwrap_err().to_string();
        assert!(
            error.contains("a mask of 4 x 6 pixels of a picture of 8 x 6"),
            "{error}"
        );
        let empty = Pixels::new(8, 6).to_png().unwrap();
        let error = Cutout::of_mask(&picture, &empty, true).unwrap_err().to_string();
        assert!(error.contains("a mask without an object"), "{error}");
    }

    #[test]
    fn a_quarter_turn_moves_every_pixel() {
        let cut = Cutout {
            width: 3,
            height: 2,
            light: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            colors: None,
            alpha: vec![1.0, 0.0, 1.0, 1.0, 1.0, 0.0],
            corners: rectangle(3.0, 2.0),
        };
        let turned = cut.turned(90.0);
        assert_eq!((turned.width, turned.height), (2, 3));
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
        // The top row becomes the right column.
        assert!(
            near(&turned.light, &[0.4, 0.1, 0.5, 0.2, 0.6, 0.3]),
            "{:?}",
            turned.light
        );
        assert!(
            near(&turned.alpha, &[1.0, 1.0, 1.0, 0.0, 0.0, 1.0]),
            "{:?}",
            turned.alpha
        );
        assert!(
            near(turned.corners.as_flattened(), &[2.0, 0.0, 2.0, 3.0, 0.0, 3.0, 0.0, 0.0]),
            "{:?}",
            turned.corners
        );
        let size = |degrees| (cut.turned(degrees).width, cut.turned(degrees).height);
        assert_eq!((size(0.0), size(45.0)), ((3, 2), (4, 4)));
    }
}
