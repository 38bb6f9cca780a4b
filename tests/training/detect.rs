//! Object detection: losses beside PyTorch's, what is decoded, and runs on tiny pictures through a tiny network.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type};
use burn::tensor::{Device, Tensor, TensorData};
use common::context;
use millstream::error::ErrorKind;
use millstream::model::{HeadConfig, Outputs};
use millstream::report::Report;
use millstream::rows::BoxFormat;
use millstream::task::{Detect, Evaluate, Event, Finetune, FinetuneSpec, Predict, Task};
use millstream::train::Existing;
use millstream::train::loss::detection::{PlaceTargets, Places, generalized_iou, sigmoid_focal};
use millstream::{Context, Error, Result};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::cell::Cell;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

fn fixture() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/detection_losses.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn floats(of: &Value) -> Vec<f32> {
    match of {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

#[track_caller]
fn all_near(found: &[f32], expected: &[f32], within: f32) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let apart = (found - expected).abs();
        assert!(
            apart <= within * expected.abs().max(1.0),
            "{at}: {found} is not {expected}"
        );
    }
}

fn matrix(values: Vec<f32>, width: usize, device: &Device) -> Tensor<2> {
    let rows = values.len() / width;
    Tensor::from_data(TensorData::new(values, [rows, width]), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn boxes_of(of: &Value) -> Vec<[f32; 4]> {
    floats(of).as_chunks().0.to_vec()
}

#[test]
fn assignment_and_losses_are_those_of_pytorch() {
    let expected = fixture();
    let whole = |key: &str| expected[key].as_u64().unwrap() as usize;
    let places = Places {
        columns: whole("columns"),
        rows: whole("rows"),
        stride: expected["stride"].as_f64().unwrap() as f32,
    };
    let (classes, radius) = (whole("classes"), expected["radius"].as_f64().unwrap() as f32);
    let assigned: Vec<_> = (expected["pictures"].as_array().unwrap().iter())
        .map(|picture| {
            let classes: Vec<usize> = floats(&picture["classes"])
                .iter()
                .map(|&class| class as usize)
                .collect();
            places.assign(&boxes_of(&picture["boxes"]), &classes, radius)
        })
        .collect();
    let labels: Vec<i64> = (assigned.iter().flat_map(|row| &row.classes))
        .map(|class| class.map_or(-1, |class| class as i64))
        .collect();
    let wanted: Vec<i64> = expected["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| label.as_i64().unwrap())
        .collect();
    assert_eq!(labels, wanted);
    let learns = |label: &&i64| **label >= 0;
    assert!(labels.iter().filter(learns).count() > 20, "the fixture has boxes");
    let distances: Vec<f32> = assigned
        .iter()
        .flat_map(|row| row.distances.as_flattened())
        .copied()
        .collect();
    all_near(&distances, &floats(&expected["wanted"]), 1e-6);
    let centreness: Vec<f32> = (assigned.iter().flat_map(|row| row.centreness.iter().zip(&row.classes)))
        .filter_map(|(centreness, class)| class.map(|_| *centreness))
        .collect();
    all_near(&centreness, &floats(&expected["centreness"]), 1e-5);

    let device = Device::flex().autodiff();
    let logits = matrix(floats(&expected["logits"]), classes, &device).require_grad();
    let sides = matrix(floats(&expected["distances"]), 4, &device).require_grad();
    let centre = Tensor::<1>::from_floats(&floats(&expected["centre"])[..], &device).require_grad();
    let targets = PlaceTargets::new(&assigned, classes, &device);
    let focal = sigmoid_focal(logits.clone(), targets.classes.clone(), 0.25, 2.0);
    all_near(&values(focal), &floats(&expected["focal"]), 1e-5);
    let loss = targets.loss(logits.clone(), sides.clone(), centre.clone());
    all_near(&values(loss.clone()), &floats(&expected["loss"]), 1e-5);
    let gradients = loss.backward();
    let found = [
        values(logits.grad(&gradients).unwrap()),
        values(sides.grad(&gradients).unwrap()),
        values(centre.grad(&gradients).unwrap()),
    ];
    for (found, expected) in found.iter().zip(expected["gradients"].as_array().unwrap()) {
        all_near(found, &floats(expected), 1e-5);
    }
}

#[test]
fn generalised_overlap_is_that_of_torchvision() {
    let (expected, device) = (fixture(), Device::flex());
    let corners = |key: &str| matrix(floats(&expected[key]), 4, &device);
    let loss = values(generalized_iou(&corners("a"), &corners("b")).neg() + 1.0);
    all_near(&loss, &floats(&expected["giou_loss"]), 1e-5);
    // Boxes without an area, and one in another.
    let none = matrix(vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 4.0, 4.0], 4, &device);
    let other = matrix(vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0], 4, &device);
    all_near(&values(generalized_iou(&none, &other)), &[0.0, 0.25], 1e-6);
}

#[test]
fn a_box_in_which_no_place_lies_is_learnt_by_none() {
    let places = Places {
        columns: 2,
        rows: 2,
        stride: 8.0,
    };
    let none = places.assign(&[[5.0, 5.0, 11.0, 11.0], [0.0, 0.0, 3.0, 16.0]], &[0, 0], 1.5);
    assert_eq!(none.classes, [None; 4]);
    // Of two boxes the smaller, whichever comes first, and of equal ones the first.
    let (large, small) = ([0.0, 0.0, 16.0, 16.0], [0.0, 0.0, 9.0, 9.0]);
    for (boxes, classes) in [([large, small], [0, 1]), ([small, large], [1, 0])] {
        let found = places.assign(&boxes, &classes, 4.0);
        assert_eq!(found.classes, [Some(1), Some(0), Some(0), Some(0)]);
        assert_eq!(found.distances[0], [4.0, 4.0, 5.0, 5.0]);
    }
    assert_eq!(places.assign(&[small, small], &[2, 1], 4.0).classes[0], Some(2));
}

/// A picture of `size` pixels with squares in it: bright ones are of class 0, dark ones of class 1, on grey.
fn png(size: [u32; 2], objects: &[([f32; 4], i64)]) -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(size[0], size[1], |x, y| {
        let inside = |corners: &[f32; 4]| {
            let [left, top, right, bottom] = corners.map(|side| side as u32);
            (left..right).contains(&x) && (top..bottom).contains(&y)
        };
        let texture = ((x * 7 + y * 13) % 16) as u8;
        match objects.iter().find(|(corners, _)| inside(corners)) {
            Some((_, 0)) => image::Rgb([230 + texture; 3]),
            Some(_) => image::Rgb([texture; 3]),
            None => image::Rgb([110 + texture; 3]),
        }
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// So many pictures of 96 x 64 pixels with one to three squares each.
fn squares(rows: usize) -> Vec<Vec<([f32; 4], i64)>> {
    let mut state = 7_u32;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let row = |_| {
        let many = 1 + next(3) as usize;
        let object = |at: usize| {
            let side = 20 + next(9);
            let (x, y) = (at as u32 * 32 + next(32 - side.min(31)), next(64 - side));
            let corners = [x, y, (x + side).min(96), y + side].map(|side| side as f32);
            (corners, i64::from(next(2)))
        };
        (0..many).map(object).collect()
    };
    (0..rows).map(row).collect()
}

/// `objects` as Hugging Face's `Sequence({..})` is stored.
fn objects(rows: &[Vec<([f32; 4], i64)>], format: BoxFormat) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    let list = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        Arc::new(ListArray::new(item, offsets.clone(), values, None))
    };
    let all = || rows.iter().flatten();
    let numbers = all().flat_map(|(corners, _)| format.from_xyxy(*corners, (96, 64)));
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let boxes = FixedSizeListArray::new(item, 4, Arc::new(Float32Array::from_iter_values(numbers)), None);
    let classes = all().map(|(_, class)| ["bright", "dark"][*class as usize]);
    let columns: Vec<(Arc<Field>, ArrayRef)> = [
        ("bbox", list(Arc::new(boxes))),
        (
            "category",
            list(Arc::new(StringArray::from_iter_values(classes.collect::<Vec<_>>()))),
        ),
    ]
    .map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column))
    .to_vec();
    Arc::new(StructArray::from(columns))
}

