//! What is said of annotations: crowds, what was left out or chosen, and where a mistake is.

use crate::common::{context, picture};

use arrow::array::{
    ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use millstream::error::ErrorKind;
use millstream::import::{Import, ImportSpec};
use millstream::inspect::{Inspect, Inspection, Leaks};
use millstream::rows::{BoxFormat, ObjectReader, Objects};
use millstream::source::{Parquet, Split};
use millstream::{Result, Stable};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Boxes that a run takes in a row.
const MOST: usize = 16_384;

fn write(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn import(path: &Path, out: &Path, spec: ImportSpec) -> Result<Vec<String>> {
    let cx = context();
    let import = Import::open(&cx, &[path.display().to_string()], spec)?;
    import.run(&cx, out, &mut |_, _| ())?;
    Ok(import.notes().to_vec())
}

fn inspect(path: &Path) -> Inspection {
    let cx = context();
    let inspect = Inspect::new([path.display().to_string()]);
    cx.block_on(inspect.run(&cx)).unwrap()
}

/// The objects of the training rows.
fn read(out: &Path) -> Vec<Objects> {
    let cx = context();
    let path = [out.display().to_string()];
    let rows = cx.block_on(Parquet::open_split(&cx, &path, Split::Train)).unwrap();
    let reader = cx
        .block_on(ObjectReader::scan(&cx, &rows, "objects", BoxFormat::Xywh))
        .unwrap();
    reader.read(&cx.block_on(rows.column(&cx, "objects")).unwrap()).unwrap()
}

fn one(notes: &[String], part: &str) {
    let many = notes.iter().filter(|note| note.contains(part)).count();
    assert_eq!(many, 1, "{part}: {notes:?}");
}

/// One picture of 12 x 10 pixels with two cats, one of which is a crowd.
fn coco() -> Value {
    json!({
        "images": [{"id": 3, "file_name": "a.png", "width": 12, "height": 10}],
        "categories": [{"id": 2, "name": "cat"}, {"id": 5, "name": "dog"}],
        "annotations": [
            {"id": 11, "image_id": 3, "category_id": 2, "bbox": [1, 2, 4, 5], "area": 20, "iscrowd": 0},
            {"id": 12, "image_id": 3, "category_id": 2, "bbox": [2, 2, 6, 6], "area": 36, "iscrowd": 1}
        ]
    })
}

#[test]
fn crowds_are_counted_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("in"), folder.path().join("out"));
    let (png, text) = (picture(1).to_png().unwrap(), coco().to_string());
    write(&root, &[("a.png", &png), ("instances_train.json", text.as_bytes())]);
    let notes = import(&root, &out, ImportSpec::default()).unwrap();
    one(
        &notes,
        "train: 1 box on 1 picture: cat 1, dog 0; 1 more box is a crowd, which is left out of training and counted nowhere but in the figures",
    );
    let labels = inspect(&out).labels;
    let survey = labels.objects.unwrap();
    assert_eq!((survey.objects, survey.crowds, survey.without), (1, 1, 0));
    assert_eq!(
        (survey.objects_of_class.clone(), survey.rows_of_class.clone()),
        (vec![1, 0], vec![1, 0])
    );
    let marked = survey.marked().unwrap();
    assert!(
        marked.starts_with("1 of 2 boxes in \"objects\" stands for a crowd: left out of training and of all counts"),
        "{marked}"
    );
    let boxes: Vec<_> = labels.classes.iter().map(|class| class.boxes).collect();
    assert_eq!(boxes, [Some(1), Some(0)]);
    assert!(labels.notes.is_empty(), "{:?}", labels.notes);
    let sizes = ["width", "height"].map(str::to_owned);
    assert!(!sizes.iter().any(|size| labels.candidates.contains(size)));
}

