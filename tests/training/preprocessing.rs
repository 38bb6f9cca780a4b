//! A run makes pictures as the weights of its backbone expect them.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Float64Array, RecordBatch};
use arrow::datatypes::Float32Type;
use burn::tensor::{Device, Tensor, TensorData};
use common::context;
use image::RgbImage;
use millstream::error::{ErrorKind, Remedy};
use millstream::image::{Image, Interpolation, Pixels};
use millstream::loader::LoaderBuilder;
use millstream::model::{Normalisation, Preprocessing, Pretrained};
use millstream::rng::Rng;
use millstream::task::{Event, Finetune, Predict, Strategy};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MEAN: [f32; 3] = [0.5, 0.25, 0.125];
const STD: [f32; 3] = [0.5, 0.2, 0.1];
const SIZE: usize = 48;

/// The folder of a tiny ResNet whose weights expect what ImageNet's do not: that mean, deviation and size.
fn backbone(dir: &Path) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/backbones/resnet18");
    let to = dir.join("resnet18");
    fs::create_dir_all(&to).unwrap();
    fs::copy(from.join("model.safetensors"), to.join("model.safetensors")).unwrap();
    let mut config: Value = serde_json::from_slice(&fs::read(from.join("config.json")).unwrap()).unwrap();
    let expected = &mut config["pretrained_cfg"];
    (expected["mean"], expected["std"]) = (json!(MEAN), json!(STD));
    expected["input_size"] = json!([3, SIZE, SIZE]);
    fs::write(to.join("config.json"), config.to_string()).unwrap();
    to.display().to_string()
}

