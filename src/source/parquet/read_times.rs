//! How long each step of reading takes, one after the other.

use super::decode::block as decode;
use super::open::Parquet;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::rng::Rng;
use crate::source::read_times::ReadTimes;
use std::hint::black_box;
use std::time::{Duration, Instant};

impl Parquet {
    /// Blocks that are measured at most, from all over the dataset.
    const MEASURED: usize = 8;
    /// Batches that are gathered of them.
    const GATHERED: u32 = 64;

    /// Measures some blocks, as many as one take may hold, with nothing beside it; batches of `batch` rows are gathered.
    pub(crate) async fn read_times(&self, cx: &Context, batch: u64) -> Result<ReadTimes> {
        let blocks = self.measured(cx);
        let (mut rows, mut times) = (0, ReadTimes::default());
        for &block in &blocks {
            let unit = &self.units[block];
            let (file, columns) = (
                &self.files[unit.file],
                self.files[unit.file].group(unit.group).columns(),
            );
            let leaves = self.projection.leaves(file).into_iter();
            let ranges: Vec<_> = leaves
                .map(|leaf| columns[leaf].byte_range())
                .map(|(start, length)| start..start + length)
                .collect();
            // Read twice: the second time is the part of the whole that is not decoding.
            let (cold, warm) = (
                timed(file.location.read(&ranges, cx.buffers())).await?,
                timed(file.location.read(&ranges, cx.buffers())).await?,
            );
            let whole = timed(decode::block(cx, file, &self.projection, unit)).await?;
            rows += (unit.rows.end - unit.rows.start) as u32;
            // Of a part of a row group, its share.
            let all: u64 = ranges.iter().map(|range| range.end - range.start).sum();
            let own = unit.stored as f64 / all.max(1) as f64;
            let (cold, warm) = (cold.mul_f64(own), warm.mul_f64(own));
            times.read += cold;
            times.pages += whole.saturating_sub(warm);
        }
        let rng = &mut Rng::new(0, "probe", 0);
        let mut some = || -> Vec<u64> {
            let mut row = |block: usize| {
                let rows = &self.blocks[block].rows;
                rows.start + rng.below(rows.end - rows.start)
            };
            (0..batch).map(|i| row(blocks[i as usize % blocks.len()])).collect()
        };
        self.take(cx, &some()).await?;
        let begun = Instant::now();
        for _ in 0..Self::GATHERED {
            black_box(self.take(cx, &some()).await?);
        }
        Ok(ReadTimes {
            read: times.read / rows.max(1),
            pages: times.pages / rows.max(1),
            gather: begun.elapsed() / Self::GATHERED / batch.max(1) as u32,
        })
    }

    fn measured(&self, cx: &Context) -> Vec<usize> {
        let (all, mut bytes) = (self.units.len(), 0_u64);
        let count = all.min(Self::MEASURED);
        let spread = (0..count).map(|i| i * all / count);
        let fits = |&block: &usize| {
            bytes = bytes.saturating_add(self.units[block].bytes);
            bytes <= cx.take_share()
        };
        let mut blocks: Vec<usize> = spread.take_while(fits).collect();
        if blocks.is_empty() {
            blocks.push(0);
        }
        blocks
    }
}

async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<Duration> {
    let begun = Instant::now();
    black_box(work.await?);
    Ok(begun.elapsed())
}
