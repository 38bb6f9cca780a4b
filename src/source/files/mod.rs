//! Rows of files on disk, whichever way they lie there.

mod columns;
mod dataset;
mod open;
mod own;
mod said;

pub use open::Files;
#[cfg(feature = "train")]
pub(crate) use open::FoundFiles;
