//! Bytes of files.

pub(in crate::source::parquet) mod files;
pub(in crate::source::parquet) mod probe;
pub(in crate::source::parquet) mod read;
