//! Where rows come from: Parquet files, folders and lists of pictures, batches in memory, any Burn dataset, streams that can be read once.
//!
//! A source is a [`Dataset`](crate::Dataset) that is also [`Stable`](crate::Stable): position `p` and `p + len` are the
//! same stored row.

pub mod burn;
mod catalog;
mod coco;
mod columns;
mod endings;
mod fields;
mod file_table;
mod files;
mod find;
pub mod folder;
mod io;
mod kind;
pub mod listing;
pub mod memory;
pub mod parquet;
mod place;
mod read_times;
mod readme;
mod split;
mod splits;
pub mod spool;
mod table;
mod tree;
mod unfinished;

pub use burn::{BurnSource, BurnSpec};
pub use catalog::{SourceSpec, sources};
pub(crate) use endings::is_picture;
pub(crate) use fields::{CLASSES, HUGGING_FACE, KEYPOINTS, all_class_names, classes, declared_inside, features};
pub use files::Files;
#[cfg(feature = "train")]
pub(crate) use files::FoundFiles;
pub(crate) use files::refuse_shared;
pub(crate) use find::is_called_label;
pub use folder::{Folder, FolderSpec};
pub use kind::Kind;
#[cfg(feature = "train")]
pub(crate) use kind::annotations_in;
pub(crate) use kind::coco_files;
pub use listing::{Listing, ListingSpec};
pub use memory::{Memory, MemorySpec};
pub use parquet::{Parquet, ParquetSpec, TensorSpec};
pub use split::Split;
pub use splits::Splits;
pub use spool::spool;
pub use table::{
    ClassParameter, ConstantValue, LogNormal, Mean, Normal, Parameter, Probability, Table, TableColumn, TableSpec,
    Uniform,
};
pub(crate) use table::{ColumnKind, Simulator};
pub(crate) use unfinished::{IMPORT, IMPORTED};
