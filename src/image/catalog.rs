//! The operations of this crate by name, and how one is written and read under its name.

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
use crate::spec::{Catalog, Spec, checked};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::sync::Arc;

/// An operation that is written and read under its name: `{ rotate = { degrees = 10 } }`.
#[derive(Clone, Debug)]
pub(super) struct Named(pub(super) Arc<dyn Operation>);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.description().tagged().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let known = KNOWN.with_borrow(Clone::clone).unwrap_or_else(operations);
        Ok(Self(Arc::from(known.read(from)?)))
    }
}

thread_local! {
    /// The operations that are known while something is read; those of this crate where nothing else was said.
    static KNOWN: RefCell<Option<Catalog<dyn Operation>>> = const { RefCell::new(None) };
}

/// Runs `read`, in which the operations of `catalog` are known.
pub(crate) fn reading_with<T>(catalog: &Catalog<dyn Operation>, read: impl FnOnce() -> T) -> T {
    let before = KNOWN.replace(Some(catalog.clone()));
    let result = read();
    KNOWN.set(before);
    result
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
}

impl Catalog<dyn Operation> {
    /// With the operation `O`, one of a user's own.
    #[must_use]
    pub fn operation<O: Operation + Spec>(self) -> Self {
        self.with(O::NAME, |from| Ok(Box::new(checked::<O>(from)?)))
    }
}
