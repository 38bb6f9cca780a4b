//! Whether anything below a stage knows the classes of rows.

use super::labels::CLASS_NAMES;
use crate::dataset::Dataset;
use crate::exec::Context;
use arrow::datatypes::{DataType, Field};

/// Whether nothing in `rows` knows the class of a row, as far as can be told before any is read: a stage that asks for it would refuse
/// the first one.
pub(super) fn lacks_class(rows: &impl Dataset) -> bool {
    // Whatever makes class numbers knows them, and its first row may cost a read.
    if rows.schema().fields().iter().any(|field| is_class_number(field)) {
        return false;
    }
    // The class of a row follows from its position alone, so that any threads and any seed tell whether there is one.
    let Ok(cx) = Context::with(1, 1 << 20) else {
        return false;
    };
    let first = rows.provenance(&cx.for_origins(), 0);
    // Of a row that is not known yet nothing is.
    first.class.is_none() && !first.places.is_empty()
}

/// Whether a column of `classes`, a balance or the like is `field`: numbers with the names of their classes, and never null.
fn is_class_number(field: &Field) -> bool {
    !field.is_nullable() && *field.data_type() == DataType::Int64 && field.metadata().contains_key(CLASS_NAMES)
}
