//! What an inspection recognises in columns of structs, as text and as JSON.
#![cfg(feature = "cli")]

use super::boxes::{data, done, millstream};
use super::common::context;
use arrow::array::{ArrayRef, RecordBatch};
use millstream::image::Pixels;
use millstream::import::{Import, ImportSpec};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// Two faces with outlines and three points each in a picture of 32 x 24 pixels, imported to `out`.
fn faces(folder: &Path, out: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("a.png"), Pixels::new(32, 24).to_png().unwrap()).unwrap();
    let face = |id: u32, x: u32| {
        json!({
            "id": id, "image_id": 1, "category_id": 1, "bbox": [x, 2, 8, 6], "area": 48, "iscrowd": 0,
            "segmentation": [[x, 2, x + 8, 2, x + 8, 8, x, 8]],
            "keypoints": [x + 4, 5, 2, x + 2, 3, 2, x + 6, 3, 2], "num_keypoints": 3,
        })
    };
    let points = ["nose", "left_eye", "right_eye"];
    let text = json!({
        "images": [{"id": 1, "file_name": "a.png", "width": 32, "height": 24}],
        "categories": [{"id": 1, "name": "face", "keypoints": points}],
        "annotations": [face(1, 1), face(2, 18)],
    });
    fs::write(folder.join("instances_train.json"), text.to_string()).unwrap();
    let cx = context();
    let import = Import::open(&cx, &[folder.display().to_string()], ImportSpec::default()).unwrap();
    import.run(&cx, out, &mut |_, _| ()).unwrap();
}

#[test]
fn an_inspection_says_what_boxes_keypoints_and_instances_it_recognises() {
    let dir = tempfile::tempdir().unwrap();
    faces(&dir.path().join("in"), &dir.path().join("out"));
    let ran = millstream(dir.path(), "inspect out");
    done(&ran);
    let text = String::from_utf8(ran.stdout).unwrap();
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Recognised, as finetune and preview read it:",
        "boxes: column objects, field bbox with the classes in category; not read: segmentation",
        "keypoints: column objects, field keypoints, 3 points of each object: nose, left_eye, right_eye",
        "instances: column instances, masks in which each object has a number of its own",
        "Masks of objects: the only row was looked at.",
    ] {
        assert!(said.contains(part), "{part}: {text}");
    }
    let own = text.lines().skip_while(|line| !line.starts_with("Recognised"));
    let mut own = own.take_while(|line| !line.is_empty());
    assert!(own.all(|line| line.chars().count() <= 80), "{text}");
    // The type of the objects has the names of its fields, which do not fit with their types.
    let line = text.lines().find(|line| line.starts_with("objects ")).unwrap();
    assert!(
        line.contains("struct of id, bbox, category") && !line.contains("List("),
        "{line}"
    );
    assert!(!line.contains('…'), "{line}");

    let ran = millstream(dir.path(), "inspect out --json");
    done(&ran);
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let recognised = &found["recognised"];
    assert_eq!(
        (
            &recognised["boxes"]["column"],
            &recognised["boxes"]["boxes"],
            &recognised["boxes"]["classes"]
        ),
        (&json!("objects"), &json!("bbox"), &json!("category"))
    );
    assert_eq!(
        recognised["keypoints"],
        json!({"column": "objects", "field": "keypoints", "points": 3, "names": ["nose", "left_eye", "right_eye"]})
    );
    assert_eq!(
        (&recognised["instances"], &recognised["masks"]),
        (&json!("instances"), &Value::Null)
    );
    let columns = found["columns"].as_array().unwrap();
    let objects = columns.iter().find(|column| column["name"] == "objects").unwrap();
    let fields: Vec<&str> = (objects["fields"].as_array().unwrap().iter())
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert!(fields.starts_with(&["id", "bbox", "category"]), "{fields:?}");
    assert!(
        columns
            .iter()
            .all(|column| column["name"] != "image" || column.get("fields").is_none())
    );
}

#[test]
fn labels_that_are_no_boxes_are_recognised_as_none() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("x.parquet"), 6);
    let found = |options: &str| -> Value {
        let ran = millstream(dir.path(), &format!("inspect x.parquet --json{options}"));
        done(&ran);
        serde_json::from_slice(&ran.stdout).unwrap()
    };
    let recognised = &found("")["recognised"];
    assert_eq!(recognised["boxes"]["ignored"], json!([]));
    assert_eq!(
        (&recognised["keypoints"], &recognised["instances"]),
        (&Value::Null, &Value::Null)
    );
    let other = found(" --label width");
    assert_eq!(other["recognised"]["boxes"], Value::Null);
    let text = String::from_utf8(millstream(dir.path(), "inspect x.parquet --label width").stdout).unwrap();
    assert!(!text.contains("Recognised"), "{text}");
}

#[test]
fn masks_beside_boxes_are_no_candidates_for_the_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let boxes = data(&dir.path().join("boxes.parquet"), 6);
    let mut read = ParquetRecordBatchReaderBuilder::try_new(File::open(boxes).unwrap())
        .unwrap()
        .build()
        .unwrap();
    let rows = read.next().unwrap().unwrap();
    let images = |pictures: &[&str]| -> Value {
        let of = |name: &str| -> ArrayRef { Arc::clone(rows.column_by_name(name).unwrap()) };
        let columns = pictures.iter().map(|name| (*name, of("image")));
        let labels = ["objects", "width", "height"].map(|name| (name, of(name)));
        let batch = RecordBatch::try_from_iter(columns.chain(labels)).unwrap();
        let file = File::create(dir.path().join("x.parquet")).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let ran = millstream(dir.path(), "inspect x.parquet --json");
        done(&ran);
        let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
        found["images"].clone()
    };
    let found = images(&["image", "grey", "mask", "instances"]);
    assert_eq!(found["candidates"], json!(["image", "grey"]));
    assert!(
        found["problem"].as_str().unwrap().contains("it could be image, grey;"),
        "{found}"
    );
    let found = images(&["image", "mask", "instances"]);
    assert_eq!(found["column"], "image", "{found}");
    // Alone they are the pictures.
    assert_eq!(images(&["mask"])["column"], "mask");
}
