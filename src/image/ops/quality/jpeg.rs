//! JPEG artefacts.

use crate::error::Result;
use crate::image::codec::jpeg::Scratch;
use crate::image::codec::jpeg::round_trip::round_trip;
use crate::image::ops::levels::change_levels;
use crate::image::parameters::check_range;
use crate::image::{Depth, Drawn, KEPT, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::ops::RangeInclusive;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Compresses as JPEG and decodes again, with a whole quality that is drawn evenly from `quality`: torchvision's `JPEG`. The tables are
/// libjpeg's, and colours have half the resolution (4:2:0). No file is written: its bits would say what is there already. Pictures of `f32` are rounded to 256
/// levels first, and keep no more of them, as in albumentations' `ImageCompression`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jpeg {
    #[serde(with = "crate::spec::range")]
    quality: RangeInclusive<u8>,
}

impl Jpeg {
    /// `quality` within `1..=100`; less is smaller.
    pub fn new(quality: RangeInclusive<u8>) -> Self {
        Self { quality }
    }

    fn quality(&self, rng: &mut Rng) -> u8 {
        let more = u64::from(self.quality.end() - self.quality.start());
        self.quality.start() + rng.below(more + 1) as u8
    }
}

/// 50 to 100: torchvision has no default, and albumentations begins at 99.
impl Default for Jpeg {
    fn default() -> Self {
        Self::new(50..=100)
    }
}

impl Spec for Jpeg {
    const NAME: &'static str = "jpeg";

    fn check(&self) -> Result<()> {
        check_range("quality", &self.quality, 1..=100)
    }
}

impl Operation for Jpeg {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let quality = self.quality(rng);
        let compress = move |pixels: &mut Pixels| {
            let mut scratch = SCRATCH.take();
            pixels.change_colors(|pixels| round_trip(pixels, quality, &mut scratch));
            scratch.trim(KEPT);
            SCRATCH.replace(scratch);
        };
        Drawn::of_depth(subject.depth, compress, move |pixels| change_levels(pixels, compress))
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        self.quality.start() < self.quality.end()
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("quality {}", self.quality(rng)))
    }
}
