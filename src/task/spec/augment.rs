//! What becomes of the pictures of a run.

use super::row_join::RowJoin;
use crate::error::{Error, Remedy, Result};
use crate::image::{
    Brightness, Classes, Contrast, CopyPaste, Crop, HorizontalFlip, Image, ImageError, Operation, Rotate,
};
use crate::spec::Named;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::sync::Arc;

/// How training pictures are augmented, in both phases of a run: `[augment]` of a recipe.
///
/// Validation pictures are never augmented.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentOptions {
    /// Views of each training row that the head is trained on: the row itself, and `views - 1` augmented ones. `1..=`[`MAX_VIEWS`](Self::MAX_VIEWS). Defaults to 4.
    pub views: u64,
    /// The part of a picture that is resized. Defaults to a random box of half of the area and more, its width 0.8 to 1.25 times its
    /// height.
    pub crop: Crop,
    /// What is done with the pictures, in this order; operations that run others, such as `one_of` and `by_class`, stand inside of each
    /// other. What takes other rows comes last: `copy_paste` and `mosaic`, for boxes, and `mixup` and `cutmix`, for a classification whose
    /// stages train on new pictures. Defaults to `horizontal_flip` with probability 0.5, `rotate` by up to 10 degrees,
    /// `brightness` 0.2 and `contrast` 0.2. `none` is read as an empty list.
    #[serde(deserialize_with = "operations")]
    pub operations: Vec<Named<dyn Operation>>,
}

/// A list of operations, or `none`.
fn operations<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Named<dyn Operation>>, D::Error> {
    struct Listed;
    impl<'de> Visitor<'de> for Listed {
        type Value = Vec<Named<dyn Operation>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of operations, or \"none\"")
        }

        fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
            match word {
                "none" => Ok(Vec::new()),
                word => Err(E::custom(format!("{word:?} is no list: write [{word:?}], or \"none\""))),
            }
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
    from.deserialize_any(Listed)
}

impl Default for AugmentOptions {
    fn default() -> Self {
        fn named(operation: impl Operation) -> Named<dyn Operation> {
            Named::new(Arc::new(operation))
        }
        Self {
            views: 4,
            crop: Crop::Random {
                scale: 0.5..=1.0,
                ratio: 0.8..=1.25,
                plain: None,
            },
            operations: vec![
                named(HorizontalFlip::new(0.5)),
                named(Rotate::new(10.0)),
                named(Brightness::new(0.2)),
                named(Contrast::new(0.2)),
            ],
        }
    }
}

impl AugmentOptions {
    /// Views of a row at most.
    pub const MAX_VIEWS: u64 = 1000;

    /// `plain` with the crop and the operations.
    pub fn apply(&self, plain: &Image) -> Image {
        let cropped = plain.clone().crop(self.crop.clone());
        let of_image = self
            .operations
            .iter()
            .filter(|operation| operation.with_partners().is_none());
        of_image
            .cloned()
            .map(Named::into_inner)
            .fold(cropped, Image::with_shared)
    }

    /// Refuses a crop that does not fit pictures of `[width, height]` pixels, and operations that leave others of them.
    pub(crate) fn check_size(&self, [width, height]: [u32; 2]) -> Result<()> {
        let placed = |error: ImageError, field: &str| Error::from(error).with_remedy(Remedy::Size).context(field);
        let plain = Image::sized(width, height);
        let cropped = plain.clone().crop(self.crop.clone());
        cropped.check().map_err(|error| placed(error, "augment.crop"))?;
        let augmented = self.apply(&plain);
        augmented.check().map_err(|error| placed(error, "augment.operations"))
    }

    /// Whether the operations are others than the usual ones.
    pub(crate) fn is_other_than_usual(&self) -> bool {
        let written = |options: &Self| serde_json::to_value(&options.operations).ok();
        written(self) != written(&Self::default())
    }

