//! What belongs to a picture besides its pixels: boxes, oriented boxes and keypoints, and what belongs to each of these.
//!
//! A row's motions are one map of the plane when they arrive here, and everything is moved by it at once: from where it was in the stored
//! picture to where it is in the output. Only what a resample before the last one cuts off is followed from one to the next.

mod beside;
mod boxes;
mod fields;
mod keypoints;
mod leaving;
mod moved;
mod pasted;
mod row;
mod unmoved;

pub use boxes::Boxes;
pub use keypoints::Keypoints;

pub(super) use beside::{BOXES, plain_lists_beside, refuse_beside};
pub(super) use fields::{Lists, wrong_pairs};
pub(super) use row::{StoredBoxes, Targets, swap_values};
pub(super) use unmoved::{unmoved_boxes, unmoved_keypoints, unmoved_masks};
