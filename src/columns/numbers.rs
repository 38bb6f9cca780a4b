//! Columns of numbers of any type as those that tensors take.
//!
//! Long because more than half of it tests every type by value.

use super::is_bool8;
use super::number::{Number, Why};
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::array_value_to_string;
use std::sync::Arc;

/// The numbers of a column, through dictionaries and fixed-size lists; none of them is null.
#[derive(Debug)]
pub(crate) struct Numbers {
    column: String,
    pub(crate) array: ArrayRef,
    /// Numbers in an item: in a row, or in an item of a row's list.
    width: usize,
    /// Where the items of each row end, if a row has no certain number of them.
    ends: Option<Vec<usize>>,
    /// Whether bytes are booleans, and all but 0 are true.
    bool8: bool,
    /// Whether errors leave it to their reader to say which row it is.
    unplaced: bool,
}

/// What every value becomes, or the first one that becomes nothing, and why.
type Cast<T> = Result<Vec<T>, (usize, Why)>;

impl Numbers {
    /// The numbers of `array`, the column of `field`.
    pub(crate) fn of(field: &Field, array: &ArrayRef) -> Result<Self> {
        Self::in_rows(field.name(), field, array, None)
    }

    /// The numbers of `array`, of `field`, whose row `r` ends before item `ends[r]`, in the column named `column`.
    pub(crate) fn in_rows(column: &str, field: &Field, array: &ArrayRef, ends: Option<Vec<usize>>) -> Result<Self> {
        Self::read((column, field), array, (ends, false))
    }

    /// As [`in_rows`](Self::in_rows), of what errors place by their [index](Error::index) alone.
    pub(crate) fn unplaced(column: &str, field: &Field, array: &ArrayRef, ends: Vec<usize>) -> Result<Self> {
        Self::read((column, field), array, (Some(ends), true))
    }

    fn read(
        (column, field): (&str, &Field),
        array: &ArrayRef,
        (ends, unplaced): (Option<Vec<usize>>, bool),
    ) -> Result<Self> {
        let mut numbers = Self {
            unplaced,
            column: column.to_owned(),
            array: Arc::clone(array),
            width: 1,
            ends,
            bool8: is_bool8(field),
        };
        loop {
            if let DataType::Dictionary(_, values) = numbers.array.data_type() {
                numbers.array = cast(&numbers.array, values)?;
            }
            numbers.refuse_nulls()?;
            let Some(list) = numbers.array.as_fixed_size_list_opt() else {
                break;
            };
            let (inner, of_item) = values(list);
            numbers.width *= of_item;
            numbers.array = inner;
        }
        match numbers.array.data_type() {
            kind if kind.is_numeric() || *kind == DataType::Boolean => Ok(numbers),
            other => Err(Error::schema(format!("column \"{column}\" holds {other}, not numbers"))),
        }
    }

    fn refuse_nulls(&self) -> Result<()> {
        let nulls = self.array.logical_nulls();
        let Some(at) = nulls.and_then(|nulls| nulls.iter().position(|valid| !valid)) else {
            return Ok(());
        };
        let (row, nulls, all) = (self.row_of(at), self.array.logical_null_count(), self.array.len());
        let what = match (self.unplaced, self.ends.is_none() && self.width == 1) {
            (true, _) => "a value is null".to_owned(),
            (false, true) => format!("row {row} of the batch is null"),
            (false, false) => format!("a value in row {row} of the batch is null"),
        };
        let mend = if self.unplaced {
            ": correct the row, or leave it out"
        } else {
            ""
        };
        let message = format!(
            "column \"{}\": {what}, and {nulls} of {all} values are{mend}",
            self.column
        );
        Err(Error::data(message).at(row))
    }

    /// The row that value `at` is in.
    fn row_of(&self, at: usize) -> usize {
        let item = at / self.width.max(1);
        match &self.ends {
            Some(ends) => ends.partition_point(|&end| end <= item),
            None => item,
        }
    }

