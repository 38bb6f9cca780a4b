//! Numbers as the data of tensors.

use crate::columns::{Number, Numbers};
use crate::error::{Error, Result};
use arrow::array::Array;
use arrow::buffer::Buffer;
use burn::tensor::{AllocationProperty, Bytes, TensorData};
use std::ops::Range;

/// All of `numbers` as a tensor's data, over the same bytes where they are of this type already.
pub(super) fn data<T: Number>(numbers: &Numbers, shape: Vec<usize>) -> Result<TensorData> {
    match numbers.bytes::<T>() {
        Some(bytes) => shared::<T>(&bytes, 0..numbers.array.len(), shape),
        None => Ok(TensorData::new(numbers.values::<T>()?, shape)),
    }
}

/// Values `range` of those in `bytes`, as data that shares them.
pub(super) fn shared<T: Number>(bytes: &Buffer, range: Range<usize>, shape: Vec<usize>) -> Result<TensorData> {
    let size = size_of::<T>();
    let part = bytes.slice_with_length(range.start * size, range.len() * size);
    let part = Bytes::from_shared(bytes::Bytes::from_owner(Owner(part)), AllocationProperty::Other);
    TensorData::try_from_bytes(part, shape, T::dtype()).map_err(|error| Error::data(error.to_string()))
}

struct Owner(Buffer);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}
