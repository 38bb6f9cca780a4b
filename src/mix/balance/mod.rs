//! Rows in exact class proportions.

mod builder;
mod cap;
mod class_sampler;
mod dataset;
mod explain;
mod fetch;
mod pick;
mod pool;
mod read_ahead;
mod read_plan;
mod resident;
mod scheduled_shares;
mod sorted;

pub use builder::{Balance, Quota};
