//! What is in a row: adapters that rewrite rows on the way up.

mod cached;
mod classed;
mod compact;
mod gather;
mod labels;
mod staged;
mod views;

pub use cached::Cached;
pub use classed::Classed;
pub(crate) use compact::{compact, compact_column, held_bytes};
pub(crate) use gather::{gather, gather_one, tensor_values};
pub(crate) use labels::multi_label;
pub use labels::{CLASS_NAMES, Labels, Survey};
pub use staged::{Stage, Staged};
pub(crate) use staged::{bytes_of, column_of_bytes, index_of, into_list, tensor_field};
pub use views::Views;
