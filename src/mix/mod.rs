//! Which class or which source a row is of: exact quotas, and what fills them.

mod balance;
mod cap;
mod class_sampler;
mod mixed;
mod piecewise;
mod pool;
mod quota;
mod read_ahead;
mod read_plan;
mod schedule;
mod target;

pub use balance::{Balance, Quota};
pub use mixed::{Mix, StoppingStrategy};
pub use schedule::Schedule;
pub use target::Target;
