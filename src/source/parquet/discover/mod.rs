//! Which files a path stands for, and which splits they are of.

pub(in crate::source::parquet) mod paths;
pub(in crate::source::parquet) mod readme;
pub(in crate::source::parquet) mod splits;
