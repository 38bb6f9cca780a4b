//! How rows of differing lengths become one tensor.

/// How rows of differing lengths become one tensor. A number is the padding up to the longest row of the batch, on the right.
///
/// The words are those of Hugging Face's tokenizers: padding to the longest or to a fixed length, truncation only where it is asked
/// for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Padding {
    pub(super) value: f64,
    pub(super) length: Option<usize>,
    pub(super) at_most: Option<usize>,
    pub(super) multiple: usize,
    pub(super) left: bool,
}

impl Padding {
    /// Fills rows with `value` up to the longest of the batch.
    pub fn new(value: impl Into<f64>) -> Self {
        Self {
            value: value.into(),
            length: None,
            at_most: None,
            multiple: 1,
            left: false,
        }
    }

    /// Makes all rows `length` long, in every batch. A longer row is an error, unless it is cut by [`truncate`](Self::truncate).
    #[must_use]
    pub fn length(mut self, length: usize) -> Self {
        self.length = Some(length);
        self
    }

    /// Keeps the first `at_most` values of a longer row.
    #[must_use]
    pub fn truncate(mut self, at_most: usize) -> Self {
        self.at_most = Some(at_most);
        self
    }

    /// Rounds the longest up to a multiple of `multiple`, so that a device meets fewer shapes. Has no effect beside a
    /// [`length`](Self::length). Defaults to 1.
    #[must_use]
    pub fn multiple_of(mut self, multiple: usize) -> Self {
        self.multiple = multiple.max(1);
        self
    }

    /// Pads before the values of a row and not behind them, as decoders that generate text want it.
    #[must_use]
    pub fn left(mut self) -> Self {
        self.left = true;
        self
    }

    /// How many of `length` values of a row are left after truncation.
    pub(super) fn truncated(&self, length: usize) -> usize {
        length.min(self.at_most.unwrap_or(usize::MAX))
    }
}

macro_rules! from_numbers {
    ($($kind:ty)*) => {$(
        impl From<$kind> for Padding {
            fn from(value: $kind) -> Self {
                Self::new(value)
            }
        }
    )*};
}

from_numbers! { i32 u32 f32 f64 }
