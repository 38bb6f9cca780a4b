//! Blocks in memory.

pub(in crate::source::parquet) mod blocks;
pub(in crate::source::parquet) mod in_use;