fn pictures(rows: &[Vec<([f32; 4], i64)>]) -> ArrayRef {
    let files = rows.iter().map(|row| Some(png([96, 64], row)));
    Arc::new(files.collect::<BinaryArray>())
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> String {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

fn data(path: &Path, rows: usize, format: BoxFormat) -> String {
    let rows = squares(rows);
    // A column that could hold labels, too.
    let sizes: ArrayRef = Arc::new(Int64Array::from(vec![96; rows.len()]));
    write(
        path,
        vec![
            ("image", pictures(&rows)),
            ("objects", objects(&rows, format)),
            ("width", sizes),
        ],
    )
}

fn small(train: String, out: &Path) -> Finetune {
    let mut run = Finetune::default()
        .train([train])
        .backbone(BACKBONE)
        .size(96)
        .height(64)
        .views(2)
        .batch_size(8)
        .out(out);
    run.spec.data.held_out = 0.25;
    run.spec.train.learning_rate = Some(1e-2);
    run
}

fn run(run: &Finetune) -> Result<(Report, Vec<String>)> {
    let mut notes = Vec::new();
    let report = run.run(&context(), &mut |event| {
        if let Event::Note(note) = event {
            notes.push(note.to_owned());
        }
    })?;
    Ok((report, notes))
}

#[test]
fn boxes_are_found_trained_predicted_and_evaluated() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 64, BoxFormat::Xywh);
    let out = dir.path().join("run");
    let (report, _) = run(&small(file.clone(), &out).epochs(24)).unwrap();
    assert!(
        report
            .notes
            .iter()
            .any(|note| note == "task: detect, since column \"objects\" holds boxes with classes"),
        "{:?}",
        report.notes
    );
    let measured = &report.figures.measured;
    assert_eq!((measured.rows, measured.chooses.as_str()), (16, "map"));
    assert_eq!(report.figures.classes, ["bright", "dark"]);
    let map50 = measured.value("map50").unwrap();
    assert!(map50 > 0.5, "{measured:?}");

    // Predictions have the layout of the data, in pixels of the pictures.
    let rows = Predict::new(&out, [file.clone()])
        .run(&context(), &mut |_, _| ())
        .unwrap();
    let found = rows["objects"].as_struct();
    let names: Vec<&str> = found.column_names();
    assert_eq!(names, ["bbox", "category", "name", "score"]);
    let truth = squares(64);
    let (mut right, mut all) = (0, 0);
    for (row, truth) in truth.iter().enumerate() {
        let boxes = found.column(0).as_list::<i32>().value(row);
        let boxes = boxes
            .as_fixed_size_list()
            .values()
            .as_primitive::<Float32Type>()
            .values()
            .to_vec();
        let classes = found.column(1).as_list::<i32>().value(row);
        let classes = classes.as_primitive::<Int64Type>().values().to_vec();
        let scores = found.column(3).as_list::<i32>().value(row);
        let scores = scores.as_primitive::<Float32Type>().values().to_vec();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        for (corners, class) in truth {
            all += 1;
            let near = |found: &[f32; 4]| {
                let found = BoxFormat::Xywh.to_xyxy(*found, (96, 64));
                found
                    .iter()
                    .zip(corners)
                    .all(|(found, truth)| (found - truth).abs() < 8.0)
            };
            let best = truth.len() + 2;
            let boxes = boxes.as_chunks::<4>().0.iter().zip(&classes).take(best);
            right += usize::from(boxes.into_iter().any(|(found, of)| of == class && near(found)));
        }
    }
    assert!(right * 2 > all, "{right} of {all}");

    // `evaluate` measures the saved model.
    let evaluated = Evaluate::new(Predict::new(&out, [file]))
        .run(&context(), &mut |_, _| ())
        .unwrap();
    assert_eq!(evaluated.figures.rows(), 64);
    assert!(evaluated.figures.value("map50").unwrap() > 0.5);
}

