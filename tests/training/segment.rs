//! Semantic segmentation: runs on tiny pictures through a tiny network, their predictions, figures and pictures.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
    StructArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use burn::tensor::{Device, Tensor, TensorData};
use common::context;
use millstream::error::Remedy;
use millstream::image::{Crop, Pixels};
use millstream::model::Outputs;
use millstream::report::Report;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::{Generator, SampleId, Scenes, ScenesSpec};
use millstream::task::{Evaluate, Finetune, OnBadRow, Predict, Preview, Segment, Task};
use millstream::{Error, Result, Stable};
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");
const SIZE: [u32; 2] = [96, 64];

/// The classes of the pixels of a picture: bright squares are of class 1, dark ones of class 2, on grey, class 0.
fn classes(row: u32) -> Vec<u8> {
    let mut state = row.wrapping_mul(2_654_435_761).wrapping_add(7);
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let mut classes = vec![0; (SIZE[0] * SIZE[1]) as usize];
    for third in 0..1 + next(3) {
        let (side, class) = (20 + next(9), 1 + next(2) as u8);
        let (left, top) = (third * 32 + next(4), next(SIZE[1] - side));
        for y in top..top + side {
            for x in left..(left + side).min(SIZE[0]) {
                classes[(y * SIZE[0] + x) as usize] = class;
            }
        }
    }
    classes
}

fn picture(classes: &[u8]) -> Vec<u8> {
    let mut pixels = Pixels::new(SIZE[0], SIZE[1]);
    for (at, (pixel, class)) in pixels.levels.chunks_exact_mut(3).zip(classes).enumerate() {
        let (x, y) = (at as u32 % SIZE[0], at as u32 / SIZE[0]);
        let texture = ((x * 7 + y * 13) % 16) as u8;
        pixel.fill(texture + [110, 230, 0][usize::from(*class)]);
    }
    pixels.to_png().unwrap()
}

fn mask(values: &[u8]) -> Vec<u8> {
    let mut pixels = Pixels::with_channels(SIZE[0], SIZE[1], 1);
    pixels.levels.copy_from_slice(values);
    pixels.to_png().unwrap()
}

fn binary(files: impl IntoIterator<Item = Option<Vec<u8>>>) -> ArrayRef {
    Arc::new(files.into_iter().collect::<BinaryArray>())
}

