//! What a scan of a dataset found, kept on disk for the next start.

use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::Result;
use crate::exec::Context;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

pub(crate) use crate::columns::batch_file::{read, write};

/// The rows that `make` makes of `dataset`, or those that an earlier start kept in the context's index under the
/// dataset's plan and `what`, if the files that they were made of are in the same [state](crate::plan::Plan::state) still.
/// What costs no reads is not kept.
pub(crate) async fn cached(
    cx: &Context,
    dataset: &impl Stable,
    what: &str,
    schema: SchemaRef,
    make: impl Future<Output = Result<RecordBatch>>,
) -> Result<RecordBatch> {
    let Some(folder) = cx
        .index()
        .filter(|_| dataset.blocks().iter().any(|block| block.bytes > 0))
    else {
        return make.await;
    };
    let plan = dataset.describe();
    // Without a state, what is kept could not be told from what is stale.
    let Some(state) = plan.states() else {
        return make.await;
    };
    let key = format!("{}\n{what}\n{}", plan.fingerprint(), cx.seed());
    let path: Arc<Path> = folder.join(format!("{:032x}.arrow", xxh3_128(key.as_bytes()))).into();
    let (from, now) = (Arc::clone(&path), state.clone());
    let found = move || Ok(read(&from, &schema).filter(|(_, then)| *then == now));
    if let Some((batch, _)) = cx.compute(found).await? {
        return Ok(batch);
    }
    let batch = make.await?;
    cx.compute(move || write(&path, &batch, &state).map(|()| batch)).await
}

/// As [`Stable::column`], kept.
pub(crate) async fn column(cx: &Context, dataset: &impl Stable, name: &str) -> Result<ArrayRef> {
    let rows = dataset.schema();
    let field = rows.field(index_of(&rows, name)?).clone();
    let schema = Arc::new(Schema::new(vec![field]));
    let made = async {
        let column = dataset.column(cx, name).await?;
        Ok(RecordBatch::try_new(Arc::clone(&schema), vec![column])?)
    };
    let batch = cached(cx, dataset, &format!("column {name}"), Arc::clone(&schema), made).await?;
    Ok(Arc::clone(batch.column(0)))
}
