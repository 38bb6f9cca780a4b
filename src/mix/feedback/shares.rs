//! The quotas of each epoch where its shares follow from reports.

use super::reports::Feedback;
use super::rule::FeedbackSpec;
use crate::mix::cycle::Cycle;
use std::sync::{Arc, Mutex, PoisonError};

/// The quotas of every epoch whose shares are known.
#[derive(Debug)]
pub(in crate::mix) struct FeedbackShares {
    pub(in crate::mix) feedback: Feedback,
    pub(in crate::mix) rule: FeedbackSpec,
    /// What the target gives the classes.
    shares: Vec<f64>,
    /// Stored rows of each class, and what share of what goes beyond them is synthetic.
    stored: Vec<u64>,
    synthetic: Vec<f64>,
    /// Rows of an epoch and of a block.
    rows: u64,
    block: u64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    taken_back: u64,
    /// For each epoch, stored and made rows of each class before it.
    before: Vec<Arc<[(u64, u64)]>>,
    /// The last epochs that were asked for, the newest last.
    recent: Vec<Arc<Epoch>>,
}

/// What comes in one epoch.
#[derive(Debug)]
pub(in crate::mix) struct Epoch {
    pub(in crate::mix) epoch: u64,
    pub(in crate::mix) cycle: Cycle,
    /// For each class, rows and how many of them are synthetic, and stored and made rows of the epochs before.
    pub(in crate::mix) quotas: Vec<(u64, u64)>,
    pub(in crate::mix) before: Arc<[(u64, u64)]>,
}

impl FeedbackShares {
    /// Epochs whose cycles are kept.
    const RECENT: usize = 3;

    pub(in crate::mix) fn new(
        (feedback, rule): (Feedback, FeedbackSpec),
        (shares, stored, synthetic): (&[f64], Vec<u64>, Vec<f64>),
        rows: u64,
        block: u64,
    ) -> Self {
        let first = Known {
            before: vec![vec![(0, 0); shares.len()].into()],
            ..Known::default()
        };
        Self {
            feedback,
            rule,
            shares: shares.to_vec(),
            stored,
            synthetic,
            rows,
            block,
            known: Mutex::new(first),
        }
    }

    /// The most rows that an epoch can have of `class`.
    pub(in crate::mix) fn most(&self, class: usize) -> u64 {
        let share = (self.shares[class] * self.rule.most * self.rule.most).min(1.0);
        (share * self.rows as f64).ceil() as u64
    }

    /// Bytes of what is kept for the last epochs.
    pub(in crate::mix) fn bytes(&self) -> u64 {
        Self::RECENT as u64 * 12 * self.rows.min(Cycle::MOST)
    }

    /// What comes in epoch `epoch`; none where that is not known yet.
    pub(in crate::mix) fn epoch(&self, epoch: u64) -> Option<Arc<Epoch>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let taken_back = self.feedback.taken_back();
        if known.taken_back != taken_back {
            known.before.truncate(1);
            known.recent.clear();
            known.taken_back = taken_back;
        }
        if let Some(found) = known.recent.iter().find(|recent| recent.epoch == epoch) {
            return Some(Arc::clone(found));
        }
        // One after the other, because passes over a class go on over the ends of epochs.
        let mut at = (known.before.len() as u64 - 1).min(epoch);
        loop {
            let made = Arc::new(self.made(at, &known.before[at as usize])?);
            if known.before.len() as u64 == at + 1 {
                let after = made.before.iter().zip(&made.quotas);
                let after = after.map(|(before, (rows, made))| (before.0 + rows - made, before.1 + made));
                known.before.push(after.collect());
            }
            if at == epoch {
                known.recent.push(Arc::clone(&made));
                if known.recent.len() > Self::RECENT {
                    known.recent.remove(0);
                }
                return Some(made);
            }
            at += 1;
        }
    }

    fn made(&self, epoch: u64, before: &Arc<[(u64, u64)]>) -> Option<Epoch> {
        let shares = match epoch.checked_sub(2) {
            None => self.shares.clone(),
            Some(reported) => self.rule.shares(&self.shares, &self.feedback.used(reported)?),
        };
        let cycle = Cycle::new(&shares, self.block, self.rows);
        let quota = |class: usize| {
            let rows = cycle.count(class, self.rows);
            let beyond = rows.saturating_sub(self.stored[class]) as f64;
            (rows, (beyond * self.synthetic[class]).floor() as u64)
        };
        Some(Epoch {
            epoch,
            quotas: (0..shares.len()).map(quota).collect(),
            cycle,
            before: Arc::clone(before),
        })
    }
}