#[test]
fn a_mistake_of_coco_names_its_annotation() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("x.json"), folder.path().join("out"));
    let png = picture(1).to_png().unwrap();
    write(folder.path(), &[("a.png", &png)]);
    for (field, value, said) in [
        ("bbox", json!([1, null, 4, 5]), "bbox[1]: invalid type: null"),
        ("bbox", json!(["1", 2, 4, 5]), "bbox[0]: invalid type: string"),
        ("area", json!("x"), "area: invalid type: string"),
        ("iscrowd", json!("yes"), "iscrowd: expected 0 or 1"),
        (
            "segmentation",
            json!({"counts": [-1, 121], "size": [10, 12]}),
            "segmentation: neither polygons, lists of numbers, nor run lengths",
        ),
        (
            "segmentation",
            json!({"size": [10, 12]}),
            "segmentation: neither polygons",
        ),
    ] {
        let mut wrong = coco();
        wrong["annotations"][1][field] = value;
        std::fs::write(&path, wrong.to_string()).unwrap();
        let error = import(&path, &out, ImportSpec::default()).unwrap_err().to_string();
        let said = format!("x.json: annotations[1] (id 12, of picture \"a.png\"): {said}");
        assert!(
            error.contains(&said) && error.ends_with(": correct it, or leave it out"),
            "{error}"
        );
    }
    let mut wrong = coco();
    wrong["images"][0].as_object_mut().unwrap().remove("id");
    std::fs::write(&path, wrong.to_string()).unwrap();
    let error = import(&path, &out, ImportSpec::default()).unwrap_err().to_string();
    assert!(error.contains("images[0]: missing field `id`"), "{error}");
    assert!(!out.exists());
}

#[test]
fn what_coco_leaves_open_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (
        folder.path().join("set/instances_train.json"),
        folder.path().join("out"),
    );
    let png = picture(1).to_png().unwrap();
    write(&folder.path().join("set"), &[("a.png", &png)]);
    let mut value = coco();
    value["annotations"][0]["category_id"] = json!(6);
    let again = json!({"id": 4, "file_name": "a.png"});
    value["images"].as_array_mut().unwrap().push(again);
    std::fs::write(&path, value.to_string()).unwrap();
    let notes = import(&path, &out, ImportSpec::default()).unwrap();
    one(
        &notes,
        "1 annotation is left out: of a category that is not listed; the first is annotation 11, of image_id 3 and category_id 6",
    );
    one(&notes, "1 image has the file name of another one");
}

#[test]
fn run_lengths_of_another_size_are_no_outline_of_a_picture_whose_size_is_not_said() {
    for (size, fits) in [(json!([10, 12]), true), (json!([12, 10]), false)] {
        let folder = tempfile::tempdir().unwrap();
        let (path, out) = (
            folder.path().join("set/instances_train.json"),
            folder.path().join("out"),
        );
        let png = picture(1).to_png().unwrap();
        write(&folder.path().join("set"), &[("a.png", &png)]);
        let mut value = coco();
        let image = value["images"][0].as_object_mut().unwrap();
        image.remove("width");
        image.remove("height");
        for annotation in value["annotations"].as_array_mut().unwrap() {
            annotation["segmentation"] = json!({"counts": [60, 60], "size": size});
        }
        std::fs::write(&path, value.to_string()).unwrap();
        let notes = import(&path, &out, ImportSpec::default()).unwrap();
        let said = |part: &str| notes.iter().any(|note| note.contains(part));
        assert_eq!(
            said("run lengths of another size than the picture's"),
            !fits,
            "{notes:?}"
        );
        assert_eq!(
            said("column \"instances\" has a mask for each picture"),
            fits,
            "{notes:?}"
        );
    }
}

/// A file of Pascal VOC with one dog, whose left side is `left` in XML.
fn voc(left: &str, more: &str) -> String {
    format!(
        "<annotation>\n{more}<size><width>12</width><height>10</height></size>\n<object><name>dog</name>\n<bndbox><xmin>{left}</xmin><ymin>0</ymin>\
         <xmax>12</xmax><ymax>10</ymax></bndbox></object></annotation>\n"
    )
}