    /// The bytes of all values, if they are of this type already.
    pub(crate) fn bytes<T: Number>(&self) -> Option<Buffer> {
        match self.bool8 {
            false => T::bytes_of(&self.array),
            // Burn takes no other byte for a boolean.
            true => {
                let bytes = self.array.as_primitive_opt::<Int8Type>()?.values();
                let whole = T::NAME == bool::NAME && bytes.iter().all(|byte| (0..2).contains(byte));
                whole.then(|| bytes.inner().clone())
            }
        }
    }

    /// Each of them, exactly or (a fraction in a float) to the nearest.
    pub(crate) fn values<T: Number>(&self) -> Result<Vec<T>> {
        self.exact().map_err(|(at, why)| self.refused(at, &why.text(T::NAME)))
    }

    /// As [`values`](Self::values); a failure is the value that is refused and why.
    pub(crate) fn exact<T: Number>(&self) -> Cast<T> {
        let array = &self.array;
        match array.data_type() {
            DataType::Int8 if self.bool8 => each::<Int8Type, T>(array, |value| T::byte((value != 0).into())),
            DataType::Int8 => each::<Int8Type, T>(array, |value| T::byte(value.into())),
            DataType::UInt8 => each::<UInt8Type, T>(array, |value| T::byte(value.into())),
            DataType::Int16 => each::<Int16Type, T>(array, |value| T::long(value.into())),
            DataType::UInt16 => each::<UInt16Type, T>(array, |value| T::long(value.into())),
            DataType::Int32 => each::<Int32Type, T>(array, |value| T::long(value.into())),
            DataType::UInt32 => each::<UInt32Type, T>(array, |value| T::long(value.into())),
            DataType::Int64 => each::<Int64Type, T>(array, T::long),
            DataType::UInt64 => each::<UInt64Type, T>(array, |value| T::whole(value.into())),
            DataType::Float16 => each::<Float16Type, T>(array, |value| T::real(value.into())),
            DataType::Float32 => each::<Float32Type, T>(array, |value| T::real(value.into())),
            DataType::Float64 => each::<Float64Type, T>(array, T::real),
            DataType::Boolean => {
                let values = array.as_boolean().values().iter();
                all(values.map(|value| T::byte(value.into())))
            }
            _ => self.decimals(),
        }
    }

    /// Each as its digits say: exactly, or in a float the nearest.
    fn decimals<T: Number>(&self) -> Cast<T> {
        let (DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale)) = *self.array.data_type()
        else {
            return Err((0, Why::NotWhole));
        };
        // What has more than 38 digits is null here.
        let short = cast(&self.array, &DataType::Decimal128(38, scale)).ok();
        let short = short
            .as_ref()
            .and_then(|array| array.as_primitive_opt::<Decimal128Type>());
        let value = |at: usize| {
            let digits = short.filter(|short| short.is_valid(at)).map(|short| short.value(at));
            match digits.and_then(|digits| decimal::<T>(digits, scale)) {
                Some(value) => value,
                // With an exponent the number is a float, which is rounded.
                None => T::parse(&format!("{}e0", self.text(at))).unwrap_or(Err(Why::NotWhole)),
            }
        };
        all((0..self.array.len()).map(value))
    }

    /// Value `at` as text.
    pub(crate) fn text(&self, at: usize) -> String {
        array_value_to_string(&self.array, at).unwrap_or_default()
    }

    /// Value `at`, which `why` says something of, is refused.
    pub(crate) fn refused(&self, at: usize, why: &str) -> Error {
        let (column, row, value) = (&self.column, self.row_of(at), self.text(at));
        let place = match self.unplaced {
            true => String::new(),
            false => format!(" in row {row} of the batch"),
        };
        Error::data(format!("column \"{column}\": {value}{place} {why}")).at(row)
    }
}

fn each<A: ArrowPrimitiveType, T: Number>(array: &ArrayRef, of: impl Fn(A::Native) -> Result<T, Why>) -> Cast<T> {
    all(array.as_primitive::<A>().values().iter().map(|&value| of(value)))
}

