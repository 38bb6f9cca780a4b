//! Rows of a run that are held out by group or by time, and that no synthetic row is measured on.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::brightness;
use crate::common;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use brightness::{pictures, ramp};
use common::{context, refusal};
use millstream::Stable;
use millstream::error::{ErrorKind, Remedy};
use millstream::mix::BatchPart;
use millstream::task::{Datasets, Event, Finetune, GeneratorRows, Labelled, Predict};
use parquet::arrow::ArrowWriter;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const ROWS: usize = 60;
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// Twenty patients with three pictures each, which lie apart.
fn patient(row: usize) -> usize {
    row * 7 % 20
}

fn day(row: usize) -> i64 {
    (row * 11 % 30) as i64
}

/// Pictures with a class, a patient and a day, and further columns of text.
/// A column of texts by its name: that of each row.
type Texts<'a> = (&'a str, &'a dyn Fn(usize) -> Option<String>);

fn write(path: &Path, rows: std::ops::Range<usize>, more: &[Texts<'_>]) -> String {
    let bright: Vec<f64> = rows.clone().map(|row| ramp(ROWS)[row]).collect();
    let label = |row: usize| ["low", "high"][patient(row) % 4 / 3];
    let columns: [(&str, ArrayRef); 4] = [
        ("image", pictures(&bright)),
        (
            "label",
            Arc::new(StringArray::from_iter_values(rows.clone().map(label))),
        ),
        (
            "patient",
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| format!("p{}", patient(row))),
            )),
        ),
        ("day", Arc::new(Int64Array::from_iter_values(rows.clone().map(day)))),
    ];
    let more = more.iter().map(|(name, of)| {
        let column: ArrayRef = Arc::new(StringArray::from_iter(rows.clone().map(of)));
        (*name, column)
    });
    let all = columns
        .into_iter()
        .chain(more)
        .map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(all).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

fn run(train: &[&str], out: &Path) -> Finetune {
    let mut run = Finetune::default()
        .label("label")
        .backbone(BACKBONE.to_owned())
        .out(out);
    run.spec.data.train = train.iter().copied().collect();
    run.spec.data.held_out = 0.2;
    run.spec.model.size = Some(32);
    run.spec.train.early_stopping = Some(2);
    run
}

/// Which rows of the file a set has.
fn rows_of(set: &Arc<dyn Stable>) -> Vec<usize> {
    let rows = 0..set.len().finite().unwrap();
    rows.map(|row| set.provenance(&context(), row).places[0].row as usize)
        .collect()
}

fn sets(datasets: &Datasets) -> [Vec<usize>; 3] {
    [&datasets.train, &datasets.valid, datasets.selection.as_ref().unwrap()].map(rows_of)
}

#[test]
fn groups_are_in_one_of_training_validation_and_selection() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir.path().join("rows.parquet"), 0..ROWS, &[]);
    let mut run = run(&[&file], &dir.path().join("out"));
    run.spec.data.group = Some("patient".to_owned());
    let datasets = run.datasets(&context()).unwrap();
    let sets = sets(&datasets);
    // One group is nearer to a tenth of each class than two.
    assert_eq!(sets.each_ref().map(Vec::len), [45, 12, 3]);
    let of = |rows: &[usize]| rows.iter().map(|&row| patient(row)).collect::<BTreeSet<_>>();
    let groups = sets.each_ref().map(|rows| of(rows));
    assert_eq!(groups.each_ref().map(BTreeSet::len), [15, 4, 1]);
    assert!(
        groups[0].is_disjoint(&groups[1]) && groups[0].is_disjoint(&groups[2]) && groups[1].is_disjoint(&groups[2])
    );
    // A quarter of the patients is of the class "high".
    assert_eq!(groups[1].iter().filter(|patient| **patient % 4 == 3).count(), 1);
    let said = datasets.notes.join("\n");
    assert!(
        said.contains("12 of 60 rows (20.0 %) held out by whole groups of column \"patient\""),
        "{said}"
    );
    // A generator sees what the run trains on, and what it chooses the best epoch on.
    let rows = GeneratorRows::open(&context(), &run.spec.data, run.spec.seed, true).unwrap();
    let is_task = |note: &String| note.starts_with("task: ");
    assert!(!rows.notes.iter().any(is_task), "{:?}", rows.notes);
    let mut seen = rows_of(&rows.training.rows);
    seen.sort_unstable();
    let mut trained = [&sets[0][..], &sets[2][..]].concat();
    trained.sort_unstable();
    assert_eq!(seen, trained);
}

