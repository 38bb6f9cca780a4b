//! Arrow columns: where one is, tensors and bytes in them, rows gathered from batches, and columns that hold on to no more than
//! their own bytes.

pub(crate) mod batch_file;
mod bytes;
mod compact;
mod gather;
mod lists;
mod lookup;
mod number;
mod numbers;
mod row_hash;
mod scatter;
mod tensor;
mod words;
mod zeroed;

#[cfg(feature = "train")]
pub(crate) use bytes::bytes_inside;
pub(crate) use bytes::{bytes_of, column_of_bytes, is_binary, picture_fields};
pub(crate) use compact::{compact, compact_column, held_bytes};
#[cfg(feature = "train")]
pub(crate) use gather::tensor_levels;
pub(crate) use gather::{gather, gather_one, tensor_values};
pub(crate) use lists::{list_item, list_items};
pub(crate) use lookup::{index_of, nested_hint};
pub(crate) use number::{Number, Why};
pub(crate) use numbers::Numbers;
pub(crate) use row_hash::{row_hashes, value_hashes};
pub(crate) use scatter::{Scatter, replaced};
pub(crate) use tensor::{into_list, is_bool8, permutation_of, shape_of, tensor_column, tensor_field, uniform_shape_of};
pub(crate) use words::{names_and_types, names_types_and_metadata};
pub(crate) use zeroed::zeroed;
