//! The header of a page.
//!
//! Read here, and not by the `parquet` crate, because its own reader of headers is private, and what it makes public
//! (`SerializedPageReader`) says nothing of sizes before it has reserved memory for a page. This is the only other one.

use super::thrift::{DEPTH, FALSE, INT, STRUCT, Thrift};

/// What a page's header says.
#[derive(Default)]
pub(in crate::source::parquet) struct PageHeader {
    kind: i64,
    pub(in crate::source::parquet) uncompressed: u64,
    pub(in crate::source::parquet) compressed: u64,
    pub(in crate::source::parquet) values: u64,
    encoding: i64,
    /// Bytes of levels before the compressed part, in pages of the second version.
    pub(in crate::source::parquet) levels: u64,
    /// A page of the second version that is not compressed, in a column that is.
    pub(in crate::source::parquet) is_uncompressed: bool,
}

impl PageHeader {
    const DICTIONARY: i64 = 2;
    /// Data pages of the first and of the second version.
    const DATA: [i64; 2] = [0, 3];
    /// The encodings that begin with a list of lengths: DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY.
    const WITH_LENGTHS: [i64; 2] = [6, 7];
    /// PLAIN_DICTIONARY and RLE_DICTIONARY.
    const BY_DICTIONARY: [i64; 2] = [2, 8];

    /// Whether the header at the beginning of `bytes` has a checksum. `bytes` may end anywhere behind that, which is the fourth field.
    pub(in crate::source::parquet) fn has_checksum(bytes: &[u8]) -> bool {
        const CRC: i64 = 4;
        Thrift(bytes).find(CRC) == Some(true)
    }

    /// The header at the beginning of `bytes`, and its length.
    pub(in crate::source::parquet) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (mut thrift, mut out, mut id) = (Thrift(bytes), Self::default(), 0);
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (1, INT) => out.kind = thrift.int()?,
                (2, INT) => out.uncompressed = thrift.size()?,
                (3, INT) => out.compressed = thrift.size()?,
                (5 | 7 | 8, STRUCT) => out.read_page(&mut thrift, id == 8)?,
                _ => thrift.skip(kind, DEPTH)?,
            }
        }
        Some((out, bytes.len() - thrift.0.len()))
    }

    /// The part of the header that is of the page's own kind.
    fn read_page(&mut self, thrift: &mut Thrift<'_>, second: bool) -> Option<()> {
        let mut id = 0;
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (1, INT) => self.values = thrift.size()?,
                (2, INT) if !second => self.encoding = thrift.int()?,
                (4, INT) if second => self.encoding = thrift.int()?,
                (5 | 6, INT) if second => self.levels += thrift.size()?,
                (7, FALSE) if second => self.is_uncompressed = true,
                _ => thrift.skip(kind, DEPTH)?,
            }
        }
        Some(())
    }

    pub(in crate::source::parquet) fn is_dictionary(&self) -> bool {
        self.kind == Self::DICTIONARY
    }

    pub(in crate::source::parquet) fn is_data(&self) -> bool {
        Self::DATA.contains(&self.kind)
    }

    /// Whether its values begin with a list of their lengths.
    pub(in crate::source::parquet) fn has_lengths(&self) -> bool {
        Self::WITH_LENGTHS.contains(&self.encoding)
    }

    /// Whether its values are places in a dictionary.
    pub(in crate::source::parquet) fn is_by_dictionary(&self) -> bool {
        Self::BY_DICTIONARY.contains(&self.encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_seen_in_a_header_that_is_cut_off() {
        // A field each: type 0, sizes 64 and 64, then the checksum (fourth), or the data page's own part (fifth).
        let sizes = [0x15, 0x00, 0x15, 0x80, 0x01, 0x15, 0x80, 0x01];
        let with = [&sizes[..], &[0x15, 0x2a]].concat();
        let without = [&sizes[..], &[0x2c, 0x15]].concat();
        assert!(PageHeader::has_checksum(&with));
        assert!(!PageHeader::has_checksum(&without));
        assert!(!PageHeader::has_checksum(&sizes));
        assert!(PageHeader::read(&with).is_none(), "it is cut off");
        let whole = [&with[..], &[0x1c, 0x15, 0x06, 0x15, 0x10, 0x00, 0x00]].concat();
        let (header, length) = PageHeader::read(&whole).unwrap();
        assert_eq!((header.uncompressed, header.compressed, header.values), (64, 64, 3));
        assert!(header.is_data() && header.is_by_dictionary());
        assert_eq!(length, whole.len());
    }
}
