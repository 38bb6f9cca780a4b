//! Trained networks: by name, or from a folder or a file.

use super::architecture::Architecture;
use super::backbone::Backbone;
use super::carried::{CARRIED, Carried};
use super::classifier::Classifier;
use super::head::HeadConfig;
use super::headed::Model;
use super::normalisation::Normalisation;
use super::preprocessing::Preprocessing;
use super::weights::{StoredWeights, damaged};
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::exec::files;
use burn::tensor::Device;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A trained network: which it is, what it expects of pictures, and where its weights are, which are read when they are asked for.
///
/// ```no_run
/// use burn::tensor::{Device, Tensor};
/// use millstream::model::Pretrained;
///
/// # fn features(images: Tensor<4>) -> millstream::Result<Tensor<2>> {
/// let found = Pretrained::find("resnet50.a1_in1k")?; // a folder with timm's config.json and model.safetensors
/// println!("{} at {} px, {:?}", found.architecture, found.preprocessing.size, found.licence);
/// let backbone = found.backbone(&Device::flex())?;
/// # Ok(backbone.forward_features(images)) // [n, 2048]
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pretrained {
    /// Which network it is.
    pub architecture: Architecture,
    /// What the weights expect of pictures.
    pub preprocessing: Preprocessing,
    /// The weights' licence, where it is known.
    pub licence: Option<String>,
    /// Where the weights come from, where it is known.
    pub source: Option<String>,
    configured: bool,
    weights: Weights,
}

#[derive(Clone, Debug)]
enum Weights {
    Inside(&'static Carried),
    File(PathBuf),
}

impl Pretrained {
    /// The network that is meant by `name`:
    ///
    /// - The name of an architecture whose weights come with this build: `efficientnet-lite0`, with the Cargo feature `weights`.
    /// - A folder with timm's `config.json` and `model.safetensors` (or `pytorch_model.bin`), as the Hugging Face hub has them.
    /// - A file of weights that is called by its architecture, as torchvision's are: `resnet18-f37072fd.pth`.
    ///
    /// # Errors
    ///
    /// `Config` for a name that is none of them, with the nearest that is known, and for what a `config.json` asks that is not
    /// here; `Io` and `Data` for a folder that cannot be read.
    pub fn find(name: &str) -> Result<Self> {
        let path = Path::new(name);
        if path.is_dir() {
            return Self::folder(path, None);
        }
        if path.is_file() {
            return Self::of(named_by(path)?, path);
        }
        let known = Backbone::find(name).map_err(|error| {
            let what = error.to_string();
            Error::config(format!("{what}; nor is there a folder or a file of that name"))
        })?;
        let Some(carried) = CARRIED.iter().find(|carried| carried.name == known.name) else {
            let there: Vec<&str> = CARRIED.iter().map(|carried| carried.name).collect();
            let there = match there.as_slice() {
                [] => "none are in this build; the Cargo feature `weights` puts some into it".to_owned(),
                names => format!("those of {} do", names.join(", ")),
            };
            let error = Error::config(format!(
                "no weights come with {}, {there}: give a folder with config.json and model.safetensors, or a file of weights",
                known.name
            ));
            return Err(error.with_remedy(Remedy::Weights));
        };
        Ok(Self {
            architecture: Architecture::new(known.name),
            preprocessing: known.preprocessing,
            licence: Some(carried.licence.to_owned()),
            source: Some(carried.source.to_owned()),
            configured: false,
            weights: Weights::Inside(carried),
        })
    }

    /// The network that is meant by `name`, an architecture or a folder with a `config.json`, with the weights in `file`.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find). The file is read later.
    pub fn find_with_weights(name: &str, file: impl Into<PathBuf>) -> Result<Self> {
        match Path::new(name).is_dir() {
            true => Self::folder(Path::new(name), Some(file.into())),
            false => Self::of(Architecture::new(Backbone::find(name)?.name), file),
        }
    }

