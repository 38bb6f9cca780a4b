//! The operations of this crate by name.

use super::compose::{
    by_class::ByClass, identity::Identity, one_of::OneOf, random_apply::RandomApply, random_order::RandomOrder,
    sequential::Sequential, some_of::SomeOf,
};
use super::geometry::flip::HorizontalFlip;
use super::geometry::rotate::Rotate;
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
        .operation::<Rotate>()
        .operation::<Brightness>()
        .operation::<Contrast>()
        .operation::<Saturation>()
        .operation::<ColorJitter>()
        .operation::<Noise>()
        .operation::<Blur>()
        .operation::<RandomErasing>()
        .operation::<Identity>()
        .operation::<Sequential>()
        .operation::<RandomApply>()
        .operation::<OneOf>()
        .operation::<SomeOf>()
        .operation::<RandomOrder>()
        .operation::<ByClass>()
}

impl Catalog<dyn Operation> {
    /// With the operation `O`, one of a user's own.
    #[must_use]
    pub fn operation<O: Operation + Spec>(self) -> Self {
        self.with::<O>(|from| Ok(Box::new(read::<O, _>(from)?)))
    }
}
