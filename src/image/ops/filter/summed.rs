//! Sums and means of levels, of either depth.

use crate::image::Level;
use std::ops::{AddAssign, SubAssign};

/// A level whose sums are exact: of 8 bits wherever there are at most 257, and of `f32` but for the last bits of an `f64`.
pub(super) trait Summed: Level {
    /// A sum.
    type Sum: Copy + Default + AddAssign + SubAssign + From<Self>;
    /// One over how many there are.
    type Share: Copy;

    fn share(count: usize) -> Self::Share;

    /// The mean, of 8 bits the nearest level.
    fn mean(sum: Self::Sum, share: Self::Share) -> Self;
}

impl Summed for u8 {
    type Sum = u16;
    type Share = f32;

    fn share(count: usize) -> f32 {
        1.0 / count as f32
    }

    #[inline(always)]
    fn mean(sum: u16, share: f32) -> u8 {
        // An odd number of odd ones never leaves a half, so the nearest level is the same in any arithmetic.
        (f32::from(sum) * share + 8_388_608.0).to_bits() as u8
    }
}

impl Summed for f32 {
    type Sum = f64;
    type Share = f64;

    fn share(count: usize) -> f64 {
        1.0 / count as f64
    }

    #[inline(always)]
    fn mean(sum: f64, share: f64) -> f32 {
        (sum * share) as f32
    }
}
