//! Columns of features, and what is said of numbers in them that are none.

use crate::columns::{index_of, tensor_field, tensor_values};
use crate::dataset::{Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::Arc;

/// The column that the features stand in.
pub(super) const COLUMN: &str = "features";

/// Where a row is stored, in words.
pub(super) fn placed(provenance: Provenance) -> String {
    let place = provenance.places.into_iter().next();
    place.map_or_else(|| "a row".to_owned(), |place| place.to_string())
}

/// The column `name` of all rows, repeated for each view.
pub(super) fn in_views(cx: &Context, images: &dyn Stable, name: &str) -> Result<ArrayRef> {
    let column = cx.block_on(images.column(cx, name))?;
    let views: Vec<&dyn Array> = (0..images.views()).map(|_| &*column as &dyn Array).collect();
    Ok(concat(&views)?)
}

pub(super) fn features_schema(images: &Schema, column: &str, width: usize) -> Result<SchemaRef> {
    let at = index_of(images, column)?;
    let mut fields = images.fields().to_vec();
    fields[at] = Arc::new(tensor_field(COLUMN, &DataType::Float32, &[width])?);
    Ok(Arc::new(Schema::new_with_metadata(fields, images.metadata().clone())))
}

/// Whether several rows have a NaN or an infinity each.
pub(super) fn of_every_row(column: &ArrayRef) -> bool {
    tensor_values(column).is_some_and(|(list, values, width)| {
        let values = &values.values()[list.value_offset(0) as usize..];
        let mut rows = values[..list.len() * width].chunks_exact(width.max(1));
        list.len() > 1 && rows.all(|row| row.iter().any(|value| !value.is_finite()))
    })
}

/// Refuses a NaN or an infinity, with the place of the row that it is in.
pub(super) fn finite(column: &ArrayRef, place: &dyn Fn(usize) -> String, what: impl Fn() -> String) -> Result<()> {
    let Some((list, values, width)) = tensor_values(column) else {
        return Ok(());
    };
    let first = list.value_offset(0) as usize;
    let mut values = values.values()[first..first + list.len() * width].iter();
    match values.position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(bad) => Err(Error::data(format!("{} a number that is not finite", what())).context(place(bad / width))),
    }
}
