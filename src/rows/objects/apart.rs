//! Boxes in a column of their own, beside one of their classes and in no struct with them: they are not read, which is said.

use super::layout::{CATEGORIES, is_box, is_class};
use crate::columns::list_item;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::source::Files;
use crate::stored_rows::BOXES;
use arrow::datatypes::{DataType, Schema};

/// A column of boxes in no struct.
pub(super) struct BoxesApart {
    boxes: &'static str,
    classes: Option<&'static str>,
}

impl BoxesApart {
    /// The column of `schema` that is called as boxes are and holds a list of them in each row, and the one of their classes.
    pub(super) fn find(schema: &Schema) -> Option<Self> {
        let lists = |names: &[&'static str], fits: fn(&DataType) -> bool| {
            names.iter().copied().find(|name| {
                let field = schema.field_with_name(name).ok();
                let item = field.and_then(|field| list_item(field.data_type()));
                item.is_some_and(|item| fits(item.data_type()))
            })
        };
        let boxes = lists(&BOXES, is_box)?;
        let classes = lists(&CATEGORIES, is_class);
        Some(Self { boxes, classes })
    }

    /// What there is to say and to do.
    pub(super) fn in_words(&self) -> String {
        let boxes = self.boxes;
        let classes = match self.classes {
            Some(classes) => format!("\"{classes}\""),
            None => "\"category\", a class for each box".to_owned(),
        };
        format!(
            "column \"{boxes}\" looks like boxes, and is not read: boxes are read from one column with their classes: put them into a struct of lists \
             that is called \"objects\", with the fields \"{boxes}\" and {classes}, as StructArray.from_arrays of pyarrow makes it \
             (docs/guides/detection.md)"
        )
    }
}

/// `error`, which says that no column has labels, with what there is to say of boxes in no struct, where the label is not `named` or is one of these columns.
pub(crate) fn with_boxes_apart(error: Error, rows: &Files, named: Option<&str>) -> Error {
    let found = BoxesApart::find(&rows.schema());
    let is_meant = |found: &BoxesApart| named.is_none_or(|named| named == found.boxes || Some(named) == found.classes);
    match found.filter(is_meant) {
        Some(found) => error.and_says(&found.in_words()),
        None => error,
    }
}
