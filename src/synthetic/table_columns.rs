//! Columns of a table as what generators compute with, numbers and categories, and back in the columns' own types.

use super::told_apart::ToldApart;
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, PrimitiveArray, UInt32Array};
use arrow::compute::{CastOptions, cast, cast_with_options, take};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::row::{OwnedRow, RowConverter, SortField};
use std::collections::BTreeMap;

/// Rows of a column of categories that are looked up at a time.
const TOGETHER: usize = 4096;

/// Whether values of this type are numbers: integers, floats, and decimals of 128 bits.
pub(in crate::synthetic) fn is_number(of: &DataType) -> bool {
    of.is_integer() || of.is_floating() || matches!(of, DataType::Decimal128(..))
}

/// Whether values of this type are categories by themselves: strings, booleans and dictionaries. Integers may be, where the spec says so.
pub(crate) fn is_category(of: &DataType) -> bool {
    matches!(
        of,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean | DataType::Dictionary(..)
    )
}

/// The numbers of `column`, the column of `field`; integers beyond 2^53 to the nearest f64.
///
/// # Errors
///
/// `Schema` for other types, and `Data` at the row of the first null, NaN or infinity.
pub(in crate::synthetic) fn to_numbers(field: &Field, column: &ArrayRef) -> Result<Vec<f64>> {
    let name = field.name();
    if !is_number(column.data_type()) {
        let of = column.data_type();
        let or = match is_category(of) {
            true => ", or use smote_nc, which takes categories",
            false => "",
        };
        return Err(Error::schema(format!(
            "column \"{name}\" holds {of}, not numbers: leave it out of `columns`{or}"
        )));
    }
    if let Some(row) = column.nulls().and_then(|nulls| nulls.iter().position(|valid| !valid)) {
        return Err(Error::data(format!(
            "column \"{name}\" is null, which is no number: fill or filter nulls"
        ))
        .at(row));
    }
    let numbers = cast(column, &DataType::Float64)?;
    let numbers = numbers.as_primitive::<Float64Type>().values().to_vec();
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(row) => Err(Error::data(format!("column \"{name}\" holds {}: leave the row out", numbers[row])).at(row)),
        None => Ok(numbers),
    }
}

/// The numbers of a column that a generator learns, none for nulls.
///
/// # Errors
///
/// `Data` at the row of the first NaN, infinity, whole number or decimal beyond 2^53, and decimal that is the same f64 as another one of the column: numbers that are
/// near it are the same f64, so what would be made of the column are no values of it.
pub(crate) fn learnt_numbers(name: &str, column: &ArrayRef) -> Result<Vec<Option<f64>>> {
    let numbers = cast(column, &DataType::Float64)?;
    let numbers = numbers.as_primitive::<Float64Type>();
    ToldApart::default().check(name, column, numbers)?;
    let is_bad = |number: Option<f64>| number.is_some_and(|number| !number.is_finite());
    match numbers.iter().position(is_bad) {
        Some(row) => {
            let (held, advice) = (numbers.value(row), "leave the row out, or its value empty (null)");
            Err(Error::data(format!("column \"{name}\" holds {held}: {advice}")).at(row))
        }
        None => Ok(numbers.iter().collect()),
    }
}

/// `numbers` as a column of type `of`: integers are rounded to the nearest, of two the one further from 0, and what is beyond the type becomes
/// its nearest value.
///
/// # Errors
///
/// `Schema` for other types than [`is_number`] has, and for what a decimal cannot hold.
pub(in crate::synthetic) fn from_numbers(of: &DataType, numbers: Vec<f64>) -> Result<ArrayRef> {
    fn whole<T: ArrowPrimitiveType>(numbers: &[f64], nearest: impl Fn(f64) -> T::Native) -> ArrayRef {
        let rounded = numbers.iter().map(|number| nearest(number.round()));
        std::sync::Arc::new(PrimitiveArray::<T>::from_iter_values(rounded))
    }
    // `as` stops at the ends of a type.
    Ok(match of {
        DataType::Int8 => whole::<Int8Type>(&numbers, |number| number as i8),
        DataType::Int16 => whole::<Int16Type>(&numbers, |number| number as i16),
        DataType::Int32 => whole::<Int32Type>(&numbers, |number| number as i32),
        DataType::Int64 => whole::<Int64Type>(&numbers, |number| number as i64),
        DataType::UInt8 => whole::<UInt8Type>(&numbers, |number| number as u8),
        DataType::UInt16 => whole::<UInt16Type>(&numbers, |number| number as u16),
        DataType::UInt32 => whole::<UInt32Type>(&numbers, |number| number as u32),
        DataType::UInt64 => whole::<UInt64Type>(&numbers, |number| number as u64),
        DataType::Float64 => std::sync::Arc::new(Float64Array::from(numbers)),
        of if is_number(of) => {
            let strict = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            cast_with_options(&Float64Array::from(numbers), of, &strict)?
        }
        of => return Err(Error::schema(format!("numbers cannot be written as {of}"))),
    })
}

