//! Weights in files: `.safetensors`, and `.pth`, `.pt` or `.bin` as PyTorch writes them.
//!
//! Names are those of our modules, or of published checkpoints. Floats of any width become f32. A tensor that is missing, that has
//! another shape, that the network does not have or that holds a number which is not finite is an error that names it. What is loaded comes back frozen.

use super::architecture::Architecture;
use super::backbone::Backbone;
use super::classifier::Classifier;
use super::headed::Model;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use burn::module::{ModuleMapper, Param};
use burn::store::burn_pack::Tensor as Stored;
use burn::store::{
    ApplyError, ApplyResult, HalfPrecisionAdapter, KeyRemapper, ModuleAdapter, ModuleSnapshot, ModuleStore,
    PyTorchToBurnAdapter, PytorchStore, SafetensorsStore,
};
use burn::tensor::{DType, Tensor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

/// The tensors of a file, and how they are to be read.
#[derive(Debug)]
pub(crate) struct StoredWeights {
    tensors: Vec<Stored>,
    /// Whether names and layout are those of our modules; else they are PyTorch's.
    ours: bool,
    /// Hash of the file.
    pub(crate) hash: String,
    place: String,
}

impl StoredWeights {
    /// The file at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let bytes = files::read_whole(path).map_err(|error| Error::io(path, error))?;
        let place = path.display().to_string();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => Self::safetensors(bytes, place),
            Some("pth" | "pt" | "bin") => {
                let mut store = PytorchStore::from_file(path).map_indices_contiguous(false);
                let tensors = store.get_all_tensors().map_err(|error| damaged(path, error))?;
                Ok(Self {
                    tensors: tensors.values().cloned().collect(),
                    ours: false,
                    hash: hash(&bytes),
                    place,
                })
            }
            _ => Err(Error::config("weights end in .safetensors, .pth, .pt or .bin").context(place)),
        }
    }

    /// The `.safetensors` file whose bytes are `file`.
    pub(crate) fn safetensors(file: Vec<u8>, place: String) -> Result<Self> {
        let (ours, hash) = (is_ours(&file), hash(&file));
        let mut store = SafetensorsStore::from_bytes(Some(file));
        let failed = |error| Error::data(format!("{error}")).context(place.clone());
        let tensors = store.get_all_tensors().map_err(failed)?.values().cloned().collect();
        Ok(Self {
            tensors,
            ours,
            hash,
            place,
        })
    }

    /// Fills `backbone`, which is the network `what`; a head is passed over.
    pub(crate) fn into_backbone(self, backbone: Backbone, what: &Architecture) -> Result<Backbone> {
        let (names, not_needed) = backbone.checkpoint_names();
        let place = self.place.clone();
        let own = |name: &str| name.strip_prefix("backbone.").map(str::to_owned);
        let filled = self.renamed(names).and_then(|weights| {
            let kept = |name: &str| match name.starts_with("head.") {
                true => None,
                false => Some(own(name).unwrap_or_else(|| name.to_owned())),
            };
            weights.fill(backbone, kept, what, not_needed)
        });
        filled.map_err(|error| error.context(place))
    }

    /// Fills `classifier`, whose backbone is the network `what`.
    pub(crate) fn into_classifier(self, classifier: Classifier, what: &Architecture) -> Result<Classifier> {
        let names = classifier.backbone.checkpoint_names();
        self.into_whole(classifier, names, what)
    }

    /// Fills `model`, whose backbone is the network `what`.
    pub(crate) fn into_model(self, model: Model, what: &Architecture) -> Result<Model> {
        let names = model.backbone.checkpoint_names();
        self.into_whole(model, names, what)
    }

    /// Fills `module`, head and all; `names` are those of its backbone.
    fn into_whole<M: ModuleSnapshot>(
        self,
        module: M,
        (names, not_needed): (Vec<(String, String)>, &[&str]),
        what: &Architecture,
    ) -> Result<M> {
        let place = self.place.clone();
        let filled = self.renamed(names);
        let filled = filled.and_then(|weights| weights.fill(module, |name| Some(name.to_owned()), what, not_needed));
        filled.map_err(|error| error.context(place))
    }

    /// The tensors under our names, each with the name that it has in the file.
    fn renamed(self, names: Vec<(String, String)>) -> Result<Renamed> {
        let written: Vec<String> = self.tensors.iter().map(|tensor| tensor.name.clone()).collect();
        let mut tensors = self.tensors;
        if self.ours {
            let whole = written.iter().any(|name| name.starts_with("backbone."));
            let tensors = tensors.iter_mut().filter(|_| !whole);
            tensors.for_each(|tensor| tensor.name.insert_str(0, "backbone."));
        } else {
            let nested = (r"^(state_dict|model|module)\.".to_owned(), String::new());
            let names = KeyRemapper::from_patterns([vec![nested], names].concat());
            let names = names.map_err(|error| Error::config(format!("a pattern of names: {error}")))?;
            for tensor in &mut tensors {
                for (pattern, ours) in names.to_regex_pairs() {
                    tensor.name = pattern.replace_all(&tensor.name, ours).into_owned();
                }
            }
        }
        Ok(Renamed {
            tensors: tensors.into_iter().zip(written).collect(),
            ours: self.ours,
        })
    }
}