fn write(path: &Path, rows: &RecordBatch) -> String {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

/// So many pictures with their masks, in columns of which both hold files.
fn data(path: &Path, rows: u32, of: impl Fn(u32) -> Option<Vec<u8>>) -> String {
    let pictures = (0..rows).map(|row| Some(picture(&classes(row))));
    let columns = [("image", binary(pictures)), ("mask", binary((0..rows).map(of)))];
    write(path, &RecordBatch::try_from_iter(columns).unwrap())
}

pub(super) fn squares(path: &Path, rows: u32) -> String {
    data(path, rows, |row| Some(mask(&classes(row))))
}

pub(super) fn small(train: String, out: &Path) -> Finetune {
    let mut run = Finetune::default()
        .train([train])
        .image("image")
        .backbone(BACKBONE)
        .size(SIZE[0])
        .height(SIZE[1])
        .views(2)
        .batch_size(8)
        .out(out);
    run.spec.data.held_out = 0.25;
    run.spec.train.learning_rate = Some(1e-2);
    run
}

pub(super) fn run(run: &Finetune) -> Result<Report> {
    run.run(&context(), &mut |_| ())
}

/// The values of the masks that were predicted.
fn predicted(rows: &RecordBatch) -> Vec<Pixels> {
    let files = rows["mask"].as_struct().column_by_name("bytes").unwrap();
    let files = files.as_binary::<i32>();
    let pixels = files.iter().map(|file| Pixels::decode(file.unwrap()).unwrap());
    pixels.collect()
}

#[test]
fn masks_are_found_learnt_predicted_and_evaluated() {
    let dir = tempfile::tempdir().unwrap();
    let file = squares(&dir.path().join("x.parquet"), 64);
    let out = dir.path().join("run");
    let report = run(&small(file.clone(), &out).epochs(40)).unwrap();
    let note = "task: segment, since column \"mask\" holds masks".to_owned();
    assert!(report.notes.contains(&note), "{:?}", report.notes);
    let measured = &report.figures.measured;
    assert_eq!((measured.rows, measured.chooses.as_str()), (16, "mean_iou"));
    // Numbers are names where there are no others.
    assert_eq!(report.figures.classes, ["0", "1", "2"]);
    let before: Vec<u64> = report.figures.counts.iter().map(|(_, counts)| counts.before).collect();
    assert_eq!(before[0], 48, "each picture has background");
    // Background everywhere would have an intersection over union of its share, which is below 0.9, and none of the squares.
    let mean = measured.value("mean_iou").unwrap();
    assert!(mean > 0.6, "{measured:?}");
    for (_, figures) in measured.by_class.iter() {
        assert!(figures.iter().all(|figure| figure.value.unwrap() > 0.4), "{figures:?}");
    }

    // Predictions are masks of the pictures' size in the layout of pictures.
    let rows = Predict::new(&out, [file.clone()])
        .run(&context(), &mut |_, _| ())
        .unwrap();
    let names: Vec<&str> = rows["mask"].as_struct().column_names();
    assert_eq!((names, rows["mask"].null_count()), (vec!["bytes", "path"], 0));
    let (mut right, mut all) = (0, 0);
    for (row, found) in (0..).zip(predicted(&rows)) {
        assert_eq!([found.width, found.height], SIZE);
        let pairs = found
            .levels
            .chunks_exact(3)
            .zip(classes(row))
            .filter(|(_, class)| *class > 0);
        all += pairs.clone().count();
        right += pairs.filter(|(found, class)| found[0] == *class).count();
    }
    assert!(right * 10 > all * 7, "{right} of {all}");

    // Figures of the saved model are those of the run, since no picture is larger than the input.
    let again = small(file.clone(), &dir.path().join("same"))
        .valid([file.clone()])
        .epochs(1);
    let report = run(&again).unwrap();
    let evaluated = Evaluate::new(Predict::new(dir.path().join("same"), [file.clone()]))
        .run(&context(), &mut |_, _| ())
        .unwrap();
    for figure in ["mean_iou", "pixel_accuracy", "mean_accuracy"] {
        let [ours, theirs] = [&report, &evaluated].map(|report| report.figures.value(figure).unwrap());
        assert!((ours - theirs).abs() < 1e-3, "{figure}: {ours} and {theirs}");
    }

    // Pictures of the rows with the most wrong pixels, and predictions drawn into theirs.
    let masks = image::open(out.join("masks.png")).unwrap().to_rgb8();
    assert!(masks.width() > 900 && masks.height() > 400, "{:?}", masks.dimensions());
    assert!(
        fs::read_to_string(out.join("report.html"))
            .unwrap()
            .contains("share of wrong pixels")
    );
    // The pictures are grey, and what is predicted has colours.
    let worst = image::open(out.join("worst.png")).unwrap().to_rgb8();
    let coloured = worst.pixels().filter(|pixel| pixel[0].abs_diff(pixel[1]) > 40).count();
    assert!(coloured > 1000, "{coloured}");
    let drawn = dir.path().join("drawn");
    let predict = Predict::new(&out, [file]);
    let counted = predict.draw(&context(), &rows, &drawn, 0.3, false).unwrap();
    assert_eq!((counted.pictures, counted.boxes), (64, None));
    let first = image::open(drawn.join("00000.png")).unwrap().to_rgb8();
    let whole = image::load_from_memory(&picture(&classes(0))).unwrap().to_rgb8();
    assert_eq!(first.width() % whole.width(), 0);
    assert!(first.pixels().any(|pixel| pixel[0] != pixel[1]), "a class has a colour");
}

#[test]
fn pixels_of_255_are_not_learnt_and_pictures_of_another_shape_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    // The left half says nothing of any picture; in the right half bright squares are of class 1 and all else is of class 0.
    let file = data(&dir.path().join("x.parquet"), 48, |row| {
        let mut values = classes(row);
        for (at, value) in values.iter_mut().enumerate() {
            *value = match at as u32 % SIZE[0] {
                0..48 => 255,
                _ => u8::from(*value == 1),
            };
        }
        Some(mask(&values))
    });
    // A square input: the picture has a rim above and below.
    let named = Segment {
        classes: vec!["ground".to_owned(), "bright".to_owned()],
        ..Segment::default()
    };
    let out = dir.path().join("run");
    let trained = small(file.clone(), &out)
        .height(96)
        .task(named)
        .label("mask")
        .epochs(16);
    let report = run(&trained).unwrap();
    assert_eq!(report.figures.classes, ["ground", "bright"]);
    // What a mask does not say counts nowhere: a rim or a left half that did would be wrong in a share of them.
    let accuracy = report.figures.value("pixel_accuracy").unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    let rows = Predict::new(&out, [file]).run(&context(), &mut |_, _| ()).unwrap();
    // The squares of the left half are found nevertheless.
    let found: usize = (0..)
        .zip(predicted(&rows))
        .map(|(row, found)| {
            assert_eq!([found.width, found.height], SIZE);
            let pairs = found.levels.chunks_exact(3).zip(classes(row)).enumerate();
            pairs
                .filter(|(at, (found, class))| at % 96 < 48 && *class == 1 && found[0] == 1)
                .count()
        })
        .sum();
    assert!(found > 1000, "{found}");
}

