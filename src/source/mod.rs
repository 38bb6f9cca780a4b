//! Where rows come from: Parquet files, batches in memory, any Burn dataset, streams that can be read once.
//!
//! A source is a [`Dataset`](crate::Dataset) that is also [`Stable`](crate::Stable): position `p` and `p + len` are the
//! same stored row.

pub mod burn;
mod columns;
pub mod memory;
pub mod parquet;
pub mod spool;

pub use burn::BurnSource;
pub use memory::Memory;
pub use parquet::{Parquet, Split, Splits};
pub use spool::spool;
