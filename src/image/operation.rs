//! What may happen to the picture of a row: drawn once, applied to all that belongs to the picture.

use super::geometry::motion::Motion;
use super::mask::Mask;
use super::pixels::Pixels;
use crate::rng::Rng;
use crate::spec::Describe;
use std::fmt;

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
/// /// Halves all levels with probability `p`.
/// #[derive(Clone, Debug, Default, Serialize, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Dim {
///     p: f32,
/// }
///
/// impl Spec for Dim {
///     const NAME: &'static str = "dim";
/// }
///
/// impl Operation for Dim {
///     fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
///         match rng.chance(self.p) {
///             true => Drawn::values(|pixels| pixels.map(&std::array::from_fn(|level| level as u8 / 2))),
///             false => Drawn::Nothing,
///         }
///     }
/// }
///
/// let stage = Image::new(224).with(Dim { p: 0.1 });
/// assert!(stage.is_random());
/// ```
pub trait Operation: Describe + fmt::Debug + Send + Sync + 'static {
    /// Draws what happens to one row, from `rng` only.
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn;

    /// False for what does the same to every row, such as a conversion to grey.
    fn is_random(&self) -> bool {
        true
    }

    /// What [`draw`](Self::draw) draws from the same generator, in a few words, for whoever looks at one row: `factor 1.130`. It is
    /// never asked for while rows are loaded.
    ///
    /// By default motions say what they are, and changes of values nothing.
    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        match self.draw(subject, rng) {
            Drawn::Nothing => Some("unchanged".to_owned()),
            Drawn::Motion(motion) => Some(motion.to_string()),
            Drawn::Values(_) => None,
        }
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
