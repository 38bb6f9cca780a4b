//! Operations that run others, on the stage.

use super::classes::Classes;
use super::inside;
use super::operations::Operations;
use super::{one_of::OneOf, random_apply::RandomApply, random_order::RandomOrder, some_of::SomeOf};
use crate::image::Image;
use std::ops::RangeInclusive;
use std::sync::Arc;

impl Image {
    /// Runs `operations`, one or several in a tuple, with probability `p` in `0..=1`, and else none of them: see [`RandomApply`].
    ///
    /// ```
    /// # use millstream::image::{GaussianBlur, Image};
    /// let train = Image::new(224).random_apply(0.3, GaussianBlur::new(0.1..=2.0));
    /// # train.check().unwrap();
    /// ```
    pub fn random_apply(self, p: f32, operations: impl Into<Operations>) -> Self {
        self.with(RandomApply::new(p, operations))
    }

    /// Runs one of `operations`, all as likely as each other: see [`OneOf`], which has weights as well.
    ///
    /// ```
    /// # use millstream::image::{GaussianBlur, Image, GaussianNoise};
    /// let train = Image::new(224).one_of((GaussianBlur::new(0.1..=2.0), GaussianNoise::new(0.02)));
    /// # train.check().unwrap();
    /// ```
    pub fn one_of(self, operations: impl Into<Operations>) -> Self {
        self.with(OneOf::new(operations))
    }

    /// Runs `n` of `operations`, none of them twice: see [`SomeOf`].
    ///
    /// ```
    /// # use millstream::image::{Brightness, Contrast, Image, Saturation};
    /// let train = Image::new(224).some_of(1..=2, (Brightness::new(0.4), Contrast::new(0.4), Saturation::new(0.4)));
    /// # train.check().unwrap();
    /// ```
    pub fn some_of(self, n: RangeInclusive<usize>, operations: impl Into<Operations>) -> Self {
        self.with(SomeOf::new(n, operations))
    }

    /// Runs all of `operations` in a random order: see [`RandomOrder`].
    ///
    /// ```
    /// # use millstream::image::{GaussianBlur, Contrast, Image};
    /// let train = Image::new(224).random_order((GaussianBlur::new(0.1..=2.0), Contrast::new(0.4)));
    /// # train.check().unwrap();
    /// ```
    pub fn random_order(self, operations: impl Into<Operations>) -> Self {
        self.with(RandomOrder::new(operations))
    }

    /// Tells the stage the classes of its rows, for operations that depend on them: see [`ByClass`](super::by_class::ByClass). On
    /// `.classes(column)` it finds the names by itself, and has to be told them where rows are counted. `Labels` has both; of rows with several
    /// classes, [`Classes::of_rarest`].
    pub fn classes(mut self, classes: Classes) -> Self {
        let names = classes.names.len();
        let other = [&classes.counts, &classes.rarest].map(Vec::len);
        let other = other.into_iter().find(|&counts| counts != 0 && counts != names);
        self.expect(other.is_none(), || {
            format!("classes: there are {} counts for {names} names", other.unwrap_or(0))
        });
        for at in 0..self.operations.len() {
            match inside::for_classes(&self.operations[at].operation, &classes) {
                Ok(operation) => self.operations[at].replace(operation),
                Err(mistake) => self.expect(false, || mistake.to_string()),
            }
        }
        self.classes = Some(Arc::new(classes));
        self
    }

    /// Takes rows to be of class number `class` in [`apply`](Self::apply), [`preview`](Self::preview) and [`steps`](Self::steps), which
    /// know no dataset.
    #[must_use]
    pub fn of_class(mut self, class: u32) -> Self {
        self.row_class = Some(class);
        self
    }
}
