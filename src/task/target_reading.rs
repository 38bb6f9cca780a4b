//! How the targets of a set are read.

use super::picture_sizes::{PictureSizes, picture_sizes};
use super::target_kind::TargetKind;
use crate::error::Result;
use crate::exec::Context;
use crate::image::Reading;
use crate::source::Files;

/// The column of the targets of a set, and how it is read.
#[derive(Clone, Debug)]
pub(crate) struct TargetReading<'a> {
    pub(super) column: &'a str,
    pub(super) kind: TargetKind,
    /// The sizes of the pictures that boxes lie in.
    pub(super) sizes: Option<PictureSizes>,
    /// Whether rows whose mask cannot be read are left for later, where bad rows are skipped.
    pub(super) skips: bool,
}

impl<'a> TargetReading<'a> {
    /// Reads targets of `kind` in `column` of `rows`, whose pictures in column `image` are read as `reading` says.
    ///
    /// # Errors
    ///
    /// Of boxes, as [`picture_sizes`].
    pub(super) fn new(
        cx: &Context,
        rows: &Files,
        (image, reading): (&str, Reading),
        (column, kind): (&'a str, TargetKind),
        skips: bool,
    ) -> Result<Self> {
        let sizes = match kind {
            TargetKind::Objects(_) => Some(picture_sizes(cx, rows, image, reading.upright)?),
            _ => None,
        };
        Ok(Self {
            column,
            kind,
            sizes,
            skips,
        })
    }
}
