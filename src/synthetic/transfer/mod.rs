//! New rows of small classes from how the rows of large ones differ.

mod calibrated;
mod class_means;
mod residuals;

pub use calibrated::{Calibrated, CalibratedSpec};
pub use residuals::{Residuals, ResidualsSpec};
