//! Which class or which source a row is of: exact quotas, and what fills them.

mod balance;
mod batch_pattern;
mod cycle;
mod feedback;
mod piecewise;
mod schedule;
mod segments;
mod target;
mod weighted;

#[cfg(feature = "train")]
pub(crate) use balance::Picked;
pub use balance::{Balance, BalanceSpec, BatchPart, BatchSpec, PartOrigin, Quota, TowardSpec};
pub use feedback::{Feedback, FeedbackSignal, FeedbackSpec};
pub use schedule::Schedule;
pub use segments::{Segments, SegmentsSpec};
pub use target::Target;
pub use weighted::{Mix, MixSpec, StoppingStrategy};
