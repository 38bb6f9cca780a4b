//! What runs the pipeline: threads, the byte budget, decoded blocks in memory, buffers that are used again, and files on disk.

pub(crate) mod block_cache;
mod budget;
pub(crate) mod buffers;
pub mod context;
pub(crate) mod files;
pub(crate) mod lock;
pub(crate) mod machine;
pub(crate) mod memory_bound;
pub(crate) mod outputs;
mod own_thread;
pub(crate) mod reservation;
mod shares;
pub(crate) mod stream_room;
mod task;

pub use context::Context;
pub(crate) use own_thread::OwnThread;
pub use task::Task;
pub(crate) use task::{StopOnDrop, catch, caught, waiting};
