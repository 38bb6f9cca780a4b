//! Annotations as COCO, Pascal VOC and YOLO have them, imported into the layout of Hugging Face's detection datasets.

use crate::common::{context, picture};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch, new_null_array};
use arrow::datatypes::{DataType, Field, Float32Type};
use millstream::image::Reading;
use millstream::import::{Import, ImportSpec, OnBadPicture};
use millstream::rows::{BoxFormat, ObjectReader, Objects};
use millstream::source::{Memory, Parquet, Split};
use millstream::{Dataset, Result, Stable};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Two pictures, three categories whose ids have gaps, and all that annotations may be.
fn coco() -> Value {
    json!({
        "info": {"year": 2017},
        "images": [
            {"id": 7, "file_name": "b.png", "width": 12, "height": 10},
            {"id": 3, "file_name": "deep/a.png", "width": 12, "height": 10}
        ],
        "categories": [{"id": 90, "name": "owl"}, {"id": 2, "name": "cat"}, {"id": 5, "name": "dog"}],
        "annotations": [
            {"id": 11, "image_id": 3, "category_id": 90, "bbox": [1, 2, 4, 5], "area": 17.5, "iscrowd": 0,
             "segmentation": [[1, 2, 5, 2, 5, 7], [2, 3, 4, 3, 4, 6, 2, 6]]},
            {"id": 12, "image_id": 3, "category_id": 2, "bbox": [0.5, 0.5, 3.25, 2], "iscrowd": 1,
             "segmentation": {"counts": [6, 1, 40, 4, 5, 4, 5, 4, 51], "size": [10, 12]}},
            {"id": 13, "image_id": 3, "category_id": 5, "bbox": [2, 2, 1, 1], "area": 1, "iscrowd": 0,
             "segmentation": {"counts": "0h3", "size": [10, 12]}},
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
        "of an image that is not listed",
        "of a category that is not listed",
        "without a box of four numbers",
        "with a box that has no area",
    ];
    assert_eq!(notes.len(), 7);
    assert!(
        notes[4].contains("instances_train2017.json: train: ") && notes[4].contains(" on 2 pictures: "),
        "{notes:?}"
    );
    assert!(notes[5].contains("validation: 0 boxes on 2 pictures: "), "{notes:?}");
    assert!(
        notes
            .iter()
            .zip(why)
            .all(|(note, why)| note.contains("1 annotation is left out: ") && note.contains(why)),
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
    assert_eq!(names, ["image", "image_id", "width", "height", "objects", "instances"]);
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
    assert_eq!(texts, ["", "61X13mN000^1", "0h3"]);
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
fn coco_of_any_name_is_found_by_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (text, png) = (coco().to_string(), picture(1).to_png().unwrap());
    for (at, (file, pictures, split)) in [
        ("annotations.json", "images", Split::Train),
        ("labels/val.json", "images", Split::Validation),
        ("test/annotations.json", "test", Split::Test),
        ("deep/train/annotations.json", "deep/train", Split::Train),
    ]
    .into_iter()
    .enumerate()
    {
        let root = folder.path().join(format!("in{at}"));
        let names = ["b.png", "deep/a.png"].map(|name| format!("{pictures}/{name}"));
        write(
            &root,
            &[
                (file, text.as_bytes()),
                ("notes.json", br#"{"images": 2, "annotations": "none"}"#),
                (&names[0], &png),
                (&names[1], &png),
            ],
        );
        let out = folder.path().join(format!("out{at}"));
        let notes = import(&root, &out, ImportSpec::default()).unwrap();
        assert!(notes.iter().any(|note| note.contains(file)), "{notes:?}");
        let (_, objects, names) = read(&out, split);
        assert_eq!((objects.len(), objects[1].boxes.len()), (2, 3), "{file}");
        assert_eq!(names, ["cat", "dog", "owl"]);
    }
    // Lists of these names that are not COCO's are refused, and not taken for pictures of a class.
    let root = folder.path().join("other");
    let other = br#"{"images": [1], "annotations": []}"#;
    write(&root, &[("captions.json", other), ("images/b.png", &png)]);
    let error = import(&root, &folder.path().join("none"), ImportSpec::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("captions.json: no annotations as COCO has them"),
        "{error}"
    );
}

#[test]
fn keypoints_that_are_left_out_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (root, png) = (folder.path().join("in"), picture(1).to_png().unwrap());
    let object = |id: i64, points: Value| json!({"id": id, "image_id": 1, "category_id": 1, "bbox": [1, 2, 4, 5], "keypoints": points, "num_keypoints": 1});
    let text = json!({
        "images": [{"id": 1, "file_name": "b.png"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            object(1, json!([2, 3, 2])),
            object(2, json!([[2.5, 3.0]])),
            object(3, json!([0, 0, 0])),
            object(4, json!([])),
            object(5, Value::Null),
            object(5, Value::Null)
        ]
    });
    write(
        &root,
        &[("b.png", &png), ("instances_train.json", text.to_string().as_bytes())],
    );
    let notes = import(&root, &folder.path().join("out"), ImportSpec::default()).unwrap();
    let said = "instances_train.json: the keypoints of 1 annotation are left out, and the boxes are kept";
    assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
    assert!(
        notes.iter().any(|note| note.contains("train: 6 boxes on 1 picture")),
        "{notes:?}"
    );
    let said = "1 annotation has the id of another one; all are kept, as pycocotools does";
    assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
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
    // What Python's json writes, and others cannot read.
    for word in ["NaN", "Infinity", "-Infinity"] {
        let text = coco().to_string().replace("17.5", word);
        std::fs::write(&path, &text).unwrap();
        let error = import(&path, &out, ImportSpec::default()).unwrap_err().to_string();
        let word = word.trim_start_matches('-');
        let said = format!(
            "{word} at line 1 column {}, and JSON has no {word}: correct the annotation that has it, or leave it out",
            text.find(word).unwrap() + 1
        );
        assert!(error.ends_with(&said), "{error}");
    }
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
    assert!(
        error.contains("column \"objects\" has places in pixels, which would not fit"),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
    let mut sizes = coco();
    sizes["images"][1]["width"] = json!(120);
    refused(
        &sizes,
        "picture \"deep/a.png\" is said to have 120 x 10 pixels, and has 12 x 10",
    );
    let mut none = coco();
    none["categories"] = json!([]);
    refused(&none, "it has annotations and no categories");
    let mut names = coco();
    names["categories"][0]["name"] = json!("cat");
    refused(&names, "two classes are called \"cat\"");
    for wrong in [json!("yes"), json!(2), json!(-1)] {
        let mut flag = coco();
        flag["annotations"][0]["iscrowd"] = wrong;
        refused(&flag, "expected 0 or 1");
    }
    let mut area = coco();
    area["annotations"][0]["area"] = json!(-5);
    refused(
        &area,
        "a.json: annotation 11 of picture \"deep/a.png\": its area is -5, and has to be 0 or more",
    );
    // Run lengths of 12 x 10 pixels.
    for (counts, why) in [
        (
            json!([100, 10]),
            "its run lengths cover 110 pixels, and 12 x 10 are to be covered",
        ),
        (
            json!([100, 50_000]),
            "its run lengths cover 50100 pixels, and 12 x 10 are",
        ),
        (json!([]), "its run lengths cover 0 pixels"),
        (json!("04"), "its run lengths cover 4 pixels"),
        (
            json!("0h3 "),
            "its run lengths cannot be read: ' ' is no part of a number",
        ),
        (json!("\u{0}\u{ff}"), "its run lengths cannot be read"),
    ] {
        let mut outline = coco();
        outline["annotations"][1]["segmentation"]["counts"] = counts;
        refused(&outline, &format!("annotation 12 of picture \"deep/a.png\": {why}"));
    }
    let mut empty = coco();
    empty["images"] = json!([]);
    refused(&empty, "there are no images in it");
    std::fs::write(&path, coco().to_string()).unwrap();
    let as_stored = ImportSpec {
        reading: Reading {
            upright: false,
            ..Reading::default()
        },
        ..ImportSpec::default()
    };
    let error = import(&path, &out, as_stored).unwrap_err().to_string();
    assert!(
        error.contains("annotated boxes are those of upright pictures"),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
    let mut side = coco();
    side["images"][0]["width"] = json!(12.5);
    refused(&side, "expected a whole number of pixels");
    // Boxes of a picture that is stored lying, as they lie on what is stored.
    write(folder.path(), &[("b.png", &lying())]);
    let mut turned = coco();
    turned["images"][0]["width"] = json!(20);
    refused(
        &turned,
        "its EXIF orientation turns picture \"b.png\" from 20 x 10 to 10 x 20",
    );
}

#[test]
fn boxes_that_reach_out_of_their_pictures_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let png = picture(1).to_png().unwrap();
    let mut out_of = coco();
    out_of["annotations"][0]["bbox"] = json!([100, 200, 3, 4]);
    out_of["annotations"][2]["bbox"] = json!([2, 2, 10.5, 1]);
    write(
        folder.path(),
        &[
            ("coco/b.png", &png),
            ("coco/deep/a.png", &png),
            ("coco/train.json", out_of.to_string().as_bytes()),
            (
                "voc/Annotations/a.xml",
                voc_file(&[voc_object("cat", ["1", "1", "500", "10"], "")]).as_bytes(),
            ),
            ("voc/JPEGImages/a.png", &png),
            ("yolo/data.yaml", b"names: [cat]"),
            ("yolo/images/train/a.png", &png),
            ("yolo/labels/train/a.txt", b"0 0.9 0.5 0.6 0.5\n"),
        ],
    );
    for (from, said) in [
        (
            "coco/train.json",
            "train.json: train: 1 of 3 boxes reaches out of the picture by more than a pixel, and is kept; the first is of picture \
             \"deep/a.png\", of 12 x 10 pixels",
        ),
        (
            "voc",
            "train: 1 of 1 box reaches out of the picture by more than a pixel",
        ),
        (
            "yolo",
            "train: 1 of 1 box reaches out of the picture by more than a pixel",
        ),
    ] {
        let out = folder.path().join("out").join(from);
        let notes = import(&folder.path().join(from), &out, ImportSpec::default()).unwrap();
        assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
    }
}

/// Whole numbers as floats, flags as words, texts as ids, sizes left out, a byte order mark: what Python reads alike.
#[test]
fn coco_is_read_as_programs_write_it() {
    let folder = tempfile::tempdir().unwrap();
    let png = picture(1).to_png().unwrap();
    let root = folder.path().join("in");
    write(&root, &[("b.png", &png)]);
    let text = "\u{feff}".to_owned()
        + &json!({
            "images": [{"id": "x1", "file_name": "b.png"}, {"id": "x2", "file_name": "gone.png", "width": 12.0, "height": 10}],
            "categories": [{"id": 1.0, "name": "cat"}],
            "annotations": [
                {"image_id": "x1", "category_id": 1, "bbox": [1, 2, 4, 5], "iscrowd": true,
                 "segmentation": [[1, 2, 5, 2], [1, 2, 5, 2, 5, 7], [1, 2, 5, 2, 5, 7, 9]]},
                {"image_id": "x2", "category_id": 1, "bbox": [1, 2, 4, 5], "iscrowd": null,
                 "segmentation": {"counts": "04", "size": [9, 9]}}
            ]
        })
        .to_string();
    let (path, out) = (root.join("a.json"), folder.path().join("out"));
    std::fs::write(&path, text).unwrap();
    let notes = import(&path, &out, ImportSpec::default()).unwrap();
    let said = [
        "ids of pictures are texts: image_id counts the pictures instead",
        "3 outlines are left out, and the boxes are kept",
        "1 picture that is named is not there, and is null in what is written",
    ];
    for part in said {
        assert!(notes.iter().any(|note| note.contains(part)), "{part}: {notes:?}");
    }
    let (rows, objects, _) = read(&out, Split::Train);
    assert_eq!(
        objects.iter().map(|objects| objects.boxes.len()).collect::<Vec<_>>(),
        [1, 1]
    );
    assert_eq!(texts(&rows, "image_id"), [0, 1]);
    assert_eq!(
        (texts(&rows, "width"), texts(&rows, "height")),
        (vec![12, 12], vec![10, 10])
    );
    assert_eq!(
        (flags(&rows, "iscrowd", 0), flags(&rows, "iscrowd", 1)),
        (vec![true], vec![false])
    );
    let fail = ImportSpec {
        on_bad_picture: OnBadPicture::Fail,
        ..ImportSpec::default()
    };
    let other = folder.path().join("other");
    let error = import(&path, &other, fail).unwrap_err().to_string();
    assert!(
        error.contains("a.json") && error.contains("gone.png") && !error.contains("incomplete"),
        "{error}"
    );
}

/// Whatever the column of boxes is called.
#[test]
fn pictures_with_places_in_pixels_are_not_made_smaller() {
    let cx = context();
    let list = |field: Field| DataType::List(Arc::new(field));
    let number = || Field::new_list_field(DataType::Float32, true);
    let boxes = || list(Field::new_list_field(list(number()), true));
    let classes = list(Field::new_list_field(DataType::Int64, true));
    let faces = DataType::Struct(vec![Field::new("bbox", boxes(), true), Field::new("label", classes, true)].into());
    for (name, data_type) in [("faces", faces), ("bbox", boxes()), ("keypoints", list(number()))] {
        let png = picture(1).to_png().unwrap();
        let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values([png]));
        let rows = RecordBatch::try_from_iter([("image", pictures), (name, new_null_array(&data_type, 1))]).unwrap();
        let rows = Memory::new(vec![rows]).unwrap();
        let smaller = ImportSpec {
            resize: Some(4),
            ..ImportSpec::default()
        };
        let import = Import::of(&cx, [(Split::Train, Arc::new(rows) as Arc<dyn Stable>)], smaller);
        let error = import.unwrap_err().to_string();
        assert!(
            error.contains(&format!("column \"{name}\" has places in pixels")),
            "{error}"
        );
    }
}

/// The imported rows of a split, and their objects.
fn read(out: &Path, split: Split) -> (Parquet, Vec<Objects>, Vec<String>) {
    let cx = context();
    let rows = cx
        .block_on(Parquet::open_split(&cx, &[out.display().to_string()], split))
        .unwrap();
    let reader = cx.block_on(ObjectReader::scan(&cx, &rows, "objects", BoxFormat::Xywh));
    let reader = reader.unwrap();
    let column = cx.block_on(rows.column(&cx, "objects")).unwrap();
    let objects = reader.read(&column).unwrap();
    (rows, objects, reader.names().to_vec())
}

/// A field of the objects of row `row`.
fn flags(rows: &Parquet, field: &str, row: usize) -> Vec<bool> {
    let cx = context();
    let column = cx.block_on(rows.column(&cx, "objects")).unwrap();
    let lists = column.as_struct().column_by_name(field).unwrap();
    let list = lists.as_list::<i32>().value(row);
    list.as_boolean().iter().flatten().collect()
}

/// Names of pictures, as they are stored beside their bytes.
fn texts(rows: &Parquet, column: &str) -> Vec<i64> {
    let cx = context();
    let column = cx.block_on(rows.column(&cx, column)).unwrap();
    let values = column.as_primitive::<arrow::datatypes::Int64Type>();
    values.values().to_vec()
}

fn voc_object(name: &str, corners: [&str; 4], more: &str) -> String {
    let [left, top, right, bottom] = corners;
    format!(
        "  <object>\n    <name>{name}</name>\n{more}    <bndbox>\n      <xmin>{left}</xmin>\n      <ymin>{top}</ymin>\n      \
         <xmax>{right}</xmax>\n      <ymax>{bottom}</ymax>\n    </bndbox>\n  </object>\n"
    )
}

fn voc_file(objects: &[String]) -> String {
    let size = "  <size><width>12</width><height>10</height><depth>3</depth></size>\n";
    format!(
        "<annotation>\n  <filename>other.jpg</filename>\n{size}{}</annotation>\n",
        objects.concat()
    )
}

#[test]
fn pascal_voc_becomes_rows_of_objects() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("VOC2007"), folder.path().join("out"));
    let said = "    <truncated>1</truncated>\n    <difficult>0</difficult>\n";
    let part =
        "    <part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>\n";
    let one = voc_file(&[
        // All of the picture, by its first and its last pixel.
        voc_object("dog", ["1", "1", "12", "10"], said),
        voc_object("cat", ["3", "4", "3", "4"], "    <difficult>1</difficult>\n"),
        voc_object("cat", ["3.5", "4", "6", "8.25"], part),
        voc_object("dog", ["7", "4", "6", "8"], ""),
    ]);
    // A size that is not known, and no object.
    let two = "<annotation><size><width>0</width><height>0</height></size></annotation>";
    let three = voc_file(&[voc_object("owl", ["2", "2", "5", "5"], "")]);
    let png = |row: u64| picture(row).to_png().unwrap();
    write(
        &root,
        &[
            ("Annotations/a.xml", one.as_bytes()),
            ("Annotations/b.xml", two.as_bytes()),
            ("Annotations/c.xml", three.as_bytes()),
            ("JPEGImages/a.jpg", &png(1)),
            ("JPEGImages/b.png", &png(2)),
            ("JPEGImages/c.jpg", &png(3)),
            ("ImageSets/Main/train.txt", b"b\na\n\n"),
            ("ImageSets/Main/val.txt", b"c\n"),
            ("ImageSets/Main/trainval.txt", b"a\nb\nc\n"),
            ("ImageSets/Main/dog_train.txt", b"a  1\nb -1\n"),
        ],
    );
    let before = contents(&root);
    let notes = import(&root, &out, ImportSpec::default()).unwrap();
    let said = [
        "from the first pixel, which is 1, to the last: left and upper sides are moved by 1",
        "train.txt: 1 object is left out: its box has no area, or reaches beyond all numbers",
        "train.txt: train: 3 boxes on 2 pictures: cat 2, dog 1, owl 0; of these 1 box is difficult: left out of the figures, as Pascal VOC has it, but not of training",
        "val.txt: validation: 1 box on 1 picture: cat 0, dog 0, owl 1",
    ];
    assert_eq!(notes.len(), said.len(), "{notes:?}");
    for (note, said) in notes.iter().zip(said) {
        assert!(note.ends_with(said), "{note}");
    }
    assert_eq!(contents(&root), before, "nothing is written where it is read");
    let (rows, objects, names) = read(&out, Split::Train);
    assert_eq!(names, ["cat", "dog", "owl"]);
    assert!(objects[0].boxes.is_empty());
    assert_eq!(
        objects[1].boxes,
        [[0.0, 0.0, 12.0, 10.0], [2.0, 3.0, 3.0, 4.0], [2.5, 3.0, 6.0, 8.25]]
    );
    assert_eq!(objects[1].classes, [1, 0, 0]);
    assert_eq!(objects[1].areas.as_deref(), Some(&[120.0, 1.0, 18.375][..]));
    assert_eq!(objects[1].ids.as_deref(), Some(&[0, 1, 2][..]));
    assert_eq!(flags(&rows, "truncated", 1), [true, false, false]);
    assert_eq!(flags(&rows, "difficult", 1), [false, true, false]);
    assert_eq!(
        (texts(&rows, "width"), texts(&rows, "height")),
        (vec![12, 12], vec![10, 10])
    );
    let taken = context();
    let taken = taken.block_on(rows.take(&taken, &[0, 1])).unwrap();
    assert_eq!(taken["image"].as_binary_view().value(0), png(2));
    assert_eq!(taken["image"].as_binary_view().value(1), png(1));
    let (valid, objects, names) = read(&out, Split::Validation);
    assert_eq!(names, ["cat", "dog", "owl"], "those of all splits");
    assert_eq!(
        (&objects[0].classes[..], objects[0].boxes[0]),
        (&[2][..], [1.0, 1.0, 5.0, 5.0])
    );
    assert_eq!(valid.schema().fields(), rows.schema().fields());
}

#[test]
fn pascal_voc_without_lists_is_for_training() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("voc"), folder.path().join("out"));
    let png = picture(1).to_png().unwrap();
    let file = voc_file(&[voc_object("dog", ["1", "1", "12", "10"], "")]);
    write(
        &root,
        &[("Annotations/a.xml", file.as_bytes()), ("JPEGImages/a.png", &png)],
    );
    import(&root, &out, ImportSpec::default()).unwrap();
    let (rows, objects, names) = read(&out, Split::Train);
    assert_eq!((objects.len(), names.len()), (1, 1));
    let column = context().block_on(rows.column(&context(), "objects")).unwrap();
    assert_eq!(
        column.as_struct().column_names(),
        ["id", "bbox", "category", "area", "iscrowd"],
        "flags that nobody says are no fields"
    );
    // `trainval` alone.
    write(
        &root,
        &[("ImageSets/Main/trainval.txt", b"a"), ("ImageSets/Main/test.txt", b"a")],
    );
    let other = folder.path().join("other");
    import(&root, &other, ImportSpec::default()).unwrap();
    assert_eq!(read(&other, Split::Train).1.len(), 1);
    assert_eq!(read(&other, Split::Test).1.len(), 1);
}

