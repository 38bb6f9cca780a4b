//! The levels of a page, which say of each value how much of it is there and whether it begins a row, compared with what they
//! must be where every value is there.

use crate::source::parquet::format::thrift::Thrift;
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::Page;

/// What the levels of a column without nulls must be.
pub(super) struct Levels {
    /// Values of a row.
    pub(super) width: usize,
    pub(super) lists: bool,
    /// How many parts of a value may be missing: the highest definition level.
    pub(super) nullable: u8,
}

impl Levels {
    /// The values of `page`, the first of which is the value `first` of a row; none where a level or the encoding is another one.
    pub(super) fn pass(&self, page: &Page, first: usize) -> Option<Bytes> {
        let (count, defined) = (page.num_values() as usize, self.nullable);
        let sound = |repeated: &[u8], definition: &[u8]| {
            let repeated = !self.lists || self.repeats(repeated, count, first);
            repeated && (defined == 0 || are_all(definition, defined, count))
        };
        match page {
            Page::DataPage {
                buf,
                encoding: Encoding::PLAIN,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                ..
            } => {
                let mut rest: &[u8] = buf;
                let mut levels = |there: bool| {
                    if !there {
                        return Some(&[][..]);
                    }
                    let (length, after) = rest.split_first_chunk()?;
                    let (levels, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                    rest = after;
                    Some(levels)
                };
                let (repeated, definition) = (levels(self.lists)?, levels(defined > 0)?);
                sound(repeated, definition).then(|| buf.slice_ref(rest))
            }
            Page::DataPageV2 {
                buf,
                encoding: Encoding::PLAIN,
                num_nulls: 0,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                let (repeated, rest) = buf.split_at_checked(*rep_levels_byte_len as usize)?;
                let (definition, values) = rest.split_at_checked(*def_levels_byte_len as usize)?;
                sound(repeated, definition).then(|| buf.slice_ref(values))
            }
            _ => None,
        }
    }

    /// Whether `levels` say that a new row begins at each multiple of the width, where the first value is `first` of its row.
    fn repeats(&self, levels: &[u8], count: usize, first: usize) -> bool {
        let mut at = first;
        runs(levels, 1, count, |run| match run {
            Run::Same(level, length) => {
                let inside = level == 1 && at > 0 && at + length <= self.width;
                let begins = level == 0 && at == 0 && (length == 1 || self.width == 1);
                at = (at + length) % self.width;
                inside || begins
            }
            Run::Packed(bits, length) => {
                let mut wanted = 0xff_u8;
                let begin = (self.width - at) % self.width;
                (begin..8).step_by(self.width).for_each(|bit| wanted &= !(1 << bit));
                at = (at + length) % self.width;
                (bits ^ wanted) << (8 - length) == 0
            }
        })
    }
}

/// Whether the first `count` of `levels`, at most `most`, are all `most`.
fn are_all(levels: &[u8], most: u8, count: usize) -> bool {
    let (bits, wanted) = match most {
        1 => (1, 0xff),
        _ => (2, 0x55 * most),
    };
    runs(levels, bits, count, |run| match run {
        Run::Same(level, _) => level == most,
        Run::Packed(byte, length) => (byte ^ wanted) << (8 - length * bits) == 0,
    })
}

/// A part of levels in the hybrid of run lengths and packed bits.
enum Run {
    /// One level so many times.
    Same(u8, usize),
    /// A byte of so many packed levels, the first in the lowest bits.
    Packed(u8, usize),
}

/// Whether `holds` for all runs over the first `count` levels of `bits` bits (1 or 2), and there are as many.
fn runs(levels: &[u8], bits: usize, count: usize, mut holds: impl FnMut(Run) -> bool) -> bool {
    let (mut levels, mut left) = (Thrift(levels), count);
    while left > 0 {
        // Thrift's variable-length numbers are the same.
        let Some(header) = levels.varint() else { return false };
        let length = (header >> 1) as usize;
        if header & 1 == 0 {
            let Some(&level) = levels.0.first().filter(|_| length > 0) else {
                return false;
            };
            levels.0 = &levels.0[1..];
            if !holds(Run::Same(level, length.min(left))) {
                return false;
            }
            left -= length.min(left);
            continue;
        }
        // Groups of eight levels, which are as many bytes as a level has bits.
        let bytes = length.checked_mul(bits).filter(|&bytes| bytes > 0);
        let Some((packed, after)) = bytes.and_then(|bytes| levels.0.split_at_checked(bytes)) else {
            return false;
        };
        levels.0 = after;
        for &byte in packed {
            let own = left.min(8 / bits);
            if own == 0 {
                break;
            }
            if !holds(Run::Packed(byte, own)) {
                return false;
            }
            left -= own;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// `levels` of `bits` bits in runs and packed groups, as `rng` likes.
    fn encoded(levels: &[u8], bits: usize, rng: &mut Rng) -> Vec<u8> {
        let (mut out, mut rest) = (Vec::new(), levels);
        while let Some(&level) = rest.first() {
            let same = rest.iter().take_while(|&&other| other == level).count();
            let groups = (rng.below(3) as usize).min(rest.len() / 8);
            let own = match groups {
                0 => 1 + rng.below(same as u64) as usize,
                groups => 8 * groups,
            };
            if groups == 0 {
                varint(own << 1, &mut out);
                out.push(level);
            } else {
                varint(groups << 1 | 1, &mut out);
                let packed = |some: &[u8]| some.iter().rev().fold(0, |byte, level| byte << bits | level);
                out.extend(rest[..own].chunks(8 / bits).map(packed));
            }
            rest = &rest[own..];
        }
        out
    }

    fn varint(mut value: usize, out: &mut Vec<u8>) {
        while value > 0x7f {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    /// The first `count` levels, one by one.
    fn decoded(levels: &[u8], bits: usize, count: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let sound = runs(levels, bits, count, |run| {
            match run {
                Run::Same(level, length) => out.extend(vec![level; length]),
                Run::Packed(byte, length) => {
                    out.extend((0..length).map(|i| byte >> (i * bits) & ((1 << bits) - 1)));
                }
            }
            true
        });
        sound.then_some(out)
    }

    #[test]
    fn levels_are_compared_as_one_by_one() {
        let mut rng = Rng::new(8, "levels", 0);
        for turn in 0..20_000 {
            let (count, width) = (1 + rng.below(300) as usize, 1 + rng.below(70) as usize);
            let first = rng.below(width as u64) as usize;
            let (most, bits) = [(1, 1), (2, 2), (3, 2)][rng.below(3) as usize];
            let repeated: Vec<u8> = (first..first + count).map(|at| u8::from(at % width > 0)).collect();
            let defined = vec![most; count];
            let (mut a, mut b) = (encoded(&repeated, 1, &mut rng), encoded(&defined, bits, &mut rng));
            if turn % 4 > 0 {
                for levels in [&mut a, &mut b] {
                    let at = rng.below(levels.len() as u64) as usize;
                    levels[at] ^= 1 << rng.below(8);
                }
            }
            let levels = Levels {
                width,
                lists: true,
                nullable: most,
            };
            let (one, two) = (decoded(&a, 1, count), decoded(&b, bits, count));
            assert_eq!(
                levels.repeats(&a, count, first),
                one.as_ref() == Some(&repeated),
                "{a:?}"
            );
            assert_eq!(are_all(&b, most, count), two.as_ref() == Some(&defined), "{b:?}");
        }
    }
}