/// The categories of a column: its values, each once, in ascending order. A null is a category of its own, the first.
#[derive(Clone, Debug)]
pub(in crate::synthetic) struct Categories {
    /// The type of the column.
    of: DataType,
    /// The values, without a dictionary.
    values: ArrayRef,
}

impl Categories {
    /// The categories of `column`, and which of them each row has.
    ///
    /// # Errors
    ///
    /// `Schema` for types without an order of their values (structs of lists and the like), `Data` for more than 2^32 categories.
    pub(in crate::synthetic) fn of(field: &Field, column: &ArrayRef) -> Result<(Self, Vec<u32>)> {
        let converter = RowConverter::new(vec![SortField::new(plain_type(column.data_type()).clone())]);
        let converter = converter.map_err(|_| {
            Error::schema(format!(
                "column \"{}\" holds {}, which is no category",
                field.name(),
                column.data_type()
            ))
        })?;
        let mut known: BTreeMap<OwnedRow, (u32, u32)> = BTreeMap::new();
        let mut codes = Vec::with_capacity(column.len());
        // Part by part: in the form in which they are compared, rows take many times as much as their codes.
        for start in (0..column.len()).step_by(TOGETHER) {
            let part = plain(&column.slice(start, TOGETHER.min(column.len() - start)))?;
            let rows = converter.convert_columns(std::slice::from_ref(&part))?;
            for row in rows.iter() {
                let (next, at) = (known.len() as u32, codes.len() as u32);
                // Few categories come often: they are looked up by a copy of a few bytes.
                let (first_seen, _) = *known.entry(row.owned()).or_insert((next, at));
                codes.push(first_seen);
            }
        }
        let mut ranks = vec![0; known.len()];
        for (rank, &(first_seen, _)) in (0..).zip(known.values()) {
            ranks[first_seen as usize] = rank;
        }
        codes.iter_mut().for_each(|code| *code = ranks[*code as usize]);
        let places = UInt32Array::from_iter_values(known.values().map(|&(_, at)| at));
        let values = plain(&take(column, &places, None)?)?;
        let of = column.data_type().clone();
        Ok((Self { of, values }, codes))
    }

    /// Which category each row of `column` has; [`len`](Self::len) for a value that is none of them.
    ///
    /// # Errors
    ///
    /// `Schema` for a column of another type.
    pub(in crate::synthetic) fn codes(&self, field: &Field, column: &ArrayRef) -> Result<Vec<u32>> {
        let plain = plain(column)?;
        if plain.data_type() != self.values.data_type() {
            return Err(Error::schema(format!(
                "column \"{}\" holds {}, and held {} when it was fitted on",
                field.name(),
                column.data_type(),
                self.of
            )));
        }
        let converter = RowConverter::new(vec![SortField::new(plain.data_type().clone())])?;
        let known = converter.convert_columns(std::slice::from_ref(&self.values))?;
        let known: Vec<_> = known.iter().collect();
        let rows = converter.convert_columns(std::slice::from_ref(&plain))?;
        let code = |row| known.binary_search(&row).map_or(known.len(), |code| code) as u32;
        Ok(rows.iter().map(code).collect())
    }

    /// How many there are.
    pub(in crate::synthetic) fn len(&self) -> usize {
        self.values.len()
    }

    /// The column of the categories numbered `codes`, in the type of the column that they come from.
    pub(in crate::synthetic) fn column(&self, codes: &[u32]) -> Result<ArrayRef> {
        let column = take(&self.values, &UInt32Array::from(codes.to_vec()), None)?;
        match column.data_type() == &self.of {
            true => Ok(column),
            false => Ok(cast(&column, &self.of)?),
        }
    }
}

/// `column` without a dictionary.
fn plain(column: &ArrayRef) -> Result<ArrayRef> {
    match column.data_type() {
        DataType::Dictionary(_, values) => Ok(cast(column, values)?),
        _ => Ok(ArrayRef::clone(column)),
    }
}

