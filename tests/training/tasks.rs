//! Tasks: their losses and figures beside those of other programs, and runs of each on tiny pictures through a tiny network.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::brightness;
use crate::common;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{Float32Type, Int64Type};
use brightness::{pictures, ramp};
use burn::module::Initializer;
use burn::nn::{Linear, LinearConfig};
use burn::optim::AdamWConfig;
use burn::tensor::{Device, Tensor, TensorData};
use common::context;
use millstream::error::{ErrorKind, Remedy};
use millstream::inspect::Inspect;
use millstream::loader::Batch;
use millstream::mix::Target;
use millstream::model::{HeadConfig, Outputs};
use millstream::registry::Registry;
use millstream::report::{BadRows, Measured, Report};
use millstream::source::Memory;
use millstream::spec::Spec;
use millstream::task::{
    Evaluation, Event, Finetune, MultiLabel, NamedTask, OnBadRow, Predict, Regress, RegressionLoss, Strategy,
    TargetKind, Targets, Task, Truth,
};
use millstream::train::{Existing, Fit, Fitted, Options, Selection};
use millstream::{Dataset, DatasetExt, Error, Result};
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::Cell;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

fn fixture(part: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/task_figures.json");
    let all: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    all[part].clone()
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

fn outputs(values: Vec<f32>, width: usize, device: &Device) -> Outputs {
    let rows = values.len() / width;
    Outputs::Rows(Tensor::from_data(TensorData::new(values, [rows, width]), device))
}

fn number(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.into_data().iter::<f32>().next().unwrap())
}

#[track_caller]
fn near(found: Option<f64>, expected: &Value) {
    match (found, expected.as_f64()) {
        (Some(found), Some(expected)) => {
            assert!(
                (found - expected).abs() <= 2e-6 * expected.abs().max(1.0),
                "{found} is not {expected}"
            );
        }
        (None, None) => {}
        (found, _) => panic!("{found:?} is not {expected}"),
    }
}

fn measured(task: &dyn Task, outputs: Outputs, truth: &Truth<'_>) -> (RecordBatch, Measured) {
    let predictions = task.predictions(outputs, truth.rows).unwrap();
    let mut evaluation = task.evaluation();
    // In two parts, as batches come.
    for (from, rows) in [(0, 7), (7, truth.rows.num_rows() - 7)] {
        let part = truth.rows.slice(from, rows);
        evaluation
            .add(&predictions.slice(from, rows), &Truth { rows: &part, ..*truth })
            .unwrap();
    }
    (predictions, evaluation.figures().unwrap())
}

#[test]
fn multi_label_loss_and_figures_are_those_of_scikit_learn() {
    let (expected, device) = (fixture("multilabel"), Device::flex());
    let lists = expected["targets"].as_array().unwrap().iter().map(|list| {
        let classes = list.as_array().unwrap().iter();
        Some(classes.map(|class| class.as_i64()).collect::<Vec<_>>())
    });
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
    let rows = RecordBatch::try_from_iter([("labels", lists)]).unwrap();
    let task = MultiLabel {
        classes: ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec(),
        ..MultiLabel::default()
    };
    let logits: Vec<f32> = (expected["logits"].as_array().unwrap().iter())
        .flat_map(numbers)
        .map(|logit| logit as f32)
        .collect();
    let truth = Truth {
        rows: &rows,
        column: "labels",
        device: &device,
        priors: None,
    };
    near(
        Some(number(task.loss(outputs(logits.clone(), 5, &device), &truth).unwrap())),
        &expected["loss"],
    );
    let (predictions, found) = measured(&task, outputs(logits.clone(), 5, &device), &truth);
    for figure in ["micro_f1", "macro_f1", "mean_average_precision"] {
        near(found.value(figure), &expected[figure]);
        let error = found.figures.get(figure).unwrap().standard_error.unwrap();
        assert!((0.01..0.15).contains(&error), "{figure} {error}");
    }
    for name in ["average_precision", "recall"] {
        let figures = found.by_class.get(name).unwrap();
        for (figure, expected) in figures.iter().zip(expected[name].as_array().unwrap()) {
            near(figure.value, expected);
        }
    }
    assert_eq!((found.rows, found.chooses.as_str()), (40, "mean_average_precision"));
    assert_eq!(found.score(), found.value("mean_average_precision"));
    // Lists are the classes of a probability of 0.5 and more, in order.
    let names: Vec<_> = predictions
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["classes", "names", "probabilities"]);
    for row in 0..40 {
        let classes = predictions["classes"].as_list::<i32>().value(row);
        let wanted: Vec<i64> = (0..5)
            .filter(|class| logits[row * 5 + *class as usize] >= 0.0)
            .collect();
        assert_eq!(classes.as_primitive::<Int64Type>().values(), &wanted[..]);
        let shares = predictions["probabilities"].as_fixed_size_list().value(row);
        let share = shares.as_primitive::<Float32Type>().value(0);
        assert!((share - 1.0 / (1.0 + (-logits[row * 5]).exp())).abs() < 1e-6);
    }
    let first = predictions["names"].as_list::<i32>().value(0);
    let first: Vec<_> = first.as_string::<i32>().iter().flatten().map(str::to_owned).collect();
    let wanted = (0..5)
        .filter(|class| logits[*class] >= 0.0)
        .map(|class| task.classes[class].clone());
    assert_eq!(first, wanted.collect::<Vec<_>>());
}

