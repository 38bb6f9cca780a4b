//! Regression on a table: columns of numbers as one `[rows, k]` tensor, with nulls filled, and a number as the target.

use burn::tensor::{Device, TensorData};
use millstream::arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch};
use millstream::rows::Fill;
use millstream::sink::tensor;
use millstream::source::Memory;
use millstream::{Context, DatasetExt, Result};
use std::sync::Arc;

pub(crate) fn main() -> Result<()> {
    let rooms: ArrayRef = Arc::new(Int32Array::from(vec![3, 5, 2]));
    let area: ArrayRef = Arc::new(Float64Array::from(vec![Some(71.5), None, Some(40.0)]));
    let price: ArrayRef = Arc::new(Float64Array::from(vec![250.0, 410.0, 150.0]));
    let table = RecordBatch::try_from_iter([("rooms", rooms), ("area", area), ("price", price)])?;

    let (cx, device) = (Context::new()?, Device::flex());
    let rows = cx.block_on(Memory::new(vec![table])?.fill_null(&cx, "area", Fill::Mean))?; // of 71.5 and 40
    for batch in rows.loader(&cx).batch_size(3).epochs(1).blocking()? {
        let batch = batch?;
        let inputs = tensor::column_stack(batch.rows(), &["rooms", "area"], &device)?; // [3, 2]
        let targets = tensor::floats::<1>(batch.rows(), "price", &device)?; // [3]
        let expected = TensorData::from([[3.0_f32, 71.5], [5.0, 55.75], [2.0, 40.0]]);
        inputs.into_data().assert_eq(&expected, true);
        targets
            .into_data()
            .assert_eq(&TensorData::from([250.0_f32, 410.0, 150.0]), true);
    }
    Ok(())
}
