//! Boxes in the program: what is found, drawn and never written over.
#![cfg(feature = "cli")]

use arrow::array::{
    ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use millstream::image::Pixels;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// So many pictures of 64 x 48 pixels with two squares each, and columns that could hold labels, too.
pub(super) fn data(path: &Path, rows: usize) -> String {
    data_of(path, rows, |numbers| numbers, Some([64, 48]))
}

/// As [`data`], with the numbers that `boxes` makes of the squares, and other sizes in the columns, or none.
fn data_of(path: &Path, rows: usize, boxes: fn([f32; 4]) -> [f32; 4], sides: Option<[i64; 2]>) -> String {
    let list = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(vec![2; rows]);
        Arc::new(ListArray::new(item, offsets, values, None))
    };
    let numbers = (0..rows).flat_map(|row| {
        let at = (row % 8) as f32;
        [boxes([at, at, 20.0, 20.0]), boxes([34.0, at, 24.0, 24.0])].concat()
    });
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let boxes = FixedSizeListArray::new(item, 4, Arc::new(Float32Array::from_iter_values(numbers)), None);
    let classes = Int64Array::from_iter_values((0..rows).flat_map(|_| [4, 7]));
    let fields = [("bbox", list(Arc::new(boxes))), ("category", list(Arc::new(classes)))];
    let fields = fields.map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
    let picture = |row: usize| {
        let mut pixels = Pixels::new(64, 48);
        for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
            pixel.fill(((at * 7 + row) % 200) as u8);
        }
        Some(pixels.to_png().unwrap())
    };
    let side = |pixels: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![pixels; rows])) };
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("image", Arc::new((0..rows).map(picture).collect::<BinaryArray>())),
        ("objects", Arc::new(StructArray::from(fields.to_vec()))),
    ];
    columns.extend(
        sides
            .iter()
            .flat_map(|[width, height]| [("width", side(*width)), ("height", side(*height))]),
    );
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

pub(super) fn millstream(folder: &Path, arguments: &str) -> Output {
    let program = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output();
    program.unwrap()
}

pub(super) fn done(ran: &Output) -> String {
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{said}");
    said
}

pub(super) fn refused(ran: &Output, part: &str) {
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!ran.status.success() && said.contains(part), "{said}");
}

