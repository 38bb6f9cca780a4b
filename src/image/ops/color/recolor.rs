//! The changes of colour that operations of several changes make, by the depth of the picture.

use super::hue::Turned;
use super::{autocontrast, brightness, contrast, equalize, floats, posterize, saturation};
use crate::image::Pixels;

/// A level of pictures that can be changed by the name of the change alone.
pub(in crate::image) trait Recolored: Turned {
    /// The least level that is at least this share of white, in `0..=1`.
    fn at_least(share: f32) -> Self;

    fn brighten(pixels: &mut Pixels<Self>, factor: f32);

    /// By [`Contrast`](crate::image::Contrast).
    fn stretch(pixels: &mut Pixels<Self>, factor: f32);

    fn saturate(pixels: &mut Pixels<Self>, factor: f32);

    /// By [`Autocontrast`](crate::image::Autocontrast).
    fn stretch_levels(pixels: &mut Pixels<Self>);

    /// By [`Equalize`](crate::image::Equalize).
    fn flatten(pixels: &mut Pixels<Self>);

    fn posterize(pixels: &mut Pixels<Self>, bits: u8);
}

macro_rules! recolored {
    ($type:ty, |$share:ident| $at_least:expr, $($name:ident($($parameter:ident: $of:ty)?) $change:path;)*) => {
        impl Recolored for $type {
            fn at_least($share: f32) -> Self {
                $at_least
            }

            $(fn $name(pixels: &mut Pixels<Self>, $($parameter: $of)?) {
                $change(pixels, $($parameter)?);
            })*
        }
    };
}

recolored! {
    u8, |share| (255.0 * share).ceil() as u8,
    brighten(factor: f32) brightness::brighten;
    stretch(factor: f32) contrast::stretch;
    saturate(factor: f32) saturation::saturate;
    stretch_levels() autocontrast::stretch_levels;
    flatten() equalize::flatten;
    posterize(bits: u8) posterize::posterize;
}

recolored! {
    f32, |share| share,
    brighten(factor: f32) floats::brighten;
    stretch(factor: f32) floats::stretch;
    saturate(factor: f32) floats::saturate;
    stretch_levels() floats::stretch_levels;
    flatten() equalize::flatten_floats;
    posterize(bits: u8) floats::posterize;
}
