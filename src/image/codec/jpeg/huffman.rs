//! Huffman codes: tables, bits, blocks of coefficients.

use super::error::Broken;

/// Bits of a code that one look into the table resolves; longer codes are rare.
const LOOK: u32 = 11;

/// Bits of the difference of two means: 11 in a sound file (ITU T.81, table F.1), and what a symbol holds.
const MOST_DC: u8 = 15;

/// Bits of a coefficient of 8-bit levels, at most (T.81, table F.2).
const NARROW: u8 = 10;

/// What a code stands for, packed so that one look gives everything.
///
/// The next code begins after `total` bits, which is known before the value is: that is what makes a symbol cheap.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Symbol(u32);

impl Symbol {
    /// The advance of the end of a block: beyond any place in it.
    pub(super) const END: u32 = 64;

    fn new(code: u32, size: u32, advance: u32) -> Self {
        Self((code + size) | size << 8 | code << 16 | advance << 24)
    }

    /// Bits of code and value; 0 where no code begins so. Below 64, which is what shifts look at.
    #[inline(always)]
    fn total(self) -> u32 {
        self.0 & 63
    }

    /// Bits of the value.
    #[inline(always)]
    pub(super) fn size(self) -> u32 {
        self.0 >> 8 & 15
    }

    /// Bits of the code.
    #[inline(always)]
    fn code(self) -> u32 {
        self.0 >> 16 & 31
    }

    /// Places from the coefficient before to this one; from [`END`](Self::END) on, how many bits tell for how many blocks
    /// this is the end (0 where it is that of its own only).
    #[inline(always)]
    pub(super) fn advance(self) -> u32 {
        self.0 >> 24
    }
}

/// A table of codes as the file defines it, and made for looking up.
#[derive(Clone, Debug)]
pub(super) struct Table {
    counts: [u8; 16],
    values: Vec<u8>,
    is_ac: bool,
    narrow: bool,
    fast: Box<[Symbol; 1 << LOOK]>,
    /// For each length: the first code that is longer, left-aligned to 16 bits, and what to add to a code for its index.
    longer: [(u32, i32); 17],
}

/// The tables that a file defines; they stay from file to file.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) dc: [Table; 4],
    pub(super) ac: [Table; 4],
}

impl Default for Table {
    fn default() -> Self {
        Self {
            counts: [0; 16],
            values: Vec::new(),
            is_ac: false,
            narrow: true,
            fast: Box::new([Symbol::default(); 1 << LOOK]),
            longer: [(0, 0); 17],
        }
    }
}

impl Table {
    /// True where no coefficient has more bits than 8-bit levels need, so that [`Bits::block`] may read two at a time.
    pub(super) fn is_narrow(&self) -> bool {
        self.narrow
    }

    /// Makes this the table of `counts` codes of each length for `values`; false where that is no table.
    ///
    /// Photos of one origin mostly share their tables, so what is here already stays.
    pub(super) fn define(&mut self, is_ac: bool, counts: &[u8; 16], values: &[u8]) -> bool {
        if self.is_ac == is_ac && self.counts == *counts && self.values == values {
            return true;
        }
        self.counts = [0; 16];
        self.values.clear();
        if !is_ac && values.iter().any(|&value| value > MOST_DC) {
            return false;
        }
        self.narrow = values.iter().all(|value| value & 15 <= NARROW);
        self.fast.fill(Symbol::default());
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(counts) {
            for &value in &values[index..index + usize::from(count)] {
                if length <= LOOK && code >> length == 0 {
                    let first = (code << (LOOK - length)) as usize;
                    self.fast[first..first + (1 << (LOOK - length))].fill(symbol(is_ac, length, value));
                }
                code += 1;
            }
            if code > 1 << length {
                return false;
            }
            index += usize::from(count);
            self.longer[length as usize] = (code << (16 - length), index as i32 - code as i32);
            code <<= 1;
        }
        self.is_ac = is_ac;
        self.counts = *counts;
        self.values.extend_from_slice(values);
        true
    }

    #[inline(always)]
    pub(super) fn look(&self, bits: u64) -> Result<Symbol, Broken> {
        let symbol = self.fast[(bits >> (64 - LOOK)) as usize];
        if symbol.0 > 0 { Ok(symbol) } else { self.look_far(bits) }
    }

    #[cold]
    fn look_far(&self, bits: u64) -> Result<Symbol, Broken> {
        let start = (bits >> 48) as u32;
        for length in LOOK + 1..=16 {
            let (end, add) = self.longer[length as usize];
            if start < end {
                let index = (start >> (16 - length)) as i32 + add;
                let value = usize::try_from(index).ok().and_then(|index| self.values.get(index));
                let value = *value.ok_or(Broken::Code)?;
                return Ok(symbol(self.is_ac, length, value));
            }
        }
        Err(Broken::Code)
    }
}

fn symbol(is_ac: bool, length: u32, value: u8) -> Symbol {
    let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
    match (is_ac, run, size) {
        (false, ..) => Symbol::new(length, u32::from(value), 0),
        (true, 15, 0) => Symbol::new(length, 0, 16),
        (true, _, 0) => Symbol::new(length, 0, Symbol::END + run),
        (true, ..) => Symbol::new(length, size, run + 1),
    }
}

/// The zeros that have to follow the bytes of a [`Bits`], so that its reads need no end.
pub(super) const PADDING: usize = 8;

/// Bits from the first to the last, eight bytes at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bytes that were looked at, past the end too.
    at: usize,
    /// The next bits, from the top down.
    bits: u64,
    /// How many of them there are.
    have: u32,
}

