//! The compressed data of a scan.

use super::error::Broken;
use super::header::{Frame, Scan};
use super::huffman::{Bits, PADDING, Tables};
use memchr::memchr;

/// A scan, and what is needed to read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    pub(super) frame: &'a Frame,
    pub(super) scan: &'a Scan<'a>,
    pub(super) tables: &'a Tables,
    pub(super) data: &'a Data,
}

/// The compressed data without what is stuffed between, in pieces from restart marker to restart marker.
#[derive(Debug, Default)]
pub(super) struct Data {
    bytes: Vec<u8>,
    /// Where each piece ends, its padding included.
    ends: Vec<usize>,
}

impl Data {
    /// Takes what follows a header, up to the first marker that is not a restart.
    pub(super) fn load(&mut self, mut rest: &[u8]) {
        self.bytes.clear();
        self.ends.clear();
        self.bytes.reserve(rest.len() + PADDING);
        while let Some(at) = memchr(0xff, rest) {
            let (before, marker) = rest.split_at(at);
            self.bytes.extend_from_slice(before);
            match marker.get(1) {
                Some(0) => {
                    self.bytes.push(0xff);
                    rest = &marker[2..];
                }
                Some(0xd0..=0xd7) => {
                    self.end();
                    rest = &marker[2..];
                }
                Some(0xff) => rest = &marker[1..],
                _ => break,
            }
        }
        self.end();
    }

    fn end(&mut self) {
        self.bytes.extend_from_slice(&[0; PADDING]);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn piece(&self, index: usize) -> Result<Bits<'_>, Broken> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let end = *self.ends.get(index).ok_or(Broken::Ended)?;
        Ok(Bits::new(&self.bytes[start..end]))
    }

    pub(super) fn trim(&mut self, limit: usize) {
        if self.bytes.capacity() > limit {
            self.bytes = Vec::new();
        }
    }
}
