//! The boxes of rows that are learnt, in the columns that the reader of objects makes.

use crate::columns::{list_item, list_items, tensor_values};
use crate::error::{Error, Result};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

/// The objects of a row.
#[derive(Debug, Default)]
pub(in crate::task) struct Objects {
    /// Left, upper, right and lower side.
    pub(in crate::task) boxes: Vec<[f32; 4]>,
    pub(in crate::task) classes: Vec<usize>,
}

impl Objects {
    /// Those of all `rows`, in the columns `column.*`.
    pub(in crate::task) fn all(rows: &RecordBatch, column: &str) -> Result<Vec<Self>> {
        let (schema, wrong) = (rows.schema(), || {
            Error::schema(format!("the columns \"{column}.*\" hold no boxes with classes"))
        });
        let (boxes, classes) = columns_of(&schema, column)?;
        let (boxes, lengths) = list_items(rows.column(boxes), None)?;
        let (classes, _) = list_items(rows.column(classes), None)?;
        let classes = classes.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        let (_, numbers, _) = tensor_values(&boxes).ok_or_else(wrong)?;
        let first = boxes.as_fixed_size_list().value_offset(0) as usize;
        let numbers = numbers.values()[first..].as_chunks::<4>().0;
        let mut at = 0;
        let row = |length: Option<usize>| {
            let own = at..at + length.unwrap_or(0);
            at = own.end;
            Self {
                boxes: numbers[own.clone()].to_vec(),
                classes: classes.values()[own].iter().map(|&class| class as usize).collect(),
            }
        };
        Ok(lengths.into_iter().map(row).collect())
    }
}

/// Which columns `column.*` hold boxes and classes, as [`objects`](crate::DatasetExt::objects) makes them.
fn columns_of(schema: &Schema, column: &str) -> Result<(usize, usize)> {
    let prefix = format!("{column}.");
    let boxes = schema
        .fields()
        .iter()
        .position(|field| field.name().starts_with(&prefix) && is_boxes(field));
    // The field of classes comes after that of boxes.
    let boxes = boxes.filter(|at| at + 1 < schema.fields().len());
    boxes
        .map(|at| (at, at + 1))
        .ok_or_else(|| Error::schema(format!("there are no columns \"{column}.*\" of boxes with classes")))
}

pub(super) fn is_boxes(field: &Field) -> bool {
    let item = list_item(field.data_type());
    item.is_some_and(|item| matches!(item.data_type(), DataType::FixedSizeList(_, 4)))
}
