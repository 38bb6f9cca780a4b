//! What a run of a detection makes of several pictures.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::by_class_of_boxes::with;
use crate::common;
use crate::detect::uneven_run;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float32Type;
use common::context;
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::task::{AugmentOptions, Detect, Finetune, Preview};
use millstream::{Dataset, Stable};
use serde_json::{Value, json};

/// Boxes of each picture in the first `steps` batches of new pictures.
fn boxes(run: &Finetune, steps: usize) -> Vec<(usize, Vec<[f32; 4]>)> {
    let cx = context();
    let datasets = run.datasets(&cx).unwrap();
    let loader = run.image_loader(&cx, &datasets, &run.spec.balance).unwrap();
    let mut all = Vec::new();
    for batch in loader.blocking().unwrap().take(steps) {
        let batch = batch.unwrap();
        let lists = batch.rows()["objects.bbox"].as_list::<i32>();
        for (row, trace) in batch.provenance().iter().enumerate() {
            let numbers = lists.value(row);
            let numbers = numbers.as_fixed_size_list();
            let values = numbers.values().as_primitive::<Float32Type>().values();
            let first = numbers.value_offset(0) as usize;
            let own = values[first..first + 4 * numbers.len()].as_chunks().0.to_vec();
            all.push((trace.places.len(), own));
        }
    }
    all
}

#[test]
fn a_mosaic_of_a_run_has_the_boxes_of_four_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let operations = json!([{ "horizontal_flip": { "p": 0.5 } }, { "mosaic": { "p": 0.5, "window": 8 } }]);
    let run = with(uneven_run(dir.path(), "deep"), operations)
        .epochs(1)
        .unfreeze(1)
        .deep_epochs(1);
    let found = boxes(&run, 5);
    assert!(found.iter().any(|(rows, _)| *rows == 1) && found.iter().any(|(rows, _)| *rows == 4));
    let most = found.iter().map(|(_, boxes)| boxes.len()).max().unwrap();
    let alone = found
        .iter()
        .filter(|(rows, _)| *rows == 1)
        .map(|(_, boxes)| boxes.len());
    assert!(most >= 4 && alone.max().unwrap() <= 3, "{most}");
    let inside = |corners: &[f32; 4]| corners[0] >= 0.0 && corners[1] >= 0.0 && corners[0] < corners[2];
    assert!(found.iter().flat_map(|(_, boxes)| boxes).all(inside));
    // What is counted is what the pictures have in the end.
    let report = run.run(&context(), &mut |_| ()).unwrap();
    let bright = report.figures.counts.get("bright").unwrap().emitted;
    assert!(bright.synthetic > 0, "{bright:?}");
    // Fixed views are put together as well; the first of each row is the row as it is.
    let views = run.clone().unfreeze(0);
    let (cx, datasets) = (context(), views.datasets(&context()).unwrap());
    let prepared = views
        .clone()
        .out(dir.path().join("views"))
        .prepare(&cx, &mut |_| ())
        .unwrap();
    let maps = &prepared.maps.as_ref().unwrap().train;
    let origins: Vec<Origin> = (0..maps.len().finite().unwrap())
        .map(|row| maps.provenance(&cx, row).origin)
        .collect();
    assert_eq!(maps.views(), views.spec.augment.views);
    assert!(origins[..40].iter().all(|origin| *origin == Origin::Real));
    assert!(origins[40..].contains(&Origin::Synthetic));
    assert_eq!(datasets.targets.len(), 40);
    let preview = Preview::new(run.clone()).open(&cx, &mut |_| ()).unwrap();
    let last = (0..40).map(|row| preview.steps(row, 1).unwrap());
    let put_together = last.filter(|steps| steps.steps.last().unwrap().name == "mosaic");
    let words: Vec<String> = put_together
        .map(|steps| steps.steps.last().unwrap().drawn.clone().unwrap())
        .collect();
    assert!(
        words.len() > 5 && words.iter().all(|words| words.starts_with("4 pictures, ")),
        "{words:?}"
    );
    let notes = preview
        .sheet(&preview.samples(1, 8).unwrap(), 96)
        .unwrap()
        .notes
        .join(" ");
    assert!(
        notes.contains("Synthetic rows (mosaic) are pictures that are put together of parts of four rows or views, with their boxes"),
        "{notes}"
    );
}

#[test]
fn bars_inside_of_a_mosaic_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let run = with(uneven_run(dir.path(), "bars"), json!(["mosaic"]))
        .unfreeze(1)
        .deep_epochs(1);
    let plan = |run: &Finetune| {
        let cx = context();
        let datasets = run.datasets(&cx).unwrap();
        run.image_loader(&cx, &datasets, &run.spec.balance).unwrap().explain()
    };
    let said = "pictures are letterboxed before they are put together, so that bars lie inside of a mosaic";
    // A detection letterboxes whole pictures.
    let whole = plan(&run);
    assert!(whole.contains(said), "{whole}");
    let cropped = plan(&run.crop(AugmentOptions::default().crop));
    assert!(!cropped.contains(said) && cropped.contains("mosaic"), "{cropped}");
}

#[test]
fn what_cannot_be_joined_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |run: Finetune, part: &str| {
        let error = run.run(&context(), &mut |_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!dir.path().join("out").exists());
    };
    let of = |operations: Value| with(uneven_run(dir.path(), "out"), operations);
    refused(
        of(json!(["mosaic", "horizontal_flip"])),
        "augment.operations[0]: mosaic takes pictures that are augmented already",
    );
    refused(
        of(json!([{ "mosaic": { "p": 0.0 } }])),
        "augment.operations[0]: mosaic: p is 0, so that no mosaic is made",
    );
    refused(
        of(json!([{ "mosaic": { "masks": ["m"] } }])),
        "augment.operations[0]: mosaic: boxes are those of the task, and masks are not learnt: leave out boxes, masks and instances",
    );
    refused(
        of(json!(["mosaic"])).views(1),
        "comes as it is stored and no mosaic is made: leave out mosaic",
    );
    refused(
        of(json!(["mixup"])),
        "augment.operations[0]: mixup: it mixes pictures each time they come, and the head alone trains",
    );
    refused(
        of(json!(["mixup"])),
        "or leave out mixup; it is for a classification: for boxes there are mosaic and copy_paste",
    );
    let said = "it mixes the labels of two rows of one class each, and the task detect does not learn shares of classes, since each of its boxes has a class: \
                take mosaic or copy_paste, which bring boxes along";
    refused(
        of(json!(["cutmix"])).unfreeze(1),
        &format!("augment.operations[0]: cutmix: {said}"),
    );
    // Where the task is named, that comes before what mixing needs.
    let mut named = of(json!(["mixup"]));
    named.spec.task = Some(Detect::default().into());
    refused(named, &format!("augment.operations[0]: mixup: {said}"));
    refused(
        of(json!(["horizontal_flip", "mosaic", "copy_paste"])),
        "augment.operations[1]: mosaic takes other rows, and so does copy_paste, augment.operations[2]",
    );
    refused(
        of(json!([{ "copy_paste": { "instances": ["objects.category"] } }])),
        "augment.operations[0]: copy_paste: numbers of objects are not learnt",
    );
    refused(
        of(json!([{ "copy_paste": { "classes": ["brigth"] } }])),
        "augment.operations[0]: copy_paste: classes: \"brigth\" is none of the classes: do you mean \"bright\"?",
    );
}