#[test]
fn mistakes_of_pascal_voc_have_their_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("voc"), folder.path().join("out"));
    let png = picture(1).to_png().unwrap();
    let refused = |file: &str, list: &str, parts: &[&str]| {
        write(
            &root,
            &[
                ("Annotations/a.xml", file.as_bytes()),
                ("JPEGImages/a.jpg", &png),
                ("ImageSets/Main/train.txt", list.as_bytes()),
            ],
        );
        let error = import(&root, &out, ImportSpec::default()).unwrap_err().to_string();
        assert!(
            !out.exists() && parts.iter().all(|part| error.contains(part)),
            "{error}"
        );
    };
    let good = voc_file(&[voc_object("dog", ["1", "1", "12", "10"], "")]);
    refused(
        &good.replace("<xmax>12", "<xmax>twelve"),
        "a",
        &["a.xml: line 9: xmax is \"twelve\", no number"],
    );
    refused(
        &good.replace("<ymax>10</ymax>", ""),
        "a",
        &["a.xml: line 6: bndbox has no ymax"],
    );
    refused(
        &good.replace("<name>dog</name>", "<name> </name>"),
        "a",
        &["line 5: name is empty"],
    );
    refused(&good.replace("</object>", ""), "a", &["a.xml: line ", "no XML"]);
    refused("<svg/>", "a", &["a.xml: line 1: the element \"svg\" is no annotation"]);
    refused(&good, "a\nb\n", &["train.txt: line 2: ", "b.xml is not there"]);
    refused(
        &good,
        "../Annotations/a",
        &["train.txt: line 1: the name \"../Annotations/a\" leads out of the folder"],
    );
    let doubt = voc_object("dog", ["1", "1", "12", "10"], "    <difficult>maybe</difficult>\n");
    refused(
        &voc_file(&[doubt]),
        "a",
        &["a.xml: line 6: difficult is \"maybe\", neither 0 nor 1"],
    );
    refused(
        &good.replace("<width>12", "<width>120"),
        "a",
        &["picture \"a.jpg\" is said to have 120 x 10 pixels, and has 12 x 10"],
    );
    refused(
        &format!("<?xml version=\"1.0\" encoding=\"nonsense\"?>{good}"),
        "a",
        &["a.xml: the encoding \"nonsense\" is not known"],
    );
}

