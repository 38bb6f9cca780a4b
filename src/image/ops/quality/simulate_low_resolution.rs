//! Low resolution.

use crate::error::Result;
use crate::image::geometry::crop::Region;
use crate::image::geometry::interpolation::Interpolation;
use crate::image::geometry::resize::resize;
use crate::image::parameters::check_range;
use crate::image::{Drawn, KEPT, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use fast_image_resize::Resizer;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::ops::RangeInclusive;

thread_local! {
    static SCRATCH: RefCell<(Resizer, Pixels)> = RefCell::default();
}

/// Makes a picture smaller and large again: albumentations' `Downscale` with `INTER_AREA` and `INTER_LINEAR`, `RandSimulateLowResolution` of
/// MONAI. The sides are multiplied by a scale that is drawn evenly from `scale`, and cut to whole pixels. Smaller pixels are means
/// of those that they cover; on the way back they are interpolated linearly.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulateLowResolution {
    #[serde(with = "crate::spec::range")]
    scale: RangeInclusive<f32>,
}

impl SimulateLowResolution {
    /// `scale` within `0.01..=1`, of which 1 changes nothing; MONAI's default is `0.5..=1.0`, albumentations' `0.25..=0.25`.
    pub fn new(scale: RangeInclusive<f32>) -> Self {
        Self { scale }
    }

    fn size(&self, subject: &Subject, rng: &mut Rng) -> (u32, u32) {
        let scale = rng.range(*self.scale.start(), *self.scale.end());
        let side = |length: u32| ((length as f32 * scale) as u32).max(1);
        (side(subject.width), side(subject.height))
    }
}

impl Default for SimulateLowResolution {
    fn default() -> Self {
        Self::new(0.5..=1.0)
    }
}

impl Spec for SimulateLowResolution {
    const NAME: &'static str = "simulate_low_resolution";

    fn check(&self) -> Result<()> {
        check_range("scale", &self.scale, 0.01..=1.0)
    }
}

impl Operation for SimulateLowResolution {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (width, height) = self.size(subject, rng);
        if (width, height) == (subject.width, subject.height) {
            return Drawn::Nothing;
        }
        Drawn::values(move |pixels| lower(pixels, width, height))
    }

    fn is_random(&self) -> bool {
        self.scale.start() < self.scale.end()
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let (width, height) = self.size(subject, rng);
        Some(format!("{width} x {height} pixels"))
    }
}

fn lower(pixels: &mut Pixels, width: u32, height: u32) {
    let (mut resizer, mut small) = SCRATCH.take();
    small.reshape(width, height, pixels.channels());
    let whole = Region::whole(pixels.width, pixels.height);
    // Both pictures are whole and have pixels, which is all that could be wrong.
    let made = resize(&mut resizer, Interpolation::Box, pixels, whole, &mut small);
    if made.is_ok() {
        let whole = Region::whole(width, height);
        let _ = resize(&mut resizer, Interpolation::Bilinear, &small, whole, pixels);
    }
    if small.levels.capacity() <= KEPT {
        SCRATCH.replace((resizer, small));
    }
}
