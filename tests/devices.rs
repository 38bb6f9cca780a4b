//! The same work on another device than the processor's own backend: feature `wgpu`, on whichever Vulkan there is.
//!
//! `.ci/devices` runs it on Mesa's software Vulkan; `MILLSTREAM_DEVICE=wgpu` chooses a graphics device instead.
#![cfg(all(feature = "wgpu", feature = "weights"))]
#![allow(missing_docs, clippy::print_stdout, reason = "a measurement")]

mod common;

use arrow::array::AsArray;
use arrow::datatypes::Float32Type;
use burn::tensor::{Device, Tensor};
use common::context;
use millstream::image::Image;
use millstream::mix::Target;
use millstream::model::{FeatureModel, FrozenBackbone, Pretrained, device};
use millstream::source::Parquet;
use millstream::task::{Finetune, Predict, Strategy};
use millstream::{Context, Dataset, DatasetExt};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Features may differ by this share of the largest one.
const FEATURES: f32 = 1e-3;
/// Probabilities of models that were trained for some epochs on either device may differ by this on average, and by three
/// times this anywhere.
const PROBABILITIES: f32 = 0.01;

/// The device beside flex.
fn other() -> Device {
    let name = std::env::var("MILLSTREAM_DEVICE").unwrap_or_else(|_| "wgpu:cpu".to_owned());
    device::by_name(&name).unwrap()
}

/// `rows` of the carried pictures, from row `first` on, in a file of their own.
fn pictures(cx: &Context, folder: &Path, name: &str, first: u64, rows: u64) -> PathBuf {
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fashion-mnist-train.parquet");
    let all = cx.block_on(Parquet::open(cx, all)).unwrap();
    let total = all.len().finite().unwrap();
    // Spread over the file, so that all classes are among them.
    let chosen: Vec<u64> = (0..rows).map(|row| (first + row * 37) % total).collect();
    let some = cx.block_on(all.take(cx, &chosen)).unwrap();
    let path = folder.join(name);
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), some.schema(), None).unwrap();
    writer.write(&some).unwrap();
    writer.close().unwrap();
    path
}

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec::<f32>().unwrap()
}

#[test]
fn features_agree() {
    let (cx, folder) = (context(), tempfile::tempdir().unwrap());
    let path = pictures(&cx, folder.path(), "some.parquet", 0, 48);
    let rows = cx.block_on(Parquet::open(&cx, &path.display().to_string())).unwrap();
    let rows = rows.image("image", Image::new(64)).unwrap();
    let batch = cx.block_on(rows.take(&cx, &(0..48).collect::<Vec<_>>())).unwrap();
    let pretrained = Pretrained::find("efficientnet-lite0").unwrap();
    let of = |device: &Device| {
        let model = FrozenBackbone::load(&pretrained, device).unwrap();
        let started = Instant::now();
        let features = model.features(&batch, "image").unwrap();
        (features, started.elapsed())
    };
    let ((flex, first), (wgpu, second)) = (of(&Device::flex()), of(&other()));
    let most = flex.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let off = flex.iter().zip(&wgpu).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!(
        "48 images at 64 px: flex {first:.2?}, other {second:.2?}; largest {most:.3}, largest difference {off:.2e}"
    );
    assert_eq!(flex.len(), wgpu.len());
    assert!(off <= FEATURES * most, "{off} of {most}");
}

#[test]
fn maps_and_gradients_agree() {
    let pretrained = Pretrained::find("efficientnet-lite0").unwrap();
    let images: Vec<f32> = (0..2 * 3 * 64 * 64)
        .map(|at| ((at * 7919) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    let of = |device: &Device| {
        let device = device.clone().autodiff();
        let backbone = pretrained.backbone(&device).unwrap().freeze_norms();
        let images = Tensor::<1>::from_floats(images.as_slice(), &device)
            .reshape([2, 3, 64, 64])
            .require_grad();
        let maps = backbone.forward_until(images.clone(), backbone.stages());
        let gradients = maps.clone().powi_scalar(2).mean().backward();
        (values(maps.inner()), values(images.grad(&gradients).unwrap()))
    };
    let (flex, wgpu) = (of(&Device::flex()), of(&other()));
    for (what, one, two) in [("maps", &flex.0, &wgpu.0), ("gradients", &flex.1, &wgpu.1)] {
        let most = one.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let off = one.iter().zip(two).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{what}: largest {most:.3e}, largest difference {off:.2e}");
        assert!(most > 0.0 && off <= 10.0 * FEATURES * most, "{what}: {off} of {most}");
    }
}

#[test]
fn a_short_fine_tuning_agrees() {
    let (cx, folder) = (context(), tempfile::tempdir().unwrap());
    let train = pictures(&cx, folder.path(), "train.parquet", 0, 160);
    let test = pictures(&cx, folder.path(), "test.parquet", 11, 80);
    let strategy = Strategy {
        target: Some(Target::Uniform),
        ..Strategy::default()
    };
    let of = |device: Device, name: &str| {
        let out = folder.path().join(name);
        let run = Finetune::default()
            .train(vec![train.display().to_string()])
            .valid(vec![test.display().to_string()])
            .size(32)
            .views(1)
            .epochs(4)
            .unfreeze(1)
            .deep_epochs(1)
            .device(device.clone())
            .out(out.clone());
        let started = Instant::now();
        let report = run.clone().balance(strategy.clone()).run(&cx, &mut |_| ()).unwrap();
        println!(
            "{name}: {:.1?}, {:?}",
            started.elapsed(),
            report.figures.measured.figures
        );
        let predict = Predict {
            device,
            ..Predict::new(out, [test.display().to_string()])
        };
        let rows = predict.run(&cx, &mut |_, _| ()).unwrap();
        let all = rows["probabilities"]
            .as_fixed_size_list()
            .values()
            .as_primitive::<Float32Type>()
            .values()
            .to_vec();
        (report, all)
    };
    let (flex, wgpu) = (of(Device::flex(), "flex"), of(other(), "other"));
    let off: Vec<f32> = flex.1.iter().zip(&wgpu.1).map(|(a, b)| (a - b).abs()).collect();
    let (mean, most) = (
        off.iter().sum::<f32>() / off.len() as f32,
        off.iter().fold(0.0_f32, |most, off| most.max(*off)),
    );
    println!("probabilities: {mean:.2e} apart on average, {most:.2e} at most");
    assert_eq!(flex.1.len(), wgpu.1.len());
    assert!(mean <= PROBABILITIES && most <= 3.0 * PROBABILITIES, "{mean}, {most}");
}
