//! Columns as Burn tensors, without a copy where the layout allows it.
//!
//! | column | tensor | function |
//! |---|---|---|
//! | numbers, tensor columns, lists of one length | `[n, ..shape]` of floats | [`floats`] |
//! | the same, whole numbers | `[n]`, `[n, ..shape]` of integers | [`ints`], [`ints_nd`] |
//! | the same, of u8, uploaded as bytes | `[n, ..shape]` of floats | [`floats_from_u8`] |
//! | the same, booleans or 0 and 1 | `[n, ..shape]` of booleans | [`bools`] |
//! | several columns of numbers | `[n, k]` of floats | [`column_stack`] |
//! | lists, tensors whose first dimension differs | `[n, longest, ..inner]` and a mask | [`padded`] |
//! | lists, tensors that differ in shape (boxes) | a tensor for each row | [`ragged`] |
//! | class numbers, one or several a row | `[n, classes]` of 0 and 1 | [`multi_hot`] |
//!
//! "Numbers" are all of Arrow's: integers and floats of any width, decimals, booleans, dictionaries of them, `arrow.bool8`. Lists are
//! `List`, `LargeList`, `ListView`, `LargeListView` and `FixedSizeList`; tensor columns are `arrow.fixed_shape_tensor` and
//! `arrow.variable_shape_tensor`, also where their dimensions are stored in another order (`permutation`).
//!
//! # Which type a tensor has
//!
//! Every function takes a device, or a device and a type: `&device` gives the type of the device's
//! [settings](burn::tensor::DeviceSettings) (f32 and, on `flex`, i32 unless it was configured otherwise), and
//! `(&device, DType::F16)` the one that is asked for. Values of that very type are shared with the batch and not copied.
//! Pictures of u8 stay bytes on their way to the device with `floats_from_u8::<4>(rows, "image", &device)`, and become floats there.
//!
//! A value goes into that type exactly, or it is an error with the value and its row. Floats and decimals alone are rounded where
//! they become floats of a narrower type, to the nearest one.
//!
//! The row of an error is that of the batch: [`Batch::provenance`](crate::loader::Batch::provenance) has the file and the row that
//! it comes from at that place.
//!
//! # Nulls
//!
//! A null is an error with its row: of numbers, of lists, and of values in lists. An empty list is a row without values: all of it
//! is padding.

mod bytes;
mod data;
mod dense;
mod dtype;
mod hot;
mod padding;
mod ragged;

pub use bytes::floats_from_u8;
#[cfg(feature = "train")]
pub(crate) use bytes::is_u8;
pub use dense::{bools, column_stack, floats, ints, ints_nd};
pub use dtype::Kind;
pub use hot::multi_hot;
pub use padding::Padding;
pub use ragged::{padded, ragged};
