//! How long each step of reading takes, one after the other.

use super::table::FileTable;
use crate::error::{Error, Result};
use crate::exec::{Context, waiting};
use crate::source::read_times::ReadTimes;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl FileTable {
    /// Files that are measured at most, from all over the rows.
    const MEASURED: u64 = 64;
    /// Batches that are gathered of them.
    const GATHERED: u32 = 64;

    /// Measures some files with nothing beside them; batches of `batch` rows are gathered.
    pub(in crate::source) async fn read_times(&self, cx: &Context, batch: u64) -> Result<ReadTimes> {
        let (all, mut bytes) = (self.rows.get(), 0);
        let count = all.min(Self::MEASURED);
        let fits = |&row: &u64| {
            bytes += self.blocks[self.block_of(row)].bytes;
            bytes <= cx.take_share()
        };
        let mut rows: Vec<u64> = (0..count).map(|at| at * all / count).take_while(fits).collect();
        if rows.is_empty() {
            rows.push(0);
        }
        let mut read = Duration::ZERO;
        if let Some(files) = self.read_files() {
            let (files, rows, spare) = (Arc::clone(files), rows.clone(), Arc::clone(cx.buffers()));
            let measure = move || {
                let begun = Instant::now();
                for row in rows {
                    if let Some(file) = files.of_row[row as usize] {
                        black_box(files.files[file as usize].read(&spare)?);
                    }
                }
                Ok::<_, Error>(begun.elapsed())
            };
            read = waiting(measure).await??;
        }
        let some: Vec<u64> = rows.iter().copied().cycle().take(batch.max(1) as usize).collect();
        self.prepare(cx, &some).rows().await?;
        let begun = Instant::now();
        for _ in 0..Self::GATHERED {
            black_box(self.prepare(cx, &some).rows().await?);
        }
        Ok(ReadTimes {
            read: read / rows.len() as u32,
            pages: Duration::ZERO,
            gather: begun.elapsed() / Self::GATHERED / batch.max(1) as u32,
        })
    }

    fn block_of(&self, row: u64) -> usize {
        self.blocks.partition_point(|block| block.rows.end <= row)
    }
}
