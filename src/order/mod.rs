//! Which row comes when: adapters that rewrite positions on the way down.

mod blocks;
mod hinted;
mod quality;
mod select;
mod shuffle;
mod split;

pub(crate) use blocks::{BlockOrder, Orders, Recent};
pub(crate) use hinted::Hinted;
pub use quality::Quality;
pub use select::Select;
pub use shuffle::Shuffle;
pub use split::{Split, random_split, stratified, stratified_multi_label};
