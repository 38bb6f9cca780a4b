//! Object detection: losses beside PyTorch's, what is decoded, and runs on tiny pictures through a tiny network.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;
use crate::report::is_picture;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type};
use burn::tensor::{Device, Tensor, TensorData};
use common::context;
use image::RgbImage;
use millstream::ablation::{Ablation, DataSet, Detection};
use millstream::boxes::Nms;
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::image::{Crop, Operation, Pixels};
use millstream::mix::Target;
use millstream::model::{HeadConfig, Outputs};
use millstream::report::picture::{DrawnObject, Tile, draw_objects};
use millstream::report::{Emitted, Report};
use millstream::rows::{BoxFormat, ObjectReader};
use millstream::source::Parquet;
use millstream::spec::{Named, Spec};
use millstream::task::{Detect, Evaluate, Event, Finetune, FinetuneSpec, NamedTask, Predict, Preview, Strategy, Task};
use millstream::train::Existing;
use millstream::train::loss::detection::{PlaceTargets, Places, generalized_iou, sigmoid_focal};
use millstream::{Context, Dataset, Error, Result, Stable};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeMap;
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
pub(super) fn objects(rows: &[Vec<([f32; 4], i64)>], format: BoxFormat) -> ArrayRef {
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

pub(super) fn pictures(rows: &[Vec<([f32; 4], i64)>]) -> ArrayRef {
    let files = rows.iter().map(|row| Some(png([96, 64], row)));
    Arc::new(files.collect::<BinaryArray>())
}

pub(super) fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> String {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

pub(super) fn data(path: &Path, rows: usize, format: BoxFormat) -> String {
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

pub(super) fn small(train: String, out: &Path) -> Finetune {
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

pub(super) fn run(run: &Finetune) -> Result<(Report, Vec<String>)> {
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

    // Bars of the classes in place of a confusion matrix, and curves; the page has them all.
    assert!(measured.precision_recall.is_some());
    for name in ["curves.png", "classes.png", "precision_recall.png"] {
        assert!(is_picture(&out.join(name)), "{name}");
    }
    assert!(!out.join("confusion.png").exists() && !out.join("predicted.png").exists());
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Precision over recall"));

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
        // Of a class that no training row has nothing is predicted.
        let task = Detect {
            absent: vec![1],
            ..head(format)
        };
        let made = task.predictions(outputs(), &rows).unwrap();
        assert!(
            made["objects"]
                .as_struct()
                .column(0)
                .as_list::<i32>()
                .value(0)
                .is_empty()
        );
    }
}

#[test]
fn a_task_knows_the_classes_that_no_training_row_has() {
    let dir = tempfile::tempdir().unwrap();
    // The only dark one is held out under some seeds.
    let rows: Vec<_> = (0..8)
        .map(|at| vec![([at as f32, 2.0, 30.0, 30.0], i64::from(at == 3))])
        .collect();
    let columns = vec![("image", pictures(&rows)), ("objects", objects(&rows, BoxFormat::Xywh))];
    let file = write(&dir.path().join("x.parquet"), columns);
    let of_seed = |seed| {
        let run = small(file.clone(), &dir.path().join("run")).seed(seed);
        run.datasets(&context()).unwrap()
    };
    let datasets = (0..100).map(of_seed).find(|datasets| datasets.targets.counts()[1] == 0);
    let datasets = datasets.expect("a seed holds it out");
    assert_eq!(datasets.targets.counts(), [6, 0]);
    let bound = datasets.task.bind(&datasets.targets).unwrap();
    let written = serde_json::to_value(NamedTask::new(bound)).unwrap();
    assert_eq!(written["detect"]["absent"], json!([1]));
}

#[test]
fn a_detector_that_diverges_says_what_may_help() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 8, BoxFormat::Xywh);
    // After its only step the weights are beyond all numbers.
    let mut diverging = small(file, &dir.path().join("run")).epochs(1);
    diverging.spec.train.learning_rate = Some(1e38);
    let error = run(&diverging).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stage, "{error}");
    assert!(error.to_string().ends_with("a lower learning rate may help"), "{error}");
    assert!(!error.to_string().contains("damaged"), "{error}");
}

#[test]
fn more_boxes_than_a_row_may_have_are_found_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = squares(8);
    rows[5] = vec![([1.0, 1.0, 20.0, 20.0], 0); 16_385];
    let columns = vec![("image", pictures(&rows)), ("objects", objects(&rows, BoxFormat::Xywh))];
    let file = write(&dir.path().join("x.parquet"), columns);
    let out = dir.path().join("run");
    let error = run(&small(file, &out)).unwrap_err().to_string();
    assert!(error.contains("row 5 of row group 0"), "{error}");
    assert!(
        error.ends_with("16385 boxes, and a row may have 16384: leave some out") && !out.exists(),
        "{error}"
    );
}

#[test]
fn a_task_that_was_found_is_found_again_by_a_run_that_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 8, BoxFormat::Xywh);
    let of = |out: &str| small(file.clone(), &dir.path().join(out)).epochs(1);
    let (report, _) = run(&of("found")).unwrap();
    let said = "task: detect, since column \"objects\" holds boxes with classes";
    assert!(report.notes.iter().any(|note| note == said), "{:?}", report.notes);
    run(&of("named").task(Detect::default())).unwrap();
    for (out, is_named) in [("found", false), ("named", true)] {
        let again = Finetune::of_folder(dir.path().join(out)).unwrap();
        assert_eq!(again.spec.task.is_some(), is_named, "{out}");
    }
    // Begun and stopped, it says the same as one that went through.
    let begun = dir.path().join("begun");
    fs::create_dir(&begun).unwrap();
    fs::copy(dir.path().join("found/run.json"), begun.join("run.json")).unwrap();
    let (resumed, _) = run(&Finetune::of_folder(&begun).unwrap()).unwrap();
    assert_eq!(resumed.notes, report.notes);
}

