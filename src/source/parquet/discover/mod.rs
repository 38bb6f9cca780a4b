//! Which files a path stands for, and which splits they are of.

pub(in crate::source::parquet) mod dataset_files;
mod files;
mod hive;
mod names;
mod splits;
