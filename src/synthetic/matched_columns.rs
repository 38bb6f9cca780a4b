//! Columns of rows that were made, as those of the rows that they are mixed with: by name and type.

use super::SampleId;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::rows::{ClassEncoded, Labels};
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

/// The columns of the rows that made ones are mixed with.
#[derive(Clone, Debug)]
pub(super) struct MatchedColumns {
    /// With class numbers in place of labels.
    pub(super) schema: SchemaRef,
    /// The column of classes.
    label: usize,
}

impl MatchedColumns {
    /// The columns of `rows`, whose classes are `labels`.
    pub(super) fn of(rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Self> {
        Self::in_schema(
            ClassEncoded::new(Arc::clone(rows), labels.into())?.schema(),
            labels.column(),
        )
    }

    /// The columns of `schema`, whose class numbers are in `label`.
    pub(super) fn in_schema(schema: SchemaRef, label: &str) -> Result<Self> {
        let label = schema.index_of(label)?;
        Ok(Self { schema, label })
    }

    /// All but the class, in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Arc<Field>> {
        let others = self.schema.fields().iter().enumerate();
        others.filter(|(at, _)| *at != self.label).map(|(_, field)| field)
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<&str> {
        self.fields().map(|field| field.name().as_str()).collect()
    }

    /// Compares `made` with them, which may have columns of `beside` that they have not.
    ///
    /// # Errors
    ///
    /// `Schema` for missing columns, further ones, and one of another type.
    pub(super) fn check(&self, made: &Schema, beside: &[&str]) -> Result<()> {
        let missing: Vec<&str> = self
            .names()
            .into_iter()
            .filter(|name| beside.contains(name) || made.index_of(name).is_err())
            .collect();
        if !missing.is_empty() {
            return Err(Error::schema(format!(
                "made rows lack {}, which the rows have that they are mixed with: give rows with the same columns; a file of made pictures is read beside \
                 the training files",
                quoted(&missing)
            )));
        }
        let names = self.names();
        let found = made.fields().iter().map(|field| field.name().as_str());
        let extra: Vec<&str> = found
            .filter(|name| !names.contains(name) && !beside.contains(name))
            .collect();
        if !extra.is_empty() {
            return Err(Error::schema(format!(
                "made rows have {}, which the rows that they are mixed with have not: leave them out",
                quoted(&extra)
            )));
        }
        for field in self.fields() {
            let found = made.field_with_name(field.name())?.data_type();
            if !are_alike(found, field.data_type()) {
                return Err(Error::schema(format!(
                    "column \"{}\" of made rows is {found}, of the rows that they are mixed with {}: make it that",
                    field.name(),
                    field.data_type()
                )));
            }
        }
        Ok(())
    }

    /// `made`, which was checked, as rows of [`schema`](Self::schema) of these classes. An error is at its row, where it is one's.
    pub(super) fn rows(&self, made: &RecordBatch, samples: &[SampleId]) -> Result<RecordBatch> {
        let label: ArrayRef = Arc::new(Int64Array::from_iter_values(
            samples.iter().map(|sample| sample.class.into()),
        ));
        let column = |(at, field): (usize, &Arc<Field>)| {
            if at == self.label {
                return Ok(Arc::clone(&label));
            }
            let column = made.column(made.schema().index_of(field.name())?);
            let null = column
                .nulls()
                .and_then(|nulls| (0..nulls.len()).find(|&row| nulls.is_null(row)));
            match null.filter(|_| !field.is_nullable()) {
                Some(row) => Err(Error::data(format!(
                    "column \"{}\" is null, which it is nowhere in the rows that it is mixed with",
                    field.name()
                ))
                .at(row)),
                None if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
                None => Ok(cast(column, field.data_type())?),
            }
        };
        let columns = self
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(column)
            .collect::<Result<_>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// `"a", "b"`.
pub(super) fn quoted(names: &[&str]) -> String {
    let names = names.iter().map(|name| format!("\"{name}\""));
    names.collect::<Vec<_>>().join(", ")
}
/// Whether two types hold the same values, however these lie in memory and whatever items are called.
fn are_alike(found: &DataType, wanted: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Dictionary, FixedSizeList, LargeBinary, LargeList, LargeUtf8, List, Struct, Utf8, Utf8View,
    };
    match (found, wanted) {
        (Dictionary(_, found), wanted) => are_alike(found, wanted),
        (found, Dictionary(_, wanted)) => are_alike(found, wanted),
        (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View)
        | (Binary | LargeBinary | BinaryView, Binary | LargeBinary | BinaryView) => true,
        (List(found) | LargeList(found), List(wanted) | LargeList(wanted)) => {
            are_alike(found.data_type(), wanted.data_type())
        }
        (FixedSizeList(found, a), FixedSizeList(wanted, b)) => {
            a == b && are_alike(found.data_type(), wanted.data_type())
        }
        (Struct(found), Struct(wanted)) => {
            let same =
                |(a, b): (&Arc<Field>, &Arc<Field>)| a.name() == b.name() && are_alike(a.data_type(), b.data_type());
            found.len() == wanted.len() && found.iter().zip(wanted).all(same)
        }
        (found, wanted) => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_alike_where_their_values_are() {
        let list =
            |name: &str, of: DataType, nullable| DataType::FixedSizeList(Arc::new(Field::new(name, of, nullable)), 3);
        let floats = list("item", DataType::Float32, false);
        assert!(are_alike(&list("element", DataType::Float32, true), &floats));
        assert!(!are_alike(&list("item", DataType::Float64, false), &floats));
        let words = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::LargeUtf8));
        assert!(are_alike(&words, &DataType::Utf8View));
        assert!(!are_alike(&DataType::Int32, &DataType::Int64));
        assert!(!are_alike(&DataType::Utf8, &DataType::Binary));
    }
}
