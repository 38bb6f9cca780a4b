//! Buffers of batches that were dropped, for batches to come.

use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::ToByteSlice;
use std::sync::{Arc, Mutex, PoisonError};

/// Lends buffers of numbers, and takes them back when the last array over one is dropped.
///
/// A batch of pictures is tens of megabytes, and the system gives memory of that size out page by page and cleared: a tenth of
/// the time that decoding took.
#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<Vec<f32>>>);

/// Buffers that wait here: a trainer drops a batch before it asks for the next one, and some drop two at a time.
const KEPT: usize = 2;

impl Spare {
    /// A buffer of `len` numbers. What they are is not specified.
    pub(crate) fn take(&self, len: usize) -> Vec<f32> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = kept.iter().position(|buffer| buffer.len() == len);
        let found = fits.map(|at| kept.swap_remove(at));
        drop(kept);
        found.unwrap_or_else(|| vec![0.0; len])
    }

    /// `values` as an array's buffer, which comes back here in the end.
    pub(crate) fn lend(self: &Arc<Self>, values: Vec<f32>) -> ScalarBuffer<f32> {
        let len = values.len();
        let lent = Lent {
            values,
            to: Arc::clone(self),
        };
        ScalarBuffer::new(Buffer::from(bytes::Bytes::from_owner(lent)), 0, len)
    }

    fn put(&self, values: Vec<f32>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The newest are the likeliest to fit.
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(values);
    }
}

struct Lent {
    values: Vec<f32>,
    to: Arc<Spare>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.values.as_slice().to_byte_slice()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.to.put(std::mem::take(&mut self.values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Float32Array;

    #[test]
    fn a_buffer_comes_back_with_the_last_array_over_it() {
        let spare = Arc::new(Spare::default());
        let waiting = || spare.0.lock().unwrap().len();
        let values = spare.take(8);
        let at = values.as_ptr();
        let array = Float32Array::new(spare.lend(values), None);
        let slice = array.slice(2, 3);
        drop(array);
        assert_eq!(waiting(), 0);
        drop(slice);
        let (other, same) = (spare.take(4), spare.take(8));
        assert!(other.len() == 4 && same.as_ptr() == at);
        for _ in 0..5 {
            drop(spare.lend(vec![0.0; 8]));
        }
        assert_eq!(waiting(), KEPT);
    }
}