#[test]
fn figures_of_a_run_are_those_of_its_model_on_the_stored_boxes() {
    let dir = tempfile::tempdir().unwrap();
    for (name, format) in [("xywh", BoxFormat::Xywh), ("shares", BoxFormat::CxcywhNormalized)] {
        let file = data(&dir.path().join(format!("{name}.parquet")), 24, format);
        let out = dir.path().join(name);
        let task = Detect {
            boxes: format,
            ..Detect::default()
        };
        let trained = small(file.clone(), &out).valid([file.clone()]).task(task).epochs(4);
        let (report, _) = run(&trained).unwrap();
        let evaluated = Evaluate::new(Predict::new(&out, [file]))
            .run(&context(), &mut |_, _| ())
            .unwrap();
        for figure in ["map", "map50", "mar100"] {
            let [ours, theirs] = [&report, &evaluated].map(|report| report.figures.value(figure).unwrap());
            assert!((ours - theirs).abs() < 1e-3, "{name} {figure}: {ours} and {theirs}");
        }
        assert!(report.figures.value("mar100").unwrap() > 0.0);
    }
}

#[test]
fn boxes_are_decoded_from_their_place_and_come_out_in_their_format() {
    let device = Device::flex();
    let head = |boxes| {
        let task = Detect {
            classes: vec!["a".to_owned(), "b".to_owned()],
            boxes,
            ..Detect::default()
        };
        let HeadConfig::Detection { classes, .. } = task.head() else {
            panic!()
        };
        assert_eq!(classes, 2);
        task
    };
    // A map of 4 x 2 places of an input of 32 x 16 pixels; the picture is twice as wide and four times as high.
    let frame = Float32Array::from(vec![0.5, 0.25, 0.0, 0.0, 64.0, 64.0, 32.0, 16.0]);
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let frames: ArrayRef = Arc::new(FixedSizeListArray::new(item, 8, Arc::new(frame), None));
    let rows = RecordBatch::try_from_iter([("frame", frames)]).unwrap();
    let mut map = vec![[-20.0_f32; 8]; 7];
    // Place (1, 2): its centre lies at (20, 12).
    map[1][6] = 2.0; // class b
    map[2][6] = 0.0; // left: a stride of 8 pixels
    map[3][6] = 0.0; // top
    map[4][6] = 2.0_f32.ln(); // right: two strides, which reach out of the picture
    map[5][6] = 0.5_f32.ln(); // bottom
    map[6][6] = 1.0; // centreness
    let outputs = || Outputs::Map(Tensor::from_data(TensorData::new(map.concat(), [1, 7, 2, 4]), &device));
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let formats = [
        (BoxFormat::Xyxy, [24.0, 16.0, 64.0, 64.0]),
        (BoxFormat::Xywh, [24.0, 16.0, 40.0, 48.0]),
        (BoxFormat::XyxyNormalized, [0.375, 0.25, 1.0, 1.0]),
    ];
    for (format, expected) in formats {
        let made = head(format).predictions(outputs(), &rows).unwrap();
        let found = made["objects"].as_struct();
        let list = |at: usize| found.column(at).as_list::<i32>().value(0);
        let boxes = list(0);
        let numbers = boxes
            .as_fixed_size_list()
            .values()
            .as_primitive::<Float32Type>()
            .values()
            .to_vec();
        all_near(&numbers, &expected, 1e-5);
        assert_eq!(list(1).as_primitive::<Int64Type>().values(), &[1]);
        assert_eq!(list(2).as_string::<i32>().value(0), "b");
        let score = (sigmoid(2.0) * sigmoid(1.0)).sqrt();
        all_near(list(3).as_primitive::<Float32Type>().values(), &[score], 1e-5);
    }
}

