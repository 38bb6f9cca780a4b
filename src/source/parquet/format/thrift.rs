//! The Thrift compact protocol, in which footers, indexes and page headers are written.

use crate::error::{Error, Result};

/// Structures inside structures at most; a footer needs seven.
pub(in crate::source::parquet) const DEPTH: usize = 32;

/// Walks through a footer or an index (Thrift, compact protocol), so that no list in it claims more items than there
/// are bytes: decoders reserve memory for a list before they read it.
pub(in crate::source::parquet) fn check_lists(encoded: &[u8]) -> Result<()> {
    let walked = Thrift(encoded).skip(STRUCT, DEPTH);
    walked.ok_or_else(|| Error::data("it ends early, or a list in it is longer than it"))
}

/// The Thrift compact protocol, as much of it as it takes to walk through a structure. `None` is the end of the bytes,
/// or what the protocol does not have.
pub(in crate::source::parquet) struct Thrift<'a>(pub(in crate::source::parquet) &'a [u8]);

pub(in crate::source::parquet) const FALSE: u8 = 2;
pub(in crate::source::parquet) const INT: u8 = 5;
pub(in crate::source::parquet) const STRUCT: u8 = 12;

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(in crate::source::parquet) fn pass(&mut self, bytes: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    pub(in crate::source::parquet) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// As [`varint`](Self::varint), without its value.
    fn pass_varint(&mut self) -> Option<()> {
        let last = self.0.iter().take(10).position(|byte| byte & 0x80 == 0)?;
        self.pass(last as u64 + 1)
    }

    pub(in crate::source::parquet) fn int(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number of 31 bits.
    pub(in crate::source::parquet) fn size(&mut self) -> Option<u64> {
        u64::try_from(self.int()?).ok().filter(|&size| size <= i32::MAX as u64)
    }

    /// The kind of a structure's next field, whose number comes into `id`; `None` inside where the structure ends.
    pub(in crate::source::parquet) fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.int()?,
            delta => *id + i64::from(delta),
        };
        Some(Some(byte & 15))
    }

    /// Goes to the value of the field `wanted` of a structure; false, and to its end, where there is none.
    pub(in crate::source::parquet) fn find(&mut self, wanted: i64) -> Option<bool> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            if id == wanted {
                return Some(true);
            }
            self.skip(kind, DEPTH)?;
        }
        Some(false)
    }

    /// Goes to the item `at` of a list.
    pub(in crate::source::parquet) fn item(&mut self, at: usize) -> Option<()> {
        let (items, kind) = self.list()?;
        (at as u64 <= items.checked_sub(1)?).then_some(())?;
        (0..at).try_for_each(|_| self.skip_item(kind, DEPTH))
    }

    /// The number and the kind of a list's items.
    fn list(&mut self) -> Option<(u64, u8)> {
        let byte = self.byte()?;
        let items = match byte >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        Some((items, byte & 15))
    }

    pub(in crate::source::parquet) fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.pass_varint(),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => self.skip_list(depth),
            11 => self.skip_map(depth),
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn skip_list(&mut self, depth: usize) -> Option<()> {
        let (items, kind) = self.list()?;
        // Every item takes a byte at least.
        (items <= self.0.len() as u64).then_some(())?;
        (0..items).try_for_each(|_| self.skip_item(kind, depth))
    }

    fn skip_map(&mut self, depth: usize) -> Option<()> {
        let items = self.varint()?;
        if items == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        (items <= self.0.len() as u64).then_some(())?;
        (0..items).try_for_each(|_| {
            self.skip_item(kinds >> 4, depth)?;
            self.skip_item(kinds & 15, depth)
        })
    }

    /// Inside of lists a truth value has a byte of its own.
    fn skip_item(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            1 | 2 => self.pass(1),
            _ => self.skip(kind, depth),
        }
    }
}
