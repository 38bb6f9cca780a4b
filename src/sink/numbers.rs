//! Columns of numbers of any type as those that tensors take.

use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::array_value_to_string;
use std::sync::Arc;

/// The numbers of a column, through dictionaries and fixed-size lists; none of them is null.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) array: ArrayRef,
    /// Numbers in a row.
    width: usize,
}

/// What every value becomes, or the first one that becomes nothing.
type Cast<T> = Result<Vec<T>, usize>;

impl Numbers {
    /// The numbers of `array`, the column named `column`.
    pub(super) fn of(column: &str, array: &ArrayRef) -> Result<Self> {
        let (mut array, mut width) = (Arc::clone(array), 1);
        loop {
            if let DataType::Dictionary(_, values) = array.data_type() {
                array = cast(&array, values)?;
            }
            let nulls = array.logical_nulls();
            if let Some(at) = nulls.and_then(|nulls| nulls.iter().position(|valid| !valid)) {
                let (row, nulls, all) = (at / width.max(1), array.logical_null_count(), array.len());
                let message =
                    format!("column \"{column}\": row {row} of the batch is null, and {nulls} of {all} values are");
                return Err(Error::data(message).at(row));
            }
            let Some(list) = array.as_fixed_size_list_opt() else {
                break;
            };
            let (inner, of_row) = values(list);
            width *= of_row;
            array = inner;
        }
        match array.data_type() {
            kind if kind.is_numeric() || *kind == DataType::Boolean => Ok(Self { array, width }),
            other => Err(Error::schema(format!("column \"{column}\" holds {other}, not numbers"))),
        }
    }

    /// As f32.
    pub(super) fn floats(&self, column: &str) -> Result<Vec<f32>> {
        let (cast, why) = match self.array.data_type() {
            DataType::Float16 => (self.each::<Float16Type, _>(|value| Some(value.into())), ""),
            DataType::Float32 => (self.each::<Float32Type, _>(Some), ""),
            DataType::Float64 => (self.each::<Float64Type, _>(rounded), "is beyond the largest f32"),
            kind if kind.is_decimal() => {
                let wide = cast(&self.array, &DataType::Float64)?;
                (each::<Float64Type, _>(&wide, rounded), "is beyond the largest f32")
            }
            _ => (self.whole(exact), "is a whole number that no f32 is equal to"),
        };
        cast.map_err(|at| self.inexact(column, at, why))
    }

    /// As i64.
    pub(super) fn ints(&self, column: &str) -> Result<Vec<i64>> {
        let whole = |value: f64| {
            // 2^63 is a float, and the first one that is too large.
            let fits = value.fract() == 0.0 && (-TWO_63..TWO_63).contains(&value);
            fits.then_some(value as i64)
        };
        let fraction = "is no whole number of 64 bits";
        let (cast, why) = match self.array.data_type() {
            DataType::Float16 => (self.each::<Float16Type, _>(|value| whole(value.into())), fraction),
            DataType::Float32 => (self.each::<Float32Type, _>(|value| whole(value.into())), fraction),
            DataType::Float64 => (self.each::<Float64Type, _>(whole), fraction),
            kind if kind.is_decimal() => (self.decimals()?, fraction),
            _ => (
                self.whole(|value| value.try_into().ok()),
                "is above the largest number of 64 bits with a sign",
            ),
        };
        cast.map_err(|at| self.inexact(column, at, why))
    }

    /// Integers and booleans.
    fn whole<T>(&self, of: impl Fn(i128) -> Option<T>) -> Cast<T> {
        match self.array.data_type() {
            DataType::Int8 => self.each::<Int8Type, _>(|value| of(value.into())),
            DataType::Int16 => self.each::<Int16Type, _>(|value| of(value.into())),
            DataType::Int32 => self.each::<Int32Type, _>(|value| of(value.into())),
            DataType::Int64 => self.each::<Int64Type, _>(|value| of(value.into())),
            DataType::UInt8 => self.each::<UInt8Type, _>(|value| of(value.into())),
            DataType::UInt16 => self.each::<UInt16Type, _>(|value| of(value.into())),
            DataType::UInt32 => self.each::<UInt32Type, _>(|value| of(value.into())),
            DataType::UInt64 => self.each::<UInt64Type, _>(|value| of(value.into())),
            _ => {
                let values = self.array.as_boolean().values().iter().enumerate();
                values.map(|(at, value)| of(value.into()).ok_or(at)).collect()
            }
        }
    }