#[test]
fn names_of_classes_are_those_of_the_masks_metadata() {
    let cx = context();
    let dir = tempfile::tempdir().unwrap();
    let mut shape = Pixels::new(16, 16);
    for (at, pixel) in shape.levels.chunks_exact_mut(3).enumerate() {
        if (3..13).contains(&(at % 16)) && (3..13).contains(&(at / 16)) {
            pixel.fill(200);
        }
    }
    let png = shape.to_png().unwrap();
    let labels: ArrayRef = Arc::new(StringArray::from(vec!["cup", "jug", "cup", "jug"]));
    let columns = [("image", binary((0..4).map(|_| Some(png.clone())))), ("label", labels)];
    let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap());
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let spec = ScenesSpec {
        width: SIZE[0],
        height: SIZE[1],
        ..ScenesSpec::default()
    };
    let scenes = Scenes::new(rows, &labels, spec).unwrap();
    let samples: Vec<SampleId> = (0..16)
        .map(|index| SampleId {
            class: (index % 2) as u32,
            index,
        })
        .collect();
    let made = cx.block_on(scenes.generate(&cx, &samples)).unwrap();
    let file = write(&dir.path().join("scenes.parquet"), &made);
    // Scenes have boxes, labels and masks: which of them is meant is said.
    let report = run(&small(file, &dir.path().join("run")).task(Segment::default()).epochs(1)).unwrap();
    assert_eq!(report.figures.classes, ["background", "cup", "jug"]);
}