/// Flags in words, a corner beyond all numbers, and another encoding than UTF-8.
#[test]
fn pascal_voc_is_read_as_programs_write_it() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("voc"), folder.path().join("out"));
    let corners = ["1", "1", "12", "10"];
    let doubts = |difficult: &str, truncated: &str| {
        format!("    <difficult>{difficult}</difficult>\n    <truncated>{truncated}</truncated>\n")
    };
    let objects = [
        voc_object("cat", corners, &doubts("True", "0.5")),
        voc_object("cat", corners, &doubts("Unspecified", "")),
        voc_object("cat", ["1", "1", "1e60", "10"], ""),
    ];
    let text = format!("<?xml version=\"1.0\" encoding=\"GB2312\"?>\n{}", voc_file(&objects));
    // The class is a cat in Chinese.
    let at = |text: &[u8]| text.windows(5).position(|word| word == b">cat<");
    let mut bytes = text.into_bytes();
    while let Some(at) = at(&bytes) {
        bytes.splice(at + 1..at + 4, [0xc3, 0xa8]);
    }
    write(
        &root,
        &[
            ("Annotations/a.xml", &bytes),
            ("JPEGImages/a.png", &picture(1).to_png().unwrap()),
        ],
    );
    let notes = import(&root, &out, ImportSpec::default()).unwrap();
    assert!(
        notes.iter().any(|note| note.contains("1 object is left out")),
        "{notes:?}"
    );
    let (rows, objects, names) = read(&out, Split::Train);
    assert_eq!((objects[0].boxes.len(), names), (2, vec!["\u{732b}".to_owned()]));
    assert_eq!(flags(&rows, "difficult", 0), [true, false]);
    assert_eq!(flags(&rows, "truncated", 0), [true, false]);
}

