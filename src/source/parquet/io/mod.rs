//! The bytes of files: where a file is, how ranges of it are read, and whether it is still the same file.

pub(in crate::source::parquet) mod local_file;
pub(in crate::source::parquet) mod location;
pub(in crate::source::parquet) mod paths;
pub(in crate::source::parquet) mod ranges;
pub(in crate::source::parquet) mod state;
