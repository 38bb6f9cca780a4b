//! JPEG artefacts.

use crate::error::Result;
use crate::image::codec::decode::{Reading, Scratch, decode};
use crate::image::ops::parameters::check_range;
use crate::image::{Drawn, KEPT, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::ops::RangeInclusive;

thread_local! {
    /// The file, what the decoder keeps, and the decoded picture.
    static SCRATCH: RefCell<(Vec<u8>, Scratch, Pixels)> = RefCell::default();
}

/// Compresses as JPEG and decodes again, with a whole quality that is drawn evenly from `quality`: torchvision's `JPEG`. The tables are
/// libjpeg's, and colours have half the resolution (4:2:0). Of a picture that is no JPEG can hold, of more than 65,535 pixels across
/// or down, nothing changes: a stage's are smaller.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        let quality = self.quality(rng);
        Drawn::values(move |pixels| pixels.change_colors(|pixels| compress(pixels, quality)))
    }

    fn is_random(&self) -> bool {
        self.quality.start() < self.quality.end()
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("quality {}", self.quality(rng)))
    }
}

fn compress(pixels: &mut Pixels, quality: u8) {
    let (Ok(width), Ok(height)) = (u16::try_from(pixels.width), u16::try_from(pixels.height)) else {
        return;
    };
    let color = if pixels.channels() == 1 {
        ColorType::Luma
    } else {
        ColorType::Rgb
    };
    let (mut file, mut scratch, mut decoded) = SCRATCH.take();
    file.clear();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let reading = Reading {
        max_pixels: u64::MAX,
        ..Reading::default()
    };
    let encoded = encoder.encode(&pixels.levels, width, height, color).is_ok();
    // What was just encoded can be decoded.
    if encoded && decode(&file, &reading, &mut scratch, &mut decoded).is_ok() {
        match color {
            ColorType::Luma => {
                let levels = decoded.levels.iter().step_by(3);
                pixels
                    .levels
                    .iter_mut()
                    .zip(levels)
                    .for_each(|(to, &level)| *to = level);
            }
            _ => pixels.levels.copy_from_slice(&decoded.levels),
        }
    }
    scratch.trim(KEPT);
    if decoded.levels.capacity() <= KEPT {
        SCRATCH.replace((file, scratch, decoded));
    }
}
