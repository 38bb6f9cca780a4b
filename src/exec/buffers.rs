//! Large buffers that were dropped, for those to come.
//!
//! The system gives large memory out page by page and cleared, which takes as long as filling it does: a tenth of the time of
//! decoding photos went into their batches, and as much again into the bytes that they were decoded from.

use arrow::datatypes::{ArrowNativeType, ToByteSlice};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes from which on a buffer is worth keeping: smaller ones the allocator has at hand.
pub(crate) const LARGE: usize = 1 << 20;

/// What part of a buffer may be left over.
const OVER: usize = 32;

/// Lends buffers of numbers, and takes them back when the last that holds one is dropped.
#[derive(Debug)]
pub(crate) struct BufferPool<T> {
    kept: Mutex<Vec<Vec<T>>>,
    /// Buffers that wait here at most, and bytes of all of them.
    count: usize,
    bytes: usize,
    /// Buffers that still wait after none of them fitted a request.
    others: usize,
}

impl<T: ArrowNativeType> BufferPool<T> {
    /// Keeps at most `count` buffers of together at most `bytes` bytes.
    pub(crate) fn new(count: usize, bytes: usize) -> Self {
        Self {
            kept: Mutex::default(),
            count,
            bytes,
            others: count,
        }
    }

    /// As many as were ever in use at once, of one size, and at most `others` of another size beside those in use: for batches, of
    /// which several may be dropped at once and then as many asked for.
    pub(crate) fn of_one_size(others: usize) -> Self {
        Self {
            others,
            ..Self::new(usize::MAX, usize::MAX)
        }
    }

    /// A buffer of `len` numbers. What they are is not specified.
    pub(crate) fn take(&self, len: usize) -> Vec<T> {
        match self.find(len) {
            Some(mut buffer) => {
                buffer.resize(len, T::default());
                buffer
            }
            None => vec![T::default(); len],
        }
    }

    /// An empty buffer with room for `len` numbers.
    pub(crate) fn room(&self, len: usize) -> Vec<T> {
        match self.find(len) {
            Some(mut buffer) => {
                buffer.clear();
                buffer
            }
            None => Vec::with_capacity(len),
        }
    }

    /// One that waits and has room for `len` numbers, and for little more, because its holder counts `len`.
    fn find(&self, len: usize) -> Option<Vec<T>> {
        let fits = |buffer: &Vec<T>| (len..=len + len / OVER).contains(&buffer.capacity());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(fits) {
            return Some(kept.swap_remove(at));
        }
        let more = kept.len().saturating_sub(self.others);
        let old: Vec<_> = kept.drain(..more).collect();
        drop(kept);
        drop(old);
        None
    }

    /// `values` as bytes, which come back here in the end.
    pub(crate) fn lend(self: &Arc<Self>, values: Vec<T>) -> Bytes {
        let to = Arc::clone(self);
        Bytes::from_owner(Lent { values, to })
    }

    fn put(&self, values: Vec<T>) {
        let size = |values: &Vec<T>| values.capacity() * size_of::<T>();
        if size(&values) > self.bytes {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(values);
        // The newest are the likeliest to fit.
        let mut old = Vec::new();
        while kept.len() > self.count || kept.iter().map(size).sum::<usize>() > self.bytes {
            old.push(kept.remove(0));
        }
        // Giving memory back takes time.
        drop(kept);
        drop(old);
    }
}

struct Lent<T: ArrowNativeType> {
    values: Vec<T>,
    to: Arc<BufferPool<T>>,
}

impl<T: ArrowNativeType> AsRef<[u8]> for Lent<T> {
    fn as_ref(&self) -> &[u8] {
        self.values.as_slice().to_byte_slice()
    }
}

impl<T: ArrowNativeType> Drop for Lent<T> {
    fn drop(&mut self) {
        self.to.put(std::mem::take(&mut self.values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_wait_as_were_in_use_until_another_size_is_asked_for() {
        let pool = Arc::new(BufferPool::<u8>::of_one_size(2));
        let waiting = || pool.kept.lock().unwrap().len();
        let five: Vec<_> = (0..5).map(|_| pool.lend(pool.take(100))).collect();
        drop(five);
        assert_eq!(waiting(), 5);
        let again: Vec<_> = (0..4).map(|_| pool.lend(pool.take(100))).collect();
        assert_eq!(waiting(), 1);
        drop(again);
        drop(pool.lend(pool.take(50)));
        assert_eq!(waiting(), 3);
    }

    #[test]
    fn a_buffer_comes_back_with_the_last_that_holds_it() {
        let spare = Arc::new(BufferPool::<f32>::new(2, 8 * 4 + 100 * 4));
        let waiting = || spare.kept.lock().unwrap().len();
        let mut values = spare.take(100);
        values.fill(1.0);
        let at = values.as_ptr();
        let bytes = spare.lend(values);
        assert_eq!(bytes[..4], 1.0_f32.to_le_bytes());
        let part = bytes.slice(8..20);
        drop(bytes);
        assert_eq!(waiting(), 0);
        drop(part);
        assert_eq!(waiting(), 1);
        // Too small and too large for it, then not.
        let (larger, smaller) = (spare.room(101), spare.take(96));
        assert!(larger.as_ptr() != at && smaller.as_ptr() != at);
        let same = spare.take(97);
        assert!(same.as_ptr() == at && same.len() == 97 && same.capacity() == 100);
        assert_eq!(waiting(), 0);
        for (len, left) in [(8, 1), (100, 2), (8, 2), (8, 2), (101, 1), (200, 1)] {
            drop(spare.lend(vec![0.0; len]));
            assert_eq!(waiting(), left, "after one of {len}");
        }
    }
}
