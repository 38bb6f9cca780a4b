use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind};
use crate::exec::Context;
use crate::rng::{Rng, stream};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What the loader does with a row that cannot be made (`Data` and `Stage` errors). All other errors end the run:
/// a file that cannot be read is no reason to train on something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OnError {
    /// The error is the batch's result.
    #[default]
    Fail,
    /// Another row of the same class takes its place (any row, where nothing below knows classes), which the seed and the
    /// position decide alone. Where that one is bad too the next is tried, `at_most` of them for one position; then it is
    /// an error.
    Replace {
        /// The longest chain of substitutes for one position.
        at_most: u32,
    },
}

/// A row that could not be made, and what came in its place: a line of the quarantine file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// The position whose row is bad.
    pub position: u64,
    /// The position whose row came in its place.
    pub by: u64,
    /// Where the bad row is stored, the stage and what is wrong with it.
    pub reason: String,
}

/// Whether another row may come in place of the one that failed with `error`.
pub(crate) fn is_replaceable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Data | ErrorKind::Stage)
}

/// Near positions are tried first, so that a substitute is rarely read from far away.
const NEAR: u64 = 1024;
const TRIES: [u64; 2] = [4 * NEAR, 1 << 16];

/// The position that is tried as number `attempt` in place of `position`: one of the same class in the same epoch.
pub(super) fn substitute(
    dataset: &dyn Dataset,
    cx: &Context,
    epoch: Range<u64>,
    position: u64,
    attempt: u32,
) -> Option<u64> {
    let cx = &cx.for_origins();
    let class = dataset.provenance(cx, position).class;
    let mut rng = Rng::new(cx.seed(), "replace", stream(&[position, u64::from(attempt)]));
    let near = (position - epoch.start) / NEAR * NEAR + epoch.start;
    let near = near..near.saturating_add(NEAR).min(epoch.end);
    for (from, tries) in [near, epoch].into_iter().zip(TRIES) {
        for _ in 0..tries {
            let other = from.start + rng.below(from.end - from.start);
            if other != position && dataset.provenance(cx, other).class == class {
                return Some(other);
            }
        }
    }
    None
}
