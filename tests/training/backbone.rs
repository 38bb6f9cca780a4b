//! EfficientNet-Lite0 against PyTorch, and what freezing keeps still.

#![cfg(feature = "train")]
#![allow(
    clippy::print_stdout,
    reason = "the differences are worth reading where the tests pass"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::store::ModuleSnapshot;
use burn::tensor::{Device, Int, Tensor, TensorData};
use millstream::error::ErrorKind;
use millstream::model::{
    Architecture, Backbone, Classifier, EfficientNetLite0, FrozenBackbone, Normalisation, Pretrained, weights,
};
use serde::Deserialize;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn file() -> PathBuf {
    root("examples/data/weights/efficientnet-lite0.safetensors")
}

fn lite0() -> Architecture {
    Architecture::new(EfficientNetLite0::NAME)
}

fn backbone(device: &Device) -> Backbone {
    Backbone::init(&lite0(), device).expect("the network is known")
}

fn published() -> Pretrained {
    Pretrained::find(&file().display().to_string()).expect("the weights are there")
}

/// The zone plates of `fixtures/efficientnet-lite0/make.py`, in the same whole numbers.
fn images([count, height, width]: [usize; 3], device: &Device) -> Tensor<4> {
    let Normalisation { mean, std } = Normalisation::IMAGENET;
    let mut values = Vec::with_capacity(count * 3 * height * width);
    for n in 0..count {
        for c in 0..3 {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let pixel = (((n + 1) * x * x + y * y + 3 * c * x * y) / 16 + 37 * c) % 256;
                values.push((pixel as f32 / 255.0 - mean[c]) / std[c]);
            }
        }
    }
    Tensor::from_data(TensorData::new(values, [count, 3, height, width]), device)
}

#[derive(Deserialize)]
struct Case {
    file: String,
    images: usize,
    height: usize,
    width: usize,
    top1_f16: Vec<i64>,
}

impl Case {
    fn all() -> Vec<Self> {
        let text = fs::read(root("tests/fixtures/efficientnet-lite0/cases.json")).expect("the fixture is there");
        serde_json::from_slice(&text).expect("the fixture is JSON")
    }

