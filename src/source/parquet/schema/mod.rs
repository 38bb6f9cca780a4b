//! The columns of files that differ.

pub(in crate::source::parquet) mod fields;
pub(in crate::source::parquet) mod unify;
pub(in crate::source::parquet) mod union;
