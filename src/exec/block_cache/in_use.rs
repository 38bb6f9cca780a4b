//! The blocks that takes hold on to: bytes of the budget, of each block once, however many takes have rows of it.

use super::source_key::BlockKey;
use crate::exec::reservation::{Reservation, Share};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which blocks are held.
#[derive(Debug, Default)]
pub(in crate::exec) struct BlocksInUse(Arc<Mutex<BytesByBlock>>);

/// How many takes hold a block, and its bytes.
type BytesByBlock = HashMap<BlockKey, (usize, Reservation)>;

impl BlocksInUse {
    /// Waits until `blocks`, each with its bytes, fit into `share` beside what other takes hold.
    pub(in crate::exec) async fn hold(&self, share: &Arc<Share>, turn: u64, blocks: &[(BlockKey, u64)]) -> Holding {
        let missing = |held: &BytesByBlock| -> Vec<(BlockKey, u64)> {
            let others = blocks.iter().filter(|(block, _)| !held.contains_key(block));
            others.copied().collect()
        };
        let mut waiter = share.waiter(turn);
        loop {
            let wanted = missing(&lock(&self.0));
            let bytes = wanted.iter().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes));
            let mut reserved = waiter.reserve(bytes).await;
            let mut held = lock(&self.0);
            // While this one waited, others may have let go of what it counted on.
            if missing(&held) != wanted {
                continue;
            }
            for (block, bytes) in wanted {
                held.insert(block, (0, reserved.split(bytes)));
            }
            for (block, _) in blocks {
                if let Some((takes, _)) = held.get_mut(block) {
                    *takes += 1;
                }
            }
            return Holding {
                held: Arc::clone(&self.0),
                blocks: blocks.iter().map(|(block, _)| *block).collect(),
            };
        }
    }
}

/// The right to have some blocks in memory.
#[derive(Debug)]
pub(crate) struct Holding {
    held: Arc<Mutex<BytesByBlock>>,
    blocks: Vec<BlockKey>,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let (mut held, mut last) = (lock(&self.held), Vec::new());
        for block in &self.blocks {
            let done = held.get_mut(block).is_some_and(|(takes, _)| {
                *takes -= 1;
                *takes == 0
            });
            if done {
                last.extend(held.remove(block));
            }
        }
        // Waiters for the bytes are woken outside of the lock.
        drop(held);
        drop(last);
    }
}

fn lock(held: &Mutex<BytesByBlock>) -> MutexGuard<'_, BytesByBlock> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_block_counts_once_and_what_does_not_fit_waits() {
        let (share, held) = (Share::new(100), BlocksInUse::default());
        let block = |source, index| ((source, index), 40);
        let hold = |turn, blocks: Vec<(BlockKey, u64)>| {
            let (share, held) = (Arc::clone(&share), BlocksInUse(Arc::clone(&held.0)));
            async move { held.hold(&share, turn, &blocks).await }.boxed()
        };
        let first = hold(0, vec![block(7, 1), block(7, 2)]).now_or_never().unwrap();
        let same = hold(1, vec![block(7, 2), block(7, 1)]).now_or_never().unwrap();
        // The block 2 of another source is another block.
        for other in [vec![block(7, 2), block(7, 3)], vec![block(8, 2)]] {
            assert!(hold(2, other).now_or_never().is_none());
        }
        let mut other = hold(2, vec![block(7, 2), block(7, 3)]);
        assert!((&mut other).now_or_never().is_none());
        drop(first);
        assert!((&mut other).now_or_never().is_none(), "the second one holds both");
        drop(same);
        let other = other.now_or_never().unwrap();
        assert_eq!(lock(&held.0).len(), 2);
        // Larger than all there is: alone.
        let mut large = hold(3, vec![((7, 4), 1000)]);
        assert!((&mut large).now_or_never().is_none());
        drop(other);
        drop(large.now_or_never().unwrap());
        assert!(lock(&held.0).is_empty());
        assert_eq!(share.reserve(4, 100).now_or_never().unwrap().bytes(), 100);
    }
}
