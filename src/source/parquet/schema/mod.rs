//! The columns of all files: one schema for them, which of its columns are read, and how they come out.

pub(in crate::source::parquet) mod adapt;
pub(in crate::source::parquet) mod projection;
pub(in crate::source::parquet) mod shape;
pub(in crate::source::parquet) mod tensor_column;
pub(in crate::source::parquet) mod types;
pub(in crate::source::parquet) mod unified;
pub(in crate::source::parquet) mod units;
