//! Stages that train, above frozen ones that run ahead.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::Field;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::SgdConfig;
use burn::tensor::{Device, Distribution, Tensor};
use common::{context, tensors};
use millstream::loader::Batch;
use millstream::model::{Architecture, Backbone, Cut, FeatureModel, FrozenBackbone, FrozenMaps, Pretrained};
use millstream::sink::tensor;
use millstream::source::Memory;
use millstream::task::{Event, Finetune, Strategy};
use millstream::train::{Existing, Fit, Options, Selection};
use millstream::{Context, DatasetExt, Error, Result};
use parquet::arrow::ArrowWriter;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/backbones/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

#[track_caller]
fn near(found: Tensor<4>, expected: Tensor<4>, what: &str) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let (found, expected) = (values(found), values(expected));
    let largest = expected.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
    let far = found
        .iter()
        .zip(&expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(far <= 1e-4 * largest.max(1e-3), "{what}: {far} of {largest}");
}

#[test]
fn frozen_maps_are_those_of_the_network_at_every_cut() {
    let device = Device::flex();
    let lite0 = Backbone::init(&Architecture::new("efficientnet-lite0"), &device).unwrap();
    let named = |name: &str| (Pretrained::find(&fixture(name)).unwrap().backbone(&device).unwrap(), 64);
    let nets = [
        (lite0, 40),
        named("resnet18"),
        named("convnext_tiny"),
        named("mobilenetv3_small_100"),
    ];
    for (at, (net, size)) in nets.into_iter().enumerate() {
        let frozen = FrozenBackbone::new(&net, "", "").unwrap();
        let images = Tensor::random([3, 3, size, size], Distribution::Normal(0.0, 1.0), &device);
        for stage in 0..=net.stages() {
            for is_pooled in [true, false] {
                let found = frozen.cut(images.clone(), stage, is_pooled).unwrap();
                let expected = Cut::of(&net, images.clone(), stage, is_pooled);
                let what = format!("network {at} cut at {stage}, pooled {is_pooled}");
                assert_eq!(
                    (found.stage, found.below.len()),
                    (stage, expected.below.len()),
                    "{what}"
                );
                near(found.map, expected.map, &what);
                for (found, expected) in found.below.into_iter().zip(expected.below) {
                    near(found, expected, &what);
                }
            }
        }
        // The maps of an image are its own, to the bit.
        let both = frozen.cut(images.clone(), 2, true).unwrap().map;
        let last = frozen.cut(images.narrow(0, 2, 1), 2, true).unwrap().map;
        assert_eq!(values(both.narrow(0, 2, 1)), values(last), "network {at}");
    }
}

#[test]
fn a_frozen_norm_in_what_trains_is_the_norm_that_it_was() {
    let (plain, device) = (Device::flex(), Device::flex().autodiff());
    for name in ["resnet18", "mobilenetv3_small_100"] {
        let net = Pretrained::find(&fixture(name)).unwrap().backbone(&device).unwrap();
        let stages = net.stages();
        let images = Tensor::<4>::random([2, 3, 64, 64], Distribution::Normal(0.0, 1.0), &plain);
        let expected = net.valid().forward_features(images.clone());
        let trains = net.unfreeze_last(stages).freeze_norms();
        let found = trains.forward_features(images.autodiff()).inner();
        let (found, expected) = (values(found), values(expected));
        let far = found
            .iter()
            .zip(&expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(far < 1e-4, "{name}: {far}");
    }
}

/// Forty rows of one number.
fn numbers(cx: &Context) -> millstream::loader::LoaderBuilder {
    let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..40).map(|row| f64::from(row) / 40.0)));
    let rows = Memory::new(vec![RecordBatch::try_from_iter([("x", x)]).unwrap()]).unwrap();
    rows.shuffle().loader(cx).batch_size(4).seed(1)
}

fn line(device: &Device) -> Linear {
    let line = LinearConfig::new(1, 1).init(device);
    let weight = line.weight.map(|weight| weight.zeros_like().require_grad());
    Linear {
        weight,
        bias: line.bias.map(|bias| bias.map(|bias| bias.zeros_like().require_grad())),
    }
}

