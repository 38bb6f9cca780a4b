//! From values of more than eight bits to levels.

/// How values of more than eight bits become levels, and the largest that was seen.
#[derive(Clone, Copy, Debug)]
pub(in crate::image) struct Levels {
    /// The value that is white; none for the largest that the file's bits can hold.
    white: Option<u16>,
    pub(in crate::image) peak: Option<u16>,
}

impl Levels {
    pub(in crate::image) fn new(white: Option<u16>) -> Self {
        Self { white, peak: None }
    }

    /// The level of a value of `bits` bits, 9 to 16: `floor(256 * value / (white + 1))`, which is the upper eight bits where
    /// white is all ones. Values above white are white.
    pub(in crate::image) fn of(&mut self, value: u16, bits: u8) -> u8 {
        self.peak = self.peak.max(Some(value));
        match self.white {
            None => (value >> (bits - 8)) as u8,
            Some(white) => (u32::from(value.min(white)) * 256 / (u32::from(white) + 1)) as u8,
        }
    }
}
