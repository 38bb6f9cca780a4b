//! Pictures as levels of u8, which become a network's inputs on the device.
#![cfg(all(feature = "train", feature = "testing"))]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema};
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use burn::tensor::{Device, Tensor};
use common::context;
use millstream::image::Image;
use millstream::model::{Backbone, FeatureModel, FrozenBackbone, Normalisation, Pretrained};
use millstream::sink::tensor;
use millstream::source::Parquet;
use millstream::task::{Event, Finetune, FinetuneSpec, Predict};
use millstream::testing::as_other_device;
use millstream::train::{Existing, FeatureProgress};
use millstream::{Context, Dataset, DatasetExt};
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Inputs of levels and those of the image stage differ by no more.
const INPUTS: f32 = 1e-6;

fn batch(stage: Image, rows: u64) -> RecordBatch {
    let cx = context();
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fashion-mnist-test.parquet");
    let all = cx.block_on(Parquet::open(&cx, all)).unwrap();
    let images = all.image("image", stage).unwrap();
    cx.block_on(images.take(&cx, &(1000..1000 + rows).collect::<Vec<_>>()))
        .unwrap()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Epoch 1, so that pictures are augmented: their pixels are levels until they are normalised, whatever is done to them.
#[test]
fn normalised_on_the_device_they_are_the_inputs_of_the_image_stage() {
    let device = Device::flex();
    let normalisations = [
        Normalisation::IMAGENET,
        Normalisation {
            mean: [0.5; 3],
            std: [0.5; 3],
        },
        Normalisation {
            mean: [0.0, 0.1, 0.9],
            std: [1.0, 0.3, 0.2],
        },
    ];
    // Of 5 pixels a picture has 75 bytes: no whole number of words, nor have 5 pictures.
    for (size, rows) in [(32, 6), (5, 5), (7, 4), (1, 1), (9, 0)] {
        for normalisation in normalisations {
            let stage = || {
                Image::new(size)
                    .random_resized_crop(0.5..=1.0, 0.8..=1.25)
                    .rotate(10.0)
                    .brightness(0.2)
                    .gaussian_noise(0.1)
                    .gaussian_blur(0.1..=1.0)
                    .normalize(normalisation.mean, normalisation.std)
            };
            let (floats, levels) = (batch(stage(), rows), batch(stage().as_u8(), rows));
            let wanted = values(tensor::floats::<4>(&floats, "image", &device).unwrap());
            // What is a float already stays as it is.
            assert_eq!(values(normalisation.inputs(&floats, "image", &device).unwrap()), wanted);
            let inputs = normalisation.inputs(&levels, "image", &device).unwrap();
            let side = size as usize;
            assert_eq!(inputs.dims(), [rows as usize, 3, side, side]);
            let off = values(inputs)
                .iter()
                .zip(&wanted)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(off <= INPUTS, "{size} px, {rows} rows: {off}");
            assert!(rows < 4 || wanted.iter().any(|value| (value - wanted[0]).abs() > 0.1));
            // Rows from the middle of a batch, whose bytes begin anywhere.
            if rows > 3 {
                let some = normalisation.inputs(&levels.slice(1, 2), "image", &device).unwrap();
                let width = 3 * side * side;
                let all = values(normalisation.inputs(&levels, "image", &device).unwrap());
                assert_eq!(values(some), all[width..3 * width]);
            }
        }
    }
}

#[test]
fn every_byte_is_its_float() {
    let device = Device::flex();
    let bytes: Vec<u8> = (0..=255).chain([255, 128, 127]).collect();
    let expected: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
    let rows: ArrayRef = Arc::new(UInt8Array::from(bytes));
    let rows = RecordBatch::try_from_iter([("x", rows)]).unwrap();
    let found = tensor::floats_from_u8::<1>(&rows, "x", &device).unwrap();
    assert_eq!(values(found), expected);
}

/// A column "x" of tensors of u8, `metadata` as that of their type.
fn tensors(bytes: Vec<u8>, width: i32, metadata: &str) -> RecordBatch {
    let item = Arc::new(Field::new_list_field(DataType::UInt8, false));
    let list = FixedSizeListArray::new(Arc::clone(&item), width, Arc::new(UInt8Array::from(bytes)), None);
    let field = Field::new("x", list.data_type().clone(), false).with_metadata(HashMap::from([
        (
            EXTENSION_TYPE_NAME_KEY.to_owned(),
            "arrow.fixed_shape_tensor".to_owned(),
        ),
        (EXTENSION_TYPE_METADATA_KEY.to_owned(), metadata.to_owned()),
    ]));
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(list)]).unwrap()
}