#[test]
fn regression_losses_and_figures_are_those_of_scikit_learn() {
    let (expected, device) = (fixture("regress"), Device::flex());
    let targets = numbers(&expected["targets"]);
    let column: ArrayRef = Arc::new(Float64Array::from(targets.clone()));
    let rows = RecordBatch::try_from_iter([("price", column)]).unwrap();
    let truth = Truth {
        rows: &rows,
        column: "price",
        device: &device,
        priors: None,
    };
    let of = |loss| Regress {
        loss,
        mean: expected["mean"].as_f64().unwrap(),
        std: expected["std"].as_f64().unwrap(),
    };
    let values: Vec<f32> = numbers(&expected["outputs"])
        .into_iter()
        .map(|value| value as f32)
        .collect();
    for (loss, name) in [
        (RegressionLoss::Mse, "mse"),
        (RegressionLoss::Huber { delta: 0.5 }, "huber_half"),
    ] {
        let found = of(loss).loss(outputs(values.clone(), 1, &device), &truth).unwrap();
        near(Some(number(found)), &expected[name]);
    }
    // A finished head gives numbers in the column's unit.
    let task = of(RegressionLoss::Mse);
    let finished: Vec<f32> = values
        .iter()
        .map(|value| (f64::from(*value) * task.std + task.mean) as f32)
        .collect();
    let (_, found) = measured(&task, outputs(finished, 1, &device), &truth);
    for figure in ["mae", "rmse", "r2"] {
        near(found.value(figure), &expected[figure]);
    }
    let error = found.figures.get("mae").unwrap().standard_error.unwrap();
    let wanted = expected["mae_error"].as_f64().unwrap();
    assert!((error / wanted - 1.0).abs() < 0.15, "{error} beside {wanted}");
    assert_eq!(found.score(), found.value("rmse").map(|rmse| -rmse), "less is better");
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> String {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

fn small(train: String, out: &Path) -> Finetune {
    Finetune::default()
        .train(vec![train])
        .backbone(BACKBONE.to_owned())
        .size(16)
        .epochs(12)
        .views(1)
        .batch_size(8)
        .seed(3)
        .out(out.to_owned())
}

/// The report of a run, and its notes.
fn run(run: &Finetune) -> Result<(Report, Vec<String>)> {
    let mut notes = Vec::new();
    let report = run.run(&context(), &mut |event| {
        if let Event::Note(note) = event {
            notes.push(note.to_owned());
        }
    })?;
    assert_eq!(report.notes, notes, "they are data and events alike");
    Ok((report, notes))
}

/// Files of pictures with numbers that follow from their brightness.
fn prices(dir: &Path, rows: usize) -> String {
    let bright = ramp(rows);
    let prices: ArrayRef = Arc::new(Float64Array::from_iter_values(
        bright.iter().map(|b| 5000.0 + 2000.0 * b),
    ));
    write(
        &dir.join("prices.parquet"),
        vec![("image", pictures(&bright)), ("price", prices)],
    )
}

#[test]
fn a_number_is_found_trained_and_predicted_in_its_unit() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let file = prices(dir.path(), 60);
    let (report, notes) = run(&small(file.clone(), &out).epochs(60)).unwrap();
    assert_eq!(notes[0], "images: column \"image\"; targets: column \"price\"");
    assert_eq!(notes[1], "task: regress, since column \"price\" holds numbers");
    // A deviation of the targets is 590: R2 0.75 is half of it.
    let (r2, mae) = (
        report.figures.value("r2").unwrap(),
        report.figures.value("mae").unwrap(),
    );
    assert!(r2 > 0.75 && mae < 300.0, "R2 {r2}, MAE {mae}");
    assert_eq!((report.figures.rows(), report.figures.task.as_str()), (6, "regress"));
    assert!(report.to_table().to_string().contains("RMSE"));

    let model: Value = serde_json::from_slice(&fs::read(out.join("model.json")).unwrap()).unwrap();
    assert!(model["task"]["regress"]["mean"].as_f64().unwrap() > 5000.0, "{model}");
    let predicted = Predict::new(&out, [file]).run(&context(), &mut |_, _| ()).unwrap();
    let values = predicted["value"].as_primitive::<Float32Type>().values().to_vec();
    let off: f64 = values
        .iter()
        .zip(ramp(60))
        .map(|(v, b)| (f64::from(*v) - 5000.0 - 2000.0 * b).abs())
        .sum();
    assert!(off / 60.0 < 300.0, "{}", off / 60.0);
}

#[test]
fn lists_of_classes_are_found_trained_and_predicted() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let bright = ramp(60);
    let mut lists = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    for b in &bright {
        let names = [("bright", *b > 0.6), ("dark", *b < 0.4), ("not white", *b < 0.8)];
        names
            .iter()
            .filter(|(_, there)| *there)
            .for_each(|(name, _)| lists.values().append_value(name));
        lists.append(true);
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    let columns = vec![("image", pictures(&bright)), ("labels", lists)];
    let file = write(&dir.path().join("tags.parquet"), columns);
    let wanted = small(file.clone(), &out);
    let (report, notes) = run(&wanted.clone().epochs(60)).unwrap();
    assert_eq!(
        notes[0],
        "images: column \"image\"; labels: column \"labels\", 3 classes"
    );
    assert_eq!(
        notes[1],
        "task: multilabel, since column \"labels\" is a list of classes"
    );
    assert_eq!(report.figures.classes, ["bright", "dark", "not white"]);
    let micro = report.figures.value("micro_f1").unwrap();
    assert!(micro > 0.8, "{micro}");
    let table = report.figures.to_table().to_string();
    assert!(table.contains("average"), "{table}");
    // A row counts for each of its classes.
    let of = |class: &str| *report.figures.counts.get(class).unwrap();
    let [own, others] = ["bright", "not white"].map(of);
    let emitted = own.emitted.real + own.emitted.augmented;
    assert_eq!(
        emitted * others.before,
        (others.emitted.real + others.emitted.augmented) * own.before
    );
    assert!(emitted > own.before, "{table}");

    let predicted = Predict::new(&out, [file]).run(&context(), &mut |_, _| ()).unwrap();
    let names = predicted["names"].as_list::<i32>();
    let says = |row: usize, name: &str| names.value(row).as_string::<i32>().iter().flatten().any(|n| n == name);
    let right = (0..60)
        .filter(|&row| says(row, "bright") == (bright[row] > 0.6))
        .count();
    assert!(right > 48, "{right}");

    // What needs one class a row is refused before anything is written.
    let other = dir.path().join("other");
    for (strategy, what) in [
        (
            Strategy {
                target: Some(Target::Weights(vec![1.0; 7])),
                ..Strategy::default()
            },
            "7 weights for ",
        ),
        (
            Strategy {
                synthetic: 0.5,
                ..Strategy::default()
            },
            "synthetic rows need",
        ),
    ] {
        let refused = (wanted.clone().out(&other).balance(strategy)).run(&context(), &mut |_| ());
        let error = refused.unwrap_err();
        assert!(
            error.kind() == ErrorKind::Config && error.to_string().starts_with(what),
            "{error}"
        );
        assert!(!other.exists());
    }
}

#[test]
fn a_column_that_can_be_meant_otherwise_is_said_and_the_task_can_be_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let bright = ramp(50);
    let ages: ArrayRef = Arc::new(Int64Array::from_iter_values(
        bright.iter().map(|b| (b * 49.0).round() as i64 / 2),
    ));
    let file = write(
        &dir.path().join("ages.parquet"),
        vec![("image", pictures(&bright)), ("age", ages)],
    );
    let valid = small(file.clone(), &dir.path().join("classes"))
        .valid(vec![file.clone()])
        .epochs(1);
    let (_, notes) = run(&valid).unwrap();
    assert_eq!(notes[1], "task: classify, since column \"age\" holds one class a row");
    assert_eq!(
        notes[2],
        "column \"age\" holds 25 distinct whole numbers without names, which were taken as classes; to predict them as numbers \
         choose the task regress"
    );
    let chosen = |task: NamedTask| valid.clone().task(task).out(dir.path().join("chosen"));
    let (report, notes) = run(&chosen(Regress::default().into())).unwrap();
    assert_eq!(notes[1], "task: regress, as chosen");
    assert!(report.figures.value("mae").is_some());
    let other = Finetune {
        out: dir.path().join("other"),
        ..chosen(MultiLabel::default().into())
    };
    let error = run(&other).unwrap_err();
    assert_eq!(
        (error.kind(), error.remedy()),
        (ErrorKind::Schema, Some(Remedy::LabelColumn))
    );
    assert!(
        error.to_string().contains("none holds targets of the task multilabel"),
        "{error}"
    );
    // The same run is that of another task: it is not gone on with.
    let resumed = Finetune {
        existing: Existing::Resume,
        out: dir.path().join("classes"),
        ..chosen(Regress::default().into())
    };
    let error = run(&resumed).unwrap_err().to_string();
    assert!(
        error.contains("another run lies here") && error.contains("task was {\"classify\""),
        "{error}"
    );
}

