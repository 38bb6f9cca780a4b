//! Networks and their weights: pretrained backbones, freezing, and the head on them. Knows neither tasks nor media.
//!
//! ```no_run
//! use burn::tensor::{Device, Tensor};
//! use millstream::model::{Classifier, Pretrained};
//!
//! # fn logits(images: Tensor<4>) -> millstream::Result<Tensor<2>> {
//! let plain = Device::flex();
//! let training = plain.clone().autodiff();
//! let pretrained = Pretrained::find("efficientnet-lite0")?;
//! let model = Classifier::new(pretrained.backbone(&training)?, 6, &training).unfreeze_last(2);
//!
//! // What is frozen runs without autodiff and with its BatchNorms folded; its maps may be kept.
//! let first = model.backbone.stages() - 2;
//! let frozen = pretrained.backbone(&plain)?.fold_below(first);
//! let map = frozen.forward_until(images, first);
//!
//! // What trains takes the map from there.
//! let features = model.backbone.forward_from(map.autodiff(), first); // [n, 1280]
//! let logits = model.forward_head(features); // [n, 6]
//! # Ok(logits)
//! # }
//! ```
//!
//! With nothing unfrozen, the features of an image are the same in every epoch: run [`FrozenBackbone`] once and train the head alone.
//! If it was trained on standardised features, [`fold_standardisation`] makes it take raw ones.
//!
//! | network | names | weights |
//! |---|---|---|
//! | [`EfficientNetLite0`] | `efficientnet-lite0` | inside the program with the Cargo feature `weights` (9 MB, Apache-2.0); timm's `tf_efficientnet_lite0` |
//! | [`ResNet`] | `resnet18`, `resnet34`, `resnet50`, `resnet101`, `resnet152` | none come with this crate; torchvision's and timm's files |
//! | [`MobileNetV3`] | `mobilenetv3_small_100`, `mobilenetv3_large_100`, and `_075`, `_050` | none come with this crate; timm's files |
//! | [`ConvNeXt`] | `convnext_tiny`, `_small`, `_base`, `_large`; `convnextv2_tiny`, `_base`, `_large` | none come with this crate; timm's files |
//! | [`VisionTransformer`] | `vit_tiny_patch16_224`, `_small_`, `_base_`; `deit_` of the same; `vit_small_patch14_dinov2`, `_base_`, `_large_`, and `_reg4_dinov2` | none come with this crate; timm's files |

pub mod architecture;
pub mod backbone;
mod bicubic;
mod carried;
pub mod classifier;
pub mod convnext;
pub mod detection_head;
pub mod device;
pub mod efficientnet;
pub mod feature_model;
pub mod frozen_maps;
pub mod head;
pub mod headed;
mod initial;
mod inverted_residual;
mod layers;
mod map_head;
pub mod mobilenet;
pub mod network;
pub mod normalisation;
pub mod preprocessing;
pub mod pretrained;
pub mod resnet;
pub mod segmentation_head;
pub mod vision_transformer;
pub mod weights;

pub use architecture::{Architecture, Known};
pub use backbone::Backbone;
pub use classifier::{Classifier, fold_standardisation};
pub use convnext::ConvNeXt;
pub use detection_head::DetectionHead;
pub use efficientnet::{EfficientNetLite0, Frozen};
pub use feature_model::{FeatureModel, FrozenBackbone, PendingFeatures};
pub use frozen_maps::{FrozenMaps, MapShapes};
pub use head::{Features, Head, HeadConfig, Outputs};
pub use headed::{Cut, Model};
pub(crate) use initial::Initial;
pub use mobilenet::MobileNetV3;
pub use network::{Level, Network};
pub use normalisation::Normalisation;
pub use preprocessing::{CropMode, Interpolation, Preprocessing};
pub use pretrained::Pretrained;
pub use resnet::ResNet;
pub use segmentation_head::SegmentationHead;
pub use vision_transformer::VisionTransformer;
