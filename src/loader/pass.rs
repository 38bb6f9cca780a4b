//! What a pass over all rows of a loader is called.

/// The words for a pass over all rows.
///
/// It is an epoch, but where somebody trains who calls something else so: an epoch of a run is as many rows as there are training rows, whatever views these
/// come in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    /// One, as in "40 rows an epoch".
    pub(super) a: &'static str,
    /// One, behind an article or a number.
    pub(super) one: &'static str,
    /// Several.
    pub(super) many: &'static str,
}

impl Pass {
    /// Where all rows are an epoch.
    pub(super) const EPOCH: Self = Self {
        a: "an epoch",
        one: "epoch",
        many: "epochs",
    };

    /// Where rows come in several views each, and all of these are no epoch.
    #[cfg(feature = "train")]
    pub(crate) const OF_VIEWS: Self = Self {
        a: "a pass over all views",
        one: "pass over all views",
        many: "passes over all views",
    };
}
