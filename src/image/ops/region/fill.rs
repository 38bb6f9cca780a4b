//! What boxes are filled with.

use crate::image::Pixels;
use crate::image::level::Level;
use crate::image::pixels::luma;
use crate::rng::Rng;
use serde::de::{Error, IgnoredAny, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Range;

/// What boxes are filled with: a colour, or noise. It is written as `[124, 116, 104]`, or `"random"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Red, green, blue. `[124, 116, 104]` is ImageNet's mean, which is 0 once it is normalised.
    Color([u8; 3]),
    /// Levels that are drawn one by one, evenly from all: albumentations' `fill="random"`. torchvision's `value="random"` draws them from
    /// a normal distribution, after the picture is normalised.
    Random,
}

/// Black.
impl Default for Fill {
    fn default() -> Self {
        Self::Color([0; 3])
    }
}

impl From<[u8; 3]> for Fill {
    fn from(color: [u8; 3]) -> Self {
        Self::Color(color)
    }
}

impl Fill {
    /// What paints it in one row. Noise is what `rng` goes on to draw.
    pub(super) fn painter(self, rng: &mut Rng, name: &str) -> Painter {
        match self {
            Self::Color(color) => Painter::Color(color),
            Self::Random => Painter::Random(Box::new(std::mem::replace(rng, Rng::new(0, name, 0)))),
        }
    }
}

/// How [`Fill::Random`] is written.
const RANDOM: &str = "random";

impl Serialize for Fill {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Color(color) => color.serialize(to),
            Self::Random => RANDOM.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Fill {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ColorOrRandom)
    }
}

struct ColorOrRandom;

impl<'de> Visitor<'de> for ColorOrRandom {
    type Value = Fill;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a colour, [red, green, blue] of levels in 0..=255, or \"random\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Fill, E> {
        match text {
            RANDOM => Ok(Fill::Random),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Fill, A::Error> {
        let mut color = [0; 3];
        for (at, level) in color.iter_mut().enumerate() {
            *level = list
                .next_element()?
                .ok_or_else(|| A::Error::invalid_length(at, &self))?;
        }
        match list.next_element::<IgnoredAny>()? {
            None => Ok(Fill::Color(color)),
            Some(_) => Err(A::Error::invalid_length(4, &self)),
        }
    }
}

/// A [`Fill`] at work on one row.
pub(super) enum Painter {
    Color([u8; 3]),
    Random(Box<Rng>),
}

impl Painter {
    /// Fills these columns and rows, which have to be inside. Alpha stays.
    pub(super) fn paint<L: Drawable>(&mut self, pixels: &mut Pixels<L>, columns: &Range<usize>, rows: &Range<usize>) {
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
                        let mut color = [L::default(); 3];
                        L::draw(&mut color, rng);
                        [*red, *green, *blue] = color;
                    }
                }
                Self::Random(rng) => L::draw(levels, rng),
            }
        }
    }
}

/// What can be drawn evenly from all levels.
pub(super) trait Drawable: Level {
    /// Draws each of `levels`.
    fn draw(levels: &mut [Self], rng: &mut Rng);
}

impl Drawable for u8 {
    fn draw(levels: &mut [u8], rng: &mut Rng) {
        rng.fill(levels);
    }
}

impl Drawable for f32 {
    fn draw(levels: &mut [f32], rng: &mut Rng) {
        levels.iter_mut().for_each(|level| *level = rng.unit());
    }
}

fn fill<L: Level>(levels: &mut [L], channels: usize, color: [u8; 3]) {
    match (channels, color) {
        (1, color) => levels.fill(L::of(luma(color) as u8)),
        (4, color) => {
            for pixel in levels.as_chunks_mut::<4>().0 {
                pixel[..3].copy_from_slice(&color.map(L::of));
            }
        }
        (_, [red, green, blue]) if red == green && green == blue => levels.fill(L::of(red)),
        (_, color) => levels.as_chunks_mut().0.fill(color.map(L::of)),
    }
}
