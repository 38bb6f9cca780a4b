//! Numbers that f64 tells apart, and those that it does not.

use crate::error::{Error, Remedy, Result};
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL128_MAX_SCALE, DataType, Decimal128Type, Int64Type, UInt64Type,
};
use arrow::util::display::array_value_to_string;
use std::collections::HashMap;

/// f64 has all whole numbers up to here, 2^53.
const EXACT: u64 = 1 << 53;

/// What the values of one column are as f64, in all the sets of rows that are compared: where two values are one f64, nothing that is computed of them is true.
#[derive(Debug, Default)]
pub(crate) struct ToldApart {
    /// The digits that became an f64, and how many of them stand behind the point.
    known: HashMap<u64, (i128, i8)>,
}

impl ToldApart {
    /// Refuses numbers of `column` that are not told apart; `numbers` are its values as f64.
    ///
    /// # Errors
    ///
    /// `Data` at the row of the first whole number or decimal beyond 2^53, and of the first decimal that is the same f64 as another one.
    pub(crate) fn check(&mut self, name: &str, column: &ArrayRef, numbers: &Float64Array) -> Result<()> {
        refuse_beyond(name, column, numbers)?;
        let (DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale)) = column.data_type()
        else {
            return Ok(());
        };
        let wide = match column.data_type() {
            DataType::Decimal128(..) => Some(ArrayRef::clone(column)),
            _ if *scale > DECIMAL128_MAX_SCALE => None,
            // Of more digits than it holds it is null.
            _ => Some(cast(column, &DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale))?),
        };
        let wide = wide.as_ref().map(|wide| wide.as_primitive::<Decimal128Type>());
        for (row, number) in numbers.iter().enumerate() {
            let Some(number) = number else { continue };
            let Some(digits) = wide.filter(|wide| wide.is_valid(row)).map(|wide| wide.value(row)) else {
                return Err(refused((name, column, row), "decimals of more than 38 digits", AS_TEXT));
            };
            if !self.is_told_apart(number, (digits, *scale)) {
                let what = "decimals that differ behind the 15th digit alone";
                return Err(refused((name, column, row), what, AS_TEXT));
            }
        }
        Ok(())
    }

    /// Refuses times of `column` that are not told apart; `times` are they in whole units.
    ///
    /// # Errors
    ///
    /// `Data` at the row of the first one that is the same f64 as another one: of today's nanoseconds those that lie within 256.
    pub(crate) fn check_times(&mut self, name: &str, column: &ArrayRef, times: &Int64Array) -> Result<()> {
        for (row, time) in times.iter().enumerate() {
            let Some(time) = time.filter(|time| time.unsigned_abs() >= EXACT) else {
                continue;
            };
            if !self.is_told_apart(time as f64, (i128::from(time), 0)) {
                let advice = "store the column in a coarser unit, such as microseconds, or leave it out";
                let what = "times of so fine a unit that lie so near to each other";
                return Err(refused((name, column, row), what, advice));
            }
        }
        Ok(())
    }

    /// Whether no other value was `number`.
    fn is_told_apart(&mut self, number: f64, of: (i128, i8)) -> bool {
        let known = *self.known.entry(number.to_bits()).or_insert(of);
        is_equal(known, of)
    }
}

/// What to do with a column of numbers that are not told apart.
const AS_TEXT: &str = "leave the column out, or store it as text";

/// Refuses whole numbers and decimals beyond 2^53; `numbers` are the values of `column` as f64.
///
/// # Errors
///
/// `Data` at the row of the first one.
pub(crate) fn refuse_beyond(name: &str, column: &ArrayRef, numbers: &Float64Array) -> Result<()> {
    let row = match column.data_type() {
        // As they are stored: the first one beyond is rounded to 2^53.
        DataType::Int64 => column
            .as_primitive::<Int64Type>()
            .iter()
            .position(|value| value.is_some_and(|value| value.unsigned_abs() > EXACT)),
        DataType::UInt64 => column
            .as_primitive::<UInt64Type>()
            .iter()
            .position(|value| value.is_some_and(|value| value > EXACT)),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            numbers
                .iter()
                .position(|number| number.is_some_and(|number| number.abs() > EXACT as f64))
        }
        _ => None,
    };
    match row {
        Some(row) => Err(refused((name, column, row), "whole numbers beyond 2^53", AS_TEXT)),
        None => Ok(()),
    }
}

