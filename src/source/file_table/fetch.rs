//! The bytes of files: how they come into memory, and rows out of them.

use super::table::{FileColumn, FileTable};
use crate::error::{Error, Result};
use crate::exec::block_cache::{DecodedBlock, Found, LoadHandle};
use crate::exec::{Context, waiting};
use arrow::array::{ArrayRef, AsArray, BinaryViewBuilder, RecordBatch, UInt64Array};
use arrow::buffer::Buffer;
use arrow::compute::take;
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;
use std::sync::Arc;

/// Files that are read at a time: a disk is asked for several at once, whatever the number of threads.
const AT_ONCE: usize = 8;

impl FileTable {
    /// The file `index`, from the cache or on its way.
    fn fetch(&self, cx: &Context, turn: u64, files: &Arc<FileColumn>, index: u32) -> Found {
        cx.block_cache().get(&self.key, index as usize, |ticket| {
            let (inner, files) = (cx.clone(), Arc::clone(files));
            cx.spawn(async move {
                let _bytes = inner.reading(turn, files.files[index as usize].size()).await;
                let spare = Arc::clone(inner.buffers());
                let read = waiting(move || files.files[index as usize].read(&spare)).await??;
                let block = Arc::new(block(read)?);
                ticket.keep(&block, block.bytes, inner.blocks_left());
                Ok(block)
            })
        })
    }

    /// Starts to read the files of `rows` that are not cached, in their order, no more than fit into the cache beside those that
    /// are. Dropping what is returned cancels the reads that nobody else wants.
    pub(super) fn prefetch(&self, cx: &Context, turn: u64, rows: &[u64]) -> Vec<LoadHandle> {
        let Some(files) = self.read_files() else {
            return Vec::new();
        };
        let (cache, limit) = (cx.block_cache(), cx.blocks_left() / 4 * 3);
        let (soon, _) = distinct(files, rows);
        let (mut missing, mut bytes, mut loads) = (Vec::new(), 0_u64, Vec::new());
        for file in soon.into_iter().rev() {
            match cache.find(&self.key, file as usize) {
                Some(found) => {
                    bytes = bytes.saturating_add(files.files[file as usize].size());
                    loads.extend(found.into_handle());
                }
                None => missing.push(file),
            }
        }
        while cache.loading() < AT_ONCE.max(cx.threads() + 1)
            && let Some(file) = missing.pop()
        {
            bytes = bytes.saturating_add(files.files[file as usize].size());
            if bytes > limit {
                break;
            }
            loads.extend(self.fetch(cx, turn, files, file).into_handle());
        }
        loads
    }

    /// The rows `rows`, whose `turn` it is among all that are asked for.
    pub(super) async fn take_rows(&self, cx: &Context, turn: u64, rows: &[u64]) -> Result<RecordBatch> {
        let Some(files) = self.read_files() else {
            return self.gather(rows, None);
        };
        let (wanted, slots) = distinct(files, rows);
        let size = |&file: &u32| ((self.key.id(), file as usize), files.files[file as usize].size());
        let sizes: Vec<_> = wanted.iter().map(size).collect();
        let _take = cx.taking(turn).await;
        let _held = cx.hold_blocks(turn, &sizes).await;
        let first = |file: u32| rows.iter().position(|&row| files.of_row[row as usize] == Some(file));
        let load = |&file: &u32| async move {
            let read = self.fetch(cx, turn, files, file).wait().await;
            read.map_err(|error| match first(file) {
                Some(at) => error.at(at),
                None => error,
            })
        };
        let blocks: Vec<Arc<DecodedBlock>> = stream::iter(&wanted)
            .map(load)
            .buffered(AT_ONCE.max(cx.threads() + 2))
            .try_collect()
            .await?;
        self.gather(rows, Some(&column(&blocks, &slots)?))
    }

    /// The rows `rows` of the columns in memory, with `bytes` as the column of files.
    fn gather(&self, rows: &[u64], bytes: Option<&ArrayRef>) -> Result<RecordBatch> {
        let at = UInt64Array::from(rows.to_vec());
        let column = |field: &Arc<Field>| match self.table.column_by_name(field.name()) {
            Some(column) => Ok(take(column, &at, None)?),
            None => bytes.cloned().ok_or_else(|| Error::data("no file was read")),
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// A file's bytes as a block of one row.
fn block(bytes: Bytes) -> Result<DecodedBlock> {
    let size = bytes.len() as u64;
    let mut values = BinaryViewBuilder::with_capacity(1);
    let length = u32::try_from(bytes.len()).map_err(|_| Error::data("the file is too large"))?;
    let buffer = values.append_block(Buffer::from(bytes));
    values.try_append_view(buffer, 0, length)?;
    let schema = Schema::new(vec![Field::new("bytes", arrow::datatypes::DataType::BinaryView, false)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(values.finish())])?;
    Ok(DecodedBlock::new(vec![batch], None, size))
}

/// The bytes of each row's block, none of which is copied: a file is a row, so that no other row's bytes are kept with them.
fn column(blocks: &[Arc<DecodedBlock>], slots: &[Option<usize>]) -> Result<ArrayRef> {
    let mut values = BinaryViewBuilder::with_capacity(slots.len());
    let mut own = Vec::with_capacity(blocks.len());
    for block in blocks {
        let value = block.batches[0].column(0).as_binary_view();
        let length = value.lengths().next().unwrap_or(0);
        own.push((values.append_block(value.data_buffers()[0].clone()), length));
    }
    for slot in slots {
        match slot.map(|slot| own[slot]) {
            Some((buffer, length)) => values.try_append_view(buffer, 0, length)?,
            None => values.append_null(),
        }
    }
    Ok(Arc::new(values.finish()))
}

/// The files of `rows` in the order in which they are first met, and for each row the index of its file among them.
fn distinct(files: &FileColumn, rows: &[u64]) -> (Vec<u32>, Vec<Option<usize>>) {
    let (mut wanted, mut slots) = (Vec::new(), HashMap::new());
    let mut slot = |file: u32| {
        *slots.entry(file).or_insert_with(|| {
            wanted.push(file);
            wanted.len() - 1
        })
    };
    let of_rows = rows
        .iter()
        .map(|&row| files.of_row[row as usize].map(&mut slot))
        .collect();
    (wanted, of_rows)
}
