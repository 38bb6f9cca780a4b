//! What a run says while it works and leaves when it has ended: a line an epoch, pictures, one page.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::brightness;
use crate::common;

use arrow::array::{ArrayRef, AsArray, Float64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::Float32Type;
use brightness::{pictures, ramp};
use common::context;
use millstream::error::ErrorKind;
use millstream::report::{Epoch, Report, read_history};
use millstream::task::{Event, Finetune, Predict};
use millstream::train::Existing;
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");
const NAMES: [&str; 3] = ["dark", "<script>alert(1)</script>", "light & bright"];

fn class_of(bright: f64) -> usize {
    ((bright * 3.0) as usize).min(2)
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> String {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

/// `n` rows of three classes.
fn classes(path: &Path, n: usize) -> String {
    let bright = ramp(n);
    let labels: StringArray = bright.iter().map(|b| Some(NAMES[class_of(*b)])).collect();
    write(path, vec![("image", pictures(&bright)), ("label", Arc::new(labels))])
}

fn small(dir: &Path, out: &str) -> Finetune {
    Finetune::default()
        .train(vec![dir.join("train.parquet").display().to_string()])
        .backbone(BACKBONE.to_owned())
        .size(16)
        .epochs(4)
        .views(1)
        .batch_size(8)
        .seed(3)
        .out(dir.join(out))
}

/// The report of a run, and the epochs that it told.
fn run(run: &Finetune) -> (Report, Vec<Epoch>) {
    let mut epochs = Vec::new();
    let report = run.run(&context(), &mut |event| {
        if let Event::Epoch(epoch) = event {
            epochs.push(epoch.clone());
        }
    });
    (report.unwrap(), epochs)
}

pub(super) fn is_picture(path: &Path) -> bool {
    image::open(path).is_ok_and(|picture| picture.width() > 100)
}

#[test]
fn a_run_tells_each_epoch_and_leaves_pictures_and_one_page() {
    let dir = tempfile::tempdir().unwrap();
    classes(&dir.path().join("train.parquet"), 48);
    let valid = classes(&dir.path().join("valid.parquet"), 21);
    let wanted = small(dir.path(), "run").valid(vec![valid.clone()]);
    let (report, epochs) = run(&wanted);
    let numbers: Vec<_> = epochs
        .iter()
        .map(|e| (e.phase.as_str(), e.epoch, e.epochs, e.step))
        .collect();
    assert_eq!(
        numbers,
        [
            ("head", 1, 4, 6),
            ("head", 2, 4, 12),
            ("head", 3, 4, 18),
            ("head", 4, 4, 24)
        ]
    );
    for epoch in &epochs {
        assert_eq!((epoch.valid_rows, epoch.figure.as_str()), (21, "balanced_accuracy"));
        assert!(
            epoch.rows_per_second > 0.0 && (0.0..=1.0).contains(&epoch.waiting),
            "{epoch:?}"
        );
    }
    assert!(epochs[3].loss < epochs[0].loss && epochs[3].seconds_left == 0.0);
    // A half cosine from 0.01 to 0: the last of 24 steps.
    let rate = 0.01 * 0.5 * (1.0 + (std::f64::consts::PI * 23.0 / 24.0).cos());
    assert!((epochs[3].learning_rate / rate - 1.0).abs() < 1e-5);
    // After the last epoch the model is the one that is reported and saved.
    let last = report.figures.measured.figures.get("balanced_accuracy").unwrap();
    assert!((epochs[3].value.unwrap() - last.value.unwrap()).abs() < 1e-6);
    assert_eq!(epochs[3].standard_error, last.standard_error);
    let predicted = Predict::new(&wanted.out, [valid])
        .run(&context(), &mut |_, _| ())
        .unwrap();
    let order: Vec<&str> = ["<script>alert(1)</script>", "dark", "light & bright"].to_vec();
    let shares = predicted["probabilities"].as_fixed_size_list();
    let losses = ramp(21).into_iter().enumerate().map(|(row, bright)| {
        let class = order.iter().position(|name| *name == NAMES[class_of(bright)]).unwrap();
        -f64::from(shares.value(row).as_primitive::<Float32Type>().value(class)).ln()
    });
    let losses: Vec<f64> = losses.collect();
    let mean = losses.iter().sum::<f64>() / 21.0;
    assert!(
        (epochs[3].valid_loss.unwrap() - mean).abs() < 1e-4,
        "{:?} is not {mean}",
        epochs[3].valid_loss
    );
    assert_eq!(read_history(wanted.out.join("history.jsonl")).unwrap(), epochs);

    for name in ["curves.png", "confusion.png", "worst.png"] {
        assert!(is_picture(&wanted.out.join(name)), "{name}");
    }
    assert!(!wanted.out.join("predicted.png").exists() && !wanted.out.join("classes.png").exists());
    let page = fs::read_to_string(wanted.out.join("report.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("src=\"http") && !page.contains("<link"));
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 3);
    assert_eq!(page.matches("<img").count(), 3);
    assert!(page.contains("<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>"));
    assert!(page.contains("On 21 validation rows") && page.contains("prefers-color-scheme:dark"));
    let shown = format!(
        "{:.3}±{}",
        last.value.unwrap(),
        format!("{:.3}", last.standard_error.unwrap()).trim_start_matches('0')
    );
    if last.standard_error.unwrap() > 0.0 {
        assert!(page.contains(&shown), "{shown}");
    }
    // The worst rows, the worst first, by their place.
    let mut order: Vec<usize> = (0..21).collect();
    order.sort_by(|a, b| losses[*b].total_cmp(&losses[*a]));
    let table = &page[page.find("<h2>Worst rows").unwrap()..];
    let first = table.find(&format!("row {} of row group 0", order[0])).unwrap();
    let second = table.find(&format!("row {} of row group 0", order[20])).unwrap();
    assert!(first < second);
    assert!(table.contains(&format!("<td>{:.3}</td>", losses[order[0]])));
}

#[test]
fn epochs_are_measured_on_selection_rows_and_rows_of_both_phases_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    classes(&dir.path().join("train.parquet"), 60);
    let (_, epochs) = run(&small(dir.path(), "plain"));
    assert!(epochs.iter().all(|epoch| !epoch.selection && epoch.valid_rows == 6));
    let (report, epochs) = run(&small(dir.path(), "select").keep_best(true));
    assert!(epochs.iter().all(|epoch| epoch.selection), "{epochs:?}");
    let rows = epochs[0].valid_rows;
    let note = report
        .notes
        .iter()
        .find(|note| note.contains("was the best on the"))
        .unwrap();
    assert!(
        note.contains(&format!("was the best on the {rows} selection rows (")) && note.contains('±'),
        "{note}"
    );
    let page = fs::read_to_string(dir.path().join("select/report.html")).unwrap();
    assert!(page.contains("<th>selection loss</th>") && page.contains("<th>selection rows</th>"));
    assert!(!page.contains("<th>validation loss</th>"));
    assert!(page.contains("<h2>Settings</h2>") && page.contains("train.keep_best</td><td class=\"text\">true</td>"));
    // Two epochs of the head and one with a stage: half as many rows again.
    let emitted = |report: &Report| -> u64 {
        let counts = report.figures.counts.iter();
        counts
            .map(|(_, counts)| counts.emitted.real + counts.emitted.augmented + counts.emitted.synthetic)
            .sum()
    };
    let (head, _) = run(&small(dir.path(), "head").epochs(2));
    let (deep, _) = run(&small(dir.path(), "deep").epochs(2).unfreeze(1).deep_epochs(1));
    assert_eq!(2 * emitted(&deep), 3 * emitted(&head));
}

#[test]
fn a_history_has_each_epoch_once_after_a_resume() {
    let dir = tempfile::tempdir().unwrap();
    classes(&dir.path().join("train.parquet"), 60);
    // Of 54 rows seven steps an epoch: a checkpoint comes after step 500, in the middle of an epoch.
    let long = |out: &str| small(dir.path(), out).epochs(90);
    let (_, whole) = run(&long("whole"));
    assert_eq!(whole.len(), 90);
    let killed = long("killed");
    let stopped = catch_unwind(AssertUnwindSafe(|| {
        killed.run(&context(), &mut |event| {
            if matches!(event, Event::Epoch(Epoch { epoch: 80, .. })) {
                panic!("killed");
            }
        })
    }));
    assert!(stopped.is_err());
    assert_eq!(read_history(killed.out.join("history.jsonl")).unwrap().len(), 80);
    let again = Finetune {
        existing: Existing::Resume,
        ..killed
    };
    let (_, told) = run(&again);
    let history = read_history(again.out.join("history.jsonl")).unwrap();
    let of = |epochs: &[Epoch]| -> Vec<_> {
        let epochs = epochs.iter().map(|e| {
            (
                e.epoch,
                e.step,
                e.loss.to_bits(),
                e.valid_loss.map(f64::to_bits),
                e.value,
            )
        });
        epochs.collect()
    };
    assert_eq!(of(&history), of(&whole));
    // Of 500 steps 71 epochs were whole: those after them were told again.
    assert_eq!(told.first().map(|epoch| epoch.epoch), Some(72));
    assert_eq!(told.len(), 90 - 71);
    // A run that has ended tells nothing and keeps what it left.
    let (_, none) = run(&again);
    assert!(none.is_empty());
    assert_eq!(read_history(again.out.join("history.jsonl")).unwrap().len(), 90);
}

#[test]
fn numbers_and_lists_have_pictures_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let bright = ramp(40);
    let prices: ArrayRef = Arc::new(Float64Array::from_iter_values(
        bright.iter().map(|b| 5000.0 + 2000.0 * b),
    ));
    write(
        &dir.path().join("train.parquet"),
        vec![("image", pictures(&bright)), ("price", prices)],
    );
    let numbers = small(dir.path(), "numbers");
    let (_, epochs) = run(&numbers);
    assert_eq!(epochs.last().unwrap().figure, "rmse");
    // The loss is of standardised targets, the figure in the unit of the column.
    let last = epochs.last().unwrap();
    assert!(
        last.valid_loss.unwrap() < 20.0 && last.value.unwrap() > 50.0,
        "{last:?}"
    );
    assert!(is_picture(&numbers.out.join("predicted.png")) && is_picture(&numbers.out.join("worst.png")));
    assert!(!numbers.out.join("confusion.png").exists());

    let mut lists = ListBuilder::new(StringBuilder::new());
    for b in &bright {
        for (name, there) in [("bright", *b > 0.5), ("not black", *b > 0.2)] {
            if there {
                lists.values().append_value(name);
            }
        }
        lists.append(true);
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    write(
        &dir.path().join("train.parquet"),
        vec![("image", pictures(&bright)), ("labels", lists)],
    );
    let tags = small(dir.path(), "tags");
    let (_, epochs) = run(&tags);
    assert_eq!(epochs.last().unwrap().figure, "mean_average_precision");
    assert!(is_picture(&tags.out.join("classes.png")) && is_picture(&tags.out.join("worst.png")));
    let page = fs::read_to_string(tags.out.join("report.html")).unwrap();
    assert!(page.contains("<th>average precision</th>"));
}

#[test]
fn files_that_no_run_wrote_stay_and_those_of_a_run_are_replaced_with_it() {
    let dir = tempfile::tempdir().unwrap();
    classes(&dir.path().join("train.parquet"), 40);
    let wanted = small(dir.path(), "run");
    for name in [
        "curves.png",
        "report.html",
        "history.jsonl",
        "worst.png",
        "confusion.png",
    ] {
        fs::create_dir_all(&wanted.out).unwrap();
        fs::write(wanted.out.join(name), "mine").unwrap();
        let error = wanted.run(&context(), &mut |_| ()).unwrap_err();
        assert!(
            error.to_string().contains(&format!("{name} exists, but no run.json")),
            "{error}"
        );
        assert_eq!(fs::read(wanted.out.join(name)).unwrap(), b"mine");
        fs::remove_file(wanted.out.join(name)).unwrap();
    }
    run(&wanted);
    let error = wanted.run(&context(), &mut |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exists);
    fs::write(wanted.out.join("worst.png"), "old").unwrap();
    fs::write(wanted.out.join("predicted.png"), "of another task").unwrap();
    fs::write(wanted.out.join("notes.txt"), "mine").unwrap();
    let over = Finetune {
        existing: Existing::Overwrite,
        ..wanted.clone()
    };
    let error = over.run(&context(), &mut |_| ()).unwrap_err();
    assert!(
        error.to_string().contains("predicted.png exists, but the run"),
        "{error}"
    );
    fs::remove_file(wanted.out.join("predicted.png")).unwrap();
    run(&over);
    assert!(is_picture(&wanted.out.join("worst.png")) && !wanted.out.join("predicted.png").exists());
    assert!(wanted.out.join("notes.txt").exists());
}
