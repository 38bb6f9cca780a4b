//! Which class or which source a row is of: exact quotas, and what fills them.

mod balance;
mod cycle;
mod piecewise;
mod schedule;
mod target;
mod weighted;

#[cfg(feature = "train")]
pub(crate) use balance::Picked;
pub use balance::{Balance, BalanceSpec, Quota, TowardSpec};
pub use schedule::Schedule;
pub use target::Target;
pub use weighted::{Mix, MixSpec, StoppingStrategy};