#[test]
fn an_inspection_finds_the_boxes_that_a_run_does() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("x.parquet"), 6);
    let ran = millstream(dir.path(), "inspect x.parquet --json");
    done(&ran);
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let labels = &found["labels"];
    assert_eq!(
        (&labels["column"], &labels["problem"]),
        (&"objects".into(), &Value::Null)
    );
    assert_eq!(
        (&labels["objects"]["objects"], &labels["objects"]["checked"]),
        (&12.into(), &true.into())
    );
    let classes: Vec<(&str, u64)> = (labels["classes"].as_array().unwrap().iter())
        .map(|class| (class["name"].as_str().unwrap(), class["rows"].as_u64().unwrap()))
        .collect();
    assert_eq!(classes, [("4", 6), ("7", 6)]);
    let ran = millstream(dir.path(), "inspect x.parquet");
    let text = String::from_utf8(ran.stdout.clone()).unwrap();
    assert!(
        text.contains("Labels: column objects, 2 classes of 12 boxes."),
        "{text}"
    );
    let boxes: Vec<_> = labels["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|class| &class["boxes"])
        .collect();
    assert_eq!(boxes, [6, 6]);
    for part in [
        "4          6     6  100.0 %",
        "Every row has every class, so that no balance gives one of them more.",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_wrong_format_of_boxes_is_mended_by_an_option() {
    let dir = tempfile::tempdir().unwrap();
    let corners = |[left, top, width, height]: [f32; 4]| [left, top, left + width, top + height];
    data_of(&dir.path().join("corners.parquet"), 6, corners, Some([64, 48]));
    data(&dir.path().join("good.parquet"), 6);
    for files in [
        "--train corners.parquet",
        "--train good.parquet --valid corners.parquet",
    ] {
        let ran = millstream(dir.path(), &format!("finetune {files} --backbone {BACKBONE} --out run"));
        refused(&ran, "as xyxy 0 do not");
        refused(&ran, "(--boxes xyxy)");
    }
    let flat = |[left, top, ..]: [f32; 4]| [left, top, 0.0, 0.0];
    data_of(&dir.path().join("flat.parquet"), 6, flat, None);
    let ran = millstream(
        dir.path(),
        &format!("finetune --train flat.parquet --backbone {BACKBONE} --out run"),
    );
    refused(
        &ran,
        "12 boxes were left out for having no area or a number that is not finite",
    );
    refused(&ran, "(--boxes FORMAT)");
}

#[test]
fn an_inspection_compares_boxes_with_their_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let look = |name: &str, boxes: fn([f32; 4]) -> [f32; 4], sides: Option<[i64; 2]>| {
        data_of(&dir.path().join(name), 6, boxes, sides);
        let ran = millstream(dir.path(), &format!("inspect {name} --json"));
        done(&ran);
        let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let text = String::from_utf8(millstream(dir.path(), &format!("inspect {name}")).stdout).unwrap();
        // Lines are wrapped.
        (
            found["labels"].clone(),
            text.split_whitespace().collect::<Vec<_>>().join(" "),
        )
    };
    let (labels, text) = look("good.parquet", |numbers| numbers, None);
    assert_eq!(
        (&labels["misplaced"], &labels["objects"]["checked"]),
        (&Value::Null, &true.into()),
        "{text}"
    );
    let corners = |[left, top, width, height]: [f32; 4]| [left, top, left + width, top + height];
    let (labels, text) = look("corners.parquet", corners, None);
    let said = "column \"objects\": 6 of 12 boxes do not lie in their pictures as xywh; as xyxy 0 do not: name that format in the field boxes (task.detect.boxes of a recipe), or convert boxes for \
                a model of the other one";
    assert_eq!(labels["misplaced"], said);
    assert_eq!(labels["objects"]["objects"], 12);
    let of_program = said.replace("in the field boxes (", "with --boxes (");
    assert!(text.contains(&format!("Boxes: {of_program}.")), "{text}");
    let named = millstream(dir.path(), "inspect corners.parquet --boxes xyxy --json");
    done(&named);
    let named: Value = serde_json::from_slice(&named.stdout).unwrap();
    assert_eq!(named["labels"]["misplaced"], Value::Null);
    let (labels, text) = look("sides.parquet", |numbers| numbers, Some([640, 480]));
    let said = "the columns width and height say 640 x 480, and the picture has 64 x 48 pixels; 6 rows are so";
    assert!(labels["misplaced"].as_str().unwrap().contains(said), "{labels}");
    assert!(text.contains(said), "{text}");
    let partly = |[left, top, width, height]: [f32; 4]| [left, top, if left == 5.0 { 80.0 } else { width }, height];
    let (labels, text) = look("partly.parquet", partly, None);
    assert_eq!(labels["objects"]["reaching_out"], 1);
    assert!(
        text.contains("1 of 12 boxes in \"objects\" reaches out of the picture by more than a pixel"),
        "{text}"
    );
}

/// A file without boxes of class 7 in most rows.
#[test]
fn masks_and_rare_boxes_are_looked_into() {
    let dir = tempfile::tempdir().unwrap();
    let png = |width: u32, height: u32, value: u8| {
        let mut pixels = Pixels::with_channels(width, height, 1);
        pixels.levels[..32].fill(value);
        pixels.to_png().unwrap()
    };
    let write = |name: &str, masks: Vec<Option<Vec<u8>>>| {
        let picture = |_: &Option<Vec<u8>>| Some(Pixels::new(16, 8).to_png().unwrap());
        let pictures: BinaryArray = masks.iter().map(picture).collect();
        let columns: [(&str, ArrayRef); 2] = [
            ("image", Arc::new(pictures)),
            ("seg", Arc::new(masks.into_iter().collect::<BinaryArray>())),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = File::create(dir.path().join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    };
    write(
        "m.parquet",
        vec![
            Some(png(16, 8, 1)),
            Some(png(16, 8, 2)),
            Some(png(8, 16, 1)),
            Some(b"\xff\xd8\xff\xe0".to_vec()),
            None,
        ],
    );
    write("good.parquet", (0..8).map(|_| Some(png(16, 8, 1))).collect());
    // The other column of files is that of the pictures.
    let ran = millstream(dir.path(), "inspect m.parquet --label seg --json --full");
    done(&ran);
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(found["images"]["column"], "image");
    let pixels = &found["labels"]["pixels"];
    assert_eq!((&pixels["looked_at"], &pixels["unusable"]), (&5.into(), &3.into()));
    let values: Vec<[u64; 3]> = (pixels["values"].as_array().unwrap().iter())
        .map(|value| ["value", "rows", "pixels"].map(|key| value[key].as_u64().unwrap()))
        .collect();
    assert_eq!(values, [[0, 2, 192], [1, 1, 32], [2, 1, 32]]);
    let why: Vec<&str> = (pixels["bad"].as_array().unwrap().iter())
        .map(|bad| bad["why"].as_str().unwrap())
        .collect();
    assert_eq!(why[0], "the mask has 8 x 16 pixels, its picture 16 x 8");
    assert!(why[1].contains("a mask of another format"), "{why:?}");
    assert_eq!(why[2], "the mask is null");
    let ran = millstream(dir.path(), "inspect m.parquet --label seg");
    let text = String::from_utf8(ran.stdout).unwrap();
    for part in [
        "Labels: column seg holds masks. All 5 rows were looked at:",
        "75.0 %",
        "Not usable, 3 of 3:",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // Annotations are to be imported, whoever reads them.
    data(&dir.path().join("x.parquet"), 6);
    done(&millstream(
        dir.path(),
        &format!(
            "finetune --train x.parquet --valid x.parquet --backbone {BACKBONE} --size 32 --views 1 --epochs 1 --out run"
        ),
    ));
    for (name, bytes) in [
        ("data.yaml", b"names: [a, b]".to_vec()),
        ("images/train/1.png", Pixels::new(16, 8).to_png().unwrap()),
        ("labels/train/1.txt", b"0 0.5 0.5 0.5 0.5".to_vec()),
    ] {
        let path = dir.path().join("yolo").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    refused(
        &millstream(dir.path(), "evaluate --model run yolo"),
        "is of annotations as YOLO has them, so the folders are no classes: import it first",
    );
    let page = fs::read_to_string(dir.path().join("run/report.html")).unwrap();
    assert!(
        page.contains("<th>training boxes</th><th>validation pictures</th>"),
        "its boxes are counted, and the pictures that it is measured on"
    );
    // What is no detection pastes nothing, whatever the mask is called.
    refused(
        &millstream(
            dir.path(),
            r#"preview --train good.parquet --task segment --label seg --size 32 --augment {"copy_paste":{"mask":"seg"}} --out p.png"#,
        ),
        "augment.operations[0]: copy_paste takes objects with boxes, and the task segment has none",
    );
}

#[test]
fn pictures_that_somebody_else_left_are_not_drawn_over() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    data(&folder.join("x.parquet"), 8);
    data(&folder.join("more.parquet"), 12);
    done(&millstream(
        folder,
        &format!(
            "finetune --train x.parquet --valid x.parquet --backbone {BACKBONE} --size 64 --height 48 --views 1 --epochs 1 --out model"
        ),
    ));
    for score in ["-0.1", "1.5", "NaN", "inf"] {
        refused(
            &millstream(
                folder,
                &format!("predict --model model x.parquet --out p.parquet --draw drawn --draw-score={score}"),
            ),
            "--draw-score",
        );
    }
    let draw = |rows: &str, out: &str, others: &str| {
        let command = format!("predict --model model {rows} --out {out} --draw drawn --draw-score 0 {others}");
        millstream(folder, &command)
    };
    let drawn = || {
        let mut names: Vec<String> = (fs::read_dir(folder.join("drawn")).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let said = done(&draw("more.parquet", "p.parquet", ""));
    // A line may end anywhere.
    let unwrapped = |said: &str| said.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = unwrapped(&said);
    assert!(
        said.contains("12 pictures ") && said.contains(" in drawn") && said.contains(" box"),
        "{said}"
    );
    assert_eq!(drawn().len(), 13);
    // Without a word they stay, and nothing is computed.
    let ran = draw("x.parquet", "q.parquet", "");
    refused(&ran, "00000.png: it is there already");
    refused(&ran, "(--overwrite or --draw DIR)");
    assert!(!folder.join("q.parquet").exists());
    // Our own are replaced, those of rows that are no more included; others stay.
    fs::write(folder.join("drawn/notes.txt"), "mine").unwrap();
    fs::write(folder.join("drawn/99999.png"), "mine").unwrap();
    // As a killed run leaves it.
    fs::write(folder.join("drawn/.millstream-aB3x9z.tmp"), "torn").unwrap();
    done(&draw("x.parquet", "p.parquet", "--overwrite"));
    let expected = (0..8).map(|row| format!("{row:05}.png"));
    let expected: Vec<String> = expected
        .chain(["99999.png", "drawn.jsonl", "notes.txt"].map(str::to_owned))
        .collect();
    assert_eq!(drawn(), expected);
    // The ninth picture is somebody's: it is found before the first is written.
    fs::write(folder.join("drawn/00008.png"), "mine").unwrap();
    let before = fs::read(folder.join("drawn/00000.png")).unwrap();
    let ran = draw("more.parquet", "r.parquet", "--overwrite");
    refused(&ran, "00008.png: this file was not drawn here, and is not overwritten");
    assert!(!folder.join("r.parquet").exists());
    assert_eq!(fs::read(folder.join("drawn/00008.png")).unwrap(), b"mine");
    // A model of one epoch is sure of nothing.
    let said = done(&millstream(
        folder,
        "predict --model model x.parquet --out s.parquet --draw none --draw-score 1",
    ));
    let said = unwrapped(&said);
    assert!(said.contains("8 pictures are in none, without a box: "), "{said}");
    assert_eq!(fs::read(folder.join("drawn/00000.png")).unwrap(), before);
    // So is one that was drawn here and is another's by now.
    fs::remove_file(folder.join("drawn/00008.png")).unwrap();
    fs::write(folder.join("drawn/00003.png"), "mine").unwrap();
    let ran = draw("x.parquet", "r.parquet", "--overwrite");
    refused(&ran, "00003.png: this file was changed since it was drawn here");
    assert!(!folder.join("r.parquet").exists());
    // Of rows that are no more it stays, and the others go.
    data(&folder.join("few.parquet"), 2);
    done(&draw("few.parquet", "r.parquet", "--overwrite"));
    assert_eq!(
        drawn(),
        [
            "00000.png",
            "00001.png",
            "00003.png",
            "99999.png",
            "drawn.jsonl",
            "notes.txt"
        ]
    );
    assert_eq!(fs::read(folder.join("drawn/00003.png")).unwrap(), b"mine");
    // A list without hashes says nothing of what is there.
    fs::write(folder.join("drawn/drawn.jsonl"), "[\"00000.png\"]\n").unwrap();
    let ran = draw("few.parquet", "s.parquet", "--overwrite");
    refused(&ran, "00000.png: this file was not drawn here");
    // Predictions have a name of their own, and go into no run.
    let ran = millstream(folder, "predict --model model x.parquet --out new/00000.png --draw new");
    refused(&ran, "new/00000.png: pictures are drawn there under such names");
    assert!(!folder.join("new").exists());
    for out in ["--out model/p.parquet", "--out t.parquet --draw model"] {
        for overwrite in ["", "--overwrite"] {
            let ran = millstream(folder, &format!("predict --model model x.parquet {out} {overwrite}"));
            refused(&ran, "this is the folder of a run");
        }
    }
    // Scores are 0 to 1, however they are given.
    for given in [
        r#"--nms {"min_score":2}"#,
        r#"--nms {"min_score":-5}"#,
        "--min-score 1.1",
        r#"--min-score 0.5 --nms {"min_score":0.2}"#,
    ] {
        let ran = millstream(
            folder,
            &format!("predict --model model x.parquet --out u.parquet {given}"),
        );
        refused(&ran, "min");
        assert!(!folder.join("u.parquet").exists());
    }
}

/// What is asked for twice in two ways, or would have no effect, is refused before anything is read.
#[test]
fn options_without_effect_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("x.parquet"), 6);
    let run = |given: &str| millstream(dir.path(), &format!("finetune --train x.parquet --out run {given}"));
    for (given, part) in [
        (
            "--valid x.parquet --held-out 0.2",
            "--held-out has no effect beside validation data",
        ),
        (
            "--freeze-depthwise",
            "--freeze-depthwise is of the part of the run in which stages",
        ),
        ("--layer-decay 0.5", "--layer-decay is of the part"),
        ("--deep-learning-rate 0.1", "--deep-learning-rate is of the part"),
        ("--deep-epochs 2", "--deep-epochs is of the part"),
        ("--unfreeze 1 --deep-epochs 0", "--deep-epochs is 0"),
        (
            "--augment none horizontal_flip",
            "--augment none stands beside other operations",
        ),
        (
            r#"--augment {"copy_paste":{"most":0}}"#,
            "copy_paste: most is 0, so that nothing is pasted",
        ),
        (
            r#"--augment {"copy_paste":{"p":0}}"#,
            "copy_paste: p is 0, so that nothing is pasted",
        ),
        (
            "--augment aug_mix --views 1",
            "augment: image: aug_mix: it mixes pictures that were moved in different ways, so boxes would lie",
        ),
        (
            r#"--augment {"copy_paste":{"classes":["zzz"]}}"#,
            "augment.operations[0]: copy_paste: classes: \"zzz\" is none of the classes",
        ),
        (
            "--augment copy_paste --views 1",
            "augment.views is 1, so that each row comes as it is stored",
        ),
        (
            r#"--task {"detect":{"boxes":"xyxy"}} --boxes xywh"#,
            "--boxes is xywh, and --task has boxes of the format xyxy",
        ),
    ] {
        refused(&run(given), part);
        assert!(!dir.path().join("run").exists(), "{given}");
    }
    for given in [
        r#"--task {"detect":{"boxes":"xywh"}} --boxes xywh --print-recipe"#,
        "--unfreeze 1 --layer-decay 0.5 --freeze-depthwise --print-recipe",
        "--held-out 0.2 --freeze-depthwise=false --print-recipe",
    ] {
        done(&run(given));
    }
}
