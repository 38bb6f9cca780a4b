//! Which class a row is of: exact quotas, and what fills them.

mod balance;
mod deal;
mod quota;
mod target;

pub use balance::{Balance, Quota};
pub use target::Target;
