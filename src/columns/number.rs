//! Types of numbers, and what goes into each of them.

use arrow::array::{ArrayRef, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use burn::tensor::{Element, bf16, f16};

/// Why a value does not go into a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is a whole number that is equal to none of the type.
    NotEqual,
    /// It is a float beyond the largest one of the type.
    Beyond,
    /// It has a fraction, or is no number.
    NotWhole,
    /// It is outside the range of the type.
    Outside,
    /// It is neither 0 nor 1.
    NotBool,
}

impl Why {
    /// In words, of the type named `of`.
    pub(crate) fn text(self, of: &str) -> String {
        match self {
            Self::NotEqual => format!("is a whole number that no {of} is equal to"),
            Self::Beyond => format!("is beyond the largest {of}"),
            Self::NotWhole => "is no whole number".to_owned(),
            Self::Outside => format!("does not fit into {of}: ask for another type, as in `(&device, DType::I64)`"),
            Self::NotBool => "is neither 0 nor 1".to_owned(),
        }
    }
}

/// A type that the values of tensors have.
pub(crate) trait Number: Element + Default {
    /// What it is called.
    const NAME: &str;

    /// The bytes of `array`, if it holds values of this very type.
    fn bytes_of(array: &ArrayRef) -> Option<Buffer>;

    /// The nearest value for floats, the same one for integers.
    fn real(value: f64) -> Result<Self, Why>;

    /// The same value.
    fn long(value: i64) -> Result<Self, Why>;

    /// As [`long`](Self::long), for any integer.
    fn whole(value: i128) -> Result<Self, Why>;

    /// As [`long`](Self::long), for 8 bits, which all floats hold.
    fn byte(value: i16) -> Result<Self, Why> {
        Self::long(value.into())
    }
}

/// 2^63 and 2^64: the first floats that are too large for integers of 64 bits.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 2.0 * TWO_63;

macro_rules! floats {
    ($($kind:ident $near:expr, $bytes:expr;)*) => {$(
        impl Number for $kind {
            const NAME: &str = stringify!($kind);

            fn bytes_of(array: &ArrayRef) -> Option<Buffer> {
                ($bytes)(array)
            }

            fn real(value: f64) -> Result<Self, Why> {
                let near: Self = ($near)(value);
                match near.is_finite() || !value.is_finite() {
                    true => Ok(near),
                    false => Err(Why::Beyond),
                }
            }

            fn long(value: i64) -> Result<Self, Why> {
                let near: Self = ($near)(value as f64);
                let wide = f64::from(near);
                // A cast stops at the largest integer.
                match wide < TWO_63 && wide as i64 == value {
                    true => Ok(near),
                    false => Err(Why::NotEqual),
                }
            }

            fn whole(value: i128) -> Result<Self, Why> {
                let near: Self = ($near)(value as f64);
                let wide = f64::from(near);
                match wide.is_finite() && wide as i128 == value {
                    true => Ok(near),
                    false => Err(Why::NotEqual),
                }
            }

            fn byte(value: i16) -> Result<Self, Why> {
                Ok(($near)(f64::from(value)))
            }
        }
    )*};
}

floats! {
    f64 |value| value, |array: &ArrayRef| Some(array.as_primitive_opt::<Float64Type>()?.values().inner().clone());
    f32 |value| value as f32, |array: &ArrayRef| Some(array.as_primitive_opt::<Float32Type>()?.values().inner().clone());
    f16 f16::from_f64, |array: &ArrayRef| Some(array.as_primitive_opt::<Float16Type>()?.values().inner().clone());
    bf16 bf16::from_f64, |_| None;
}

macro_rules! integers {
    ($($kind:ident $arrow:ident)*) => {$(
        impl Number for $kind {
            const NAME: &str = stringify!($kind);

            fn bytes_of(array: &ArrayRef) -> Option<Buffer> {
                Some(array.as_primitive_opt::<$arrow>()?.values().inner().clone())
            }

            fn real(value: f64) -> Result<Self, Why> {
                if value.fract() != 0.0 {
                    return Err(Why::NotWhole);
                }
                if (-TWO_63..TWO_63).contains(&value) {
                    Self::long(value as i64)
                } else if (TWO_63..TWO_64).contains(&value) {
                    Self::whole((value as u64).into())
                } else {
                    Err(if value.is_finite() { Why::Outside } else { Why::NotWhole })
                }
            }

            fn long(value: i64) -> Result<Self, Why> {
                value.try_into().map_err(|_| Why::Outside)
            }

            fn whole(value: i128) -> Result<Self, Why> {
                value.try_into().map_err(|_| Why::Outside)
            }
        }
    )*};
}

integers! {
    i64 Int64Type i32 Int32Type i16 Int16Type i8 Int8Type u64 UInt64Type u32 UInt32Type u16 UInt16Type u8 UInt8Type
}

impl Number for bool {
    const NAME: &str = "bool";

    fn bytes_of(_: &ArrayRef) -> Option<Buffer> {
        None
    }

    fn real(value: f64) -> Result<Self, Why> {
        match value {
            0.0 => Ok(false),
            1.0 => Ok(true),
            _ => Err(Why::NotBool),
        }
    }

    fn long(value: i64) -> Result<Self, Why> {
        Self::whole(value.into())
    }

    fn whole(value: i128) -> Result<Self, Why> {
        match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Why::NotBool),
        }
    }
}