struct Renamed {
    tensors: Vec<(Stored, String)>,
    ours: bool,
}

impl Renamed {
    /// Fills `module` with the tensors that `kept` gives a name there.
    fn fill<M: ModuleSnapshot>(
        self,
        mut module: M,
        kept: impl Fn(&str) -> Option<String>,
        what: &impl Display,
        not_needed: &[&str],
    ) -> Result<M> {
        let needed =
            |name: &str| !name.ends_with(".num_batches_tracked") && !not_needed.iter().any(|end| name.ends_with(end));
        let mut written = BTreeMap::new();
        let mut tensors = Vec::new();
        for (mut tensor, name) in self.tensors.into_iter().filter(|(_, name)| needed(name)) {
            if let Some(ours) = kept(&tensor.name) {
                written.insert(ours.clone(), name);
                tensor.name = ours;
                tensors.push(tensor);
            }
        }
        let adapter = (!self.ours).then(|| Box::new(PyTorchToBurnAdapter) as Box<dyn ModuleAdapter>);
        let result = module.apply(tensors, None, adapter, true);
        check(&result, &written, what, self.ours)?;
        let mut cast = ToF32::default();
        let module = module.map(&mut cast).freeze();
        match cast.bad {
            None => Ok(module),
            Some(bad) => {
                let name = name_in_file(&written, &bad);
                Err(Error::data(format!(
                    "tensor \"{name}\" holds a number that is not finite: these weights are damaged"
                )))
            }
        }
    }
}

/// Saves weights as `.safetensors` with the names of our modules; an existing file is replaced in one step.
///
/// With `half`, convolutions and linear layers are rounded to f16. BatchNorm stays f32, because small variances
/// underflow in f16.
///
/// # Errors
///
/// The file cannot be written.
pub fn save<M: ModuleSnapshot>(module: &M, path: impl AsRef<Path>, half: bool) -> Result<()> {
    let path = path.as_ref();
    let file =
        to_bytes(module, half).map_err(|error| Error::new(ErrorKind::Io, error).context(path.display().to_string()))?;
    files::write_bytes(path, &file)
}

/// The file that [`save`] writes.
pub(crate) fn to_bytes<M: ModuleSnapshot>(module: &M, half: bool) -> Result<Vec<u8>, String> {
    let mut store = SafetensorsStore::from_bytes(None).skip_enum_variants(true);
    if half {
        store = store.with_to_adapter(HalfPrecisionAdapter::new());
    }
    module.save_into(&mut store).map_err(|error| error.to_string())?;
    let file = store.get_bytes().map_err(|error| error.to_string())?;
    let header = in_order(&file).ok_or("the header that was made cannot be read")?;
    let rest = &file[8 + length(&file).unwrap_or(0)..];
    Ok([&(header.len() as u64).to_le_bytes()[..], &header, rest].concat())
}

/// `module`, called `what`, filled from a file that [`to_bytes`] made of one like it.
pub(crate) fn from_bytes<M: ModuleSnapshot>(module: M, file: Vec<u8>, what: &str, place: &str) -> Result<M> {
    let weights = StoredWeights::safetensors(file, place.to_owned())?;
    let names: Vec<String> = weights.tensors.iter().map(|tensor| tensor.name.clone()).collect();
    let renamed = Renamed {
        tensors: weights.tensors.into_iter().zip(names).collect(),
        ours: true,
    };
    let filled = renamed.fill(module, |name| Some(name.to_owned()), &what, &[]);
    filled.map_err(|error| error.context(place.to_owned()))
}

