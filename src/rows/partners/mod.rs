//! Rows that are mixed with others of their batch: MixUp and CutMix.

mod cutmix;
mod mixing;
mod mixup;
mod soft;
mod stage;
mod windows;

pub use cutmix::CutMix;
pub use mixing::Mixing;
pub use mixup::MixUp;
pub(crate) use stage::{MixStage, Rule};
pub(crate) use windows::Windows;
