//! How pictures become inputs: as the weights expect, so far as this crate can make them so.

use crate::image;
use crate::model::{CropMode, Interpolation, Preprocessing, Pretrained};

/// What is done for the weights of `pretrained`, with pictures of `size` pixels where one is given.
///
/// What a `config.json` says is done, but for what [`Image`] cannot do. Where there is none, mean, deviation and size are those of the
/// network's first published weights, and the whole picture is squashed to a square by bilinear interpolation.
pub(super) fn preprocessing(pretrained: &Pretrained, size: Option<u32>) -> Preprocessing {
    let expected = pretrained.preprocessing;
    let squashed = Preprocessing {
        size: size.map_or(expected.size, |size| size as usize),
        interpolation: Interpolation::Bilinear,
        crop: 1.0,
        crop_mode: CropMode::Squash,
        ..expected
    };
    if !pretrained.is_configured() {
        return squashed;
    }
    let cropped = match expected.crop_mode {
        CropMode::Center => Preprocessing {
            crop: expected.crop,
            crop_mode: CropMode::Center,
            ..squashed
        },
        CropMode::Squash | CropMode::Border => squashed,
    };
    match antialiased(expected.interpolation) {
        Some(_) => Preprocessing {
            interpolation: expected.interpolation,
            ..cropped
        },
        None => cropped,
    }
}

/// The interpolation of the image stage; none where it has no such.
pub(super) fn antialiased(interpolation: Interpolation) -> Option<image::Interpolation> {
    match interpolation {
        Interpolation::Bilinear => Some(image::Interpolation::Bilinear),
        Interpolation::Bicubic => Some(image::Interpolation::Bicubic),
        Interpolation::Box => Some(image::Interpolation::Box),
        Interpolation::Hamming => Some(image::Interpolation::Hamming),
        Interpolation::Lanczos => Some(image::Interpolation::Lanczos),
        Interpolation::Nearest | Interpolation::Random => None,
    }
}
