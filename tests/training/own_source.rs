//! A run whose rows come from a source of a program's own: it trains, goes on, and is measured as one on files.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use common::{context, refusal};
use futures::future::BoxFuture;
use millstream::error::ErrorKind;
use millstream::registry::Registry;
use millstream::source::{Memory, SourceSpec};
use millstream::spec::{Spec, read_toml, to_toml};
use millstream::task::{Evaluate, Event, Finetune, FinetuneSpec, Predict};
use millstream::train::Existing;
use millstream::{Context, Result, Stable};
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// Pictures of two classes, one brighter than the other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Ramps {
    rows: u32,
    shift: u8,
}

impl Spec for Ramps {
    const NAME: &'static str = "ramps";
}

impl SourceSpec for Ramps {
    fn open<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        Box::pin(async move { Ok(Arc::new(Memory::new(vec![self.batch()])?) as Arc<dyn Stable>) })
    }
}

impl Ramps {
    fn batch(&self) -> RecordBatch {
        let picture = |row: u32| {
            let shade = |x: u32, y: u32| {
                [
                    (40 + 90 * (row % 3 / 2) + x + row % 50) as u8,
                    (90 + y) as u8,
                    self.shift,
                ]
            };
            let image = image::RgbImage::from_fn(16, 16, |x, y| image::Rgb(shade(x, y)));
            let mut bytes = Cursor::new(Vec::new());
            image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
            bytes.into_inner()
        };
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(
            (0..self.rows).map(|row| format!("row {row}")),
        ));
        let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..self.rows).map(picture)));
        let names = (0..self.rows).map(|row| if row % 3 == 2 { "bright" } else { "dark" });
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
        RecordBatch::try_from_iter([("name", ids), ("photo", pictures), ("kind", names)]).unwrap()
    }
}

fn registry() -> Registry {
    Registry::new().source::<Ramps>()
}

fn recipe(train: &str) -> FinetuneSpec {
    let text = format!(
        "[data]\ntrain = {train}\nlabel = \"kind\"\nheld_out = 0.2\n[augment]\nviews = 2\n[model]\nbackbone = {BACKBONE:?}\nsize = \
         32\n[train]\nepochs = 3\nbatch_size = 8\n"
    );
    registry().reading(|| read_toml(&text)).unwrap()
}

fn model(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("model.safetensors")).unwrap()
}

#[test]
fn a_run_on_a_source_is_the_run_on_the_same_rows_in_a_file() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let ramps = Ramps { rows: 30, shift: 60 };
    let mut writer =
        ArrowWriter::try_new(File::create(at("rows.parquet")).unwrap(), ramps.batch().schema(), None).unwrap();
    writer.write(&ramps.batch()).unwrap();
    writer.close().unwrap();
    let (cx, file) = (context(), at("rows.parquet").display().to_string());
    let of_file = Finetune::new(recipe(&format!("{file:?}")), at("file"));
    let of_source = Finetune::new(recipe("{ ramps = { rows = 30, shift = 60 } }"), at("source"));
    let expected = of_file.run(&cx, &mut |_| ()).unwrap();
    let report = of_source.run(&cx, &mut |_| ()).unwrap();
    for figure in ["accuracy", "balanced_accuracy"] {
        assert!(report.figures.value(figure).is_some());
        assert_eq!(report.figures.value(figure), expected.figures.value(figure));
    }
    assert_eq!(model(&at("source")), model(&at("file")));
    // It is written as it was read.
    let text = to_toml(&of_source.spec).unwrap();
    let again: FinetuneSpec = registry().reading(|| read_toml(&text)).unwrap();
    assert_eq!(again.data, of_source.spec.data, "{text}");
    refusal(
        read_toml::<FinetuneSpec>(&text),
        ErrorKind::Config,
        "unknown source \"ramps\"",
    );
    // The model predicts where nobody knows the source, and the source is measured on where somebody does.
    let evaluated = |predict: Predict| Evaluate::new(predict).run(&cx, &mut |_, _| ()).unwrap();
    let on_file = evaluated(Predict::new(at("source"), [&file]));
    let on_source = evaluated(Predict {
        files: of_source.spec.data.train.clone(),
        ..Predict::new(at("source"), [""; 0])
    });
    assert_eq!(on_source.figures.rows(), 30);
    assert_eq!(on_source.figures.value("accuracy"), on_file.figures.value("accuracy"));
}

#[test]
fn a_run_on_a_source_goes_on_with_the_same_rows_alone() {
    let place = tempfile::tempdir().unwrap();
    let (cx, out) = (context(), place.path().join("run"));
    let of = |source: &str| Finetune::new(recipe(source), &out).existing(Existing::Resume);
    let begun = of("{ ramps = { rows = 30, shift = 60 } }");
    // Ended in the middle.
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = begun.run(&cx, &mut |event| {
            if let Event::Done(5) = event {
                panic!("killed");
            }
        });
    }));
    assert!(ended.is_err());
    let known = fs::read(out.join("run.json")).unwrap();
    for (other, why) in [
        (
            "{ ramps = { rows = 31, shift = 60 } }",
            "the training files have 31 rows, had 30",
        ),
        (
            "{ ramps = { rows = 30, shift = 61 } }",
            "the training images (column \"photo\") differ in 30 rows",
        ),
    ] {
        refusal(of(other).run(&cx, &mut |_| ()), ErrorKind::Resume, why);
    }
    assert_eq!(fs::read(out.join("run.json")).unwrap(), known);
    refusal(Finetune::of_folder(&out), ErrorKind::Config, "unknown source \"ramps\"");
    let resumed = registry().reading(|| Finetune::of_folder(&out)).unwrap();
    resumed.run(&cx, &mut |_| ()).unwrap();
    let whole = Finetune::new(begun.spec.clone(), place.path().join("whole"));
    whole.run(&cx, &mut |_| ()).unwrap();
    assert_eq!(model(&out), model(&whole.out));
}
