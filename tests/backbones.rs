//! Every kind of network against timm, and what is said of files that do not fit.

#![cfg(feature = "train")]
#![allow(
    clippy::print_stdout,
    reason = "the differences are worth reading where the tests pass"
)]

use burn::store::{ModuleStore, SafetensorsStore};
use burn::tensor::{Device, Tensor, TensorData};
use millstream::model::{Classifier, Level, Pretrained};
use std::path::{Path, PathBuf};

/// The folders that `scripts/make_backbones.py` made.
const NETWORKS: [&str; 3] = ["resnet18", "resnet34", "resnet50"];

/// Classes of their heads.
const CLASSES: usize = 5;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/backbones")
        .join(name)
}

fn found(path: &Path) -> millstream::Result<Pretrained> {
    Pretrained::find(path.to_str().expect("a path of letters"))
}

fn classifier(name: &str) -> Classifier {
    let found = found(&fixture(name)).expect("the folder is there");
    found.classifier(CLASSES, &Device::flex()).expect("the weights load")
}

/// What timm made.
struct Expected(SafetensorsStore);

impl Expected {
    fn of(name: &str) -> Self {
        Self(SafetensorsStore::from_file(fixture(name).join("expected.safetensors")))
    }

    fn get<const D: usize>(&mut self, key: &str) -> Tensor<D> {
        let stored = self
            .0
            .get_tensor(key)
            .expect("the fixture can be read")
            .expect("the key is there");
        let data = TensorData::from_bytes(
            stored.to_bytes().expect("the fixture can be read"),
            stored.shape.clone(),
            stored.dtype,
        );
        Tensor::from_data(data, &Device::flex())
    }
}

fn difference<const D: usize>(a: Tensor<D>, b: &Tensor<D>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b.clone()).abs().max().into_scalar()
}

#[test]
fn logits_and_maps_are_those_of_timm() {
    for name in NETWORKS {
        let (model, mut expected) = (classifier(name), Expected::of(name));
        let images: Tensor<4> = expected.get("images");
        let logits = difference(model.forward(images.clone()), &expected.get("logits"));
        let features = difference(
            model.backbone.forward_features(images.clone()),
            &expected.get("features"),
        );
        println!("{name}: logits {logits:e}, features {features:e}");
        assert!(
            logits < 1e-3 && features < 1e-3,
            "{name}: logits {logits:e}, features {features:e}"
        );

        let (levels, maps) = (model.backbone.levels(), model.backbone.pyramid(images.clone()));
        assert_eq!(levels.iter().map(|level| level.stride).collect::<Vec<_>>(), [8, 16, 32]);
        for (
            Level {
                stride,
                channels,
                stage,
            },
            map,
        ) in levels.into_iter().zip(maps)
        {
            assert_eq!(
                map.dims(),
                [2, channels, 43_usize.div_ceil(stride), 61_usize.div_ceil(stride)]
            );
            let far = difference(map.clone(), &expected.get(&format!("stride{stride}")));
            println!("{name}: stride {stride} {far:e}");
            assert!(far < 1e-3, "{name}, stride {stride}: {far:e}");
            assert_eq!(
                difference(model.backbone.forward_until(images.clone(), stage), &map),
                0.0
            );
        }
    }
}
