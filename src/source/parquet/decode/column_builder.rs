//! One column of all rows, put together part by part.

use crate::error::Result;
use arrow::array::{Array, ArrayData, ArrayRef, make_array};
use arrow::buffer::MutableBuffer;
use arrow::compute::concat;
use arrow::datatypes::DataType;

/// The parts of a column that came so far. Of numbers without nulls there is one copy at any time.
#[derive(Debug)]
pub(in crate::source::parquet) struct ColumnBuilder {
    data_type: DataType,
    /// Bytes of a number, as long as there are only numbers.
    width: Option<usize>,
    values: MutableBuffer,
    parts: Vec<ArrayRef>,
}

impl ColumnBuilder {
    /// A column that will have `rows` rows.
    pub(in crate::source::parquet) fn new(data_type: &DataType, rows: usize) -> Self {
        let width = data_type.primitive_width();
        Self {
            data_type: data_type.clone(),
            width,
            values: MutableBuffer::with_capacity(rows * width.unwrap_or(0)),
            parts: Vec::new(),
        }
    }

    pub(in crate::source::parquet) fn push(&mut self, part: ArrayRef) -> Result<()> {
        let data = part.to_data();
        match self
            .width
            .filter(|_| data.null_count() == 0 && *data.data_type() == self.data_type)
        {
            Some(width) => {
                let bytes = data.buffers()[0].as_slice();
                let rows = data.offset() * width..(data.offset() + data.len()) * width;
                self.values.extend_from_slice(&bytes[rows]);
            }
            None => {
                self.settle()?;
                self.parts.push(part);
            }
        }
        Ok(())
    }

    /// Makes a part of the numbers so far.
    fn settle(&mut self) -> Result<()> {
        let values = std::mem::replace(&mut self.values, MutableBuffer::new(0));
        if let Some(width) = self.width.take().filter(|_| !values.is_empty()) {
            let data = ArrayData::builder(self.data_type.clone()).len(values.len() / width);
            self.parts.push(make_array(data.add_buffer(values.into()).build()?));
        }
        Ok(())
    }

    /// The whole column.
    pub(in crate::source::parquet) fn finish(mut self) -> Result<ArrayRef> {
        self.settle()?;
        match self.parts.len() {
            1 => Ok(self.parts.remove(0)),
            _ => Ok(concat(&self.parts.iter().map(|part| &**part).collect::<Vec<_>>())?),
        }
    }
}
