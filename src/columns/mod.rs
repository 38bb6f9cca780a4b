//! Arrow columns: rows gathered from batches, and columns that hold on to no more than their own bytes.

mod compact;
mod gather;
mod scatter;

pub(crate) use crate::rows::{bytes_of, column_of_bytes, index_of, into_list, tensor_field};
pub(crate) use compact::{compact, compact_column, held_bytes};
pub(crate) use gather::{gather, gather_one, tensor_values};
pub(crate) use scatter::{Scatter, replaced};
