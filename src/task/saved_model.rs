//! The folder of a saved classifier: `model.safetensors` and `model.json`.

use super::manifest::RUN;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use crate::image::Reading;
use crate::model::weights::{self, damaged};
use crate::model::{Architecture, Backbone, Classifier, Normalisation, Pretrained};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

const WEIGHTS: &str = "model.safetensors";
const CONFIG: &str = "model.json";

/// The files of a saved model.
pub(crate) const FILES: [&str; 2] = [WEIGHTS, CONFIG];

impl Classifier {
    /// Saves the weights (f32) and `config` in `dir`, which is made if need be: `model.safetensors` first, then
    /// `model.json`, which carries the hash of the weights. Each file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// The head has not one output for each class, the backbone is folded, or a file cannot be written.
    pub fn save(&self, dir: impl AsRef<Path>, config: &ClassifierConfig) -> Result<()> {
        let dir = dir.as_ref();
        self.check(config)?;
        fs::create_dir_all(dir).map_err(|error| Error::io(dir, error))?;
        weights::save(self, dir.join(WEIGHTS), false)?;
        let saved = Saved {
            millstream: env!("CARGO_PKG_VERSION").to_owned(),
            weights: hash(&dir.join(WEIGHTS))?,
            config: config.clone(),
        };
        saved.write(&dir.join(CONFIG))
    }

    /// Loads what [`save`](Self::save) wrote; the model comes back frozen.
    ///
    /// # Errors
    ///
    /// A file is missing or damaged, names an unknown backbone, or the two files do not belong together.
    pub fn load(dir: impl AsRef<Path>, device: &Device) -> Result<(Self, ClassifierConfig)> {
        let path = dir.as_ref().join(CONFIG);
        if !path.exists() {
            return Err(no_model(dir.as_ref()));
        }
        let saved = Saved::read(&path)?;
        let weights = dir.as_ref().join(WEIGHTS);
        if saved.weights != hash(&weights)? {
            return Err(damaged(&weights, "these are not the weights that model.json describes"));
        }
        let architecture = saved.config.backbone.clone();
        Backbone::find(architecture.name()).map_err(|error| damaged(&path, error))?;
        let classifier = Pretrained::of(architecture, &weights)?.classifier(saved.config.classes.len(), device)?;
        Ok((classifier, saved.config))
    }

    fn check(&self, config: &ClassifierConfig) -> Result<()> {
        let [_, outputs] = self.head.weight.dims();
        if outputs != config.classes.len() {
            let message = format!("the head has {outputs} outputs for {} classes", config.classes.len());
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
    /// Which backbone it is.
    pub backbone: Architecture,
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

/// The contents of `model.json`.
#[derive(Serialize, Deserialize)]
struct Saved {
    millstream: String,
    weights: String,
    #[serde(flatten)]
    config: ClassifierConfig,
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

/// Why there is no model in `folder`.
fn no_model(folder: &Path) -> Error {
    let message = match folder.join(RUN).exists() {
        true => "the run in this folder has not ended, so there is no model yet; resume it",
        false => "no model lies in this folder: it has no model.json",
    };
    Error::new(ErrorKind::Io, message).context(folder.display().to_string())
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tensor};

    use super::*;

    fn device() -> Device {
        Device::flex()
    }

    fn lite0() -> Architecture {
        Architecture::new("efficientnet-lite0")
    }

    fn classifier(classes: usize) -> Classifier {
        Classifier::new(
            Backbone::init(&lite0(), &device()).expect("there is one"),
            classes,
            &device(),
        )
    }

    fn config(classes: &[&str]) -> ClassifierConfig {
        ClassifierConfig {
            backbone: lite0(),
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            image_size: 96,
            normalisation: Normalisation::IMAGENET,
            reading: Reading::default(),
        }
    }

    #[test]
    fn models_of_before_read_pictures_as_by_default() {
        let mut old = serde_json::to_value(config(&["a", "b"])).unwrap();
        assert!(old.as_object_mut().unwrap().remove("reading").is_some());
        assert_eq!(
            serde_json::from_value::<ClassifierConfig>(old).unwrap(),
            config(&["a", "b"])
        );
    }

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device())
    }

    #[test]
    fn a_saved_classifier_comes_back_the_same() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let (saved, config) = (classifier(3), config(&["glass", "metal", "paper"]));
        saved.save(dir.path().join("new"), &config)?;
        saved.save(dir.path().join("new"), &config)?;
        let (loaded, read) = Classifier::load(dir.path().join("new"), &device())?;
        let images = random([2, 3, 40, 33]);
        assert_eq!(config, read);
        assert_eq!(
            saved.forward(images.clone()).into_data(),
            loaded.forward(images).into_data()
        );
        Ok(())
    }

    #[test]
    fn weights_of_another_save_are_refused() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        classifier(2).save(dir.path(), &config(&["a", "b"]))?;
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
            .save("unused", &config(&["a"]))
            .expect_err("two outputs, one class");
        assert_eq!(few.to_string(), "the head has 2 outputs for 1 classes");
        let Classifier { backbone, head } = classifier(1);
        let folded = Classifier {
            backbone: backbone.fold_below(1),
            head,
        };
        assert!(folded.save("unused", &config(&["a"])).is_err());
    }
}
