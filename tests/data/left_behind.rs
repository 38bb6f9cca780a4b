//! What an image stage has moved with a picture is not left behind unseen by a stage that puts the picture together of several rows.

use crate::common::{refusal, with_targets};
use crate::targets::{lists, numbers, rows};
use millstream::error::ErrorKind;
use millstream::image::{Boxes, CopyPaste, Image, Keypoints, Mosaic};
use millstream::synthetic::{CutMix, MixUp};
use millstream::{Dataset, DatasetExt};

fn bare() -> Image {
    Image::new(64).as_u8()
}

fn images(image: Image) -> impl Dataset {
    with_targets(8).image("image", image).unwrap()
}

fn boxes() -> Boxes {
    Boxes::new("boxes", millstream::rows::BoxFormat::Xyxy)
}

#[test]
fn a_mosaic_is_told_of_all_that_lies_in_the_picture() {
    let moved = || bare().mask("mask").boxes(boxes());
    let config = ErrorKind::Config;
    let error = refusal(images(moved()).mosaic("image", Mosaic::new()), config, "(mask)").to_string();
    assert!(
        error.contains("\"boxes\" (boxes)") && error.contains("`Mosaic::mask`"),
        "{error}"
    );
    refusal(
        images(moved()).mosaic("image", Mosaic::new().boxes(boxes())),
        config,
        "\"mask\" (mask)",
    );
    refusal(
        images(moved()).mosaic("image", Mosaic::new().mask("mask")),
        config,
        "\"boxes\" (boxes)",
    );
    let points = moved().keypoints(Keypoints::new("points"));
    let all = || Mosaic::new().boxes(boxes()).mask("mask");
    refusal(images(points).mosaic("image", all()), config, "\"points\" (keypoints)");
    let rows = images(moved()).mosaic("image", all()).unwrap();
    // It says what it was told, too: a second one is told of it again.
    refusal(rows.mosaic("image", Mosaic::new()), config, "\"boxes\" (boxes)");
    // What no stage has moved is the user's, and what is taken away is not left.
    let rows = images(moved()).project(&["image", "id"]).unwrap();
    assert!(rows.mosaic("image", Mosaic::new()).is_ok());
    assert!(images(bare()).mosaic("image", Mosaic::new()).is_ok());
}

#[test]
fn what_belongs_to_each_box_goes_with_the_boxes() {
    let stored = || {
        let columns = vec![("boxes", lists(&vec![vec![4.0, 5.0, 20.0, 30.0]; 8], 4))];
        let ids = numbers(&(0..8).map(|row| vec![row]).collect::<Vec<_>>());
        let rows = rows([80, 60], columns.into_iter().chain([("ids", ids)]).collect());
        rows.image("image", bare().boxes(boxes().label_fields(&["ids"])))
            .unwrap()
    };
    let config = ErrorKind::Config;
    refusal(
        stored().mosaic("image", Mosaic::new().boxes(boxes())),
        config,
        "\"ids\" (boxes)",
    );
    refusal(
        stored().copy_paste("image", CopyPaste::new(boxes())),
        config,
        "\"ids\" (boxes)",
    );
    let with = || boxes().label_fields(&["ids"]);
    assert!(stored().mosaic("image", Mosaic::new().boxes(with())).is_ok());
    assert!(stored().copy_paste("image", CopyPaste::new(with())).is_ok());
}

#[test]
fn copy_paste_is_told_of_the_mask() {
    let moved = || bare().mask("mask").boxes(boxes()).keypoints(Keypoints::new("points"));
    let config = ErrorKind::Config;
    refusal(
        images(moved()).copy_paste("image", CopyPaste::new(boxes())),
        config,
        "`CopyPaste::mask`",
    );
    let rows = images(moved()).copy_paste("image", CopyPaste::new(boxes()).mask("mask"));
    let plan = rows.unwrap().describe().to_string();
    assert!(plan.contains("what is in \"points\" stays as it is"), "{plan}");
}

#[test]
fn a_blended_picture_has_a_note_of_what_stays_that_of_the_row() {
    let moved = || images(Image::new(64).mask("mask").boxes(boxes()));
    let said = "what is in \"mask\", \"boxes\" stays that of the row alone";
    let plan = moved()
        .mixup("image", "id", MixUp::new(1.0).num_classes(8))
        .unwrap()
        .describe();
    assert!(plan.to_string().contains(said), "{plan}");
    let plan = moved()
        .cutmix("image", "id", CutMix::new(1.0).num_classes(8))
        .unwrap()
        .describe();
    assert!(plan.to_string().contains(said), "{plan}");
    let bare = images(Image::new(64)).mixup("image", "id", MixUp::new(1.0).num_classes(8));
    let plan = bare.unwrap().describe().to_string();
    assert!(!plan.contains("stays that"), "{plan}");
}

#[test]
fn what_belongs_to_no_row_or_has_no_name_is_said() {
    let config = ErrorKind::Config;
    let none = bare().boxes(boxes().at_most(0));
    refusal(
        with_targets(8).image("image", none),
        config,
        "at_most is 0, but has to be at least 1",
    );
    let none = bare().keypoints(Keypoints::new("points").at_most(0));
    refusal(
        with_targets(8).image("image", none),
        config,
        "at_most is 0, but has to be at least 1",
    );
    let ids = || boxes().label_fields(&["ids"]);
    let stored = rows(
        [80, 60],
        vec![
            ("boxes", lists(&vec![vec![4.0, 5.0, 20.0, 30.0]; 8], 4)),
            ("ids", numbers(&vec![vec![1]; 8])),
        ],
    );
    let images = stored.image("image", bare().boxes(ids())).unwrap();
    let paste = CopyPaste::new(ids()).class_names("ids", &["bus"]);
    let said = "\"bus\" is a name, and the label field has no names of its classes: give their numbers";
    refusal(images.copy_paste("image", paste), config, said);
}