#[test]
fn a_detector_that_is_stopped_goes_on_to_the_same_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 32, BoxFormat::Xywh);
    // Rows come as often as they are due, and objects are pasted into them.
    let wanted = |out: &str| {
        let operations: Vec<Named<dyn Operation>> = serde_json::from_value(json!([
            { "horizontal_flip": { "p": 0.5 } },
            { "copy_paste": { "classes": ["dark"], "p": 0.5, "window": 8 } },
        ]))
        .unwrap();
        small(file.clone(), &dir.path().join(out))
            .balance(repeated(0.9))
            .operations(operations)
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
    let none = none.to_string();
    assert!(
        none.ends_with("x.parquet: no row has a box, so there is nothing to learn"),
        "{none}"
    );
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
        let run = small(file.clone(), &dir.path().join(out))
            .balance(repeated(0.9))
            .views(4)
            .epochs(1);
        run.run(&Context::with(2, memory).unwrap(), &mut |_| ()).unwrap();
        fs::read(dir.path().join(out).join("model.safetensors")).unwrap()
    };
    let rows = trained("kept", 256 << 20);
    assert!(dir.path().join("kept/features").exists());
    assert!(rows == trained("anew", 1 << 20));
    assert!(!dir.path().join("anew/features").exists());
}

/// Each row as often as its repeat factor says.
pub(super) fn repeated(threshold: f64) -> Strategy {
    balanced(Target::RepeatFactor(threshold))
}

fn balanced(target: Target) -> Strategy {
    Strategy {
        target: Some(target),
        ..Strategy::default()
    }
}

/// Forty pictures with a bright square each; every eighth has two dark ones as well.
pub(super) fn uneven() -> Vec<Vec<([f32; 4], i64)>> {
    let row = |row: usize| {
        let at = (row % 10) as f32;
        let mut objects = vec![([at, at, at + 24.0, at + 24.0], 0)];
        if row.is_multiple_of(8) {
            objects.push(([60.0, at, 84.0, at + 24.0], 1));
            objects.push(([60.0, 30.0 + at, 84.0, 54.0 + at], 1));
        }
        objects
    };
    (0..40).map(row).collect()
}

pub(super) fn uneven_run(folder: &Path, out: &str) -> Finetune {
    let file = |name: &str, rows: &[Vec<([f32; 4], i64)>]| {
        let columns = vec![("image", pictures(rows)), ("objects", objects(rows, BoxFormat::Xywh))];
        write(&folder.join(name), columns)
    };
    let (train, valid) = (file("train.parquet", &uneven()), file("valid.parquet", &squares(8)));
    let flip: Vec<Named<dyn Operation>> = serde_json::from_value(json!([{ "horizontal_flip": { "p": 0.5 } }])).unwrap();
    small(train, &folder.join(out))
        .valid([valid])
        .crop(Crop::Whole)
        .operations(flip)
        .epochs(3)
}

/// Boxes of each class that the loader of the head delivers in `steps` steps, and the rows that have dark ones.
fn delivered(run: &Finetune, steps: usize) -> (BTreeMap<(i64, Origin), u64>, Vec<bool>) {
    let cx = context();
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let loader = run.feature_loader(&cx, &prepared, &run.spec.balance).unwrap();
    let (mut boxes, mut dark) = (BTreeMap::new(), Vec::new());
    for batch in loader.blocking().unwrap().take(steps) {
        let batch = batch.unwrap();
        let classes = batch.rows()["objects.category"].as_list::<i32>();
        for (row, trace) in batch.provenance().iter().enumerate() {
            let classes = classes.value(row);
            let classes = classes.as_primitive::<Int64Type>().values().to_vec();
            dark.push(classes.contains(&1));
            for class in classes {
                *boxes.entry((class, trace.origin)).or_default() += 1;
            }
        }
    }
    (boxes, dark)
}

/// What a report says was emitted.
fn emitted(report: &Report) -> BTreeMap<(i64, Origin), u64> {
    let mut all = BTreeMap::new();
    for (class, name) in ["bright", "dark"].iter().enumerate() {
        let Emitted {
            real,
            augmented,
            synthetic,
        } = report.figures.counts.get(name).unwrap().emitted;
        let origins = [
            (Origin::Real, real),
            (Origin::Augmented, augmented),
            (Origin::Synthetic, synthetic),
        ];
        for (origin, many) in origins {
            if many > 0 {
                all.insert((class as i64, origin), many);
            }
        }
    }
    all
}

