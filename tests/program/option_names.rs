//! The program names its options where the library names fields.
#![cfg(feature = "cli")]

use super::boxes::millstream;
use millstream::image::Pixels;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Output;

/// Both outputs, on one line.
fn said(ran: &Output) -> String {
    let all = [&ran.stdout[..], &ran.stderr[..]].concat();
    let words = String::from_utf8(all).unwrap();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A picture with two faces, the outline of the first of which this is.
fn faces(folder: &Path, outline: &Value) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("a.png"), Pixels::new(32, 24).to_png().unwrap()).unwrap();
    let text = json!({
        "images": [{"id": 1, "file_name": "a.png", "width": 32, "height": 24}],
        "categories": [{"id": 1, "name": "face"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 8, 6], "segmentation": outline},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [18, 2, 8, 6]}
        ],
    });
    fs::write(folder.join("instances_train.json"), text.to_string()).unwrap();
}

#[test]
fn masks_of_objects_are_asked_for_by_their_option() {
    let dir = tempfile::tempdir().unwrap();
    faces(&dir.path().join("some"), &json!([[1, 2, 9, 2, 9, 8, 1, 8]]));
    let ran = millstream(dir.path(), "import --out some-rows some");
    let words = said(&ran);
    assert!(ran.status.success(), "{words}");
    assert!(
        words.contains("1 of 2 objects has no outline, so that no masks are written: with --instances true the boxes"),
        "{words}"
    );
    faces(&dir.path().join("none"), &json!([]));
    let ran = millstream(dir.path(), "import --out none-rows --instances true none");
    let words = said(&ran);
    assert_eq!(ran.status.code(), Some(1), "{words}");
    assert!(
        words.contains(
            "--instances true asks for masks, and no object has an outline: masks of boxes alone would say no"
        ) && words.ends_with(": leave --instances out"),
        "{words}"
    );
    assert!(!dir.path().join("none-rows").exists());
}

#[test]
fn the_first_pixel_is_set_by_its_option() {
    let dir = tempfile::tempdir().unwrap();
    let voc = dir.path().join("voc");
    for folder in ["Annotations", "JPEGImages"] {
        fs::create_dir_all(voc.join(folder)).unwrap();
    }
    fs::write(voc.join("JPEGImages/a.png"), Pixels::new(32, 24).to_png().unwrap()).unwrap();
    let text = "<annotation><filename>a.png</filename><size><width>32</width><height>24</height></size><object><name>face</name><bndbox><xmin>0</xmin>\
                <ymin>0</ymin><xmax>12</xmax><ymax>10</ymax></bndbox></object></annotation>";
    fs::write(voc.join("Annotations/a.xml"), text).unwrap();
    let ran = millstream(dir.path(), "import --out rows voc");
    let words = said(&ran);
    assert!(ran.status.success(), "{words}");
    assert!(
        words.contains("import with --voc-from 0 then, and with --voc-from 1 where these boxes alone are wrong")
            && !words.contains("voc_from"),
        "{words}"
    );
    faces(&dir.path().join("faces"), &json!([]));
    let words = said(&millstream(dir.path(), "import --out none --voc-from 0 faces"));
    assert!(words.ends_with("leave --voc-from out"), "{words}");
}
