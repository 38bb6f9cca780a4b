//! What is in a row: adapters that rewrite rows on the way up.

mod cached;
mod class_encoded;
mod column;
mod labels;
mod lengths;
mod map;
mod mixed;
mod output;
mod partners;
mod row;
pub(crate) mod scan_cache;
mod stage;
mod step;
mod transformed;
mod views;

pub use cached::Cached;
pub use class_encoded::ClassEncoded;
pub use labels::{AnyLabels, CLASS_NAMES, LabelKind, Labels, MultiLabels, Survey};
pub use map::Map;
pub use mixed::Mixed;
pub use partners::{CutMix, MixUp, Mixing};
pub(crate) use partners::{MixStage, Rule};
pub use row::{Draws, Element, Out, Row};
pub use stage::{Bound, DType, Output, Partner, Partners, Read, Run, Shape, Stage};
pub use transformed::Transformed;
pub use views::Views;
