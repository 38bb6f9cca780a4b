//! What may happen to the picture of a row: drawn once, applied to all that belongs to the picture.

use super::compose::classes::Classes;
use super::drawn::Drawn;
use super::level::{Depth, Level};
use super::pixels::Pixels;
use crate::error::Result;
use crate::rng::Rng;
use crate::spec::Describe;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

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

    /// True for what draws [motions](Drawn::Motion), of which neighbours are one resample. `explain()` asks, and a stage that moves boxes or
    /// keypoints, whether some may be left out; a wrong answer changes no row. By default it is true of those that run others which do.
    fn moves(&self) -> bool {
        let lists = self.composite().map_or_else(Vec::new, Composite::lists);
        let mut inner = lists.into_iter().flat_map(|(_, list)| list);
        inner.any(|operation| operation.moves())
    }

    /// True for what draws changes of [values](Drawn::Values), which part the motions before them from those behind them. Only `explain()`
    /// asks; a wrong answer changes no row. By default it is true of all that do not [move](Self::moves) pixels, and of those that run others which
    /// change values.
    fn changes_values(&self) -> bool {
        match self.composite() {
            None => !self.moves(),
            Some(composite) => {
                let mut inner = composite.lists().into_iter().flat_map(|(_, list)| list);
                inner.any(|operation| operation.changes_values())
            }
        }
    }

    /// Whether it may draw a motion behind a change of values of its own, which is another resample. Only `explain()` asks; a wrong answer
    /// changes no row. By default it is true of what does both.
    fn moves_changed_values(&self) -> bool {
        self.moves() && self.changes_values()
    }

    /// Whether it knows how to change pictures of this depth: a stage refuses one that does not when it is built. By default all do that of
    /// 8 bits, and that of `f32` those which [move](Self::moves) pixels and change no values, or run others that know.
    ///
    /// One that changes values of both looks at [`Subject::depth`] when it draws, and gives [`Drawn::values`] or [`Drawn::floats`].
    fn supports(&self, depth: Depth) -> bool {
        match (depth, self.composite()) {
            (Depth::U8, _) => true,
            (Depth::F32, None) => self.moves(),
            (Depth::F32, Some(composite)) => {
                let mut inner = composite.lists().into_iter().flat_map(|(_, list)| list);
                inner.all(|operation| operation.supports(depth))
            }
        }
    }

    /// The size of the picture that it leaves of one of `[width, height]`; none where that differs from row to row. A stage whose operations
    /// do not leave its own size is refused when it is built.
    fn resized(&self, size: [u32; 2]) -> Option<[u32; 2]> {
        match self.composite() {
            None => Some(size),
            Some(composite) => composite.resized(size),
        }
    }

    /// What [`draw`](Self::draw) draws from the same generator, in a few words, for a preview of one row: `factor 1.130`. It is
    /// never asked for while rows are loaded.
    ///
    /// By default motions say what they are, and changes of values nothing.
    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        self.draw(subject, rng).in_words()
    }

    /// Itself, for an operation that runs others, such as [`OneOf`](super::OneOf).
    fn composite(&self) -> Option<&dyn Composite> {
        None
    }

    /// False for an operation after which masks and boxes no longer lie where the picture shows things, because it mixes pictures that
    /// were moved in different ways: a stage that has masks, boxes or keypoints refuses it.
    fn keeps_targets(&self) -> bool {
        true
    }

    /// Itself, for an operation that needs other rows besides the own, such as [`CopyPaste`](super::CopyPaste): among those of a run it joins
    /// behind the image stage, and no image stage takes it.
    fn with_partners(&self) -> Option<&dyn Any> {
        None
    }

    /// Draws for a picture alone, and applies it.
    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        self.draw(&Subject::of(pixels), rng).apply(pixels);
    }
}

/// An operation that runs others, as plans and stages see it.
///
/// It holds them in [`Operations`](super::Operations), which draw for it. `docs/guides/compose-operations.md` shows one of one's own.
pub trait Composite {
    /// Its operations, by the field that holds them.
    fn lists(&self) -> Vec<(&'static str, &[Arc<dyn Operation>])>;

    /// The same with other operations in the fields of [`lists`](Self::lists), in their order.
    fn with_lists(&self, lists: Vec<Vec<Arc<dyn Operation>>>) -> Arc<dyn Operation>;

    /// The share of rows, of those that the composite is run on, for which operation `index` of field `list` is run at least once;
    /// none where it is not known. `explain()` has the products.
    fn share(&self, list: usize, index: usize) -> Option<f64>;

    /// Whether each row gets all of its operations in their order. Of such a one the plain row has those that are not random; of any
    /// other one it has nothing.
    fn is_sequence(&self) -> bool {
        false
    }

    /// What [`Operation::resized`] says. By default a sequence may change the size, and in any other one no operation may.
    fn resized(&self, size: [u32; 2]) -> Option<[u32; 2]> {
        let lists = self.lists().into_iter();
        resized(lists.flat_map(|(_, list)| list), self.is_sequence(), size)
    }

    /// Whether it asks for the row's [class](Subject::class).
    fn needs_class(&self) -> bool {
        false
    }

    /// Whether it is still to be told the [classes](Self::for_classes) of the dataset.
    fn needs_classes(&self) -> bool {
        false
    }

    /// The same for rows of these classes; none where they change nothing.
    ///
    /// # Errors
    ///
    /// `Config` for a class that there is not, and where counts are needed and not known.
    fn for_classes(&self, classes: &Classes) -> Result<Option<Arc<dyn Operation>>> {
        let _ = classes;
        Ok(None)
    }

    /// What it took from the classes that it was told, and decides rows: a name and a value for the plan.
    fn found(&self) -> Option<(&'static str, String)> {
        None
    }
}

/// The size that `operations` leave of a picture of `size`: a sequence may change it, and else none of them may.
pub(super) fn resized<'a>(
    operations: impl IntoIterator<Item = &'a Arc<dyn Operation>>,
    is_sequence: bool,
    size: [u32; 2],
) -> Option<[u32; 2]> {
    let mut all = operations.into_iter();
    match is_sequence {
        true => all.try_fold(size, |size, operation| operation.resized(size)),
        false => all
            .all(|operation| operation.resized(size) == Some(size))
            .then_some(size),
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
    /// The class of the row, where something below the stage knows classes and an operation of the stage asks for it.
    pub class: Option<u32>,
    /// What the picture's pixels are.
    pub depth: Depth,
}

impl Subject {
    /// A picture of `[width, height]` pixels of 8 bits in a row whose class is not known.
    pub fn new([width, height]: [u32; 2]) -> Self {
        Self {
            width,
            height,
            class: None,
            depth: Depth::default(),
        }
    }

    /// `[width, height]` in pixels.
    pub fn size(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    /// What may be known of a picture that stands alone.
    pub fn of<L: Level>(pixels: &Pixels<L>) -> Self {
        Self::new([pixels.width, pixels.height]).of_depth(L::DEPTH)
    }

    /// The same row with a picture of `[width, height]` pixels.
    #[must_use]
    pub(super) fn of_size(self, [width, height]: [u32; 2]) -> Self {
        Self { width, height, ..self }
    }

    /// The same picture of another depth.
    #[must_use]
    pub fn of_depth(self, depth: Depth) -> Self {
        Self { depth, ..self }
    }

    /// The same picture in a row of `class`.
    #[must_use]
    pub fn of_class(self, class: Option<u32>) -> Self {
        Self { class, ..self }
    }
}
