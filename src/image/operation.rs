//! What may happen to the picture of a row: drawn once, applied to all that belongs to the picture.

use super::geometry::motion::Motion;
use super::pixels::Pixels;
use crate::rng::Rng;
use crate::spec::Describe;
use std::fmt;

/// An operation on the picture of a row, which has the stage's size at first.
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

    /// True for what draws [motions](Drawn::Motion), of which neighbours are one resample. Only `explain()` asks; a wrong answer changes no
    /// row.
    fn moves(&self) -> bool {
        false
    }

    /// The size of the picture that it leaves of one of `[width, height]`; none where that differs from row to row. A stage whose operations
    /// do not leave its own size is refused when it is built.
    fn resized(&self, size: [u32; 2]) -> Option<[u32; 2]> {
        Some(size)
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
    pub(super) fn new([width, height]: [u32; 2]) -> Self {
        Self { width, height }
    }

    /// `[width, height]` in pixels.
    pub fn size(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    /// What may be known of a picture that stands alone.
    pub fn of(pixels: &Pixels) -> Self {
        Self::new([pixels.width, pixels.height])
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
    Values(Change),
}

/// What changes the values of a picture.
pub(super) type Change = Box<dyn FnOnce(&mut Pixels) + Send>;

impl Drawn {
    /// Changes values with `change`, which must keep the picture's size.
    pub fn values(change: impl FnOnce(&mut Pixels) + Send + 'static) -> Self {
        Self::Values(Box::new(change))
    }

    /// Applies it to a picture that nothing belongs to.
    pub fn apply(self, pixels: &mut Pixels) {
        match self {
            Self::Nothing => {}
            Self::Motion(motion) => motion.apply(pixels),
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