#[test]
fn the_latest_rows_are_for_validation_and_those_before_them_for_selection() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir.path().join("rows.parquet"), 0..ROWS, &[]);
    let mut run = run(&[&file], &dir.path().join("out"));
    run.spec.data.time = Some("day".to_owned());
    let datasets = run.datasets(&context()).unwrap();
    let days = sets(&datasets).map(|rows| rows.iter().map(|&row| day(row)).collect::<BTreeSet<_>>());
    // Two rows a day, thirty days.
    assert_eq!(days[1], (24..30).collect());
    assert_eq!(days[2], (22..24).collect());
    assert_eq!(days[0], (0..22).collect());
    let said = datasets.notes.join("\n");
    assert!(
        said.contains("12 of 60 rows (20.0 %) held out the latest by column \"day\""),
        "{said}"
    );
    let mut both = run.clone();
    both.spec.data.group = Some("patient".to_owned());
    let error = refusal(
        both.prepare(&context(), &mut |_| ()),
        ErrorKind::Config,
        "data.group and data.time: rows are held out by one of them",
    );
    assert_eq!(error.remedy(), None);
    run.spec.data.time = Some("patient".to_owned());
    refusal(
        run.datasets(&context()),
        ErrorKind::Data,
        "data.time: row 0 of row group 0 in",
    );
}

#[test]
fn a_balance_is_chosen_in_parts_of_whole_groups() {
    let place = tempfile::tempdir().unwrap();
    let site = |row: usize| Some(format!("s{}", patient(row) % 4));
    let train = write(&place.path().join("train.parquet"), 0..ROWS, &[("site", &site)]);
    let chosen = |group: &str, out: &str| {
        let mut run = run(&[&train], &place.path().join(out)).epochs(1);
        run.spec.data.group = Some(group.to_owned());
        run.spec.balance.auto = true;
        run.spec.train.early_stopping = None;
        run.run(&context(), &mut |_| ())
    };
    // Of four sites one is for validation, and five parts of three are not to be had.
    let refused = chosen("site", "few").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Config);
    assert!(refused.to_string().contains("too few groups or times"), "{refused}");
    assert!(chosen("patient", "patients").unwrap().auto_balance.is_some());
}

#[test]
fn validation_files_share_no_group() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    // Rows 0 to 19 have every patient once.
    let train = write(&at("train.parquet"), 0..ROWS, &[]);
    let mut run = run(&[&train], &at("out"));
    run.spec.data.group = Some("patient".to_owned());
    run.spec.data.valid = vec![write(&at("valid.parquet"), 0..5, &[])].into();
    refusal(
        run.datasets(&context()),
        ErrorKind::Config,
        "data.group: the group \"p0\" of column \"patient\" has training rows and validation rows: take it out of one of the two",
    );
}

fn made(name: &'static str) -> impl Fn(usize) -> Option<String> {
    move |row| (row % 5 == 4).then(|| name.to_owned())
}

