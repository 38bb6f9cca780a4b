//! Annotations as COCO has them, imported into the layout of Hugging Face's detection datasets.

use crate::common::{context, picture};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float32Type;
use millstream::import::{Import, ImportSpec};
use millstream::rows::{BoxFormat, ObjectReader};
use millstream::source::{Parquet, Split};
use millstream::{Dataset, Result, Stable};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Two pictures, three categories whose ids have gaps, and all that annotations may be.
fn coco() -> Value {
    json!({
        "info": {"year": 2017},
        "images": [
            {"id": 7, "file_name": "b.png", "width": 12, "height": 9},
            {"id": 3, "file_name": "deep/a.png", "width": 12, "height": 9}
        ],
        "categories": [{"id": 90, "name": "owl"}, {"id": 2, "name": "cat"}, {"id": 5, "name": "dog"}],
        "annotations": [
            {"id": 11, "image_id": 3, "category_id": 90, "bbox": [1, 2, 4, 5], "area": 17.5, "iscrowd": 0,
             "segmentation": [[1, 2, 5, 2, 5, 7], [2, 3, 4, 3, 4, 6, 2, 6]]},
            {"id": 12, "image_id": 3, "category_id": 2, "bbox": [0.5, 0.5, 3.25, 2], "iscrowd": 1,
             "segmentation": {"counts": [6, 1, 40, 4, 5, 4, 5, 4, 39], "size": [9, 12]}},
            {"id": 13, "image_id": 3, "category_id": 5, "bbox": [2, 2, 1, 1], "area": 1, "iscrowd": 0,
             "segmentation": {"counts": "04", "size": [9, 12]}},
            {"id": 14, "image_id": 99, "category_id": 5, "bbox": [2, 2, 1, 1]},
            {"id": 15, "image_id": 3, "category_id": 6, "bbox": [2, 2, 1, 1]},
            {"id": 16, "image_id": 3, "category_id": 5},
            {"id": 17, "image_id": 3, "category_id": 5, "bbox": [2, 2, 0, 1]}
        ]
    })
}

