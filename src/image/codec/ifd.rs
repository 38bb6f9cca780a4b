//! The first directory of a TIFF file, which is also what EXIF is: its tags and their numbers.
//!
//! As forgiving as Pillow: a directory that ends early is what there is of it, and a tag whose values are outside the file, or
//! not whole numbers, is not there.

/// The first directory.
#[derive(Clone, Copy, Debug)]
pub(in crate::image) struct Directory<'a> {
    file: &'a [u8],
    little: bool,
    /// BigTIFF: 64-bit offsets.
    big: bool,
    entries: &'a [u8],
    /// Where the next directory is.
    next: Option<&'a [u8]>,
    /// No entry is cut off.
    whole: bool,
}

impl<'a> Directory<'a> {
    /// The first directory of `file`, if there is one.
    pub(in crate::image) fn first(file: &'a [u8]) -> Option<Self> {
        let (little, big) = match file.get(..4)? {
            b"II*\0" | b"II\0*" => (true, false),
            b"MM\0*" | b"MM*\0" => (false, false),
            b"II+\0" => (true, true),
            b"MM\0+" => (false, true),
            _ => return None,
        };
        let mut directory = Self {
            file,
            little,
            big,
            entries: &[],
            next: None,
            whole: false,
        };
        let (at, word) = if big { (8, 8) } else { (4, 4) };
        let start = usize::try_from(directory.number(file.get(at..at + word)?)).ok()?;
        let count_bytes = if big { 8 } else { 2 };
        let entries = file.get(start.checked_add(count_bytes)?..)?;
        let count = directory.number(&file[start..start + count_bytes]);
        let length = usize::try_from(count).ok()?.saturating_mul(directory.entry());
        directory.entries = &entries[..length.min(entries.len())];
        directory.next = entries.get(length..).and_then(|rest| rest.get(..word));
        directory.whole = directory.entries.len() == length;
        Some(directory)
    }

    /// The first value of a tag that holds whole numbers.
    pub(in crate::image) fn value(&self, tag: u16) -> Option<u64> {
        let (kind, _, data) = self.find(tag)?;
        let size = match kind {
            6 => 1,
            3 | 8 => 2,
            4 | 9 | 13 => 4,
            16 if self.big => 8,
            _ => return None,
        };
        data.get(..size).map(|value| self.number(value))
    }

    /// All values of a tag that holds whole numbers; none where it is absent.
    pub(in crate::image) fn values(&self, tag: u16) -> Option<impl ExactSizeIterator<Item = u64> + 'a> {
        let (kind, _, data) = self.find(tag)?;
        let size = match kind {
            1 => 1,
            3 => 2,
            4 => 4,
            16 => 8,
            _ => return None,
        };
        let this = *self;
        Some(data.chunks_exact(size).map(move |value| this.number(value)))
    }

    /// The bytes of a tag, whatever it holds.
    pub(in crate::image) fn bytes(&self, tag: u16) -> Option<&'a [u8]> {
        self.find(tag).map(|(_, _, data)| data)
    }

    /// Type, count and data of a tag; the last of several, as in Pillow.
    fn find(&self, tag: u16) -> Option<(u64, u64, &'a [u8])> {
        let word = if self.big { 8 } else { 4 };
        let entries = self.entries.chunks_exact(self.entry());
        entries
            .filter(|entry| self.number(&entry[..2]) == u64::from(tag))
            .find_map(|entry| {
                let (kind, count) = (self.number(&entry[2..4]), self.number(&entry[4..4 + word]));
                let size: usize = match kind {
                    1 | 2 | 6 | 7 => 1,
                    3 | 8 => 2,
                    4 | 9 | 11 | 13 => 4,
                    5 | 10 | 12 | 16 => 8,
                    _ => return None,
                };
                let length = usize::try_from(count)
                    .ok()?
                    .checked_mul(size)
                    .filter(|&length| length > 0)?;
                let place = &entry[4 + word..];
                if length <= word {
                    return Some((kind, count, &place[..length]));
                }
                let start = usize::try_from(self.number(place)).ok()?;
                let data = self.file.get(start..start.checked_add(length)?)?;
                Some((kind, count, data))
            })
    }

    /// Whether another directory follows: of a TIFF, another page.
    pub(in crate::image) fn has_next(&self) -> bool {
        let Some(next) = self.next else { return false };
        self.number(next) != 0
    }

    /// All entries are in the file.
    pub(in crate::image) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Numbers have their lowest byte first.
    pub(in crate::image) fn little(&self) -> bool {
        self.little
    }

    fn entry(&self) -> usize {
        if self.big { 20 } else { 12 }
    }

    /// A whole number of up to eight bytes.
    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
        if self.little {
            bytes.iter().rev().fold(0, add)
        } else {
            bytes.iter().fold(0, add)
        }
    }
}