/// All values, or the first failure. Collecting results would forget how many there are, and grow the vector value by value.
fn all<T: Number>(values: impl Iterator<Item = Result<T, Why>>) -> Cast<T> {
    let mut failed = None;
    let value = |(at, value): (usize, Result<T, Why>)| {
        value.unwrap_or_else(|why| {
            failed.get_or_insert((at, why));
            T::default()
        })
    };
    let out = values.enumerate().map(value).collect();
    failed.map_or(Ok(out), Err)
}

/// `digits` divided by ten to the power of `scale`, where that takes one step; none where all digits have to be looked at.
fn decimal<T: Number>(digits: i128, scale: i8) -> Option<Result<T, Why>> {
    // Floats of 64 bits hold such whole numbers, and powers of ten up to this one: a division then rounds once.
    const EXACT: u128 = 1 << 53;
    const POWER: i8 = 22;
    // Halfway between two floats of 32 bits, a second rounding could go the wrong way.
    let is_halfway = |value: f64| value.to_bits() & ((1 << 29) - 1) == 1 << 28;
    let power = 10_i128.checked_pow(scale.unsigned_abs().into())?;
    let whole = match scale < 0 {
        true => Some(digits.checked_mul(power)?),
        false => (digits % power == 0).then(|| digits / power),
    };
    match whole.map(T::whole) {
        Some(Err(Why::NotEqual)) => None,
        Some(done) => Some(done),
        None if digits.unsigned_abs() < EXACT && scale <= POWER => {
            let value = digits as f64 / power as f64;
            (!is_halfway(value)).then(|| T::real(value))
        }
        None => None,
    }
}