    fn decimals(&self) -> Result<Cast<i64>> {
        let (DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale)) = self.array.data_type()
        else {
            return Ok(Err(0));
        };
        let wide = cast(&self.array, &DataType::Decimal128(38, *scale))?;
        let power = 10_i128.checked_pow(scale.unsigned_abs().into());
        let of = |value: i128| {
            let value = match power? {
                power if *scale < 0 => value.checked_mul(power)?,
                power if value % power != 0 => return None,
                power => value / power,
            };
            i64::try_from(value).ok()
        };
        Ok(each::<Decimal128Type, _>(&wide, of))
    }

    fn each<T: ArrowPrimitiveType, O>(&self, of: impl Fn(T::Native) -> Option<O>) -> Cast<O> {
        each::<T, O>(&self.array, of)
    }

    pub(super) fn inexact(&self, column: &str, at: usize, why: &str) -> Error {
        let (row, value) = (at / self.width.max(1), array_value_to_string(&self.array, at));
        let value = value.unwrap_or_default();
        Error::data(format!("column \"{column}\": {value} in row {row} of the batch {why}")).at(row)
    }
}

const TWO_63: f64 = 9_223_372_036_854_775_808.0;

fn each<T: ArrowPrimitiveType, O>(array: &ArrayRef, of: impl Fn(T::Native) -> Option<O>) -> Cast<O> {
    let values = array.as_primitive::<T>().values().iter().enumerate();
    values.map(|(at, &value)| of(value).ok_or(at)).collect()
}

/// The values of all rows, and how many each has.
fn values(list: &FixedSizeListArray) -> (ArrayRef, usize) {
    let width = list.value_length() as usize;
    let first = list.value_offset(0) as usize;
    (list.values().slice(first, list.len() * width), width)
}

/// The nearest f32; none for a number beyond the largest one.
fn rounded(value: f64) -> Option<f32> {
    let near = value as f32;
    (near.is_finite() || !value.is_finite()).then_some(near)
}

