//! What each kind of work may hold in memory.

use super::Context;
use super::budget::{Budget, read_share};
use super::buffers::BufferPool;
use crate::plan::MemoryNeeds;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, SemaphorePermit};

impl Context {
    /// Bytes for decoded row groups, those that takes are working on among them: half of the budget.
    pub(crate) fn cache_share(&self) -> u64 {
        self.budget().memory / 2 - self.lent()
    }

    /// Bytes that one take may ask of decoded row groups at a time, so that two can work side by side.
    pub(crate) fn take_share(&self) -> u64 {
        self.cache_share() / 2
    }

    /// Waits until one take more may work on row groups. Held while no other take is waited for.
    pub(crate) async fn taking(&self) -> Option<SemaphorePermit<'_>> {
        self.budget().takes.acquire().await.ok()
    }

    /// The parts of [`cache_share`](Self::cache_share) that `bytes` of decoded row groups take: at most all of them.
    pub(crate) fn parts(&self, bytes: u64) -> u32 {
        let share = self.cache_share().max(1);
        let parts = (u128::from(bytes) * u128::from(Budget::PARTS)).div_ceil(share.into());
        u32::try_from(parts).unwrap_or(Budget::PARTS).min(Budget::PARTS)
    }

    /// Waits until so many `parts` of the share for decoded row groups may be held on to beside what other takes hold; more than
    /// there are wait for all. Held while no other take is waited for.
    pub(crate) async fn holding(&self, parts: u64) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(parts).unwrap_or(Budget::PARTS).min(Budget::PARTS);
        Arc::clone(&self.budget().held).acquire_many_owned(wanted).await.ok()
    }

    /// The most bytes that rows, row groups and batches take in memory at a time for a plan of such `needs`, where a batch is
    /// `batch` bytes: the budget, and what of these does not fit into its share of it.
    pub(crate) fn bound(&self, needs: &MemoryNeeds, batch: u64) -> u64 {
        let over = |bytes: u64, share: u64| bytes.saturating_sub(share);
        let more = |share: u64, nodes: u64| share.saturating_mul(nodes.saturating_sub(1));
        self.memory()
            .saturating_add(over(needs.unit, self.read_share()))
            .saturating_add(over(needs.unit, self.cache_share()))
            .saturating_add(over(batch, self.flight_share()))
            .saturating_add(more(self.cache_share(), needs.caches))
            .saturating_add(more(self.held_share(), needs.holders))
    }

    /// Bytes for rare rows that are held in memory: a quarter of the budget.
    pub(crate) fn held_share(&self) -> u64 {
        self.budget().memory / 4
    }

    /// Bytes for batches that are ready or being made: an eighth of the budget.
    pub(crate) fn flight_share(&self) -> u64 {
        self.budget().memory / 8
    }

    /// Bytes for reads under way, stored and decoded.
    pub(crate) fn read_share(&self) -> u64 {
        read_share(self.budget().memory)
    }

    /// Large buffers for bytes, of which no more than a thirty-second of the budget waits for use.
    pub(crate) fn buffers(&self) -> &Arc<BufferPool<u8>> {
        &self.budget().buffers
    }

    /// Waits until `bytes` may be read and decoded beside what others read; more than the whole share waits for all of it.
    ///
    /// Whoever holds this waits for nobody else, so that it cannot come to a deadlock.
    pub(crate) async fn reading(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let all = Budget::pages(self.read_share());
        let wanted = Budget::pages(bytes).min(all);
        // Closed by nobody.
        self.budget().reads.acquire_many(wanted).await.ok()
    }
}
