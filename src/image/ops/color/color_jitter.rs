//! Brightness, contrast, saturation and hue together.

use super::factor;
use super::hue::{self, turn_hue};
use super::recolor::Recolored;
use crate::error::{Error, Result};
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::{Permutation, Rng};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Changes brightness, contrast, saturation and [`hue`](Self::hue), each as [`Brightness`](crate::image::Brightness),
/// [`Contrast`](crate::image::Contrast), [`Saturation`](crate::image::Saturation) and [`Hue`](crate::image::Hue) do, in an order that is
/// drawn, too: torchvision's `ColorJitter`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColorJitter {
    brightness: f32,
    contrast: f32,
    saturation: f32,
    hue: f32,
}

impl ColorJitter {
    /// The factors are at least 0; 0 changes nothing.
    pub fn new(brightness: f32, contrast: f32, saturation: f32) -> Self {
        Self {
            brightness,
            contrast,
            saturation,
            hue: 0.0,
        }
    }

    /// Turns the hue, too, by up to `hue` (`0..=0.5`) of the colour circle. Defaults to 0, which leaves it out of what is drawn.
    ///
    /// ```
    /// # use millstream::image::{ColorJitter, Image};
    /// let train = Image::new(224).with(ColorJitter::new(0.4, 0.4, 0.4).hue(0.1));
    /// # train.check().unwrap();
    /// ```
    #[must_use]
    pub fn hue(mut self, hue: f32) -> Self {
        self.hue = hue;
        self
    }
}

impl Default for ColorJitter {
    fn default() -> Self {
        Self::new(0.0, 0.0, 0.0)
    }
}

impl Spec for ColorJitter {
    const NAME: &'static str = "color_jitter";

    fn check(&self) -> Result<()> {
        let named = |name, factor| factor::check(factor).map_err(|error| error.context(name));
        named("brightness", self.brightness)?;
        named("contrast", self.contrast)?;
        named("saturation", self.saturation)?;
        hue::check(self.hue)?;
        match [self.brightness, self.contrast, self.saturation, self.hue] == [0.0; 4] {
            false => Ok(()),
            true => Err(Error::config(
                "brightness, contrast, saturation and hue are all left out or 0, which changes nothing: give at least one of them",
            )),
        }
    }
}

impl ColorJitter {
    /// How many there are, their order, and their factors, of which the last is the turn of hue.
    fn parameters(&self, rng: &mut Rng) -> (u64, Permutation, [f32; 4]) {
        let count = if self.hue > 0.0 { 4 } else { 3 };
        let order = Permutation::new(count, rng);
        let [brightness, contrast, saturation] =
            [self.brightness, self.contrast, self.saturation].map(|factor| factor::draw(factor, rng));
        let turn = if self.hue > 0.0 { hue::draw(self.hue, rng) } else { 0.0 };
        (count, order, [brightness, contrast, saturation, turn])
    }
}

impl Operation for ColorJitter {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (count, order, factors) = self.parameters(rng);
        match subject.depth {
            Depth::U8 => Drawn::values(move |pixels| change(pixels, count, &order, factors)),
            Depth::F32 => Drawn::floats(move |pixels| change(pixels, count, &order, factors)),
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        const NAMES: [&str; 4] = ["brightness", "contrast", "saturation", "hue"];
        let (count, order, factors) = self.parameters(rng);
        let steps = (0..count).map(|step| order.get(step) as usize);
        let words: Vec<String> = steps
            .map(|step| format!("{} {:.3}", NAMES[step], factors[step]))
            .collect();
        Some(words.join(", "))
    }
}

/// The first `count` of brightness, contrast, saturation and hue, in this order.
fn change<L: Recolored>(pixels: &mut Pixels<L>, count: u64, order: &Permutation, factors: [f32; 4]) {
    for step in (0..count).map(|step| order.get(step)) {
        match step {
            0 => L::brighten(pixels, factors[0]),
            1 => L::stretch(pixels, factors[1]),
            2 => L::saturate(pixels, factors[2]),
            _ => turn_hue(pixels, factors[3]),
        }
    }
}