/// The square of what the line makes of the doubled number, less three.
fn squared(model: &Linear, doubled: &[f32], device: &Device) -> Tensor<1> {
    let rows = doubled.len();
    let x = Tensor::<1>::from_floats(doubled, device).reshape([rows, 1]);
    (model.forward(x) - 3.0).powi_scalar(2).mean()
}

fn doubled(batch: &Batch) -> Result<Vec<f32>> {
    let x = tensor::floats::<1>(batch.rows(), "x", &Device::flex())?;
    Ok(values(x * 2.0))
}

#[test]
fn what_is_made_ahead_changes_no_step_and_delivers_no_row_more() {
    let device = Device::flex().autodiff();
    let fit = |cx: &Context, folder: Option<&Path>| Fit {
        loader: numbers(cx),
        steps: 31,
        learning_rate: 0.1,
        checkpoints: folder.map(|folder| (folder.to_owned(), 4)),
    };
    let select = |patience| Selection {
        every: 5,
        patience,
        keep_best: false,
    };
    for patience in [None, Some(2)] {
        let mut worse = |_: &Linear| Ok(Some(1.0));
        let in_turn = fit(&context(), None).run_with(
            line(&device),
            SgdConfig::new().init(),
            |model: &Linear, batch: &Batch| Ok(squared(model, &doubled(batch)?, &device)),
            Options {
                on_epoch: None,
                rates: None,
                selection: Some((select(patience), &mut worse)),
            },
            &mut |_, _| (),
        );
        let in_turn = in_turn.unwrap();
        for threads in [1, 2, 4] {
            let cx = Context::with(threads, 1 << 26).unwrap();
            let made = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&made);
            let mut worse = |_: &Linear| Ok(Some(1.0));
            let ahead = fit(&cx, None).run_ahead(
                line(&device),
                SgdConfig::new().init(),
                move |batch: &Batch| {
                    count.fetch_add(1, Ordering::Relaxed);
                    doubled(batch)
                },
                |model: &Linear, _: &Batch, doubled| Ok(squared(model, &doubled, &device)),
                Options {
                    on_epoch: None,
                    rates: None,
                    selection: Some((select(patience), &mut worse)),
                },
                &mut |_, _| (),
            );
            let ahead = ahead.unwrap();
            assert_eq!(values(ahead.model.weight.val()), values(in_turn.model.weight.val()));
            assert_eq!((ahead.steps, &ahead.emitted), (in_turn.steps, &in_turn.emitted));
            assert_eq!(
                made.load(Ordering::Relaxed),
                ahead.steps,
                "nothing is made that is not trained on"
            );
            // Best after the first comparison, ended after two more.
            assert_eq!(ahead.steps, if patience.is_some() { 15 } else { 31 });
        }
    }
}

#[test]
fn an_error_ahead_is_that_of_its_batch_and_a_resume_goes_on_exactly() {
    let device = Device::flex().autodiff();
    let dir = tempfile::tempdir().unwrap();
    let run = |folder: &Path, fails_at: u64| {
        let cx = context();
        let fit = Fit {
            loader: numbers(&cx),
            steps: 24,
            learning_rate: 0.1,
            checkpoints: Some((folder.to_owned(), 3)),
        };
        let (made, mut steps) = (AtomicU64::new(0), 0);
        let fitted = fit.run_ahead(
            line(&device),
            SgdConfig::new().init(),
            move |batch: &Batch| match made.fetch_add(1, Ordering::Relaxed) == fails_at {
                true => Err(Error::data("no map")),
                false => doubled(batch),
            },
            |model: &Linear, _: &Batch, doubled| Ok(squared(model, &doubled, &device)),
            Options::default(),
            &mut |step, _| steps = step,
        );
        (fitted, steps)
    };
    let (whole, _) = run(&dir.path().join("whole"), u64::MAX);
    let (failed, steps) = run(&dir.path().join("killed"), 10);
    assert_eq!(failed.unwrap_err().to_string(), "no map");
    assert_eq!(steps, 10, "what came before it was trained");
    let (resumed, _) = run(&dir.path().join("killed"), u64::MAX);
    let (whole, resumed) = (whole.unwrap(), resumed.unwrap());
    assert_eq!(values(whole.model.weight.val()), values(resumed.model.weight.val()));
    assert_eq!(whole.emitted, resumed.emitted);
}

