//! What a network's weights expect of pictures.

use super::normalisation::Normalisation;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How pictures became inputs when the weights were made: what timm's `config.json` says under `pretrained_cfg`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Height and width of the inputs, in pixels.
    pub size: usize,
    /// How pixels become inputs.
    pub normalisation: Normalisation,
    /// How pictures are resized.
    pub interpolation: Interpolation,
    /// The share of the shorter side that is seen, above 0 and up to 1.
    pub crop: f64,
    /// How that share is taken.
    pub crop_mode: CropMode,
}

/// How pictures are resized, in Pillow's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// Linear in both directions, antialiased.
    Bilinear,
    /// Cubic in both directions, antialiased.
    Bicubic,
    /// The mean of the pixels that are covered.
    Box,
    /// A window of the third degree.
    Hamming,
    /// Lanczos' window of three lobes.
    Lanczos,
    /// Bilinear or bicubic, drawn anew for each picture.
    Random,
}

/// How a share of a picture is taken, in timm's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CropMode {
    /// The middle square.
    Center,
    /// The whole picture without its aspect ratio, then the middle square.
    Squash,
    /// The whole picture, with borders where it is not square, then the middle square.
    Border,
}

impl Preprocessing {
    /// What torchvision's first weights of each network expect: 224 px, ImageNet's mean and deviation, bilinear, the middle 0.875.
    pub const IMAGENET: Self = Self {
        size: 224,
        normalisation: Normalisation::IMAGENET,
        interpolation: Interpolation::Bilinear,
        crop: 0.875,
        crop_mode: CropMode::Center,
    };

    /// Pixels that the shorter side is resized to before the middle square of [`size`](Self::size) is taken, as timm has it:
    /// `floor(size / crop)`. None where the aspect ratio is not kept.
    pub fn resize_size(&self) -> Option<usize> {
        (self.crop_mode == CropMode::Center).then(|| (self.size as f64 / self.crop).floor() as usize)
    }

    /// In what `done`, which is how pictures are made now, is other than the weights expect: a sentence for each difference.
    ///
    /// ```
    /// use millstream::model::{Interpolation, Preprocessing};
    ///
    /// let weights = Preprocessing { interpolation: Interpolation::Bicubic, ..Preprocessing::IMAGENET };
    /// let said = weights.differences(&Preprocessing::IMAGENET);
    /// assert_eq!(said, ["the weights expect pictures resized by bicubic interpolation; here it is bilinear"]);
    /// ```
    pub fn differences(&self, done: &Self) -> Vec<String> {
        self.differences_at(done, [done.size; 2])
    }

    /// As [`differences`](Self::differences), of pictures of `[width, height]` pixels.
    pub(crate) fn differences_at(&self, done: &Self, size: [usize; 2]) -> Vec<String> {
        let mut all = Vec::new();
        if [self.size; 2] != size {
            let [width, height] = size;
            all.push(format!(
                "the weights expect pictures of {0} x {0} pixels; here they have {width} x {height}",
                self.size
            ));
        }
        if self.normalisation != done.normalisation {
            all.push(format!(
                "the weights expect pixels normalised by {}; here it is {}",
                self.normalisation, done.normalisation
            ));
        }
        if self.interpolation != done.interpolation {
            all.push(format!(
                "the weights expect pictures resized by {} interpolation; here it is {}",
                self.interpolation, done.interpolation
            ));
        }
        // The whole picture is the same, squashed or not, only where it is square.
        if (self.crop, self.crop_mode) != (done.crop, done.crop_mode) {
            all.push(format!(
                "the weights expect {}; here it is {}",
                self.seen([self.size; 2]),
                done.seen(size)
            ));
        }
        all
    }

    /// What is seen of a picture that becomes one of `[width, height]` pixels, in words.
    fn seen(&self, [width, height]: [usize; 2]) -> String {
        let shape = match width == height {
            true => "a square".to_owned(),
            false => format!("{width} x {height}"),
        };
        let squashed = match self.crop_mode {
            CropMode::Center => "with its aspect ratio".to_owned(),
            CropMode::Squash => format!("squashed to {shape}"),
            CropMode::Border => format!("with its aspect ratio and borders to {shape}"),
        };
        match self.crop {
            1.0 if self.crop_mode == CropMode::Center => "the middle square".to_owned(),
            1.0 => format!("the whole picture {squashed}"),
            crop => format!("the middle {crop} of the picture {squashed}"),
        }
    }
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
            Self::Bicubic => "bicubic",
            Self::Box => "box",
            Self::Hamming => "hamming",
            Self::Lanczos => "lanczos",
            Self::Random => "random",
        })
    }
}
