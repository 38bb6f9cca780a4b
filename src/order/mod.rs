//! Which row comes when: adapters that rewrite positions on the way down.

mod block_order;
mod block_shuffle;
mod hinted;
mod quality;
mod select;
mod shuffle;
mod split;

pub(crate) use block_order::BlockOrder;
pub(crate) use block_shuffle::{BlockShuffle, OrderCache};
pub(crate) use hinted::Hinted;
pub use quality::Quality;
pub use select::Select;
pub use shuffle::Shuffle;
pub use split::{Split, stratified};
