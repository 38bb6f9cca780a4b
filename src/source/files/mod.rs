//! Rows of files on disk, whichever way they lie there.

mod columns;
mod dataset;
mod open;

pub use open::Files;
