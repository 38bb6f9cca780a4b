//! Where rows come from: Parquet files, batches in memory, any Burn dataset, streams that can be read once.
//!
//! A source is a [`Dataset`](crate::Dataset) that is also [`Stable`](crate::Stable): position `p` and `p + len` are the
//! same stored row.

pub mod burn;
mod catalog;
mod columns;
mod fields;
mod file_table;
mod find;
pub mod folder;
mod io;
pub mod memory;
pub mod parquet;
mod split;
mod splits;
pub mod spool;

pub use burn::{BurnSource, BurnSpec};
pub use catalog::{SourceSpec, sources};
pub use folder::{Folder, FolderSpec};
pub use memory::{Memory, MemorySpec};
pub use parquet::{Parquet, ParquetSpec, TensorSpec};
pub use split::Split;
pub use splits::Splits;
pub use spool::spool;
