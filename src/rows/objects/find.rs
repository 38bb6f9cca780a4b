//! Which column of files holds objects.

use super::apart::BoxesApart;
use super::layout::ObjectLayout;
use crate::dataset::Dataset;
use crate::error::{Remedy, Result};
use crate::quote::quoted;
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

/// What there is to say where `rows` have other columns of boxes than `column`, which was found for the labels where none was named: those that
/// are called as boxes are, those of another name, which are found where they are named alone, and where `column` has no boxes those in no struct.
pub(crate) fn said_of_objects(rows: &Files, column: &str) -> Vec<String> {
    let schema = rows.schema();
    let others: Vec<String> = (ObjectLayout::others(&schema, column).into_iter())
        .map(|name| format!("\"{name}\""))
        .collect();
    let called = (!others.is_empty()).then(|| {
        format!(
            "boxes are read from column \"{column}\", and {} has boxes, too: name the column of labels where that is meant",
            others.join(" and ")
        )
    });
    let unasked = ObjectLayout::unasked(&schema, column).into_iter().map(|name| {
        let name = quoted(name);
        format!("column {name} has boxes, too: data.label = {name} reads them")
    });
    let apart = match ObjectLayout::of(&schema, column) {
        Ok(_) => None,
        Err(_) => BoxesApart::find(&schema).map(|found| found.in_words()),
    };
    called.into_iter().chain(unasked).chain(apart).collect()
}