/// A picture of 20 x 10 pixels whose orientation says that it is to be turned by a quarter.
fn lying() -> Vec<u8> {
    let mut jpeg = Vec::new();
    let pixels = image::RgbImage::from_fn(20, 10, |x, _| image::Rgb([x as u8 * 10; 3]));
    jpeg_encoder::Encoder::new(&mut jpeg, 90)
        .encode(&pixels, 20, 10, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    let mut segment = vec![0xff, 0xe1];
    segment.extend(((exif.len() + 2) as u16).to_be_bytes());
    segment.append(&mut exif);
    jpeg.splice(2..2, segment);
    jpeg
}

#[test]
fn yolo_becomes_rows_of_objects() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("yolo"), folder.path().join("out"));
    let png = |row: u64| picture(row).to_png().unwrap();
    // A box, one that comes twice, one without a width, an outline of a triangle.
    let one = "1 0.5 0.5 0.5 0.25\n\n1 0.5 0.5 0.5 0.25\n0 0.25 0.5 0.0 0.5\n0.0 0.5 0.2 1.0 0.2 0.5 0.8\n";
    write(
        &root,
        &[
            ("data.yaml", b"path: ../datasets/mine\ntrain: images/train\nval: images/val\ntest:\nnc: 2\nnames:\n  0: no\n  1: 7up\n"),
            ("images/train/a.png", &png(1)),
            ("images/train/deep/b.PNG", &png(2)),
            ("images/train/c.jpg", &lying()),
            ("images/val/d.png", &png(4)),
            ("labels/train/a.txt", one.as_bytes()),
            ("labels/train/c.txt", b"0 0.5 0.25 1 0.5"),
            ("labels/train/lost.txt", b"0 0.5 0.25 1 0.5"),
            ("labels/val/d.txt", b""),
        ],
    );
    let before = contents(&root);
    let notes = import(&root, &out, ImportSpec::default()).unwrap();
    let said = [
        "path \"../datasets/mine\" is not below its folder",
        "train: 1 object is left out: its box has no area",
        "train: 1 line is left out: it stands twice",
        "train: 1 outline is read as the box around it",
        "train: 1 picture has no file of labels",
        "train: 1 file of labels is not read: it has no picture",
        "train: 3 boxes on 3 pictures: no 2, 7up 1",
        "validation: 0 boxes on 1 picture: no 0, 7up 0",
        "2 of 3 objects have no outline, so that no masks are written",
    ];
    assert_eq!(notes.len(), said.len(), "{notes:?}");
    for (note, said) in notes.iter().zip(said) {
        assert!(note.contains(said), "{note}");
    }
    assert_eq!(contents(&root), before, "nothing is written where it is read");
    let (rows, objects, names) = read(&out, Split::Train);
    assert_eq!(names, ["no", "7up"]);
    // Of 12 x 10 pixels.
    assert_eq!(objects[0].boxes, [[3.0, 3.75, 9.0, 6.25], [6.0, 2.0, 12.0, 8.0]]);
    assert_eq!(objects[0].classes, [1, 0]);
    assert_eq!(objects[0].areas.as_deref(), Some(&[15.0, 18.0][..]));
    // Turned upright it has 10 x 20.
    assert_eq!(objects[1].boxes, [[0.0, 0.0, 10.0, 10.0]]);
    assert_eq!(
        (texts(&rows, "width"), texts(&rows, "height")),
        (vec![12, 10, 12], vec![10, 20, 10])
    );
    assert!(objects[2].boxes.is_empty());
    let column = context().block_on(rows.column(&context(), "objects")).unwrap();
    let outlines = column.as_struct().column_by_name("segmentation").unwrap();
    let outlines = outlines.as_list::<i32>().value(0);
    assert!(outlines.as_list::<i32>().value(0).is_empty());
    let outline = outlines.as_list::<i32>().value(1).as_list::<i32>().value(0);
    assert_eq!(
        outline.as_primitive::<Float32Type>().values(),
        &[6.0, 2.0, 12.0, 2.0, 6.0, 8.0]
    );
    assert_eq!(read(&out, Split::Validation).1.len(), 1);
}

