//! Every kind of network against timm, and what is said of files that do not fit.

#![cfg(feature = "train")]
#![allow(
    clippy::print_stdout,
    reason = "the differences are worth reading where the tests pass"
)]

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::store::{ModuleSnapshot, ModuleStore, SafetensorsStore};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use millstream::error::ErrorKind;
use millstream::model::{
    Architecture, Backbone, Classifier, CropMode, FeatureModel, FrozenBackbone, Interpolation, Normalisation,
    Preprocessing, Pretrained, weights,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders that `scripts/make_backbones.py` made, and strides of their maps.
const NETWORKS: &[(&str, &[usize])] = &[
    ("resnet18", &[8, 16, 32]),
    ("resnet34", &[8, 16, 32]),
    ("resnet50", &[8, 16, 32]),
    ("mobilenetv3_small_100", &[8, 16, 32]),
    ("mobilenetv3_large_100", &[8, 16, 32]),
    ("convnext_tiny", &[8, 16, 32]),
    ("convnextv2_tiny", &[8, 16, 32]),
    ("deit_tiny_patch16_224", &[16]),
    ("vit_small_patch14_dinov2", &[14]),
    ("vit_small_patch14_reg4_dinov2", &[14]),
];

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

fn classifier(name: &str, device: &Device) -> Classifier {
    let found = found(&fixture(name)).expect("the folder is there");
    found.classifier(CLASSES, device).expect("the weights load")
}

/// What timm made.
struct Expected(SafetensorsStore);

impl Expected {
    fn of(name: &str) -> Self {
        let file = fixture(name).join("expected.safetensors");
        Self(SafetensorsStore::from_file(file))
    }

    fn get<const D: usize>(&mut self, key: &str) -> Tensor<D> {
        let stored = self.0.get_tensor(key).expect("the fixture can be read");
        let stored = stored.expect("the key is there");
        let bytes = stored.to_bytes().expect("the fixture can be read");
        let data = TensorData::from_bytes(bytes, stored.shape.clone(), stored.dtype);
        Tensor::from_data(data, &Device::flex())
    }
}

fn difference<const D: usize>(a: Tensor<D>, b: &Tensor<D>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b.clone()).abs().max().into_scalar()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats are f32")
}

#[test]
fn logits_and_maps_are_those_of_timm() {
    for &(name, strides) in NETWORKS {
        let (model, mut expected) = (classifier(name, &Device::flex()), Expected::of(name));
        let images: Tensor<4> = expected.get("images");
        let [_, _, height, width] = images.dims();
        let logits = difference(model.forward(images.clone()), &expected.get("logits"));
        let features = difference(
            model.backbone.forward_features(images.clone()),
            &expected.get("features"),
        );
        println!("{name}: logits {logits:e}, features {features:e}");
        assert!(logits < 1e-3 && features < 1e-3, "{name}: {logits:e}, {features:e}");

        let (levels, maps) = (model.backbone.levels(), model.backbone.pyramid(images));
        assert_eq!(levels.iter().map(|level| level.stride).collect::<Vec<_>>(), strides);
        assert_eq!(maps.len(), levels.len());
        for (level, map) in levels.into_iter().zip(maps) {
            let stride = level.stride;
            let [_, channels, rows, columns] = map.dims();
            assert_eq!(channels, level.channels, "{name}");
            assert!(
                (height / stride..=height.div_ceil(stride)).contains(&rows),
                "{name}: {rows} rows"
            );
            assert!(
                (width / stride..=width.div_ceil(stride)).contains(&columns),
                "{name}: {columns} columns"
            );
            let far = difference(map, &expected.get(&format!("stride{stride}")));
            println!("{name}: stride {stride} {far:e}");
            assert!(far < 1e-3, "{name}, stride {stride}: {far:e}");
        }
    }
}

#[test]
fn a_network_is_the_same_cut_anywhere_folded_or_frozen() {
    for &(name, _) in NETWORKS {
        let net = classifier(name, &Device::flex()).backbone;
        let images: Tensor<4> = Expected::of(name).get("images");
        let whole = net.forward_features(images.clone());
        assert_eq!(whole.dims(), [2, net.features()]);
        let maps = net.pyramid(images.clone());
        for stage in 0..=net.stages() {
            let map = net.forward_until(images.clone(), stage);
            assert_eq!(
                difference(net.forward_from(map.clone(), stage), &whole),
                0.0,
                "{name} cut at {stage}"
            );
            let above = net.levels().iter().filter(|level| level.stage >= stage).count();
            let upper = net.pyramid_from(map, stage);
            assert_eq!(upper.len(), above, "{name} cut at {stage}");
            for (one, other) in upper.into_iter().rev().zip(maps.iter().rev()) {
                assert_eq!(difference(one, other), 0.0, "{name} cut at {stage}");
            }
            let folded = net.fold_below(stage).forward_features(images.clone());
            let far = difference(folded, &whole);
            assert!(far < 1e-3, "{name} folded below {stage}: {far:e}");
        }
        let frozen = FrozenBackbone::new(&net, name, "").expect("a network");
        assert_eq!((frozen.device(), frozen.kernels()), ("flex", "Burn 0.22"));
        let both = frozen.features_of(images.clone()).expect("features");
        let second = frozen.features_of(images.narrow(0, 1, 1)).expect("features");
        assert_eq!(
            both[net.features()..],
            second,
            "{name}: features depend on their own image alone"
        );
        let whole = values(whole);
        assert!(both.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-3), "{name}");
    }
}

