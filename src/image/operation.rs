//! What may happen to the picture of a row: drawn once, applied to all that belongs to the picture.

use super::geometry::motion::Motion;
use super::mask::Mask;
use super::ops;
use super::{ColorJitter, HorizontalFlip, Pixels, Rotate};
use crate::rng::Rng;
use crate::spec::{Catalog, Describe, Spec, checked};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// An operation on the resized picture of a row.
///
/// It has two halves: [`draw`](Self::draw) chooses the parameters of one row, without a look at its pixels; what it gives is then
/// applied to the picture and to all that belongs to it.
///
/// ```
/// use millstream::Result;
/// use millstream::image::{Drawn, Image, Operation, Pixels, Subject};
/// use millstream::rng::Rng;
/// use millstream::spec::Spec;
/// use serde::{Deserialize, Serialize};
///
/// /// Inverts all colours with probability `p`.
/// #[derive(Clone, Debug, Default, Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Invert {
///     p: f32,
/// }
///
/// impl Spec for Invert {
///     const NAME: &'static str = "invert";
/// }
///
/// impl Operation for Invert {
///     fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
///         match rng.chance(self.p) {
///             true => Drawn::values(|pixels| pixels.map(&std::array::from_fn(|level| 255 - level as u8))),
///             false => Drawn::Nothing,
///         }
///     }
/// }
///
/// let stage = Image::new(224).with(Invert { p: 0.1 });
/// assert!(stage.is_random());
/// ```
pub trait Operation: Describe + fmt::Debug + Send + Sync + 'static {
    /// Draws what happens to one row, from `rng` only.
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn;

    /// False for what does the same to every row, such as a conversion to grey.
    fn is_random(&self) -> bool {
        true
    }

    /// Draws for a picture alone, and applies it.
    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        self.draw(&Subject::of(pixels), rng).apply(pixels);
    }
}

/// What an operation may know of a row when it draws: everything but the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// Width of the picture in pixels, as it is when the operation begins.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
}

impl Subject {
    pub(super) fn of(pixels: &Pixels) -> Self {
        Self {
            width: pixels.width,
            height: pixels.height,
        }
    }
}

/// What an operation drew for one row.
#[non_exhaustive]
pub enum Drawn {
    /// The row stays as it is.
    Nothing,
    /// Pixels move, and all that belongs to the picture with them.
    Motion(Motion),
    /// Values change where they are: what belongs to the picture stays.
    Values(Box<dyn FnOnce(&mut Pixels) + Send>),
}

impl Drawn {
    /// Changes values with `change`, which must keep the picture's size.
    pub fn values(change: impl FnOnce(&mut Pixels) + Send + 'static) -> Self {
        Self::Values(Box::new(change))
    }

    /// Applies it to a picture that nothing belongs to.
    pub fn apply(self, pixels: &mut Pixels) {
        self.apply_with(pixels, &mut []);
    }

    /// Applies it to a picture and its masks.
    pub(super) fn apply_with(self, pixels: &mut Pixels, masks: &mut [Mask]) {
        match self {
            Self::Nothing => {}
            Self::Motion(motion) => {
                motion.apply(pixels);
                masks.iter_mut().for_each(|mask| motion.apply_to_mask(mask));
            }
            Self::Values(change) => change(pixels),
        }
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Motion(motion) => f.debug_tuple("Motion").field(motion).finish(),
            Self::Values(_) => f.write_str("Values(..)"),
        }
    }
}

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
        .operation::<ops::brightness::Brightness>()
        .operation::<ops::contrast::Contrast>()
        .operation::<ops::saturation::Saturation>()
        .operation::<ColorJitter>()
        .operation::<ops::noise::Noise>()
        .operation::<ops::blur::Blur>()
        .operation::<ops::random_erasing::RandomErasing>()
}

impl Catalog<dyn Operation> {
    /// With the operation `O`, one of a user's own.
    #[must_use]
    pub fn operation<O: Operation + Spec>(self) -> Self {
        self.with(O::NAME, |from| Ok(Box::new(checked::<O>(from)?)))
    }
}
