use crate::dataset::{Dataset, Len, Stable};
use crate::exec::Context;

/// A dataset that says which row of a [`Stable`] one comes at each position, before any row is read: what stands above it can
/// order positions by what a scan knows of the rows.
///
/// Every stable dataset is one, and so are a shuffle and a balance over one.
#[diagnostic::on_unimplemented(
    message = "which stored row of `{Self}` comes at a position is not known before rows are read",
    label = "a dataset with a fixed order, a shuffle or a balance over one is needed here",
    note = "`buckets` stands above `shuffle` and `balance` and below `image`, `stage`, `map` and mixes: call it before those, right after `shuffle` or `balance`"
)]
pub trait Sampler: Dataset {
    /// The dataset whose rows come.
    type Base: Stable;

    /// The dataset whose rows come.
    fn base(&self) -> &Self::Base;

    /// Which row of [`base`](Self::base), in whatever view, comes at each of `positions`; none where a generator makes one.
    fn base_rows(&self, cx: &Context, positions: &[u64]) -> Vec<Option<u64>>;

    /// Positions of an aligned block whose class counts are promised; 1 where none are.
    fn quota_block(&self) -> u64;
}

impl<D: Stable> Sampler for D {
    type Base = D;

    fn base(&self) -> &D {
        self
    }

    fn base_rows(&self, _: &Context, positions: &[u64]) -> Vec<Option<u64>> {
        let row = row_of(self);
        positions.iter().map(|&position| Some(row(position))).collect()
    }

    fn quota_block(&self) -> u64 {
        1
    }
}

/// The row that a position of `base` is a view of.
pub(crate) fn row_of<D: Stable>(base: &D) -> impl Fn(u64) -> u64 {
    let (len, views) = (base.len(), base.views());
    move |position| match len {
        Len::Finite(rows) => position % rows % (rows.get() / views),
        Len::Endless => position,
    }
}
