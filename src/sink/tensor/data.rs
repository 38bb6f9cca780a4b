//! Numbers as the data of tensors.

use crate::columns::{Number, Numbers};
use crate::error::{Error, Result};
use crate::exec::machine::available_memory;
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

/// How many values of type `T` a tensor of `shape` has, which is made of the column `column`.
pub(super) fn room<T: Number>(column: &str, shape: &[usize]) -> Result<usize> {
    // So much is there, or the system says so itself.
    const LARGE: u64 = 1 << 30;
    let count = shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size));
    let bytes = count.and_then(|count| u64::try_from(count).ok()?.checked_mul(size_of::<T>() as u64));
    let fits = |bytes: u64| {
        isize::try_from(bytes).is_ok() && (bytes <= LARGE || available_memory().is_none_or(|memory| bytes <= memory))
    };
    count.filter(|_| bytes.is_some_and(fits)).ok_or_else(|| {
        Error::config(format!(
            "column \"{column}\": a tensor of shape {shape:?} does not fit into memory: ask for less, or use smaller batches"
        ))
    })
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