#[test]
fn a_key_of_rows_is_not_taken_for_their_target() {
    let dir = tempfile::tempdir().unwrap();
    let bright = ramp(30);
    let column =
        |scale: f64| -> ArrayRef { Arc::new(Float64Array::from_iter_values(bright.iter().map(|b| scale * b))) };
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..30).map(|row| 1000 - row)));
    let columns = || {
        vec![
            ("image", pictures(&bright)),
            ("mean", column(1.0)),
            ("nr", Arc::clone(&numbers)),
        ]
    };
    let file = write(&dir.path().join("f.parquet"), columns());
    let valid = |run: Finetune| run.valid(vec![file.clone()]);
    let plain = small(file.clone(), &dir.path().join("run")).epochs(1);
    let again = |run: &Finetune| run.clone().existing(Existing::Overwrite);
    let regress = plain.clone().task(Regress::default());
    for (case, wanted) in [
        plain.clone(),
        valid(plain.clone()),
        regress.clone(),
        valid(regress.clone()),
    ]
    .iter()
    .enumerate()
    {
        let error = run(wanted).unwrap_err();
        assert_eq!(
            (error.kind(), error.remedy()),
            (ErrorKind::Schema, Some(Remedy::LabelColumn)),
            "{case}: {error}"
        );
        let expected = "which column is the label? column \"nr\" has another value in each of its 30 rows, as a row's key has; it \
                        could be mean, nr; name one";
        assert!(error.to_string().ends_with(expected), "{case}: {error}");
        assert!(!wanted.out.exists());
    }
    // What is named is taken.
    assert!(run(&regress.label("nr")).is_ok());
    let error = run(&again(&plain.clone().label("nr"))).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "no class has two rows, so none can be held out; name another label column, or validation files"
        ),
        "{error}"
    );
    // A column that is called as a key is none either where it is the only one.
    let ids = write(
        &dir.path().join("ids.parquet"),
        vec![("image", pictures(&bright)), ("id", Arc::clone(&numbers))],
    );
    let error = run(&small(ids, &dir.path().join("ids"))).unwrap_err().to_string();
    assert!(
        error.contains("column \"id\" has another value in each of its 30 rows"),
        "{error}"
    );
    // Whole numbers that are all there is may be what is to be predicted.
    let prices = write(
        &dir.path().join("p.parquet"),
        vec![("image", pictures(&bright)), ("price", Arc::clone(&numbers))],
    );
    let (report, _) = run(&small(prices, &dir.path().join("p")).epochs(1).task(Regress::default())).unwrap();
    assert!(report.figures.value("mae").is_some());
    let cx = context();
    let found = cx.block_on(Inspect::new([file]).run(&cx)).unwrap();
    assert!(found.labels.column.is_none() && found.labels.classes.is_empty());
    assert!(found.labels.problem.unwrap().contains("it could be mean, nr; name one"));
}

