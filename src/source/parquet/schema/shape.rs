//! Decoded batches, as their columns come out.

use super::adapt::adapt;
use super::projection::Projection;
use super::unified;
use crate::error::{Error, Result};
use crate::source::fields::{inside, is_media};
use crate::source::parquet::format::footer::Footer;
use arrow::array::{Array, ArrayRef, Int32Array, NullArray, RecordBatch, RecordBatchOptions, StringViewBuilder};
use arrow::datatypes::{DataType, FieldRef, Schema};
use std::sync::Arc;

impl Projection {
    /// A batch of the columns that are there, and of those that are not from `rest`, in turn.
    pub(in crate::source::parquet) fn merge(
        &self,
        have: &[Option<ArrayRef>],
        first: usize,
        rest: &RecordBatch,
    ) -> Result<RecordBatch> {
        let mut rest_columns = rest.columns().iter();
        let column = |have: &Option<ArrayRef>| match have {
            Some(column) => Some(column.slice(first, rest.num_rows())),
            None => rest_columns.next().cloned(),
        };
        let columns = have.iter().filter_map(column).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// A decoded batch of `file` as it comes out: structs with bytes flattened, tensors put together, types as they are for
    /// all files, what is not stored added, columns in order.
    pub(in crate::source::parquet) fn shape(&self, file: &Footer, batch: &RecordBatch) -> Result<RecordBatch> {
        let column = |field: &FieldRef| -> Result<ArrayRef> {
            let Some(tensor) = self.tensor(field.name()) else {
                return adapt(&self.stored_column(file, batch, field.name())?, field.data_type());
            };
            let columns = tensor.columns.iter();
            let columns: Vec<_> = columns
                .map(|name| self.stored_column(file, batch, name))
                .collect::<Result<_>>()?;
            tensor.join(&columns, batch.num_rows(), field)
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }

    /// `rows` rows of `file` where nothing is to be read for them.
    pub(in crate::source::parquet) fn unread(&self, file: &Footer, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let none = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
        self.shape(file, &none)
    }

    /// The column `name` in the decoded `batch` of `file`, as it is stored; what its folders say; nulls where it is neither.
    fn stored_column(&self, file: &Footer, batch: &RecordBatch, name: &String) -> Result<ArrayRef> {
        if self.is_key(name) {
            return self.hive_column(file, name, batch.num_rows());
        }
        let path = self.path(name);
        let Some(root) = batch.column_by_name(&path[0]) else {
            return match self.stored_field(file, name) {
                None => Ok(Arc::new(NullArray::new(batch.num_rows()))),
                Some(_) => Err(Error::data(format!("column {name:?} was not decoded"))),
            };
        };
        if path.len() == 1 && !root.data_type().is_nested() {
            return Ok(Arc::clone(root));
        }
        match self.stored_field(file, name) {
            None => Ok(Arc::new(NullArray::new(batch.num_rows()))),
            Some(field) if is_media(field.data_type()) => {
                let bytes = [path, &["bytes".to_owned()]].concat();
                inside(root, &bytes)
            }
            Some(_) => inside(root, path),
        }
    }

    /// What the folders of `file` say of the column `name`, for `rows` rows.
    fn hive_column(&self, file: &Footer, name: &str, rows: usize) -> Result<ArrayRef> {
        let mut keys = file.location.keys.iter();
        let value = keys
            .find(|(key, _)| **key == *name)
            .and_then(|(_, value)| value.as_deref());
        let Some(value) = value else {
            return Ok(Arc::new(NullArray::new(rows)));
        };
        let field = self.all.schema.field_with_name(name)?;
        if *field.data_type() == DataType::Int32 {
            let number = unified::number(value).ok_or_else(|| Error::data(format!("{value:?} is no whole number")))?;
            return Ok(Arc::new(Int32Array::from_value(number, rows)));
        }
        let mut values = StringViewBuilder::with_capacity(rows).with_deduplicate_strings();
        (0..rows).for_each(|_| values.append_value(value));
        Ok(Arc::new(values.finish()))
    }
}
