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

    /// As [`real`](Self::real) where `text` has a fraction or an exponent, and as [`whole`](Self::whole) of other numbers; none where it
    /// is no number. Floats are read as they are written, without a wider type between.
    fn parse(text: &str) -> Option<Result<Self, Why>>;

    /// As [`long`](Self::long), for 8 bits, which all floats hold.
    fn byte(value: i16) -> Result<Self, Why> {
        Self::long(value.into())
    }
}

/// 2^63 and 2^64: the first floats that are too large for integers of 64 bits.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 2.0 * TWO_63;

macro_rules! floats {
    ($($kind:ident $near:expr, $parse:expr, $bytes:expr;)*) => {$(
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
                match wide.is_finite() && wide < TWO_63 && wide as i64 == value {
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

            fn parse(text: &str) -> Option<Result<Self, Why>> {
                let near: Self = ($parse)(text)?;
                Some(match written(text) {
                    Some(Written::Whole(value)) if !text.contains(['e', 'E']) => Self::whole(value),
                    // "inf" is no number of more digits than floats have.
                    Some(_) if !near.is_finite() => Err(Why::Beyond),
                    _ => Ok(near),
                })
            }

            fn byte(value: i16) -> Result<Self, Why> {
                Ok(($near)(f64::from(value)))
            }
        }
    )*};
}

floats! {
    f64 |value| value, |text: &str| text.parse().ok(), |array: &ArrayRef| Some(array.as_primitive_opt::<Float64Type>()?.values().inner().clone());
    f32 |value| value as f32, |text: &str| text.parse().ok(), |array: &ArrayRef| Some(array.as_primitive_opt::<Float32Type>()?.values().inner().clone());
    f16 f16::from_f64, |text: &str| text.parse().ok().map(f16::from_f64), |array: &ArrayRef| Some(array.as_primitive_opt::<Float16Type>()?.values().inner().clone());
    bf16 bf16::from_f64, |text: &str| text.parse().ok().map(bf16::from_f64), |_| None;
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

            fn parse(text: &str) -> Option<Result<Self, Why>> {
                text.parse::<f64>().ok()?;
                Some(match written(text) {
                    Some(Written::Whole(value)) => Self::whole(value),
                    Some(Written::Wide) => Err(Why::Outside),
                    Some(Written::Fraction) | None => Err(Why::NotWhole),
                })
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

    fn parse(text: &str) -> Option<Result<Self, Why>> {
        text.parse::<f64>().ok()?;
        Some(match written(text) {
            Some(Written::Whole(value)) => Self::whole(value),
            Some(Written::Wide | Written::Fraction) | None => Err(Why::NotBool),
        })
    }
}

/// What the digits of a number say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// A whole number.
    Whole(i128),
    /// A whole number that has no place in 128 bits.
    Wide,
    Fraction,
}

/// What `text` says, which floats are read from; none for an infinity and for what is no number.
fn written(text: &str) -> Option<Written> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        // More digits than this make a number 0 or too large.
        Some((number, exponent)) => (
            number,
            exponent.parse::<i64>().unwrap_or(match exponent.starts_with('-') {
                true => i64::from(i32::MIN),
                false => i64::from(i32::MAX),
            }),
        ),
        None => (text, 0),
    };
    let (is_negative, number) = match number.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some(Written::Whole(0));
    }
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let power = exponent.saturating_add(trailing as i64 - fraction.len() as i64);
    let Ok(power) = u32::try_from(power) else {
        return Some(if power < 0 { Written::Fraction } else { Written::Wide });
    };
    let value = 10_i128
        .checked_pow(power)
        .and_then(|power| significant.parse::<i128>().ok()?.checked_mul(power));
    Some(match value {
        Some(value) => Written::Whole(if is_negative { -value } else { value }),
        None => Written::Wide,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_a_text_say_whether_it_is_whole() {
        for (text, expected) in [
            ("9007199254740993.0", Some(Written::Whole(9_007_199_254_740_993))),
            ("-1.50e1", Some(Written::Whole(-15))),
            ("+120e-1", Some(Written::Whole(12))),
            ("0.000", Some(Written::Whole(0))),
            ("0e999999999999999999999", Some(Written::Whole(0))),
            ("0.99999999999999999999", Some(Written::Fraction)),
            ("5e-99999999999999999999", Some(Written::Fraction)),
            ("1e39", Some(Written::Wide)),
            ("1e99999999999999999999", Some(Written::Wide)),
            (".", None),
            ("inf", None),
            ("nan", None),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_becomes_the_number_it_says() {
        assert_eq!(i64::parse("9007199254740993.0"), Some(Ok(9_007_199_254_740_993)));
        assert_eq!(u64::parse("18446744073709551614.0"), Some(Ok(u64::MAX - 1)));
        assert_eq!(i64::parse("1e18"), Some(Ok(1_000_000_000_000_000_000)));
        assert_eq!(i64::parse("0.99999999999999999999"), Some(Err(Why::NotWhole)));
        assert_eq!(i64::parse("inf"), Some(Err(Why::NotWhole)));
        assert_eq!(i64::parse("one"), None);
        assert_eq!(bool::parse("1.00000000000000000001"), Some(Err(Why::NotBool)));
        assert_eq!(f32::parse("16777217.0"), Some(Err(Why::NotEqual)));
        assert_eq!(f32::parse("16777216.0"), Some(Ok(16_777_216.0)));
        // A whole f64 lies between: it would be rounded to the even one of its neighbours.
        assert_eq!(f32::parse("1.00000005960464477540"), Some(Ok(1.000_000_1)));
        assert_eq!(f64::parse("1e23"), Some(Ok(1e23)));
        assert_eq!(f32::parse("1e39"), Some(Err(Why::Beyond)));
        assert_eq!(f32::parse("-inf"), Some(Ok(f32::NEG_INFINITY)));
    }

    #[test]
    fn no_infinity_is_equal_to_a_whole_number() {
        assert_eq!(f16::long(i64::MIN), Err(Why::NotEqual));
        assert_eq!(f32::long(i64::MIN), Ok(-9_223_372_036_854_775_808.0));
        assert_eq!(f16::long(-65_504), Ok(f16::MIN));
    }
}
