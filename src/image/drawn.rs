//! What an operation drew for one row, and how it is applied to a picture.

use super::geometry::apply::Resampled;
use super::geometry::motion::Motion;
use super::level::Depth;
use super::pixels::Pixels;
use std::fmt;

/// What an operation drew for one row.
#[non_exhaustive]
pub enum Drawn {
    /// The row stays as it is.
    Nothing,
    /// Pixels move, and all that belongs to the picture with them.
    Motion(Motion),
    /// Values change where they are: what belongs to the picture stays.
    Values(Change),
    /// As `Values`, of a picture of [`Depth::F32`].
    Floats(Change<f32>),
    /// All of these, one after the other, as if they were operations of the stage in this order.
    Sequence(Vec<Drawn>),
}

/// What changes the values of a picture.
pub(super) type Change<L = u8> = Box<dyn FnOnce(&mut Pixels<L>) + Send>;

/// Pictures to which all can be applied, whatever the depth that it was drawn for.
pub(super) trait Drawable: Resampled {
    /// Applies what was drawn for pictures of 8 bits.
    fn change_levels(pixels: &mut Pixels<Self>, change: Change);

    /// Applies what was drawn for pictures of `f32`.
    fn change_floats(pixels: &mut Pixels<Self>, change: Change<f32>);
}

impl Drawable for u8 {
    fn change_levels(pixels: &mut Pixels, change: Change) {
        change(pixels);
    }

    fn change_floats(pixels: &mut Pixels, change: Change<f32>) {
        let mut floats = Pixels::<f32>::from(&*pixels);
        change(&mut floats);
        *pixels = Pixels::from(&floats);
    }
}

impl Drawable for f32 {
    fn change_levels(pixels: &mut Pixels<f32>, change: Change) {
        let mut levels = Pixels::<u8>::from(&*pixels);
        change(&mut levels);
        *pixels = Pixels::from(&levels);
    }

    fn change_floats(pixels: &mut Pixels<f32>, change: Change<f32>) {
        change(pixels);
    }
}

impl Drawn {
    /// Changes values with `change`, which must keep the picture's size.
    pub fn values(change: impl FnOnce(&mut Pixels) + Send + 'static) -> Self {
        Self::Values(Box::new(change))
    }

    /// Changes values of a picture of [`Depth::F32`] with `change`, which must keep its size.
    pub fn floats(change: impl FnOnce(&mut Pixels<f32>) + Send + 'static) -> Self {
        Self::Floats(Box::new(change))
    }

    /// [`values`](Self::values) or [`floats`](Self::floats), by the depth of the picture.
    pub fn of_depth(
        depth: Depth,
        values: impl FnOnce(&mut Pixels) + Send + 'static,
        floats: impl FnOnce(&mut Pixels<f32>) + Send + 'static,
    ) -> Self {
        match depth {
            Depth::U8 => Self::values(values),
            Depth::F32 => Self::floats(floats),
        }
    }

    /// Applies it to a picture of 8 bits that nothing belongs to. What was drawn for `f32` works on these, and is rounded.
    pub fn apply(self, pixels: &mut Pixels) {
        self.apply_to(pixels);
    }

    /// As [`apply`](Self::apply), of either depth.
    pub(super) fn apply_to<L: Drawable>(self, pixels: &mut Pixels<L>) {
        match self {
            Self::Nothing => {}
            Self::Motion(motion) => motion.apply_to(pixels),
            Self::Values(change) => L::change_levels(pixels, change),
            Self::Floats(change) => L::change_floats(pixels, change),
            Self::Sequence(all) => {
                let mut moving = None;
                all.into_iter().for_each(|drawn| drawn.follow(&mut moving, pixels));
                if let Some(motion) = moving {
                    motion.apply_to(pixels);
                }
            }
        }
    }

    /// Applies it behind the motion `moving`, with which its own motions are put together.
    fn follow<L: Drawable>(self, moving: &mut Option<Motion>, pixels: &mut Pixels<L>) {
        match self {
            Self::Nothing => {}
            Self::Motion(next) => {
                *moving = Some(match moving.take() {
                    None => next,
                    Some(before) if before.joins(&next) => before.then(next),
                    Some(before) => {
                        before.apply_to(pixels);
                        next
                    }
                });
            }
            Self::Values(_) | Self::Floats(_) => {
                if let Some(motion) = moving.take() {
                    motion.apply_to(pixels);
                }
                self.apply_to(pixels);
            }
            Self::Sequence(all) => all.into_iter().for_each(|drawn| drawn.follow(moving, pixels)),
        }
    }

    /// The size that it leaves of a picture of `[width, height]`.
    pub(super) fn leaves(&self, size: [u32; 2]) -> [u32; 2] {
        match self {
            Self::Nothing | Self::Values(_) | Self::Floats(_) => size,
            Self::Motion(motion) => motion.to(),
            Self::Sequence(all) => all.iter().fold(size, |size, drawn| drawn.leaves(size)),
        }
    }

    /// What it is, in a few words; none for a change of values.
    pub(super) fn in_words(&self) -> Option<String> {
        match self {
            Self::Nothing => Some("unchanged".to_owned()),
            Self::Motion(motion) => Some(motion.to_string()),
            Self::Values(_) | Self::Floats(_) => None,
            Self::Sequence(all) => {
                let words: Option<Vec<_>> = all.iter().map(Self::in_words).collect();
                words.map(|words| words.join(", "))
            }
        }
    }
}

/// All of them, one after the other.
impl FromIterator<Self> for Drawn {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        let mut all: Vec<Self> = all
            .into_iter()
            .filter(|drawn| !matches!(drawn, Self::Nothing))
            .collect();
        match all.len() {
            0 => Self::Nothing,
            1 => all.pop().unwrap_or(Self::Nothing),
            _ => Self::Sequence(all),
        }
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Motion(motion) => f.debug_tuple("Motion").field(motion).finish(),
            Self::Values(_) => f.write_str("Values(..)"),
            Self::Floats(_) => f.write_str("Floats(..)"),
            Self::Sequence(all) => f.debug_tuple("Sequence").field(all).finish(),
        }
    }
}
