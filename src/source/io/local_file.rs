//! A file of the local file system that is being read.

use super::ranges::{parts, runs};
use super::state::FileState;
use crate::exec::buffers::{BufferPool, LARGE};
use bytes::Bytes;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// An opened file.
pub(in crate::source) struct LocalFile(File);

impl LocalFile {
    pub(in crate::source) fn open(path: &Path) -> Result<Self> {
        File::open(path).map(Self)
    }

    /// What the file is now.
    pub(in crate::source) fn state(&self) -> Result<FileState> {
        FileState::of(&self.0.metadata()?)
    }

    /// Whether reading `ranges` will most likely not wait for a disk.
    pub(in crate::source) fn has_all_in_memory(&self, ranges: &[Range<u64>]) -> bool {
        runs(ranges).iter().all(|run| self.has_in_memory(run))
    }

    /// Whether the system has both ends of `range` in memory. False where it does not tell.
    #[cfg(target_os = "linux")]
    fn has_in_memory(&self, range: &Range<u64>) -> bool {
        use rustix::io::{ReadWriteFlags, preadv2};
        let is_there = |at: u64| {
            let mut byte = [0];
            let read = preadv2(
                &self.0,
                &mut [std::io::IoSliceMut::new(&mut byte)],
                at,
                ReadWriteFlags::NOWAIT,
            );
            read == Ok(1)
        };
        range.is_empty() || is_there(range.start) && is_there(range.end - 1)
    }

    #[cfg(not(target_os = "linux"))]
    fn has_in_memory(&self, _: &Range<u64>) -> bool {
        false
    }

    /// The bytes of `ranges`; neighbours are read in one go.
    pub(in crate::source) fn read(
        &mut self,
        ranges: &[Range<u64>],
        spare: Option<&Arc<BufferPool<u8>>>,
    ) -> Result<Vec<Bytes>> {
        let bytes: Result<Vec<_>> = runs(ranges).iter().map(|run| self.read_one(run, spare)).collect();
        Ok(parts(ranges, &bytes?))
    }

    pub(in crate::source) fn read_one(
        &mut self,
        range: &Range<u64>,
        spare: Option<&Arc<BufferPool<u8>>>,
    ) -> Result<Bytes> {
        let length = range.end - range.start;
        let room = usize::try_from(length).map_err(Error::other)?;
        let spare = spare.filter(|_| room >= LARGE);
        let mut bytes = match spare {
            Some(spare) => spare.room(room),
            None => Vec::with_capacity(room),
        };
        self.0.seek(SeekFrom::Start(range.start))?;
        let read = (&self.0).take(length).read_to_end(&mut bytes)? as u64;
        match read == length {
            true => Ok(match spare {
                Some(spare) => spare.lend(bytes),
                None => bytes.into(),
            }),
            false => {
                let message = format!("{read} bytes at {}, where {length} were asked for", range.start);
                Err(Error::new(ErrorKind::UnexpectedEof, message))
            }
        }
    }
}
