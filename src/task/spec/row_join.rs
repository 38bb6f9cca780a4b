//! The operation of a run that takes other rows, and so comes behind the image stage.

use crate::error::{Error, Result};
use crate::image::{CopyPaste, Mosaic, Operation};
use crate::rows::{CutMix, MixUp};
use crate::spec::Spec;

/// One of the operations that a run knows of those that take other rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowJoin<'a> {
    CopyPaste(&'a CopyPaste),
    Mosaic(&'a Mosaic),
    MixUp(&'a MixUp),
    CutMix(&'a CutMix),
}

impl<'a> RowJoin<'a> {
    /// The names of all.
    const NAMES: [&'static str; 4] = [CopyPaste::NAME, Mosaic::NAME, MixUp::NAME, CutMix::NAME];

    /// None for an operation that takes no other rows, and for one that takes them and that a run does not know.
    pub(super) fn of(operation: &'a dyn Operation) -> Option<Self> {
        let own = operation.with_partners()?;
        let copy_paste = || own.downcast_ref().map(Self::CopyPaste);
        let mosaic = || own.downcast_ref().map(Self::Mosaic);
        let mixup = || own.downcast_ref().map(Self::MixUp);
        let cutmix = || own.downcast_ref().map(Self::CutMix);
        copy_paste().or_else(mosaic).or_else(mixup).or_else(cutmix)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CopyPaste(_) => CopyPaste::NAME,
            Self::Mosaic(_) => Mosaic::NAME,
            Self::MixUp(_) => MixUp::NAME,
            Self::CutMix(_) => CutMix::NAME,
        }
    }

    /// Whether `name`, which made a row, is that of one of them.
    pub(crate) fn is_name(name: &str) -> bool {
        Self::NAMES.contains(&name)
    }

    /// Whether it mixes labels with the pictures. Then it needs pictures that are made anew: what is computed once of a picture has the label that is
    /// stored.
    pub(crate) fn mixes_labels(self) -> bool {
        matches!(self, Self::MixUp(_) | Self::CutMix(_))
    }

    /// The column of masks by which it cuts out what it takes of other rows.
    pub(crate) fn mask_column(self) -> Option<&'a str> {
        match self {
            Self::CopyPaste(copy_paste) => copy_paste.mask_column(),
            Self::Mosaic(_) | Self::MixUp(_) | Self::CutMix(_) => None,
        }
    }

    /// Refuses parameters that are wrong, and those with which it does nothing.
    pub(super) fn check(self) -> Result<()> {
        let mixes = |p: f32| match p > 0.0 {
            true => Ok(()),
            false => Err(Error::config("p is 0, so that nothing is mixed: leave it out")),
        };
        match self {
            Self::CopyPaste(own) => own.check().and_then(|()| own.check_pastes()),
            Self::Mosaic(own) => own.check().and_then(|()| own.check_joins()),
            Self::MixUp(own) => own.check().and_then(|()| mixes(own.0.p)),
            Self::CutMix(own) => own.check().and_then(|()| mixes(own.0.p)),
        }
    }

    /// What it would not do where each row comes as it is stored.
    pub(super) fn nothing(self) -> &'static str {
        match self {
            Self::CopyPaste(_) => "nothing is pasted",
            Self::Mosaic(_) => "no mosaic is made",
            Self::MixUp(_) | Self::CutMix(_) => "nothing is mixed",
        }
    }

    /// Those that a run knows, in words.
    pub(super) fn known() -> String {
        let [first @ .., last] = Self::NAMES;
        format!("{} and {last}", first.join(", "))
    }
}