/// Hash of a file of weights.
pub(crate) fn hash(file: &[u8]) -> String {
    format!("{:032x}", xxh3_128(file))
}

type Header = BTreeMap<String, BTreeMap<String, Value>>;

/// Bytes of a file's header.
fn length(file: &[u8]) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(*file.first_chunk()?)).ok()
}

fn header(file: &[u8]) -> Option<Header> {
    serde_json::from_slice(file.get(8..)?.get(..length(file)?)?).ok()
}

/// The header with its keys in order, at any depth: the store writes them as a hash map gives them, and equal models
/// shall be equal files. Padded with spaces to a multiple of eight, as the format's own writer does.
fn in_order(file: &[u8]) -> Option<Vec<u8>> {
    let mut text = serde_json::to_vec(&header(file)?).ok()?;
    text.resize(text.len().next_multiple_of(8), b' ');
    Some(text)
}

/// Whether Burn wrote the file: names and layout are those of its modules.
fn is_ours(file: &[u8]) -> bool {
    let header = header(file).unwrap_or_default();
    header.get("__metadata__").and_then(|metadata| metadata.get("producer")) == Some(&Value::from("burn"))
}

/// The name that a file has for the tensor at `path` of our modules; PyTorch's norms have a weight and a bias.
fn name_in_file(written: &BTreeMap<String, String>, path: &str) -> String {
    let renamed = |ours: &str, theirs: &str| Some(format!("{}.{theirs}", path.strip_suffix(ours)?.strip_suffix('.')?));
    let names = [
        Some(path.to_owned()),
        renamed("gamma", "weight"),
        renamed("beta", "bias"),
    ];
    let found = names.into_iter().flatten().find_map(|name| written.get(&name));
    found.cloned().unwrap_or_else(|| path.to_owned())
}

/// Refuses what does not fit; `written` has the names in the file by ours. Wrong shapes come first, because a tensor of a wrong
/// shape also counts as missing.
fn check(result: &ApplyResult, written: &BTreeMap<String, String>, what: &impl Display, ours: bool) -> Result<()> {
    let name = |path: &str| name_in_file(written, path);
    if let Some(error) = result.errors.first() {
        let message = match error {
            ApplyError::ShapeMismatch { path, expected, found } => {
                let (mut expected, mut found) = (expected.to_vec(), found.to_vec());
                // PyTorch's linear layers are transposed when they are read.
                if !ours && expected.len() == 2 {
                    expected.reverse();
                    found.reverse();
                }
                format!(
                    "tensor \"{}\" has the shape {found:?}, but {what} has {expected:?}",
                    name(path)
                )
            }
            ApplyError::DTypeMismatch { path, found, .. } => {
                format!("tensor \"{}\" holds {found:?} in place of floats", name(path))
            }
            other => other.to_string(),
        };
        return Err(Error::schema(message));
    }
    let missing: Vec<&str> = result.missing.iter().map(|(name, _)| name.as_str()).collect();
    if let [first, ..] = missing.as_slice() {
        return Err(Error::schema(format!(
            "{} tensors are missing for {what}, the first is \"{first}\"",
            missing.len()
        )));
    }
    match result.unused.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(Error::schema(format!(
            "{what} does not have {} tensors of it, the first is \"{}\": these are the weights of another network",
            result.unused.len(),
            name(first)
        ))),
    }
}

/// An error about the contents of the file at `path`.
pub(crate) fn damaged(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::data(what.to_string()).context(path.display().to_string())
}

/// Casts every float to f32: a file's f16 would otherwise stay f16 in the parameters. Notes the first that is not finite.
#[derive(Default)]
struct ToF32 {
    /// Where the mapper is: fields, and whether each is the variant of an enum, which files do not name.
    path: Vec<(String, bool)>,
    bad: Option<String>,
}

impl ModuleMapper for ToF32 {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push((name.to_owned(), container.starts_with("Enum:")));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let tensor = tensor.cast(DType::F32);
            if self.bad.is_none() && !tensor.clone().is_finite().all().into_scalar::<bool>() {
                let names = self.path.iter().filter(|(_, is_variant)| !is_variant);
                let names = names.map(|(name, _)| name.as_str());
                self.bad = Some(names.collect::<Vec<_>>().join("."));
            }
            tensor
        })
    }
}
