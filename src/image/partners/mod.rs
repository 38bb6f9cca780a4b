//! Pictures that are put together of several rows, with all that belongs to them.

mod collage;
mod copy_paste;
mod instances;
mod mixed_labels;
mod mosaic;
mod paste;
mod resample;

pub use copy_paste::CopyPaste;
pub use mosaic::Mosaic;

pub(crate) use mosaic::Quarters;
pub(crate) use paste::Paste;
