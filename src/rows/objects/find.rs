//! Which column of files holds objects.

use super::layout::ObjectLayout;
use crate::dataset::Dataset;
use crate::error::{Remedy, Result};
use crate::source::Files;
use crate::stored_rows::INSTANCES;
use arrow::datatypes::{DataType, Schema};

/// The column of boxes with classes: the one that is `named` or, without a name, the one that is called as they are; none where none is
/// meant to hold such.
///
/// # Errors
///
/// `Schema` where a column is meant to hold boxes, and does not.
pub(crate) fn find_objects(rows: &Files, named: Option<&str>) -> Result<Option<String>> {
    let all = match named {
        Some(named) => match rows.clone().columns(&[named]) {
            Ok(rows) => rows.schema(),
            Err(_) => return Ok(None),
        },
        None => rows.schema(),
    };
    match ObjectLayout::look(&all, named) {
        None => Ok(None),
        Some(Ok(layout)) => Ok(Some(layout.column().to_owned())),
        Some(Err(error)) => Err(error.with_remedy(Remedy::LabelColumn).context(rows.name())),
    }
}

/// The column of masks in which each object of a row has a number of its own, as an import writes it beside boxes; none where there is none.
pub(crate) fn find_instances(schema: &Schema) -> Option<&'static str> {
    let is_file = |kind: &DataType| matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    let field = schema.field_with_name(INSTANCES).ok()?;
    is_file(field.data_type()).then_some(INSTANCES)
}

/// What there is to say where `rows` have several columns that are meant to hold boxes, of which `column` was found and none was named.
pub(crate) fn said_of_objects(rows: &Files, column: &str) -> Option<String> {
    let schema = rows.schema();
    let others: Vec<String> = (ObjectLayout::others(&schema, column).into_iter())
        .map(|name| format!("\"{name}\""))
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "boxes are read from column \"{column}\", and {} has boxes, too: name the column of labels where that is meant",
            others.join(" and ")
        )
    })
}
