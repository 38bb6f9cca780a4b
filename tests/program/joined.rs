//! What is made of several rows, and operations by class, as a recipe and the command line name them.
#![cfg(feature = "cli")]

use super::boxes::{data, done, millstream, refused};

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use millstream::image::Pixels;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// Twelve pictures of two classes.
fn classes(path: &Path) {
    let picture = |row: usize| {
        let mut pixels = Pixels::new(32, 32);
        for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
            pixel.fill(((at * 5 + 37 * row) % 251) as u8);
        }
        Some(pixels.to_png().unwrap())
    };
    let images: ArrayRef = Arc::new((0..12).map(picture).collect::<BinaryArray>());
    let labels: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..12).map(|row| ["cat", "dog"][row % 2]),
    ));
    let batch = RecordBatch::try_from_iter([("image", images), ("label", labels)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
}

/// All rows or boxes that were trained on and counted as synthetic.
fn synthetic(report: &Value) -> u64 {
    match report {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match (name.as_str(), value.as_u64()) {
                ("synthetic", Some(many)) => many,
                _ => synthetic(value),
            })
            .sum(),
        Value::Array(items) => items.iter().map(synthetic).sum(),
        _ => 0,
    }
}

#[test]
fn a_recipe_mixes_pictures_of_a_classification() {
    let dir = tempfile::tempdir().unwrap();
    classes(&dir.path().join("x.parquet"));
    for (name, operation) in [("mixup", "{ mixup = { alpha = 0.8 } }"), ("cutmix", "\"cutmix\"")] {
        let recipe = format!(
            "data = {{ train = \"x.parquet\", valid = \"x.parquet\" }}\n\
             augment = {{ views = 2, operations = [{{ horizontal_flip = {{ p = 0.5 }} }}, {operation}] }}\n\
             model = {{ backbone = \"{BACKBONE}\", size = 32 }}\n\
             train = {{ epochs = 1, unfreeze = 1, deep_epochs = 1 }}\n"
        );
        fs::write(dir.path().join("r.toml"), recipe).unwrap();
        done(&millstream(
            dir.path(),
            &format!("finetune --recipe r.toml --out {name}"),
        ));
        assert!(synthetic(&report(&dir.path().join(name))) > 0, "{name}");
        done(&millstream(
            dir.path(),
            &format!("preview --recipe r.toml --out {name}.png"),
        ));
        done(&millstream(
            dir.path(),
            &format!("preview --recipe r.toml --row 3 --out {name}-3.png"),
        ));
        assert!(dir.path().join(format!("{name}-3.png")).exists());
    }
    for (given, part) in [
        (
            "--augment mixup",
            "let stages of the backbone train (train.unfreeze), or leave out mixup",
        ),
        (
            "--augment mixup --unfreeze 1 --fixed-views",
            "train.fixed_views is true",
        ),
        (
            "--augment mosaic --unfreeze 1",
            "pictures are put together with their boxes, and the task classify has none",
        ),
        (
            "--augment mixup cutmix --unfreeze 1",
            "augment.operations[0]: mixup takes other rows, and so does cutmix, augment.operations[1]: one operation of a run does, and it comes last",
        ),
        (
            r#"--augment {"cutmix":{"alpha":0}} --unfreeze 1"#,
            "alpha is 0, but has to be a number above 0",
        ),
    ] {
        let run = format!(
            "finetune --train x.parquet --valid x.parquet --backbone {BACKBONE} --size 32 --epochs 1 {given} --out run"
        );
        refused(&millstream(dir.path(), &run), part);
        assert!(!dir.path().join("run").exists(), "{given}");
    }
}

#[test]
fn a_detection_has_mosaics_and_operations_by_its_rarest_class() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("x.parquet"), 8);
    let run = |operations: &str, out: &str| {
        let recipe = format!(
            "data = {{ train = \"x.parquet\", valid = \"x.parquet\" }}\n\
             augment = {{ views = 2, operations = [{operations}] }}\n\
             model = {{ backbone = \"{BACKBONE}\", size = 64, height = 48 }}\n\
             train = {{ epochs = 1 }}\n"
        );
        fs::write(dir.path().join("r.toml"), recipe).unwrap();
        done(&millstream(
            dir.path(),
            &format!("finetune --recipe r.toml --out {out}"),
        ))
    };
    run("{ mosaic = { p = 1, window = 4 } }", "mosaic");
    assert!(synthetic(&report(&dir.path().join("mosaic"))) > 0);
    done(&millstream(dir.path(), "preview --recipe r.toml --out mosaic.png"));
    // Both classes are in each picture, so the first one is the rarest of each.
    run(
        "{ by_class = { classes = [\"4\"], operations = [{ rotate = { degrees = 20 } }] } }",
        "by_class",
    );
    done(&millstream(dir.path(), "preview --recipe r.toml --row 0 --out row.png"));
    let refusal = r#"finetune --train x.parquet --valid x.parquet --size 32 --epochs 1 --unfreeze 1 --augment mixup --out run --backbone "#;
    refused(
        &millstream(dir.path(), &format!("{refusal}{BACKBONE}")),
        "mixup: it mixes the labels of two rows of one class each, and the task detect does not learn shares of classes",
    );
}
