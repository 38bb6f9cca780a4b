//! What the values of pixels may be.

use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::thread::LocalKey;

/// What the pixels of a stage are while it works on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// Levels of `0..=255`, of 8 bits.
    #[default]
    U8,
    /// `f32`, of which 0 is black and 1 white: pictures of more than 8 bits lose nothing.
    F32,
}

/// A value of a pixel: a level of `0..=255` in 8 bits, or an `f32`, of which 0 is black and 1 white.
pub trait Level: sealed::Level {
    /// Of what depth it is.
    const DEPTH: Depth;

    /// A level of `0..=255`, or what that is as an `f32`.
    fn of(level: u8) -> Self;

    /// The nearest level of `0..=255`.
    fn to_u8(self) -> u8;
}

pub(in crate::image) mod sealed {
    use super::{LocalKey, RefCell};

    /// No more than those of this file.
    pub trait Level: bytemuck::Pod + Default + PartialEq + PartialOrd + Send + Sync {
        /// The level as a number: of `0..=255`, or what it is.
        fn number(self) -> f32;

        /// The level of a [number](Self::number) that lies between those of two levels.
        fn of_number(number: f32) -> Self;

        /// Black of white, and white of black.
        fn inverted(self) -> Self;

        /// The buffer that pictures are drawn into; swapped with a picture's own, so nothing is allocated per row.
        fn spare() -> &'static LocalKey<RefCell<Vec<Self>>>;

        /// Colours that were taken apart from alpha.
        fn colors() -> &'static LocalKey<RefCell<Vec<Self>>>;
    }
}

macro_rules! level {
    ($type:ty, $depth:ident: |$level:ident| $of:expr, |$value:ident| $to:expr, $number:expr, |$float:ident| $of_number:expr, $inverted:expr) => {
        impl Level for $type {
            const DEPTH: Depth = Depth::$depth;

            #[inline(always)]
            fn of($level: u8) -> Self {
                $of
            }

            #[inline(always)]
            fn to_u8(self) -> u8 {
                let $value = self;
                $to
            }
        }

        impl sealed::Level for $type {
            #[inline(always)]
            fn number(self) -> f32 {
                let $value = self;
                $number
            }

            #[inline(always)]
            fn of_number($float: f32) -> Self {
                $of_number
            }

            #[inline(always)]
            fn inverted(self) -> Self {
                let $value = self;
                $inverted
            }

            fn spare() -> &'static LocalKey<RefCell<Vec<Self>>> {
                thread_local! {
                    static SPARE: RefCell<Vec<$type>> = const { RefCell::new(Vec::new()) };
                }
                &SPARE
            }

            fn colors() -> &'static LocalKey<RefCell<Vec<Self>>> {
                thread_local! {
                    static COLORS: RefCell<Vec<$type>> = const { RefCell::new(Vec::new()) };
                }
                &COLORS
            }
        }
    };
}

level!(u8, U8: |level| level, |value| value, f32::from(value), |number| (number + 0.5) as u8, !value);
// Below 0 and above 1 are black and white; a cast ends at the limits.
level!(f32, F32: |level| share(level), |value| (value * 255.0 + 0.5) as u8, value, |number| number, 1.0 - value);

/// `level / 255` to the last bit, without the division: 1/255 is 1/256 and 1/256 of 1/255.
#[inline(always)]
pub(in crate::image) fn share(level: u8) -> f32 {
    let level = f32::from(level);
    level * (1.0 / 256.0) + level * (1.0 / 65_280.0)
}

/// The luma of ITU-R 601; that of grey is the grey.
#[inline(always)]
pub(in crate::image) fn luma([red, green, blue]: [f32; 3]) -> f32 {
    match red == green && green == blue {
        true => red,
        false => 0.299 * red + 0.587 * green + 0.114 * blue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_division_and_back() {
        assert!((0..=255).all(|level| share(level) == f32::from(level) / 255.0));
        assert!((0..=255).all(|level| f32::of(level).to_u8() == level));
        assert_eq!([-1.0, 0.0, 0.5, 1.0, 7.0].map(f32::to_u8), [0, 0, 128, 255, 255]);
    }
}
