//! The fields of objects as they are stored.

use super::classes::{Distinct, MEND};
use super::layout::{ORIENTED, ObjectLayout};
use crate::columns::{Number, Numbers, list_item, list_items};
use crate::error::{Error, Result};
use crate::quote::counted;
use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type};
use std::sync::Arc;

/// The fields of all objects as they are stored.
pub(super) struct Stored {
    pub(super) ends: Vec<usize>,
    pub(super) fields: Vec<ArrayRef>,
    pub(super) nulls: usize,
}

pub(super) fn distinct(layout: &ObjectLayout, array: &ArrayRef) -> Result<Distinct> {
    let (stored, mut distinct) = (stored(layout, array)?, Distinct::default());
    match categories(layout, &stored)? {
        Categories::Integers(values) => distinct.integers.extend(values),
        Categories::Strings(values) => distinct.strings.extend(values.iter().flatten().map(str::to_owned)),
    }
    Ok(distinct)
}

/// The first row that has an object; the first of all where none has.
pub(super) fn first_with_objects(layout: &ObjectLayout, array: &ArrayRef) -> usize {
    let ends = stored(layout, array).map(|stored| stored.ends).unwrap_or_default();
    ends.iter().position(|&end| end > 0).unwrap_or(0)
}

pub(super) enum Categories {
    Integers(Vec<i64>),
    Strings(StringViewArray),
}

pub(super) fn categories(layout: &ObjectLayout, stored: &Stored) -> Result<Categories> {
    let mut array = Arc::clone(&stored.fields[1]);
    if let DataType::Dictionary(_, values) = array.data_type() {
        array = cast(&array, values)?;
    }
    let nulls = array.logical_nulls();
    if let Some(at) = nulls.and_then(|nulls| nulls.iter().position(|valid| !valid)) {
        return Err(stored.refused(layout, at, &format!("the class of an object is null: {MEND}")));
    }
    if array.data_type().is_string() {
        return Ok(Categories::Strings(
            cast(&array, &DataType::Utf8View)?.as_string_view().clone(),
        ));
    }
    if array.is_empty() {
        return Ok(Categories::Integers(Vec::new()));
    }
    stored
        .numbers::<i64>(layout, &layout.category, &array)
        .map(Categories::Integers)
}

/// The numbers of each box as they are stored, and its row.
pub(super) fn stored_boxes(layout: &ObjectLayout, array: &ArrayRef) -> Result<Vec<(usize, [f32; 4])>> {
    let stored = stored(layout, array)?;
    let boxes = stored.boxes(layout)?;
    let row = |at: usize| stored.ends.partition_point(|&end| end <= at);
    Ok(boxes
        .into_iter()
        .enumerate()
        .map(|(at, values)| (row(at), values))
        .collect())
}

/// The other fields of which no object has a value: all are null, and count as missing.
pub(super) fn absent(layout: &ObjectLayout, array: &ArrayRef) -> Result<Vec<String>> {
    let all_null = |items: &ArrayRef| {
        items
            .logical_nulls()
            .is_some_and(|nulls| nulls.null_count() == items.len())
    };
    let mut absent = Vec::new();
    let structs = match layout.struct_of_lists {
        true => Arc::clone(array),
        false => list_items(array, None)?.0,
    };
    let Some(structs) = structs.as_struct_opt() else {
        return Ok(absent);
    };
    for name in layout.numbers() {
        let Some(values) = structs.column_by_name(name) else {
            continue;
        };
        let is_absent = match layout.struct_of_lists {
            false => !values.is_empty() && all_null(values),
            true => {
                let (items, lengths) = list_items(values, structs.nulls())?;
                let lists = lengths.iter().any(Option::is_some);
                match items.is_empty() {
                    true => !lists && !lengths.is_empty(),
                    false => all_null(&items),
                }
            }
        };
        if is_absent {
            absent.push(name.to_owned());
        }
    }
    Ok(absent)
}

