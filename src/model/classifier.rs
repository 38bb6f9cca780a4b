//! A backbone with a linear head, and the two files it is saved in.

use std::fs;
use std::path::Path;

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::weights;
use super::weights::damaged;
use crate::error::{Error, Result};
use crate::exec::files;
use crate::image::Reading;
use crate::transfer::EfficientNetLite0;

const WEIGHTS: &str = "model.safetensors";
const META: &str = "model.json";

/// A backbone and a linear head: images in, logits out.
///
/// A head alone is trained on features that were computed once ([`forward_head`](Self::forward_head)); with
/// [`unfreeze_last`](Self::unfreeze_last) the upper stages of the backbone train with it.
#[derive(Module, Debug)]
pub struct Classifier {
    /// Images to pooled features.
    pub backbone: EfficientNetLite0,
    /// Pooled features to logits, weight `[1280, classes]`.
    pub head: Linear,
}

impl Classifier {
    /// `backbone` under a fresh head of `classes` classes, which trains.
    pub fn new(backbone: EfficientNetLite0, classes: usize, device: &Device) -> Self {
        let head = LinearConfig::new(EfficientNetLite0::FEATURES, classes).init(device);
        Self { backbone, head }
    }

    /// Logits `[n, classes]` of images `[n, 3, height, width]`, normalised as the [`ClassifierConfig`] says.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward_head(self.backbone.forward_features(images))
    }

    /// Logits `[n, classes]` of pooled features `[n, 1280]`.
    pub fn forward_head(&self, features: Tensor<2>) -> Tensor<2> {
        self.head.forward(features)
    }

    /// Lets the head and the last `n` stages of the backbone train, and freezes the rest.
    #[must_use]
    pub fn unfreeze_last(self, n: usize) -> Self {
        Self {
            backbone: self.backbone.unfreeze_last(n),
            head: self.head.unfreeze(),
        }
    }

    /// Saves the weights (f32) and `meta` in `dir`, which is made if need be: `model.safetensors` first, then
    /// `model.json`, which carries the hash of the weights. Each file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// The head has not one output for each class, the backbone is folded, or a file cannot be written.
    pub fn save(&self, dir: impl AsRef<Path>, meta: &ClassifierConfig) -> Result<()> {
        let dir = dir.as_ref();
        self.check(meta)?;
        fs::create_dir_all(dir).map_err(|error| Error::io(dir, error))?;
        weights::save(self, dir.join(WEIGHTS), false)?;
        let saved = Saved {
            millstream: env!("CARGO_PKG_VERSION").to_owned(),
            weights: hash(&dir.join(WEIGHTS))?,
            meta: meta.clone(),
        };
        saved.write(&dir.join(META))
    }

    /// Loads what [`save`](Self::save) wrote; the model comes back frozen.
    ///
    /// # Errors
    ///
    /// A file is missing or damaged, names an unknown backbone, or the two files do not belong together.
    pub fn load(dir: impl AsRef<Path>, device: &Device) -> Result<(Self, ClassifierConfig)> {
        let path = dir.as_ref().join(META);
        if !path.exists() {
            return Err(crate::task::run_folder::no_model(dir.as_ref()));
        }
        let saved = Saved::read(&path)?;
        let weights = dir.as_ref().join(WEIGHTS);
        if saved.weights != hash(&weights)? {
            return Err(damaged(&weights, "these are not the weights that model.json describes"));
        }
        if saved.meta.backbone != EfficientNetLite0::NAME {
            return Err(damaged(&path, format!("unknown backbone `{}`", saved.meta.backbone)));
        }
        let classifier = weights::load_classifier(&weights, saved.meta.classes.len(), device)?;
        Ok((classifier, saved.meta))
    }

    fn check(&self, meta: &ClassifierConfig) -> Result<()> {
        let [_, outputs] = self.head.weight.dims();
        if outputs != meta.classes.len() {
            let message = format!("the head has {outputs} outputs for {} classes", meta.classes.len());
            return Err(Error::config(message));
        }
        match self.backbone.is_folded() {
            true => Err(Error::config(
                "a folded backbone is not saved: save the one it was folded from",
            )),
            false => Ok(()),
        }
    }
}

/// What must be known to use a saved classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifierConfig {
    /// Name of the backbone, [`EfficientNetLite0::NAME`].
    pub backbone: String,
    /// Class names, in the order of the logits.
    pub classes: Vec<String>,
    /// Height and width of the images, in pixels.
    pub image_size: usize,
    /// How pixels become inputs.
    pub normalisation: Normalisation,
    /// How pictures are read, except for their largest size.
    #[serde(default)]
    pub reading: Reading,
}

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