#[test]
fn yolo_folders_are_found_as_exports_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let png = picture(1).to_png().unwrap();
    let imported = |name: &str, yaml: &str, pictures: &str, labels: &str| {
        let (root, out) = (folder.path().join(name), folder.path().join(format!("{name}-out")));
        write(
            &root,
            &[
                ("data.yaml", yaml.as_bytes()),
                (&format!("{pictures}/a.png"), &png),
                (&format!("{labels}/a.txt"), b"0 .5 .5 .5 .5"),
            ],
        );
        import(&root.join("data.yaml"), &out, ImportSpec::default()).unwrap();
        let (_, objects, _) = read(&out, Split::Train);
        assert_eq!(objects[0].boxes, [[3.0, 2.5, 9.0, 7.5]], "{name}");
    };
    imported(
        "roboflow",
        "train: ../train/images\nnames: ['cat']",
        "train/images",
        "train/labels",
    );
    imported(
        "rooted",
        "path: deep\ntrain: [images/train]\nnames: [cat]",
        "deep/images/train",
        "deep/labels/train",
    );
    imported("silent", "names: [cat]", "images/train", "labels/train");
    imported("beside", "train: photos\nnames: [cat]", "photos", "photos");
    // A list of pictures, below the folder of the file or below its own.
    for (name, line) in [
        ("listed", "images/all/a.png\n\n"),
        ("listed-here", "./images/all/a.png"),
    ] {
        write(&folder.path().join(name), &[("train.txt", line.as_bytes())]);
        imported(
            name,
            "\u{feff}train: train.txt\nnc: 1\nnames: [cat]",
            "images/all",
            "labels/all",
        );
    }
}

