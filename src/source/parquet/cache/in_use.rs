//! The blocks that takes hold on to: bytes of the budget, of each block once, however many takes have rows of it.

use crate::exec::Context;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit};

/// Which blocks are held.
#[derive(Debug, Default)]
pub(in crate::source::parquet) struct BlocksInUse {
    /// Whoever waits for bytes has it, so that nobody is passed by.
    turn: Turn<()>,
    blocks: Arc<Mutex<Blocks>>,
}

/// How many takes hold a block, and its share of the budget.
type Blocks = HashMap<usize, (usize, Option<OwnedSemaphorePermit>)>;

impl BlocksInUse {
    /// Waits until `blocks`, each with its bytes, may be in memory beside what other takes hold. Who has the result may wait
    /// for reads, but for no other take.
    pub(in crate::source::parquet) async fn hold(&self, cx: &Context, blocks: &[(usize, u64)]) -> Holding {
        let _turn = self.turn.lock().await;
        let missing = |held: &Blocks| -> Vec<(usize, u32)> {
            let others = blocks.iter().filter(|(block, _)| !held.contains_key(block));
            others.map(|&(block, bytes)| (block, cx.parts(bytes))).collect()
        };
        loop {
            let wanted = missing(&lock(&self.blocks));
            let mut permit = cx
                .holding(wanted.iter().map(|&(_, parts)| u64::from(parts)).sum())
                .await;
            let mut held = lock(&self.blocks);
            // While this one waited, others may have let go of what it counted on.
            if missing(&held) != wanted {
                continue;
            }
            for &(block, _) in blocks {
                held.entry(block).or_default().0 += 1;
            }
            for (block, parts) in wanted {
                let own = permit
                    .as_mut()
                    .and_then(|all| all.split(all.num_permits().min(parts as usize)));
                held.entry(block).or_default().1 = own;
            }
            return Holding {
                held: Arc::clone(&self.blocks),
                blocks: blocks.iter().map(|(block, _)| *block).collect(),
            };
        }
    }
}

/// The right to have some blocks in memory.
#[derive(Debug)]
pub(in crate::source::parquet) struct Holding {
    held: Arc<Mutex<Blocks>>,
    blocks: Vec<usize>,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        for block in &self.blocks {
            let last = held.get_mut(block).is_some_and(|(takes, _)| {
                *takes -= 1;
                *takes == 0
            });
            if last {
                held.remove(block);
            }
        }
    }
}

fn lock(blocks: &Mutex<Blocks>) -> MutexGuard<'_, Blocks> {
    blocks.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_block_counts_once_and_what_does_not_fit_waits() {
        // A share of 100 bytes.
        let cx = Context::with(1, 200).unwrap();
        cx.block_on(async {
            let held = BlocksInUse::default();
            let first = held.hold(&cx, &[(1, 40), (2, 40)]).await;
            let same = held.hold(&cx, &[(2, 40), (1, 40)]).await;
            let mut other = Box::pin(held.hold(&cx, &[(2, 40), (3, 40)]));
            assert!((&mut other).now_or_never().is_none());
            drop(first);
            assert!((&mut other).now_or_never().is_none(), "the second one holds both");
            drop(same);
            let other = other.await;
            // Larger than all there is: alone.
            let mut large = Box::pin(held.hold(&cx, &[(4, 1000)]));
            assert!((&mut large).now_or_never().is_none());
            drop(other);
            drop(large.await);
            assert!(lock(&held.blocks).is_empty());
            Ok(())
        })
        .unwrap();
    }
}
