//! The folder of a saved model: `model.safetensors` and `model.json`.

use super::catalog::{NamedTask, tasks};
use super::definition::Task;
use super::manifest::RUN;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use crate::image::{Image, Interpolation, Reading};
use crate::model::headed::Model;
use crate::model::weights::{self, damaged};
use crate::model::{Architecture, Backbone, Normalisation, Pretrained};
use crate::quote::shown;
use crate::spec::{Catalog, reading_with};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

const WEIGHTS: &str = "model.safetensors";
const CONFIG: &str = "model.json";

/// The files of a saved model.
pub(crate) const FILES: [&str; 2] = [WEIGHTS, CONFIG];

impl ModelConfig {
    /// What becomes of a picture that is predicted: decoded, resized, cropped and normalised, without augmentation.
    pub fn image(&self) -> Image {
        let Normalisation { mean, std } = self.normalisation;
        let height = self.image_height.unwrap_or(self.image_size);
        let image = Image::sized(self.image_size as u32, height as u32)
            .reading(self.reading)
            .normalize(mean, std)
            .interpolation(self.interpolation);
        match self.resize_size {
            Some(size) => image.resize_center_crop(size),
            None => image,
        }
    }
}

impl Model {
    /// Saves the weights (f32) and `config` in `dir`, which is made if need be: `model.safetensors` first, then
    /// `model.json`, which carries the hash of the weights. Each file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// The head is not that of the task, the backbone is folded, or a file cannot be written.
    pub fn save(&self, dir: impl AsRef<Path>, config: &ModelConfig) -> Result<()> {
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

    /// Loads what [`save`](Self::save) wrote, for a task of this crate; the model comes back frozen.
    ///
    /// # Errors
    ///
    /// A file is missing or damaged, names an unknown backbone or task, or the two files do not belong together.
    pub fn load(dir: impl AsRef<Path>, device: &Device) -> Result<(Self, ModelConfig)> {
        Self::load_with(dir, &tasks(), device)
    }

    /// As [`load`](Self::load), for one of `tasks`.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_with(dir: impl AsRef<Path>, tasks: &Catalog<dyn Task>, device: &Device) -> Result<(Self, ModelConfig)> {
        let dir = dir.as_ref();
        let (path, config) = (dir.join(CONFIG), Self::config_with(dir, tasks)?);
        Backbone::find(config.backbone.name()).map_err(|error| damaged(&path, error))?;
        let pretrained = Pretrained::of(config.backbone.clone(), dir.join(WEIGHTS))?;
        let model = pretrained.model(&config.task.head(), device)?;
        Ok((model, config))
    }

    /// What [`save`](Self::save) wrote beside the weights, for one of `tasks`.
    pub(crate) fn config_with(dir: &Path, tasks: &Catalog<dyn Task>) -> Result<ModelConfig> {
        let json = check(dir)?;
        let read = reading_with(tasks, || Saved::read(&dir.join(CONFIG)));
        let read = read.map_err(|error| match name_of(&json["task"]) {
            Some(name) if tasks.names().all(|known| known != name) => {
                let why = "the model is of a task of a program's own: read it with a catalog that has the task";
                Error::new(error.kind(), format!("{error}; {why}"))
            }
            _ => error,
        });
        let config = read?.config;
        let normalisation = config.normalisation.check();
        normalisation.map_err(|error| damaged(&dir.join(CONFIG), error))?;
        Ok(config)
    }

    fn check(&self, config: &ModelConfig) -> Result<()> {
        let (found, wanted) = (self.head.outputs(), config.task.head().outputs());
        if found != wanted {
            let task = config.task.name();
            return Err(Error::config(format!(
                "the head has {found} outputs, and that of the task {task} has {wanted}"
            )));
        }
        match self.backbone.is_folded() {
            true => Err(Error::config(
                "a folded backbone is not saved: save the one it was folded from",
            )),
            false => Ok(()),
        }
    }
}

