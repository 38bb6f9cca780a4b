//! One transform of a policy at one strength.

use crate::image::ops::color::autocontrast::stretch_levels;
use crate::image::ops::color::brightness::brighten;
use crate::image::ops::color::contrast::stretch;
use crate::image::ops::color::equalize::flatten;
use crate::image::ops::color::invert::invert;
use crate::image::ops::color::posterize::posterize;
use crate::image::ops::color::saturation::saturate;
use crate::image::ops::color::solarize::solarize;
use crate::image::ops::filter::sharpness::sharpen;
use crate::image::{Drawn, Motion};

/// A transform, by torchvision's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

/// A transform that was drawn for a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chosen {
    pub(super) transform: Transform,
    pub(super) magnitude: f32,
}

impl Transform {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::ShearX => "shear_x",
            Self::ShearY => "shear_y",
            Self::TranslateX => "translate_x",
            Self::TranslateY => "translate_y",
            Self::Rotate => "rotate",
            Self::Brightness => "brightness",
            Self::Color => "color",
            Self::Contrast => "contrast",
            Self::Sharpness => "sharpness",
            Self::Posterize => "posterize",
            Self::Solarize => "solarize",
            Self::AutoContrast => "auto_contrast",
            Self::Equalize => "equalize",
            Self::Invert => "invert",
        }
    }

    /// The side of a picture of `[width, height]` along which it moves.
    pub(super) fn side(self, [width, height]: [u32; 2]) -> u32 {
        if self == Self::TranslateY { height } else { width }
    }
}

impl Chosen {
    /// What it does to a picture of `[width, height]`.
    pub(super) fn drawn(self, size: [u32; 2]) -> Drawn {
        let Self { transform, magnitude } = self;
        let by = f64::from(magnitude);
        // torchvision's shears leave the top left corner where it is, and its shifts are whole pixels.
        let affine = |matrix| Motion::affine(size, size, matrix).map_or(Drawn::Nothing, Drawn::Motion);
        match transform {
            Transform::Identity => Drawn::Nothing,
            Transform::ShearX => affine([1.0, -by, 0.0, 0.0, 1.0, 0.0]),
            Transform::ShearY => affine([1.0, 0.0, 0.0, -by, 1.0, 0.0]),
            Transform::TranslateX => affine([1.0, 0.0, by.trunc(), 0.0, 1.0, 0.0]),
            Transform::TranslateY => affine([1.0, 0.0, 0.0, 0.0, 1.0, by.trunc()]),
            Transform::Rotate => Drawn::Motion(Motion::rotation(size, by)),
            Transform::Brightness => Drawn::values(move |pixels| brighten(pixels, 1.0 + magnitude)),
            Transform::Color => Drawn::values(move |pixels| saturate(pixels, 1.0 + magnitude)),
            Transform::Contrast => Drawn::values(move |pixels| stretch(pixels, 1.0 + magnitude)),
            Transform::Sharpness => Drawn::values(move |pixels| sharpen(pixels, 1.0 + magnitude)),
            Transform::Posterize => Drawn::values(move |pixels| posterize(pixels, magnitude as u8)),
            Transform::Solarize => {
                let threshold = (255.0 * magnitude).ceil() as u16;
                Drawn::values(move |pixels| solarize(pixels, threshold))
            }
            Transform::AutoContrast => Drawn::values(stretch_levels),
            Transform::Equalize => Drawn::values(flatten),
            Transform::Invert => Drawn::values(invert),
        }
    }

    /// `rotate -8.20`, `equalize`.
    fn in_words(self) -> String {
        let Self { transform, magnitude } = self;
        let name = transform.name();
        match transform {
            Transform::Identity | Transform::AutoContrast | Transform::Equalize | Transform::Invert => name.to_owned(),
            Transform::TranslateX | Transform::TranslateY | Transform::Posterize => {
                format!("{name} {}", magnitude.trunc())
            }
            _ => format!("{name} {magnitude:.2}"),
        }
    }
}

/// What several do to a picture, one after the other.
pub(super) fn all_drawn(chosen: &[Chosen], size: [u32; 2]) -> Drawn {
    chosen.iter().map(|one| one.drawn(size)).collect()
}

/// `shear_x 0.12, equalize`.
pub(super) fn all_in_words(chosen: &[Chosen]) -> String {
    match chosen {
        [] => "unchanged".to_owned(),
        chosen => chosen.iter().map(|one| one.in_words()).collect::<Vec<_>>().join(", "),
    }
}
