//! What runs the pipeline: threads, the byte budget, buffers that are used again, and files on disk.

mod budget;
pub(crate) mod buffers;
pub mod context;
pub(crate) mod files;
#[cfg(feature = "train")]
pub(crate) mod lock;
pub(crate) mod machine;
mod shares;
mod task;

pub use context::Context;
pub use task::Task;
pub(crate) use task::{StopOnDrop, catch, caught, waiting};
