//! What a stage writes for all rows of a batch.

use super::ports::{DType, Output, Shape};
use super::row::{Out, Slot};
use crate::columns::{tensor_column, tensor_field};
use crate::error::{Error, Result};
use crate::exec::buffers::BufferPool;
use arrow::array::{ArrayRef, ArrowPrimitiveType, ListArray, PrimitiveArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Float32Type, Int8Type, Int64Type, UInt8Type};
use std::sync::Arc;

/// Batches of another size that wait for their next use, such as an epoch's last one. The rows that a stage with partners takes from below are as many
/// as there are different ones, so that most of their batches are of another size: the bound of the loader counts one that waits beside
/// the one in use.
const OTHERS: usize = 1;

/// The buffers of one output, used again when a batch is dropped.
#[derive(Debug)]
pub(super) struct Buffers {
    output: Output,
    field: Arc<Field>,
    u8s: Arc<BufferPool<u8>>,
    f32s: Arc<BufferPool<f32>>,
    i64s: Arc<BufferPool<i64>>,
}

/// One output of all rows of a batch, while it is written.
#[derive(Debug)]
pub(super) enum Filling {
    U8(Vec<u8>),
    F32(Vec<f32>),
    I64(Vec<i64>),
    RaggedU8(Vec<Vec<u8>>),
    RaggedF32(Vec<Vec<f32>>),
    RaggedI64(Vec<Vec<i64>>),
}

impl Output {
    /// Numbers of a row, or of an item of a ragged output.
    fn width(&self) -> usize {
        match &self.shape {
            Shape::Fixed(shape) => shape.iter().product(),
            Shape::Ragged { inner, .. } => inner.iter().product(),
        }
    }

    fn field(&self) -> Result<Field> {
        let name = &self.name;
        let shape = match &self.shape {
            Shape::Fixed(shape) => shape,
            Shape::Ragged { inner, .. } => inner,
        };
        if shape.contains(&0) {
            return Err(Error::config(format!(
                "output \"{name}\" has the shape {shape:?}, and each dimension is at least 1"
            )));
        }
        let field = self
            .unnamed()
            .map_err(|error| error.context(format!("output \"{name}\"")))?;
        let mut metadata = field.metadata().clone();
        metadata.extend(self.metadata.clone());
        Ok(field.with_metadata(metadata))
    }

    fn unnamed(&self) -> Result<Field> {
        Ok(match &self.shape {
            Shape::Fixed(shape) => self.tensor(&self.name, shape)?,
            Shape::Ragged { inner, .. } => {
                let item = self.tensor(Field::LIST_FIELD_DEFAULT_NAME, inner)?;
                Field::new(&self.name, DataType::List(Arc::new(item)), false)
            }
        })
    }

    /// A tensor of `shape`, or one number for `[]`.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Field> {
        let dtype = match self.dtype {
            DType::U8 => DataType::UInt8,
            DType::F32 => DataType::Float32,
            DType::I64 => DataType::Int64,
            DType::Bool => DataType::Boolean,
        };
        tensor_field(name, &dtype, shape)
    }
}

impl Buffers {
    pub(super) fn new(output: &Output) -> Result<Self> {
        Ok(Self {
            field: Arc::new(output.field()?),
            output: output.clone(),
            u8s: Arc::new(BufferPool::of_one_size(OTHERS)),
            f32s: Arc::new(BufferPool::of_one_size(OTHERS)),
            i64s: Arc::new(BufferPool::of_one_size(OTHERS)),
        })
    }

    pub(super) fn field(&self) -> &Arc<Field> {
        &self.field
    }

    /// Room for `rows` rows.
    pub(super) fn take(&self, rows: usize) -> Filling {
        let (len, dtype) = (self.output.width() * rows, self.output.dtype);
        match (&self.output.shape, dtype) {
            (Shape::Fixed(_), DType::U8 | DType::Bool) => Filling::U8(self.u8s.take(len)),
            (Shape::Fixed(_), DType::F32) => Filling::F32(self.f32s.take(len)),
            (Shape::Fixed(_), DType::I64) => Filling::I64(self.i64s.take(len)),
            (Shape::Ragged { .. }, DType::U8 | DType::Bool) => Filling::RaggedU8(vec![Vec::new(); rows]),
            (Shape::Ragged { .. }, DType::F32) => Filling::RaggedF32(vec![Vec::new(); rows]),
            (Shape::Ragged { .. }, DType::I64) => Filling::RaggedI64(vec![Vec::new(); rows]),
        }
    }