/// Refuses a folder whose weights are not those that its `model.json` describes.
///
/// Its contents, otherwise.
pub(crate) fn check(dir: &Path) -> Result<Value> {
    let path = dir.join(CONFIG);
    if !path.exists() {
        return Err(no_model(dir));
    }
    let text = files::read_small(&path).map_err(|error| Error::io(&path, error))?;
    let json: Value = serde_json::from_slice(&text).map_err(|error| damaged(&path, error))?;
    if json.get("task").is_none() && json.get("classes").is_some() {
        return Err(damaged(
            &path,
            "it is of a version that knew classification alone, and has no task: fine-tune again",
        ));
    }
    refuse_newer(&path, &json)?;
    let weights = dir.join(WEIGHTS);
    match json["weights"].as_str() == Some(&hash(&weights)?) {
        true => Ok(json),
        false => Err(damaged(&weights, "these are not the weights that model.json describes")),
    }
}

/// Refuses the `model.json` of a version that may mean more by it than this one reads.
fn refuse_newer(path: &Path, json: &Value) -> Result<()> {
    const KNOWN: [&str; 10] = [
        "millstream",
        "weights",
        "backbone",
        "task",
        "image_size",
        "image_height",
        "normalisation",
        "interpolation",
        "resize_size",
        "reading",
    ];
    let numbers =
        |version: &str| -> Vec<u64> { version.split('.').take(2).map_while(|part| part.parse().ok()).collect() };
    let (own, written) = (
        env!("CARGO_PKG_VERSION"),
        json["millstream"].as_str().unwrap_or_default(),
    );
    if numbers(written) > numbers(own) {
        let message = format!("version {written} wrote it, and this one is {own}: use that one, or fine-tune again");
        return Err(damaged(path, message));
    }
    match json
        .as_object()
        .and_then(|json| json.keys().find(|key| !KNOWN.contains(&key.as_str())))
    {
        Some(key) => Err(damaged(path, format!("unknown field `{}`", shown(key, 64)))),
        None => Ok(()),
    }
}

/// The name under which something is written: alone, or before its fields.
fn name_of(written: &Value) -> Option<&str> {
    let before = || written.as_object()?.keys().next().map(String::as_str);
    written.as_str().or_else(before)
}

/// What must be known to use a saved model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Which backbone it is.
    pub backbone: Architecture,
    /// The task with what it took from the training rows, such as the names of classes.
    pub task: NamedTask,
    /// Width and height of the images, in pixels.
    pub image_size: usize,
    /// Their height, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_height: Option<usize>,
    /// How pixels become inputs.
    pub normalisation: Normalisation,
    /// How pictures are resized. Defaults to bilinear.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// Pixels that the shorter side is resized to before the middle square is taken; none where the whole picture is squashed to a
    /// square.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize_size: Option<u32>,
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
    config: ModelConfig,
}

impl Saved {
    fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| damaged(path, error))?;
        files::write_bytes(path, &text)
    }

    fn read(path: &Path) -> Result<Self> {
        let text = files::read_small(path).map_err(|error| Error::io(path, error))?;
        serde_json::from_slice(&text).map_err(|error| damaged(path, error))
    }
}

