//! How pixels become a network's inputs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Inputs are `(pixel - mean) / std` for each of red, green and blue, with pixels in `0..=1`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Mean of red, green and blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue.
    pub std: [f32; 3],
}

impl Normalisation {
    /// ImageNet's mean and deviation, as used throughout PyTorch's model zoo.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };
}

impl fmt::Display for Normalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mean {:?} and deviation {:?}", self.mean, self.std)
    }
}
