//! Hue.

use crate::error::Result;
use crate::image::parameters::check_number;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Level, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};

/// Turns the hue of every pixel by the same part of the colour circle, drawn evenly from `-hue..=hue`: `hue` of torchvision's
/// `ColorJitter`, rounded to the nearest level. Value and saturation of HSV stay, and so does grey.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hue {
    hue: f32,
}

impl Hue {
    /// `hue` in `0..=0.5`: half of the circle to either side is all of it. 0 changes nothing. Defaults to 0.05, as in
    /// torchvision's `RandomPhotometricDistort`.
    pub fn new(hue: f32) -> Self {
        Self { hue }
    }
}

impl Default for Hue {
    fn default() -> Self {
        Self::new(0.05)
    }
}

impl Spec for Hue {
    const NAME: &'static str = "hue";

    fn check(&self) -> Result<()> {
        check(self.hue)
    }
}

/// Refuses what is no part of the circle to either side.
pub(super) fn check(hue: f32) -> Result<()> {
    check_number("hue", hue, 0.0..=0.5)
}

/// Evenly from `-hue..=hue`.
pub(super) fn draw(hue: f32, rng: &mut Rng) -> f32 {
    rng.range(-hue, hue)
}

impl Operation for Hue {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let turn = draw(self.hue, rng);
        Drawn::of_depth(
            subject.depth,
            move |pixels| turn_hue(pixels, turn),
            move |pixels| turn_hue(pixels, turn),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        self.hue > 0.0
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("{:+.3} of the circle", draw(self.hue, rng)))
    }
}

/// Turns hues by `turn` of the circle, `-0.5..=0.5`.
pub(in crate::image) fn turn_hue<L: Turned>(pixels: &mut Pixels<L>, turn: f32) {
    if turn != 0.0 && pixels.channels() > 1 {
        pixels.change_colors(|pixels| wide(Turn(pixels.levels.as_chunks_mut().0, 6.0 * turn)));
    }
}

/// A level of a colour whose hue can be turned.
pub(in crate::image) trait Turned: Level {
    /// The chroma below which all is grey.
    const LEAST: f32;

    /// A number of the range as a level, the nearest one.
    fn nearest(number: f32) -> Self;
}

impl Turned for u8 {
    // Levels are whole, so that only grey has less than 1.
    const LEAST: f32 = 1.0;

    #[inline(always)]
    fn nearest(number: f32) -> Self {
        // The nearest whole number, in the lowest bits: a conversion has to look out for numbers that do not fit.
        (number + 8_388_608.0).to_bits() as u8
    }
}

impl Turned for f32 {
    const LEAST: f32 = f32::MIN_POSITIVE;

    #[inline(always)]
    fn nearest(number: f32) -> Self {
        number
    }
}

/// Pixels that are turned side by side: enough of them for the compiler to make loops of vectors, not single instructions.
const BLOCK: usize = 256;

/// By so many sixths of the circle.
struct Turn<'a, L>(&'a mut [[L; 3]], f32);

impl<L: Turned> NullaryFnOnce for Turn<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(pixels, sixths) = self;
        let (blocks, rest) = pixels.as_chunks_mut::<BLOCK>();
        for block in blocks {
            turn_block(block, sixths);
        }
        let mut block = [[L::default(); 3]; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        turn_block(&mut block, sixths);
        rest.copy_from_slice(&block[..rest.len()]);
    }
}

#[inline(always)]
fn turn_block<L: Turned>(pixels: &mut [[L; 3]; BLOCK], sixths: f32) {
    let mut planes = [[L::default(); BLOCK]; 3];
    for at in 0..BLOCK {
        let [red, green, blue] = pixels[at];
        (planes[0][at], planes[1][at], planes[2][at]) = (red, green, blue);
    }
    let [reds, greens, blues] = &mut planes;
    for at in 0..BLOCK {
        let [red, green, blue] = [reds[at].number(), greens[at].number(), blues[at].number()];
        let value = greater(red, greater(green, blue));
        let chroma = value - less(red, less(green, blue));
        // Of grey all differences are 0.
        let share = 1.0 / greater(chroma, L::LEAST);
        let (first, second, third) = (
            (green - blue) * share,
            2.0 + (blue - red) * share,
            4.0 + (red - green) * share,
        );
        let hue = if value == green { second } else { third };
        let hue = if value == red { first } else { hue };
        let hue = hue + sixths;
        let hue = if hue < 0.0 { hue + 6.0 } else { hue };
        let hue = if hue >= 6.0 { hue - 6.0 } else { hue };
        reds[at] = level(value, chroma, hue + 5.0);
        greens[at] = level(value, chroma, hue + 3.0);
        blues[at] = level(value, chroma, hue + 1.0);
    }
    for at in 0..BLOCK {
        pixels[at] = [planes[0][at], planes[1][at], planes[2][at]];
    }
}

/// A channel, which lies below the value by as much as its place on the circle says.
#[inline(always)]
fn level<L: Turned>(value: f32, chroma: f32, place: f32) -> L {
    let place = if place >= 6.0 { place - 6.0 } else { place };
    let below = less(less(place, 4.0 - place), 1.0);
    L::nearest(value - chroma * greater(below, 0.0))
}

/// The greater of two numbers, in one instruction: `f32::max` looks out for what is no number.
#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The lesser of two numbers.
#[inline(always)]
fn less(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}
