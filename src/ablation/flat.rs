//! Pixels as one row of numbers each, for a choice that trains linear heads.

use super::rows::Rows;
use crate::columns::{index_of, into_list, tensor_field, tensor_values};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::Memory;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use std::sync::Arc;

impl Rows {
    /// The column of [`flat`](Self::flat).
    pub(super) const FLAT: &str = "pixels";

    /// The training rows without augmentation, whose numbers stand in one row and have mean 0 and deviation 1 over all training rows; of a pixel that is the same
    /// in all of them they are 0.
    pub(super) fn flat(&self, cx: &Context) -> Result<Arc<dyn Stable>> {
        let all: Vec<u64> = (0..self.labels.len()).collect();
        let rows = cx.block_on(self.plain.take(cx, &all))?;
        let schema = rows.schema();
        let array = rows.column(index_of(&schema, &self.column)?);
        let (list, values, width) = tensor_values(array)
            .ok_or_else(|| Error::schema(format!("column {:?} is no tensor of f32 without nulls", self.column)))?;
        let first = list.value_offset(0) as usize;
        let mut values = values.values()[first..first + list.len() * width].to_vec();
        standardise(&mut values, width);
        let field = tensor_field(Self::FLAT, &DataType::Float32, &[width])?;
        let pixels = into_list(&field, values)?;
        let label = index_of(&schema, &self.label)?;
        let schema = Schema::new(vec![Arc::new(field), Arc::clone(&schema.fields()[label])]);
        let flat = RecordBatch::try_new(Arc::new(schema), vec![pixels, Arc::clone(rows.column(label))])?;
        Ok(Arc::new(Memory::new(vec![flat])?))
    }
}

/// Gives each of `width` columns mean 0 and deviation 1, or 0 where all of it is the same.
fn standardise(values: &mut [f32], width: usize) {
    let rows = (values.len() / width.max(1)).max(1) as f64;
    for column in 0..width {
        let of = values.iter().skip(column).step_by(width).map(|&value| f64::from(value));
        let (sum, squares) = of.fold((0.0, 0.0), |(sum, squares), value| {
            (sum + value, squares + value * value)
        });
        let mean = sum / rows;
        // Of equal numbers it may be off by a last bit, which is no deviation.
        let deviation = (squares / rows - mean * mean).max(0.0).sqrt();
        let scale = if deviation > 1e-6 { 1.0 / deviation } else { 0.0 };
        for value in values.iter_mut().skip(column).step_by(width) {
            *value = ((f64::from(*value) - mean) * scale) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_standardised_and_constant_ones_are_0() {
        let mut values = vec![1.0, 0.3, 3.0, 0.3, 5.0, 0.3];
        standardise(&mut values, 2);
        let deviation = (8.0_f32 / 3.0).sqrt();
        for (ours, expected) in values
            .iter()
            .zip([-2.0 / deviation, 0.0, 0.0, 0.0, 2.0 / deviation, 0.0])
        {
            assert!((ours - expected).abs() < 1e-5, "{values:?}");
        }
    }
}