#[test]
fn mistakes_of_yolo_have_their_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("yolo"), folder.path().join("out"));
    let png = picture(1).to_png().unwrap();
    let refused = |yaml: &str, labels: &str, part: &str| {
        write(
            &root,
            &[
                ("data.yaml", yaml.as_bytes()),
                ("images/train/a.png", &png),
                ("labels/train/a.txt", labels.as_bytes()),
            ],
        );
        let error = import(&root, &out, ImportSpec::default()).unwrap_err().to_string();
        assert!(!out.exists() && error.contains(part), "{error}");
    };
    let yaml = "train: images/train\nnames: [cat, dog]\n";
    refused(
        yaml,
        "0 .5 .5 .5 .5\n2 .5 .5 .5 .5\n",
        "a.txt: line 2: class 2 is none of the 2 that data.yaml names",
    );
    refused(
        yaml,
        "cat .5 .5 .5 .5",
        "a.txt: line 1: the class is \"cat\", no number of one",
    );
    refused(yaml, "0 .5 x .5 .5", "a.txt: line 1: \"x\" is no number");
    refused(
        yaml,
        "0 50 50 20 20",
        "a.txt: line 1: 50 is no share of the picture, 0 to 1",
    );
    refused(yaml, "0 .5 .5 .5 .5 .9", "a.txt: line 1: 5 numbers behind the class");
    refused(
        "train: ../../images\nnames: [cat]",
        "",
        "train: \"../../images\" leads out of the folder",
    );
    refused(
        "train: /tmp\nnames: [cat]",
        "",
        "train: \"/tmp\" leads out of the folder",
    );
    refused(
        "train: images/none\nnames: [cat]",
        "",
        "train: there is no folder or list \"images/none\" below",
    );
    refused(
        "train: images/train\nnc: 5\nnames: [cat]",
        "",
        "nc is 5, and names has 1 classes",
    );
    refused(
        "train: images/train\nnames: [cat, cat]",
        "",
        "two classes are called \"cat\"",
    );
    refused("train: images/train\n", "", "no data.yaml as YOLO has it");
    refused("train: images/train\nnames: {1: cat}", "", "class 0 has no name");
    std::fs::remove_file(root.join("data.yaml")).unwrap();
    let error = import(&root, &out, ImportSpec::default()).unwrap_err().to_string();
    assert!(error.contains("no data.yaml that names their classes"), "{error}");
}
