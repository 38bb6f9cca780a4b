//! All objects of rows as they are stored, by which what is found is measured.

use crate::columns::{index_of, list_items};
use crate::error::{Error, Result};
use crate::report::TrueBox;
use arrow::array::{ArrayRef, AsArray, FixedSizeListArray, Float64Array, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type};
use std::sync::Arc;

/// The column that has them.
pub(in crate::task) const STORED: &str = "stored_objects";

/// Left, top, right and bottom in pixels of the picture, class, area (NaN where there is none), whether it is a crowd, and whether it is
/// difficult.
const NUMBERS: usize = 8;

/// All objects of rows: lists of numbers.
#[derive(Debug, Default)]
pub(in crate::task) struct StoredObjects {
    numbers: Vec<f64>,
    lengths: Vec<usize>,
    before: usize,
}

impl StoredObjects {
    pub(in crate::task) fn field() -> Field {
        Field::new_list(STORED, Self::item(), false)
    }

    fn item() -> Field {
        let number = Field::new_list_field(DataType::Float64, false);
        Field::new_list_field(DataType::FixedSizeList(Arc::new(number), NUMBERS as i32), false)
    }

    /// Adds an object to the row.
    pub(in crate::task) fn push(
        &mut self,
        corners: [f32; 4],
        class: i64,
        area: Option<f64>,
        [crowd, difficult]: [bool; 2],
    ) {
        self.numbers.extend(corners.map(f64::from));
        let mark = |mark: bool| f64::from(u8::from(mark));
        let others = [class as f64, area.unwrap_or(f64::NAN), mark(crowd), mark(difficult)];
        self.numbers.extend(others);
    }

    pub(in crate::task) fn end_row(&mut self) {
        let objects = self.numbers.len() / NUMBERS;
        self.lengths.push(objects - self.before);
        self.before = objects;
    }

    pub(in crate::task) fn finish(self) -> Result<ArrayRef> {
        let number = Arc::new(Field::new_list_field(DataType::Float64, false));
        let numbers = Arc::new(Float64Array::from(self.numbers));
        let objects = FixedSizeListArray::try_new(number, NUMBERS as i32, numbers, None)?;
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Ok(Arc::new(ListArray::try_new(
            Arc::new(Self::item()),
            offsets,
            Arc::new(objects),
            None,
        )?))
    }

    /// Those of each of `rows`.
    pub(super) fn all(rows: &RecordBatch) -> Result<Vec<Vec<TrueBox>>> {
        let column = rows.column(index_of(&rows.schema(), STORED)?);
        let (objects, lengths) = list_items(column, None)?;
        let wrong = || Error::schema(format!("column \"{STORED}\" holds no objects"));
        let objects = objects.as_fixed_size_list_opt().ok_or_else(wrong)?;
        let first = objects.value_offset(0) as usize;
        let numbers = objects.values().as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
        let numbers = numbers.values()[first..].as_chunks::<NUMBERS>().0;
        let object = |&[left, top, right, bottom, class, area, crowd, difficult]: &[f64; NUMBERS]| TrueBox {
            corners: [left, top, right, bottom],
            class: class as u32,
            area: Some(area).filter(|area| !area.is_nan()),
            crowd: crowd != 0.0,
            difficult: difficult != 0.0,
        };
        let mut at = 0;
        let row = |length: Option<usize>| {
            let own = at..at + length.unwrap_or(0);
            at = own.end;
            numbers[own].iter().map(object).collect()
        };
        Ok(lengths.into_iter().map(row).collect())
    }
}