#[test]
fn corners_of_pascal_voc_at_0_are_noted_and_may_be_meant() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("voc");
    let png = picture(1).to_png().unwrap();
    let file = voc("<!-- not 1 -->0", "<filename>b.png</filename>\n");
    write(
        &root,
        &[
            ("Annotations/a.xml", file.as_bytes()),
            ("JPEGImages/a.png", &png),
            ("JPEGImages/b.png", &png),
        ],
    );
    let of = |voc_from: Option<u8>, out: &str| {
        let out = folder.path().join(out);
        let spec = ImportSpec {
            voc_from,
            ..ImportSpec::default()
        };
        let notes = import(&root, &out, spec).unwrap();
        (notes, read(&out)[0].boxes[0])
    };
    let (notes, corners) = of(None, "plain");
    assert_eq!(corners, [-1.0, -1.0, 12.0, 10.0]);
    one(&notes, "1 of 1 box has a corner below 1");
    one(&notes, "set voc_from to 0 then");
    one(
        &notes,
        "1 annotation names another picture as `filename` that is there, too",
    );
    let (notes, corners) = of(Some(0), "sides");
    assert_eq!(corners, [0.0, 0.0, 12.0, 10.0]);
    one(&notes, "corners are read as the sides of boxes, in pixels from 0");
    assert!(!notes.iter().any(|note| note.contains("below 1")), "{notes:?}");
    assert_eq!(of(Some(1), "pixels").1, [-1.0, -1.0, 12.0, 10.0]);
    // It is of no other annotations.
    let path = folder.path().join("instances_train.json");
    write(
        folder.path(),
        &[("a.png", &png), ("instances_train.json", coco().to_string().as_bytes())],
    );
    for (path, from, said) in [
        (&path, 0, "leave voc_from out"),
        (&root, 2, "voc_from is 2, not 0 or 1"),
    ] {
        let spec = ImportSpec {
            voc_from: Some(from),
            ..ImportSpec::default()
        };
        let error = import(path, &folder.path().join("none"), spec).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_doctype_is_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("voc");
    let file = format!("<?xml version=\"1.0\"?>\n<!DOCTYPE annotation>\n{}", voc("1", ""));
    let png = picture(1).to_png().unwrap();
    write(
        &root,
        &[("Annotations/a.xml", file.as_bytes()), ("JPEGImages/a.png", &png)],
    );
    let error = import(&root, &folder.path().join("out"), ImportSpec::default()).unwrap_err();
    let said = "a.xml: line 2: files with a DOCTYPE are not read: remove that line";
    assert!(error.to_string().ends_with(said), "{error}");
}

#[test]
fn yolo_with_one_folder_for_two_splits_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("yolo");
    let png = picture(1).to_png().unwrap();
    write(
        &root,
        &[
            ("data.yaml", b"path: ./.\ntrain: ./images\nval: images\nnames: [cat]\n"),
            ("images/a.png", &png),
            ("labels/a.txt", b"0 0.5 0.5 0.5 0.5\n"),
        ],
    );
    let notes = import(&root, &folder.path().join("out"), ImportSpec::default()).unwrap();
    one(
        &notes,
        "1 picture of the split validation is in the split train, too, and becomes a row of both, so that figures of the split validation will be of \
         pictures that were trained on, and look better than they are: give each split pictures of its own",
    );
    let refused = |labels: &[u8], said: &str| {
        write(&root, &[("labels/a.txt", labels)]);
        let error = import(&root, &folder.path().join("none"), ImportSpec::default()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    };
    refused(b"cat 0.5 0.5 0.5 0.5\n", "yolo/labels/a.txt: line 1: ");
    refused(&[0xff, 0xfe, 0x00, 0x81], "yolo/labels/a.txt: this is no text in UTF-8");
}

/// A column of objects with so many boxes a row, the first of which begins at the number of its row; `fields` are those of classes.
fn objects(rows: &[usize], fields: &[&str]) -> ArrayRef {
    let list = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(rows.iter().copied());
        Arc::new(ListArray::new(item, offsets, values, None))
    };
    let all = || (0..).zip(rows).flat_map(|(row, &many)| (0..many).map(move |_| row));
    let numbers = Float32Array::from_iter_values(all().flat_map(|row: u16| [f32::from(row), 10.0, 20.0, 20.0]));
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let boxes = FixedSizeListArray::new(item, 4, Arc::new(numbers), None);
    let mut columns = vec![("bbox", list(Arc::new(boxes)))];
    columns.extend(fields.iter().map(|field| {
        let classes = Int64Array::from_iter_values(all().map(|_| 4));
        (*field, list(Arc::new(classes)))
    }));
    let column =
        |(name, column): (&str, ArrayRef)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column);
    Arc::new(StructArray::from(columns.into_iter().map(column).collect::<Vec<_>>()))
}

fn write_table(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn an_inspection_says_which_boxes_are_read_and_which_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let rows = [1, 2];
    let both = vec![
        ("objects", objects(&rows, &["category", "labels"])),
        ("annotations", objects(&rows, &["category"])),
    ];
    write_table(&path, both);
    let labels = inspect(&path).labels;
    assert_eq!(labels.column.as_deref(), Some("objects"), "{:?}", labels.problem);
    one(
        &labels.notes,
        "boxes are read from column \"objects\", and \"annotations\" has boxes, too",
    );
    one(
        &labels.notes,
        "the boxes are read from the field \"bbox\" and the classes from \"category\": \"labels\" is read as neither",
    );
    for (many, refused) in [(MOST, false), (MOST + 1, true)] {
        write_table(&path, vec![("objects", objects(&[1, many], &["category"]))]);
        let labels = inspect(&path).labels;
        assert_eq!(labels.notes.len(), usize::from(refused), "{:?}", labels.notes);
        if refused {
            one(&labels.notes, "row 1 of row group 0 in ");
            one(
                &labels.notes,
                "x.parquet: 16385 boxes, and a row may have 16384 in training: leave some out",
            );
        }
    }
}