/// Pictures of two classes.
fn pictures(to: &Path) -> String {
    let png = |row: u8| {
        let pixels = image::RgbImage::from_fn(24, 24, |x, y| {
            let texture = (x * 5 + y * u32::from(3 + row % 2)) as u8;
            image::Rgb([40 + 4 * row, texture.wrapping_add(row), 200 - row])
        });
        let mut bytes = std::io::Cursor::new(Vec::new());
        pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        Some(bytes.into_inner())
    };
    let columns: [(&str, ArrayRef); 2] = [
        ("image", Arc::new((0..40).map(png).collect::<BinaryArray>())),
        (
            "label",
            Arc::new(Int64Array::from_iter_values((0..40).map(|row| row % 2))),
        ),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(to).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    to.display().to_string()
}

fn deep(train: &str, backbone: &str, out: PathBuf) -> Finetune {
    Finetune::default()
        .train(vec![train.to_owned()])
        .backbone(backbone.to_owned())
        .size(32)
        .epochs(2)
        .views(2)
        .batch_size(8)
        .unfreeze(2)
        .deep_epochs(2)
        .seed(7)
        .out(out)
}

#[test]
fn the_same_seed_gives_the_same_weights_with_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let train = pictures(&dir.path().join("train.parquet"));
    let lite0 = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/data/weights/efficientnet-lite0.safetensors"
    );
    for (name, backbone) in [("resnet", fixture("resnet18")), ("lite0", lite0.to_owned())] {
        let run = |threads: usize| {
            let epochs = if name == "lite0" { 1 } else { 2 };
            let out = dir.path().join(format!("{name}{threads}"));
            let cx = Context::with(threads, 1 << 28).unwrap();
            let run = deep(&train, &backbone, out.clone()).views(1).deep_epochs(epochs);
            let report = run.run(&cx, &mut |_| ()).unwrap();
            // Ended once, and read again where it is resumed.
            let again = Finetune {
                existing: Existing::Resume,
                ..run
            };
            let again = again.run(&cx, &mut |_| ()).unwrap();
            assert_eq!(again.figures.counts, report.figures.counts);
            fs::read(out.join("model.safetensors")).unwrap()
        };
        let one = run(1);
        for threads in [3, 4].into_iter().take(if name == "lite0" { 1 } else { 2 }) {
            assert!(run(threads) == one, "{name}: {threads} threads give other weights");
        }
    }
}

#[test]
fn depthwise_kernels_stay_where_they_are_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let train = pictures(&dir.path().join("train.parquet"));
    let run = |out: &str, how: &dyn Fn(Finetune) -> Finetune| {
        let out = dir.path().join(out);
        let run = how(deep(&train, &fixture("mobilenetv3_small_100"), out.clone()));
        run.run(&context(), &mut |_| ()).unwrap();
        fs::read(out.join("model.safetensors")).unwrap()
    };
    let [head, all, some] = [
        run("head", &|run| run.unfreeze(0)),
        run("all", &|run| run),
        run("some", &|run| run.freeze_depthwise(true)),
    ];
    let [head, all, some] = [&head, &all, &some].map(|file| tensors(file));
    let [mut depthwise, mut other] = [0; 2];
    for (name, tensor) in head.iter().filter(|(name, _)| name.starts_with("backbone.")) {
        let same = |model: &BTreeMap<_, _>| model[name] == *tensor;
        match (&tensor.0[..], same(&all)) {
            (_, true) => assert!(same(&some), "{name} is below what trains"),
            ([outputs, 1, 3 | 5, 3 | 5], false) if *outputs > 1 => {
                assert!(same(&some), "{name}");
                depthwise += 1;
            }
            (_, false) => {
                assert!(!same(&some), "{name}");
                other += 1;
            }
        }
    }
    assert!(depthwise > 1 && other > 3 * depthwise, "{depthwise} and {other}");
}