#[test]
fn classes_without_a_pixel_are_not_predicted() {
    let dir = tempfile::tempdir().unwrap();
    let file = squares(&dir.path().join("x.parquet"), 16);
    let names = ["ground", "bright", "dark", "never"].map(str::to_owned).to_vec();
    let task = Segment {
        classes: names.clone(),
        ..Segment::default()
    };
    let out = dir.path().join("run");
    let report = run(&small(file, &out).task(task).epochs(1)).unwrap();
    assert!(
        report
            .warnings
            .iter()
            .any(|said| said.contains("so hardly anything is predicted as one of them")),
        "{:?}",
        report.warnings
    );
    let saved: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("model.json")).unwrap()).unwrap();
    assert_eq!(saved["task"]["segment"]["absent"], serde_json::json!([3]));
    // Its logit is the largest everywhere, and the next one is predicted.
    let device = Device::flex();
    let logits: Vec<f32> = [0.0, 2.0, 1.0, 9.0].iter().flat_map(|logit| [*logit; 6]).collect();
    let outputs = || {
        Outputs::Map(Tensor::from_data(
            TensorData::new(logits.clone(), [1, 4, 2, 3]),
            &device,
        ))
    };
    let frame = Float32Array::from(vec![1.0, 1.0, 0.0, 0.0, 24.0, 16.0, 24.0, 16.0]);
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let frames: ArrayRef = Arc::new(FixedSizeListArray::new(item, 8, Arc::new(frame), None));
    let rows = RecordBatch::try_from_iter([("frame", frames)]).unwrap();
    for (absent, expected) in [(vec![], 3), (vec![3], 1), (vec![1, 3], 2)] {
        let task = Segment {
            classes: names.clone(),
            absent,
            ..Segment::default()
        };
        let made = predicted(&task.predictions(outputs(), &rows).unwrap());
        assert!(made[0].levels.iter().all(|class| *class == expected), "{expected}");
    }
}

#[test]
fn masks_of_another_size_are_said_to_be_the_bad_ones() {
    let dir = tempfile::tempdir().unwrap();
    let small_mask = |_| {
        let pixels = Pixels::with_channels(SIZE[0] / 2, SIZE[1] / 2, 1);
        let mut pixels = pixels;
        pixels.levels[..40].fill(1);
        Some(pixels.to_png().unwrap())
    };
    let file = data(&dir.path().join("x.parquet"), 8, small_mask);
    let mut wrong = small(file, &dir.path().join("run")).task(Segment::default());
    wrong.spec.data.on_bad_row = OnBadRow::Skip { at_most: 100 };
    let error = run(&wrong).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("mend the masks, or name another column of masks"),
        "{error}"
    );
    assert_eq!(error.remedy(), Some(Remedy::LabelColumn));
}

/// Below a tile stands what is in it: here the left half, in which no pixel of the right one is.
#[test]
fn a_preview_says_the_shares_of_what_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let halves: Vec<u8> = (0..SIZE[0] * SIZE[1])
        .map(|at| u8::from(at % SIZE[0] >= SIZE[0] / 2))
        .collect();
    let file = data(&dir.path().join("x.parquet"), 8, |_| Some(mask(&halves)));
    let mut looked_at = small(file, &dir.path().join("unused"))
        .task(Segment::default())
        .unfreeze(1);
    let operations = serde_json::json!([
        { "resize": { "size": [2 * SIZE[0], SIZE[1]] } }, { "random_crop": { "size": SIZE } }
    ]);
    looked_at.spec.augment.operations = serde_json::from_value(operations).unwrap();
    looked_at.spec.augment.crop = Crop::Whole;
    let preview = Preview::new(looked_at).open(&context(), &mut |_| ()).unwrap();
    let samples = preview.samples(1, 6).unwrap();
    let of = |is_trained: bool| {
        let samples = samples.groups[0]
            .samples
            .iter()
            .filter(move |sample| sample.is_trained == is_trained);
        samples.map(|sample| sample.target.clone()).collect::<Vec<_>>()
    };
    assert!(
        of(false).iter().all(|target| target == "class 0: 50 %, class 1: 50 %"),
        "{:?}",
        of(false)
    );
    let trained = of(true);
    assert_eq!(trained.len(), 6);
    // A crop of half of the width has from none to all of a half.
    assert!(
        trained.iter().any(|target| target != "class 0: 50 %, class 1: 50 %"),
        "{trained:?}"
    );
    let shares = |target: &String| -> f64 {
        let percents = target.split([' ', ',']).filter_map(|word| word.parse::<f64>().ok());
        percents.filter(|percent| *percent > 1.0).sum()
    };
    assert!(
        trained.iter().all(|target| (shares(target) - 100.0).abs() <= 2.0),
        "{trained:?}"
    );
}

