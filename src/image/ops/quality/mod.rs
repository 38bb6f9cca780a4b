//! What costs a picture detail.

pub(in crate::image) mod jpeg;
pub(in crate::image) mod simulate_low_resolution;
