use serde::{Deserialize, Serialize};
use std::fmt;

/// When an epoch of a [`Mix`](crate::mix::Mix) ends, as torchdata's `MultiNodeWeightedSampler` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppingStrategy {
    /// Before the first row that a source does not have (`FIRST_DATASET_EXHAUSTED`).
    FirstExhausted,
    /// When every row of every source came, once. A source that has run out leaves, and the others go on in the
    /// proportion of their own weights (`ALL_DATASETS_EXHAUSTED`).
    #[default]
    AllExhausted,
    /// Before the row with which the last source would start over. Sources that ran out earlier start over until then
    /// (`CYCLE_UNTIL_ALL_DATASETS_EXHAUSTED`).
    CycleUntilAllExhausted,
    /// Never: a source that has run out starts over (`CYCLE_FOREVER`). Without [`Mix::rows`](crate::mix::Mix::rows) there are no epochs.
    CycleForever,
}

impl fmt::Display for StoppingStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstExhausted => "first exhausted",
            Self::AllExhausted => "all exhausted",
            Self::CycleUntilAllExhausted => "cycle until all exhausted",
            Self::CycleForever => "cycle forever",
        })
    }
}
