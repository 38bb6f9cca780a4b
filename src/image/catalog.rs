//! The operations of this crate by name.

use super::auto_augment::{
    aug_mix::AugMix, auto_augment::AutoAugment, rand_augment::RandAugment, trivial_augment_wide::TrivialAugmentWide,
};
use super::compose::{
    by_class::ByClass, identity::Identity, one_of::OneOf, random_apply::RandomApply, random_order::RandomOrder,
    sequential::Sequential, some_of::SomeOf,
};
use super::motions::affine::Affine;
use super::motions::elastic_transform::ElasticTransform;
use super::motions::horizontal_flip::HorizontalFlip;
use super::motions::pad::Pad;
use super::motions::perspective::Perspective;
use super::motions::random_crop::RandomCrop;
use super::motions::resize::Resize;
use super::motions::rotate::Rotate;
use super::motions::scale::Scale;
use super::motions::scale_jitter::ScaleJitter;
use super::motions::shear::Shear;
use super::motions::translate::Translate;
use super::motions::transpose::Transpose;
use super::motions::vertical_flip::VerticalFlip;
use super::motions::zoom_out::ZoomOut;
use super::operation::Operation;
use super::ops::color::autocontrast::Autocontrast;
use super::ops::color::brightness::Brightness;
use super::ops::color::channel_permutation::ChannelPermutation;
use super::ops::color::clahe::Clahe;
use super::ops::color::color_jitter::ColorJitter;
use super::ops::color::contrast::Contrast;
use super::ops::color::equalize::Equalize;
use super::ops::color::gamma::Gamma;
use super::ops::color::grayscale::Grayscale;
use super::ops::color::hue::Hue;
use super::ops::color::invert::Invert;
use super::ops::color::photometric_distort::PhotometricDistort;
use super::ops::color::posterize::Posterize;
use super::ops::color::saturation::Saturation;
use super::ops::color::solarize::Solarize;
use super::ops::filter::box_blur::BoxBlur;
use super::ops::filter::gaussian::GaussianBlur;
use super::ops::filter::motion_blur::MotionBlur;
use super::ops::filter::sharpness::Sharpness;
use super::ops::noise::gaussian::GaussianNoise;
use super::ops::noise::salt_and_pepper::SaltAndPepper;
use super::ops::noise::shot::ShotNoise;
use super::ops::quality::jpeg::Jpeg;
use super::ops::quality::simulate_low_resolution::SimulateLowResolution;
use super::ops::region::coarse_dropout::CoarseDropout;
use super::ops::region::grid_dropout::GridDropout;
use super::ops::region::random_erasing::RandomErasing;
use super::partners::{CopyPaste, Mosaic};
use crate::rows::{CutMix, MixUp};
use crate::spec::{Catalog, Kind, Spec, read};

impl Kind for dyn Operation {
    fn catalog() -> Catalog<Self> {
        operations()
    }
}

/// The operations of this crate, by name.
pub fn operations() -> Catalog<dyn Operation> {
    Catalog::new("operation")
        .operation::<HorizontalFlip>()
        .operation::<VerticalFlip>()
        .operation::<Transpose>()
        .operation::<Rotate>()
        .operation::<Scale>()
        .operation::<Shear>()
        .operation::<Translate>()
        .operation::<Affine>()
        .operation::<Perspective>()
        .operation::<ElasticTransform>()
        .operation::<RandomCrop>()
        .operation::<Pad>()
        .operation::<Resize>()
        .operation::<ScaleJitter>()
        .operation::<ZoomOut>()
        .operation::<Brightness>()
        .operation::<Contrast>()
        .operation::<Saturation>()
        .operation::<ColorJitter>()
        .operation::<GaussianNoise>()
        .operation::<GaussianBlur>()
        .operation::<RandomErasing>()
        .operation::<Identity>()
        .operation::<Sequential>()
        .operation::<RandomApply>()
        .operation::<OneOf>()
        .operation::<SomeOf>()
        .operation::<RandomOrder>()
        .operation::<ByClass>()
        .operation::<RandAugment>()
        .operation::<TrivialAugmentWide>()
        .operation::<AutoAugment>()
        .operation::<AugMix>()
        .operation::<Hue>()
        .operation::<Gamma>()
        .operation::<Grayscale>()
        .operation::<Invert>()
        .operation::<Posterize>()
        .operation::<Solarize>()
        .operation::<Autocontrast>()
        .operation::<Equalize>()
        .operation::<Clahe>()
        .operation::<ChannelPermutation>()
        .operation::<PhotometricDistort>()
        .operation::<Sharpness>()
        .operation::<BoxBlur>()
        .operation::<MotionBlur>()
        .operation::<ShotNoise>()
        .operation::<SaltAndPepper>()
        .operation::<Jpeg>()
        .operation::<SimulateLowResolution>()
        .operation::<CoarseDropout>()
        .operation::<GridDropout>()
        .operation::<CopyPaste>()
        .operation::<Mosaic>()
        .operation::<MixUp>()
        .operation::<CutMix>()
}

impl Catalog<dyn Operation> {
    /// With the operation `O`, one of a user's own.
    #[must_use]
    pub fn operation<O: Operation + Spec>(self) -> Self {
        self.with::<O>(|from| Ok(Box::new(read::<O, _>(from)?)))
    }
}
