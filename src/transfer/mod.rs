//! Transfer learning: a pretrained backbone, its weights, freezing, and the classifier that is saved.
//!
//! ```no_run
//! use burn::tensor::Device;
//! use millstream::transfer::{Normalisation, weights};
//!
//! # fn images() -> burn::Tensor<4> { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let backbone = weights::load_backbone("efficientnet-lite0.safetensors", &Device::flex())?;
//! let fast = backbone.fold_below(millstream::transfer::EfficientNetLite0::STAGES);
//! let features = fast.forward_features(images()); // [n, 3, h, w] -> [n, 1280]
//! # let _ = (features, Normalisation::IMAGENET);
//! # Ok(())
//! # }
//! ```
//!
//! A frozen backbone gives the same features in every epoch. Run it once, on a device without autodiff, and train the
//! head on what it gave; where upper stages train, cut at the first of them with
//! [`forward_until`](EfficientNetLite0::forward_until) and [`forward_from`](EfficientNetLite0::forward_from).

mod classifier;
mod efficientnet;
pub mod weights;

pub use classifier::{Classifier, Meta, Normalisation, fold_standardisation};
pub use efficientnet::EfficientNetLite0;