/// Pictures of one colour each, with a number that follows from it; no rotation or crop would change such a picture but at its
/// corners.
fn colours(to: &Path, rows: u8) -> (String, Vec<f64>) {
    let png = |row: u8| {
        let pixels = image::RgbImage::from_pixel(20, 14, image::Rgb([40 + 3 * row, 200 - 2 * row, 90]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        Some(bytes.into_inner())
    };
    let numbers: Vec<f64> = (0..rows)
        .map(|row| 10.0 + f64::from(row % 7) + f64::from(row) / 5.0)
        .collect();
    let columns: [(&str, ArrayRef); 2] = [
        ("image", Arc::new((0..rows).map(png).collect::<BinaryArray>())),
        ("number", Arc::new(Float64Array::from(numbers.clone()))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(to).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    (to.display().to_string(), numbers)
}

fn finetune(dir: &Path, out: &str) -> (Finetune, PathBuf, Vec<f64>) {
    let (train, _) = colours(&dir.join("train.parquet"), 40);
    let (valid, numbers) = colours(&dir.join("valid.parquet"), 24);
    let out = dir.join(out);
    let run = Finetune::default()
        .train(vec![train])
        .valid(vec![valid])
        .backbone(backbone(dir))
        .epochs(4)
        .views(2)
        .batch_size(8)
        .deep_epochs(1)
        .seed(2)
        .out(out.clone());
    (run, out, numbers)
}

/// The tensors of the first picture of a loader's first batch, channel by channel, at its middle.
fn middle(loader: &LoaderBuilder) -> [f32; 3] {
    let batch = loader.clone().blocking().unwrap().next().unwrap().unwrap();
    let column = Arc::clone(&batch.rows()["image"]);
    let list = column.as_fixed_size_list();
    assert_eq!(list.value_length() as usize, 3 * SIZE * SIZE);
    let values = list.values().as_primitive::<Float32Type>().values().to_vec();
    std::array::from_fn(|channel| values[channel * SIZE * SIZE + SIZE / 2 * SIZE + SIZE / 2])
}

#[test]
fn tensors_have_the_mean_deviation_and_size_that_the_weights_expect() {
    let dir = tempfile::tempdir().unwrap();
    let (run, ..) = finetune(dir.path(), "run");
    let cx = context();

    // What the frozen backbone made of the validation rows is what it makes of tensors that are worked out here.
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let features = prepared.features.unwrap();
    let rows = features.valid.rows();
    let found = rows["features"].as_fixed_size_list();
    let found = found.values().as_primitive::<Float32Type>().values();
    let net = Pretrained::find(&run.spec.model.backbone)
        .unwrap()
        .backbone(&Device::flex())
        .unwrap();
    let width = net.features();
    let made = |normal: Normalisation, row: usize| -> Vec<f32> {
        let colour = [40 + 3 * row, 200 - 2 * row, 90];
        let planes = (0..3).flat_map(|channel| {
            let value = (colour[channel] as f32 / 255.0 - normal.mean[channel]) / normal.std[channel];
            vec![value; SIZE * SIZE]
        });
        let data = TensorData::new(planes.collect::<Vec<_>>(), [1, 3, SIZE, SIZE]);
        let features = net.forward_features(Tensor::from_data(data, &Device::flex()));
        features.into_data().try_into_vec().unwrap()
    };
    let own = Normalisation { mean: MEAN, std: STD };
    let far = |normal, row: usize| {
        let pairs = made(normal, row).into_iter().zip(&found[row * width..]);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    for row in 0..24 {
        assert!(far(own, row) < 1e-4, "row {row}: {}", far(own, row));
        assert!(far(Normalisation::IMAGENET, row) > 1e-2, "the test can tell them apart");
    }

    // In training, brightness and contrast move a level, but not all three channels of a grey-free picture to ImageNet's mean:
    // of the same draws, the tensors differ by the normalisation alone.
    let loader = |run: &Finetune| {
        let datasets = run.datasets(&cx).unwrap();
        run.image_loader(&cx, &datasets, &Strategy::default()).unwrap()
    };
    let usual = run
        .clone()
        .backbone(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18").to_owned())
        .size(SIZE as u32);
    let (own, usual) = (middle(&loader(&run)), middle(&loader(&usual)));
    let Normalisation { mean, std } = Normalisation::IMAGENET;
    for channel in 0..3 {
        let level = usual[channel] * std[channel] + mean[channel];
        let expected = (level - MEAN[channel]) / STD[channel];
        assert!((own[channel] - expected).abs() < 1e-4, "{own:?} of {usual:?}");
    }
}

#[test]
fn a_saved_model_predicts_what_was_evaluated() {
    let dir = tempfile::tempdir().unwrap();
    for unfreeze in [0, 2] {
        let (run, out, numbers) = finetune(dir.path(), &format!("run{unfreeze}"));
        let run = run.unfreeze(unfreeze);
        let mut notes = Vec::new();
        let report = run.run(&context(), &mut |event| {
            if let Event::Note(note) = event {
                notes.push(note.to_owned());
            }
        });
        let report = report.unwrap();
        // All is as the weights expect, so nothing is said of it.
        assert!(notes.iter().all(|note| !note.contains("weights")), "{notes:?}");
        assert_eq!(report.notes, notes);

        let config: Value = serde_json::from_slice(&fs::read(out.join("model.json")).unwrap()).unwrap();
        assert_eq!(config["image_size"], SIZE);
        // floor(48 / 0.95)
        assert_eq!(
            (&config["interpolation"], &config["resize_size"]),
            (&json!("bicubic"), &json!(50))
        );
        let normal: Normalisation = serde_json::from_value(config["normalisation"].clone()).unwrap();
        assert_eq!((normal.mean, normal.std), (MEAN, STD));
        let run_json: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
        assert_eq!(run_json["run"]["model"]["size"], SIZE, "{run_json}");

        let predicted = Predict::new(&out, &run.spec.data.valid)
            .run(&context(), &mut |_, _| ())
            .unwrap();
        let predicted = predicted["value"].as_primitive::<Float32Type>().values().to_vec();
        let errors = predicted.iter().zip(&numbers).map(|(a, b)| (f64::from(*a) - b).abs());
        let mae = errors.sum::<f64>() / numbers.len() as f64;
        let measured = report.figures.value("mae").unwrap();
        assert!((mae - measured).abs() < 1e-5, "{unfreeze}: {mae} and {measured}");
    }
}

/// `run` with what `change` makes of the `pretrained_cfg` of its weights.
fn with_config(run: Finetune, change: impl Fn(&mut Value)) -> Finetune {
    let path = Path::new(&run.spec.model.backbone).join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut config["pretrained_cfg"]);
    fs::write(&path, config.to_string()).unwrap();
    run
}

fn notes(run: &Finetune) -> Vec<String> {
    let mut notes = Vec::new();
    let report = run.run(&context(), &mut |event| {
        if let Event::Note(note) = event {
            notes.push(note.to_owned());
        }
    });
    assert_eq!(report.unwrap().notes, notes);
    notes.retain(|note| note.contains("weights"));
    notes
}

#[test]
fn what_cannot_be_done_as_the_weights_expect_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (run, ..) = finetune(dir.path(), "run");
    let run = run.epochs(1);
    let border = with_config(run.clone(), |cfg| {
        (cfg["crop_mode"], cfg["interpolation"]) = (json!("border"), json!("nearest"));
    });
    let said = [
        "the weights expect pictures resized by nearest interpolation; here it is bilinear",
        "the weights expect the middle 0.95 of the picture with its aspect ratio and borders to a square; here it is the whole picture squashed to a square",
    ];
    assert_eq!(notes(&border), said);
    // The whole picture, squashed, is what the stage does anyway.
    let squash = with_config(run, |cfg| {
        (cfg["crop_mode"], cfg["crop_pct"]) = (json!("squash"), json!(1.0));
        cfg["interpolation"] = json!("lanczos");
    });
    let squash = squash.out(dir.path().join("squash"));
    assert_eq!(notes(&squash), [""; 0]);
    // Weights without a config are taken for the published ones of their name.
    let file = squash.backbone("resnet18").weights(dir.path().join("none.pth"));
    let done = file.spec.model.preprocessing().unwrap();
    assert_eq!((done.size, done.resize_size()), (224, None));
}

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/preprocessing");

/// The mean and the largest difference of levels between two pictures.
fn apart(made: &Pixels, expected: &RgbImage) -> (f64, u8) {
    assert_eq!((made.width, made.height), expected.dimensions());
    let all: Vec<u8> = made
        .levels
        .iter()
        .zip(expected.as_raw())
        .map(|(&a, &b)| a.abs_diff(b))
        .collect();
    let sum: f64 = all.iter().map(|&level| f64::from(level)).sum();
    (sum / all.len() as f64, *all.iter().max().unwrap())
}

/// `tests/scripts/make_preprocessing.py` made the pictures with timm.
#[test]
fn a_photo_is_resized_and_cropped_as_timm_does_it() {
    let photo = fs::read(Path::new(FIXTURES).join("photo.jpg")).unwrap();
    let cases = [
        (96, Interpolation::Bilinear, "bilinear", 0.875),
        (96, Interpolation::Bicubic, "bicubic", 0.875),
        (96, Interpolation::Bicubic, "bicubic", 0.95),
        (96, Interpolation::Bicubic, "bicubic", 1.0),
        (96, Interpolation::Lanczos, "lanczos", 0.8),
        (48, Interpolation::Bicubic, "bicubic", 0.9),
    ];
    let mut rng = Rng::new(0, "image", 0);
    for (size, interpolation, name, crop) in cases {
        let weights = Preprocessing {
            size,
            crop,
            ..Preprocessing::IMAGENET
        };
        let stage = |interpolation| {
            let resize = weights.resize_size().unwrap() as u32;
            Image::new(size as u32)
                .resize_center_crop(resize)
                .interpolation(interpolation)
        };
        let file = format!("{size}_{name}_{crop:?}.png");
        let expected = image::open(Path::new(FIXTURES).join(&file)).unwrap().to_rgb8();
        let stage_made = stage(interpolation).preview(&photo, &mut rng).unwrap();
        let (mean, most) = apart(&stage_made, &expected);
        // A JPEG that shrinks to less than a quarter is decoded at half its size.
        let bound = if size == 48 { 0.7 } else { 0.3 };
        assert!(mean < bound && most <= 12, "{file}: {mean} and {most}");
        // Another filter or another place would be told.
        let other = match interpolation {
            Interpolation::Bilinear => Interpolation::Bicubic,
            _ => Interpolation::Bilinear,
        };
        let other = stage(other).preview(&photo, &mut rng).unwrap();
        let far = apart(&other, &expected).0;
        assert!(far > 1.25 * bound, "{file}: {far}");
        let share = Image::new(size as u32)
            .center_crop(crop as f32 - 0.1)
            .interpolation(interpolation);
        let moved = share.preview(&photo, &mut rng).unwrap();
        assert!(apart(&moved, &expected).0 > 10.0 * bound, "{file}");
    }
}

/// View 0 of a stage with a random crop has the crop of evaluation, also where the stage was read.
#[test]
fn a_view_without_augmentation_is_cropped_as_in_evaluation() {
    let photo = fs::read(Path::new(FIXTURES).join("photo.jpg")).unwrap();
    let plain = Image::new(48)
        .resize_center_crop(50)
        .interpolation(Interpolation::Bicubic);
    let random = plain
        .clone()
        .random_resized_crop(0.5..=1.0, 0.8..=1.25)
        .horizontal_flip(0.5);
    let text = serde_json::to_string(&random).unwrap();
    let read: Image = serde_json::from_str(&text).unwrap();
    let mut rng = Rng::new(0, "image", 0);
    let expected = plain.preview(&photo, &mut rng).unwrap();
    for stage in [random, read] {
        assert_eq!(stage.plain().preview(&photo, &mut rng).unwrap(), expected, "{text}");
        assert_ne!(stage.preview(&photo, &mut rng).unwrap(), expected);
    }
}

#[test]
fn what_the_network_does_not_allow_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (run, out, _) = finetune(dir.path(), "run");
    let refused = |run: &Finetune, remedy, said: &str| {
        let error = run.run(&context(), &mut |_| ()).unwrap_err();
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Config, Some(remedy)));
        assert!(error.to_string().starts_with(said), "{error}");
        assert!(!out.exists());
    };
    let deep = run.clone().unfreeze(6);
    refused(
        &deep,
        Remedy::Stages,
        &format!("unfreeze is 6, but {} has 5 stages", run.spec.model.backbone),
    );
    let small = run
        .backbone(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/convnext_tiny").to_owned())
        .size(16);
    refused(&small, Remedy::Size, "size is 16, but ");
}