#[test]
fn a_run_of_before_there_were_tasks_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let wanted = small(prices(dir.path(), 20), &out);
    fs::create_dir(&out).unwrap();
    fs::write(
        out.join("run.json"),
        r#"{ "millstream": 1, "run": {}, "strategies": [] }"#,
    )
    .unwrap();
    for existing in [Existing::Resume, Existing::Overwrite] {
        let error = run(&Finetune {
            existing,
            ..wanted.clone()
        })
        .unwrap_err();
        let said = error.to_string();
        assert!(said.contains("version 1") && said.contains("version 4"), "{said}");
        assert!(said.ends_with("start anew in another folder"), "{said}");
    }
}

#[test]
fn numbers_that_are_none_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let bright = ramp(12);
    let prices: ArrayRef = Arc::new(
        (0..12)
            .map(|row| (row % 5 != 3).then_some(f64::from(row)))
            .collect::<Float64Array>(),
    );
    let file = write(
        &dir.path().join("x.parquet"),
        vec![("image", pictures(&bright)), ("price", prices)],
    );
    let error = run(&small(file.clone(), &dir.path().join("run"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let said = format!("row 3 of row group 0 in {file}: column \"price\" is null; 2 rows have no such number");
    assert_eq!(error.to_string(), said);
}

#[test]
fn inspect_shows_lists_and_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let cx = context();
    let file = prices(dir.path(), 20);
    let found = cx.block_on(Inspect::new([file]).run(&cx)).unwrap();
    assert_eq!(
        (found.labels.column.as_deref(), found.labels.problem.as_deref()),
        (Some("price"), None)
    );
    let numbers = found.labels.numbers.unwrap();
    assert_eq!(
        (numbers.least, numbers.most, numbers.mean.round()),
        (5000.0, 7000.0, 6000.0)
    );
    let tags = ListArray::from_iter_primitive::<Int64Type, _, _>((0..20).map(|row| Some(vec![Some(row % 3), Some(4)])));
    let columns = vec![("image", pictures(&ramp(20))), ("tags", Arc::new(tags) as ArrayRef)];
    let found = cx
        .block_on(Inspect::new([write(&dir.path().join("t.parquet"), columns)]).run(&cx))
        .unwrap();
    assert_eq!(found.labels.column.as_deref(), Some("tags"));
    let rows: Vec<u64> = found.labels.classes.iter().map(|class| class.rows).collect();
    assert_eq!(rows, [7, 7, 6, 20]);
    assert_eq!(found.labels.cost(), None, "a balance needs one class a row");
}

#[test]
fn the_best_epoch_is_chosen_on_training_rows_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = prices(dir.path(), 60);
    let wanted = |out: &str| {
        small(file.clone(), &dir.path().join(out))
            .early_stopping(2)
            .keep_best(true)
            .epochs(30)
    };
    let cx = context().with_seed(3);
    let prepared = wanted("unused").prepare(&cx, &mut |_| ()).unwrap();
    let datasets = &prepared.datasets;
    let places = |rows: &Arc<dyn millstream::Stable>| -> Vec<u64> {
        let all = 0..rows.len().finite().unwrap();
        all.map(|row| rows.provenance(&cx, row).places[0].row).collect()
    };
    let selection = datasets.selection.as_ref().unwrap();
    let sets = [places(&datasets.train), places(&datasets.valid), places(selection)];
    assert_eq!(sets.each_ref().map(Vec::len), [49, 6, 5]);
    let mut all = sets.concat();
    all.sort_unstable();
    assert_eq!(all, (0..60).collect::<Vec<_>>(), "no row is in two sets");

    let (report, notes) = run(&wanted("run")).unwrap();
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("5 of 54 training rows are selection rows")),
        "{notes:?}"
    );
    let chosen = notes.last().unwrap();
    assert!(
        chosen.starts_with("head: ") && chosen.ends_with("and its model was kept"),
        "{chosen}"
    );
    assert_eq!(report.figures.rows(), 6, "the report is of the validation rows");
    // The same again, the same model.
    run(&wanted("again")).unwrap();
    let model = |out: &str| fs::read(dir.path().join(out).join("model.safetensors")).unwrap();
    assert!(model("run") == model("again"));
    // Without both the training set is whole.
    let plain = small(file, &dir.path().join("plain"))
        .prepare(&cx, &mut |_| ())
        .unwrap();
    assert_eq!(plain.datasets.targets.len(), 54);
}

