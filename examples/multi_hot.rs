//! Rows with several labels each: a column of lists of names becomes a multi-hot tensor.

use burn::tensor::{Device, Int, TensorData};
use millstream::arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
use millstream::sink::tensor;
use millstream::source::Memory;
use millstream::{Context, DatasetExt, Result};
use std::sync::Arc;

pub(crate) fn main() -> Result<()> {
    let mut tags = ListBuilder::new(StringBuilder::new());
    for row in [vec!["sea", "sky"], vec![], vec!["sky"], vec!["forest", "sea"]] {
        tags.append_value(row.into_iter().map(Some));
    }
    let tags: ArrayRef = Arc::new(tags.finish());
    let rows = Memory::new(vec![RecordBatch::try_from_iter([("tags", tags)])?])?;

    let cx = Context::new()?;
    let rows = cx.block_on(rows.classes(&cx, "tags"))?;
    assert_eq!(rows.labels().names(), ["forest", "sea", "sky"]);
    assert_eq!(rows.labels().counts(), [1, 2, 2]);

    for batch in rows.loader(&cx).batch_size(4).epochs(1).blocking()? {
        let targets = tensor::multi_hot::<Int>(batch?.rows(), "tags", None, &Device::flex())?; // [4, 3]
        let expected = TensorData::from([[0, 1, 1], [0, 0, 0], [0, 0, 1], [1, 1, 0]]);
        targets.into_data().assert_eq(&expected, false);
    }
    Ok(())
}
