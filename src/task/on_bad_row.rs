//! What is done with a row whose picture cannot be made.

use serde::{Deserialize, Serialize};

/// What is done with a row whose picture cannot be made: one that is null, cut or no picture (`Data` and `Stage` errors). All
/// other errors end the run: a file that cannot be read is no reason to train on something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OnBadRow {
    /// It ends the run. [`Remedy::BadRows`](crate::error::Remedy::BadRows) tells such an error from others.
    #[default]
    Fail,
    /// The run goes on without it, as if the files did not have it: class counts, balance and synthetic rows are those of the
    /// other rows. A prediction is null.
    Skip {
        /// The most such rows, of all sets together; one more is an error.
        at_most: u64,
    },
    /// Another training row of its class takes its place, which the seed and the row decide alone, so that class counts stay. A
    /// validation row is left out, because another one would count twice.
    Replace {
        /// The most such rows, of all sets together; one more is an error.
        at_most: u64,
    },
}

impl OnBadRow {
    /// Whether such a row ends the run.
    pub fn is_fail(&self) -> bool {
        *self == Self::Fail
    }

    /// How many rows may be bad.
    pub(crate) fn at_most(self) -> u64 {
        match self {
            Self::Fail => 0,
            Self::Skip { at_most } | Self::Replace { at_most } => at_most,
        }
    }
}
