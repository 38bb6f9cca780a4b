//! Blocks in memory.

pub(in crate::source::parquet) mod blocks;
pub(in crate::source::parquet) mod held;
pub(in crate::source::parquet) mod places;
