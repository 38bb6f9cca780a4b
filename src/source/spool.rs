//! Streams that can be read only once, written to disk and read from there.
//!
//! A query's result, a download, a generator: what comes as a stream of batches has no positions, so it can be neither
//! shuffled nor resumed. [`spool`] writes it to one Parquet file, once, and opens that.
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("squares.parquet").display().to_string();
//! use arrow::array::{ArrayRef, Int64Array, RecordBatch};
//! use futures::stream;
//! use millstream::source::spool;
//! use millstream::{Context, DatasetExt, Error, Result};
//! use std::sync::Arc;
//!
//! fn batch(first: i64) -> Result<RecordBatch> {
//!     let squares: ArrayRef = Arc::new(Int64Array::from_iter_values((first..first + 10).map(|x| x * x)));
//!     Ok(RecordBatch::try_from_iter([("square", squares)])?)
//! }
//!
//! let cx = Context::new()?;
//! // An iterator is a stream by `stream::iter`. A second start opens the file and never calls this.
//! let rows = cx.block_on(spool(&cx, &path, || stream::iter((0..100).step_by(10).map(batch))))?;
//! let batches = rows.shuffle().loader(&cx).batch_size(25).epochs(1).blocking()?;
//! assert_eq!(batches.count(), 4);
//! # Ok::<(), Error>(())
//! ```

use super::parquet::{Parquet, decoder_words};
use crate::columns::names_types_and_metadata;
use crate::error::{Error, ErrorKind, FULL, Result, is_full};
use crate::exec::Context;
use crate::exec::files;
use crate::quote::counted;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Bytes of a row group, more or less: what is held in memory while it is written, and one block when it is read.
const GROUP_BYTES: usize = 16 << 20;

/// Opens the Parquet file at `path`; where there is none yet, writes the rows of `stream` to it first.
///
/// The path is the key: a file that is there is taken for what the stream would give, and `stream` is not called. The file
/// gets its name when it is whole. What a killed run left beside it (`.millstream-*.tmp`) is removed by the next start
/// and never read. Where several processes start at once each writes a file of its own, and the first whole one stays.
///
/// Row groups have about 16 MiB, and no more than two of them and a batch are in memory at a time. Columns come out as
/// [`Parquet`] gives them: strings as `Utf8View`, binary values as `BinaryView`, dictionaries as their values.
///
/// # Errors
///
/// The stream's own, after which there is no file; `Schema` for a batch with other columns than the first one, and for types
/// that Parquet does not have; `Data` for a stream without rows; `Io`; and those of [`Parquet::open`].
pub async fn spool<S>(cx: &Context, path: impl AsRef<str>, stream: impl FnOnce() -> S) -> Result<Parquet>
where
    S: Stream<Item = Result<RecordBatch>>,
{
    let path = path.as_ref();
    let target = PathBuf::from(path);
    if !cx.compute(move || is_there(&target)).await? {
        let written = write(cx, Path::new(path), stream()).await;
        written.map_err(|error| error.context(format!("spooling to {path}")))?;
    }
    Parquet::open(cx, path).await
}

/// Whether the file is there, once what was left of others is not.
fn is_there(path: &Path) -> Result<bool> {
    files::remove_begun(path)?;
    match path.is_dir() {
        true => Err(Error::config("this is a folder, and has to be a file").context(path.display().to_string())),
        false => path.try_exists().map_err(|error| Error::io(path, error)),
    }
}

async fn write(cx: &Context, path: &Path, stream: impl Stream<Item = Result<RecordBatch>>) -> Result<()> {
    let (mut stream, mut file, mut count) = (pin!(stream), None, 0_u64);
    while let Some(batch) = stream.next().await {
        let (begun, path) = (file.take(), path.to_owned());
        let append = |batch| cx.compute(move || Spooled::with(begun, &batch, &path));
        let appended = match batch {
            Ok(batch) => append(batch).await,
            Err(error) => Err(error),
        };
        file = Some(appended.map_err(|error| error.context(format!("batch {count}")))?);
        count += 1;
    }
    let Some(file) = file.filter(|file| file.rows > 0) else {
        return Err(Error::data(format!("no rows in {}", counted(count, "batch"))));
    };
    let path = path.to_owned();
    cx.compute(move || files::place(file.writer.into_inner().map_err(unwritten)?, &path))
        .await
}

/// A file that is being written.
struct Spooled {
    writer: ArrowWriter<NamedTempFile>,
    schema: SchemaRef,
    rows: usize,
}

impl Spooled {
    /// The file `begun`, or a new one, with the rows of `batch` at its end.
    fn with(begun: Option<Self>, batch: &RecordBatch, path: &Path) -> Result<Self> {
        let mut file = match begun {
            Some(file) => file,
            None => Self::new(batch.schema(), path)?,
        };
        if batch.schema() != file.schema {
            return Err(Error::schema(format!(
                "another schema than batch 0: {} instead of {}",
                names_types_and_metadata(&batch.schema()),
                names_types_and_metadata(&file.schema)
            )));
        }
        // A batch that is larger than a row group is cut, because the writer learns how large rows are as they come.
        let bytes: usize = batch.columns().iter().map(|column| bytes(column)).sum();
        let step = (batch.num_rows() / bytes.div_ceil(GROUP_BYTES).max(1)).max(1);
        for start in (0..batch.num_rows()).step_by(step) {
            let part = batch.slice(start, step.min(batch.num_rows() - start));
            file.writer.write(&part).map_err(unwritten)?;
        }
        file.rows += batch.num_rows();
        Ok(file)
    }

    fn new(schema: SchemaRef, path: &Path) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .build();
        let writer = ArrowWriter::try_new(files::begin(path)?, Arc::clone(&schema), Some(properties));
        Ok(Self {
            writer: writer.map_err(unwritten)?,
            schema,
            rows: 0,
        })
    }
}

fn bytes(column: &dyn Array) -> usize {
    let data = column.to_data();
    data.get_slice_memory_size()
        .unwrap_or_else(|_| data.get_array_memory_size())
}

/// What went wrong while rows were encoded or written.
pub(crate) fn unwritten(source: ParquetError) -> Error {
    let kind = match &source {
        ParquetError::External(_) => ErrorKind::Io,
        _ => ErrorKind::Schema,
    };
    let message = match is_full(&source) {
        true => FULL.to_owned(),
        false => decoder_words(&source),
    };
    Error::new(kind, message).with_source(source)
}
