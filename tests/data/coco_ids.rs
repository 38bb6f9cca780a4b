//! Ids in COCO's files: of another type, of nothing that is listed, given twice, or left out.

use crate::common::{context, picture};

use millstream::Result;
use millstream::error::ErrorKind;
use millstream::import::{Import, ImportSpec};
use serde_json::{Value, json};
use std::path::Path;

/// Two pictures with a cat each.
fn coco() -> Value {
    json!({
        "images": [
            {"id": 1, "file_name": "a.png", "width": 12, "height": 10},
            {"id": 2, "file_name": "b.png", "width": 12, "height": 10}
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 5, "name": "dog"}],
        "annotations": [
            {"id": 11, "image_id": 1, "category_id": 1, "bbox": [1, 2, 4, 5]},
            {"id": 12, "image_id": 2, "category_id": 1, "bbox": [1, 2, 4, 5]}
        ]
    })
}

/// The notes of an import of `value`.
fn notes(folder: &Path, value: &Value) -> Result<Vec<String>> {
    for name in ["a.png", "b.png"] {
        std::fs::write(folder.join(name), picture(1).to_png().unwrap()).unwrap();
    }
    let path = folder.join("instances_train.json");
    std::fs::write(&path, value.to_string()).unwrap();
    let import = Import::open(&context(), &[path.display().to_string()], ImportSpec::default())?;
    Ok(import.notes().to_vec())
}

fn refused(value: &Value, said: &str) {
    let folder = tempfile::tempdir().unwrap();
    let error = notes(folder.path(), value).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().ends_with(said), "{error}");
}

#[test]
fn annotations_that_would_all_be_lost_are_an_error() {
    let mut texts = coco();
    for image in texts["images"].as_array_mut().unwrap() {
        image["id"] = json!(image["id"].to_string());
    }
    refused(
        &texts,
        "none of 2 annotations could be kept: 2 annotations are of an image that is not listed; the first is annotation 11, of image_id 1 and \
         category_id 1: `id` of images is \"1\", and image_id is 1, which is a number and not a text: write both alike, as numbers or as texts",
    );
    let mut numbers = coco();
    for annotation in numbers["annotations"].as_array_mut().unwrap() {
        annotation["category_id"] = json!("1");
    }
    refused(
        &numbers,
        "`id` of categories is 1, and category_id is \"1\", which is a text and not a number: write both alike, as numbers or as texts",
    );
    let mut others = coco();
    for annotation in others["annotations"].as_array_mut().unwrap() {
        annotation["image_id"] = json!(77);
    }
    refused(
        &others,
        "image_id has to be an `id` of images, such as 1: correct it, or import the images that these annotations are of",
    );
    others["annotations"][0] = json!({"id": 11, "image_id": 1, "category_id": 1, "bbox": [1, 2, 0, 5]});
    refused(&others, "or import the images that these annotations are of");
    others["annotations"][0] = coco()["annotations"][0].clone();
    // Where one is kept, the others are a note.
    let folder = tempfile::tempdir().unwrap();
    let notes = notes(folder.path(), &others).unwrap();
    let said = "1 annotation is left out: of an image that is not listed; the first is annotation 12";
    assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
}

#[test]
fn an_id_that_is_missing_is_named() {
    for (list, field) in [
        ("images", "id"),
        ("annotations", "image_id"),
        ("annotations", "category_id"),
        ("categories", "id"),
    ] {
        let mut value = coco();
        value[list][1].as_object_mut().unwrap().remove(field);
        let folder = tempfile::tempdir().unwrap();
        let error = notes(folder.path(), &value).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{list}[1]"))
                && error.contains(&format!(": missing field `{field}` at line 1 column "))
                && error.ends_with(": add it, or leave the item out"),
            "{error}"
        );
    }
}

#[test]
fn an_id_that_is_given_twice_is_named_with_its_owners() {
    let own = "give one of them an id of its own, which its annotations name, too";
    let mut categories = coco();
    categories["categories"][1]["id"] = json!(1);
    refused(
        &categories,
        &format!("two categories have the id 1: \"cat\" and \"dog\": {own}"),
    );
    let mut images = coco();
    images["images"][1]["id"] = json!(1);
    refused(
        &images,
        &format!("two images have the id 1: \"a.png\" and \"b.png\": {own}"),
    );
}

#[test]
fn a_mistake_of_run_lengths_says_which_character_and_what_to_do() {
    let mend = "correct them, or leave the `segmentation` out";
    for (counts, said) in [
        (
            json!("é~~"),
            "its run lengths cannot be read: 'é' is no part of a number",
        ),
        (
            json!([1, 2]),
            "its run lengths cover 3 pixels, and 12 x 10 are to be covered",
        ),
    ] {
        let mut value = coco();
        value["annotations"][1]["segmentation"] = json!({"counts": counts, "size": [10, 12]});
        refused(&value, &format!("annotation 12 of picture \"b.png\": {said}: {mend}"));
    }
}