/// The bytes of every parameter and every running statistic, by name.
fn snapshot(net: &Backbone) -> BTreeMap<String, Vec<u8>> {
    let tensors = net.collect(None, None, true).into_iter();
    let bytes = tensors.map(|tensor| {
        (
            tensor.name.clone(),
            tensor.to_bytes().expect("the tensor can be read").to_vec(),
        )
    });
    bytes.collect()
}

/// The tensors that two steps move with the last `free` stages free.
fn moved(name: &str, free: usize, norms: bool) -> Vec<String> {
    let device = Device::flex().autodiff();
    let mut model = classifier(name, &device).unfreeze_last(free);
    if !norms {
        model.backbone = model.backbone.freeze_norms();
    }
    let before = snapshot(&model.backbone);
    let images = Tensor::random([4, 3, 64, 64], Distribution::Normal(0.0, 1.0), &device);
    let labels = Tensor::<1, Int>::from_ints([0, 1, 2, 1], &device);
    let (loss, mut optimizer) = (CrossEntropyLossConfig::new().init(&device), SgdConfig::new().init());
    // BatchNorm shows its statistics after the next forward pass.
    for _ in 0..2 {
        let loss = loss.forward(model.forward(images.clone()), labels.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.05, model, gradients);
    }
    let after = snapshot(&model.backbone);
    let moved = before.into_iter().filter(|(name, bytes)| after[name] != *bytes);
    moved.map(|(name, _)| name).collect()
}

#[test]
fn each_stage_trains_where_it_is_let_and_nothing_else() {
    for &(name, _) in NETWORKS {
        let net = classifier(name, &Device::flex()).backbone;
        // From the first stage to the last.
        let tensors: Vec<String> = net
            .collect(None, None, true)
            .into_iter()
            .map(|tensor| tensor.name)
            .collect();
        let stages = net.stages();
        let by_free: Vec<Vec<String>> = (0..=stages).map(|free| moved(name, free, true)).collect();
        assert_eq!(by_free[0], Vec::<String>::new(), "{name}");
        let mut before = tensors.len();
        for (free, moved) in by_free.iter().enumerate().skip(1) {
            let first = tensors
                .iter()
                .position(|tensor| moved.contains(tensor))
                .unwrap_or(before);
            assert!(
                first < before,
                "{name}: of {free} stages the first trains, and none below it"
            );
            // A shift before a BatchNorm is taken away by it, and a step may leave a small number as it is.
            let still = tensors[first..].iter().filter(|tensor| !moved.contains(tensor)).count();
            assert!(
                4 * still < tensors.len() - first,
                "{name}: {still} tensors do not train with {free} stages"
            );
            before = first;
        }
        let statistics = |names: &[String]| names.iter().filter(|name| name.contains("running_")).count();
        assert_eq!(statistics(&by_free[stages]), statistics(&tensors), "{name}");
        assert_eq!(statistics(&moved(name, stages, false)), 0, "{name}");
    }
}

#[test]
fn a_saved_network_comes_back_to_the_bit() {
    let (dir, device) = (tempfile::tempdir().expect("a folder"), Device::flex());
    for &(name, _) in NETWORKS {
        let (model, path) = (
            classifier(name, &device),
            dir.path().join(format!("{name}.safetensors")),
        );
        weights::save(&model, &path, false).expect("the file is written");
        let architecture = found(&fixture(name)).expect("the folder is there").architecture;
        let written = serde_json::to_string(&architecture).expect("it can be written");
        let read: Architecture = serde_json::from_str(&written).expect("it can be read");
        assert_eq!(read, architecture);
        let again = Pretrained::of(read, &path).expect("the network is known");
        let again = again.classifier(CLASSES, &device).expect("the weights load");
        let images: Tensor<4> = Expected::of(name).get("images");
        assert_eq!(
            values(again.forward(images.clone())),
            values(model.forward(images)),
            "{name}"
        );
    }
    assert_eq!(
        serde_json::to_value(Architecture::new("resnet18")).expect("JSON"),
        json!("resnet18")
    );
}