#[test]
fn dimensions_in_another_order_come_in_theirs() {
    let device = Device::flex();
    // Stored as height, width, channel; meant as channel, height, width.
    let rows = tensors((0..24).collect(), 12, r#"{"shape":[2,2,3],"permutation":[2,0,1]}"#);
    let floats = tensor::floats::<4>(&rows, "x", &device).unwrap();
    let found = tensor::floats_from_u8::<4>(&rows, "x", &device).unwrap();
    assert_eq!(found.dims(), [2, 3, 2, 2]);
    assert_eq!(values(found.clone())[..4], [0.0, 3.0, 6.0, 9.0]);
    assert_eq!(values(found), values(floats));
}

#[test]
fn what_is_no_picture_of_levels_is_refused() {
    let device = Device::flex();
    let grey = tensors(vec![0; 8], 4, r#"{"shape":[1,2,2]}"#);
    let said = Normalisation::IMAGENET
        .inputs(&grey, "x", &device)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "column \"x\" holds pictures of 1 channels, and three are normalised"
    );
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let floats = RecordBatch::try_from_iter([("x", floats)]).unwrap();
    let said = tensor::floats_from_u8::<1>(&floats, "x", &device)
        .unwrap_err()
        .to_string();
    assert_eq!(said, "column \"x\" holds Float32, not UInt8");
    let said = tensor::floats_from_u8::<3>(&grey, "x", &device)
        .unwrap_err()
        .to_string();
    assert!(said.contains("not one of 3 dimensions"), "{said}");
    // A network of one's own does not know how levels are normalised, unless it is told.
    let pretrained = Pretrained::find(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/backbones/resnet18"
    ));
    let backbone: Backbone = pretrained.unwrap().backbone(&device).unwrap();
    let frozen = FrozenBackbone::new(&backbone, "mine", "").unwrap();
    let levels = batch(Image::new(32).as_u8(), 2);
    let said = frozen.features(&levels, "image").unwrap_err().to_string();
    assert_eq!(
        said,
        "column \"image\" holds levels of u8, and how mine takes them is not said: use `normalised_by`"
    );
    let told = frozen.normalised_by(Normalisation::IMAGENET);
    let (one, two) = (told.features(&levels, "image").unwrap(), batch(Image::new(32), 2));
    let two = told.features(&two, "image").unwrap();
    let largest = two.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let off = one.iter().zip(&two).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest > 0.0 && off <= 1e-5 * largest, "{off} of {largest}");
}

fn run(out: &Path) -> Finetune {
    Finetune::new(FinetuneSpec::default(), out)
        .train(["examples/data/fashion-mnist-test.parquet"])
        .backbone("tests/fixtures/backbones/resnet18")
        .size(15)
        .views(1)
        .epochs(2)
        .unfreeze(1)
        .deep_epochs(1)
}

fn probabilities(cx: &Context, out: &Path) -> millstream::Result<Vec<f32>> {
    let predict = Predict::new(out, ["examples/data/fashion-mnist-test.parquet"]);
    let rows = predict.run(cx, &mut |_, _| ())?;
    let all = rows["probabilities"].as_fixed_size_list().values();
    Ok(all.as_primitive::<Float32Type>().values().to_vec())
}