/// The f32 of the same value.
fn exact(value: i128) -> Option<f32> {
    let near = value as f32;
    (near as i128 == value).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BooleanArray, Decimal128Array, DictionaryArray, Float16Array, Float64Array, Int8Array, Int64Array, StringArray,
        UInt64Array,
    };
    use arrow::datatypes::{Field, Int32Type};

    fn floats(array: impl Array + 'static) -> Result<Vec<f32>> {
        Numbers::of("c", &(Arc::new(array) as ArrayRef))?.floats("c")
    }

    fn ints(array: impl Array + 'static) -> Result<Vec<i64>> {
        Numbers::of("c", &(Arc::new(array) as ArrayRef))?.ints("c")
    }

    fn said<T: std::fmt::Debug>(result: Result<T>) -> (String, Option<usize>) {
        let error = result.expect_err("it is refused");
        (error.to_string(), error.index())
    }

    fn decimal(values: Vec<i128>, scale: i8) -> Decimal128Array {
        let array = Decimal128Array::from(values);
        array.with_precision_and_scale(38, scale).expect("it fits")
    }

    #[test]
    fn exact_numbers_are_cast() -> Result<()> {
        assert_eq!(
            floats(Int64Array::from(vec![-5, 0, 1 << 24, (1 << 24) + 2]))?,
            [-5.0, 0.0, 16_777_216.0, 16_777_218.0]
        );
        assert_eq!(floats(Int8Array::from(vec![-128, 127]))?, [-128.0, 127.0]);
        assert_eq!(floats(UInt64Array::from(vec![1 << 63]))?, [9.223_372e18]);
        assert_eq!(floats(BooleanArray::from(vec![true, false]))?, [1.0, 0.0]);
        let half = Float16Array::from(cast_half(&[0.5, -2.0])?);
        assert_eq!(
            (floats(half.clone())?, ints(half.slice(1, 1))?),
            (vec![0.5, -2.0], vec![-2])
        );
        assert_eq!(ints(Int8Array::from(vec![-128, 127]))?, [-128, 127]);
        assert_eq!(ints(UInt64Array::from(vec![u64::MAX >> 1]))?, [i64::MAX]);
        assert_eq!(ints(BooleanArray::from(vec![true, false]))?, [1, 0]);
        assert_eq!(ints(Float64Array::from(vec![-0.0, 3.0, -TWO_63]))?, [0, 3, i64::MIN]);
        Ok(())
    }

    fn cast_half(values: &[f64]) -> Result<arrow::array::ArrayData> {
        let wide: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        Ok(cast(&wide, &DataType::Float16)?.to_data())
    }

    #[test]
    fn fractions_round_to_the_nearest_f32() -> Result<()> {
        let found = floats(Float64Array::from(vec![0.1, 1.0 / 3.0, f64::INFINITY, 1e-60]))?;
        assert_eq!(found, [0.1, 1.0 / 3.0, f32::INFINITY, 0.0]);
        assert!(floats(Float64Array::from(vec![f64::NAN]))?[0].is_nan());
        assert_eq!(floats(decimal(vec![125, -10], 2))?, [1.25, -0.1]);
        assert_eq!(
            (ints(decimal(vec![500, -100], 2))?, ints(decimal(vec![5], -3))?),
            (vec![5, -1], vec![5000])
        );
        Ok(())
    }

    #[test]
    fn what_is_inexact_is_named_with_its_row() {
        let of = "column \"c\": ";
        for (found, text) in [
            (
                said(floats(Int64Array::from(vec![0, 16_777_217]))),
                "16777217 in row 1 of the batch is a whole number that no f32 is equal to",
            ),
            (
                said(floats(Int64Array::from(vec![0, i64::MAX]))),
                "9223372036854775807 in row 1 of the batch is a whole number that no f32 is equal to",
            ),
            (
                said(floats(Float64Array::from(vec![0.0, -1e39]))),
                "-1e39 in row 1 of the batch is beyond the largest f32",
            ),
            (
                said(ints(UInt64Array::from(vec![0, 1 << 63]))),
                "9223372036854775808 in row 1 of the batch is above the largest number of 64 bits with a sign",
            ),
            (
                said(ints(Float64Array::from(vec![0.0, 1.5]))),
                "1.5 in row 1 of the batch is no whole number of 64 bits",
            ),
            (
                said(ints(Float64Array::from(vec![0.0, TWO_63]))),
                "9.223372036854776e18 in row 1 of the batch is no whole number of 64 bits",
            ),
            (
                said(ints(Float64Array::from(vec![0.0, f64::NAN]))),
                "NaN in row 1 of the batch is no whole number of 64 bits",
            ),
            (
                said(ints(decimal(vec![100, 150], 2))),
                "1.50 in row 1 of the batch is no whole number of 64 bits",
            ),
            (
                said(ints(Int64Array::from(vec![Some(1), None, None]))),
                "row 1 of the batch is null, and 2 of 3 values are",
            ),
        ] {
            assert_eq!(found, (format!("{of}{text}"), Some(1)));
        }
        let words = said(floats(StringArray::from(vec!["1"])));
        assert_eq!(words, ("column \"c\" holds Utf8, not numbers".to_owned(), None));
    }

    #[test]
    fn lists_and_dictionaries_are_seen_through() -> Result<()> {
        let list = |values: Vec<Option<i64>>| {
            let item = Arc::new(Field::new_list_field(DataType::Int64, true));
            FixedSizeListArray::try_new(item, 2, Arc::new(Int64Array::from(values)), None)
        };
        let whole = list([1, 2, 3, 4, 5, 6].map(Some).to_vec())?;
        assert_eq!(floats(whole.slice(1, 2))?, [3.0, 4.0, 5.0, 6.0]);
        let holed = list(vec![Some(1), Some(2), Some(3), None])?;
        assert_eq!(said(floats(holed)).1, Some(1));
        let words: DictionaryArray<Int32Type> =
            DictionaryArray::new(vec![1, 0, 1].into(), Arc::new(Int64Array::from(vec![7, 9])));
        assert_eq!(
            (floats(words.clone())?, ints(words)?),
            (vec![9.0, 7.0, 9.0], vec![9, 7, 9])
        );
        let null_value = Int64Array::from(vec![Some(7), None]);
        let holed: DictionaryArray<Int32Type> = DictionaryArray::new(vec![0, 1].into(), Arc::new(null_value));
        assert_eq!(said(ints(holed)).1, Some(1));
        Ok(())
    }
}