    /// The network of `architecture` with the weights in `file`, and the preprocessing of its first published weights.
    ///
    /// # Errors
    ///
    /// `Config` for an unknown architecture. The file is read later.
    pub fn of(architecture: Architecture, file: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self {
            preprocessing: Backbone::find(architecture.name())?.preprocessing,
            architecture,
            licence: None,
            source: None,
            configured: false,
            weights: Weights::File(file.into()),
        })
    }

    /// Whether the weights are inside the program.
    pub fn is_carried(&self) -> bool {
        matches!(self.weights, Weights::Inside(_))
    }

    /// Whether a `config.json` says what the weights expect of pictures; else it is what the network's first published weights expect.
    pub fn is_configured(&self) -> bool {
        self.configured
    }

    /// The file of the weights; none where they are inside the program.
    pub fn file(&self) -> Option<&Path> {
        match &self.weights {
            Weights::Inside(_) => None,
            Weights::File(path) => Some(path),
        }
    }

    /// The backbone on `device`, frozen.
    ///
    /// # Errors
    ///
    /// `Io` and `Data` where the file cannot be read; `Schema` where a tensor is missing, has another shape or is one that the
    /// network does not have, with its name; `Config` for arguments that the network does not have.
    pub fn backbone(&self, device: &Device) -> Result<Backbone> {
        Ok(self.hashed_backbone(device)?.0)
    }

    /// The backbone, and a hash of the file that it was read from.
    pub(crate) fn hashed_backbone(&self, device: &Device) -> Result<(Backbone, String)> {
        let backbone = Backbone::init(&self.architecture, device)?;
        let stored = self.stored()?;
        let hash = stored.hash.clone();
        Ok((stored.into_backbone(backbone, &self.architecture)?, hash))
    }

    /// The backbone under its head of `classes` classes, frozen: what the weights were trained for, or a saved model.
    ///
    /// # Errors
    ///
    /// As [`backbone`](Self::backbone); a head of another number of classes is a tensor of another shape.
    pub fn classifier(&self, classes: usize, device: &Device) -> Result<Classifier> {
        let backbone = Backbone::init(&self.architecture, device)?;
        let classifier = Classifier::new(backbone, classes, device);
        self.stored()?.into_classifier(classifier, &self.architecture)
    }

    /// The network with a head of the kind `head`, both as the file has them; frozen.
    ///
    /// # Errors
    ///
    /// As [`backbone`](Self::backbone), and where the file has another head.
    pub fn model(&self, head: &HeadConfig, device: &Device) -> Result<Model> {
        let backbone = Backbone::init(&self.architecture, device)?;
        let channels: Vec<usize> = backbone.levels().iter().map(|level| level.channels).collect();
        let head = head.init(backbone.features(), &channels, 0, device)?;
        self.stored()?.into_model(Model { backbone, head }, &self.architecture)
    }

    fn stored(&self) -> Result<StoredWeights> {
        match &self.weights {
            Weights::Inside(carried) => {
                StoredWeights::safetensors(carried.file.to_vec(), format!("the weights of {}", carried.name))
            }
            Weights::File(path) => StoredWeights::open(path),
        }
    }

    /// The network in a folder as timm writes it.
    fn folder(folder: &Path, weights: Option<PathBuf>) -> Result<Self> {
        let path = folder.join("config.json");
        let text = files::read_small(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                let message = "this folder has no config.json, which says of which network its weights are: give one as the \
                               Hugging Face hub has them, or a network's name with a file of weights";
                let error = Error::new(ErrorKind::Io, message).with_source(error);
                error.with_remedy(Remedy::Weights).context(folder.display().to_string())
            }
            _ => Error::io(&path, error),
        })?;
        let config: Value = serde_json::from_slice(&text).map_err(|error| damaged(&path, error))?;
        let found = Self::configured(&config, || weights.map_or_else(|| weights_in(folder), Ok));
        found.map_err(|error| error.context(path.display().to_string()))
    }

    fn configured(config: &Value, weights: impl FnOnce() -> Result<PathBuf>) -> Result<Self> {
        let TimmConfig {
            architecture,
            mut model_args,
            pretrained_cfg: cfg,
        } = TimmConfig::deserialize(config)
            .map_err(|error| Error::config(format!("this is no config of timm: {error}")))?;
        let known = Backbone::find(&architecture)?;
        // The head is not part of a backbone; what is as ever is no argument.
        model_args.remove("num_classes");
        for (key, usual) in [("in_chans", Value::from(3)), ("global_pool", Value::from(known.pool))] {
            if model_args.get(key) == Some(&usual) {
                model_args.remove(key);
            }
        }
        Ok(Self {
            architecture: Architecture::with_args(known.name, model_args),
            preprocessing: cfg.preprocessing(known.preprocessing)?,
            licence: cfg.license,
            source: cfg.hf_hub_id.or(cfg.url),
            configured: true,
            weights: Weights::File(weights()?),
        })
    }
}

