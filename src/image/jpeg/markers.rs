//! The markers of a JPEG file, whoever decodes it.

/// Where the end-of-image marker is to which the markers of a JPEG file lead, if they do, and whether the file is
/// progressive.
///
/// The decoder may end before a file does, so one that was cut has to be found before it. Thumbnails have an end marker
/// of their own, therefore segments are skipped by their length.
pub(in crate::image) fn end(file: &[u8]) -> Option<(usize, bool)> {
    let (mut at, mut progressive) = (2, false);
    loop {
        match next(file, &mut at)? {
            0xd9 => return Some((at - 2, progressive)),
            0x01 | 0xd0..=0xd8 => {}
            marker => {
                progressive |= marker == 0xc2;
                let length = file.get(at..at + 2)?;
                at += usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
}

/// The next marker's code from `at` on, past fill bytes, stuffed zeros and entropy-coded data.
pub(super) fn next(file: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += memchr::memchr(0xff, file.get(*at..)?)? + 1;
        match *file.get(*at)? {
            0x00 => *at += 1,
            0xff => {}
            marker => {
                *at += 1;
                return Some(marker);
            }
        }
    }
}
