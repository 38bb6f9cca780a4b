//! The segments of a JPEG file: the one place that knows how they follow each other.

use super::error::corrupt;
use crate::image::error::ImageError;

/// The end of the picture, and of the file.
pub(super) const END: u8 = 0xd9;
/// The header of a scan, which its data follows.
pub(super) const SCAN: u8 = 0xda;
/// The height, where it stands behind the first scan.
const HEIGHT: u8 = 0xdc;

/// A marker and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub(in crate::image) struct Segment<'a> {
    pub(in crate::image) marker: u8,
    /// Without its length.
    pub(in crate::image) data: &'a [u8],
}

impl Segment<'_> {
    /// A frame's header, of any kind of JPEG.
    pub(in crate::image) fn is_frame(&self) -> bool {
        matches!(self.marker, 0xc0..=0xcf) && !matches!(self.marker, 0xc4 | 0xc8 | 0xcc)
    }
}

/// The segments of a file one after the other, to its end and past its [`END`].
///
/// Passed over are fill bytes, the data of scans, and markers that stand alone: the start of the picture and restarts. An
/// error is a segment that is cut off, or too short to have a length; the iterator goes on behind its marker.
#[derive(Debug)]
pub(in crate::image) struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    pub(in crate::image) fn of(file: &'a [u8]) -> Self {
        Self { rest: file }
    }

    /// What follows the last segment: after a scan's header, its data.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The segments before the first scan. They end early where the file is broken.
    pub(in crate::image) fn before_scan(&mut self) -> impl Iterator<Item = Segment<'a>> {
        self.map_while(Result::ok)
            .take_while(|segment| !matches!(segment.marker, SCAN | END))
    }

    /// The height that a file gives behind its first scan, which lies ahead.
    pub(in crate::image) fn height_behind_scan(mut self) -> Option<u16> {
        self.find(|segment| segment.as_ref().is_ok_and(|segment| segment.marker == SCAN))?
            .ok()?;
        height_behind(self.rest)
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, ImageError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let cut = || Some(Err(ImageError::Truncated("JPEG")));
        let marker = loop {
            let at = memchr::memchr(0xff, self.rest)?;
            let (&marker, rest) = self.rest[at + 1..].split_first()?;
            match marker {
                // The next one may be a marker's first byte.
                0xff => self.rest = &self.rest[at + 1..],
                0x00 | 0x01 | 0xd0..=0xd8 => self.rest = rest,
                marker => {
                    self.rest = rest;
                    break marker;
                }
            }
        };
        if marker == END {
            return Some(Ok(Segment { marker, data: &[] }));
        }
        let Some(length) = short(self.rest) else {
            return cut();
        };
        if length < 2 {
            return Some(Err(corrupt(format!("a segment of {length} bytes"))));
        }
        let Some((segment, rest)) = self.rest.split_at_checked(length.into()) else {
            self.rest = &[];
            return cut();
        };
        self.rest = rest;
        let data = &segment[2..];
        Some(Ok(Segment { marker, data }))
    }
}

/// True where the segments of a file lead to its end.
///
/// The decoder may end before a file does, so one that was cut has to be found before it. Thumbnails have an end of their
/// own, inside of a segment.
pub(super) fn has_end(file: &[u8]) -> bool {
    Segments::of(file).any(|segment| segment.is_ok_and(|segment| segment.marker == END))
}

/// The height behind the `data` of a first scan, if there is one.
pub(super) fn height_behind(data: &[u8]) -> Option<u16> {
    let segment = Segments::of(data).next()?.ok()?;
    (segment.marker == HEIGHT).then(|| short(segment.data))?
}

/// A number of two bytes.
pub(super) fn short(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|two| u16::from_be_bytes(*two))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markers(file: &[u8]) -> Vec<Result<(u8, usize), ImageError>> {
        let segments = Segments::of(file);
        segments
            .map(|segment| segment.map(|segment| (segment.marker, segment.data.len())))
            .collect()
    }

    #[test]
    fn data_fill_bytes_and_lone_markers_are_passed_over() {
        let file = [
            b"\xff\xd8 stray \xff\xff\xe0\0\x05abc".as_slice(),
            b"\xff\xda\0\x03x data \xff\0 and \xff\xd0 more \xff\xd9 after".as_slice(),
        ]
        .concat();
        assert_eq!(markers(&file), [Ok((0xe0, 3)), Ok((0xda, 1)), Ok((0xd9, 0))]);
        assert!(has_end(&file) && !has_end(&file[..file.len() - 8]));
        let mut segments = Segments::of(&file);
        let before: Vec<_> = segments.before_scan().map(|segment| segment.data).collect();
        assert_eq!(before, [b"abc"]);
    }

    #[test]
    fn the_height_may_stand_behind_the_first_scan_only() {
        let scan = b"\xff\xd8\xff\xda\0\x02 data \xff\xd3 data ";
        let height = |behind: &[u8]| Segments::of(&[scan, behind].concat()).height_behind_scan();
        assert_eq!(height(b"\xff\xdc\0\x04\x01\x02\xff\xd9"), Some(0x102));
        assert_eq!(height(b"\xff\xda\0\x02 data \xff\xdc\0\x04\x01\x02"), None);
        assert_eq!(height(b"\xff\xdc\0\x03\x01\x02"), None);
    }

    /// The end of a thumbnail is none of the file.
    #[test]
    fn what_is_in_a_segment_is_no_marker() {
        let file = b"\xff\xd8\xff\xe1\0\x06\xff\xd8\xff\xd9\xff\xda\0\x02";
        assert_eq!(markers(file), [Ok((0xe1, 4)), Ok((0xda, 0))]);
        assert!(!has_end(file));
    }

    #[test]
    fn a_broken_segment_is_an_error_and_not_the_end() {
        let short = corrupt("a segment of 1 bytes");
        assert_eq!(markers(b"\xff\xe0\0\x01\xff\xd9"), [Err(short), Ok((0xd9, 0))]);
        for cut in [b"\xff\xe0\0\x09abc\xff\xd9".as_slice(), b"\xff\xe0\0"] {
            assert_eq!(markers(cut), [Err(ImageError::Truncated("JPEG"))]);
        }
    }
}
