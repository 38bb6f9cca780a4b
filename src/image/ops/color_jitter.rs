//! Brightness, contrast and saturation together.

use super::brightness::brighten;
use super::contrast::stretch;
use super::factor;
use super::saturation::saturate;
use crate::image::{Augment, Pixels};
use crate::rng::{Permutation, Rng};

/// Changes brightness, contrast and saturation, each as [`Brightness`](crate::image::Brightness), [`Contrast`](crate::image::Contrast)
/// and [`Saturation`](crate::image::Saturation) do, in an order that is drawn, too: torchvision's `ColorJitter` without `hue`.
#[derive(Clone, Debug)]
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

impl Augment for ColorJitter {
    fn name(&self) -> &'static str {
        "color_jitter"
    }

    fn params(&self) -> Vec<(&'static str, String)> {
        vec![
            ("brightness", self.brightness.to_string()),
            ("contrast", self.contrast.to_string()),
            ("saturation", self.saturation.to_string()),
        ]
    }

    fn check(&self) -> Result<(), String> {
        let named = |name, factor| factor::check(factor).map_err(|mistake| format!("{name} {mistake}"));
        named("brightness", self.brightness)?;
        named("contrast", self.contrast)?;
        named("saturation", self.saturation)
    }

    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        let order = Permutation::new(3, rng);
        let factors = [self.brightness, self.contrast, self.saturation].map(|factor| factor::draw(factor, rng));
        for step in (0..3).map(|step| order.get(step)) {
            match step {
                0 => brighten(pixels, factors[0]),
                1 => stretch(pixels, factors[1]),
                _ => saturate(pixels, factors[2]),
            }
        }
    }
}