    /// The one among the operations that takes other rows, which joins behind the image stage.
    pub(crate) fn row_join(&self) -> Option<RowJoin<'_>> {
        RowJoin::of(&**self.operations.last()?)
    }

    /// Whether one of them mixes labels.
    pub(crate) fn mixes_labels(&self) -> bool {
        self.row_join().is_some_and(RowJoin::mixes_labels)
    }

    /// The [`CopyPaste`] among the operations.
    pub(crate) fn copy_paste(&self) -> Option<&CopyPaste> {
        match self.row_join()? {
            RowJoin::CopyPaste(copy_paste) => Some(copy_paste),
            _ => None,
        }
    }

    /// The column of masks by which objects are cut out that go into other pictures.
    pub(crate) fn mask_column(&self) -> Option<&str> {
        self.row_join()?.mask_column()
    }

    /// `error` of the [operation that takes other rows](Self::row_join).
    pub(crate) fn of_row_join(&self, error: Error) -> Error {
        let name = self.operations.last().map_or("", |last| last.name());
        self.at_row_join(error.context(name))
    }

    /// As [`of_row_join`](Self::of_row_join), of an error that begins with the name of the operation.
    pub(crate) fn at_row_join(&self, error: Error) -> Error {
        let at = self.operations.len().saturating_sub(1);
        error.context(format!("augment.operations[{at}]"))
    }

    /// `classes`, if all operations can be told them.
    ///
    /// # Errors
    ///
    /// `Config` for a class that there is not.
    pub(crate) fn checked_classes(&self, classes: Classes) -> Result<Classes> {
        let of_image = self.operations.iter().enumerate();
        let mut of_image = of_image.filter(|(_, operation)| operation.with_partners().is_none());
        of_image.try_for_each(|(at, operation)| {
            let alone = Image::default().with_shared(operation.clone().into_inner());
            let told = alone.classes(classes.clone());
            let placed = |error| Error::from(error).context(format!("augment.operations[{at}]"));
            told.check_parts().map_err(placed)
        })?;
        Ok(classes)
    }

    /// Refuses what is wrong whatever the size of the pictures is, and an operation that takes other rows and that others come after.
    pub(super) fn check(&self) -> Result<()> {
        let cropped = Image::new(self.crop.allowed_size()).crop(self.crop.clone());
        cropped
            .check_parts()
            .map_err(|error| Error::from(error).context("augment.crop"))?;
        for (at, operation) in self.operations.iter().enumerate() {
            if operation.with_partners().is_none() {
                let alone = Image::default().with_shared(operation.clone().into_inner());
                let placed = |error| Error::from(error).context(format!("augment.operations[{at}]"));
                alone.check_parts().map_err(placed)?;
            }
        }
        let joins: Vec<usize> = (0..self.operations.len())
            .filter(|&at| self.operations[at].with_partners().is_some())
            .collect();
        if let [first, second, ..] = joins[..] {
            let [one, other] = [first, second].map(|at| self.operations[at].name());
            return Err(Error::config(format!(
                "augment.operations[{first}]: {one} takes other rows, and so does {other}, augment.operations[{second}]: one operation of a run does, and \
                 it comes last: leave one of the two out"
            )));
        }
        let before = self.operations.split_last().map_or(&[][..], |(_, before)| before);
        if let Some(at) = before.iter().position(|operation| operation.with_partners().is_some()) {
            return Err(Error::config(format!(
                "augment.operations[{at}]: {} takes pictures that are augmented already: it comes last",
                before[at].name()
            )));
        }
        let Some(last) = self.operations.last().filter(|last| last.with_partners().is_some()) else {
            return Ok(());
        };
        let checked = match RowJoin::of(&**last) {
            Some(join) => join.check(),
            None => Err(Error::config(format!(
                "of what takes other rows, a run knows {}",
                RowJoin::known()
            ))),
        };
        checked.map_err(|error| self.of_row_join(error))
    }
}