#[test]
fn deeper_stages_train_with_lower_rates_further_down() {
    let dir = tempfile::tempdir().unwrap();
    let file = prices(dir.path(), 40);
    let run_with = |out: &str, layer_decay: f64| {
        let out = dir.path().join(out);
        let deep = small(file.clone(), &out)
            .unfreeze(2)
            .deep_epochs(1)
            .epochs(2)
            .layer_decay(layer_decay);
        run(&deep).unwrap();
        fs::read(out.join("model.safetensors")).unwrap()
    };
    let start = fs::read(Path::new(BACKBONE).join("model.safetensors")).unwrap();
    assert!(!start.is_empty());
    let (same, lower) = (run_with("same", 1.0), run_with("lower", 1e-9));
    assert!(same != lower);
    // With next to no rate below the head, the backbone stays where it is, and with the whole rate it does not.
    let head_alone = {
        let out = dir.path().join("head");
        run(&small(file.clone(), &out).epochs(2)).unwrap();
        fs::read(out.join("model.safetensors")).unwrap()
    };
    let moved = |a: &[u8], b: &[u8]| {
        let (a, b) = (tensors(a), tensors(b));
        let far = |name: &&String| a[*name].iter().zip(&b[*name]).any(|(a, b)| (a - b).abs() > 1e-5);
        a.keys()
            .filter(|name| name.starts_with("backbone."))
            .filter(far)
            .count()
    };
    assert_eq!(moved(&lower, &head_alone), 0);
    assert_ne!(
        tensors(&lower)["head.weight"],
        tensors(&head_alone)["head.weight"],
        "the head trains on"
    );
    assert!(moved(&same, &head_alone) > 4, "{}", moved(&same, &head_alone));
}

