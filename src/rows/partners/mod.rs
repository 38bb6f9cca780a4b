//! Rows that are mixed with others of their batch.

mod cutmix;
mod mixed;
mod mixup;
mod soft;
mod windows;

pub use cutmix::CutMix;
pub use mixed::Mixed;
pub use mixup::MixUp;
