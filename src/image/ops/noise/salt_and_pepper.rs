//! Salt and pepper.

use crate::error::Result;
use crate::image::parameters::check_range;
use crate::image::{Depth, Drawn, Level, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Makes single pixels white or black: albumentations' `SaltAndPepper`. The share of pixels is drawn evenly from `amount`, and how many of
/// them are white from `salt`; each pixel then has that probability, for itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaltAndPepper {
    #[serde(with = "crate::spec::range")]
    amount: RangeInclusive<f32>,
    #[serde(with = "crate::spec::range")]
    salt: RangeInclusive<f32>,
}

impl SaltAndPepper {
    /// `amount` within `0..=1`; albumentations' default is `0.01..=0.06`. Of these, a share of 0.4 to 0.6 is white:
    /// its `salt_vs_pepper`.
    pub fn new(amount: RangeInclusive<f32>) -> Self {
        Self {
            amount,
            salt: 0.4..=0.6,
        }
    }

    /// The share of them that is white, a range within `0..=1`. Defaults to `0.4..=0.6`, as albumentations' `salt_vs_pepper`.
    ///
    /// ```
    /// # use millstream::image::{Image, SaltAndPepper};
    /// let dust = Image::new(224).with(SaltAndPepper::new(0.001..=0.01).salt(0.0..=0.0));
    /// # dust.check().unwrap();
    /// ```
    #[must_use]
    pub fn salt(mut self, share: RangeInclusive<f32>) -> Self {
        self.salt = share;
        self
    }

    fn parameters(&self, rng: &mut Rng) -> (f32, f32) {
        let mut drawn = |range: &RangeInclusive<f32>| rng.range(*range.start(), *range.end());
        (drawn(&self.amount), drawn(&self.salt))
    }
}

impl Default for SaltAndPepper {
    fn default() -> Self {
        Self::new(0.01..=0.06)
    }
}

impl Spec for SaltAndPepper {
    const NAME: &'static str = "salt_and_pepper";

    fn check(&self) -> Result<()> {
        check_range("amount", &self.amount, 0.0..=1.0)?;
        check_range("salt", &self.salt, 0.0..=1.0)
    }
}

impl Operation for SaltAndPepper {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (amount, salt) = self.parameters(rng);
        // Every pixel takes draws of its own: they are made when it is its turn.
        let mut rng = std::mem::replace(rng, Rng::new(0, Self::NAME, 0));
        match subject.depth {
            Depth::U8 => {
                Drawn::values(move |pixels| pixels.change_colors(|pixels| scatter(pixels, amount, salt, &mut rng)))
            }
            Depth::F32 => {
                Drawn::floats(move |pixels| pixels.change_colors(|pixels| scatter(pixels, amount, salt, &mut rng)))
            }
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        let (amount, salt) = self.parameters(rng);
        Some(format!(
            "{:.2} % of the pixels, {:.0} % of them white",
            100.0 * amount,
            100.0 * salt
        ))
    }
}

fn scatter<L: Level>(pixels: &mut Pixels<L>, amount: f32, salt: f32, rng: &mut Rng) {
    if amount <= 0.0 {
        return;
    }
    let channels = pixels.channels();
    let places = pixels.levels.len() / channels;
    // From one to the next: pixels in between are those that a coin of this probability passes over.
    let none = libm::log1p(-f64::from(amount));
    let mut at = 0;
    loop {
        if amount < 1.0 {
            let gap = libm::log(1.0 - f64::from(rng.unit())) / none;
            at += gap.min(places as f64) as usize;
        }
        if at >= places {
            return;
        }
        let level = if rng.chance(salt) { 255 } else { 0 };
        pixels.levels[at * channels..][..channels].fill(L::of(level));
        at += 1;
    }
}
