//! The columns that all sources of a mix or a concatenation have in common.

use super::labels::CLASS_NAMES;
use super::objects::BOX_FORMAT;
use crate::error::{Error, Result};
use crate::source::KEYPOINTS;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use std::sync::Arc;

/// The columns of all sources of the adapter `name`. One that is nullable in any source is nullable.
pub(crate) fn one_schema(name: &str, sources: &[SchemaRef]) -> Result<SchemaRef> {
    let first = sources
        .first()
        .ok_or_else(|| Error::config(format!("{name}: no sources")))?;
    let mut nullable: Vec<bool> = first.fields().iter().map(|field| field.is_nullable()).collect();
    for (source, other) in sources.iter().enumerate().skip(1) {
        same_columns(source, first, other).map_err(|error| error.context(name))?;
        for (nullable, field) in nullable.iter_mut().zip(other.fields()) {
            *nullable |= field.is_nullable();
        }
    }
    let fields = first.fields().iter().zip(nullable);
    let fields: Vec<Field> = fields
        .map(|(field, nullable)| field.as_ref().clone().with_nullable(nullable))
        .collect();
    Ok(Arc::new(Schema::new_with_metadata(fields, first.metadata().clone())))
}

fn same_columns(source: usize, first: &Schema, other: &Schema) -> Result<()> {
    let differs = |text: String| Err(Error::schema(text));
    for (at, wanted) in first.fields().iter().enumerate() {
        let name = wanted.name();
        let Ok(found) = other.index_of(name) else {
            return differs(format!("source {source} has no column \"{name}\", source 0 has"));
        };
        if found != at {
            return differs(format!(
                "column \"{name}\" is number {found} in source {source}, number {at} in source 0"
            ));
        }
        let field = other.field(at);
        let (kind, wanted_kind) = (field.data_type(), wanted.data_type());
        if kind != wanted_kind {
            return differs(format!(
                "column \"{name}\" of source {source} is {kind}, of source 0 {wanted_kind}"
            ));
        }
        for key in [
            CLASS_NAMES,
            BOX_FORMAT,
            EXTENSION_TYPE_NAME_KEY,
            EXTENSION_TYPE_METADATA_KEY,
        ] {
            let said = |field: &Field| {
                field
                    .metadata()
                    .get(key)
                    .cloned()
                    .unwrap_or_else(|| "nothing".to_owned())
            };
            let (here, there) = (said(field), said(wanted));
            if here != there {
                return differs(format!(
                    "column \"{name}\" of source {source} says {key} {here}, of source 0 {there}"
                ));
            }
        }
        // Rows that were made need not say it.
        let points = [field, wanted].map(|field| field.metadata().get(KEYPOINTS));
        if let [Some(here), Some(there)] = points
            && here != there
        {
            return differs(format!(
                "column \"{name}\" of source {source} says {KEYPOINTS} {here}, of source 0 {there}"
            ));
        }
    }
    match other.fields().get(first.fields().len()) {
        Some(more) => differs(format!(
            "source {source} has a column \"{}\", source 0 has not",
            more.name()
        )),
        None => Ok(()),
    }
}
