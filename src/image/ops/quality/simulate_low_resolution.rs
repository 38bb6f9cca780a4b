//! Low resolution.

use crate::error::Result;
use crate::image::geometry::interpolation::Interpolation;
use crate::image::geometry::resize::{Resized, resize_whole};
use crate::image::parameters::check_range;
use crate::image::{Depth, Drawn, KEPT, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use fast_image_resize::Resizer;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::thread::LocalKey;

/// The filter weights and buffers, and the smaller picture.
type Scratch<L> = RefCell<(Resizer, Pixels<L>)>;

thread_local! {
    static LEVELS: Scratch<u8> = RefCell::default();
    static FLOATS: Scratch<f32> = RefCell::default();
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
    /// `scale` within `0.01..=1`, of which 1 changes nothing; MONAI's default is `0.5..=1.0`, albumentations' `0.25..=0.25`, as its
    /// `scale_range`.
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
        Drawn::of_depth(
            subject.depth,
            move |pixels| lower(pixels, width, height, &LEVELS),
            move |pixels| lower(pixels, width, height, &FLOATS),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        self.scale.start() < self.scale.end()
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let (width, height) = self.size(subject, rng);
        Some(format!("{width} x {height} pixels"))
    }
}

fn lower<L: Resized>(pixels: &mut Pixels<L>, width: u32, height: u32, scratch: &'static LocalKey<Scratch<L>>) {
    let (mut resizer, mut small) = scratch.take();
    small.reshape(width, height, pixels.channels());
    // Both pictures are whole and have pixels, which is all that could be wrong.
    if resize_whole(&mut resizer, Interpolation::Box, pixels, &mut small).is_ok() {
        let _ = resize_whole(&mut resizer, Interpolation::Bilinear, &small, pixels);
    }
    if small.levels.capacity() <= KEPT {
        scratch.replace((resizer, small));
    }
}
