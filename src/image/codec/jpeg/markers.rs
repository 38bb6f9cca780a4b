//! The markers of a JPEG file.

/// True where the markers of a JPEG file lead to an end-of-image marker.
///
/// The decoder may end before a file does, so one that was cut has to be found before it. Thumbnails have an end marker
/// of their own, therefore segments are skipped by their length.
pub(in crate::image) fn has_end(file: &[u8]) -> bool {
    let mut at = 2;
    loop {
        match next(file, &mut at) {
            Some(0xd9) => return true,
            Some(0x01 | 0xd0..=0xd8) => {}
            Some(_) => match file.get(at..).and_then(|rest| rest.first_chunk()) {
                Some(&length) => at += usize::from(u16::from_be_bytes(length)),
                None => return false,
            },
            None => return false,
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
