//! Class numbers as rows of 0 and 1.

use super::data::room;
use super::dense::made;
use super::dtype::{Kind, with_number};
use super::ragged::Ragged;
use crate::columns::{Number, Numbers, index_of, list_item};
use crate::error::{Error, Result};
use crate::rows::CLASS_NAMES;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use burn::tensor::{Tensor, TensorCreationOptions, TensorData};

/// A column of class numbers as a tensor `[rows, classes]` that is 1 (or true) at the classes of a row and 0 elsewhere: multi-hot
/// for lists of class numbers, one-hot for one class number a row.
///
/// `classes` is how many there are; where it is `None` they are those whose names stand in the column's metadata, under
/// [`CLASS_NAMES`]. A class that comes twice in a row counts once (a detector's boxes), and an empty list has none: its row is all 0. Burn's
/// `BinaryCrossEntropyLoss` takes `multi_hot::<Int>`.
///
#[cfg_attr(feature = "train", doc = "```")]
#[cfg_attr(not(feature = "train"), doc = "```ignore (needs a backend)")]
/// use arrow::array::{ArrayRef, ListArray, RecordBatch};
/// use arrow::datatypes::Int64Type;
/// use burn::tensor::{Device, Int, TensorData};
/// use millstream::sink::tensor;
/// # use std::sync::Arc;
///
/// let labels = ListArray::from_iter_primitive::<Int64Type, _, _>([
///     Some(vec![Some(0), Some(2)]),
///     Some(vec![]),
/// ]);
/// let rows = RecordBatch::try_from_iter([("labels", Arc::new(labels) as ArrayRef)]).unwrap();
/// let hot = tensor::multi_hot::<Int>(&rows, "labels", 3, &Device::flex())?;
/// hot.into_data().assert_eq(&TensorData::from([[1, 0, 1], [0, 0, 0]]), false);
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Schema` where the column is missing or holds no class numbers; `Data` with the row for a null, and with class and row for one
/// that is outside; `Schema` where there are more than two classes, every list has as many numbers, each 0 or 1, and the column has no class
/// names: flags (multi-hot) are no class numbers, and [`ints_nd`](super::ints_nd) reads them. `Config` where the number of classes is not known, and as [`floats`](super::floats) for the type.
pub fn multi_hot<K: Kind>(
    rows: &RecordBatch,
    column: &str,
    classes: impl Into<Option<usize>>,
    options: impl Into<TensorCreationOptions>,
) -> Result<Tensor<2, K>> {
    let options = options.into();
    let dtype = K::asked(&options)?;
    let schema = rows.schema();
    let at = index_of(&schema, column)?;
    let field = schema.field(at);
    let classes = classes.into().or_else(|| named(field)).ok_or_else(|| {
        Error::config(format!(
            "column \"{column}\" does not say how many classes there are: give the number"
        ))
    })?;
    if holds_strings(field.data_type()) {
        return Err(Error::schema(format!(
            "column \"{column}\" holds {}, not class numbers; `classes` makes them",
            field.data_type()
        )));
    }
    let is_named = named(field).is_some();
    let (numbers, starts) = match field.data_type().is_nested() {
        true => {
            let lists = Ragged::of(rows, column)?;
            if lists.rank() != 1 {
                return Err(Error::schema(format!(
                    "column \"{column}\" has {} dimensions in a row, and class numbers are a list",
                    lists.rank()
                )));
            }
            (lists.numbers, lists.starts)
        }
        false => (Numbers::of(field, rows.column(at))?, (0..=rows.num_rows()).collect()),
    };
    let kind = numbers.array.data_type();
    if !kind.is_integer() {
        return Err(Error::schema(format!(
            "column \"{column}\" holds {kind}, and class numbers are integers"
        )));
    }
    if !is_named && field.data_type().is_nested() && are_flags(&numbers.values::<i64>()?, &starts, classes) {
        return Err(Error::schema(format!(
            "column \"{column}\": every list has {classes} numbers, each 0 or 1, which are flags (multi-hot) and no class numbers: \
             `ints_nd` reads them as they are"
        )));
    }
    let data = with_number!(dtype, T => hot::<T>(column, &numbers, &starts, classes))?;
    Ok(made(data, &options, dtype))
}

fn hot<T: Number>(column: &str, numbers: &Numbers, starts: &[usize], classes: usize) -> Result<TensorData> {
    let (of, rows) = (numbers.values::<i64>()?, starts.len() - 1);
    // No type of numbers lacks a 1.
    let one = T::byte(1).unwrap_or_default();
    let mut out = vec![T::default(); room::<T>(column, &[rows, classes])?];
    for (row, pair) in starts.windows(2).enumerate() {
        for (at, &class) in of.iter().enumerate().take(pair[1]).skip(pair[0]) {
            match usize::try_from(class).ok().filter(|&class| class < classes) {
                Some(class) => out[row * classes + class] = one,
                None => return Err(numbers.refused(at, &format!("is outside the {classes} classes"))),
            }
        }
    }
    Ok(TensorData::new(out, [rows, classes]))
}

/// Whether the lists between `starts` are a flag for each class. Class numbers could be 0 and 1 as well, but of more than two classes
/// all lists would hardly have as many of them as there are classes.
fn are_flags(values: &[i64], starts: &[usize], classes: usize) -> bool {
    let are = |list: &[i64]| list.len() == classes && list.iter().all(|value| (0..2).contains(value));
    let mut lists = starts.windows(2).map(|pair| &values[pair[0]..pair[1]]);
    classes > 2 && starts.len() > 1 && lists.all(are)
}

fn holds_strings(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, kind) => holds_strings(kind),
        kind => list_item(kind).map_or(kind.is_string(), |item| holds_strings(item.data_type())),
    }
}

/// How many classes have names in the metadata of the column, or of what its lists hold.
fn named(field: &Field) -> Option<usize> {
    let own = field.metadata().get(CLASS_NAMES);
    if let Some(names) = own {
        return Some(serde_json::from_str::<Vec<String>>(names).ok()?.len());
    }
    named(list_item(field.data_type())?)
}
