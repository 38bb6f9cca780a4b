//! Values of more than 8 bits as shares of white.

use crate::image::level::luma;

/// How whole numbers become shares of white.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    white: u16,
}

impl Scale {
    /// White defaults to the largest value of `bits` bits.
    pub(super) fn new(white: Option<u16>, bits: u8) -> Self {
        let largest = u16::MAX >> (16 - u32::from(bits.min(16)));
        Self {
            white: white.unwrap_or(largest),
        }
    }

    pub(super) fn of(self, value: u16) -> f32 {
        f32::from(value.min(self.white)) / f32::from(self.white)
    }
}

/// Adds a pixel of so many channels: its luma of ITU-R 601, which of grey is exact, its colour, or its colour and alpha.
pub(super) fn write(color: [f32; 3], alpha: f32, channels: usize, levels: &mut Vec<f32>) {
    match channels {
        1 => levels.push(luma(color)),
        4 => levels.extend([color[0], color[1], color[2], alpha]),
        _ => levels.extend(color),
    }
}
