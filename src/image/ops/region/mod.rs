//! What fills parts of a picture.

pub(in crate::image) mod coarse_dropout;
pub(in crate::image) mod fill;
pub(in crate::image) mod grid_dropout;
pub(in crate::image) mod random_erasing;
