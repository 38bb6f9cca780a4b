//! Numbers between two others, and beside one, in the type of their column.

use crate::error::Result;
use crate::synthetic::table_columns::{from_numbers, to_numbers};
use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Field, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use std::sync::Arc;

/// The number at `t` (0 to 1) on the way from `a` to `b`.
pub(super) fn between(a: f32, b: f32, t: f32) -> f32 {
    let whole = b - a;
    // Two numbers near both ends of f32 are further apart than it reaches.
    if whole.is_finite() {
        a + whole * t
    } else {
        a * (1.0 - t) + b * t
    }
}

/// For each row the number at `along` (0 to 1) on the way from that of `a` to that of `b`. Integers are rounded to the nearest.
///
/// # Errors
///
/// As [`to_numbers`].
pub(super) fn columns_between(field: &Field, a: &ArrayRef, b: &ArrayRef, along: &[f32]) -> Result<ArrayRef> {
    if let Some((a, b)) = wholes(a).zip(wholes(b)) {
        let between = a
            .iter()
            .zip(&b)
            .zip(along)
            .map(|((&a, &b), &t)| match b.checked_sub(a) {
                Some(whole) => a + (whole as f64 * f64::from(t)).round() as i128,
                None => (a as f64 * (1.0 - f64::from(t)) + b as f64 * f64::from(t)).round() as i128,
            });
        return Ok(from_wholes(field.data_type(), &between.collect::<Vec<_>>()));
    }
    let (a, b) = (to_numbers(field, a)?, to_numbers(field, b)?);
    let between = a.iter().zip(&b).zip(along).map(|((a, b), &t)| {
        let (t, whole) = (f64::from(t), b - a);
        match whole.is_finite() {
            true => a + whole * t,
            false => a * (1.0 - t) + b * t,
        }
    });
    from_numbers(field.data_type(), between.collect())
}

