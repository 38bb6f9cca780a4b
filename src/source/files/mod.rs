//! Rows of files on disk, whichever way they lie there.

mod columns;
mod dataset;
mod open;
mod own;
mod said;
mod sides;

pub use open::Files;
#[cfg(feature = "train")]
pub(crate) use open::FoundFiles;
pub(crate) use sides::refuse_shared;
