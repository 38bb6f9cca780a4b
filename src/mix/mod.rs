//! Which class or which source a row is of: exact quotas, and what fills them.

mod ahead;
mod balance;
mod cap;
mod deal;
mod pool;
mod quota;
mod reads;
mod schedule;
mod stairs;
mod target;
mod weighted;

pub use balance::{Balance, Quota};
pub use schedule::Schedule;
pub use target::Target;
pub use weighted::{Mix, Stop};
