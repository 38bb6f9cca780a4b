//! Imported keypoints: their names, those that change places in a mirror, and what is refused.

use crate::common::{context, picture};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Float32Type;
use millstream::image::{Boxes, Image, Keypoints};
use millstream::import::{Import, ImportSpec};
use millstream::rows::{BoxFormat, KeypointNames, ObjectLayout};
use millstream::source::{Parquet, Split};
use millstream::{Dataset, DatasetExt, Result};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Pictures of 12 x 10 pixels are called `b.png`.
fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("b.png"), picture(1).to_png().unwrap()).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

fn import(path: &Path, out: &Path) -> Result<Vec<String>> {
    let cx = context();
    let import = Import::open(&cx, &[path.display().to_string()], ImportSpec::default())?;
    import.run(&cx, out, &mut |_, _| ())?;
    Ok(import.notes().to_vec())
}

fn rows(out: &Path, split: Split) -> Parquet {
    let cx = context();
    cx.block_on(Parquet::open_split(&cx, &[out.display().to_string()], split))
        .unwrap()
}

fn take(rows: &impl Dataset) -> RecordBatch {
    let cx = context().with_seed(3);
    cx.block_on(rows.take(&cx, &[0])).unwrap()
}

/// The numbers of the keypoints of all objects of the first row.
fn points(batch: &RecordBatch) -> Vec<f32> {
    let list = batch["objects.keypoints"].as_list::<i32>().value(0);
    let numbers = (0..list.len()).flat_map(|at| {
        let mut inner = list.as_fixed_size_list().value(at);
        while let Some(deeper) = inner.as_fixed_size_list_opt() {
            inner = Arc::clone(deeper.values());
        }
        inner.as_primitive::<Float32Type>().values().to_vec()
    });
    numbers.collect()
}

/// The first row's keypoints, mirrored by a stage with `keypoints`.
fn mirrored(rows: Parquet, keypoints: Keypoints) -> Vec<f32> {
    let cx = context();
    let rows = cx.block_on(rows.objects(&cx, "objects", BoxFormat::Xywh)).unwrap();
    let fields = ["objects.category", "objects.keypoints"];
    let image = Image::sized(12, 10)
        .as_u8()
        .horizontal_flip(1.0)
        .boxes(Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&fields))
        .keypoints(keypoints);
    points(&take(&rows.image("image", image).unwrap()))
}

fn said(out: &Path) -> KeypointNames {
    let schema = rows(out, Split::Train).schema();
    let layout = ObjectLayout::of(&schema, "objects").unwrap();
    layout.keypoint_names().unwrap().clone()
}

fn one(notes: &[String], part: &str) {
    let many = notes.iter().filter(|note| note.contains(part)).count();
    assert_eq!(many, 1, "{part}: {notes:?}");
}

fn coco(categories: &Value, annotations: &[(i64, i64, Value)]) -> String {
    let annotation = |(id, category, points): &(i64, i64, Value)| json!({"id": id, "image_id": 1, "category_id": category, "bbox": [1, 2, 8, 5], "keypoints": points});
    let annotations: Vec<Value> = annotations.iter().map(annotation).collect();
    json!({
        "images": [{"id": 1, "file_name": "b.png"}],
        "categories": categories,
        "annotations": annotations
    })
    .to_string()
}

fn face() -> Value {
    json!([{"id": 1, "name": "face", "keypoints": ["nose", "left_eye", "right_eye"], "skeleton": [[1, 2], [1, 3]]}])
}