/// The f32 tensors of a safetensors file, by name.
fn tensors(file: &[u8]) -> std::collections::BTreeMap<String, Vec<f32>> {
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let names: Value = serde_json::from_slice(&file[8..header]).unwrap();
    let named = names
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, entry)| entry["dtype"] == "F32");
    let values = |entry: &Value| {
        let at = |end: usize| header + entry["data_offsets"][end].as_u64().unwrap() as usize;
        let bytes = file[at(0)..at(1)].chunks_exact(4);
        bytes.map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    };
    named.map(|(name, entry)| (name.clone(), values(entry))).collect()
}

#[test]
fn a_loss_that_knows_what_is_emitted_changes_the_model() {
    let dir = tempfile::tempdir().unwrap();
    let bright = ramp(60);
    let classes: ArrayRef = Arc::new(StringArray::from_iter_values(
        bright.iter().map(|b| if *b > 0.8 { "bright" } else { "dark" }),
    ));
    let file = write(
        &dir.path().join("x.parquet"),
        vec![("image", pictures(&bright)), ("label", classes)],
    );
    let with = |loss: &str| {
        let out = dir.path().join(loss);
        let task = millstream::task::Classify {
            loss: loss.parse().unwrap(),
            ..Default::default()
        };
        let finetune = small(file.clone(), &out).task(task);
        let strategy = Strategy {
            target: Some(Target::Power(1.0)),
            ..Strategy::default()
        };
        finetune
            .clone()
            .balance(strategy.clone())
            .run(&context(), &mut |_| ())
            .unwrap();
        fs::read(out.join("model.safetensors")).unwrap()
    };
    let plain = with("cross_entropy");
    assert!(plain != with("balanced_softmax"));
    assert!(plain != with("focal"));
}

/// A task on maps: the mean of all places is the number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MapMean {}

impl Spec for MapMean {
    const NAME: &'static str = "map_mean";
}

impl Task for MapMean {
    fn target(&self) -> TargetKind {
        TargetKind::Number
    }

    fn bind(&self, _: &Targets) -> Result<Arc<dyn Task>> {
        Ok(Arc::new(self.clone()))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::Dense {
            outputs: 1,
            width: 4,
            depth: 1,
            bias: vec![0.5],
        }
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let targets = millstream::sink::tensor::floats::<1>(truth.rows, truth.column, truth.device)?;
        let map = outputs.map()?;
        let error = map - targets.reshape([-1, 1, 1, 1]);
        Ok(error.square().mean())
    }

    fn predictions(&self, outputs: Outputs, _: &RecordBatch) -> Result<RecordBatch> {
        let map = outputs.map()?;
        assert_eq!(map.dims()[1..], [1, 2, 2], "the finest map has a stride of 8");
        let [rows, ..] = map.dims();
        let means = map.reshape([rows as i32, -1]).mean_dim(1).into_data();
        let values: ArrayRef = Arc::new(Float32Array::from_iter_values(means.iter::<f32>()));
        Ok(RecordBatch::try_from_iter([("value", values)])?)
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        Regress::default().evaluation()
    }
}