#[test]
fn rows_with_rare_boxes_come_as_often_as_they_are_due() {
    let dir = tempfile::tempdir().unwrap();
    let mut plans = Vec::new();
    let mut trained = |out: &str, strategy: Strategy| {
        let run = uneven_run(dir.path(), out).balance(strategy);
        let report = run.run(&context(), &mut |event| {
            if let Event::Explain(plan) = event
                && plan.starts_with("loader")
            {
                plans.push(plan.to_owned());
            }
        });
        (report.unwrap(), run)
    };
    // Of forty rows five have dark squares: sqrt(0.5 / 0.125) = 2 times each, so a pass has 35 + 10 rows in six batches.
    let (report, run) = trained("repeated", repeated(0.5));
    let (boxes, dark) = delivered(&run, 15);
    assert_eq!(dark.len(), 45 + 45 + 24);
    // Exact at the end of a block of 64 rows: 64 * 10 / 45 of them are due.
    assert_eq!(dark[..64].iter().filter(|dark| **dark).count(), 14);
    assert_eq!(emitted(&report), boxes);
    let counts = &report.figures.counts;
    assert_eq!(
        (counts.get("bright").unwrap().before, counts.get("dark").unwrap().before),
        (40, 10)
    );
    let json = serde_json::to_value(&report).unwrap();
    let said = &json["counts"]["dark"]["emitted"];
    let sum: u64 = ["real", "augmented", "synthetic"]
        .iter()
        .map(|origin| said[origin].as_u64().unwrap())
        .sum();
    assert_eq!(
        sum,
        boxes
            .iter()
            .filter(|((class, _), _)| *class == 1)
            .map(|(_, many)| many)
            .sum::<u64>()
    );
    // Quotas of the rarest class: half of the rows of a pass have a dark square, which is two boxes and a bright one.
    let (report, run) = trained("uniform", balanced(Target::Uniform));
    let (boxes, dark) = delivered(&run, 15);
    assert_eq!(dark.len(), 120);
    for pass in dark.chunks(40) {
        assert_eq!(pass.iter().filter(|dark| **dark).count(), 20);
    }
    assert_eq!(emitted(&report), boxes);
    let of = |class: i64| {
        boxes
            .iter()
            .filter(|((own, _), _)| *own == class)
            .map(|(_, many)| many)
            .sum::<u64>()
    };
    assert_eq!((of(0), of(1)), (120, 120));
    // Without a balance each row comes once a pass over both of its views.
    let (report, run) = trained("none", Strategy::default());
    let (boxes, _) = delivered(&run, 15);
    assert_eq!(emitted(&report), boxes);
    let as_stored = uneven_run(dir.path(), "stored").balance(balanced(Target::Power(1.0)));
    let stored = as_stored.run(&context(), &mut |_| ()).unwrap();
    assert_eq!(stored.figures.measured, report.figures.measured);
    // The order is explained before anything trains.
    let [repeated, uniform, none] = &plans[..] else {
        panic!("{plans:?}")
    };
    for part in [
        "a row counts for the rarest of its classes",
        "repeat factor 2.000",
        "one that is due 2.5 times an epoch comes five times in two",
    ] {
        assert!(repeated.contains(part), "{part}: {repeated}");
    }
    assert!(
        uniform.contains("each 4.00 times") && uniform.contains("rarest"),
        "{uniform}"
    );
    assert!(!none.contains("balance"), "{none}");
}

#[test]
fn images_that_are_made_anew_are_balanced_alike_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = uneven_run(dir.path(), "deep")
        .balance(repeated(0.5))
        .epochs(1)
        .unfreeze(1);
    run.spec.train.deep_epochs = 2;
    let operations = json!([{ "horizontal_flip": { "p": 0.5 } }, { "copy_paste": { "classes": ["dark"], "most": 1, "cover": 1.0, "window": 8 } }]);
    run.spec.augment.operations = serde_json::from_value(operations).unwrap();
    let report = run.run(&context(), &mut |_| ()).unwrap();
    let (cx, datasets) = (context(), run.datasets(&context()).unwrap());
    let loader = run.image_loader(&cx, &datasets, &run.spec.balance).unwrap();
    let (mut rows, mut pasted) = (0, 0);
    for batch in loader.blocking().unwrap().take(6) {
        let batch = batch.unwrap();
        let classes = batch.rows()["objects.category"].as_list::<i32>();
        for (row, trace) in batch.provenance().iter().enumerate() {
            rows += 1;
            let own = uneven()[trace.places[0].row as usize].len();
            let extra = classes.value(row).len() - own;
            // Each row takes a dark object of a row that has one, of which there are five in forty.
            assert_eq!(trace.origin, Origin::Synthetic);
            assert_eq!(trace.generator.as_deref(), Some("copy_paste"));
            let giver = &uneven()[trace.places[1].row as usize];
            assert!(giver.iter().any(|(_, class)| *class == 1) && extra <= 1, "{trace:?}");
            pasted += extra;
            let classes = classes.value(row);
            let classes = classes.as_primitive::<Int64Type>().values().to_vec();
            assert!(classes[own..].iter().all(|class| *class == 1));
        }
    }
    assert_eq!(rows, 45);
    assert!(pasted > 40, "{pasted}");
    // Ten steps of images, of which a pass has six batches: 45 rows, and 32.
    let synthetic = |name: &str| report.figures.counts.get(name).unwrap().emitted.synthetic;
    assert!(
        synthetic("dark") > 45 + 32 && synthetic("bright") >= 45 + 32,
        "{:?}",
        report.figures.counts
    );
    let sum = report.figures.counts.get("bright").unwrap().emitted;
    assert_eq!(sum.real + sum.augmented + sum.synthetic, 40 + 45 + 32);
}

#[test]
fn pasted_objects_are_counted_in_more_passes_than_there_are_views() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = uneven_run(dir.path(), "many").epochs(8);
    run.spec.augment.views = 2;
    let paste = json!([{ "copy_paste": { "classes": ["dark"], "most": 1, "cover": 1.0 } }]);
    run.spec.augment.operations = serde_json::from_value(paste).unwrap();
    let report = run.run(&context(), &mut |_| ()).unwrap();
    let emitted = |class: &str| report.figures.counts.get(class).unwrap().emitted;
    let (bright, dark) = (emitted("bright"), emitted("dark"));
    assert_eq!(bright.real + bright.augmented + bright.synthetic, 8 * 40);
    // Five rows of forty have two dark ones, and each row into which something is pasted has one more.
    assert_eq!(dark.real + dark.augmented + dark.synthetic, 8 * 10 + bright.synthetic);
    // The first view of both stays as it is.
    assert_eq!(bright.synthetic, 4 * 40);
}

