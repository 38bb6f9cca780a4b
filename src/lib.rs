//! Millstream.

pub mod context;
pub mod dataset;
pub mod error;
pub mod image;
pub mod plan;
pub mod rng;
pub mod synthetic;

pub use context::Context;
pub use dataset::{Dataset, Stable};
pub use error::{Error, Result};