/// The hash of a file, so that weights and `model.json` of different saves are told apart.
fn hash(path: &Path) -> Result<String> {
    let bytes = files::read_whole(path).map_err(|error| Error::io(path, error))?;
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
    use super::*;
    use crate::model::Head;
    use crate::task::classify::Classify;
    use burn::nn::LinearConfig;
    use burn::tensor::{Distribution, Tensor};

    fn device() -> Device {
        Device::flex()
    }

    fn lite0() -> Architecture {
        Architecture::new("efficientnet-lite0")
    }

    fn model(classes: usize) -> Model {
        let backbone = Backbone::init(&lite0(), &device()).expect("there is one");
        let head = LinearConfig::new(backbone.features(), classes).init(&device());
        Model {
            backbone,
            head: Head::Linear(head),
        }
    }

    fn config(classes: &[&str]) -> ModelConfig {
        let task = Classify {
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            ..Classify::default()
        };
        ModelConfig {
            backbone: lite0(),
            task: task.into(),
            image_size: 96,
            image_height: None,
            normalisation: Normalisation::IMAGENET,
            interpolation: Interpolation::Bicubic,
            resize_size: Some(100),
            reading: Reading::default(),
        }
    }

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device())
    }

    fn logits(model: &Model, images: Tensor<4>) -> Result<Vec<f32>> {
        let data = model.forward(images)?.rows()?.into_data();
        data.try_to_vec().map_err(|error| Error::stage(error.to_string()))
    }

    #[test]
    fn a_saved_model_comes_back_the_same() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let (saved, config) = (model(3), config(&["glass", "metal", "paper"]));
        saved.save(dir.path().join("new"), &config)?;
        saved.save(dir.path().join("new"), &config)?;
        let (loaded, read) = Model::load(dir.path().join("new"), &device())?;
        assert_eq!(read.task.description(), config.task.description());
        assert_eq!(read.task.classes(), ["glass", "metal", "paper"]);
        assert_eq!(
            (read.interpolation, read.resize_size),
            (Interpolation::Bicubic, Some(100))
        );
        let images = random([2, 3, 40, 33]);
        assert_eq!(logits(&saved, images.clone())?, logits(&loaded, images)?);
        Ok(())
    }

    #[test]
    fn weights_of_another_save_are_refused() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        model(2).save(dir.path(), &config(&["a", "b"]))?;
        weights::save(&model(2), dir.path().join(WEIGHTS), false)?;
        let error = Model::load(dir.path(), &device()).expect_err("the hash differs");
        assert!(
            error
                .to_string()
                .ends_with("these are not the weights that model.json describes"),
            "{error}"
        );
        Ok(())
    }

    #[test]
    fn a_model_of_before_there_were_tasks_is_refused() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let old =
            r#"{ "millstream": "0.1.0", "weights": "xxh3:0", "backbone": "efficientnet-lite0", "classes": ["a"] }"#;
        fs::write(dir.path().join(CONFIG), old).map_err(|error| Error::io("a file", error))?;
        let error = Model::load(dir.path(), &device()).expect_err("it has no task");
        assert!(error.to_string().ends_with("has no task: fine-tune again"), "{error}");
        Ok(())
    }

    #[test]
    fn a_model_of_a_newer_version_is_refused() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        model(1).save(dir.path(), &config(&["a"]))?;
        let path = dir.path().join(CONFIG);
        let text = fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
        for (changed, expected) in [
            (
                text.replace(env!("CARGO_PKG_VERSION"), "99.0.0"),
                "version 99.0.0 wrote it, and this one is",
            ),
            (text.replacen('{', "{ \"tiles\": 4,", 1), "unknown field `tiles`"),
            (
                text.replacen("0.229", "0.0", 1),
                "std is [0.0, 0.224, 0.225], but has to lie in 1e-4 to 1e4",
            ),
        ] {
            fs::write(&path, changed).map_err(|error| Error::io(&path, error))?;
            let error = Model::load(dir.path(), &device())
                .expect_err("it may mean something else")
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
        Ok(())
    }

    #[test]
    fn what_could_not_be_loaded_is_not_saved() {
        let few = model(2)
            .save("unused", &config(&["a"]))
            .expect_err("two outputs, one class");
        assert_eq!(
            few.to_string(),
            "the head has 2 outputs, and that of the task classify has 1"
        );
        let Model { backbone, head } = model(1);
        let folded = Model {
            backbone: backbone.fold_below(1),
            head,
        };
        assert!(folded.save("unused", &config(&["a"])).is_err());
    }
}