/// Folds the standardisation of features into a head that was trained on standardised features, so that it takes raw ones:
/// `((x - mean) / std) w + b = x (w / std) + (b - (mean / std) w)`.
///
/// `mean` and `std` are `[features]`; a deviation of 0 (a constant feature) counts as 1, as scikit-learn has it.
pub fn fold_standardisation(head: &Linear, mean: Tensor<1>, std: Tensor<1>) -> Linear {
    let constant = std.clone().equal_elem(0.0);
    let weight = head.weight.val() / std.mask_fill(constant, 1.0).unsqueeze_dim(1);
    let shift = mean.unsqueeze_dim::<2>(0).matmul(weight.clone()).squeeze_dim::<1>(0);
    let bias = match &head.bias {
        Some(bias) => bias.val() - shift,
        None => shift.neg(),
    };
    Linear {
        weight: Param::from_tensor(weight.detach()),
        bias: Some(Param::from_tensor(bias.detach())),
    }
}

/// The contents of `model.json`.
#[derive(Serialize, Deserialize)]
struct Saved {
    millstream: String,
    weights: String,
    #[serde(flatten)]
    meta: ClassifierConfig,
}

impl Saved {
    fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| damaged(path, error))?;
        files::write_bytes(path, &text)
    }

    fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).map_err(|error| Error::io(path, error))?;
        serde_json::from_slice(&text).map_err(|error| damaged(path, error))
    }
}

/// The hash of a file, so that weights and `model.json` of different saves are told apart.
fn hash(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|error| Error::io(path, error))?;
    Ok(format!("xxh3:{:032x}", xxh3_128(&bytes)))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tolerance};

    use super::*;

    fn device() -> Device {
        Device::flex()
    }

    fn classifier(classes: usize) -> Classifier {
        Classifier::new(EfficientNetLite0::init(&device()), classes, &device())
    }

    fn meta(classes: &[&str]) -> ClassifierConfig {
        ClassifierConfig {
            backbone: EfficientNetLite0::NAME.to_owned(),
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            image_size: 96,
            normalisation: Normalisation::IMAGENET,
            reading: Reading::default(),
        }
    }

    #[test]
    fn models_of_before_read_pictures_as_by_default() {
        let mut old = serde_json::to_value(meta(&["a", "b"])).unwrap();
        assert!(old.as_object_mut().unwrap().remove("reading").is_some());
        assert_eq!(
            serde_json::from_value::<ClassifierConfig>(old).unwrap(),
            meta(&["a", "b"])
        );
    }

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device())
    }

    #[test]
    fn a_saved_classifier_comes_back_the_same() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let (saved, meta) = (classifier(3), meta(&["glass", "metal", "paper"]));
        saved.save(dir.path().join("new"), &meta)?;
        saved.save(dir.path().join("new"), &meta)?;
        let (loaded, read) = Classifier::load(dir.path().join("new"), &device())?;
        let images = random([2, 3, 40, 33]);
        assert_eq!(meta, read);
        assert_eq!(
            saved.forward(images.clone()).into_data(),
            loaded.forward(images).into_data()
        );
        Ok(())
    }

    #[test]
    fn weights_of_another_save_are_refused() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        classifier(2).save(dir.path(), &meta(&["a", "b"]))?;
        weights::save(&classifier(2), dir.path().join(WEIGHTS), false)?;
        let error = Classifier::load(dir.path(), &device()).expect_err("the hash differs");
        assert!(
            error
                .to_string()
                .ends_with("these are not the weights that model.json describes"),
            "{error}"
        );
        Ok(())
    }

    #[test]
    fn what_could_not_be_loaded_is_not_saved() {
        let few = classifier(2)
            .save("unused", &meta(&["a"]))
            .expect_err("two outputs, one class");
        assert_eq!(few.to_string(), "the head has 2 outputs for 1 classes");
        let Classifier { backbone, head } = classifier(1);
        let folded = Classifier {
            backbone: backbone.fold_below(1),
            head,
        };
        assert!(folded.save("unused", &meta(&["a"])).is_err());
    }

    #[test]
    fn a_folded_standardisation_gives_the_same_logits() {
        let head = LinearConfig::new(4, 3).init(&device());
        let mean = Tensor::from_floats([0.5, -1.0, 2.0, 7.0], &device());
        let std = Tensor::from_floats([2.0, 0.1, 1.0, 0.0], &device());
        let divisor = Tensor::<1>::from_floats([2.0, 0.1, 1.0, 1.0], &device());
        let features = random([5, 4]);
        let standardised = (features.clone() - mean.clone().unsqueeze()) / divisor.unsqueeze();
        let expected = head.forward(standardised).into_data();
        let folded = fold_standardisation(&head, mean, std).forward(features).into_data();
        folded.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-4));
    }
}
