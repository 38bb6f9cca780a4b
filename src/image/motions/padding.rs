//! What is to be seen beyond the picture, said of each motion that can show it.

use super::affine::Affine;
use super::elastic_transform::ElasticTransform;
use super::pad::Pad;
use super::perspective::Perspective;
use super::random_crop::RandomCrop;
use super::rotate::Rotate;
use super::scale::Scale;
use super::scale_jitter::ScaleJitter;
use super::shear::Shear;
use super::translate::Translate;
use super::zoom_out::ZoomOut;
use crate::image::Padding;

macro_rules! padding {
    ($doc:literal: $($motion:ty),*) => {$(
        impl $motion {
            #[doc = $doc]
            #[must_use]
            pub fn padding_mode(mut self, padding: Padding) -> Self {
                self.padding_mode = padding.into();
                self
            }
        }
    )*};
}

padding!("What is beyond the picture, in place of what operations before it say, or black: torchvision's `padding_mode` with its `fill`, of which \
    all but its crop and its rim have `fill` alone.":
    Affine, ElasticTransform, Perspective, RandomCrop, Rotate, Scale, ScaleJitter, Shear, Translate, ZoomOut);
padding!("What the rim shows: torchvision's `padding_mode` and `fill`. Defaults to black.": Pad);
