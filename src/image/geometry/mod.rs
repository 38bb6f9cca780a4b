//! How pixels are moved.

pub(in crate::image) mod apply;
pub(in crate::image) mod area;
pub(in crate::image) mod crop;
pub(in crate::image) mod exact;
pub(in crate::image) mod field;
mod frame;
mod homography;
pub(in crate::image) mod interpolation;
pub(in crate::image) mod iou_crop;
pub(in crate::image) mod mirror;
pub(in crate::image) mod motion;
pub(in crate::image) mod padding;
#[cfg(target_arch = "x86_64")]
mod pairs;
pub(in crate::image) mod region;
pub(in crate::image) mod resample;
pub(in crate::image) mod resampled_motions;
pub(in crate::image) mod resize;
mod rim;
pub(in crate::image) mod warp;
mod written_crop;