/// Levels, the thread that uploads, frozen stages in the training thread and full batches: all of it on flex, which is taken for
/// another device.
#[test]
fn what_is_done_for_other_devices_comes_to_the_same_and_goes_on_after_a_kill() -> millstream::Result<()> {
    let (cx, dir) = (Context::with(2, 1 << 28)?, tempfile::tempdir().unwrap());
    let [own, other, first, second] = ["own", "other", "first", "second"].map(|name| dir.path().join(name));
    let (mut plans, mut features) = (Vec::new(), Vec::new());
    let report = run(&own).run(&cx, &mut |event| {
        if let Event::Explain(plan) = event {
            plans.push(plan.to_owned());
        }
    })?;
    let again = as_other_device(|| {
        run(&other).run(&cx, &mut |event| match event {
            Event::Features(progress) => features.push(*progress),
            Event::Explain(plan) => plans.push(plan.to_owned()),
            _ => {}
        })
    })?;
    let predicted = as_other_device(|| probabilities(&cx, &other))?;
    let off = probabilities(&cx, &own)?
        .iter()
        .zip(predicted)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(off < 1e-5, "probabilities are {off} apart");
    assert_eq!(report.figures.counts, again.figures.counts);
    // The deeper loader's batches have 32 * 3 * 15 * 15 values: f32 on the processor, u8 for another device, which is 63 KiB less. Their
    // plans below the loader are the same.
    let deeper: Vec<&String> = plans
        .iter()
        .filter(|plan| plan.starts_with("loader") && plan.contains("random_resized_crop"))
        .collect();
    assert_eq!(deeper.len(), 2, "{plans:#?}");
    let below = |plan: usize| deeper[plan].split_once("\n  image ").unwrap();
    assert!(below(0).0.contains("room for 321 of 101 KiB"), "{}", deeper[0]);
    assert!(below(1).0.contains("room for 850 of 38 KiB"), "{}", deeper[1]);
    assert_eq!(below(0).1, below(1).1);
    // 900 training rows and 100 for validation, in batches of 32.
    let done: Vec<u64> = features.iter().filter(|at| at.total == 900).map(|at| at.done).collect();
    assert_eq!((&done[..3], done.last()), (&[32, 64, 96][..], Some(&900)));
    let is_told = |at: &FeatureProgress| at.rows_per_second > Some(0.0) && at.seconds_left >= Some(0.0);
    assert!(features.iter().all(is_told), "{features:?}");
    // It ends while a batch is ahead, five steps after a checkpoint, and goes on with that batch: there, or on the processor.
    for (out, there) in [(first, true), (second, false)] {
        let deeper = Cell::new(false);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            as_other_device(|| {
                run(&out).run(&cx, &mut |event| match event {
                    Event::Begin { what, .. } => deeper.set(what == "deep"),
                    Event::Done(15) if deeper.get() => panic!("killed"),
                    _ => {}
                })
            })
        }));
        assert!(ended.is_err());
        let resumed = Finetune {
            existing: Existing::Resume,
            ..run(&out)
        };
        let (mut steps, mut before) = (Vec::new(), Vec::new());
        let mut resume = || {
            resumed.run(&cx, &mut |event| match event {
                Event::Begin { what, .. } => deeper.set(what == "deep"),
                Event::GoesOn(step) if deeper.get() => before.push(step),
                Event::Done(step) if deeper.get() => steps.push(step),
                _ => {}
            })
        };
        match there {
            true => as_other_device(resume)?,
            false => resume()?,
        };
        assert_eq!((before, steps), (vec![10], (11..=29).collect::<Vec<_>>()));
        let model = |out: &Path| std::fs::read(out.join("model.safetensors")).unwrap();
        assert!(model(&out) == model(&other), "a resume gives another model");
    }
    Ok(())
}