#[test]
fn synthetic_rows_are_trained_on_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let real = write(&at("real.parquet"), 0..ROWS, &[]);
    let mixed = write(&at("mixed.parquet"), 0..ROWS, &[("generator", &made("vae 1"))]);
    let refuse = |run: &Finetune, part: &str| refusal(run.datasets(&context()), ErrorKind::Config, part);
    // Rows would be held out of them.
    let mut run = run(&[&mixed], &at("out"));
    let place = format!("row 4 of row group 0 in {mixed}");
    let error = refuse(
        &run,
        &format!(
            "12 of 60 rows are synthetic (the first one, made by \"vae 1\": {place}): validation rows would be held out of these rows"
        ),
    );
    assert_eq!(error.remedy(), Some(Remedy::Validation));
    let generator = GeneratorRows::open(&context(), &run.spec.data, 1, true);
    refusal(generator, ErrorKind::Config, "12 of 60 rows are synthetic");
    // With validation rows of their own the best epoch is chosen on some of them.
    run.spec.data.valid = vec![real.clone()].into();
    refuse(
        &run,
        "the rows on which the best epoch is chosen would be held out of these rows",
    );
    run.spec.train.early_stopping = None;
    assert_eq!(run.datasets(&context()).unwrap().train.len().finite(), Some(60));
    run.spec.balance.auto = true;
    refusal(
        run.run(&context(), &mut |_| ()),
        ErrorKind::Config,
        "the folds of the cross-validation that chooses the balance would be held out of these rows",
    );
    run.spec.balance.auto = false;
    // They are not measured on.
    run.spec.data.train = vec![real.clone()].into();
    run.spec.data.valid = vec![mixed.clone()].into();
    refuse(&run, &format!("{mixed}: 12 of 60 rows are synthetic"));
    // Nor is one trained on that was made of a validation row.
    let said = format!(r#"{{"made_by": "vae 1, seed 0", "fitted_on": [[{real:?}, 0, "0000000000000080"]]}}"#);
    let fitted = with_metadata(&at("fitted.parquet"), &said);
    run.spec.data.train = vec![fitted.clone()].into();
    run.spec.data.valid = vec![real.clone()].into();
    refuse(
        &run,
        &format!("synthetic training rows were made from row 7 of row group 0 in {real}, which is held out"),
    );
    run.spec.data.valid = vec![fitted].into();
    run.spec.data.train = vec![real].into();
    refuse(
        &run,
        "60 of 60 rows are synthetic (the first one, made by \"vae 1, seed 0\": ",
    );
}

#[test]
fn a_synthetic_part_beside_rows_of_a_file_is_said_to_be_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mixed = write(&at("mixed.parquet"), 0..ROWS, &[("generator", &made("vae 1"))]);
    let valid = write(&at("valid.parquet"), 0..ROWS, &[]);
    let said = |train: &str, out: &str| {
        let mut run = run(&[train], &at(out)).epochs(1);
        run.spec.data.valid = vec![valid.clone()].into();
        run.spec.train.early_stopping = None;
        run.spec.train.batch_size = 8;
        run.spec.balance.batch = Some(vec![BatchPart::others(0.75), BatchPart::others(0.25).synthetic()]);
        let (mut notes, mut plans) = (String::new(), String::new());
        let ran = run.run(&context(), &mut |event| match event {
            Event::Note(note) => notes += note,
            Event::Explain(plan) => plans += plan,
            _ => {}
        });
        ran.unwrap();
        assert!(
            plans.contains("how many rows are synthetic is in the parts of balance.batch"),
            "{plans}"
        );
        notes
    };
    let told = "balance.batch: the synthetic part is made anew of the stored rows (smote of features";
    let notes = said(&mixed, "mixed");
    assert!(notes.contains(told), "{notes}");
    let real = write(&at("real.parquet"), 0..ROWS, &[]);
    assert!(!said(&real, "real").contains(told));
}

/// Pictures of a file that says what made all of them.
fn with_metadata(path: &Path, said: &str) -> String {
    let image = pictures(&ramp(ROWS));
    let label: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..ROWS).map(|row| ["low", "high"][row % 2]),
    ));
    let batch = RecordBatch::try_from_iter([("image", image), ("label", label)]).unwrap();
    let schema = batch.schema().as_ref().clone();
    let metadata = [("millstream.generator".to_owned(), said.to_owned())].into();
    let batch = batch.with_schema(Arc::new(schema.with_metadata(metadata))).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

#[test]
fn a_model_is_not_measured_on_synthetic_rows() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let real = write(&at("real.parquet"), 0..ROWS, &[]);
    let mut run = run(&[&real], &at("out"));
    run.spec.train.early_stopping = None;
    run.spec.train.epochs = 1;
    run.spec.augment.views = 1;
    run.run(&context(), &mut |_| ()).unwrap();
    let mixed = write(&at("mixed.parquet"), 0..ROWS, &[("origin", &made("synthetic"))]);
    refusal(
        Labelled::open(&context(), &Predict::new(at("out"), [&mixed]), None),
        ErrorKind::Config,
        &format!(
            "{mixed}: 12 of 60 rows are synthetic (the first one: row 4 of row group 0 in {mixed}): figures of them would say how well the generator is known"
        ),
    );
    assert!(Labelled::open(&context(), &Predict::new(at("out"), [&real]), None).is_ok());
    // What they are is predicted as of any other.
    let predicted = Predict::new(at("out"), [&mixed])
        .run(&context(), &mut |_, _| ())
        .unwrap();
    assert_eq!(predicted.num_rows(), ROWS);
}
