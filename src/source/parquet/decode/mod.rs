//! From the bytes of pages to rows.

pub(in crate::source::parquet) mod block;
pub(in crate::source::parquet) mod column_builder;
mod decoder;
mod delta_lengths;
mod dictionaries;
mod encrypted;
mod levels;
mod page_checks;
pub(in crate::source::parquet) mod page_ranges;
mod plain_numbers;