#[test]
fn fixed_views_are_made_once_and_train_like_the_pictures_that_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let train = pictures(&dir.path().join("train.parquet"));
    let fixed = |out: &str| deep(&train, &fixture("resnet18"), dir.path().join(out)).fixed_views(true);
    let run = |run: &Finetune, cx: &Context| {
        let mut made = Vec::new();
        let report = run.run(cx, &mut |event| {
            if let Event::Begin { what, total } = event {
                made.push((what.to_owned(), total));
            }
        });
        (report, made)
    };
    let (report, made) = run(&fixed("fixed"), &context());
    let report = report.unwrap();
    // 36 rows of 40 train, each in two views.
    assert!(made.contains(&("maps of fixed views".to_owned(), 72)), "{made:?}");
    let weights = |out: &str| fs::read(dir.path().join(out).join("model.safetensors")).unwrap();
    // Again with other threads the same, and other weights than with new views in each epoch.
    run(&fixed("again"), &Context::with(1, 1 << 28).unwrap()).0.unwrap();
    assert!(weights("fixed") == weights("again"));
    let fresh = deep(&train, &fixture("resnet18"), dir.path().join("fresh"));
    run(&fresh, &context()).0.unwrap();
    assert!(weights("fixed") != weights("fresh"));
    // A run that lost its last checkpoints and its end goes on to the same end.
    let out = dir.path().join("fixed");
    fs::remove_file(out.join("report.json")).unwrap();
    for step in ["model.json", "model.safetensors"] {
        fs::remove_file(out.join(step)).unwrap();
    }
    let resumed = Finetune {
        existing: Existing::Resume,
        ..fixed("fixed")
    };
    let (again, _) = run(&resumed, &context());
    assert_eq!(again.unwrap().figures.counts, report.figures.counts);
    assert!(weights("fixed") == weights("again"));
    // With one view nothing is augmented, and a map is what the frozen stages make of the plain picture.
    let refused = |run: Finetune, strategy: &Strategy, cx: &Context, said: &str| {
        let error = run.clone().balance(strategy.clone()).run(cx, &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    };
    let synthetic = Strategy {
        synthetic: 0.5,
        ..Strategy::default()
    };
    refused(fixed("no"), &synthetic, &context(), "synthetic ones are made anew");
    let none = fixed("no").unfreeze(0);
    refused(
        none,
        &Strategy::default(),
        &context(),
        "about stages that train, and none do",
    );
    assert!(!dir.path().join("no").exists());
    // 72 maps of 16 x 2 x 2 take 18 KiB.
    let little = Context::with(2, 16 << 10).unwrap();
    refused(
        fixed("little"),
        &Strategy::default(),
        &little,
        "maps of 72 fixed views take 1 MiB",
    );
}

#[test]
fn a_kept_map_is_what_the_frozen_stages_make_of_the_picture() {
    let device = Device::flex();
    let pretrained = Pretrained::find(&fixture("resnet18")).unwrap();
    let load = || FrozenBackbone::load(&pretrained, &device).unwrap();
    let maps = FrozenMaps::new(load(), 3, [32, 32], &device).unwrap();
    let images = Tensor::<4>::random([2, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device);
    let expected = load().cut(images.clone(), 3, true).unwrap().map;
    let [_, channels, rows, columns] = expected.dims();
    assert_eq!(maps.shapes().0, [[channels, rows, columns]]);
    assert_eq!(maps.width(), channels * rows * columns);
    assert!(
        maps.name().ends_with(" below stage 3"),
        "another cut has another key: {}",
        maps.name()
    );
    let mut column: ArrayRef = Arc::new(Float32Array::from(values(images)));
    for width in [32, 32, 3] {
        let item = Arc::new(Field::new_list_field(column.data_type().clone(), false));
        column = Arc::new(FixedSizeListArray::new(item, width, column, None));
    }
    let batch = RecordBatch::try_from_iter([("image", column)]).unwrap();
    assert_eq!(maps.features(&batch, "image").unwrap(), values(expected));
}