/// For each row the number of `a` and the one of `by`. Integers are rounded to the nearest; what is beyond the type becomes its nearest value.
///
/// # Errors
///
/// As [`to_numbers`].
pub(super) fn column_moved(field: &Field, a: &ArrayRef, by: &[f64]) -> Result<ArrayRef> {
    if let Some(a) = wholes(a) {
        let moved = a.iter().zip(by).map(|(&a, by)| a.saturating_add(by.round() as i128));
        return Ok(from_wholes(field.data_type(), &moved.collect::<Vec<_>>()));
    }
    let a = to_numbers(field, a)?;
    let most = match field.data_type() {
        DataType::Float16 => 65_504.0,
        DataType::Float32 => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    from_numbers(
        field.data_type(),
        a.iter().zip(by).map(|(a, by)| (a + by).clamp(-most, most)).collect(),
    )
}

macro_rules! for_integers {
    ($of:expr, $call:ident($($argument:expr),*), $else:expr) => {
        match $of {
            DataType::Int8 => $call::<Int8Type>($($argument),*),
            DataType::Int16 => $call::<Int16Type>($($argument),*),
            DataType::Int32 => $call::<Int32Type>($($argument),*),
            DataType::Int64 => $call::<Int64Type>($($argument),*),
            DataType::UInt8 => $call::<UInt8Type>($($argument),*),
            DataType::UInt16 => $call::<UInt16Type>($($argument),*),
            DataType::UInt32 => $call::<UInt32Type>($($argument),*),
            DataType::UInt64 => $call::<UInt64Type>($($argument),*),
            _ => $else,
        }
    };
}

/// The values of a column of integers or decimals, in units of the decimal's last place; none where it is another one or has nulls.
fn wholes(column: &ArrayRef) -> Option<Vec<i128>> {
    fn of<T: ArrowPrimitiveType<Native: Into<i128>>>(column: &ArrayRef) -> Option<Vec<i128>> {
        Some(
            column
                .as_primitive::<T>()
                .values()
                .iter()
                .map(|&value| value.into())
                .collect(),
        )
    }
    if column.null_count() > 0 {
        return None;
    }
    for_integers!(
        column.data_type(),
        of(column),
        Some(column.as_primitive_opt::<Decimal128Type>()?.values().to_vec())
    )
}

/// The reverse of [`wholes`]; what is beyond the type becomes its nearest value.
fn from_wholes(of: &DataType, values: &[i128]) -> ArrayRef {
    fn nearest<T>(values: &[i128]) -> ArrayRef
    where
        T: ArrowPrimitiveType<Native: TryFrom<i128> + num_bounds::Bounds>,
    {
        let nearest = values.iter().map(|&value| match T::Native::try_from(value) {
            Ok(value) => value,
            Err(_) if value < 0 => num_bounds::Bounds::LEAST,
            Err(_) => num_bounds::Bounds::MOST,
        });
        Arc::new(PrimitiveArray::<T>::from_iter_values(nearest))
    }
    for_integers!(
        of,
        nearest(values),
        Arc::new(Decimal128Array::from(values.to_vec()).with_data_type(of.clone()))
    )
}

/// The ends of the integers' ranges.
mod num_bounds {
    pub(super) trait Bounds {
        const LEAST: Self;
        const MOST: Self;
    }

    macro_rules! bounds {
        ($($kind:ident)*) => {$(
            impl Bounds for $kind {
                const LEAST: Self = Self::MIN;
                const MOST: Self = Self::MAX;
            }
        )*};
    }

    bounds!(i8 i16 i32 i64 u8 u16 u32 u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float32Array, Float64Array, Int8Array, Int64Array, UInt64Array};

    fn field(of: &ArrayRef) -> Field {
        Field::new("a", of.data_type().clone(), true)
    }

    #[test]
    fn no_number_between_two_is_beyond_them() {
        for (a, b) in [
            (f32::MAX, f32::MIN),
            (f32::MIN, f32::MAX),
            (3e38, -1e38),
            (1.0, 2.0),
            (-5e-39, 5e-39),
        ] {
            for t in [0.0, 1e-9, 0.25, 0.5, 0.75, 0.999_999_94] {
                let found = between(a, b, t);
                assert!((a.min(b)..=a.max(b)).contains(&found), "{a} {b} {t}: {found}");
                let exact = f64::from(a) + (f64::from(b) - f64::from(a)) * f64::from(t);
                let unit = f64::from(a.abs().max(b.abs()));
                assert!((f64::from(found) - exact).abs() <= 1e-6 * unit, "{a} {b} {t}: {found}");
            }
        }
    }

    #[test]
    fn columns_keep_their_type_and_integers_are_rounded_to_the_nearest() {
        let of = |a: ArrayRef, b: ArrayRef, along: &[f32]| columns_between(&field(&a), &a, &b, along).unwrap();
        let whole = of(
            Arc::new(Int64Array::from(vec![0, 0, -1, i64::MIN, 1 << 60])),
            Arc::new(Int64Array::from(vec![1, 1, -2, i64::MAX, (1 << 60) + 4])),
            &[0.49, 0.5, 0.75, 1.0, 0.25],
        );
        assert_eq!(
            whole.as_primitive::<Int64Type>().values(),
            &[0, 1, -2, i64::MAX, (1 << 60) + 1]
        );
        let unsigned = of(
            Arc::new(UInt64Array::from(vec![u64::MAX])),
            Arc::new(UInt64Array::from(vec![u64::MAX - 2])),
            &[0.5],
        );
        assert_eq!(unsigned.as_primitive::<UInt64Type>().values(), &[u64::MAX - 1]);
        let wide = of(
            Arc::new(Float64Array::from(vec![f64::MAX, 1.0])),
            Arc::new(Float64Array::from(vec![f64::MIN, 2.0])),
            &[0.5, 0.25],
        );
        assert_eq!(
            wide.as_primitive::<arrow::datatypes::Float64Type>().values(),
            &[0.0, 1.25]
        );
        let cents = |value: i128| {
            Decimal128Array::from(vec![value])
                .with_precision_and_scale(9, 2)
                .unwrap()
        };
        assert_eq!(
            &of(Arc::new(cents(100)), Arc::new(cents(200)), &[0.5]),
            &(Arc::new(cents(150)) as ArrayRef)
        );
    }

    #[test]
    fn what_is_moved_beyond_its_type_stays_at_its_end() {
        let of = |a: ArrayRef, by: &[f64]| column_moved(&field(&a), &a, by).unwrap();
        let small = of(Arc::new(Int8Array::from(vec![120, -120, 3])), &[20.0, -20.0, 1.5]);
        assert_eq!(small.as_primitive::<Int8Type>().values(), &[127, -128, 5]);
        let large = of(Arc::new(Float32Array::from(vec![f32::MAX, 1.0])), &[1e38, 0.5]);
        assert_eq!(
            large.as_primitive::<arrow::datatypes::Float32Type>().values(),
            &[f32::MAX, 1.5]
        );
    }
}