fn write(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// All files below a folder, and what is in them.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(contents(&path)),
            false => {
                found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn import(path: &Path, out: &Path, spec: ImportSpec) -> Result<Vec<String>> {
    let cx = context();
    let import = Import::open(&cx, &[path.display().to_string()], spec)?;
    import.run(&cx, out, &mut |_, _| ())?;
    Ok(import.notes().to_vec())
}

#[test]
fn coco_becomes_rows_of_objects() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("coco"), folder.path().join("out"));
    let (train, mut valid) = (coco().to_string(), coco());
    valid["annotations"] = json!([]);
    let valid = valid.to_string();
    let png = |row: u64| picture(row).to_png().unwrap();
    write(
        &root,
        &[
            ("annotations/instances_train2017.json", train.as_bytes()),
            ("annotations/instances_val2017.json", valid.as_bytes()),
            ("train2017/b.png", &png(1)),
            ("train2017/deep/a.png", &png(2)),
            ("val2017/b.png", &png(3)),
            ("val2017/deep/a.png", &png(4)),
        ],
    );
    let before = contents(&root);
    let notes = import(&root, &out, ImportSpec::default()).unwrap();
    let why = [
        "an image that is not listed",
        "a category that is not listed",
        "no box of four numbers",
        "without an area",
    ];
    assert_eq!(notes.len(), 4);
    assert!(
        notes
            .iter()
            .zip(why)
            .all(|(note, why)| note.contains("1 annotations are left out") && note.contains(why)),
        "{notes:?}"
    );
    assert_eq!(contents(&root), before, "nothing is written where it is read");
    let cx = context();
    let open = |split| {
        cx.block_on(Parquet::open_split(&cx, &[out.display().to_string()], split))
            .unwrap()
    };
    assert_eq!(
        open(Split::Validation).schema().fields(),
        open(Split::Train).schema().fields(),
        "the same columns, although it has no objects"
    );
    let rows = open(Split::Train);
    let names: Vec<String> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["image", "image_id", "width", "height", "objects"]);
    let reader = cx
        .block_on(ObjectReader::scan(&cx, &rows, "objects", BoxFormat::Xywh))
        .unwrap();
    assert_eq!(reader.names(), ["cat", "dog", "owl"]);
    assert_eq!((reader.survey().without, reader.survey().checked), (1, true));
    assert_eq!(reader.layout().ignored(), ["segmentation", "rle"]);
    let column = cx.block_on(rows.column(&cx, "objects")).unwrap();
    let objects = reader.read(&column).unwrap();
    assert!(objects[0].boxes.is_empty());
    assert_eq!(
        objects[1].boxes,
        [[1.0, 2.0, 5.0, 7.0], [0.5, 0.5, 3.75, 2.5], [2.0, 2.0, 3.0, 3.0]]
    );
    assert_eq!(objects[1].classes, [2, 0, 1]);
    assert_eq!(objects[1].ids.as_deref(), Some(&[11, 12, 13][..]));
    assert_eq!(objects[1].areas.as_deref(), Some(&[17.5, 6.5, 1.0][..]));
    assert_eq!(objects[1].crowd.as_deref(), Some(&[false, true, false][..]));
    let segmentation = column
        .as_struct()
        .column_by_name("segmentation")
        .unwrap()
        .as_list::<i32>()
        .value(1);
    let polygons = segmentation.as_list::<i32>().value(0);
    let second = polygons.as_list::<i32>().value(1);
    assert_eq!(
        second.as_primitive::<Float32Type>().values(),
        &[2.0, 3.0, 4.0, 3.0, 4.0, 6.0, 2.0, 6.0]
    );
    assert!(segmentation.as_list::<i32>().value(1).is_empty());
    let texts = column
        .as_struct()
        .column_by_name("rle")
        .unwrap()
        .as_list::<i32>()
        .value(1);
    let texts = arrow::compute::cast(&texts, &arrow::datatypes::DataType::Utf8).unwrap();
    let texts: Vec<_> = texts.as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, ["", "61X13mN000R1", "04"]);
    let taken = cx.block_on(rows.take(&cx, &[1])).unwrap();
    let bytes = taken["image"].as_binary_view().value(0);
    assert_eq!(bytes, png(2));
}

#[test]
fn a_folder_for_each_split_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("robo"), folder.path().join("out"));
    let (text, png) = (coco().to_string(), picture(1).to_png().unwrap());
    for split in ["train", "valid"] {
        let name = |file: &str| format!("{split}/{file}");
        let names = [name("_annotations.coco.json"), name("b.png"), name("deep/a.png")];
        write(
            &root,
            &[(&names[0], text.as_bytes()), (&names[1], &png), (&names[2], &png)],
        );
    }
    import(&root, &out, ImportSpec::default()).unwrap();
    let data: Vec<String> = contents(&out.join("data")).into_keys().collect();
    assert_eq!(data.len(), 2);
    assert!(
        data[0].ends_with("train-00000-of-00001.parquet") && data[1].ends_with("validation-00000-of-00001.parquet")
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("a.json"), folder.path().join("out"));
    let refused = |value: &Value, part: &str| {
        std::fs::write(&path, value.to_string()).unwrap();
        let error = import(&path, &out, ImportSpec::default()).unwrap_err().to_string();
        assert!(error.contains(part) && !out.exists(), "{error}");
    };
    refused(&json!({"images": []}), "no annotations as COCO has them");
    refused(&coco(), "picture \"b.png\" is in none of the folders");
    let png = picture(1).to_png().unwrap();
    write(folder.path(), &[("b.png", &png), ("deep/a.png", &png)]);
    let mut out_of_folder = coco();
    out_of_folder["images"][1]["file_name"] = json!("../a.png");
    refused(&out_of_folder, "leads out of the folder");
    let mut twice = coco();
    twice["images"][1]["id"] = json!(7);
    refused(&twice, "two images have the id 7");
    std::fs::write(&path, coco().to_string()).unwrap();
    let smaller = ImportSpec {
        resize: Some(4),
        ..ImportSpec::default()
    };
    let error = import(&path, &out, smaller).unwrap_err().to_string();
    assert!(error.contains("boxes in pixels would not fit"), "{error}");
}
