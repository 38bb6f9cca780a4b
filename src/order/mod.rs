//! Which row comes when: adapters that rewrite positions on the way down.

mod block_order;
mod block_shuffle;
mod buckets;
mod folds;
mod group_split;
mod limit;
mod quality;
mod sampler;
mod select;
mod shuffle;
mod split;
mod split_spec;
mod time_split;

pub(crate) use block_order::BlockOrder;
pub(crate) use block_shuffle::{BlockShuffle, OrderCache};
pub use buckets::{Buckets, BucketsSpec, Lengths};
pub use folds::{stratified_folds, stratified_group_folds, time_folds};
pub use group_split::{group_split, stratified_group_split};
pub use limit::{Limit, Limited};
pub use quality::Quality;
pub use sampler::Sampler;
pub(crate) use sampler::row_of;
pub use select::{Select, SelectSpec};
pub use shuffle::{Shuffle, ShuffleSpec};
pub use split::{Split, random_split, stratified, stratified_multi_label};
pub use split_spec::{Part, SplitSpec};
pub use time_split::time_split;
