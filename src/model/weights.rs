//! Weights from files: `.safetensors` with the names of our modules, `.pth` or `.pt` with those of PyTorch.
//!
//! Floats of any width become f32. Tensors that the network does not have are passed over; those that it misses, or that
//! have another shape, are errors that name them. What is loaded comes back frozen.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use burn::module::{ModuleMapper, Param};
use burn::store::{ApplyResult, HalfPrecisionAdapter, KeyRemapper, ModuleSnapshot, PytorchStore, SafetensorsStore};
use burn::tensor::{DType, Device, Tensor};
use serde_json::Value;

use super::classifier::Classifier;
use super::efficientnet::EfficientNetLite0;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;

/// Names of the PyPI package `efficientnet-lite-pytorch` (and of `efficientnet-pytorch`), and ours.
const PYTORCH: [(&str, &str); 11] = [
    (r"^_conv_stem\.", "backbone.stem.conv."),
    (r"^_bn0\.", "backbone.stem.norm."),
    (r"^_conv_head\.", "backbone.top.conv."),
    (r"^_bn1\.", "backbone.top.norm."),
    (r"^_fc\.", "head."),
    (r"^_blocks\.(\d+)\._expand_conv\.", "backbone.blocks.$1.expand.conv."),
    (
        r"^_blocks\.(\d+)\._depthwise_conv\.",
        "backbone.blocks.$1.depthwise.conv.",
    ),
    (r"^_blocks\.(\d+)\._project_conv\.", "backbone.blocks.$1.project.conv."),
    (r"^_blocks\.(\d+)\._bn0\.", "backbone.blocks.$1.expand.norm."),
    (r"^_blocks\.(\d+)\._bn1\.", "backbone.blocks.$1.depthwise.norm."),
    (r"^_blocks\.(\d+)\._bn2\.", "backbone.blocks.$1.project.norm."),
];

/// Loads a backbone from the file of a whole classifier; its head is passed over.
///
/// # Errors
///
/// The file is missing, of an unknown kind or damaged, or a tensor is missing or has another shape.
pub fn load_backbone(path: impl AsRef<Path>, device: &Device) -> Result<EfficientNetLite0> {
    let backbone = EfficientNetLite0::init(device);
    load(backbone, path.as_ref(), &[(r"^backbone\.", "")])
}

/// Loads a backbone and its linear head of `classes` classes: a saved model, or with 1000 the ImageNet weights.
///
/// # Errors
///
/// As [`load_backbone`]; a head with another number of classes is a tensor of another shape.
pub fn load_classifier(path: impl AsRef<Path>, classes: usize, device: &Device) -> Result<Classifier> {
    let classifier = Classifier::new(EfficientNetLite0::init(device), classes, device);
    load(classifier, path.as_ref(), &[])
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
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Io, error.to_string()).context(path.display().to_string())
    };
    let mut store = SafetensorsStore::from_bytes(None);
    if half {
        store = store.with_to_adapter(HalfPrecisionAdapter::new());
    }
    module.save_into(&mut store).map_err(|error| failed(&error))?;
    let file = store.get_bytes().map_err(|error| failed(&error))?;
    let header = in_order(&file).ok_or_else(|| failed(&"the header that was made cannot be read"))?;
    files::write_whole(path, |out| {
        let rest = &file[8 + length(&file).unwrap_or(0)..];
        let parts = [&(header.len() as u64).to_le_bytes()[..], &header, rest];
        let written = parts.iter().try_for_each(|part| out.write_all(part));
        written.map_err(|error| Error::io(path, error))
    })
}

/// Bytes of a file's header.
fn length(file: &[u8]) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(*file.first_chunk()?)).ok()
}

/// The header with its keys in order, at any depth: the store writes them as a hash map gives them, and equal models
/// shall be equal files. Padded with spaces to a multiple of eight, as the format's own writer does.
fn in_order(file: &[u8]) -> Option<Vec<u8>> {
    let header: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_slice(file.get(8..8 + length(file)?)?).ok()?;
    let mut text = serde_json::to_vec(&header).ok()?;
    text.resize(text.len().next_multiple_of(8), b' ');
    Some(text)
}

/// Fills `module` from the file at `path`, whose names go through our names and then through `names`.
fn load<M: ModuleSnapshot>(mut module: M, path: &Path, names: &[(&str, &str)]) -> Result<M> {
    std::fs::File::open(path).map_err(|error| Error::io(path, error))?;
    let result = match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => apply_safetensors(&mut module, path, names)?,
        Some("pth" | "pt") => apply_pytorch(&mut module, path, names)?,
        _ => return Err(Error::config("weights end in .safetensors, .pth or .pt").context(path.display().to_string())),
    };
    check(&result).map_err(|error| error.context(path.display().to_string()))?;
    Ok(module.map(&mut ToF32).freeze())
}

fn apply_safetensors<M: ModuleSnapshot>(module: &mut M, path: &Path, names: &[(&str, &str)]) -> Result<ApplyResult> {
    let mut store = SafetensorsStore::from_file(path)
        .remap(remapper(path, names)?)
        .validate(false)
        .allow_partial(true);
    module.load_from(&mut store).map_err(|error| damaged(path, error))
}

fn apply_pytorch<M: ModuleSnapshot>(module: &mut M, path: &Path, names: &[(&str, &str)]) -> Result<ApplyResult> {
    let names: Vec<_> = PYTORCH.iter().chain(names).copied().collect();
    let mut store = PytorchStore::from_file(path)
        .remap(remapper(path, &names)?)
        .map_indices_contiguous(false)
        .validate(false)
        .allow_partial(true);
    module.load_from(&mut store).map_err(|error| damaged(path, error))
}

fn remapper(path: &Path, names: &[(&str, &str)]) -> Result<KeyRemapper> {
    KeyRemapper::from_patterns(names.to_vec()).map_err(|error| damaged(path, error))
}

/// Refuses wrong shapes first, because a tensor of a wrong shape also counts as missing.
fn check(result: &ApplyResult) -> Result<()> {
    if let Some(error) = result.errors.first() {
        return Err(Error::schema(error.to_string()));
    }
    let missing: Vec<&str> = result.missing.iter().map(|(name, _)| name.as_str()).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(Error::schema(format!(
            "{} tensors are missing, the first is `{first}`",
            missing.len()
        ))),
    }
}

/// An error about the contents of the file at `path`.
pub(crate) fn damaged(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::data(what.to_string()).context(path.display().to_string())
}

/// Casts every float to f32: a file's f16 would otherwise stay f16 in the parameters.
struct ToF32;

impl ModuleMapper for ToF32 {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(DType::F32))
    }
}
