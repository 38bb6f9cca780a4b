//! Blocks of coefficients in every kind of scan: whole ones, and parts and bits of them in progressive files (T.81, G).

use super::error::Broken;
use super::header::Scan;
use super::huffman::{Bits, Symbol, Table, ZIGZAG};

/// A scan's bits from one restart to the next.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    bits: Bits<'a>,
    /// The last mean of each component.
    means: [i32; 4],
    /// How many more blocks have nothing new in the scan's band.
    ended: u32,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(bits: Bits<'a>) -> Self {
        Self {
            bits,
            means: [0; 4],
            ended: 0,
        }
    }

    /// Refuses to have taken more bits than there are.
    pub(super) fn check(&self) -> Result<(), Broken> {
        self.bits.check()
    }

    /// A whole block of component `at`.
    #[inline(always)]
    pub(super) fn whole(&mut self, dc: &Table, ac: &Table, at: usize, block: &mut [i16; 64]) -> Result<(), Broken> {
        *block = [0; 64];
        let (difference, _) = self.bits.block::<1>(dc, ac, block)?;
        self.means[at] = self.means[at].wrapping_add(difference);
        block[0] = self.means[at] as i16;
        Ok(())
    }

    /// The mean of a block of component `at`, down to bit `low`.
    #[inline(always)]
    pub(super) fn mean(&mut self, dc: &Table, low: u8, at: usize, block: &mut [i16; 64]) -> Result<(), Broken> {
        let difference = self.bits.difference(dc)?;
        self.means[at] = self.means[at].wrapping_add(difference);
        block[0] = (self.means[at] << low) as i16;
        Ok(())
    }

    /// Bit `low` of a mean.
    #[inline(always)]
    pub(super) fn finer_mean(&mut self, low: u8, block: &mut [i16; 64]) {
        block[0] |= (self.bits.number(1) as i16) << low;
    }

    /// The coefficients of the scan's band, down to bit `scan.low`.
    #[inline(always)]
    pub(super) fn band(&mut self, ac: &Table, scan: &Scan<'_>, block: &mut [i16; 64]) -> Result<(), Broken> {
        if self.ended > 0 {
            self.ended -= 1;
            return Ok(());
        }
        let mut place = scan.start - 1;
        while place < scan.end {
            let (symbol, value) = self.bits.next(ac)?;
            if symbol.advance() >= Symbol::END {
                self.ended = self.blocks(symbol) - 1;
                return Ok(());
            }
            place += symbol.advance() as usize;
            if place > scan.end {
                return Err(Broken::Run);
            }
            block[usize::from(ZIGZAG[place])] = (value << scan.low) as i16;
        }
        Ok(())
    }

    /// Bit `scan.low` of the coefficients of the scan's band: a bit for each that is there, and those that now begin.
    #[inline(always)]
    pub(super) fn finer_band(&mut self, ac: &Table, scan: &Scan<'_>, block: &mut [i16; 64]) -> Result<(), Broken> {
        let mut place = scan.start;
        while self.ended == 0 && place <= scan.end {
            let (symbol, value) = self.bits.next(ac)?;
            if symbol.advance() >= Symbol::END {
                self.ended = self.blocks(symbol);
                break;
            }
            if symbol.size() > 1 {
                return Err(Broken::Code);
            }
            // Zeros are counted, and of what is none the bit is read.
            let mut zeros = symbol.advance();
            loop {
                let coefficient = &mut block[usize::from(ZIGZAG[place])];
                if *coefficient == 0 {
                    zeros -= 1;
                    if zeros == 0 {
                        *coefficient = (value << scan.low) as i16;
                        break;
                    }
                } else {
                    self.finer(coefficient, scan.low);
                }
                place += 1;
                if place > scan.end {
                    return Err(Broken::Run);
                }
            }
            place += 1;
        }
        if self.ended > 0 {
            self.ended -= 1;
            for &at in &ZIGZAG[place..=scan.end] {
                let coefficient = &mut block[usize::from(at)];
                if *coefficient != 0 {
                    self.finer(coefficient, scan.low);
                }
            }
        }
        Ok(())
    }

    /// How many blocks end with this one.
    #[inline(always)]
    fn blocks(&mut self, symbol: Symbol) -> u32 {
        let bits = symbol.advance() - Symbol::END;
        (1 << bits) + self.bits.number(bits)
    }

    /// Bit `low` of a coefficient that is not zero.
    #[inline(always)]
    fn finer(&mut self, coefficient: &mut i16, low: u8) {
        let bit = (self.bits.number(1) as i16) << low;
        // What was refined already, in a scan that comes twice, stays.
        if coefficient.unsigned_abs() & (1 << low) == 0 {
            *coefficient = coefficient.wrapping_add(if *coefficient < 0 { -bit } else { bit });
        }
    }
}