#[test]
fn a_balance_of_boxes_that_cannot_be_meant_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |run: Finetune, part: &str| {
        let error = run.run(&context(), &mut |_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!dir.path().join("out").exists());
    };
    let of = |strategy: Strategy| uneven_run(dir.path(), "out").balance(strategy);
    refused(of(balanced(Target::Weights(vec![1.0; 3]))), "3 weights for 2 classes");
    refused(
        of(repeated(1.5)),
        "repeat_factor is 1.5, but has to be above 0 and at most 1",
    );
    let synthetic = Strategy {
        synthetic: 0.5,
        ..Strategy::default()
    };
    refused(
        of(synthetic),
        "synthetic rows need one class a row, and the task detect has none",
    );
    let auto = Strategy {
        auto: true,
        ..Strategy::default()
    };
    refused(of(auto), "an automatic choice of the balance needs one class a row");
    let batch = Strategy {
        batch: Some(serde_json::from_value(json!([{ "class": "dark", "share": 0.5 }, { "share": 0.5 }])).unwrap()),
        ..Strategy::default()
    };
    refused(
        of(batch),
        "parts of every batch need one class a row, and the task detect has none",
    );
    let with = |operations: Value| {
        let mut run = of(Strategy::default());
        run.spec.augment.operations = serde_json::from_value(operations).unwrap();
        run
    };
    let paste = json!({ "copy_paste": { "classes": ["dark"] } });
    refused(
        with(json!([paste, { "horizontal_flip": { "p": 0.5 } }])),
        "augment.operations[0]: copy_paste",
    );
    refused(
        with(json!([{ "one_of": { "operations": [paste, { "vertical_flip": { "p": 0.5 } }] } }])),
        "an image stage has one row at a time",
    );
    refused(
        with(json!([{ "copy_paste": { "classes": ["bus"] } }])),
        "\"bus\" is none of the classes \"bright\", \"dark\"",
    );
    // Rows all of which have a rarer class: none counts for the other one.
    let rows: Vec<_> = uneven().into_iter().step_by(8).collect();
    let columns = vec![("image", pictures(&rows)), ("objects", objects(&rows, BoxFormat::Xywh))];
    let mut run = of(balanced(Target::Weights(vec![1.0, 1.0])));
    run.spec.data.train = vec![write(&dir.path().join("both.parquet"), columns)].into();
    refused(
        run,
        "no row counts for class \"dark\", because each row with it counts for another one",
    );
}

/// Whether `tile` is a part of `sheet`, pixel by pixel.
fn has(sheet: &RgbImage, tile: &RgbImage) -> bool {
    let (width, height) = tile.dimensions();
    let line = |image: &RgbImage, x: u32, y: u32| {
        let from = 3 * (y * image.width() + x) as usize;
        image.as_raw()[from..from + 3 * width as usize].to_vec()
    };
    sheet.enumerate_pixels().any(|(x, y, pixel)| {
        pixel == tile.get_pixel(0, 0)
            && x + width <= sheet.width()
            && y + height <= sheet.height()
            && (0..height).all(|row| line(sheet, x, y + row) == line(tile, 0, row))
    })
}

/// `pixels`, 320 wide, with these objects of a picture that is 96 wide.
fn drawn(pixels: &Pixels, objects: &[([f32; 4], i64)]) -> RgbImage {
    let tile = Tile {
        rgb: pixels.levels.clone(),
        width: pixels.width,
        height: pixels.height,
        origin: Origin::Real,
    };
    let tile = tile.scaled(320).unwrap();
    let scale = [f64::from(tile.width) / 96.0, f64::from(tile.height) / 64.0];
    let mut scaled = Pixels::new(tile.width, tile.height);
    scaled.levels = tile.rgb;
    let objects = objects.iter().map(|(corners, class)| DrawnObject {
        class: *class as u32,
        label: ["bright", "dark"][*class as usize].to_owned(),
        corners: Some(std::array::from_fn(|side| f64::from(corners[side]) * scale[side % 2])),
        ..DrawnObject::default()
    });
    draw_objects(&scaled, &objects.collect::<Vec<_>>()).unwrap()
}

fn mirrored(objects: &[([f32; 4], i64)]) -> Vec<([f32; 4], i64)> {
    let mirror =
        |([left, top, right, bottom], class): &([f32; 4], i64)| ([96.0 - right, *top, 96.0 - left, *bottom], *class);
    objects.iter().map(mirror).collect()
}

#[test]
fn a_box_that_has_moved_since_is_said_with_its_row() {
    let dir = tempfile::tempdir().unwrap();
    let run = || uneven_run(dir.path(), "out").epochs(1);
    run().run(&context(), &mut |_| ()).unwrap();
    let again = run().existing(Existing::Resume);
    again.run(&context(), &mut |_| ()).unwrap();
    let mut moved = uneven();
    moved[5][0].0[0] += 1.0;
    let columns = vec![
        ("image", pictures(&uneven())),
        ("objects", objects(&moved, BoxFormat::Xywh)),
    ];
    write(&dir.path().join("train.parquet"), columns);
    let error = again.run(&context(), &mut |_| ()).unwrap_err().to_string();
    assert!(
        error.contains("the training labels (column \"objects\") differ in 1 row: row 5 of row group 0 in "),
        "{error}"
    );
    assert!(error.contains("still, but its boxes are others"), "{error}");
}

