//! Files among annotations that are none: pipes, results of models, numbers that are too large, and names of pictures that are not there.

use crate::common::{context, picture};
use millstream::Result;
use millstream::import::{Import, ImportSpec};
use serde_json::{Value, json};
use std::path::Path;

fn write(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn import(path: &Path, out: &Path) -> Result<Vec<String>> {
    let cx = context();
    let import = Import::open(&cx, &[path.display().to_string()], ImportSpec::default())?;
    import.run(&cx, out, &mut |_, _| ())?;
    Ok(import.notes().to_vec())
}

#[test]
#[cfg(unix)]
fn a_pipe_among_annotations_is_named_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let png = picture(1).to_png().unwrap();
    let voc: &[u8] =
        b"<annotation><filename>a.png</filename><size><width>12</width><height>10</height></size></annotation>";
    let yolo = |name: &str| {
        let root = dir.path().join(name);
        let yaml: &[u8] = b"train: images\nval: images\nnames: [cat]\n";
        write(
            &root,
            &[("data.yaml", yaml), ("images/a.png", &png), ("labels/a.txt", b"")],
        );
        root
    };
    let (labels, pictures) = (yolo("labels"), yolo("pictures"));
    let (boxes, outlines) = (dir.path().join("voc"), dir.path().join("coco"));
    write(&boxes, &[("JPEGImages/a.png", &png), ("Annotations/a.xml", voc)]);
    write(&outlines, &[("images/a.png", &png)]);
    for (root, pipe) in [
        (labels, "labels/a.txt"),
        (pictures, "images/b.png"),
        (boxes, "Annotations/a.xml"),
        (outlines, "instances_train.json"),
    ] {
        let path = root.join(pipe);
        let _ = std::fs::remove_file(&path);
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let error = import(&root, &dir.path().join("out")).unwrap_err().to_string();
        assert!(
            error.contains(pipe) && error.contains("this is a device or a pipe"),
            "{error}"
        );
    }
}

fn coco(id: i64, name: &str) -> Value {
    json!({
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": name, "width": 12, "height": 10}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": id, "image_id": 1, "category_id": 1, "bbox": [1, 2, 4, 5]}]
    })
}

#[test]
fn what_is_no_file_of_annotations_is_called_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("a.png", &picture(1).to_png().unwrap())]);
    let path = dir.path().join("x.json");
    let refused = |text: String, part: &str| {
        std::fs::write(&path, text).unwrap();
        let error = import(&path, &dir.path().join("out")).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    let found = json!([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 4, 5], "score": 0.5}]);
    refused(found.to_string(), "x.json: this is a file of results");
    refused(
        json!([{"id": 1}]).to_string(),
        "this is a list, and has to be an object",
    );
    let large = coco(7, "a2.png")
        .to_string()
        .replace("\"id\":7", "\"id\":1180591620717411303424");
    refused(large, "an id, a whole number of at least -2^63 and below 2^63");
}

#[test]
fn a_picture_that_is_not_there_has_a_hint() {
    let [dir, out] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let png = picture(1).to_png().unwrap();
    write(dir.path(), &[("a.png", &png), ("b.png", &png)]);
    let path = dir.path().join("x.json");
    for (at, (name, part)) in [
        ("B.PNG", "\"b.png\" is there, whose upper and lower case differ"),
        ("http://example.org/b.png", "nothing is downloaded"),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(&path, coco(7, name).to_string()).unwrap();
        let notes = import(&path, &out.path().join(at.to_string())).unwrap();
        assert!(notes.iter().any(|note| note.contains(part)), "{notes:?}");
    }
    let mut alone = coco(7, "b.png");
    alone["images"] = json!([{"id": 1, "file_name": "A.png"}]);
    std::fs::write(&path, alone.to_string()).unwrap();
    let error = import(&path, &dir.path().join("none")).unwrap_err().to_string();
    assert!(
        error.contains("\"a.png\" is there, whose upper and lower case differ"),
        "{error}"
    );
}

#[test]
fn yolo_without_any_labels_is_refused_and_says_where_it_looked() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("yolo"), dir.path().join("out"));
    let png = picture(1).to_png().unwrap();
    let yaml: &[u8] = b"train: images/train\nval: images/val\nnames: [cat]\n";
    write(
        &root,
        &[
            ("data.yaml", yaml),
            ("images/train/a.png", &png),
            ("images/val/b.png", &png),
            ("annotations/train/a.txt", b"0 0.5 0.5 0.5 0.5\n"),
        ],
    );
    let error = import(&root, &out).unwrap_err().to_string();
    let file = root.join("labels/train/a.txt").display().to_string();
    let said = format!("no picture has a file of labels: that of \"images/train/a.png\" was looked for as {file}");
    assert!(!out.exists() && error.contains(&said), "{error}");
    // Where one has labels, the others are without objects.
    write(&root, &[("labels/val/b.txt", b"0 0.5 0.5 0.5 0.5\n")]);
    let notes = import(&root, &out).unwrap();
    let said = "train: 1 picture has no file of labels: it is without objects";
    assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
}
