//! Lists of any type taken apart: what all of them hold, one after the other, and how much each row has.

use crate::error::Result;
use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, FieldRef};
use std::ops::Range;

/// What the lists of `array` hold, one after the other, and how many items each row has; none for a null in place of a list, or where
/// `outer`, the validity of what the lists are in, says so. What is below a null, and what no list points at, is left out.
pub(crate) fn list_items(array: &ArrayRef, outer: Option<&NullBuffer>) -> Result<(ArrayRef, Vec<Option<usize>>)> {
    let valid = |row| array.is_valid(row) && outer.is_none_or(|outer| outer.is_valid(row));
    let rows: Vec<Option<Range<usize>>> = (0..array.len())
        .map(|row| valid(row).then(|| range(array, row)))
        .collect();
    let inside = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().values(),
        DataType::LargeList(_) => array.as_list::<i64>().values(),
        DataType::ListView(_) => array.as_list_view::<i32>().values(),
        DataType::LargeListView(_) => array.as_list_view::<i64>().values(),
        _ => array.as_fixed_size_list().values(),
    };
    let filled = || rows.iter().flatten().filter(|row| !row.is_empty());
    let (start, total) = (
        filled().next().map_or(0, |row| row.start),
        filled().map(ExactSizeIterator::len).sum(),
    );
    let mut end = start;
    let in_turn = filled().all(|row| row.start == std::mem::replace(&mut end, row.end));
    let items = match in_turn {
        true => inside.slice(start, total),
        false => {
            let at = UInt64Array::from_iter_values(filled().cloned().flatten().map(|at| at as u64));
            take(inside, &at, None)?
        }
    };
    Ok((items, rows.into_iter().map(|row| row.map(|row| row.len())).collect()))
}

/// The field of what the lists of `data_type` hold; none where it is no list.
pub(crate) fn list_item(data_type: &DataType) -> Option<&FieldRef> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Some(item),
        _ => None,
    }
}

/// The values that the list in row `row` has.
fn range(array: &ArrayRef, row: usize) -> Range<usize> {
    let (start, length) = match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            (list.value_offsets()[row] as usize, list.value_length(row) as usize)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (list.value_offsets()[row] as usize, list.value_length(row) as usize)
        }
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            (list.value_offset(row) as usize, list.value_size(row) as usize)
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            (list.value_offset(row) as usize, list.value_size(row) as usize)
        }
        _ => {
            let list = array.as_fixed_size_list();
            (list.value_offset(row) as usize, list.value_length() as usize)
        }
    };
    start..start + length
}
