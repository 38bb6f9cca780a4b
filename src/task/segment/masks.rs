//! Masks of rows, those that are there and those that are predicted.

use crate::columns::{bytes_inside, bytes_of, index_of};
use crate::error::{Error, Result};
use crate::image::{Mask, Pixels, Reading};
use crate::task::definition::Truth;
use crate::task::mask_rows::STORED_MASK;
use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::Field;
use std::sync::Arc;

/// The column of predictions.
const PREDICTED: &str = "mask";

/// Masks of rows that were predicted.
#[derive(Default)]
pub(super) struct Predicted(Vec<Vec<u8>>);

impl Predicted {
    pub(super) fn push(&mut self, mask: &Mask) -> Result<()> {
        let mut pixels = Pixels::with_channels(mask.width, mask.height, 1);
        pixels.levels.copy_from_slice(&mask.values);
        self.0.push(pixels.to_png()?);
        Ok(())
    }

    /// Structs of `bytes` and `path`, as Hugging Face stores pictures.
    pub(super) fn finish(self) -> Result<RecordBatch> {
        let paths: ArrayRef = Arc::new(StringArray::new_null(self.0.len()));
        let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values(self.0));
        let columns = [("bytes", bytes), ("path", paths)].map(|(name, column)| {
            let field = Field::new(name, column.data_type().clone(), true);
            (Arc::new(field), column)
        });
        let masks: ArrayRef = Arc::new(StructArray::from(columns.to_vec()));
        Ok(RecordBatch::try_from_iter([(PREDICTED, masks)])?)
    }
}

/// Whether `predictions` have masks as files, whichever task has made them.
pub(in crate::task) fn has_masks(predictions: &RecordBatch) -> bool {
    let column = predictions.column_by_name(PREDICTED);
    column.is_some_and(|column| bytes_inside(column).is_some())
}

/// The masks of `predictions`, in their order. A row without a prediction has one without pixels.
pub(in crate::task) fn predicted_masks(predictions: &RecordBatch) -> Result<Vec<Mask>> {
    let column = predictions.column(index_of(&predictions.schema(), PREDICTED)?);
    let bytes =
        bytes_inside(column).ok_or_else(|| Error::schema(format!("column {PREDICTED:?} holds no predicted masks")))?;
    decoded(bytes, predictions.num_rows())
}

/// The masks of the rows of `truth` as they are stored, as large as their pictures.
pub(in crate::task) fn true_masks(truth: &Truth<'_>) -> Result<Vec<Mask>> {
    let at = index_of(&truth.rows.schema(), STORED_MASK)?;
    decoded(truth.rows.column(at), truth.rows.num_rows())
}

fn decoded(files: &ArrayRef, rows: usize) -> Result<Vec<Mask>> {
    let one = |row| match bytes_of(files, row) {
        Some(bytes) => Mask::decode(bytes, Reading::default().max_pixels).map_err(|error| Error::from(error).at(row)),
        None => Ok(Mask::default()),
    };
    (0..rows).map(one).collect()
}
