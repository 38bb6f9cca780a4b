//! How often a balanced epoch reads the data, and how memory is divided among the classes so that it reads little.

use super::class_sampler::ClassSampler;
use super::read_ahead::ReadAheadBudget;
use crate::exec::Context;
use std::cmp::Reverse;

/// How the data below is laid out in blocks, and how much memory there is for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataLayout {
    /// Number of blocks, and the bytes that all of them take in memory.
    pub(super) blocks: u64,
    pub(super) bytes: u64,
    /// Blocks in a window.
    pub(super) window: u64,
    /// Bytes of memory for rows that are held, and for decoded blocks.
    pub(super) held: u64,
    pub(super) cache: u64,
}

impl DataLayout {
    /// The same data with all of a context's budget.
    pub(super) fn under(self, cx: &Context) -> Self {
        Self {
            held: cx.rows_share(),
            cache: cx.blocks_share(),
            ..self
        }
    }
}

/// How the rows of each class are read: held in memory, read ahead, or read from their blocks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReadPlan {
    /// The classes whose rows are all held in memory.
    pub(super) held: Vec<usize>,
    /// Bytes of their rows.
    pub(super) held_bytes: u64,
    pub(super) budget: ReadAheadBudget,
    /// How often the data is read in an epoch, at most.
    pub(super) passes: f64,
}

impl ReadPlan {
    /// Rows of a block that make it worth reading ahead of their turn.
    const WORTH: u64 = 2;

    /// Divides the bytes among the classes. Those that repeat are held, the smallest first, as far as their share goes.
    pub(super) fn new(sampler: &ClassSampler, layout: DataLayout) -> Self {
        let drawn = sampler.most_drawn();
        let repeats = |class: usize| drawn[class] > sampler.pools[class].len();
        let rows = sampler.stored * sampler.views;
        let bytes_of = |rows_of: u64| (u128::from(layout.bytes) * u128::from(rows_of) / u128::from(rows)) as u64;
        let mut classes: Vec<usize> = (0..sampler.pools.len()).filter(|&class| drawn[class] > 0).collect();
        classes.sort_by_key(|&class| (Reverse(repeats(class)), sampler.pools[class].len()));
        let (mut held, mut room) = (Vec::new(), layout.held);
        // Of several views, or where the rows are in memory anyway, none is held.
        let own = layout.bytes > 0 && sampler.views == 1;
        for &class in classes.iter().filter(|&&class| own && repeats(class)) {
            let cost = bytes_of(sampler.pools[class].len());
            if cost > room {
                break;
            }
            room -= cost;
            held.push(class);
        }
        classes.drain(..held.len());
        let open: u64 = classes
            .iter()
            .map(|&class| layout.window.min(sampler.pools[class].blocks))
            .sum();
        let open = bytes_of(rows / layout.blocks.max(1) * open.min(layout.blocks));
        let fits = !own || open <= layout.cache / 4 * 3;
        // The cache has to hold on to a few blocks all the same.
        let few = layout.cache / 2 < Self::WORTH * layout.bytes / layout.blocks.max(1);
        let budget = match fits || few {
            true => ReadAheadBudget::none(sampler.pools.len()),
            false => Self::budget(sampler, layout, classes.clone(), room, bytes_of(1)),
        };
        let passes = classes.iter().map(|&class| {
            let (pool, most) = (&sampler.pools[class], budget.most[class]);
            if most == 0 && !fits {
                // Each of its rows may cost a block.
                return drawn[class] as f64 / layout.blocks as f64;
            }
            let parts = if fits { 1 } else { pool.widest.div_ceil(most) };
            drawn[class] as f64 / pool.len() as f64 * pool.blocks as f64 / layout.blocks as f64 * parts as f64
        });
        // The sum of no numbers is -0.0.
        let passes = passes.fold(0.0, |sum: f64, passes| sum + passes);
        let all_cached = layout.bytes <= layout.cache / 4 * 3;
        Self {
            held,
            held_bytes: layout.held - room,
            budget,
            passes: if all_cached { passes.min(1.0) } else { passes },
        }
    }

    /// Divides what is left of the share for held rows, and half of that for blocks, among `classes`: the same bytes for
    /// each, but no more than a class needs. Two parts of each are there at a time.
    fn budget(
        sampler: &ClassSampler,
        layout: DataLayout,
        mut classes: Vec<usize>,
        left: u64,
        row_bytes: u64,
    ) -> ReadAheadBudget {
        let (borrowed, row) = (layout.cache / 2, row_bytes + ReadAheadBudget::OVERHEAD);
        // A quarter is left for rows that turn out larger than the others.
        let room = (left + borrowed) / 4 * 3;
        let (mut most, mut left) = (vec![0; sampler.pools.len()], room / 2);
        classes.sort_by_key(|&class| sampler.pools[class].widest);
        for (at, &class) in classes.iter().enumerate() {
            let pool = &sampler.pools[class];
            let rows = pool.widest.min(left / (classes.len() - at) as u64 / row);
            if rows >= Self::WORTH * layout.window.min(pool.blocks) {
                most[class] = rows;
                left -= rows * row;
            }
        }
        ReadAheadBudget { most, room }
    }
}