/// Pictures that are larger than the input are measured on their stored masks, too.
#[test]
fn figures_of_a_run_are_those_of_its_model_on_the_stored_masks() {
    let dir = tempfile::tempdir().unwrap();
    let file = squares(&dir.path().join("x.parquet"), 12);
    let out = dir.path().join("run");
    let trained = small(file.clone(), &out)
        .valid([file.clone()])
        .task(Segment::default())
        .size(SIZE[0] / 2)
        .height(SIZE[1] / 2)
        .epochs(4);
    let report = run(&trained).unwrap();
    let evaluated = Evaluate::new(Predict::new(&out, [file]))
        .run(&context(), &mut |_, _| ())
        .unwrap();
    for figure in ["mean_iou", "pixel_accuracy"] {
        let [ours, theirs] = [&report, &evaluated].map(|report| report.figures.value(figure).unwrap());
        assert!((ours - theirs).abs() < 1e-6, "{figure}: {ours} and {theirs}");
    }
}

#[test]
fn what_is_no_mask_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |of: &dyn Fn(u32) -> Option<Vec<u8>>, task: Segment| -> Error {
        let file = data(&dir.path().join("x.parquet"), 8, of);
        let out = dir.path().join("out");
        let error = run(&small(file, &out).task(task)).unwrap_err();
        assert!(!out.exists(), "{error}");
        error
    };
    let good = |row: u32| Some(mask(&classes(row)));
    let at_third = |row: u32, other: Option<Vec<u8>>| if row == 3 { other } else { good(row) };
    let mut coloured = Pixels::new(SIZE[0], SIZE[1]);
    coloured.levels[0] = 9;
    let coloured = coloured.to_png().unwrap();
    let said = refused(&|row| at_third(row, Some(coloured.clone())), Segment::default()).to_string();
    assert!(
        said.contains("row 3") && said.contains("\"mask\"") && said.contains("a mask of RGB pixels"),
        "{said}"
    );
    assert!(
        said.ends_with(
            "store the numbers of its classes as a PNG of one channel, leave the row out, or let bad rows be skipped"
        ),
        "{said}"
    );
    let said = refused(&|row| at_third(row, None), Segment::default()).to_string();
    assert!(said.contains("row 3") && said.contains("a mask is null"), "{said}");
    let two = Segment {
        classes: vec!["a".to_owned(), "b".to_owned()],
        ..Segment::default()
    };
    let said = refused(&good, two).to_string();
    assert!(
        said.contains("a pixel is of class 2, and there are 2 classes"),
        "{said}"
    );
    let said = refused(&|_| Some(mask(&[255; 96 * 64])), Segment::default()).to_string();
    assert!(said.contains("every pixel of every mask is 255"), "{said}");
    let wrong = Segment {
        width: 12,
        ..Segment::default()
    };
    assert!(refused(&good, wrong).to_string().contains("multiple of 8"));
}

#[test]
fn a_column_of_labels_comes_before_masks() {
    let dir = tempfile::tempdir().unwrap();
    let pictures = || binary((0..16).map(|row| Some(picture(&classes(row)))));
    let masks = || binary((0..16).map(|row| Some(mask(&classes(row)))));
    let kinds: ArrayRef = Arc::new(Int64Array::from_iter_values((0..16).map(|row| row % 2)));
    let columns = [("image", pictures()), ("annotation", masks()), ("kind", kinds)];
    let file = write(
        &dir.path().join("x.parquet"),
        &RecordBatch::try_from_iter(columns).unwrap(),
    );
    let task = |label: Option<&str>| {
        let mut run = small(file.clone(), &dir.path().join("none"));
        run.spec.data.label = label.map(str::to_owned);
        let datasets = run.datasets(&context()).unwrap();
        (datasets.task.name().to_owned(), datasets.image, datasets.label)
    };
    let named = |task: &str, label: &str| (task.to_owned(), "image".to_owned(), label.to_owned());
    assert_eq!(task(None), named("classify", "kind"));
    assert_eq!(task(Some("annotation")), named("segment", "annotation"));
}

