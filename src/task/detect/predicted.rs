//! Predicted boxes as columns.

use crate::columns::{index_of, list_items, tensor_values};
use crate::error::{Error, Result};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type};
use std::sync::Arc;

/// The boxes of a picture that may be predicted.
#[derive(Default)]
pub(super) struct Candidates {
    pub(super) boxes: Vec<[f32; 4]>,
    pub(super) scores: Vec<f32>,
    pub(super) classes: Vec<u32>,
}

impl Candidates {
    pub(super) fn push(&mut self, corners: [f32; 4], score: f32, class: usize) {
        let [left, top, right, bottom] = corners;
        if right > left && bottom > top {
            self.boxes.push(corners);
            self.scores.push(score);
            self.classes.push(class as u32);
        }
    }
}

/// The column of predictions.
pub(super) const PREDICTED: &str = "objects";
/// The column that says of which rows boxes were left out, because more were found than are kept.
pub(in crate::task) const CUT: &str = "cut";

/// Boxes of rows that were predicted.
#[derive(Default)]
pub(super) struct Predicted {
    numbers: Vec<f32>,
    classes: Vec<i64>,
    scores: Vec<f32>,
    lengths: Vec<usize>,
    cut: Vec<bool>,
    before: usize,
}

impl Predicted {
    pub(super) fn push(&mut self, numbers: [f32; 4], class: u32, score: f32) {
        self.numbers.extend(numbers);
        self.classes.push(class.into());
        self.scores.push(score);
    }

    /// Ends a row, of which more boxes were found than are kept if it `is_cut`.
    pub(super) fn end_row(&mut self, is_cut: bool) -> Result<()> {
        self.cut.push(is_cut);
        self.lengths.push(self.classes.len() - self.before);
        self.before = self.classes.len();
        let many = || Error::data("the predictions have more than 2^31 boxes: take fewer rows");
        i32::try_from(self.before).map(|_| ()).map_err(|_| many())
    }

    pub(super) fn finish(self, names: &[String]) -> Result<RecordBatch> {
        let offsets = OffsetBuffer::from_lengths(self.lengths.iter().copied());
        let list = |values: ArrayRef| {
            let item = Arc::new(Field::new_list_field(values.data_type().clone(), false));
            ListArray::try_new(item, offsets.clone(), values, None).map(|list| Arc::new(list) as ArrayRef)
        };
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let boxes = FixedSizeListArray::try_new(item, 4, Arc::new(Float32Array::from(self.numbers)), None)?;
        let name = |class: &i64| names.get(*class as usize).map_or("", String::as_str);
        let names = StringArray::from_iter_values(self.classes.iter().map(name));
        let columns = [
            ("bbox", list(Arc::new(boxes))?),
            ("category", list(Arc::new(Int64Array::from(self.classes)))?),
            ("name", list(Arc::new(names))?),
            ("score", list(Arc::new(Float32Array::from(self.scores)))?),
        ];
        let columns = columns.map(|(name, column)| {
            let field = Field::new(name, column.data_type().clone(), false);
            (Arc::new(field), column)
        });
        let objects: ArrayRef = Arc::new(StructArray::from(columns.to_vec()));
        let cut: ArrayRef = Arc::new(BooleanArray::from(self.cut));
        Ok(RecordBatch::try_from_iter([(PREDICTED, objects), (CUT, cut)])?)
    }
}

/// A box that was predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::task) struct PredictedBox {
    /// In the format of the task.
    pub(in crate::task) numbers: [f32; 4],
    pub(in crate::task) class: u32,
    pub(in crate::task) score: f32,
}

impl PredictedBox {
    /// Whether `predictions` have boxes, whichever task has made them.
    pub(in crate::task) fn are_in(predictions: &RecordBatch) -> bool {
        predictions.column_by_name(PREDICTED).is_some()
    }

    /// Those of each row of `predictions`; none of a row without a prediction.
    pub(in crate::task) fn all(predictions: &RecordBatch) -> Result<Vec<Vec<Self>>> {
        let wrong = || Error::schema(format!("column {PREDICTED:?} holds no predicted boxes"));
        let objects = predictions.column(index_of(&predictions.schema(), PREDICTED)?);
        let objects = objects.as_struct_opt().ok_or_else(wrong)?;
        let list = |name: &str| -> Result<(ArrayRef, Vec<Option<usize>>)> {
            list_items(objects.column_by_name(name).ok_or_else(wrong)?, objects.nulls())
        };
        let ((boxes, lengths), (classes, _), (scores, _)) = (list("bbox")?, list("category")?, list("score")?);
        let (list, numbers, _) = tensor_values(&boxes)
            .filter(|(.., width)| *width == 4)
            .ok_or_else(wrong)?;
        let numbers = numbers.values()[list.value_offset(0) as usize..].as_chunks::<4>().0;
        let classes = classes.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        let scores = scores.as_primitive_opt::<Float32Type>().ok_or_else(wrong)?;
        let mut at = 0;
        let row = |length: Option<usize>| {
            let own = at..at + length.unwrap_or(0);
            at = own.end;
            let one = |at: usize| Self {
                numbers: numbers[at],
                class: classes.value(at) as u32,
                score: scores.value(at),
            };
            own.map(one).collect()
        };
        Ok(lengths.into_iter().map(row).collect())
    }
}
