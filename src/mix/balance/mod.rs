//! Rows in exact class proportions.

mod builder;
mod cap;
mod class_sampler;
mod dataset;
mod explain;
mod fetch;
mod pick;
mod pool;
mod quotas;
mod read_ahead;
mod read_plan;
mod resident;
mod scheduled_shares;
mod sorted;
mod spec;

pub use builder::Balance;
#[cfg(feature = "train")]
pub(crate) use pick::Picked;
pub use quotas::Quota;
pub use spec::{BalanceSpec, TowardSpec};