#[test]
fn a_column_called_mask_is_found_beside_that_of_the_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let plain = squares(&dir.path().join("plain.parquet"), 16);
    // As `datasets` writes an Image: a struct of bytes and path, of which its metadata says what it is.
    let image = |files: ArrayRef| -> ArrayRef {
        let paths: ArrayRef = Arc::new(StringArray::new_null(files.len()));
        let fields = [("bytes", files), ("path", paths)];
        let fields = fields.map(|(name, of)| (Arc::new(Field::new(name, of.data_type().clone(), true)), of));
        Arc::new(StructArray::from(fields.to_vec()))
    };
    let pictures = binary((0..16).map(|row| Some(picture(&classes(row)))));
    let masks = binary((0..16).map(|row| Some(mask(&classes(row)))));
    let columns = [("image", image(pictures)), ("mask", image(masks))];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let features = r#"{"info": {"features": {"image": {"_type": "Image"}, "mask": {"_type": "Image"}}}}"#;
    let metadata = [("huggingface".to_owned(), features.to_owned())].into();
    let schema = Schema::new_with_metadata(rows.schema().fields().clone(), metadata);
    let rows = rows.with_schema(Arc::new(schema)).unwrap();
    let structs = write(&dir.path().join("structs.parquet"), &rows);
    for file in [plain, structs] {
        let mut run = small(file, &dir.path().join("none"));
        run.spec.data.image = None;
        for run in [
            run.clone(),
            run.clone().label("mask"),
            run.clone().image("image"),
            run.task(Segment::default()),
        ] {
            let datasets = run.datasets(&context()).unwrap();
            let found = (datasets.task.name(), &*datasets.image, &*datasets.label);
            assert_eq!(found, ("segment", "image", "mask"));
        }
    }
}

#[test]
fn of_two_columns_of_pictures_one_has_to_be_named() {
    let dir = tempfile::tempdir().unwrap();
    let pictures = || binary((0..16).map(|row| Some(picture(&classes(row)))));
    let masks = binary((0..16).map(|row| Some(mask(&classes(row)))));
    let columns = [("front", pictures()), ("back", pictures()), ("mask", masks)];
    let file = dir.path().join("x.parquet");
    let mut run = small(
        write(&file, &RecordBatch::try_from_iter(columns).unwrap()),
        &dir.path().join("none"),
    );
    run.spec.data.image = None;
    let said = run.datasets(&context()).unwrap_err().to_string();
    assert!(
        said.contains("which column is the image? it could be front, back;"),
        "{said}"
    );
    let datasets = run.image("back").datasets(&context()).unwrap();
    assert_eq!((&*datasets.image, &*datasets.label), ("back", "mask"));
}

#[test]
fn masks_of_one_class_teach_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let said = |of: &dyn Fn(u8) -> u8, task: Segment| {
        let file = data(&dir.path().join("x.parquet"), 12, |row| {
            Some(mask(&classes(row).into_iter().map(of).collect::<Vec<_>>()))
        });
        let out = dir.path().join("out");
        let error = run(&small(file, &out).task(task)).unwrap_err();
        assert!(!out.exists(), "{error}");
        error.to_string()
    };
    let binary = |value: u8| if value == 0 { 0 } else { 255 };
    // Which 0 and 255 are, as many tools write them.
    let error = said(&binary, Segment::default());
    assert!(
        error.ends_with(
            "x.parquet: every pixel of every mask is of one class, 0 (\"0\"), or 255, the task's ignore_index, so there is nothing to tell apart: where 255 \
             stands for a class, store another value, such as 1"
        ),
        "{error}"
    );
    let none = Segment {
        ignore_index: -100,
        ..Segment::default()
    };
    let error = said(&binary, none.clone());
    assert!(
        error.ends_with(
            "a pixel is 255, and classes are 0 to 254: store 0 and 1 in place of 0 and 255, or let 255 be the task's ignore_index"
        ),
        "{error}"
    );
    let error = said(&|_| 0, none);
    assert!(
        error.ends_with(
            "x.parquet: every pixel of every mask is of one class, 0 (\"0\"), so there is nothing to tell apart"
        ),
        "{error}"
    );
    let wrong = Segment {
        ignore_index: 256,
        ..Segment::default()
    };
    assert!(said(&binary, wrong).contains("ignore_index is 256, and pixels are 0 to 255"));
}

