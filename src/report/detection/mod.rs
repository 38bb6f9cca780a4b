//! What a detector achieves: COCO's figures.

mod curves;
mod figures;
mod matching;
mod precision;

pub use curves::{PrecisionRecall, ThresholdCurve};
pub use figures::DetectionFigures;
pub use matching::{FoundBox, TrueBox};