#[test]
fn boxes_are_labels_that_copies_are_compared_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    // Each row has another box.
    let pictures = (0..24).map(|row| Some(picture(row).to_png().unwrap()));
    let columns = vec![
        ("image", Arc::new(pictures.collect::<BinaryArray>()) as ArrayRef),
        ("objects", objects(&[1; 24], &["category"])),
    ];
    write_table(&path, columns);
    let leaks = Leaks {
        features: Some(false),
        ..Leaks::new([path.display().to_string()], Vec::<String>::new())
    };
    let report = leaks.run(&context(), &mut |_, _, _| ()).unwrap();
    assert_eq!(report.label.as_deref(), Some("objects"), "{:?}", report.notes);
    assert!(
        !report.notes.iter().any(|note| note.contains("labels are not compared")),
        "{:?}",
        report.notes
    );
}

#[test]
fn boxes_of_another_name_than_is_looked_for_are_not_left_out_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let said = "column \"faults\" has boxes, too: data.label = \"faults\" reads them";
    let faults = || ("faults", objects(&[1, 2], &["category"]));
    for (other, column) in [(None, "faults.category"), (Some("objects"), "objects")] {
        let other = other.map(|name| (name, objects(&[1, 2], &["category"])));
        write_table(&path, other.into_iter().chain([faults()]).collect());
        let labels = inspect(&path).labels;
        assert_eq!(labels.column.as_deref(), Some(column), "{:?}", labels.problem);
        one(&labels.notes, said);
        assert_eq!(labels.notes.len(), 1, "{:?}", labels.notes);
    }
    // Named it is read; and whoever names a column knows which one.
    for (named, boxes) in [("faults", true), ("objects", true), ("faults.category", false)] {
        let cx = context();
        let named = Inspect {
            label: Some(named.to_owned()),
            ..Inspect::new([path.display().to_string()])
        };
        let labels = cx.block_on(named.run(&cx)).unwrap().labels;
        assert_eq!(labels.objects.is_some(), boxes, "{:?}", labels.problem);
        assert!(labels.notes.is_empty(), "{:?}", labels.notes);
    }
}

#[test]
fn an_inspection_looks_at_the_masks_of_objects() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let mask = |width: u32, height: u32| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        let values = vec![1; (width * height) as usize];
        encoder.write_header().unwrap().write_image_data(&values).unwrap();
        Some(file)
    };
    let picture = millstream::image::Pixels::new(64, 48).to_png().unwrap();
    let pictures: BinaryArray = (0..4).map(|_| Some(&picture)).collect();
    let masks: BinaryArray = [mask(64, 48), None, mask(48, 64), Some(b"none".to_vec())]
        .into_iter()
        .collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("image", Arc::new(pictures)),
        ("objects", objects(&[1, 1, 1, 1], &["category"])),
        ("instances", Arc::new(masks)),
    ];
    write_table(&path, columns);
    for full in [false, true] {
        let inspect = Inspect {
            image: Some("image".to_owned()),
            full,
            ..Inspect::new([path.display().to_string()])
        };
        let cx = context();
        let labels = cx.block_on(inspect.run(&cx)).unwrap().labels;
        let found = labels.instances.unwrap_or_else(|| panic!("{:?}", labels.problem));
        assert_eq!((found.rows, found.looked_at, found.unusable), (4, 4, 3));
        assert!(found.values.is_empty(), "{:?}", found.values);
        let said: Vec<String> = (found.bad.iter())
            .map(|bad| format!("{}: {}", bad.place, bad.why))
            .collect();
        for (row, why) in [
            (1, "the mask is null"),
            (2, "the mask has 48 x 64 pixels, its picture 64 x 48"),
            (3, "a mask of another format"),
        ] {
            let said = &said[row - 1];
            assert!(
                said.starts_with(&format!("row {row} of ")) && said.contains(why),
                "{said}"
            );
        }
    }
}
