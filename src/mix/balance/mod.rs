//! Rows in exact class proportions.

mod batch_quotas;
mod batches;
mod builder;
mod cap;
mod cells;
mod class_sampler;
mod dataset;
mod explain;
mod fetch;
mod follow;
mod pick;
mod pool;
mod quotas;
mod read_ahead;
mod read_plan;
mod resident;
mod scheduled_shares;
mod sorted;
mod spec;

pub use batch_quotas::{BatchPart, BatchSpec, PartOrigin};
pub use builder::Balance;
#[cfg(feature = "train")]
pub(crate) use pick::Picked;
pub use quotas::Quota;
pub use spec::{BalanceSpec, TowardSpec};