#[test]
fn names_of_keypoints_are_kept_and_left_and_right_change_places_in_a_mirror() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("in"), dir.path().join("out"));
    let text = coco(
        &face(),
        &[
            // The first one is not labelled.
            (1, 1, json!([])),
            (2, 1, json!([5, 5, 2, 3, 4, 2, 7, 4, 1])),
        ],
    );
    write(&root, "instances_train.json", &text);
    let notes = import(&root, &out).unwrap();
    one(
        &notes,
        "objects have 3 keypoints with names; where a picture is mirrored, left_eye and right_eye change places",
    );
    let expected = KeypointNames {
        names: ["nose", "left_eye", "right_eye"].map(str::to_owned).to_vec(),
        skeleton: vec![[0, 1], [0, 2]],
        mirror_pairs: vec![[1, 2]],
    };
    assert_eq!(said(&out), expected);
    // Others read them in the file's own metadata.
    let file = File::open(out.join("data/train-00000-of-00001.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let keys = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let own = keys.iter().find(|own| own.key == "millstream.keypoints").unwrap();
    let own: Value = serde_json::from_str(own.value.as_deref().unwrap()).unwrap();
    assert_eq!(own, json!({ "objects": expected }));
    let none = [0.0; 9];
    let mirror = |keypoints| mirrored(rows(&out, Split::Train), keypoints);
    let swapped = [&none[..], &[7.0, 5.0, 2.0, 5.0, 4.0, 1.0, 9.0, 4.0, 2.0]].concat();
    assert_eq!(mirror(Keypoints::new("objects.keypoints")), swapped);
    // Pairs that are named come first, and none is a choice, too.
    let kept = [&none[..], &[7.0, 5.0, 2.0, 9.0, 4.0, 2.0, 5.0, 4.0, 1.0]].concat();
    assert_eq!(mirror(Keypoints::new("objects.keypoints").mirror_pairs(&[])), kept);
    let cx = context();
    let stored = cx.block_on(rows(&out, Split::Train).objects(&cx, "objects", BoxFormat::Xywh));
    let beyond = Keypoints::new("objects.keypoints").mirror_pairs(&[[1, 3]]);
    let refused = stored.unwrap().image("image", Image::sized(12, 10).keypoints(beyond));
    let said_of_pairs = "mirror_pairs name point 3, and an object has 3, counted from 0";
    assert!(refused.unwrap_err().to_string().ends_with(said_of_pairs));
    // A stage that is not told of them says so.
    let rows = rows(&out, Split::Train).objects(&cx, "objects", BoxFormat::Xywh);
    let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy);
    let image = Image::sized(12, 10).horizontal_flip(1.0).boxes(boxes);
    let plan = cx.block_on(rows).unwrap().image("image", image).unwrap().describe();
    let plan = plan.to_string();
    let words = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    let note =
        "the keypoints in \"objects.keypoints\" are not moved with the picture: name them with `Image::keypoints`";
    assert!(words.contains(note), "{plan}");
    // An import of the import says the same.
    let again = dir.path().join("again");
    import(&out, &again).unwrap();
    assert_eq!(said(&again), expected);
}

#[test]
fn keypoints_that_are_not_those_of_the_category_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("in"), dir.path().join("out"));
    let refused = |categories: Value, annotations: &[(i64, i64, Value)], part: &str| {
        write(&root, "instances_train.json", &coco(&categories, annotations));
        let error = import(&root, &out).unwrap_err().to_string();
        assert!(!out.exists() && error.contains(part), "{error}");
        assert!(error.contains("instances_train.json"), "{error}");
    };
    // It is the first one that is wrong.
    let annotations = [
        (7, 1, json!([5, 5, 2, 3, 4, 2])),
        (8, 1, json!([5, 5, 2, 3, 4, 2, 7, 4, 1])),
    ];
    let said = "annotation 7 of picture \"b.png\": keypoints: 6 numbers of x, y and visibility are there, and category \"face\" names 3 points, which have 9";
    refused(face(), &annotations, said);
    let said = "annotation 7 of picture \"b.png\": keypoints: they are no list of numbers";
    refused(face(), &[(7, 1, json!([[5, 5, 2]]))], said);
    let both = json!([face()[0], {"id": 2, "name": "hand"}]);
    let said = "annotation 7 of picture \"b.png\": keypoints: category \"hand\" names none, and other categories do";
    refused(both, &[(7, 2, json!([5, 5, 2]))], said);
    let twice = json!([{"id": 1, "name": "face", "keypoints": ["eye", "eye"]}]);
    let said = "two keypoints of category \"face\" are called \"eye\": give them names of their own";
    refused(twice, &[], said);
}