#[test]
fn a_folder_says_what_its_weights_expect() {
    let found = found(&fixture("resnet18")).expect("the folder is there");
    let expected = Preprocessing {
        size: 224,
        normalisation: Normalisation::IMAGENET,
        interpolation: Interpolation::Bicubic,
        crop: 0.95,
        crop_mode: CropMode::Center,
    };
    assert_eq!(found.preprocessing, expected);
    assert_eq!(
        (found.licence.as_deref(), found.is_carried()),
        (Some("apache-2.0"), false)
    );
    assert_eq!(found.architecture.to_string(), r#"resnet18{"channels":[8,8,16,24]}"#);
    let done = Preprocessing {
        size: 96,
        interpolation: Interpolation::Bilinear,
        crop: 1.0,
        crop_mode: CropMode::Squash,
        ..expected
    };
    let said = [
        "the weights expect pictures of 224 x 224 pixels; here they have 96 x 96",
        "the weights expect pictures resized by bicubic interpolation; here it is bilinear",
        "the weights expect the middle 0.95 of the picture with its aspect ratio; here it is the whole picture squashed to a square",
    ];
    assert_eq!(found.preprocessing.differences(&done), said);
    assert!(expected.differences(&expected).is_empty());
}

/// A copy of a folder, with its `config.json` changed.
fn changed(from: &str, to: &Path, change: impl FnOnce(&mut Value)) {
    fs::create_dir_all(to).expect("a folder");
    fs::copy(fixture(from).join("model.safetensors"), to.join("model.safetensors")).expect("a copy");
    let text = fs::read(fixture(from).join("config.json")).expect("the fixture is there");
    let mut config: Value = serde_json::from_slice(&text).expect("the fixture is JSON");
    change(&mut config);
    fs::write(to.join("config.json"), config.to_string()).expect("a file");
}

#[test]
fn what_does_not_fit_is_named() {
    let (dir, device) = (tempfile::tempdir().expect("a folder"), Device::flex());
    let refused = |change: &dyn Fn(&mut Value), kind, said: &str| {
        changed("resnet18", dir.path(), change);
        let error = found(dir.path()).and_then(|found| found.backbone(&device)).map(drop);
        let error = error.expect_err("it does not fit");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(
            error.to_string().starts_with(&dir.path().display().to_string()) || kind == ErrorKind::Config,
            "{error}"
        );
    };
    let set = |key: &'static str, value: Value| move |config: &mut Value| config["pretrained_cfg"][key] = value.clone();
    refused(
        &|config| config["architecture"] = json!("resnet81"),
        ErrorKind::Config,
        r#"there is no backbone "resnet81" (did you mean "resnet18"?): those known are efficientnet-lite0, resnet18,"#,
    );
    refused(
        &|config| config["architecture"] = Value::Null,
        ErrorKind::Config,
        "this is no config of timm: ",
    );
    refused(
        &|config| config["model_args"] = json!({"channels": [8, 8, 16, 24], "avg_down": true}),
        ErrorKind::Config,
        "model_args of resnet18: unknown field `avg_down`, expected `channels`",
    );
    refused(
        &|config| config["model_args"]["in_chans"] = json!(1),
        ErrorKind::Config,
        "model_args of resnet18: unknown field `in_chans`",
    );
    refused(
        &|config| config["model_args"]["channels"] = json!([8, 8, 16, 32]),
        ErrorKind::Schema,
        r#"tensor "layer4.0.conv1.weight" has the shape [24, 16, 3, 3], but resnet18{"channels":[8,8,16,32]} has [32, 16, 3, 3]"#,
    );
    refused(
        &|config| config["architecture"] = json!("resnet34"),
        ErrorKind::Schema,
        "tensors are missing for resnet34",
    );
    refused(
        &set("interpolation", json!("spline")),
        ErrorKind::Config,
        "interpolation: unknown variant `spline`",
    );
    refused(
        &set("crop_mode", json!("pad")),
        ErrorKind::Config,
        "crop_mode: unknown variant `pad`",
    );
    refused(&set("crop_pct", json!(1.2)), ErrorKind::Config, "crop_pct is 1.2");
    refused(
        &set("std", json!([1.0, 0.0, 1.0])),
        ErrorKind::Config,
        "std is [1.0, 0.0, 1.0]",
    );
    refused(
        &set("input_size", json!([3, 256, 192])),
        ErrorKind::Config,
        "input_size is [3, 256, 192]",
    );
    changed("resnet18", dir.path(), |_| ());
    fs::remove_file(dir.path().join("model.safetensors")).expect("a file");
    let error = found(dir.path()).map(drop).expect_err("there are no weights");
    assert!(
        error
            .to_string()
            .ends_with("there is no model.safetensors and no pytorch_model.bin beside it"),
        "{error}"
    );
}

#[test]
fn weights_of_another_network_are_not_taken_for_a_part_of_it() {
    let file = fixture("resnet34").join("model.safetensors");
    let architecture = json!({"name": "resnet18", "args": {"channels": [4, 4, 8, 8]}});
    let architecture: Architecture = serde_json::from_value(architecture).expect("an architecture");
    let error = Pretrained::of(architecture, file)
        .and_then(|found| found.backbone(&Device::flex()))
        .map(drop);
    let error = error.expect_err("they are those of a deeper network");
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error
            .to_string()
            .contains("the first is \"layer1.2.conv1.weight\": these are the weights of another network"),
        "{error}"
    );
}

