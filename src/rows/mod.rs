//! What is in a row: adapters that rewrite rows on the way up.

mod cached;
mod class_encoded;
mod labels;
mod lengths;
mod partners;
pub(crate) mod scan_cache;
mod staged;
mod views;

pub use cached::Cached;
pub use class_encoded::ClassEncoded;
pub use labels::{AnyLabels, CLASS_NAMES, LabelKind, Labels, MultiLabels, Survey};
pub use partners::{CutMix, MixUp, Mixed};
pub use staged::{Stage, Staged};
pub use views::Views;
