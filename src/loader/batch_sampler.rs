use crate::dataset::Len;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What happens to an epoch's last global batch where the rows do not fill it: decided before it is cut for the ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastBatch {
    /// It comes as it is, shorter. Where it has fewer rows than there are ranks, some get a batch without rows.
    #[default]
    Keep,
    /// It is left out (`drop_last`).
    Drop,
    /// It is filled with the epoch's first rows, again.
    Pad,
}

/// How positions are cut into global batches, and these for ranks: arithmetic, without the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSampler {
    pub(crate) len: Len,
    pub(crate) batch_size: u64,
    pub(crate) last: LastBatch,
    /// Rank and world size.
    pub(crate) shard: (u64, u64),
    /// Where the run ends.
    pub(crate) end: Option<u64>,
}

/// One rank's part of a global batch.
#[derive(Clone, Debug)]
pub(crate) struct BatchIndices {
    pub(crate) positions: Vec<u64>,
    /// Where the next global batch starts.
    pub(crate) next: u64,
}

impl BatchSampler {
    /// What would leave a rank without rows, or the loader without an end to its search for a batch.
    pub(crate) fn mistake(&self) -> Option<String> {
        let ((rank, world), size, rows) = (self.shard, self.batch_size, self.len.finite());
        match rows {
            _ if size == 0 => Some("a batch has at least one row; batch_size is 0".to_owned()),
            _ if rank >= world => Some(format!("shard: rank {rank} is outside a world of {world}")),
            _ if world > size => Some(format!("a batch of {size} rows cannot be cut for {world} ranks")),
            Some(rows) if self.last == LastBatch::Drop && rows < size => Some(format!(
                "an epoch of {rows} rows never fills a batch of {size}, and LastBatch::Drop leaves out what is not full"
            )),
            _ => None,
        }
    }

    /// Why a trainer that averages over a batch cannot be fed: a rank would have an epoch's last batch without a row.
    pub(crate) fn empty_part(&self) -> Option<String> {
        let (world, size) = (self.shard.1, self.batch_size);
        let rest = self.len.finite().map_or(0, |rows| rows % size);
        (self.last == LastBatch::Keep && 0 < rest && rest < world).then(|| {
            format!(
                "an epoch's last batch has {rest} of {size} rows, which leaves some of {world} ranks without one; use \
                 LastBatch::Drop, LastBatch::Pad or another batch size"
            )
        })
    }

    /// Whether a global batch is cut of the last `rows` rows of an epoch.
    pub(crate) fn has_batch(&self, rows: u64) -> bool {
        rows >= self.batch_size || (rows > 0 && self.last != LastBatch::Drop)
    }

    /// Rows that this rank gets of the `rows` before an epoch's end.
    pub(crate) fn rows_until_end(&self, rows: u64) -> u64 {
        rows / self.batch_size * self.mine(self.batch_size) + self.mine(self.size(rows % self.batch_size))
    }

    /// Rows that this rank got of an epoch's first `rows`, if they were cut into batches of the size that they have now.
    pub(crate) fn rows_before(&self, rows: u64) -> u64 {
        rows / self.batch_size * self.mine(self.batch_size) + self.mine(rows % self.batch_size)
    }

    /// Rows of the global batch that is cut of the next `taken` positions, which are no more than a batch.
    fn size(&self, taken: u64) -> u64 {
        match self.last {
            _ if taken == self.batch_size || taken == 0 => taken,
            LastBatch::Keep => taken,
            LastBatch::Drop => 0,
            LastBatch::Pad => self.batch_size,
        }
    }

    /// This rank's part of a global batch of `size` rows.
    fn part(&self, size: u64) -> Range<u64> {
        let (rank, world) = self.shard;
        let cut = |rank: u64| (u128::from(size) * u128::from(rank) / u128::from(world)) as u64;
        cut(rank)..cut(rank + 1)
    }

    fn mine(&self, size: u64) -> u64 {
        let part = self.part(size);
        part.end - part.start
    }

    /// The batch that starts at `position`, or none where the run ends.
    pub(crate) fn slot(&self, position: u64) -> Option<BatchIndices> {
        let mut position = position;
        loop {
            if self.end.is_some_and(|end| position >= end) {
                return None;
            }
            let epoch = self.epoch_of(position);
            let next = position.saturating_add(self.batch_size).min(epoch.end);
            let taken = next - position;
            let again = |offset: u64| epoch.start + (offset - taken) % (epoch.end - epoch.start);
            let at = |offset: u64| {
                if offset < taken {
                    position + offset
                } else {
                    again(offset)
                }
            };
            let size = self.size(taken);
            if size > 0 {
                let positions = self.part(size).map(at).collect();
                return Some(BatchIndices { positions, next });
            }
            if next == position {
                // The positions themselves have come to an end.
                return None;
            }
            position = next;
        }
    }