#[test]
fn a_network_is_found_by_name_folder_or_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let said = |name: &str| {
        Pretrained::find(name)
            .map(drop)
            .expect_err("it is not found")
            .to_string()
    };
    assert!(
        said("resnet18").starts_with("no weights come with resnet18"),
        "{}",
        said("resnet18")
    );
    assert!(
        said("resnet18").contains("give a folder with config.json"),
        "{}",
        said("resnet18")
    );
    assert!(
        said("vgg").ends_with("nor is there a folder or a file of that name"),
        "{}",
        said("vgg")
    );
    for (file, name) in [
        ("resnet18-f37072fd.safetensors", Some("resnet18")),
        ("tv_resnet50.safetensors", Some("resnet50")),
        ("tf_efficientnet_lite0.in1k.safetensors", Some("efficientnet-lite0")),
        ("resnet50d_ra2.safetensors", None),
        ("weights.safetensors", None),
    ] {
        let path = dir.path().join(file);
        fs::write(&path, "").expect("a file");
        match (found(&path), name) {
            (Ok(found), Some(name)) => assert_eq!(found.architecture, Architecture::new(name)),
            (Err(error), None) => assert!(error.to_string().ends_with("say which network it is"), "{error}"),
            (found, _) => panic!("{file}: {found:?}"),
        }
    }
    let (folder, file) = (fixture("resnet18"), fixture("resnet18").join("model.safetensors"));
    let other = Pretrained::find_with_weights(folder.to_str().expect("letters"), &file).expect("the folder is there");
    assert_eq!((other.file(), other.preprocessing.crop), (Some(&*file), 0.95));
    let named = Pretrained::find_with_weights("tv_resnet34", &file).expect("the name is known");
    assert_eq!(
        (named.architecture.name(), named.preprocessing),
        ("resnet34", Preprocessing::IMAGENET)
    );
}

#[cfg(feature = "weights")]
#[test]
fn the_weights_inside_the_program_are_those_of_the_repository() {
    let inside = Pretrained::find("efficientnet-lite0").expect("they are inside");
    assert!(inside.is_carried() && inside.file().is_none());
    assert_eq!(inside.licence.as_deref(), Some("Apache-2.0"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/weights/efficientnet-lite0.safetensors");
    let outside = found(&file).expect("they are there");
    let both = [inside, outside].map(|found| FrozenBackbone::load(&found, &Device::flex()).expect("the weights load"));
    assert_eq!(both[0].weights(), both[1].weights());
    assert_eq!(
        both.each_ref().map(|backbone| backbone.kernels()),
        ["own loops, version 2"; 2]
    );
}

/// Nothing of that size is built before it is refused: these end at once, in little memory.
#[test]
fn arguments_that_no_network_has_are_refused() {
    let refused = |name: &str, args: &str| {
        let args = serde_json::from_str(args).expect("JSON");
        let built = Backbone::init(&Architecture::with_args(name, args), &Device::flex());
        let error = built.map(|_| ()).expect_err("an error").to_string();
        assert!(error.contains("are more than any network has"), "{name}: {error}");
        assert!(error.ends_with("correct model_args"), "{error}");
    };
    for args in [
        r#"{"img_size": 18446744073709551615}"#,
        r#"{"img_size": 4000000000}"#,
        r#"{"img_size": 1000000}"#,
        r#"{"depth": 1000000}"#,
        r#"{"embed_dim": 3000000}"#,
        r#"{"embed_dim": 1, "num_heads": 1, "depth": 1001}"#,
    ] {
        refused("vit_tiny_patch16_224", args);
    }
    for args in [
        r#"{"depths": [0, 0, 0, 1000000]}"#,
        r#"{"depths": [0, 0, 0, 1000000000]}"#,
        r#"{"depths": [18446744073709551615, 1, 1, 1]}"#,
        r#"{"dims": [1, 1, 1, 18446744073709551615]}"#,
    ] {
        refused("convnextv2_tiny", args);
    }
    refused("resnet50", r#"{"channels": [64, 128, 256, 1000000]}"#);
}