fn refused((name, column, row): (&str, &ArrayRef, usize), what: &str, advice: &str) -> Error {
    // All digits, as they are stored.
    let held = array_value_to_string(column, row).unwrap_or_default();
    let error = Error::data(format!(
        "column \"{name}\" holds {held}, and {what} are not told apart: {advice}"
    ));
    error.with_remedy(Remedy::IgnoreColumn).at(row)
}

/// Whether decimals of these digits, of which so many stand behind the point, are one number.
fn is_equal(one: (i128, i8), other: (i128, i8)) -> bool {
    let scale = one.1.max(other.1);
    let at = |(digits, own): (i128, i8)| {
        let power = 10_i128.checked_pow((i32::from(scale) - i32::from(own)).unsigned_abs())?;
        digits.checked_mul(power)
    };
    at(one).is_some_and(|one| at(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, Decimal256Array, TimestampNanosecondArray, UInt64Array};
    use arrow::datatypes::{Float64Type, i256};
    use std::sync::Arc;

    fn checked(of: &mut ToldApart, column: &ArrayRef) -> std::result::Result<(), (Option<usize>, String)> {
        let numbers = cast(column, &DataType::Float64).unwrap();
        let checked = of.check("a", column, numbers.as_primitive::<Float64Type>());
        checked.map_err(|error| (error.index(), error.to_string()))
    }

    #[test]
    fn whole_numbers_are_told_apart_up_to_2_to_the_53() {
        let most = 1_i64 << 53;
        let signed = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let unsigned = |values: Vec<u64>| -> ArrayRef { Arc::new(UInt64Array::from(values)) };
        for fine in [signed(vec![most, -most, 0]), unsigned(vec![EXACT, 7])] {
            assert_eq!(checked(&mut ToldApart::default(), &fine), Ok(()));
        }
        for (column, held) in [
            (signed(vec![1, most + 1]), "9007199254740993"),
            (signed(vec![1, -most - 1]), "-9007199254740993"),
            (signed(vec![1, i64::MIN]), "-9223372036854775808"),
            (unsigned(vec![1, EXACT + 1]), "9007199254740993"),
        ] {
            let (row, said) = checked(&mut ToldApart::default(), &column).unwrap_err();
            let whole = format!(
                "column \"a\" holds {held}, and whole numbers beyond 2^53 are not told apart: leave the column out, or store it as text"
            );
            assert_eq!((row, said), (Some(1), whole));
        }
    }

    #[test]
    fn decimals_of_several_sets_are_compared_by_their_value() {
        let of = |digits: Vec<i128>, scale: i8| -> ArrayRef {
            let decimals = Decimal128Array::from(digits);
            Arc::new(decimals.with_precision_and_scale(38, scale).unwrap())
        };
        let mut told_apart = ToldApart::default();
        assert_eq!(checked(&mut told_apart, &of(vec![125, 0, 333_333], 2)), Ok(()));
        assert_eq!(checked(&mut told_apart, &of(vec![1_250_000, 0], 6)), Ok(()));
        let third = 333_333_333_333_333_333;
        assert_eq!(checked(&mut told_apart, &of(vec![third], 18)), Ok(()));
        let (row, said) = checked(&mut told_apart, &of(vec![0, third + 1], 18)).unwrap_err();
        assert_eq!(row, Some(1));
        assert!(said.contains("differ behind the 15th digit alone"), "{said}");
        // Wider ones as well.
        let wide = |digits: i128, scale: i8| -> ArrayRef {
            let decimals = Decimal256Array::from(vec![i256::from_i128(digits)]);
            Arc::new(decimals.with_precision_and_scale(76, scale).unwrap())
        };
        assert_eq!(checked(&mut told_apart, &wide(12_500, 4)), Ok(()));
        let (_, said) = checked(&mut told_apart, &wide(1, 50)).unwrap_err();
        assert!(said.contains("decimals of more than 38 digits"), "{said}");
    }

    #[test]
    fn nanoseconds_may_be_rounded_and_not_be_mistaken_for_others() {
        let now = 1_700_000_000_000_000_000_i64;
        let mut told_apart = ToldApart::default();
        let mut check = |times: Vec<i64>| {
            let column: ArrayRef = Arc::new(TimestampNanosecondArray::from(times.clone()));
            let checked = told_apart.check_times("t", &column, &Int64Array::from(times));
            checked.map_err(|error| (error.index(), error.to_string()))
        };
        assert_eq!(check(vec![now, now + 1_000_003, now, 5]), Ok(()));
        let (row, said) = check(vec![3, now + 1]).unwrap_err();
        assert_eq!(row, Some(1));
        assert!(
            said.contains("are not told apart: store the column in a coarser unit"),
            "{said}"
        );
    }
}