#[test]
fn categories_and_splits_with_different_keypoints_share_them_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("in"), dir.path().join("out"));
    let both = json!([
        face()[0],
        {"id": 2, "name": "bird", "keypoints": ["left_wing", "right_wing", "nose"], "skeleton": [[1, 9]]}
    ]);
    let text = coco(
        &both,
        &[
            (1, 1, json!([5, 5, 2, 3, 4, 2, 7, 4, 1])),
            (2, 2, json!([2, 6, 2, 9, 6, 1, 5, 3, 2])),
        ],
    );
    write(&root, "instances_train.json", &text);
    // Of the faces alone, in another order.
    let turned = json!([{"id": 1, "name": "face", "keypoints": ["right_eye", "left_eye", "nose", "left_ear"]},
                        {"id": 2, "name": "bird"}]);
    let text = coco(&turned, &[(3, 1, json!([7, 4, 1, 3, 4, 2, 5, 5, 2, 0, 0, 0]))]);
    write(&root, "instances_val.json", &text);
    let notes = import(&root, &out).unwrap();
    one(
        &notes,
        "categories name different keypoints: an object has the 5 of all of them, by name",
    );
    one(&notes, "the skeleton of category \"bird\" is left out");
    one(
        &notes,
        "objects have 6 keypoints with names; where a picture is mirrored, left_eye and right_eye, left_wing and right_wing change places; \
         \"left_ear\" has no other side",
    );
    let names = ["nose", "left_eye", "right_eye", "left_wing", "right_wing", "left_ear"];
    assert_eq!(said(&out).names, names);
    let flat = |split| {
        let cx = context();
        let rows = cx.block_on(rows(&out, split).objects(&cx, "objects", BoxFormat::Xywh));
        points(&take(&rows.unwrap()))
    };
    let face = [5.0, 5.0, 2.0, 3.0, 4.0, 2.0, 7.0, 4.0, 1.0];
    let none = [0.0; 9];
    let bird = [
        5.0, 3.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 6.0, 2.0, 9.0, 6.0, 1.0, 0.0, 0.0, 0.0,
    ];
    assert_eq!(flat(Split::Train), [&face[..], &none, &bird].concat());
    assert_eq!(flat(Split::Validation), [&face[..], &none].concat());

    // A split whose categories name none.
    let text = coco(
        &json!([{"id": 1, "name": "face"}, {"id": 2, "name": "bird"}]),
        &[(3, 1, json!([7, 4, 1]))],
    );
    write(&root, "instances_val.json", &text);
    let error = import(&root, &dir.path().join("none")).unwrap_err().to_string();
    let part = "objects of the split validation have keypoints, and its categories name none";
    assert!(error.contains(part), "{error}");
}

#[test]
fn files_that_say_other_keypoints_are_not_read_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let points = [(1, 1, json!([5, 5, 2, 3, 4, 2, 7, 4, 1]))];
    let turned = json!([{"id": 1, "name": "face", "keypoints": ["left_eye", "nose", "right_eye"]}]);
    let mut files = Vec::new();
    for (name, categories) in [("one", face()), ("other", turned)] {
        let (root, out) = (dir.path().join(name), dir.path().join(format!("{name}-out")));
        write(&root, "instances_train.json", &coco(&categories, &points));
        import(&root, &out).unwrap();
        files.push(out.join("data/train-00000-of-00001.parquet").display().to_string());
    }
    let cx = context();
    let error = match cx.block_on(Parquet::open_all(&cx, &files)) {
        Ok(rows) => cx.block_on(rows.objects(&cx, "objects", BoxFormat::Xywh)).unwrap_err(),
        Err(error) => error,
    };
    let part = "the keypoints in column \"objects\" are others than those in";
    assert!(error.to_string().contains(part), "{error}");
}

/// A folder as YOLO has it, with one picture of 12 x 10 pixels.
fn yolo(root: &Path, yaml: &str, labels: &str) {
    write(&root.join("images/train"), "../../data.yaml", yaml);
    let folder = root.join("labels/train");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("b.txt"), labels).unwrap();
}

