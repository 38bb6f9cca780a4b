//! What a stage knows of the classes of its rows.

use super::classes::Classes;
use super::inside;
use crate::error::{Error, Result};
use crate::image::{Image, ImageError};

impl Image {
    /// Refuses a row of `class` where an operation cannot tell by it what to do.
    pub(in crate::image) fn check_class(&self, class: Option<u32>) -> Result<(), ImageError> {
        let Some(step) = self.operations.iter().find(|step| step.needs.class) else {
            return Ok(());
        };
        let name = step.name();
        self.check_names_are_known()?;
        let known = self
            .classes
            .as_ref()
            .map_or(u32::MAX as usize, |classes| classes.names.len());
        match class {
            Some(class) if (class as usize) < known => Ok(()),
            Some(class) => Err(ImageError::Config(format!(
                "{name}: the row is of class {class}, but the stage was told {known} classes"
            ))),
            None => Err(ImageError::Config(without_class(&name))),
        }
    }

    /// Refuses an operation that asks for the names of the classes, where it was not told them: it could do nothing with any row.
    pub(in crate::image) fn check_names_are_known(&self) -> Result<(), ImageError> {
        match self.operations.iter().find(|step| step.needs.classes) {
            None => Ok(()),
            Some(step) => Err(ImageError::Config(format!(
                "{}: the names of the classes are not known here: stand the stage on `.classes(column)`, or tell it them by \
                 Image::classes",
                step.name()
            ))),
        }
    }

    /// What there is to say where nothing below the stage knows the class of a row; none where no operation asks for it.
    pub(in crate::image) fn without_class(&self) -> Option<String> {
        let step = self.operations.iter().find(|step| step.needs.class)?;
        Some(without_class(&step.name()))
    }

    /// Whether an operation asks for the class of each row.
    pub(crate) fn needs_class(&self) -> bool {
        self.operations.iter().any(|step| step.needs.class)
    }

    /// Whether it was told that rows are of the rarest of their classes.
    pub(in crate::image) fn is_told_rarest(&self) -> bool {
        self.classes.as_ref().is_some_and(|classes| !classes.rarest.is_empty())
    }

    /// The stage on rows whose classes have these `names`, where that is known.
    ///
    /// # Errors
    ///
    /// `Config` for a class that there is not, and where the stage was told others.
    pub(in crate::image) fn with_names(&self, names: Option<&[String]>) -> Result<Self> {
        if !self.needs_class() {
            return Ok(self.clone());
        }
        match (self.classes.as_deref(), names) {
            (Some(told), Some(names)) if !told.are(names) => Err(Error::config(format!(
                "the classes of the rows are {}, but the stage was told {}",
                names.join(", "),
                told.names.join(", ")
            ))),
            (None, Some(names)) => {
                let image = self.clone().classes(Classes::new(names, []));
                image.check()?;
                Ok(image)
            }
            _ => Ok(self.clone()),
        }
    }

    /// Refuses operations after which masks, boxes and keypoints no longer lie where the picture shows things.
    pub(in crate::image) fn check_targets(&self) -> Result<(), ImageError> {
        let there = [
            ("masks", !self.masks.is_empty()),
            ("boxes", !self.boxes.is_empty()),
            ("keypoints", !self.keypoints.is_empty()),
        ];
        let Some((what, _)) = there.into_iter().find(|(_, there)| *there) else {
            return Ok(());
        };
        let mut operations = self.operations.iter().map(|step| &*step.operation);
        let lost = operations.find_map(|operation| inside::find(operation, |inner| !inner.keeps_targets()));
        match lost {
            None => Ok(()),
            Some(operation) => Err(ImageError::Config(format!(
                "{}: it mixes pictures that were moved in different ways, so {what} would lie elsewhere than what they belong to: leave \
                 it out, or take random_apply with operations that move nothing",
                operation.name()
            ))),
        }
    }
}

/// What the operation `name` lacks where the class of a row is not known.
fn without_class(name: &str) -> String {
    format!(
        "{name}: the class of the row is not known: stand the stage on `.classes(column)`, `.balance(column, ..)` or a mix of such, of \
         rows with boxes or lists of classes on `.rarest_class(labels)` or `.balance_rarest(column, ..)`, or say one by Image::of_class"
    )
}
