//! The bits of a scan.

/// A code of all 256 symbols: 254 of 8 bits, two of 9.
pub(super) fn code_of_all(symbol: u8) -> (u32, u32) {
    match symbol {
        0..254 => (u32::from(symbol), 8),
        254 => (0x1fc, 9),
        255 => (0x1fd, 9),
    }
}

/// The bits of a scan.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) out: Vec<u8>,
    bits: u64,
    count: u32,
    /// Blocks that end where nothing more is written of them, and the bits that refine them.
    pub(super) run: u32,
    pub(super) finer: Vec<u32>,
}

impl Writer {
    pub(super) fn bits(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            self.bits = self.bits << 1 | u64::from(value >> at & 1);
            self.count += 1;
            if self.count == 8 {
                self.out.push(self.bits as u8);
                if self.bits as u8 == 0xff {
                    self.out.push(0);
                }
                (self.bits, self.count) = (0, 0);
            }
        }
    }

    pub(super) fn symbol(&mut self, (code, length): (u32, u32)) {
        self.bits(code, length);
    }

    /// A value's bits, of as many as its size.
    pub(super) fn value(&mut self, value: i32) {
        let size = size(value);
        let below = if value < 0 { value - 1 } else { value };
        self.bits(below as u32 & ((1 << size) - 1), size);
    }

    pub(super) fn end_run(&mut self) {
        if self.run > 0 {
            let size = self.run.ilog2();
            self.symbol(code_of_all((size as u8) << 4));
            self.bits(self.run & ((1 << size) - 1), size);
            self.run = 0;
        }
        for bit in std::mem::take(&mut self.finer) {
            self.bits(bit, 1);
        }
    }

    pub(super) fn flush(&mut self) {
        self.end_run();
        while self.count > 0 {
            self.bits(1, 1);
        }
    }
}

/// Bits of a value.
pub(super) fn size(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}
