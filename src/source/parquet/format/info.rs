//! What a user is shown of a file's footer.

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One file as `millstream inspect` shows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileInfo {
    /// The path as it was given.
    pub path: Arc<str>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// The row groups, in order.
    pub row_groups: Vec<RowGroupInfo>,
    /// The codecs of the column chunks, without repeats.
    pub codecs: Vec<String>,
    /// Whether pages carry checksums, judged by the first page: writers give them to all pages or to none.
    pub checksums: bool,
    /// Whether there is an offset index, by which single pages can be read.
    pub offset_index: bool,
}

/// One row group of a file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RowGroupInfo {
    /// Rows.
    pub rows: u64,
    /// Bytes on disk.
    pub compressed: u64,
    /// Bytes after decompression, still encoded.
    pub uncompressed: u64,
}

/// What the footer `metadata` of the file at `path` says, of `bytes` bytes.
pub(super) fn info(path: &Arc<str>, bytes: u64, checksums: bool, metadata: &ParquetMetaData) -> FileInfo {
    let chunks = || metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let codecs: BTreeSet<_> = chunks().map(|chunk| chunk.compression().to_string()).collect();
    let row_groups: Vec<_> = metadata.row_groups().iter().map(group_info).collect();
    FileInfo {
        path: Arc::clone(path),
        bytes,
        rows: row_groups.iter().map(|group| group.rows).sum(),
        row_groups,
        codecs: codecs.into_iter().collect(),
        checksums,
        offset_index: chunks()
            .next()
            .is_some_and(|chunk| chunk.offset_index_offset().is_some()),
    }
}

fn group_info(group: &RowGroupMetaData) -> RowGroupInfo {
    let sum = |size: fn(&ColumnChunkMetaData) -> i64| {
        group
            .columns()
            .iter()
            .fold(0_u64, |sum, chunk| sum.saturating_add(size(chunk).max(0) as u64))
    };
    RowGroupInfo {
        rows: group.num_rows().max(0) as u64,
        compressed: sum(ColumnChunkMetaData::compressed_size),
        uncompressed: sum(ColumnChunkMetaData::uncompressed_size),
    }
}
