//! What a scan of a dataset found, kept on disk for the next start: an Arrow IPC stream, which says what it was made of, and
//! behind its end a hash of its bytes. Readers of streams stop at that end, so pyarrow opens the file as it is
//! (`pyarrow.ipc.open_stream(path)`), and polars too (`read_ipc_stream`).

use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::files;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::{reader::StreamReader, writer::StreamWriter};
use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// Where a file says what it was made of.
const OF: &str = "millstream.of";

/// Writes `batch`, which was made `of` something, so that [`read`] finds it whole or not at all.
pub(crate) fn write(path: &Path, batch: &RecordBatch, of: &str) -> Result<()> {
    let metadata = [(OF.to_owned(), of.to_owned())].into();
    let schema = Arc::new(Schema::new_with_metadata(batch.schema().fields().clone(), metadata));
    let batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())?;
    files::write_whole(path, |out| {
        let mut out = Hashed { out, hash: Xxh3::new() };
        let failed = |error: ArrowError| Error::io(path, error);
        let mut writer = StreamWriter::try_new(&mut out, &schema).map_err(failed)?;
        writer.write(&batch).map_err(failed)?;
        writer.finish().map_err(failed)?;
        drop(writer);
        let hash = out.hash.digest().to_le_bytes();
        out.out.write_all(&hash).map_err(|error| Error::io(path, error))
    })
}

/// The batch that was written to `path`, as one of `schema`, and what it was made of; none where it is missing, torn,
/// damaged or of other types.
pub(crate) fn read(path: &Path, schema: &SchemaRef) -> Option<(RecordBatch, String)> {
    let bytes = std::fs::read(path).ok()?;
    let (stream, hash) = bytes.split_last_chunk::<8>()?;
    if xxh3_64(stream) != u64::from_le_bytes(*hash) {
        return None;
    }
    let batch = StreamReader::try_new(stream, None).ok()?.next()?.ok()?;
    let of = batch.schema().metadata().get(OF)?.clone();
    let batch = RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()).ok()?;
    Some((batch, of))
}

/// Hashes what goes through it.
struct Hashed<W> {
    out: W,
    hash: Xxh3,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

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
