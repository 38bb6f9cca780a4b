//! The operations of this crate by name.

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
use super::ops::blur::Blur;
use super::ops::brightness::Brightness;
use super::ops::color_jitter::ColorJitter;
use super::ops::contrast::Contrast;
use super::ops::noise::Noise;
use super::ops::random_erasing::RandomErasing;
use super::ops::saturation::Saturation;
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
        .operation::<Noise>()
        .operation::<Blur>()
        .operation::<RandomErasing>()
}

impl Catalog<dyn Operation> {
    /// With the operation `O`, one of a user's own.
    #[must_use]
    pub fn operation<O: Operation + Spec>(self) -> Self {
        self.with::<O>(|from| Ok(Box::new(read::<O, _>(from)?)))
    }
}