    fn expected(&self) -> Vec<f32> {
        let bytes = fs::read(root("tests/fixtures/efficientnet-lite0").join(&self.file)).expect("the fixture is there");
        bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("floats are f32")
}

fn max_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_agree_with_pytorch_folded_or_frozen_or_neither() {
    let device = Device::flex();
    let plain = published().classifier(1000, &device).expect("the weights load");
    let frozen = FrozenBackbone::new(&plain.backbone, "", "").expect("the weights are there");
    let backbone = plain.backbone.fold_below(EfficientNetLite0::STAGES);
    let folded = Classifier {
        backbone,
        head: plain.head.clone(),
    };
    for case in Case::all() {
        let images = images([case.images, case.height, case.width], &device);
        let logits = plain.forward(images.clone());
        let top1: Vec<i64> = logits.clone().argmax(1).into_data().iter::<i64>().collect();
        let features = TensorData::new(
            frozen.features_of(images.clone()).expect("features"),
            [case.images, EfficientNetLite0::FEATURES],
        );
        let frozen = values(plain.forward_head(Tensor::from_data(features, &device)));
        let (logits, folded) = (values(logits), values(folded.forward(images)));
        let [pytorch, folding, freezing] =
            [&case.expected(), &folded, &frozen].map(|others| max_difference(&logits, others));
        let report = format!(
            "{}: {pytorch:e} from PyTorch, {folding:e} by folding, {freezing:e} by freezing",
            case.file
        );
        println!("{report}");
        assert!(pytorch < 1e-3 && folding < 1e-4 && freezing < 1e-4, "{report}");
        assert_eq!(top1, case.top1_f16);
    }
}

#[test]
fn a_network_cut_at_any_stage_gives_the_same_features() {
    let device = Device::flex();
    let net = published().backbone(&device).expect("the weights load");
    for [height, width] in [[33, 50], [1, 1]] {
        let images = images([1, height, width], &device);
        let whole = values(net.forward_features(images.clone()));
        assert_eq!(whole.len(), EfficientNetLite0::FEATURES);
        for stage in 0..=EfficientNetLite0::STAGES {
            let map = net.forward_until(images.clone(), stage);
            assert_eq!(
                whole,
                values(net.forward_from(map, stage)),
                "{height}x{width}, cut at {stage}"
            );
        }
    }
}

/// The bytes of every parameter and every running statistic, by name.
fn snapshot(model: &Classifier) -> BTreeMap<String, Vec<u8>> {
    let tensors = model.collect(None, None, true).into_iter();
    tensors
        .map(|tensor| {
            (
                tensor.name.clone(),
                tensor.to_bytes().expect("the tensor can be read").to_vec(),
            )
        })
        .collect()
}

/// The stage of a tensor of the backbone; `None` is the head.
fn stage(name: &str) -> Option<usize> {
    let name = name.strip_prefix("backbone.")?;
    let Some(block) = name.strip_prefix("blocks.") else {
        return Some(if name.starts_with("stem") { 0 } else { 8 });
    };
    let block: usize = block.split('.').next()?.parse().ok()?;
    [1, 3, 5, 8, 11, 15, 16]
        .iter()
        .position(|&end| block < end)
        .map(|group| group + 1)
}

/// Trains with `free` stages for four steps, and checks of every tensor whether it moved.
fn trains_only_the_last(free: usize) {
    let device = Device::flex().autodiff();
    let backbone = published().backbone(&device).expect("the weights load");
    let mut model = Classifier::new(backbone, 3, &device).unfreeze_last(free);
    let before = snapshot(&model);
    let (images, labels) = (
        images([4, 64, 64], &device),
        Tensor::<1, Int>::from_ints([0, 1, 2, 1], &device),
    );
    let (loss, mut optimizer) = (CrossEntropyLossConfig::new().init(&device), SgdConfig::new().init());
    for _ in 0..4 {
        let loss = loss.forward(model.forward(images.clone()), labels.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.05, model, gradients);
    }
    let after = snapshot(&model);
    assert_eq!((before.len(), after.len()), (247, 247));
    for (name, bytes) in &before {
        let may_move = stage(name).is_none_or(|stage| stage + free >= EfficientNetLite0::STAGES);
        let moved = after[name] != *bytes;
        // A shift before a 1x1 convolution is taken away by the BatchNorm after it: its gradient is zero but for rounding.
        let cancelled = name.ends_with("project.norm.beta") && !moved;
        assert_eq!(moved, may_move && !cancelled, "{name} with {free} stages free");
    }
}

#[test]
fn a_frozen_backbone_does_not_move() {
    trains_only_the_last(0);
}

#[test]
fn the_last_stage_moves_alone() {
    trains_only_the_last(1);
}

#[test]
fn the_last_three_stages_move_alone() {
    trains_only_the_last(3);
}

/// The counterpart, without which the tests above could pass on a snapshot that sees nothing.
#[test]
fn without_freezing_everything_moves() {
    trains_only_the_last(EfficientNetLite0::STAGES);
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    let device = Device::flex();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let bare = dir.path().join("bare.safetensors");
    weights::save(&backbone(&device), &bare, true).expect("the file is written");
    let cut = dir.path().join("cut.safetensors");
    fs::write(&cut, &fs::read(file()).expect("the weights are there")[..5_000_000]).expect("the file is written");
    let junk = dir.path().join("junk.pth");
    fs::write(&junk, b"no weights").expect("the file is written");

    let refused = |path: &Path, classes| {
        let found = Pretrained::of(lite0(), path).expect("the network is known");
        let error = found
            .classifier(classes, &device)
            .map(drop)
            .expect_err("it does not fit");
        (error.kind(), error.to_string())
    };
    let (kind, message) = refused(&dir.path().join("none.safetensors"), 10);
    assert!(
        kind == ErrorKind::Io && message.contains("none.safetensors"),
        "{message}"
    );
    let (kind, message) = refused(&file(), 10);
    assert!(
        kind == ErrorKind::Schema
            && message
                .ends_with("tensor \"head.weight\" has the shape [1280, 1000], but efficientnet-lite0 has [1280, 10]"),
        "{message}"
    );
    let (kind, message) = refused(&bare, 1000);
    assert!(
        kind == ErrorKind::Schema
            && message.ends_with("2 tensors are missing for efficientnet-lite0, the first is \"head.bias\""),
        "{message}"
    );
    for damaged in [&cut, &junk] {
        let (kind, message) = refused(damaged, 1000);
        assert!(
            kind == ErrorKind::Data && message.contains(".safetensors") | message.contains(".pth"),
            "{message}"
        );
    }
    let (kind, message) = refused(Path::new("Cargo.toml"), 1000);
    assert!(kind == ErrorKind::Config, "{message}");
}