#[test]
fn a_detector_that_is_stopped_goes_on_to_the_same_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 32, BoxFormat::Xywh);
    let wanted = |out: &str| {
        small(file.clone(), &dir.path().join(out))
            .epochs(6)
            .unfreeze(1)
            .deep_epochs(2)
    };
    run(&wanted("whole")).unwrap();
    // Stopped in the second epoch, by the callback.
    struct Stop;
    let steps = Cell::new(0);
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wanted("stopped").run(&context(), &mut |event| {
            if let Event::Epoch(_) = event {
                steps.set(steps.get() + 1);
                if steps.get() == 3 {
                    std::panic::resume_unwind(Box::new(Stop));
                }
            }
        })
    }));
    assert!(stopped.is_err());
    let again = wanted("stopped").existing(Existing::Resume);
    run(&again).unwrap();
    let model = |out: &str| fs::read(dir.path().join(out).join("model.safetensors")).unwrap();
    assert_eq!(model("whole"), model("stopped"));
}

#[test]
fn what_cannot_be_learnt_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |rows: &[Vec<([f32; 4], i64)>], format: BoxFormat| -> Error {
        let sizes = |side: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![side; rows.len()])) };
        let columns = vec![
            ("image", pictures(rows)),
            ("objects", objects(rows, BoxFormat::Xywh)),
            ("width", sizes(96)),
            ("height", sizes(64)),
        ];
        let file = write(&dir.path().join("x.parquet"), columns);
        let task = Detect {
            boxes: format,
            ..Detect::default()
        };
        let out = dir.path().join("out");
        let error = run(&small(file, &out).task(task)).unwrap_err();
        assert!(!out.exists(), "{error}");
        error
    };
    let none = refused(&vec![Vec::new(); 8], BoxFormat::Xywh);
    assert_eq!(none.to_string(), "no row has a box, so there is nothing to learn");
    let format = refused(&squares(24), BoxFormat::Xyxy).to_string();
    assert!(
        format.contains("do not lie in their pictures as xyxy; as xywh 0 do not"),
        "{format}"
    );
    let wrong = Detect {
        width: 12,
        ..Detect::default()
    };
    let file = data(&dir.path().join("y.parquet"), 8, BoxFormat::Xywh);
    let error = run(&small(file, &dir.path().join("wide")).task(wrong)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("multiple of 8"), "{error}");
}

