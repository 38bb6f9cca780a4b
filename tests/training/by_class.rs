//! Operations by class in a run: it tells them the classes and the rows of the training set by itself.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, Float64Array, RecordBatch, StringArray};
use common::{context, picture};
use millstream::spec::read_toml;
use millstream::task::{Finetune, FinetuneSpec, Preview, Strategy};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

const AUGMENT: &str = r#"
[[augment.operations]]
by_class = { fewer_than = 10, operations = [{ rotate = { degrees = 30 } }], otherwise = ["identity"] }
"#;

pub(super) fn run(folder: &Path, label: ArrayRef, augment: &str) -> Finetune {
    let path = folder.join("rows.parquet");
    let pictures: ArrayRef = Arc::new(
        (0..label.len() as u64)
            .map(|row| picture(row).to_png().ok())
            .collect::<BinaryArray>(),
    );
    let rows = RecordBatch::try_from_iter([("image", pictures), ("label", label)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let spec: FinetuneSpec = read_toml(augment).unwrap();
    let path = path.display().to_string();
    Finetune::new(spec, folder.join("out"))
        .train(vec![path.clone()])
        .valid(vec![path])
        .backbone(BACKBONE.to_owned())
        .size(16)
        .views(2)
        .seed(3)
}

/// Twelve rows of `a`, nine of `b`.
pub(super) fn names() -> ArrayRef {
    Arc::new(StringArray::from_iter_values(
        (0..21).map(|row| if row < 12 { "a" } else { "b" }),
    ))
}

#[test]
fn a_run_tells_the_classes_of_its_training_rows() {
    let (cx, folder) = (context(), tempfile::tempdir().unwrap());
    let run = run(folder.path(), names(), AUGMENT);
    let datasets = run.datasets(&cx).unwrap();
    let plan = run
        .image_loader(&cx, &datasets, &Strategy::default())
        .unwrap()
        .explain();
    assert!(plan.contains("by_class.classes_found b"), "{plan}");
    assert!(
        plan.contains("by_class.rotate 42.86%") && plan.contains("by_class.otherwise.identity 57.14%"),
        "{plan}"
    );
    // The steps are compared with the picture that is trained on.
    let rows = Preview::new(run).open(&cx, &mut |_| ()).unwrap();
    let mut turned = [0, 0];
    for row in 0..21 {
        let steps = rows.steps(row, 1).unwrap();
        for step in steps.steps.iter().filter(|step| step.name == "by_class") {
            let words = step.drawn.clone().unwrap_or_default();
            turned[usize::from(row >= 12)] += u32::from(words.starts_with("rotate: "));
            assert!(
                words.starts_with("rotate: ") || words == "identity: unchanged",
                "{words}"
            );
        }
    }
    assert!(turned[0] == 0 && turned[1] > 0, "{turned:?}");
}

#[test]
fn a_task_without_classes_and_a_class_that_is_not_there_are_refused() {
    let (cx, folder) = (context(), tempfile::tempdir().unwrap());
    let refused = |label: ArrayRef, augment: &str| {
        let run = run(folder.path(), label, augment);
        let datasets = run.datasets(&cx).unwrap();
        run.image_loader(&cx, &datasets, &Strategy::default())
            .expect_err("it is refused")
            .to_string()
    };
    let prices: ArrayRef = Arc::new(Float64Array::from_iter_values((0..21).map(f64::from)));
    let error = refused(prices, AUGMENT);
    let said = "by_class in augment.operations needs one class a row, and the task regress has none";
    assert!(error.starts_with(said), "{error}");
    let error = refused(names(), &AUGMENT.replace("fewer_than = 10", "classes = [\"c\"]"));
    assert!(
        error.starts_with("augment.operations[0]: by_class: classes: there is no class \"c\"; there are a, b"),
        "{error}"
    );
}
