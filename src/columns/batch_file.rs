//! A batch in a file of its own: an Arrow IPC stream, which says what it was made of, and behind its end a hash of its bytes.
//!
//! Readers of streams stop at that end, so pyarrow opens the file as it is (`pyarrow.ipc.open_stream(path)`), and polars too
//! (`read_ipc_stream`).

use crate::error::{Error, Result};
use crate::exec::files;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::{reader::StreamReader, writer::StreamWriter};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

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

/// `batch` as an Arrow IPC stream.
#[cfg(feature = "train")]
pub(crate) fn stream(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    Ok(writer.into_inner()?)
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
