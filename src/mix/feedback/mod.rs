//! Shares that follow from how well the trainer does.

mod reports;
mod rule;
mod shares;

pub use reports::Feedback;
pub use rule::{FeedbackSignal, FeedbackSpec};
pub(super) use shares::{Epoch, FeedbackShares};