impl<'a> Bits<'a> {
    /// Over `bytes`, of which the last [`PADDING`] are not data.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            bits: 0,
            have: 0,
        }
    }

    /// Refuses to have taken more bits than there are.
    pub(super) fn check(&self) -> Result<(), Broken> {
        let taken = self.at * 8 - self.have as usize;
        if taken > (self.bytes.len() - PADDING) * 8 {
            return Err(Broken::Ended);
        }
        Ok(())
    }

    /// Makes it at least 56 bits: two coefficients of 10 bits take no more than 52, any other one no more than 31.
    #[inline(always)]
    fn refill(&mut self) {
        let at = self.at.min(self.bytes.len() - PADDING);
        let Some(next) = self.bytes[at..].first_chunk() else {
            return;
        };
        self.bits |= u64::from_be_bytes(*next) >> self.have;
        self.at += ((63 - self.have) >> 3) as usize;
        self.have |= 56;
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.bits <<= count;
        self.have -= count;
    }

    /// The next symbol, and its value.
    #[inline(always)]
    pub(super) fn next(&mut self, table: &Table) -> Result<(Symbol, i32), Broken> {
        self.refill();
        let symbol = table.look(self.bits)?;
        let value = self.value(symbol);
        self.skip(symbol.total());
        Ok((symbol, value))
    }

    /// A number of `count` bits, 0 to 15.
    #[inline(always)]
    pub(super) fn number(&mut self, count: u32) -> u32 {
        if self.have < count {
            self.refill();
        }
        let number = (self.bits >> 1 >> (63 - count)) as u32;
        self.skip(count);
        number
    }

    /// The value behind the code of `symbol`, which stands next (T.81, F.2.2.1): the lower half of the numbers of its size
    /// is negative.
    #[inline(always)]
    fn value(&self, symbol: Symbol) -> i32 {
        let (value, size) = (self.bits << symbol.code(), symbol.size());
        let number = (value >> 1 >> (63 - size)) as i32;
        let lower = !(value as i64 >> 63) as i32;
        number + (lower & (1 - (1 << size)))
    }

    /// The difference of a block's mean to the one before.
    #[inline(always)]
    pub(super) fn difference(&mut self, table: &Table) -> Result<i32, Broken> {
        self.next(table).map(|(_, value)| value)
    }

    /// Reads a block, in rows of rising vertical frequency: its mean differs from the one before by the result, and its other
    /// coefficients are put into `block`. The second number is the last place in zigzag order that is not zero. `AT_A_TIME`
    /// coefficients are read without a refill: 2 where the table is [narrow](Table::is_narrow), or 1.
    #[inline(always)]
    pub(super) fn block<const AT_A_TIME: usize>(
        &mut self,
        dc: &Table,
        ac: &Table,
        block: &mut [i16; 64],
    ) -> Result<(i32, u32), Broken> {
        let difference = self.difference(dc)?;
        let (mut place, mut last) = (0, 0);
        loop {
            self.refill();
            for _ in 0..AT_A_TIME {
                let symbol = ac.look(self.bits)?;
                let value = self.value(symbol);
                self.skip(symbol.total());
                place += symbol.advance();
                if place > 63 {
                    return ended(symbol).map(|()| (difference, last));
                }
                block[usize::from(ZIGZAG[place as usize])] = value as i16;
                last = place;
                if place == 63 {
                    return Ok((difference, last));
                }
            }
        }
    }

    /// Passes a block of a [narrow](Table::is_narrow) table by, but for the difference of its mean.
    #[inline(always)]
    pub(super) fn pass(&mut self, dc: &Table, ac: &Table) -> Result<i32, Broken> {
        let difference = self.difference(dc)?;
        let mut place = 0;
        loop {
            self.refill();
            for _ in 0..2 {
                let symbol = ac.look(self.bits)?;
                self.skip(symbol.total());
                place += symbol.advance();
                if place >= 63 {
                    return if place == 63 {
                        Ok(difference)
                    } else {
                        ended(symbol).map(|()| difference)
                    };
                }
            }
        }
    }
}

/// Past a block's last place there is only its end: a run of zeros may not lead there.
#[inline(always)]
fn ended(symbol: Symbol) -> Result<(), Broken> {
    if symbol.advance() < Symbol::END {
        return Err(Broken::Run);
    }
    Ok(())
}

/// Places of a block, row by row, in the order of the file: along diagonals (T.81, figure A.6).
pub(super) const ZIGZAG: [u8; 64] = zigzag();

const fn zigzag() -> [u8; 64] {
    let mut order = [0; 64];
    let (mut row, mut column, mut at) = (0_u8, 0_u8, 0);
    while at < 64 {
        order[at] = row * 8 + column;
        at += 1;
        let rising = (row + column) % 2 == 0;
        if rising && column == 7 || !rising && row < 7 && column == 0 {
            row += 1;
        } else if !rising && row == 7 || rising && row == 0 {
            column += 1;
        } else if rising {
            row -= 1;
            column += 1;
        } else {
            row += 1;
            column -= 1;
        }
    }
    order
}

#[cfg(test)]
impl Table {
    /// What [`define`](Self::define) was told.
    pub(super) fn definition(&self) -> ([u8; 16], Vec<u8>) {
        (self.counts, self.values.clone())
    }

    /// The code of `value`, and how many bits it has.
    pub(super) fn code(&self, value: u8) -> (u32, u32) {
        let (mut code, mut index) = (0, 0);
        for (length, &count) in (1..).zip(&self.counts) {
            for _ in 0..count {
                if self.values[index] == value {
                    return (code, length);
                }
                (code, index) = (code + 1, index + 1);
            }
            code <<= 1;
        }
        panic!("no code for {value}");
    }
}