#[test]
fn a_preview_draws_boxes_where_the_stage_has_moved_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = uneven_run(dir.path(), "unused").balance(repeated(0.5));
    run.spec.augment.operations =
        serde_json::from_value(json!([{ "horizontal_flip": { "p": 1.0 } }, { "brightness": { "factor": 0.2 } }]))
            .unwrap();
    for unfreeze in [0, 1] {
        let preview = Preview::new(run.clone().unfreeze(unfreeze))
            .open(&context(), &mut |_| ())
            .unwrap();
        let samples = preview.samples(1, 3).unwrap();
        assert_eq!(samples.groups[0].epoch, (40, 0));
        let sheet = preview.sheet(&samples, 320).unwrap();
        assert!(
            sheet.notes[0].ends_with(
                "repeat factor 0.5 by the rarest class of a row: all rows and their repeats are 45 rows, and an epoch has as many steps as the \
                 40 stored rows need."
            ),
            "{:?}",
            sheet.notes
        );
        let (mut real, mut augmented) = (0, 0);
        for sample in &samples.groups[0].samples {
            let stored = &uneven()[sample.rows[0] as usize];
            let pixels = preview.pictures(sample).unwrap().remove(0);
            let expected = match sample.provenance.origin {
                Origin::Real => {
                    real += 1;
                    drawn(&pixels, stored)
                }
                _ => {
                    augmented += 1;
                    drawn(&pixels, &mirrored(stored))
                }
            };
            assert!(has(&sheet.picture, &expected), "{sample:?}");
        }
        assert_eq!((real, augmented), (3, 3));
        // Row 8 has a bright and two dark squares.
        let steps = preview.steps(8, 1).unwrap();
        let names: Vec<&str> = steps.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["original", "letterbox", "horizontal_flip", "brightness"]);
        let sheet = preview.step_sheet(&steps, 320).unwrap();
        for (at, step) in steps.steps.iter().enumerate() {
            let stored = &uneven()[8];
            let expected = if at < 2 { stored.clone() } else { mirrored(stored) };
            assert!(has(&sheet, &drawn(&step.pixels, &expected)), "{at}");
        }
    }
    // Boxes are drawn where a picture has another size in between, too.
    run.spec.augment.operations = serde_json::from_value(json!([
        { "resize": { "size": [48, 32] } }, { "horizontal_flip": { "p": 1.0 } }, { "resize": { "size": [96, 64] } }
    ]))
    .unwrap();
    let preview = Preview::new(run.clone()).open(&context(), &mut |_| ()).unwrap();
    let steps = preview.steps(8, 1).unwrap();
    let sheet = preview.step_sheet(&steps, 320).unwrap();
    let sizes: Vec<_> = steps.steps.iter().map(|step| step.pixels.width).collect();
    assert_eq!(sizes, [96, 96, 48, 48, 96]);
    for (at, step) in steps.steps.iter().enumerate() {
        let stored = &uneven()[8];
        let expected = if at < 3 { stored.clone() } else { mirrored(stored) };
        assert!(has(&sheet, &drawn(&step.pixels, &expected)), "{at}");
    }
    // Below a tile stands what is in it: a crop leaves some of the boxes.
    let mut cropped = run.clone().unfreeze(1);
    cropped.spec.augment.operations = serde_json::from_value(json!([
        { "resize": { "size": [192, 64] } }, { "random_crop": { "size": [96, 64] } }
    ]))
    .unwrap();
    let preview = Preview::new(cropped).open(&context(), &mut |_| ()).unwrap();
    let samples = preview.samples(1, 20).unwrap();
    let trained = samples.groups[0].samples.iter().filter(|sample| sample.is_trained);
    let targets: Vec<&str> = trained.map(|sample| sample.target.as_str()).collect();
    assert!(targets.contains(&"nothing"), "{targets:?}");
    // Of 40 rows an epoch, each of which comes in its four views by turns, three are augmented and half of these have objects pasted.
    let mut pasting = run.clone().views(4).balance(Strategy::default());
    pasting.spec.augment.operations = serde_json::from_value(json!([{ "copy_paste": { "p": 0.5 } }])).unwrap();
    let preview = Preview::new(pasting.clone()).open(&context(), &mut |_| ()).unwrap();
    let samples = preview.samples(1, 8).unwrap();
    let (rows, synthetic) = samples.groups[0].epoch;
    assert!(rows == 40 && (10..=20).contains(&synthetic), "{rows} {synthetic}");
    let notes = preview.sheet(&samples, 96).unwrap().notes.join(" ");
    assert!(
        notes.contains(
            "Synthetic rows (copy_paste) are pictures into which objects of another row or view may have been pasted, "
        ) && !notes.contains("no pictures"),
        "{notes}"
    );
    let over = samples.averaged_over.clone().into_inner();
    let said = format!("are synthetic is an average over epochs {} to {}: ", over.0, over.1);
    assert!(over.0 == 1 && over.1 > 1 && notes.contains(&said), "{over:?}: {notes}");
    let mut said = String::new();
    pasting
        .epochs(1)
        .out(dir.path().join("pasting"))
        .run(&context(), &mut |event| {
            if let Event::Explain(plan) = event {
                said += plan;
            }
        })
        .unwrap();
    let about = said.split_once("synthetic (copy_paste): about ").expect("it is said").1;
    let about: u64 = about.split(' ').next().and_then(|rows| rows.parse().ok()).unwrap();
    // A pass over all views together, or an epoch.
    assert!((45..=75).contains(&about) || (10..=20).contains(&about), "{about}");
    // An epoch is one of the training: as many rows as are stored.
    assert!(
        said.contains("160 rows a pass over all views") && !said.contains("an epoch"),
        "{said}"
    );
    let of_views =
        "each view of each row once a pass over all views, and an epoch has as many steps as the 40 stored rows need";
    assert!(notes.contains(of_views), "{notes}");
    // What is pasted comes behind the steps of the stage.
    let paste = json!([{ "horizontal_flip": { "p": 1.0 } }, { "copy_paste": { "classes": ["dark"], "cover": 1.0, "most": 1, "window": 4 } }]);
    run.spec.augment.operations = serde_json::from_value(paste).unwrap();
    for unfreeze in [0, 1] {
        let preview = Preview::new(run.clone().unfreeze(unfreeze))
            .open(&context(), &mut |_| ())
            .unwrap();
        let mut pasted = 0;
        for row in 0..40 {
            let steps = preview.steps(row, 1).unwrap();
            let last = steps.steps.last().unwrap();
            // The first of the fixed views is the row as it is, and some rows come in that one alone.
            if last.name != "copy_paste" {
                assert!(unfreeze == 0 && steps.view == Some(0), "{row}: {}", last.name);
                continue;
            }
            let flipped = &steps.steps[2];
            let is_same = flipped.pixels == last.pixels;
            assert_eq!(
                last.drawn.as_deref(),
                Some(if is_same { "0 objects" } else { "1 object" })
            );
            pasted += usize::from(!is_same);
        }
        assert!(pasted >= 3, "{pasted}");
    }
}

