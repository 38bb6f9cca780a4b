//! Millstream.

pub mod context;
pub mod cursor;
pub mod dataset;
pub mod error;
mod ext;
mod files;
pub mod image;
mod inspect;
pub mod loader;
pub mod mix;
pub mod order;
pub mod plan;
mod provenance;
pub mod report;
pub mod rng;
pub mod rows;
pub mod sink;
pub mod source;
pub mod synthetic;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "train")]
pub mod transfer;

pub use context::Context;
pub use cursor::Cursor;
pub use dataset::{Dataset, Stable};
pub use error::{Error, Result};
pub use ext::DatasetExt;
pub use inspect::inspect;
pub use loader::{Batch, Loader};
