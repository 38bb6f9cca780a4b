//! Precision over recall.

use serde::{Deserialize, Serialize};

/// Precision at the recalls 0, 0.01, .., 1: the highest one at that recall or above it, as COCO has it, of objects of all sizes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecall {
    /// Of each class, where an intersection over union of 0.5 is enough; `None` for a class without objects.
    pub classes: Vec<Option<Vec<f32>>>,
    /// The mean over the classes that have objects, at each threshold of the intersection over union, ascending.
    pub thresholds: Vec<ThresholdCurve>,
}

/// The mean precision of all classes at one threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdCurve {
    /// The least intersection over union of a box that is right.
    pub iou: f64,
    /// Precision at each recall.
    pub precision: Vec<f32>,
}