#[test]
fn the_recipe_for_boxes_runs() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/recipes/bccd.toml");
    let mut spec = FinetuneSpec::from_recipe(recipe).unwrap();
    // Shortened: few rows, a small network, few epochs.
    spec.data.train = vec![data(&dir.path().join("train.parquet"), 16, BoxFormat::Xywh)].into();
    spec.data.valid = vec![data(&dir.path().join("valid.parquet"), 8, BoxFormat::Xywh)].into();
    spec.model.backbone = BACKBONE.to_owned();
    (spec.model.size, spec.model.height, spec.train.epochs) = (Some(64), Some(48), 2);
    let (report, _) = run(&Finetune::new(spec, dir.path().join("out"))).unwrap();
    assert_eq!((report.figures.task.as_str(), report.figures.rows()), ("detect", 8));
}

#[test]
fn maps_that_have_no_room_are_made_anew_and_the_model_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 48, BoxFormat::Xywh);
    let trained = |out: &str, memory: u64| {
        let run = small(file.clone(), &dir.path().join(out)).views(4).epochs(1);
        run.run(&Context::with(2, memory).unwrap(), &mut |_| ()).unwrap();
        fs::read(dir.path().join(out).join("model.safetensors")).unwrap()
    };
    let rows = trained("kept", 256 << 20);
    assert!(dir.path().join("kept/features").exists());
    assert!(rows == trained("anew", 1 << 20));
    assert!(!dir.path().join("anew/features").exists());
}
