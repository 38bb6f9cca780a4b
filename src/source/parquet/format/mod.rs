//! How a Parquet file is laid out, and what its pages hold.

pub(in crate::source::parquet) mod column;
pub(in crate::source::parquet) mod deltas;
pub(in crate::source::parquet) mod dense;
pub(in crate::source::parquet) mod dictionaries;
pub(in crate::source::parquet) mod encrypted;
pub(in crate::source::parquet) mod footer;
pub(in crate::source::parquet) mod footers;
pub(in crate::source::parquet) mod layout;
pub(in crate::source::parquet) mod levels;
pub(in crate::source::parquet) mod packed;
pub(in crate::source::parquet) mod pages;
pub(in crate::source::parquet) mod sparse;
pub(in crate::source::parquet) mod stored;
pub(in crate::source::parquet) mod thrift;
pub(in crate::source::parquet) mod walk;