#[test]
fn a_mask_beside_the_boxes_cuts_out_what_a_run_pastes() {
    let dir = tempfile::tempdir().unwrap();
    let rows = uneven();
    let mask = |objects: &Vec<([f32; 4], i64)>| {
        // A dark square is a ring in its mask.
        let value = |at: usize| {
            let (x, y) = ((at % 96) as f32, (at / 96) as f32);
            let depth = |[left, top, right, bottom]: [f32; 4]| {
                (x - left).min(y - top).min(right - 1.0 - x).min(bottom - 1.0 - y)
            };
            let ring = |(corners, class): &([f32; 4], i64)| *class == 1 && (0.0..6.0).contains(&depth(*corners));
            u8::from(objects.iter().any(ring))
        };
        let values: Vec<u8> = (0..96 * 64).map(value).collect();
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 96, 64);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&values).unwrap();
        png
    };
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values(rows.iter().map(mask)));
    let columns = vec![
        ("image", pictures(&rows)),
        ("objects", objects(&rows, BoxFormat::Xywh)),
        ("cells", masks),
    ];
    let file = write(&dir.path().join("masked.parquet"), columns);
    let mut run = uneven_run(dir.path(), "out")
        .balance(repeated(1.0))
        .epochs(1)
        .unfreeze(1)
        .deep_epochs(1);
    run.spec.data.train = vec![file].into();
    run.spec.data.image = Some("image".to_owned());
    let paste = |mask: Value| json!([{ "copy_paste": { "classes": ["dark"], "cover": 1.0, "most": 1, "window": 8, "edge": 0.0, "mask": mask } }]);
    run.spec.augment.operations = serde_json::from_value(paste(json!("cells"))).unwrap();
    let cx = context();
    let pictures_of = |run: &Finetune| -> (Vec<Vec<f32>>, usize) {
        let datasets = run.datasets(&cx).unwrap();
        let loader = run.image_loader(&cx, &datasets, &run.spec.balance).unwrap();
        let (mut all, mut pasted) = (Vec::new(), 0);
        for batch in loader.blocking().unwrap().take(6) {
            let batch = batch.unwrap();
            assert!(batch.rows().column_by_name("cells").is_none());
            for row in 0..batch.rows().num_rows() {
                let picture = batch.rows()["image"].as_fixed_size_list().value(row);
                all.push(picture.as_primitive::<Float32Type>().values().to_vec());
                let classes = batch.rows()["objects.category"].as_list::<i32>().value(row).len();
                pasted += usize::from(classes.is_multiple_of(2));
            }
        }
        (all, pasted)
    };
    let (cut, pasted) = pictures_of(&run);
    assert!(pasted > 4, "{pasted}");
    run.spec.augment.operations = serde_json::from_value(paste(Value::Null)).unwrap();
    let (whole, again) = pictures_of(&run);
    assert_eq!(pasted, again, "the same draws");
    // Whole squares of 24 x 24 pixels cover what is inside of the rings, 12 x 12: that alone differs.
    let mut differ = 0;
    for (cut, whole) in cut.iter().zip(&whole) {
        let places = cut
            .iter()
            .zip(whole)
            .take(96 * 64)
            .filter(|(cut, whole)| cut != whole)
            .count();
        assert!(places <= 12 * 12, "{places}");
        differ += usize::from(places > 0);
    }
    assert!(differ > 4 && differ <= pasted, "{differ} of {pasted}");
    run.spec.augment.operations = serde_json::from_value(paste(json!("cells"))).unwrap();
    let report = run.run(&context(), &mut |_| ()).unwrap();
    assert!(report.figures.counts.get("dark").unwrap().emitted.synthetic > 0);
}

#[test]
fn steps_of_a_row_have_the_crop_that_looks_at_its_boxes() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = uneven_run(dir.path(), "unused").balance(repeated(0.5));
    run.spec.augment.crop = serde_json::from_value(json!("random_iou_crop")).unwrap();
    run.spec.augment.operations = serde_json::from_value(json!([{ "scale": { "scale": [0.6, 0.6] } }])).unwrap();
    for unfreeze in [0, 1] {
        let preview = Preview::new(run.clone().unfreeze(unfreeze))
            .open(&context(), &mut |_| ())
            .unwrap();
        let mut parts = 0;
        for row in 0..40 {
            let steps = preview.steps(row, 1).unwrap();
            let Some(crop) = steps.steps.iter().find(|step| step.name == "random_iou_crop") else {
                assert_eq!(steps.view, Some(0), "row {row}");
                continue;
            };
            let drawn = crop.drawn.as_deref().unwrap();
            parts += usize::from(!drawn.starts_with("96 x 64 "));
        }
        assert!(parts > 8, "unfreeze {unfreeze}: {parts}");
    }
}

