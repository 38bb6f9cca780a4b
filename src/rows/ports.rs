//! The columns that a stage reads and writes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Types of the numbers that stages read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DType {
    /// Whole numbers from 0 to 255.
    U8,
    /// Floating-point numbers of 32 bits.
    F32,
    /// Whole numbers of 64 bits.
    I64,
    /// 0 or 1, a byte each (`arrow.bool8`), in a stage a u8; another value is an error. Arrow's own booleans are bits, of which rows share bytes.
    Bool,
}

/// A column that a stage reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// Binary values, with [`Row::bytes`](super::Row::bytes).
    Bytes(String),
    /// Strings, with [`Row::str`](super::Row::str).
    Str(String),
    /// Numbers, with [`Row::values`](super::Row::values): one a row, a tensor, or a list of numbers or tensors. Each becomes exactly that
    /// number in the new type, or it is an error; floats alone are rounded, to the nearest one of a narrower type.
    Values(String, DType),
    /// The row's class, with [`Row::class`](super::Row::class): of `classes` below.
    Class,
}

impl Read {
    /// Binary values of `column`.
    pub fn bytes(column: &str) -> Self {
        Self::Bytes(column.to_owned())
    }

    /// Strings of `column`.
    pub fn str(column: &str) -> Self {
        Self::Str(column.to_owned())
    }

    /// Numbers of `column` as `dtype`.
    pub fn values(column: &str, dtype: DType) -> Self {
        Self::Values(column.to_owned(), dtype)
    }

    /// The column's name.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Bytes(column) | Self::Str(column) | Self::Values(column, _) => Some(column),
            Self::Class => None,
        }
    }
}

/// A column that a stage writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Shape,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
}

/// How many numbers of an output a row has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Shape {
    /// The same in every row: a tensor (`arrow.fixed_shape_tensor`), or one number for `[]`.
    Fixed(Vec<usize>),
    /// Any number of items, each a tensor of shape `inner` (one number for `[]`): a list.
    Ragged {
        /// Shape of an item: `[4]` for boxes.
        inner: Vec<usize>,
        /// The most items that a row may have, an error beyond it: memory is bounded by it.
        at_most: usize,
    },
}

impl Output {
    /// The same shape in every row; `[]` for one number.
    pub fn fixed(name: &str, dtype: DType, shape: impl Into<Vec<usize>>) -> Self {
        Self::new(name, dtype, Shape::Fixed(shape.into()))
    }

    /// Up to `at_most` items of shape `inner`; `[]` for plain numbers.
    pub fn ragged(name: &str, dtype: DType, inner: impl Into<Vec<usize>>, at_most: usize) -> Self {
        let inner = inner.into();
        Self::new(name, dtype, Shape::Ragged { inner, at_most })
    }

    fn new(name: &str, dtype: DType, shape: Shape) -> Self {
        Self {
            name: name.to_owned(),
            dtype,
            shape,
            metadata: BTreeMap::new(),
        }
    }

    /// Adds to the metadata of the column's field: class names, say.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }
}
