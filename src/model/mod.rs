//! Networks and their weights: a pretrained backbone, freezing, and the head on it. Knows neither tasks nor media.
//!
//! ```no_run
//! use burn::tensor::{Device, Tensor};
//! use millstream::model::{Classifier, EfficientNetLite0, weights};
//!
//! # fn logits(images: Tensor<4>) -> millstream::Result<Tensor<2>> {
//! let plain = Device::flex();
//! let training = plain.clone().autodiff();
//! let backbone = weights::load_backbone("efficientnet-lite0.safetensors", &training)?;
//! let model = Classifier::new(backbone, 6, &training).unfreeze_last(2);
//!
//! // What is frozen runs without autodiff and with its BatchNorms folded; its maps may be kept.
//! let first = EfficientNetLite0::STAGES - 2;
//! let frozen = weights::load_backbone("efficientnet-lite0.safetensors", &plain)?.fold_below(first);
//! let map = frozen.forward_until(images, first);
//!
//! // What trains takes the map from there.
//! let features = model.backbone.forward_from(map.autodiff(), first); // [n, 1280]
//! let logits = model.forward_head(features); // [n, 6]
//! # Ok(logits)
//! # }
//! ```
//!
//! With nothing unfrozen, the features of an image are the same in every epoch: run
//! [`forward_features`](EfficientNetLite0::forward_features) once and train the head alone. If it was trained on standardised
//! features, [`fold_standardisation`] makes it take raw ones.

pub mod classifier;
pub mod efficientnet;
pub mod feature_model;
pub mod normalisation;
pub mod weights;

pub use classifier::{Classifier, fold_standardisation};
pub use efficientnet::{EfficientNetLite0, Frozen};
pub use feature_model::{FeatureModel, FrozenBackbone};
pub use normalisation::Normalisation;