    /// Where the next batch starts after `batches` of them from `position` on, or after the run's last one.
    pub(crate) fn after(&self, position: u64, batches: u64) -> u64 {
        let Some(rows) = self.len.finite() else {
            return position.saturating_add(batches.saturating_mul(self.batch_size));
        };
        if self.end.is_some_and(|end| position >= end) {
            return position;
        }
        // The rest of the epoch that `position` is in, whole epochs, and the first batches of the last one.
        let (epoch, size) = (self.epoch_of(position), self.batch_size);
        let left = epoch.end - position;
        let after = |start: u64, rows: u64, batches: u64| start + batches.saturating_mul(size).min(rows);
        let of_rest = self.batches_of(left);
        let Some(further) = batches.checked_sub(of_rest).filter(|further| *further > 0) else {
            return after(position, left, batches);
        };
        let of_epoch = self.batches_of(rows).max(1);
        let (epochs, last) = ((further - 1) / of_epoch, (further - 1) % of_epoch + 1);
        let start = epoch.end.saturating_add(epochs.saturating_mul(rows));
        match self.end {
            Some(end) if start >= end && epoch.end >= end => after(position, left, of_rest),
            Some(end) if start >= end => after(end - rows, rows, of_epoch),
            _ => after(start, rows.min(u64::MAX - start), last),
        }
    }

    /// Global batches that are cut of the last `rows` rows of an epoch.
    fn batches_of(&self, rows: u64) -> u64 {
        rows / self.batch_size + u64::from(self.has_batch(rows % self.batch_size))
    }

    /// Where the global batch `step` starts, counted from the run's first one.
    pub(crate) fn step(&self, step: u64) -> u64 {
        let Some(rows) = self.len.finite() else {
            return step.saturating_mul(self.batch_size);
        };
        let of_epoch = self.batches_of(rows);
        let (epoch, batch) = (step / of_epoch.max(1), step % of_epoch.max(1));
        epoch.saturating_mul(rows).saturating_add(batch * self.batch_size)
    }

    /// First position of the epoch of `position`, and of the next one.
    pub(crate) fn epoch_of(&self, position: u64) -> Range<u64> {
        match self.len {
            Len::Finite(rows) => {
                let start = position / rows * rows.get();
                start..start.saturating_add(rows.get())
            }
            Len::Endless => 0..u64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU64;

    /// Where `after` should come to, batch by batch.
    fn walked(sampler: &BatchSampler, position: u64, batches: u64) -> u64 {
        (0..batches)
            .try_fold(position, |position, _| {
                sampler.slot(position).map(|slot| slot.next).ok_or(position)
            })
            .unwrap_or_else(|end| end)
    }

    #[test]
    fn batches_are_skipped_as_they_come() {
        for (rows, size) in [(1_u64, 1), (7, 3), (9, 3), (10, 4), (3, 5)] {
            for last in [LastBatch::Keep, LastBatch::Drop, LastBatch::Pad] {
                for epochs in [None, Some(0), Some(1), Some(3)] {
                    let sampler = BatchSampler {
                        len: NonZeroU64::new(rows).map_or(Len::Endless, Len::Finite),
                        batch_size: size,
                        last,
                        shard: (0, 1),
                        end: epochs.map(|epochs| epochs * rows),
                    };
                    if sampler.mistake().is_some() {
                        continue;
                    }
                    for (position, batches) in (0..4 * rows).flat_map(|at| (0..30).map(move |batches| (at, batches))) {
                        assert_eq!(
                            sampler.after(position, batches),
                            walked(&sampler, position, batches),
                            "{batches} batches from {position} on: {sampler:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn no_number_of_batches_is_too_large() {
        let sampler = |end| BatchSampler {
            len: NonZeroU64::new(75).map_or(Len::Endless, Len::Finite),
            batch_size: 32,
            last: LastBatch::Keep,
            shard: (0, 1),
            end,
        };
        assert_eq!(sampler(None).after(0, 3_000_000_000 + 2), 75 * 1_000_000_000 + 64);
        assert_eq!(sampler(Some(750)).after(0, u64::MAX), 750);
        assert!(sampler(None).slot(sampler(None).after(0, u64::MAX)).is_none());
    }
}