#[test]
fn a_task_on_maps_trains_goes_deeper_and_predicts() {
    let dir = tempfile::tempdir().unwrap();
    let bright = ramp(40);
    let target: ArrayRef = Arc::new(Float64Array::from(bright.clone()));
    let file = write(
        &dir.path().join("x.parquet"),
        vec![("image", pictures(&bright)), ("bright", target)],
    );
    let finetune = |out: &str, unfreeze| {
        small(file.clone(), &dir.path().join(out))
            .task(MapMean::default())
            .epochs(12)
            .unfreeze(unfreeze)
            .deep_epochs(1)
    };
    let (shallow, _) = run(&finetune("shallow", 0)).unwrap();
    // It begins with 0.5 at each place; of the best constant the coefficient of determination is 0.
    assert!(
        shallow.figures.value("r2").unwrap() > 0.02,
        "{:?}",
        shallow.figures.measured
    );
    let (deep, _) = run(&finetune("deep", 2)).unwrap();
    assert_ne!(deep.figures.value("rmse"), shallow.figures.value("rmse"));
    // A model is of its task alone, and says so where that is not known.
    let out = dir.path().join("deep");
    let unknown = Predict::new(&out, [file.clone()])
        .run(&context(), &mut |_, _| ())
        .unwrap_err();
    let unknown = unknown.to_string();
    assert!(
        unknown.contains("unknown task \"map_mean\"") && unknown.contains("read it with a catalog that has the task"),
        "{unknown}"
    );
    let known = Predict {
        tasks: Registry::new().task::<MapMean>().tasks().clone(),
        ..Predict::new(&out, [file.clone()])
    };
    let rows = known.run(&context(), &mut |_, _| ()).unwrap();
    let values = rows["value"].as_primitive::<Float32Type>().values();
    assert!(values.len() == 40 && values.iter().all(|value| value.is_finite()));
}

#[test]
fn a_run_with_a_task_of_ones_own_is_resumed_and_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let first = small(prices(dir.path(), 24), &out).task(Share { of: 2.0 }).epochs(2);
    let (report, _) = run(&first).unwrap();
    // Its features are kept as those of any other run.
    assert!(fs::read_dir(out.join("features")).unwrap().next().is_some());
    let refused = run(&first).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Exists, "{refused}");
    let again = |existing, run: &Finetune| run.clone().existing(existing);
    let resumed = again(Existing::Resume, &first).run(&context(), &mut |_| ()).unwrap();
    assert_eq!(resumed, report);
    let other = again(Existing::Resume, &first.clone().task(Share { of: 3.0 }));
    let error = run(&other).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Resume && error.to_string().contains("task was {\"share\":{\"of\":2.0}}"),
        "{error}"
    );
    // The mean of the numbers is nothing that the old run knew.
    run(&again(Existing::Overwrite, &first.clone().task(Share { of: 3.0 }))).unwrap();
    run(&again(Existing::Overwrite, &first.clone().task(Regress::default()))).unwrap();
    let (whole, _) = run(&again(Existing::Overwrite, &first)).unwrap();
    assert_eq!(whole.figures.measured, report.figures.measured);
}

/// Predicts a part of a number, by the squared error.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Share {
    of: f64,
}

impl Spec for Share {
    const NAME: &'static str = "share";
}

impl Task for Share {
    fn target(&self) -> TargetKind {
        TargetKind::Number
    }

    fn bind(&self, _: &Targets) -> Result<Arc<dyn Task>> {
        Ok(Arc::new(self.clone()))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::linear(1)
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let targets = millstream::sink::tensor::floats::<1>(truth.rows, truth.column, truth.device)?;
        let error = outputs.rows()? - targets.reshape([-1, 1]) / (1000.0 * self.of);
        Ok(error.square().mean())
    }

    fn predictions(&self, outputs: Outputs, _: &RecordBatch) -> Result<RecordBatch> {
        let values = outputs.rows()?.into_data();
        let values: ArrayRef = Arc::new(Float32Array::from_iter_values(values.iter::<f32>()));
        Ok(RecordBatch::try_from_iter([("value", values)])?)
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        Regress::default().evaluation()
    }
}

/// Pictures of `bright`, of which those of the rows `bad` are cut.
fn with_cut(bright: &[f64], bad: &[usize]) -> ArrayRef {
    let all = pictures(bright);
    let all = all.as_binary::<i32>();
    let of = |row: usize| match bad.contains(&row) {
        true => &all.value(row)[..20],
        false => all.value(row),
    };
    Arc::new((0..bright.len()).map(|row| Some(of(row))).collect::<BinaryArray>())
}

