//! Millstream.

pub mod context;
pub mod dataset;
pub mod error;
pub mod plan;
pub mod rng;
pub mod source;

pub use context::Context;
pub use dataset::{Dataset, Stable};
pub use error::{Error, Result};