/// The fields of `array`: boxes, classes, then the other numbers, and last keypoints, where there are any.
pub(super) fn stored(layout: &ObjectLayout, array: &ArrayRef) -> Result<Stored> {
    let column = &layout.column;
    let wanted = [&layout.boxes, &layout.category].into_iter();
    let wanted: Vec<&str> = wanted
        .map(|field| field.name().as_str())
        .chain(layout.numbers())
        .chain(layout.keypoints())
        .collect();
    let missing = |name: &str| Error::schema(format!("column \"{column}\" has no field \"{name}\" any more"));
    if !layout.struct_of_lists {
        let (items, lengths) = list_items(array, None)?;
        let ends = ends(&lengths);
        let structs = items
            .as_struct_opt()
            .ok_or_else(|| Error::schema(format!("column \"{column}\" is no list of structs any more")))?;
        if let Some(at) = structs.nulls().and_then(|nulls| nulls.iter().position(|valid| !valid)) {
            let row = ends.partition_point(|&end| end <= at);
            return Err(Error::data(format!("column \"{column}\": an object is null: {MEND}")).at(row));
        }
        let field = |name: &str| structs.column_by_name(name).cloned().ok_or_else(|| missing(name));
        return Ok(Stored {
            nulls: lengths.iter().filter(|length| length.is_none()).count(),
            ends,
            fields: wanted.into_iter().map(field).collect::<Result<_>>()?,
        });
    }
    let structs = array
        .as_struct_opt()
        .ok_or_else(|| Error::schema(format!("column \"{column}\" is no struct any more")))?;
    let (mut fields, mut of_boxes) = (Vec::with_capacity(wanted.len()), Vec::new());
    for name in &wanted {
        let lists = structs.column_by_name(name).ok_or_else(|| missing(name))?;
        let (items, lengths) = list_items(lists, structs.nulls())?;
        if fields.is_empty() {
            of_boxes = lengths;
        } else if let Some(row) = (0..lengths.len()).find(|&row| lengths[row] != of_boxes[row]) {
            let [have, boxes] = [&lengths, &of_boxes].map(|lengths| lengths[row].map_or(0, |length| length as u64));
            return Err(Error::data(format!(
                "column \"{column}\" has {} and {} of \"{name}\": {MEND}",
                counted(boxes, "box"),
                counted(have, "value")
            ))
            .at(row));
        }
        fields.push(items);
    }
    Ok(Stored {
        nulls: of_boxes.iter().filter(|length| length.is_none()).count(),
        ends: ends(&of_boxes),
        fields,
    })
}

fn ends(lengths: &[Option<usize>]) -> Vec<usize> {
    let mut end = 0;
    let next = |length: &Option<usize>| {
        end += length.unwrap_or(0);
        end
    };
    lengths.iter().map(next).collect()
}

impl Stored {
    pub(super) fn boxes(&self, layout: &ObjectLayout) -> Result<Vec<[f32; 4]>> {
        let (array, field) = (&self.fields[0], &layout.boxes);
        let item = list_item(field.data_type()).map_or(field, |item| item);
        let values = match array.data_type() {
            DataType::FixedSizeList(..) => Arc::clone(array),
            _ => {
                let (values, lengths) = list_items(array, None)?;
                if let Some(at) = lengths.iter().position(|length| *length != Some(4)) {
                    let why = match lengths[at] {
                        None => format!("a box is null: {MEND}"),
                        Some(5) => format!("a box has 5 numbers, not four{ORIENTED}"),
                        Some(length) => format!("a box has {length} numbers, not four: {MEND}"),
                    };
                    return Err(self.refused(layout, at, &why));
                }
                values
            }
        };
        // The end of each row in numbers, or in lists of four of them.
        let width = match array.data_type() {
            DataType::FixedSizeList(..) => 1,
            _ => 4,
        };
        let ends = self.ends.iter().map(|end| end * width).collect();
        let path = format!("{}.{}", layout.column, field.name());
        let numbers = Numbers::unplaced(&path, item, &values, ends)?.values::<f32>()?;
        Ok(numbers.as_chunks().0.to_vec())
    }

    pub(super) fn numbers<T: Number>(&self, layout: &ObjectLayout, field: &Field, array: &ArrayRef) -> Result<Vec<T>> {
        let path = format!("{}.{}", layout.column, field.name());
        Numbers::unplaced(&path, field, array, self.ends.clone())?.values()
    }

    /// x, y and visibility of all keypoints; zeros where there are none, as COCO has them.
    pub(super) fn points(&self, layout: &ObjectLayout) -> Result<Vec<f32>> {
        let (Some((field, many)), Some(array)) = (&layout.keypoints, self.fields.last()) else {
            return Ok(Vec::new());
        };
        let changed = || Error::schema(format!("column \"{}\" has other keypoints by now", layout.column));
        let width = 3 * many;
        let lists = array.as_fixed_size_list_opt().ok_or_else(changed)?;
        if lists.value_length() as usize != width {
            return Err(changed().context(format!("field \"{}\"", field.name())));
        }
        let values = cast(lists.values(), &DataType::Float32)?;
        let values = values.as_primitive::<Float32Type>();
        let number = |(list, at): (usize, usize)| {
            let at = lists.value_offset(list) as usize + at;
            match lists.is_valid(list) && values.is_valid(at) {
                true => values.value(at),
                false => 0.0,
            }
        };
        let all = (0..lists.len()).flat_map(|list| (0..width).map(move |at| (list, at)));
        Ok(all.map(number).collect())
    }

    /// An error of object `at`, whose row is its [index](Error::index).
    pub(super) fn refused(&self, layout: &ObjectLayout, at: usize, why: &str) -> Error {
        let row = self.ends.partition_point(|&end| end <= at);
        Error::data(format!("column \"{}\": {why}", layout.column)).at(row)
    }
}