#[test]
fn boxes_are_suppressed_as_asked_and_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 24, BoxFormat::Xywh);
    let out = dir.path().join("run");
    run(&small(file.clone(), &out).epochs(4)).unwrap();
    let own = Predict::new(&out, [file.clone()]);
    assert_eq!(own.model_nms().unwrap(), Some(Detect::default().nms));
    let said = own.nms_in_words().unwrap().unwrap();
    let trained = "hard suppression above an intersection over union of 0.6, class by class; scores of at least 0.02; at most 100 boxes a picture";
    assert_eq!(said, format!("boxes: {trained}, as the model was trained with"));
    let counts = |predict: &Predict| -> Vec<usize> {
        let rows = predict.run(&context(), &mut |_, _| ()).unwrap();
        let scores = rows["objects"].as_struct().column(3).as_list::<i32>().clone();
        (0..24).map(|row| scores.value(row).len()).collect()
    };
    let all = counts(&own);
    assert!(all.iter().any(|&boxes| boxes > 1), "{all:?}");
    let few = Predict {
        nms: Some(Nms {
            at_most: 1,
            ..Nms::gaussian(0.5)
        }),
        ..own.clone()
    };
    assert!(counts(&few).iter().all(|&boxes| boxes <= 1));
    let none = Predict {
        nms: Some(Nms {
            min_score: 1.0,
            ..Nms::hard(0.6)
        }),
        ..own.clone()
    };
    assert_eq!(counts(&none), [0; 24]);
    // The figures are those of these boxes, and the report says so.
    let report = Evaluate::new(few).run(&context(), &mut |_, _| ()).unwrap();
    let said = report.notes.iter().find(|note| note.starts_with("boxes: ")).unwrap();
    assert!(
        said.starts_with("boxes: Gaussian Soft-NMS with sigma 0.5, class by class; scores of at least 0; at most 1 box a picture (the model")
            && said.ends_with(&format!("was trained with: {trained})")),
        "{said}"
    );
    let report = Evaluate::new(none).run(&context(), &mut |_, _| ()).unwrap();
    assert_eq!(report.figures.value("mar100"), Some(0.0));
    let wrong = Predict {
        nms: Some(Nms::hard(7.0)),
        ..own
    };
    let error = wrong.run(&context(), &mut |_, _| ()).unwrap_err();
    assert_eq!(error.to_string(), "nms: iou is 7, not in 0 to 1");
}

#[test]
fn a_run_is_refused_before_it_reads_where_sizes_or_boxes_do_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 24, BoxFormat::Xywh);
    let with = |operations: Value, size: (u32, u32)| {
        let mut own = small(file.clone(), &dir.path().join("none"))
            .size(size.0)
            .height(size.1)
            .epochs(1);
        own.spec.augment.operations = serde_json::from_value(operations).unwrap();
        own.spec
            .check()
            .map(|()| Preview::new(own).open(&context(), &mut |_| ()).map(drop))
            .unwrap()
    };
    let larger = json!([{ "resize": { "size": [128, 96] } }, { "random_crop": { "size": [96, 64] } }]);
    with(larger.clone(), (96, 64)).unwrap();
    let error = with(larger, (64, 64)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "augment.operations: the operations leave pictures of 96 x 64 pixels, but size is 64 x 64"
    );
    let error = with(
        json!([{ "random_apply": { "p": 0.5, "operations": ["aug_mix"] } }]),
        (96, 64),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("aug_mix: it mixes pictures that were moved in different ways, so boxes"),
        "{error}"
    );
}

/// The recipe of [`uneven_run`], with these operations.
fn uneven_recipe(folder: &Path, operations: &str) -> std::path::PathBuf {
    uneven_run(folder, "none");
    let text = format!(
        "task = {{ detect = {{}} }}\n[data]\ntrain = \"train.parquet\"\nvalid = \"valid.parquet\"\n[augment]\nviews = 2\ncrop = \"whole\"\n\
         operations = [{operations}]\n[model]\nbackbone = {BACKBONE:?}\nsize = 96\nheight = 64\n[train]\nepochs = 3\nbatch_size = 8\n\
         learning_rate = 0.01\n"
    );
    let path = folder.join("squares.toml");
    fs::write(&path, text).unwrap();
    path
}

