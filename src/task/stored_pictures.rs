//! The pictures of rows as they are stored, one after the other, where some of them may not be there.

use crate::columns::{bytes_of, index_of};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::loader::is_replaceable;
use crate::train::failed_rows::take_row;
use arrow::array::RecordBatch;

/// Calls `with` for the picture of each of the rows `at`, in that order, in the column `column`: its bytes, or none for a null and for
/// a row that is bad by itself, such as one whose picture is not there. What is done with such a row is decided where pictures are made.
///
/// # Errors
///
/// Whatever reading gives that is not the fault of a single row.
pub(super) fn each_picture(
    cx: &Context,
    rows: &dyn Dataset,
    column: &str,
    at: &[u64],
    with: &mut dyn FnMut(Option<&[u8]>),
) -> Result<()> {
    let each = |batch: &RecordBatch, with: &mut dyn FnMut(Option<&[u8]>)| -> Result<()> {
        let images = batch.column(index_of(&batch.schema(), column)?);
        (0..batch.num_rows()).for_each(|row| with(bytes_of(images, row)));
        Ok(())
    };
    match cx.block_on(rows.take(cx, at)) {
        Ok(batch) => return each(&batch, with),
        Err(error) if is_replaceable(&error) => {}
        Err(error) => return Err(error),
    }
    for &row in at {
        match take_row(cx, rows, row) {
            Ok(batch) => each(&batch, with)?,
            Err(error) if is_replaceable(&error) => with(None),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