#[test]
fn keypoints_of_yolo_are_read_and_flip_idx_exchanges_them() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("in"), dir.path().join("out"));
    let labels = "0 .5 .5 .5 .5 .5 .5 2 .25 .4 2 .75 .4 1\n0 .5 .5 .5 .4 0 0 0 .25 .4 2.0 0 0 0\n";
    let yaml = "train: images/train\nnames: [face]\nkpt_shape: [3, 3]\nflip_idx: [0, 2, 1]\n";
    yolo(&root, yaml, labels);
    let notes = import(&root, &out).unwrap();
    one(
        &notes,
        "keypoints have no names; where a picture is mirrored, points 1 and 2 (counted from 0) change places",
    );
    assert_eq!(said(&out).mirror_pairs, [[1, 2]]);
    let expected = [
        6.0, 5.0, 2.0, 3.0, 4.0, 1.0, 9.0, 4.0, 2.0, // What is not labelled stays.
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 4.0, 2.0,
    ];
    let keypoints = Keypoints::new("objects.keypoints");
    assert_eq!(mirrored(rows(&out, Split::Train), keypoints.clone()), expected);

    // Names, and x and y alone.
    let root = dir.path().join("names");
    let yaml = "train: images/train\nnames: [face]\nkpt_shape: [3, 2]\nkpt_names:\n  0: [nose, left_eye, right_eye]\n";
    yolo(&root, yaml, "0 .5 .5 .5 .5 .5 .5 .25 .4 0 0\n");
    let out = dir.path().join("names-out");
    let notes = import(&root, &out).unwrap();
    one(&notes, "left_eye and right_eye change places");
    one(&notes, "1 keypoint at 0, 0 counts as not labelled");
    let expected = [6.0, 5.0, 2.0, 0.0, 0.0, 0.0, 9.0, 4.0, 2.0];
    assert_eq!(mirrored(rows(&out, Split::Train), keypoints), expected);

    // Nothing says which are left and right.
    let root = dir.path().join("silent");
    yolo(
        &root,
        "train: images/train\nnames: [face]\nkpt_shape: [2, 2]\n",
        "0 .5 .5 .5 .5 .5 .5 .25 .4\n",
    );
    let notes = import(&root, &dir.path().join("silent-out")).unwrap();
    one(
        &notes,
        "no flip_idx says which keypoints change places where a picture is mirrored",
    );
}

#[test]
fn mistakes_in_keypoints_of_yolo_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("in"), dir.path().join("out"));
    let refused = |yaml: &str, labels: &str, part: &str| {
        yolo(&root, &format!("train: images/train\nnames: [face]\n{yaml}\n"), labels);
        let error = import(&root, &out).unwrap_err().to_string();
        assert!(!out.exists() && error.contains(part), "{error}");
    };
    refused(
        "kpt_shape: [2, 4]",
        "",
        "kpt_shape is [2, 4], and has to be [points, 2]",
    );
    refused(
        "kpt_shape: [0, 3]",
        "",
        "kpt_shape is [0, 3], and has to be [points, 2]",
    );
    let said = "flip_idx has to name for each of 3 keypoints the one whose place it takes where a picture is mirrored, counted from 0";
    refused("kpt_shape: [3, 3]\nflip_idx: [0, 1]", "", said);
    refused("kpt_shape: [3, 3]\nflip_idx: [1, 2, 0]", "", said);
    refused("kpt_shape: [3, 3]\nflip_idx: [0, 1, 3]", "", said);
    refused(
        "kpt_shape: [3, 3]\nkpt_names: [nose]",
        "",
        "kpt_names has 1 name, and kpt_shape 3 points",
    );
    let yaml = "kpt_shape: [1, 3]";
    let said = "b.txt: line 2: 4 numbers behind the class: kpt_shape [1, 3] makes them 7";
    refused(yaml, "0 .5 .5 .5 .5 .5 .5 2\n0 .5 .5 .5 .5", said);
    let said = "b.txt: line 1: the visibility of a keypoint is \"0.7\"";
    refused(yaml, "0 .5 .5 .5 .5 .5 .5 0.7", said);
    refused(
        yaml,
        "0 .5 .5 .5 .5 5 .5 2",
        "b.txt: line 1: 5 is no share of the picture",
    );
}