/// The type of a column of type `of` without a dictionary.
fn plain_type(of: &DataType) -> &DataType {
    match of {
        DataType::Dictionary(_, values) => values,
        _ => of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Remedy;
    use arrow::array::{BooleanArray, Decimal128Array, DictionaryArray, Float32Array, Int64Array, StringArray};
    use std::sync::Arc;

    fn field(of: &ArrayRef) -> Field {
        Field::new("a", of.data_type().clone(), true)
    }

    #[test]
    fn numbers_go_there_and_back_in_their_type() {
        let decimals = Decimal128Array::from(vec![150, -275])
            .with_precision_and_scale(10, 2)
            .unwrap();
        let columns: [ArrayRef; 4] = [
            Arc::new(Int64Array::from(vec![-3, 1 << 40])),
            Arc::new(UInt32Array::from(vec![0, u32::MAX])),
            Arc::new(Float32Array::from(vec![0.1, -1e30])),
            Arc::new(decimals),
        ];
        for column in columns {
            let numbers = to_numbers(&field(&column), &column).unwrap();
            assert_eq!(&from_numbers(column.data_type(), numbers).unwrap(), &column);
        }
        let rounded = from_numbers(&DataType::Int8, vec![0.4, 0.5, -1.5, 300.0, -300.0]).unwrap();
        assert_eq!(rounded.as_primitive::<Int8Type>().values(), &[0, 1, -2, 127, -128]);
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_row() {
        let nulls: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let error = to_numbers(&field(&nulls), &nulls).unwrap_err();
        assert_eq!(error.index(), Some(1));
        assert!(error.to_string().contains("column \"a\" is null"), "{error}");
        let nan: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, f64::NAN]));
        assert_eq!(to_numbers(&field(&nan), &nan).unwrap_err().index(), Some(2));
        let words: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let error = to_numbers(&field(&words), &words).unwrap_err().to_string();
        assert_eq!(
            error,
            "column \"a\" holds Utf8, not numbers: leave it out of `columns`, or use smote_nc, which takes categories"
        );
    }

    #[test]
    fn decimals_that_are_not_told_apart_are_not_learnt() {
        let of = |digits: Vec<i128>, scale: i8| {
            let decimals = Decimal128Array::from(digits).with_precision_and_scale(38, scale);
            let column: ArrayRef = Arc::new(decimals.unwrap());
            learnt_numbers("a", &column)
        };
        let large = 10_i128.pow(35);
        let error = of(vec![5, large + 1], 0).unwrap_err();
        assert_eq!((error.index(), error.remedy()), (Some(1), Some(Remedy::IgnoreColumn)));
        let text = format!("holds {}, and whole numbers beyond 2^53 are not told apart", large + 1);
        assert!(error.to_string().contains(&text), "{error}");
        // A third, to 18 digits, and its neighbour.
        let third = 333_333_333_333_333_333;
        let error = of(vec![1, third, third + 1], 18).unwrap_err();
        assert_eq!(error.index(), Some(2));
        assert!(error.to_string().contains("holds 0.333333333333333334, "), "{error}");
        let prices = of(vec![1_250_000_000_000_000_000, third, 1_250_000_000_000_000_000], 18).unwrap();
        assert_eq!((prices[0], prices[2]), (Some(1.25), Some(1.25)));
    }

    #[test]
    fn categories_of_many_rows_are_numbered_over_all_parts() {
        let part = |row: usize| row / (TOGETHER - 1);
        let rows = 0..3 * (TOGETHER - 1);
        let word = |row: usize| ["b", "a", "c"][part(row)];
        let words: ArrayRef = Arc::new(StringArray::from_iter_values(rows.clone().map(word)));
        let of = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        let dictionary = cast(&words, &of).unwrap();
        let expected: Vec<u32> = rows.map(|row| [1, 0, 2][part(row)]).collect();
        for column in [words, dictionary] {
            let (categories, codes) = Categories::of(&field(&column), &column).unwrap();
            assert_eq!((categories.len(), &codes), (3, &expected));
            assert_eq!(categories.column(&codes).unwrap().len(), column.len());
            assert_eq!(categories.codes(&field(&column), &column).unwrap(), expected);
        }
    }

    #[test]
    fn categories_are_ascending_and_come_back_in_their_type() {
        let words = StringArray::from(vec![Some("b"), Some("a"), None, Some("b"), Some("c")]);
        let dictionary: DictionaryArray<Int8Type> = ["y", "x", "y"].into_iter().collect();
        let columns: [(ArrayRef, &[u32]); 4] = [
            (Arc::new(words), &[2, 1, 0, 2, 3]),
            (Arc::new(BooleanArray::from(vec![true, false, true])), &[1, 0, 1]),
            (Arc::new(Int64Array::from(vec![7, -1, 7, 3])), &[2, 0, 2, 1]),
            (Arc::new(dictionary), &[1, 0, 1]),
        ];
        for (column, expected) in columns {
            let (categories, codes) = Categories::of(&field(&column), &column).unwrap();
            assert_eq!(codes, expected);
            let most = expected.iter().max().unwrap();
            assert_eq!(categories.len() as u32, most + 1);
            assert_eq!(categories.codes(&field(&column), &column).unwrap(), expected);
            let back = categories.column(&codes).unwrap();
            assert_eq!(back.data_type(), column.data_type());
            assert_eq!(&plain(&back).unwrap(), &plain(&column).unwrap());
        }
    }
}
