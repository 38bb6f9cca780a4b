//! Networks and their weights.

pub mod classifier;
pub mod efficientnet;
pub mod weights;

pub use classifier::{Classifier, ClassifierConfig, Normalisation, fold_standardisation};
pub use efficientnet::{EfficientNetLite0, Frozen};
