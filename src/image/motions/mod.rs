//! Operations that move pixels, and all that belongs to a picture with them.

pub(in crate::image) mod affine;
pub(in crate::image) mod elastic_transform;
pub(in crate::image) mod horizontal_flip;
pub(in crate::image) mod pad;
mod padding;
pub(in crate::image) mod perspective;
mod placed;
pub(in crate::image) mod random_crop;
pub(in crate::image) mod resize;
pub(in crate::image) mod rotate;
pub(in crate::image) mod scale;
pub(in crate::image) mod scale_jitter;
pub(in crate::image) mod shear;
pub(in crate::image) mod translate;
pub(in crate::image) mod transpose;
pub(in crate::image) mod vertical_flip;
pub(in crate::image) mod zoom_out;

use super::drawn::Drawn;
use super::geometry::motion::Motion;
use super::geometry::padding::Padding;

/// A motion, with what is to be seen beyond the picture.
fn moved(motion: Option<Motion>, padding: Option<Padding>) -> Drawn {
    match (motion, padding) {
        (None, _) => Drawn::Nothing,
        (Some(motion), None) => Drawn::Motion(motion),
        (Some(motion), Some(padding)) => Drawn::Motion(motion.padding(padding)),
    }
}
