//! The most that a plan takes in memory under a budget.

use super::budget::{batches_share, blocks_share, reads_share, rows_share};
use super::{Context, stream_room};
use crate::plan::MemoryNeeds;

/// What a loader needs of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoaderNeeds {
    /// What its plan needs.
    pub(crate) plan: MemoryNeeds,
    /// Bytes of a batch, and how many batches are made ahead at most.
    pub(crate) batch: (u64, u64),
    /// Bytes of batches that were delivered.
    pub(crate) delivered: u64,
}

impl LoaderNeeds {
    /// The most bytes that rows, row groups and batches take in memory at a time: the budget of `cx`, or what of it the data can fill; what of these does not fit into
    /// its share of it; and what lies beside the shares.
    pub(crate) fn bound(&self, cx: &Context) -> u64 {
        self.under(cx.memory())
    }

    /// The least budget, in whole MiB, that all of it lies inside; none where a stream has no segments in it, whose budget says what is cached, and where there is none.
    pub(crate) fn least(&self) -> Option<u64> {
        const MIB: u64 = 1 << 20;
        if self.plan.streamed == 0 {
            return None;
        }
        let fits = |mib: u64| self.under(mib * MIB) <= mib * MIB;
        let mut enough = (0..32).map(|power| 1_u64 << power).find(|&mib| fits(mib))?;
        let mut too_small = enough / 2;
        while enough - too_small > 1 {
            let between = too_small + (enough - too_small) / 2;
            match fits(between) {
                true => enough = between,
                false => too_small = between,
            }
        }
        Some(enough * MIB)
    }

    fn under(&self, memory: u64) -> u64 {
        let over = |bytes: u64, share: u64| bytes.saturating_sub(share);
        let (needs, (batch, batches)) = (&self.plan, self.batch);
        // A stream has borrowed the other half.
        let blocks = match needs.streamed {
            0 => blocks_share(memory),
            _ => blocks_share(memory) / 2,
        };
        let (_, beside) = stream_room::taken(memory, needs.streamed);
        [
            over(needs.unit, reads_share(memory)),
            over(needs.unit, blocks),
            over(batch, batches_share(memory)),
            beside,
            needs.resident,
            self.delivered,
            stream_room::TABLES,
        ]
        .into_iter()
        .fold(
            filled(memory, needs, batch.saturating_mul(batches)),
            u64::saturating_add,
        )
    }
}

/// What of the budget `memory` a plan of such `needs` can fill, with so many bytes of `batches`.
fn filled(memory: u64, needs: &MemoryNeeds, batches: u64) -> u64 {
    let most = stream_room::filled(memory, needs.streamed);
    let Some(data) = needs.decoded else {
        return most;
    };
    // Rows that are held may be the same ones at several nodes.
    let rows = data.saturating_mul(needs.nodes).min(rows_share(memory));
    // Rows that are borrowed of blocks lie beside them.
    let blocks = data.saturating_mul(2).min(blocks_share(memory));
    let [reads, buffers] = [reads_share(memory), memory / 32].map(|share| data.min(share));
    let (segments, _) = stream_room::taken(memory, needs.streamed);
    (blocks + reads + buffers + rows + segments + batches.min(batches_share(memory))).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn needs(streamed: u64) -> LoaderNeeds {
        LoaderNeeds {
            plan: MemoryNeeds {
                streamed,
                unit: 4 * MIB,
                nodes: 3,
                ..MemoryNeeds::default()
            },
            batch: (2 * MIB, 8),
            delivered: 2 * MIB,
        }
    }

    #[test]
    fn a_stream_in_segments_lies_inside_of_its_budget() {
        for memory in [64, 100, 256, 1024, 8192] {
            assert!(needs(6 * MIB).under(memory * MIB) <= memory * MIB, "{memory}");
            // What is beside the budget without one: a batch, and tables.
            assert_eq!(needs(0).under(memory * MIB), (memory + 18) * MIB);
        }
        let least = needs(6 * MIB).least().unwrap();
        assert!(needs(6 * MIB).under(least) <= least);
        assert!(needs(6 * MIB).under(least - MIB) > least - MIB);
        assert_eq!(needs(0).least(), None);
    }
}