/// The values of all rows, and how many each has.
fn values(list: &FixedSizeListArray) -> (ArrayRef, usize) {
    let width = list.value_length() as usize;
    let first = list.value_offset(0) as usize;
    (list.values().slice(first, list.len() * width), width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BooleanArray, Decimal128Array, DictionaryArray, Float16Array, Float64Array, Int8Array, Int64Array, StringArray,
        UInt64Array,
    };
    use arrow::array::{Decimal256Array, Int32Array, UInt8Array};
    use arrow::datatypes::{Int32Type, i256};
    use burn::tensor::{bf16, f16};

    const TWO_63: f64 = 9_223_372_036_854_775_808.0;

    fn of<T: Number>(array: impl Array + 'static) -> Result<Vec<T>> {
        let field = Field::new("c", array.data_type().clone(), true);
        Numbers::of(&field, &(Arc::new(array) as ArrayRef))?.values()
    }

    fn floats(array: impl Array + 'static) -> Result<Vec<f32>> {
        of(array)
    }

    fn ints(array: impl Array + 'static) -> Result<Vec<i64>> {
        of(array)
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
                "9223372036854775808 in row 1 of the batch does not fit into i64: ask for another type, as in `(&device, DType::I64)`",
            ),
            (
                said(ints(Float64Array::from(vec![0.0, 1.5]))),
                "1.5 in row 1 of the batch is no whole number",
            ),
            (
                said(ints(Float64Array::from(vec![0.0, TWO_63]))),
                "9.223372036854776e18 in row 1 of the batch does not fit into i64: ask for another type, as in `(&device, DType::I64)`",
            ),
            (
                said(ints(Float64Array::from(vec![0.0, f64::NAN]))),
                "NaN in row 1 of the batch is no whole number",
            ),
            (
                said(ints(decimal(vec![100, 150], 2))),
                "1.50 in row 1 of the batch is no whole number",
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

    #[test]
    fn every_type_takes_what_it_holds_and_names_what_it_does_not() -> Result<()> {
        assert_eq!(of::<u8>(Int64Array::from(vec![0, 255]))?, [0, 255]);
        assert_eq!(of::<u64>(UInt64Array::from(vec![u64::MAX]))?, [u64::MAX]);
        assert_eq!(of::<u64>(Float64Array::from(vec![TWO_63]))?, [1 << 63]);
        assert_eq!(of::<i16>(Float64Array::from(vec![-32768.0]))?, [i16::MIN]);
        assert_eq!(of::<f64>(Int64Array::from(vec![1 << 53]))?, [9_007_199_254_740_992.0]);
        assert_eq!(
            of::<f32>(UInt8Array::from_iter_values(0..=255))?,
            Vec::from_iter((0..=255).map(|i| i as f32))
        );
        assert_eq!(of::<bf16>(UInt8Array::from(vec![255]))?, [bf16::from_f32(255.0)]);
        assert_eq!(
            of::<f16>(Int32Array::from(vec![2048, -65504]))?,
            [f16::from_f32(2048.0), f16::MIN]
        );
        assert_eq!(of::<f16>(Float64Array::from(vec![0.1]))?, [f16::from_f64(0.1)]);
        assert_eq!(of::<bool>(Float64Array::from(vec![0.0, 1.0]))?, [false, true]);
        assert_eq!(of::<bool>(UInt64Array::from(vec![1, 0]))?, [true, false]);
        let larger = "does not fit into u8: ask for another type, as in `(&device, DType::I64)`";
        for (found, text) in [
            (
                said(of::<u8>(Int64Array::from(vec![0, 256]))),
                format!("256 in row 1 of the batch {larger}"),
            ),
            (
                said(of::<u8>(Int64Array::from(vec![0, -1]))),
                format!("-1 in row 1 of the batch {larger}"),
            ),
            (
                said(of::<f64>(Int64Array::from(vec![0, (1 << 53) + 1]))),
                "9007199254740993 in row 1 of the batch is a whole number that no f64 is equal to".to_owned(),
            ),
            (
                said(of::<f16>(Int32Array::from(vec![0, 2049]))),
                "2049 in row 1 of the batch is a whole number that no f16 is equal to".to_owned(),
            ),
            (
                said(of::<f16>(Float64Array::from(vec![0.0, 65520.0]))),
                "65520.0 in row 1 of the batch is beyond the largest f16".to_owned(),
            ),
            (
                said(of::<bool>(Int64Array::from(vec![0, 2]))),
                "2 in row 1 of the batch is neither 0 nor 1".to_owned(),
            ),
            (
                said(of::<i32>(Float64Array::from(vec![0.0, f64::INFINITY]))),
                "inf in row 1 of the batch is no whole number".to_owned(),
            ),
        ] {
            assert_eq!(found, (format!("column \"c\": {text}"), Some(1)));
        }
        Ok(())
    }

    #[test]
    fn a_decimal_is_what_its_digits_say() -> Result<()> {
        let near = decimal(vec![10_i128.pow(30) + 1], 30);
        for found in [said(of::<i64>(near.clone())), said(of::<bool>(near))] {
            assert!(
                found.0.contains("1.000000000000000000000000000001 in row 0"),
                "{found:?}"
            );
        }
        let (text, _) = said(of::<i64>(decimal(vec![90_071_992_547_409_935], 1)));
        assert!(
            text.ends_with("9007199254740993.5 in row 0 of the batch is no whole number"),
            "{text}"
        );
        assert_eq!(
            of::<f32>(decimal(vec![100_000_005_960_464_477_540], 20))?,
            [1.000_000_1]
        );
        assert_eq!(
            of::<f64>(decimal(vec![90_071_992_547_409_930], 1))?,
            [9_007_199_254_740_992.0]
        );
        // 50 digits behind the point, and no rows.
        let fine = |values: Vec<i256>| Decimal256Array::from(values).with_precision_and_scale(76, 50);
        let digits = i256::from_parts(10_u128.pow(38), 0).wrapping_mul(i256::from_i128(150_000_000_000));
        assert_eq!(of::<f64>(fine(vec![digits])?)?, [0.15]);
        assert!(of::<f64>(fine(Vec::new())?)?.is_empty());
        Ok(())
    }

    #[test]
    fn a_decimal_too_long_for_38_digits_is_no_other_number() -> Result<()> {
        let long = i256::from_i128(10_i128.pow(38)).wrapping_mul(i256::from_i128(10));
        let array = Decimal256Array::from(vec![i256::from_i128(500), long]).with_precision_and_scale(76, 2)?;
        assert_eq!(of::<f64>(array.clone())?, [5.0, 1e37]);
        let (text, row) = said(of::<i64>(array));
        assert!(text.contains("in row 1 of the batch does not fit into i64"), "{text}");
        assert_eq!(row, Some(1));
        Ok(())
    }
}
