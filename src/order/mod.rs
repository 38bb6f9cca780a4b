//! Which row comes when: adapters that rewrite positions on the way down.

mod blocks;
mod buckets;
mod quality;
mod sampler;
mod select;
mod shuffle;
mod split;

pub(crate) use blocks::{BlockOrder, Orders, Recent};
pub use buckets::{Buckets, Lengths};
pub use quality::Quality;
pub use sampler::Sampler;
pub(crate) use sampler::row_of;
pub use select::Select;
pub use shuffle::Shuffle;
pub use split::{Split, stratified};
