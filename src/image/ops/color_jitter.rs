//! Brightness, contrast and saturation together.

use super::brightness::brighten;
use super::contrast::stretch;
use super::factor;
use super::saturation::saturate;
use crate::error::Result;
use crate::image::{Drawn, Operation, Subject};
use crate::rng::{Permutation, Rng};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Changes brightness, contrast and saturation, each as [`Brightness`](crate::image::Brightness), [`Contrast`](crate::image::Contrast)
/// and [`Saturation`](crate::image::Saturation) do, in an order that is drawn, too: torchvision's `ColorJitter` without `hue`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColorJitter {
    brightness: f32,
    contrast: f32,
    saturation: f32,
}

impl ColorJitter {
    /// The factors are at least 0; 0 changes nothing.
    pub fn new(brightness: f32, contrast: f32, saturation: f32) -> Self {
        Self {
            brightness,
            contrast,
            saturation,
        }
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
        named("saturation", self.saturation)
    }
}

impl ColorJitter {
    /// The order of the three, and their factors.
    fn parameters(&self, rng: &mut Rng) -> (Permutation, [f32; 3]) {
        let order = Permutation::new(3, rng);
        let factors = [self.brightness, self.contrast, self.saturation].map(|factor| factor::draw(factor, rng));
        (order, factors)
    }
}

impl Operation for ColorJitter {
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        let (order, factors) = self.parameters(rng);
        Drawn::values(move |pixels| {
            for step in (0..3).map(|step| order.get(step)) {
                match step {
                    0 => brighten(pixels, factors[0]),
                    1 => stretch(pixels, factors[1]),
                    _ => saturate(pixels, factors[2]),
                }
            }
        })
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        const NAMES: [&str; 3] = ["brightness", "contrast", "saturation"];
        let (order, factors) = self.parameters(rng);
        let steps = (0..3).map(|step| order.get(step) as usize);
        let words: Vec<String> = steps
            .map(|step| format!("{} {:.3}", NAMES[step], factors[step]))
            .collect();
        Some(words.join(", "))
    }
}
