//! One transform of a policy at one strength.

use crate::image::ops::color::invert::invert;
use crate::image::ops::color::recolor::Recolored;
use crate::image::ops::color::solarize::invert_from;
use crate::image::ops::filter::sharpness::{Sharpened, sharpen};
use crate::image::{Drawn, Motion, Pixels, Subject};

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
    /// What it does to a picture.
    pub(super) fn drawn(self, subject: &Subject) -> Drawn {
        let Self { transform, magnitude } = self;
        let size = subject.size();
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
            _ => Drawn::of_depth(
                subject.depth,
                move |pixels| self.change(pixels),
                move |pixels| self.change(pixels),
            ),
        }
    }

    /// Changes values; what moves changes none.
    fn change<L: Recolored + Sharpened>(self, pixels: &mut Pixels<L>) {
        let Self { transform, magnitude } = self;
        match transform {
            Transform::Identity
            | Transform::ShearX
            | Transform::ShearY
            | Transform::TranslateX
            | Transform::TranslateY
            | Transform::Rotate => {}
            Transform::Brightness => L::brighten(pixels, 1.0 + magnitude),
            Transform::Color => L::saturate(pixels, 1.0 + magnitude),
            Transform::Contrast => L::stretch(pixels, 1.0 + magnitude),
            Transform::Sharpness => sharpen(pixels, 1.0 + magnitude),
            Transform::Posterize => L::posterize(pixels, magnitude as u8),
            Transform::Solarize => invert_from(pixels, L::at_least(magnitude)),
            Transform::AutoContrast => L::stretch_levels(pixels),
            Transform::Equalize => L::flatten(pixels),
            Transform::Invert => invert(pixels),
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
pub(super) fn all_drawn(chosen: &[Chosen], subject: &Subject) -> Drawn {
    chosen.iter().map(|one| one.drawn(subject)).collect()
}

/// `shear_x 0.12, equalize`.
pub(super) fn all_in_words(chosen: &[Chosen]) -> String {
    match chosen {
        [] => "unchanged".to_owned(),
        chosen => chosen.iter().map(|one| one.in_words()).collect::<Vec<_>>().join(", "),
    }
}
