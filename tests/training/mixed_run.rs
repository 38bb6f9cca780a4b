//! MixUp and CutMix in a run: pictures and labels are mixed where stages train on new pictures.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::by_class::{names, run};
use crate::common;

use arrow::array::AsArray;
use arrow::datatypes::Float32Type;
use common::context;
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::spec::read_toml;
use millstream::task::{Finetune, FinetuneSpec, Preview, Strategy};
use std::path::Path;

/// A recipe with stages that train, which is checked where it is read.
fn recipe(operation: &str) -> String {
    format!(
        "train = {{ epochs = 1, unfreeze = 1, deep_epochs = 1 }}\n\
         augment.operations = [{{ horizontal_flip = {{ p = 0.5 }} }}, {operation}]"
    )
}

fn mixing(folder: &Path, operation: &str) -> Finetune {
    run(folder, names(), &recipe(operation))
}

#[test]
fn pictures_and_labels_are_mixed_where_stages_train() {
    let (cx, folder) = (context(), tempfile::tempdir().unwrap());
    for (at, operation) in ["{ mixup = { alpha = 2 } }", "{ cutmix = { p = 0.5, window = 8 } }"]
        .into_iter()
        .enumerate()
    {
        let name = if at == 0 { "mixup" } else { "cutmix" };
        let run = mixing(folder.path(), operation).out(folder.path().join(name));
        let datasets = run.datasets(&cx).unwrap();
        let loader = run.image_loader(&cx, &datasets, &Strategy::default()).unwrap();
        let (mut mixed, mut rows) = (0, 0);
        for batch in loader.blocking().unwrap().take(6) {
            let batch = batch.unwrap();
            let labels = batch.rows()["label"].as_fixed_size_list();
            for (row, trace) in batch.provenance().iter().enumerate() {
                let shares = labels.value(row);
                let shares = shares.as_primitive::<Float32Type>().values().to_vec();
                let mut expected = vec![0.0_f32; 2];
                match (trace.label_shares.as_slice(), trace.class) {
                    ([], class) => expected[class.unwrap() as usize] = 1.0,
                    (parts, _) => parts
                        .iter()
                        .for_each(|(class, share)| expected[class.unwrap() as usize] += share),
                }
                let near = shares.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(near, "{shares:?} {trace:?}");
                assert_eq!(
                    trace.origin == Origin::Synthetic,
                    trace.generator.as_deref() == Some(name)
                );
                mixed += usize::from(trace.origin == Origin::Synthetic);
                rows += 1;
            }
        }
        assert!(mixed > rows / 4 && (at == 0 || mixed < rows), "{mixed} of {rows}");
        // The head trains on features of pictures that are not mixed.
        let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
        let head = run.feature_loader(&cx, &prepared, &Strategy::default()).unwrap();
        let first = head.blocking().unwrap().next().unwrap().unwrap();
        assert!(first.provenance().iter().all(|trace| trace.origin != Origin::Synthetic));
        // Each step of a row, the last of which is what is trained on.
        let preview = Preview::new(run.clone()).open(&cx, &mut |_| ()).unwrap();
        let mut seen = 0;
        for row in 0..21 {
            // The classes are balanced: not all rows come in an epoch.
            let steps = match preview.steps(row, 1) {
                Err(error) if error.to_string().contains("it does not come in the epochs 1 to 1") => continue,
                steps => steps.unwrap(),
            };
            let last = steps.steps.last().unwrap();
            if last.name == name {
                let words = last.drawn.clone().unwrap();
                assert!(words.contains(" % a") || words.contains(" % b"), "{words}");
                assert_ne!(last.pixels, steps.steps[steps.steps.len() - 2].pixels, "{row}");
                seen += 1;
            }
        }
        assert!(seen > 3, "{seen}");
        let samples = preview.samples(1, 8).unwrap();
        let notes = preview.sheet(&samples, 96).unwrap().notes.join(" ");
        assert!(
            notes.contains("of another row or view, whose share the label has as well"),
            "{notes}"
        );
        for loss in ["cross_entropy", "focal", "balanced_softmax"] {
            let strategy = Strategy {
                loss: (loss != "cross_entropy").then(|| loss.parse().unwrap()),
                ..Strategy::default()
            };
            let run = run
                .clone()
                .balance(strategy)
                .out(folder.path().join(format!("{name}-{loss}")));
            let report = run.run(&cx, &mut |_| ()).unwrap();
            let synthetic: u64 = ["a", "b"]
                .map(|class| report.figures.counts.get(class).unwrap().emitted.synthetic)
                .iter()
                .sum();
            assert!(synthetic > 3, "{loss}: {:?}", report.figures.counts);
        }
    }
}

#[test]
fn what_has_no_pictures_to_mix_is_refused() {
    let (cx, folder) = (context(), tempfile::tempdir().unwrap());
    let refused = |run: Finetune, part: &str| {
        let error = run.run(&cx, &mut |_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!folder.path().join("out").exists());
    };
    let mixup = || mixing(folder.path(), "\"mixup\"");
    refused(
        mixup().unfreeze(0),
        "augment.operations[1]: mixup: it mixes pictures each time they come, and the head alone trains",
    );
    refused(
        mixup().fixed_views(true),
        "augment.operations[1]: mixup: it mixes pictures each time they come, and train.fixed_views is true",
    );
    let ldam = Strategy {
        loss: Some("ldam".parse().unwrap()),
        ..Strategy::default()
    };
    refused(
        mixup().balance(ldam),
        "augment.operations[1]: mixup: a row that is mixed has shares of two classes, and the loss ldam",
    );
    let error = read_toml::<FinetuneSpec>(&recipe("{ mixup = { p = 0 } }")).unwrap_err();
    let part = "augment.operations[1]: mixup: p is 0, so that nothing is mixed";
    assert!(error.to_string().contains(part), "{error}");
    refused(
        mixing(folder.path(), "{ mixup = { num_classes = 3 } }"),
        "num_classes is 3, but column \"label\" has 2 classes",
    );
    refused(
        mixing(folder.path(), "\"mosaic\""),
        "augment.operations[1]: mosaic: pictures are put together with their boxes, and the task classify has none",
    );
}
