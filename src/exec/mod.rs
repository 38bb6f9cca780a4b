//! What runs the pipeline: threads, the byte budget, buffers that are used again, and files on disk.

pub(crate) mod buffers;
pub mod context;
pub(crate) mod files;
#[cfg(feature = "train")]
pub(crate) mod lock;
pub(crate) mod machine;

pub use context::Context;
pub(crate) use context::{StopOnDrop, Task, catch, caught, waiting};