#[test]
fn a_task_on_maps_goes_on_without_bad_rows() {
    let dir = tempfile::tempdir().unwrap();
    let bright = ramp(24);
    let set = |name: &str, bad: &[usize]| {
        let target: ArrayRef = Arc::new(Float64Array::from(bright.clone()));
        let columns = vec![("image", with_cut(&bright, bad)), ("bright", target)];
        write(&dir.path().join(name), columns)
    };
    let wanted = small(set("train.parquet", &[0, 11]), &dir.path().join("skip"))
        .task(MapMean::default())
        .valid([set("valid.parquet", &[5, 6, 23])])
        .epochs(2)
        .unfreeze(2)
        .deep_epochs(1)
        .on_bad_row(OnBadRow::Skip { at_most: 5 });
    let (report, _) = run(&wanted).unwrap();
    let expected = BadRows {
        skipped: 2,
        replaced: 0,
        held_out: 3,
    };
    assert_eq!((report.bad_rows, report.figures.rows()), (Some(expected), 21));
    let lines = fs::read_to_string(wanted.out.join("errors.jsonl")).unwrap();
    let rows: Vec<(String, u64)> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["set"].as_str().unwrap().to_owned(), line["row"].as_u64().unwrap()))
        .collect();
    let training = [0, 11].map(|row| ("training".to_owned(), row));
    let validation = [5, 6, 23].map(|row| ("validation".to_owned(), row));
    assert_eq!(rows, [training.to_vec(), validation.to_vec()].concat());

    // One more than is allowed, in both sets together.
    let few = Finetune {
        out: dir.path().join("few"),
        ..wanted.clone().on_bad_row(OnBadRow::Skip { at_most: 4 })
    };
    let error = run(&few).unwrap_err().to_string();
    assert!(
        error.contains("with it 5 rows are bad, and at most 4 may be"),
        "{error}"
    );
    assert!(error.starts_with("row 23 of row group 0 in "), "{error}");
    let replace = Finetune {
        out: dir.path().join("replace"),
        ..wanted.on_bad_row(OnBadRow::Replace { at_most: 5 })
    };
    let error = run(&replace).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::BadRows));
    let said = "replacing a bad row by another one of its class needs one class a row, and the task map_mean has none (column \"bright\"): skip bad rows";
    assert_eq!(error.to_string(), said);
    assert!(!replace.out.exists(), "it is refused before anything is written");
}

/// A line through one point: its slope grows step by step.
fn line(folder: Option<&Path>, fails_at: Option<u64>) -> Result<Fitted<Linear>> {
    let x: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 4]));
    let rows = Memory::new(vec![RecordBatch::try_from_iter([("x", x)])?])?;
    let device = Device::flex().autodiff();
    let fit = Fit {
        loader: rows.shuffle().loader(&context()).batch_size(2).seed(1),
        steps: 60,
        learning_rate: 0.05,
        checkpoints: folder.map(|folder| (folder.to_owned(), 3)),
    };
    let slope = |model: &Linear| number(model.weight.val().reshape([1]));
    let mut score = |model: &Linear| Ok(Some(-(slope(model) - 0.4).abs()));
    let selection = Selection {
        every: 5,
        patience: Some(2),
        keep_best: true,
    };
    let steps = Cell::new(0);
    let head = LinearConfig::new(1, 1)
        .with_bias(false)
        .with_initializer(Initializer::Zeros);
    fit.run_with(
        head.init(&device),
        AdamWConfig::new().init(),
        |model: &Linear, batch: &Batch| {
            if fails_at == Some(steps.get()) {
                return Err(Error::stage("killed"));
            }
            let x = millstream::sink::tensor::floats::<1>(batch.rows(), "x", &device)?;
            let y = model.forward(x.unsqueeze_dim::<2>(1));
            Ok((y - 1.0).square().mean())
        },
        Options {
            rates: None,
            selection: Some((selection, &mut score)),
            on_epoch: None,
        },
        &mut |step, _| steps.set(step),
    )
}

#[test]
fn a_training_that_ends_early_with_its_best_model_resumes_to_the_same_end() {
    let whole = line(None, None).unwrap();
    let best = whole.best.unwrap();
    assert!(
        best.step < whole.steps && whole.steps == best.step + 10 && whole.steps < 60,
        "{whole:?}"
    );
    let slope = |fitted: &Fitted<Linear>| number(fitted.model.weight.val().reshape([1]));
    assert!(
        (slope(&whole) - 0.4).abs() < 0.1,
        "the best model, not the last: {}",
        slope(&whole)
    );
    for at in [1, 4, 8, best.step - 1, best.step + 1, best.step + 6, whole.steps - 1] {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(line(Some(dir.path()), Some(at)).unwrap_err().to_string(), "killed");
        let resumed = line(Some(dir.path()), None).unwrap();
        assert_eq!(
            (resumed.steps, resumed.best),
            (whole.steps, whole.best),
            "killed at {at}"
        );
        assert_eq!(slope(&resumed).to_bits(), slope(&whole).to_bits(), "killed at {at}");
        // What has ended gives the same again.
        let again = line(Some(dir.path()), Some(whole.steps)).unwrap();
        assert_eq!(
            (again.steps, slope(&again).to_bits()),
            (whole.steps, slope(&whole).to_bits())
        );
    }
}
