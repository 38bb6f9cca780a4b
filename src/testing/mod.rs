//! The law suite: run your own source or adapter through it.
//!
//! A dataset that passes may stand anywhere in a pipeline, and the loader keeps its promises over it: the same rows for
//! any number of threads, any batch size and any depth, and a resume that goes on with the very next row.
//!
//! ```
//! use arrow::array::{ArrayRef, Int64Array, RecordBatch};
//! use millstream::source::Memory;
//! use millstream::{Context, DatasetExt, Result, testing};
//! use std::sync::Arc;
//!
//! fn rows() -> Result<Memory> {
//!     let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..50));
//!     Memory::new(vec![RecordBatch::try_from_iter([("x", column)])?])
//! }
//!
//! let cx = Context::with(2, 1 << 20)?;
//! cx.block_on(testing::check_stable(&cx, &rows()?, 1))?;
//! cx.block_on(testing::check_law(&cx, &rows()?.shuffle(), 1))?;
//! testing::check_loader(1, 60, |_| Ok(rows()?.shuffle()))?;
//! # Ok::<(), millstream::Error>(())
//! ```

mod broken;
mod cache_use;
mod corruption;
mod elastic;
pub mod fuzz;
mod law;
mod loader;
mod once;
mod order;
#[cfg(feature = "train")]
mod other_device;
mod proportions;
mod stable;
mod taken;
mod virtual_rows;

pub use cache_use::{CacheUse, cache_use};
pub use corruption::{Damage, Outcome, check_corruption};
pub use elastic::check_elastic;
pub use law::check_law;
pub use loader::check_loader;
pub use once::check_once;
pub use order::{check_order, fisher_yates};
#[cfg(feature = "train")]
pub use other_device::as_other_device;
#[cfg(feature = "train")]
pub(crate) use other_device::is_on as is_other_device;
pub use proportions::check_proportions;
pub use stable::check_stable;
pub use virtual_rows::{Virtual, VirtualSpec};
