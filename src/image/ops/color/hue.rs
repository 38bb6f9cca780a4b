//! Hue.

use crate::error::Result;
use crate::image::parameters::check_number;
use crate::image::wide::wide;
use crate::image::{Drawn, Operation, Pixels, Subject};
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
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        let turn = draw(self.hue, rng);
        Drawn::values(move |pixels| turn_hue(pixels, turn))
    }

    fn is_random(&self) -> bool {
        self.hue > 0.0
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("{:+.3} of the circle", draw(self.hue, rng)))
    }
}

/// Turns hues by `turn` of the circle, `-0.5..=0.5`.
pub(in crate::image) fn turn_hue(pixels: &mut Pixels, turn: f32) {
    if turn != 0.0 && pixels.channels() > 1 {
        pixels.change_colors(|pixels| wide(Turn(pixels.levels.as_chunks_mut().0, 6.0 * turn)));
    }
}

/// Pixels that are turned side by side.
const BLOCK: usize = 32;

/// By so many sixths of the circle.
struct Turn<'a>(&'a mut [[u8; 3]], f32);

impl NullaryFnOnce for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(pixels, sixths) = self;
        let (blocks, rest) = pixels.as_chunks_mut::<BLOCK>();
        blocks.iter_mut().for_each(|block| turn_block(block, sixths));
        let mut block = [[0; 3]; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        turn_block(&mut block, sixths);
        rest.copy_from_slice(&block[..rest.len()]);
    }
}

#[inline(always)]
fn turn_block(pixels: &mut [[u8; 3]; BLOCK], sixths: f32) {
    let mut planes = [[0.0_f32; BLOCK]; 3];
    for (at, pixel) in pixels.iter().enumerate() {
        for (plane, &level) in planes.iter_mut().zip(pixel) {
            plane[at] = f32::from(level);
        }
    }
    let mut turned = [[0_u32; BLOCK]; 3];
    for at in 0..BLOCK {
        let [red, green, blue] = [planes[0][at], planes[1][at], planes[2][at]];
        let value = red.max(green).max(blue);
        let chroma = value - red.min(green).min(blue);
        // Levels are whole, so that only grey has less than 1, and of grey all differences are 0.
        let share = 1.0 / chroma.max(1.0);
        let (first, second, third) = (
            (green - blue) * share,
            2.0 + (blue - red) * share,
            4.0 + (red - green) * share,
        );
        let hue = if value == red {
            first
        } else if value == green {
            second
        } else {
            third
        };
        let hue = hue + sixths;
        let hue = if hue < 0.0 { hue + 6.0 } else { hue };
        let hue = if hue >= 6.0 { hue - 6.0 } else { hue };
        // How far a channel lies below the value: from its place on the circle.
        let level = |place: f32| {
            let k = hue + place;
            let k = if k >= 6.0 { k - 6.0 } else { k };
            value - chroma * k.min(4.0 - k).clamp(0.0, 1.0)
        };
        turned[0][at] = whole(level(5.0));
        turned[1][at] = whole(level(3.0));
        turned[2][at] = whole(level(1.0));
    }
    for (at, pixel) in pixels.iter_mut().enumerate() {
        *pixel = [turned[0][at] as u8, turned[1][at] as u8, turned[2][at] as u8];
    }
}

/// The nearest whole number of one in `0.0..=255.0`, in its lowest bits: a conversion has to look out for numbers that do not fit.
#[inline(always)]
fn whole(level: f32) -> u32 {
    (level + 8_388_608.0).to_bits()
}