/// What we read of timm's `config.json`.
#[derive(Deserialize)]
struct TimmConfig {
    architecture: String,
    #[serde(default)]
    model_args: Map<String, Value>,
    #[serde(default)]
    pretrained_cfg: PretrainedCfg,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PretrainedCfg {
    input_size: Option<[usize; 3]>,
    mean: Option<[f32; 3]>,
    std: Option<[f32; 3]>,
    interpolation: Option<String>,
    crop_pct: Option<f64>,
    crop_mode: Option<String>,
    license: Option<String>,
    hf_hub_id: Option<String>,
    url: Option<String>,
}

impl PretrainedCfg {
    /// What it says of pictures; what it leaves out is as in `usual`.
    fn preprocessing(&self, usual: Preprocessing) -> Result<Preprocessing> {
        let [channels, height, width] = self.input_size.unwrap_or([3, usual.size, usual.size]);
        if channels != 3 || height != width || height == 0 {
            return Err(Error::config(format!(
                "input_size is [{channels}, {height}, {width}]; networks here take three channels and squares"
            )));
        }
        let crop = self.crop_pct.unwrap_or(usual.crop);
        if !(crop > 0.0 && crop <= 1.0) {
            return Err(Error::config(format!(
                "crop_pct is {crop}, but has to lie above 0 and up to 1"
            )));
        }
        let normalisation = Normalisation {
            mean: self.mean.unwrap_or(usual.normalisation.mean),
            std: self.std.unwrap_or(usual.normalisation.std),
        };
        normalisation.check()?;
        Ok(Preprocessing {
            size: height,
            normalisation,
            interpolation: word("interpolation", self.interpolation.as_deref(), usual.interpolation)?,
            crop,
            crop_mode: word("crop_mode", self.crop_mode.as_deref(), usual.crop_mode)?,
        })
    }
}

/// One of the words of `T`, or `usual` where there is none.
fn word<T: DeserializeOwned>(key: &str, word: Option<&str>, usual: T) -> Result<T> {
    let Some(word) = word else { return Ok(usual) };
    serde_json::from_value(Value::from(word)).map_err(|error| Error::config(format!("{key}: {error}")))
}

/// The file of weights in `folder`.
fn weights_in(folder: &Path) -> Result<PathBuf> {
    let names = ["model.safetensors", "pytorch_model.bin"];
    let mut paths = names.iter().map(|name| folder.join(name));
    paths.find(|path| path.is_file()).ok_or_else(|| {
        let message = format!("there is no {} beside it", names.join(" and no "));
        Error::new(ErrorKind::Io, message)
    })
}

/// The architecture that the file at `path` is called by.
fn named_by(path: &Path) -> Result<Architecture> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let names = Backbone::known().flat_map(|known| [known.name].into_iter().chain(known.aliases.iter().copied()));
    let begins = |name: &&str| {
        let rest = stem.strip_prefix(*name);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
    };
    let name = names.filter(begins).max_by_key(|name| name.len());
    let name = name.ok_or_else(|| {
        let message = "no known network's name begins the name of this file: say which network it is";
        Error::config(message).context(path.display().to_string())
    })?;
    Ok(Architecture::new(Backbone::find(name)?.name))
}