#[test]
fn another_value_may_stand_for_no_class() {
    let dir = tempfile::tempdir().unwrap();
    let file = squares(&dir.path().join("x.parquet"), 48);
    let task = Segment {
        ignore_index: 0,
        ..Segment::default()
    };
    let out = dir.path().join("run");
    let report = run(&small(file.clone(), &out).task(task).label("mask").epochs(12)).unwrap();
    let all: Vec<u8> = (0..48).flat_map(classes).collect();
    let percent = 100 * all.iter().filter(|value| **value == 0).count() / all.len();
    let note = format!(
        "{percent} % of the pixels of the masks in column \"mask\" are 0, the task's ignore_index: they are neither learnt nor measured"
    );
    assert!(percent > 20 && report.notes.contains(&note), "{:?}", report.notes);
    let before: Vec<u64> = report.figures.counts.iter().map(|(_, counts)| counts.before).collect();
    assert_eq!(before[0], 0);
    // What is measured on stored masks is what the masks say of squares alone.
    let evaluated = Evaluate::new(Predict::new(&out, [file.clone()]));
    let evaluated = evaluated.run(&context(), &mut |_, _| ()).unwrap();
    let rows = Predict::new(&out, [file]).run(&context(), &mut |_, _| ()).unwrap();
    let (mut right, mut known) = (0, 0);
    for (row, found) in (0..).zip(predicted(&rows)) {
        for (found, is) in found.levels.chunks_exact(3).zip(classes(row)) {
            (right, known) = (right + u32::from(is != 0 && found[0] == is), known + u32::from(is != 0));
        }
    }
    let accuracy = evaluated.figures.value("pixel_accuracy").unwrap();
    assert!(
        (accuracy - f64::from(right) / f64::from(known)).abs() < 1e-9,
        "{accuracy}"
    );
    assert!(accuracy > 0.6, "{accuracy}");
}

#[test]
fn masks_that_cannot_be_read_are_skipped_where_bad_rows_are() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 24, |row| match row {
        3 => None,
        7 => Some(mask(&classes(7))[..60].to_vec()),
        row => Some(mask(&classes(row))),
    });
    let out = dir.path().join("run");
    let skipping = |out: &Path, at_most: u64| {
        small(file.clone(), out)
            .valid([file.clone()])
            .on_bad_row(OnBadRow::Skip { at_most })
            .epochs(2)
    };
    let report = run(&skipping(&out, 4)).unwrap();
    let bad = report.bad_rows.unwrap();
    assert_eq!((bad.skipped, bad.held_out, report.figures.rows()), (2, 2, 22));
    let errors = fs::read_to_string(out.join("errors.jsonl")).unwrap();
    assert!(errors.contains("null"), "{errors}");
    assert_eq!(errors.lines().count(), 4);
    // One more than may be.
    let error = run(&skipping(&dir.path().join("few"), 3)).unwrap_err().to_string();
    assert!(error.contains("at most 3"), "{error}");
    let evaluate = |at_most: Option<u64>| {
        let mut predict = Predict::new(&out, [file.clone()]);
        predict.on_bad_row = at_most.map_or(OnBadRow::Fail, |at_most| OnBadRow::Skip { at_most });
        Evaluate::new(predict).run(&context(), &mut |_, _| ())
    };
    let report = evaluate(Some(2)).unwrap();
    assert_eq!(report.figures.rows(), 22);
    assert_eq!(
        report.warnings[0],
        "2 of 24 rows are left out, because their pictures or their masks cannot be made"
    );
    let error = evaluate(Some(1)).unwrap_err().to_string();
    assert_eq!(
        error,
        "2 masks are bad, and at most 1 may be; the first is row 3: a mask is null"
    );
    assert!(evaluate(None).unwrap_err().to_string().contains("a mask is null"));
}
