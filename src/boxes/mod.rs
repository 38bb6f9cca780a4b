//! Boxes around objects: their overlap, and non-maximum suppression.
//!
//! A box is given by its corners `[x1, y1, x2, y2]` ("xyxy"): the left upper and the right lower one, in pixels or in shares of a
//! picture, as torchvision has it.

mod iou;
mod nms;
mod suppression;

pub use iou::{area, crowd_overlap, intersection, iou};
pub use nms::{Kept, Nms};
pub use suppression::Suppression;
