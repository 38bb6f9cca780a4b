//! Whether a stage may leave out boxes and points that are in the picture.

use super::boxes::Boxes;
use crate::image::builder::Image;
use crate::image::compose::inside::find;
use crate::image::operation::Operation;
use crate::image::{Crop, HorizontalFlip, Pad, Resize, Transpose, VerticalFlip, ZoomOut};
use crate::spec::Spec;

/// Operations that move all of the picture to where it is seen.
const SHOW_ALL: [&str; 6] = [
    HorizontalFlip::NAME,
    VerticalFlip::NAME,
    Transpose::NAME,
    Resize::NAME,
    Pad::NAME,
    ZoomOut::NAME,
];

/// Whether something of the picture may not be seen in the output of `image`.
pub(super) fn cuts(image: &Image) -> bool {
    let is_cut = |operation: &dyn Operation| {
        operation.composite().is_none() && operation.moves() && !SHOW_ALL.contains(&operation.name())
    };
    let shows_all = matches!(image.crop, Crop::Whole | Crop::Letterbox { .. });
    !shows_all
        || image
            .operations
            .iter()
            .any(|step| find(&*step.operation, is_cut).is_some())
}

/// Whether `image` may leave out some of `boxes`, although they are in the picture.
pub(super) fn leaves_out(image: &Image, boxes: &Boxes) -> bool {
    boxes.has_limits() || cuts(image)
}
