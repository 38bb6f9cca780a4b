//! Class proportions that change over the run.

use crate::mix::cycle::{Cycle, whole};
use crate::mix::piecewise::Piecewise;
use crate::mix::schedule::Schedule;
use std::num::NonZeroU64;
use std::ops::Range;

/// The classes' shares where a schedule changes them over the run. Ranks count over the whole run, not over an epoch.
#[derive(Clone, Debug)]
pub(super) struct ScheduledShares {
    pub(super) classes: Piecewise,
    /// For each class, whether a row of that rank is stored (0) or made (1).
    pub(super) made: Vec<Piecewise>,
}

/// What decides the proportions.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    /// The classes' shares at first, and those that they go over to, as far as the schedule says.
    pub(super) shares: &'a [f64],
    pub(super) toward: Option<(&'a [f64], &'a Schedule)>,
    /// What share of what goes beyond a class's stored rows is generated, and whether the generator can serve each class.
    pub(super) fill: Option<(&'a Schedule, Vec<bool>)>,
}

impl ScheduledShares {
    /// The proportions of classes of `counts` rows, in epochs of `rows` rows and blocks of `block`.
    pub(super) fn new(changes: &Changes<'_>, counts: &[u64], rows: NonZeroU64, block: u64) -> Self {
        let (rows, classes) = (rows.get() as f64, counts.len());
        let toward = changes.toward.map(|(second, share)| (second, share.aligned(block)));
        let fill = changes
            .fill
            .as_ref()
            .map(|(share, serves)| (share.aligned(block), serves));
        let of_fill = fill.iter().map(|(share, _)| share);
        let bends: Vec<&Schedule> = toward.iter().map(|(_, share)| share).chain(of_fill).collect();
        let shares = |rows: Range<u64>| match &toward {
            Some((second, share)) => {
                let x = share.mean(&rows);
                let both = changes.shares.iter().zip(*second);
                both.map(|(first, second)| (1.0 - x) * first + x * second).collect()
            }
            None => changes.shares.to_vec(),
        };
        let of_classes = Piecewise::scheduled(classes, &bends, shares);
        let most = (Cycle::MOST / classes as u64).clamp(1 << 10, 1 << 16);
        let of_class = |class: usize| {
            let mut own = Piecewise::new(2);
            for range in of_classes.ranges() {
                let natural = counts[class] as f64 / rows;
                let beyond = (1.0 - natural / of_classes.share(class, range.start)).max(0.0);
                let fill = fill.as_ref().filter(|(_, serves)| serves[class]);
                let share = fill.map_or(0.0, |(fill, _)| fill.mean(&range) * beyond);
                if range.end == u64::MAX {
                    own.push(u64::MAX - own.end(), &whole(&[1.0 - share, share], most));
                } else {
                    own.push_shares(of_classes.count(class, range.end) - own.end(), &[1.0 - share, share]);
                }
            }
            own
        };
        Self {
            made: (0..classes).map(of_class).collect(),
            classes: of_classes,
        }
    }

    /// Rows of `class` among the positions `of`, to within a block, and how many of them are synthetic.
    pub(super) fn given(&self, class: usize, of: Range<u64>) -> (u64, u64) {
        let (before, after) = (self.count(class, of.start), self.count(class, of.end));
        (after.0 - before.0, after.1 - before.1)
    }

    /// Rows of `class` that come before position `end`, to within a block, and how many of them are synthetic.
    fn count(&self, class: usize, end: u64) -> (u64, u64) {
        let rows = self.classes.count(class, end);
        (rows, self.made[class].count(1, rows))
    }
}
