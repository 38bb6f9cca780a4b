//! What each class is given: worked out from the settings.

use super::builder::{Balance, Filler};
use super::cap::{fitted, limit, synthetic};
use super::scheduled_shares::{Changes, ScheduledShares};
use crate::dataset::Stable;
use crate::mix::cycle::Cycle;
use crate::mix::feedback::FeedbackShares;
use std::num::NonZeroU64;
use std::sync::Arc;

/// What balancing gives a class in one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// The class's name.
    pub name: String,
    /// Stored rows.
    pub stored: u64,
    /// Rows in a balanced epoch.
    pub rows: u64,
    /// How many of these a generator makes.
    pub synthetic: u64,
}

impl<D: Stable> Balance<D> {
    /// What each class (or cell) has and is given in an epoch; in the first one, where epochs differ.
    pub fn quotas(&self) -> Vec<Quota> {
        let names = self.labels().names().iter().zip(&self.sampler.pools);
        names
            .map(|(name, pool)| Quota {
                name: name.clone(),
                stored: pool.len(),
                rows: pool.quota,
                synthetic: pool.synthetic,
            })
            .collect()
    }

    /// Works out the quotas again after a setting has changed.
    pub(super) fn settled(mut self) -> Self {
        self.resident = Arc::default();
        let (rows, shares) = self.capped();
        let (sampler, classes) = (&self.sampler, shares.len());
        let (block, cycle) = (sampler.block, Cycle::new(&shares, sampler.block, rows.get()));
        let scheduled = self.is_scheduled().then(|| {
            let served = |filler: &Filler| {
                (0..classes)
                    .map(|class| filler.generator.supports(class as u32))
                    .collect()
            };
            let changes = Changes {
                shares: &self.shares,
                toward: self.toward.as_ref().map(|toward| (&toward.shares[..], &toward.share)),
                fill: self.filler.as_ref().map(|filler| (&filler.share, served(filler))),
            };
            ScheduledShares::new(&changes, &self.labels().counts(), rows, block)
        });
        let batches = self.batch.clone().map(Arc::new);
        let feedback = self.feedback.clone().map(|of| {
            let synthetic = (0..classes).map(|class| self.synthetic_share(class)).collect();
            let shares = (&shares[..], self.labels().counts(), synthetic);
            Arc::new(FeedbackShares::new(of, shares, rows.get(), block))
        });
        let quota = |class: usize| match (&scheduled, &batches) {
            (Some(scheduled), _) => scheduled.given(class, 0..rows.get()),
            (None, Some(batches)) => batches.count(class, rows.get()),
            (None, None) => {
                let (quota, stored) = (cycle.count(class, rows.get()), sampler.pools[class].len());
                (quota, synthetic(quota, stored, self.synthetic_share(class)))
            }
        };
        let quotas: Vec<_> = (0..classes).map(quota).collect();
        let sampler = Arc::make_mut(&mut self.sampler);
        for (pool, (quota, synthetic)) in sampler.pools.iter_mut().zip(quotas) {
            (pool.quota, pool.synthetic) = (quota, synthetic);
        }
        (sampler.rows, sampler.fresh) = (rows, self.cap.is_some());
        (sampler.cycle, sampler.scheduled) = (cycle, scheduled);
        (sampler.batches, sampler.feedback) = (batches, feedback);
        self
    }

    /// Rows of an epoch and shares of the classes under the cap.
    fn capped(&self) -> (NonZeroU64, Vec<f64>) {
        if let Some(batch) = &self.batch {
            let size = batch.pattern.size();
            let rows = NonZeroU64::new(self.rows.get().div_ceil(size).saturating_mul(size));
            return (rows.unwrap_or(self.rows), self.shares.clone());
        }
        let Some(times) = self.cap else {
            return (self.rows, self.shares.clone());
        };
        let counts = self.labels().counts().into_iter().enumerate();
        let most: Vec<Option<u64>> = counts
            .map(|(class, stored)| limit(stored, self.synthetic_share(class), times))
            .collect();
        let (rows, shares) = fitted(&self.shares, self.rows.get(), self.sampler.block, &most);
        (NonZeroU64::new(rows).unwrap_or(self.rows), shares)
    }

    /// What share of what goes beyond the stored rows of `class` is synthetic in the first epoch: 0 where the generator cannot
    /// serve the class.
    fn synthetic_share(&self, class: usize) -> f64 {
        let filler = self.filler.as_ref();
        let serves = filler.filter(|filler| filler.generator.supports(class as u32));
        serves.map_or(0.0, |filler| filler.share.at(0))
    }
}
