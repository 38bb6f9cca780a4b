//! What boxes are filled with.

use crate::image::Pixels;
use crate::image::pixels::luma;
use crate::rng::Rng;
use std::ops::Range;

/// What a box is filled with.
pub(super) enum Fill {
    /// Red, green, blue.
    Color([u8; 3]),
    /// Levels that are drawn one by one, evenly from all.
    Random(Box<Rng>),
}

impl Fill {
    /// A colour, or what `rng` goes on to draw.
    pub(super) fn new(color: [u8; 3], random: bool, rng: &mut Rng, name: &str) -> Self {
        match random {
            true => Self::Random(Box::new(std::mem::replace(rng, Rng::new(0, name, 0)))),
            false => Self::Color(color),
        }
    }

    /// Fills these columns and rows, which have to be inside. Alpha stays.
    pub(super) fn paint(&mut self, pixels: &mut Pixels, columns: &Range<usize>, rows: &Range<usize>) {
        let (channels, stride) = (pixels.channels(), pixels.stride());
        for row in pixels
            .levels
            .chunks_exact_mut(stride.max(1))
            .take(rows.end)
            .skip(rows.start)
        {
            let levels = &mut row[channels * columns.start..channels * columns.end];
            match self {
                Self::Color(color) => fill(levels, channels, *color),
                Self::Random(rng) if channels == 4 => {
                    for [red, green, blue, _] in levels.as_chunks_mut::<4>().0 {
                        let mut color = [0; 3];
                        rng.fill(&mut color);
                        [*red, *green, *blue] = color;
                    }
                }
                Self::Random(rng) => rng.fill(levels),
            }
        }
    }
}

fn fill(levels: &mut [u8], channels: usize, color: [u8; 3]) {
    match (channels, color) {
        (1, color) => levels.fill(luma(color) as u8),
        (4, color) => {
            for pixel in levels.as_chunks_mut::<4>().0 {
                pixel[..3].copy_from_slice(&color);
            }
        }
        (_, [red, green, blue]) if red == green && green == blue => levels.fill(red),
        (_, color) => levels.as_chunks_mut().0.fill(color),
    }
}