/// An ablation trains each way under each seed, goes on after a kill to the same report, and its scenes stand behind the training pictures.
#[test]
fn ways_to_find_rare_boxes_are_compared() {
    let place = tempfile::tempdir().unwrap();
    let (folder, out) = (place.path(), place.path().join("out"));
    let ablation = |operations: &str| {
        let data = Detection {
            name: "squares".to_owned(),
            recipe: uneven_recipe(folder, operations),
            train: Vec::new(),
            test: Vec::new(),
        };
        Ablation::new([DataSet::Detection(data)]).seeds(2).paired_seeds(2)
    };
    let pastes = ablation("{ copy_paste = { classes = [\"dark\"] } }");
    let refused = pastes.run(&context(), &out, &mut |_| ()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Config);
    assert!(
        refused
            .to_string()
            .contains("squares: the recipe pastes objects by itself"),
        "{refused}"
    );
    assert!(!out.exists(), "nothing is written of data that is refused");

    let ablation = ablation("{ horizontal_flip = { p = 0.5 } }");
    let DataSet::Detection(mut one_view) = ablation.data[0].clone() else {
        unreachable!()
    };
    let text = fs::read_to_string(&one_view.recipe).unwrap();
    one_view.recipe = folder.join("one-view.toml");
    fs::write(&one_view.recipe, text.replace("views = 2", "views = 1")).unwrap();
    let refused = Ablation::new([DataSet::Detection(one_view)]).run(&context(), &out, &mut |_| ());
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("the recipe's augment.views is 1"), "{refused}");
    assert!(!out.exists(), "nothing is written of data that is refused");
    let other = data(&folder.join("corners.parquet"), 8, BoxFormat::XyxyNormalized);
    let DataSet::Detection(detection) = ablation.data[0].clone() else {
        unreachable!()
    };
    let normalized = "task = { detect = { boxes = \"xyxy_normalized\" } }";
    let text = fs::read_to_string(&detection.recipe).unwrap();
    let recipe = folder.join("corners.toml");
    fs::write(&recipe, text.replace("task = { detect = {} }", normalized)).unwrap();
    let corners = Detection {
        recipe,
        train: vec![other.clone()],
        test: vec![other],
        ..detection
    };
    let refused = Ablation::new([DataSet::Detection(corners)]).run(&context(), &out, &mut |_| ());
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("boxes as COCO has them (xywh)"), "{refused}");
    let DataSet::Detection(detection) = ablation.data[0].clone() else {
        unreachable!()
    };
    let same = Detection {
        test: vec![folder.join("train.parquet").display().to_string()],
        ..detection
    };
    let refused = Ablation::new([DataSet::Detection(same)]).run(&context(), &out, &mut |_| ());
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("is read as training rows and as test rows"),
        "{refused}"
    );
    assert!(!out.exists(), "nothing is written of data that is refused");
    let report = ablation.run(&context(), &out, &mut |_| ()).unwrap();
    let squares = &report.detection[0];
    assert_eq!(
        (&squares.training_objects[..], squares.test_pictures),
        (&[40, 10][..], 8)
    );
    let names: Vec<&str> = squares.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["none", "repeat factors", "copy-paste", "scenes"]);
    assert!(squares.rows[1].map.is_none() && squares.rows[3].rarest_third.is_some());
    for row in &squares.rows {
        let figures = row.seeds.iter().flat_map(|of| [of.map, of.map50, of.rarest_third]);
        assert!(
            figures.into_iter().all(|figure| (0.0..=1.0).contains(&figure)),
            "{row:?}"
        );
        assert_ne!(row.seeds[0], row.seeds[1], "{}", row.name);
    }

    // Of forty pictures ten scenes, each of which has a dark square; the stored boxes are as they were.
    let runs = fs::read_dir(out.join("runs")).unwrap().next().unwrap().unwrap().path();
    assert!(!runs.join("none-0/features").exists());
    let scenes = runs.join("scenes-0.25.parquet");
    let cx = context();
    let rows = cx.block_on(Parquet::open(&cx, scenes.to_str().unwrap())).unwrap();
    let reader = cx
        .block_on(ObjectReader::scan(&cx, &rows, "objects", BoxFormat::Xywh))
        .unwrap();
    assert_eq!(reader.names(), ["bright", "dark"]);
    let all = reader.read(&cx.block_on(rows.column(&cx, "objects")).unwrap()).unwrap();
    assert_eq!(all.len(), 50);
    for (row, stored) in uneven().iter().enumerate() {
        let found: Vec<([f32; 4], i64)> = all[row]
            .boxes
            .iter()
            .copied()
            .zip(all[row].classes.iter().copied())
            .collect();
        assert_eq!(&found, stored, "row {row}");
    }
    assert!(all[40..].iter().all(|of| of.classes.contains(&1)));

    // What is compared with repeat factors was chosen on three fifths of the training pictures, of which no picture is trained on.
    let chosen = &squares.chosen;
    assert_eq!((chosen.choice.parts, chosen.choice.tried.len()), (3, 4));
    assert_eq!((chosen.rarest_third.test.pairs, chosen.chosen.seeds.len()), (2, 2));
    assert_eq!(chosen.repeat_factors.seeds, squares.rows[1].seeds);
    let rows_of = |path: &Path| {
        let rows = cx.block_on(Parquet::open(&cx, path.to_str().unwrap())).unwrap();
        let all = cx.block_on(rows.take(&cx, &(0..rows.len().finite().unwrap()).collect::<Vec<_>>()));
        let all = all.unwrap();
        // Files of Parquet are read as views.
        let column = all.column_by_name("image").unwrap().as_binary_view();
        column.iter().map(|file| file.unwrap().to_vec()).collect::<Vec<_>>()
    };
    let mut stored = rows_of(&folder.join("train.parquet"));
    stored.sort();
    for part in ["part 0", "part 1", "part 2"] {
        let of = |name: &str| rows_of(&runs.join(part).join(name));
        let (train, held_out) = (of("train.parquet"), of("held-out.parquet"));
        assert_eq!((train.len(), held_out.len()), (32, 8));
        let mut both = [train, held_out].concat();
        both.sort();
        assert_eq!(both, stored, "each training picture is in one of both");
        assert!(runs.join(part).join("scenes-0.25.parquet").exists());
    }

    // Three cells are gone, as after a kill: one of them was tried inside.
    let cells = fs::read_to_string(out.join("cells.jsonl")).unwrap();
    let lines: Vec<&str> = cells.lines().collect();
    assert_eq!(lines.len(), 1 + 8 + 3 * 5 + 2);
    fs::write(out.join("cells.jsonl"), lines[..lines.len() - 3].join("\n") + "\n").unwrap();
    assert_eq!(ablation.run(&context(), &out, &mut |_| ()).unwrap(), report);
}