    /// The column that was filled.
    pub(super) fn finish(&self, filling: Filling) -> Result<ArrayRef> {
        let is_bool = self.output.dtype == DType::Bool;
        match &filling {
            Filling::U8(values) if is_bool => {
                let width = self.output.width();
                let wrong = values.iter().position(|value| *value > 1);
                wrong.map_or(Ok(()), |at| Err(self.no_bool(values[at]).at(at / width)))?;
            }
            Filling::RaggedU8(rows) if is_bool => {
                let wrong = |row: &Vec<u8>| row.iter().find(|value| **value > 1).copied();
                let wrong = rows.iter().enumerate().find_map(|(at, row)| Some((at, wrong(row)?)));
                wrong.map_or(Ok(()), |(at, value)| Err(self.no_bool(value).at(at)))?;
            }
            _ => (),
        }
        match filling {
            Filling::U8(values) if is_bool => self.fixed::<Int8Type>(values.len(), self.u8s.lend(values)),
            Filling::U8(values) => self.fixed::<UInt8Type>(values.len(), self.u8s.lend(values)),
            Filling::F32(values) => self.fixed::<Float32Type>(values.len(), self.f32s.lend(values)),
            Filling::I64(values) => self.fixed::<Int64Type>(values.len(), self.i64s.lend(values)),
            Filling::RaggedU8(rows) if is_bool => {
                let rows: Vec<Vec<i8>> = rows
                    .into_iter()
                    .map(|row| row.into_iter().map(|value| value as i8).collect())
                    .collect();
                self.ragged::<Int8Type>(&rows)
            }
            Filling::RaggedU8(rows) => self.ragged::<UInt8Type>(&rows),
            Filling::RaggedF32(rows) => self.ragged::<Float32Type>(&rows),
            Filling::RaggedI64(rows) => self.ragged::<Int64Type>(&rows),
        }
    }

    fn no_bool(&self, value: u8) -> Error {
        Error::data(format!("output \"{}\": {value} is neither 0 nor 1", self.output.name))
    }

    fn fixed<T: ArrowPrimitiveType>(&self, len: usize, bytes: bytes::Bytes) -> Result<ArrayRef> {
        let values = PrimitiveArray::<T>::new(ScalarBuffer::new(bytes.into(), 0, len), None);
        tensor_column(&self.field, Arc::new(values))
    }

    fn ragged<T: ArrowPrimitiveType>(&self, rows: &[Vec<T::Native>]) -> Result<ArrayRef> {
        let (width, name) = (self.output.width().max(1), self.field.name());
        let at_most = match self.output.shape {
            Shape::Ragged { at_most, .. } => at_most,
            Shape::Fixed(_) => usize::MAX,
        };
        for (row, values) in rows.iter().enumerate() {
            let items = values.len() / width;
            let wrong = match values.len() % width {
                0 if items <= at_most => continue,
                0 => format!("{items} items, more than the {at_most} that are allowed: raise `at_most` of the column"),
                _ => format!("{} numbers, not whole items of {width}", values.len()),
            };
            return Err(Error::data(format!("output \"{name}\": {wrong}")).at(row));
        }
        let total: usize = rows.iter().map(|values| values.len() / width).sum();
        if i32::try_from(total).is_err() {
            let message =
                format!("output \"{name}\": {total} items in one batch are more than a list has: use smaller batches");
            return Err(Error::config(message));
        }
        let offsets = OffsetBuffer::from_lengths(rows.iter().map(|values| values.len() / width));
        let DataType::List(item) = self.field.data_type() else {
            return Err(Error::schema(format!("output \"{name}\" is no list")));
        };
        let values = PrimitiveArray::<T>::new(rows.concat().into(), None);
        let items = tensor_column(item, Arc::new(values))?;
        Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, None)?))
    }
}

/// The places of each of `rows` rows.
pub(super) fn outs(fillings: &mut [Filling], rows: usize) -> Vec<Out<'_>> {
    let slots = fillings.len();
    let mut outs: Vec<Out<'_>> = (0..rows)
        .map(|_| Out {
            slots: Vec::with_capacity(slots),
        })
        .collect();
    for filling in fillings {
        match filling {
            Filling::U8(values) => cut(&mut outs, values, Slot::U8),
            Filling::F32(values) => cut(&mut outs, values, Slot::F32),
            Filling::I64(values) => cut(&mut outs, values, Slot::I64),
            Filling::RaggedU8(rows) => hand(&mut outs, rows, Slot::RaggedU8),
            Filling::RaggedF32(rows) => hand(&mut outs, rows, Slot::RaggedF32),
            Filling::RaggedI64(rows) => hand(&mut outs, rows, Slot::RaggedI64),
        }
    }
    outs
}

fn cut<'a, T>(outs: &mut [Out<'a>], values: &'a mut [T], slot: impl Fn(&'a mut [T]) -> Slot<'a>) {
    let width = values.len() / outs.len().max(1);
    let mut rest = values;
    for out in outs {
        let (own, others) = rest.split_at_mut(width);
        out.slots.push(slot(own));
        rest = others;
    }
}

fn hand<'a, T>(outs: &mut [Out<'a>], rows: &'a mut [Vec<T>], slot: impl Fn(&'a mut Vec<T>) -> Slot<'a>) {
    for (out, row) in outs.iter_mut().zip(rows) {
        out.slots.push(slot(row));
    }
}
