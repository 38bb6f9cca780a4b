//! Generators of tables that are fitted: what is learnt, in the types of the columns; a fit that was stopped; rows that cannot be learnt.
#![allow(missing_docs, reason = "tests")]

use crate::common::context;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int16Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Float64Type, Int16Type};
use millstream::generative::{CtganSpec, FitFolder, TvaeSpec, learned_generators};
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::SampleId;
use millstream::synthetic::learned::{FitRun, LearnedModel, LearnedSpec, Training};
use millstream::train::Existing;
use millstream::{Context, Error, Result, Stable};
use std::fs;
use std::sync::Arc;

/// Class "a": x around 0 or 10, y = -x; "b": x around 4, y = x, and mostly blue. `count` is x in whole numbers, and every fifth is null.
fn rows(counts: [usize; 2]) -> Arc<dyn Stable> {
    let mut rng = Rng::new(3, "table", 0);
    let classes: Vec<usize> = [vec![0; counts[0]], vec![1; counts[1]]].concat();
    let x: Vec<f64> = classes
        .iter()
        .enumerate()
        .map(|(row, class)| {
            let middle = [[0.0, 10.0], [4.0, 4.0]][*class][row % 2];
            middle + 0.5 * f64::from(rng.normal())
        })
        .collect();
    let y = x
        .iter()
        .zip(&classes)
        .map(|(x, class)| if *class == 0 { -x } else { *x } as f32 + 0.1 * rng.normal());
    let y = Float32Array::from_iter_values(y.collect::<Vec<f32>>());
    let count: Int16Array = x
        .iter()
        .enumerate()
        .map(|(row, x)| (row % 5 != 0).then_some(x.round() as i16))
        .collect();
    let blue: Vec<bool> = classes.iter().map(|class| rng.chance([0.2, 0.9][*class])).collect();
    let colour: StringArray = blue
        .iter()
        .map(|blue| Some(if *blue { "blue" } else { "red" }))
        .collect();
    let kind: StringArray = classes.iter().map(|class| Some(["a", "b"][*class])).collect();
    let columns: [(&str, ArrayRef); 6] = [
        ("x", Arc::new(Float64Array::from(x))),
        ("y", Arc::new(y)),
        ("kind", Arc::new(kind)),
        ("count", Arc::new(count)),
        ("is_blue", Arc::new(BooleanArray::from(blue))),
        ("colour", Arc::new(colour)),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, name == "count")));
    Arc::new(Memory::new(vec![batch.unwrap()]).unwrap())
}

fn training(cx: &Context, rows: Arc<dyn Stable>) -> Training {
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "kind")).unwrap());
    Training {
        cx: cx.with_seed(7),
        rows,
        labels,
    }
}

fn tvae(steps: u64) -> TvaeSpec {
    TvaeSpec {
        latent: 6,
        width: 64,
        steps,
        ..TvaeSpec::default()
    }
}

fn ctgan(steps: u64) -> CtganSpec {
    CtganSpec {
        latent: 8,
        width: 64,
        steps,
        learning_rate: 0.002,
        discriminator_rate: 0.002,
        ..CtganSpec::default()
    }
}

fn fit(spec: &dyn LearnedSpec, training: &Training) -> Result<LearnedModel> {
    let mut run = FitRun {
        checkpoints: None,
        progress: &mut |_| Ok(()),
    };
    LearnedModel::fit(spec, training, &mut run)
}

fn made(cx: &Context, model: &LearnedModel, class: u32, rows: u64) -> RecordBatch {
    let ids: Vec<SampleId> = (0..rows).map(|index| SampleId { class, index }).collect();
    model.sample(cx, &ids).unwrap()
}

/// The mean of what `of` says of the rows.
fn share(rows: &RecordBatch, of: impl Fn(usize) -> f64) -> f64 {
    (0..rows.num_rows()).map(of).sum::<f64>() / rows.num_rows() as f64
}

fn is(column: &ArrayRef, value: &str) -> impl Fn(usize) -> f64 {
    let texts = column.as_string::<i32>().clone();
    let value = value.to_owned();
    move |row| f64::from(u8::from(texts.value(row) == value))
}

/// How far `model` is off: shares of what the two classes differ in.
fn check(cx: &Context, model: &LearnedModel, slack: f64) {
    let [a, b] = [0, 1].map(|class| made(cx, model, class, 640));
    let x = |rows: &RecordBatch| rows["x"].as_primitive::<Float64Type>().clone();
    let near = |rows: &RecordBatch, middle: f64| {
        let x = x(rows);
        share(rows, |row| f64::from(u8::from((x.value(row) - middle).abs() < 2.0)))
    };
    for (what, found, expected) in [
        ("a is around 0", near(&a, 0.0), 0.5),
        ("a is around 10", near(&a, 10.0), 0.5),
        ("b is around 4", near(&b, 4.0), 1.0),
        ("a is blue", share(&a, is(&a["colour"], "blue")), 0.2),
        ("b is blue", share(&b, is(&b["colour"], "blue")), 0.9),
        ("count is null", a["count"].null_count() as f64 / 640.0, 0.2),
    ] {
        assert!((found - expected).abs() < slack, "{what}: {found} of {expected}");
    }
    // What goes together: y is -x in one class, x in the other one.
    for (rows, sign) in [(&a, -1.0), (&b, 1.0)] {
        let (x, y) = (
            x(rows),
            rows["y"].as_primitive::<arrow::datatypes::Float32Type>().clone(),
        );
        let apart = share(rows, |row| (f64::from(y.value(row)) - sign * x.value(row)).abs());
        // In class "a" pairs that have nothing to do with each other are 5 apart.
        assert!(apart < 2.5, "y is {apart} away from where x says it is");
    }
    assert_eq!(a["count"].data_type(), &DataType::Int16);
    let counts = a["count"].as_primitive::<Int16Type>();
    assert!(
        counts.iter().flatten().all(|count| (-3..=13).contains(&count)),
        "beyond what there was"
    );
    assert_eq!(a["is_blue"].data_type(), &DataType::Boolean);
    let names: Vec<String> = a.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["x", "y", "kind", "count", "is_blue", "colour"]);
}

#[test]
fn a_variational_autoencoder_learns_a_table() {
    let cx = context();
    let model = fit(&tvae(600), &training(&cx, rows([300, 60]))).unwrap();
    check(&cx, &model, 0.15);
}

#[test]
fn an_adversarial_network_learns_a_table() {
    let cx = context();
    let model = fit(&ctgan(900), &training(&cx, rows([300, 100]))).unwrap();
    check(&cx, &model, 0.3);
}

#[test]
fn a_saved_one_makes_the_same_rows_each_by_itself_and_a_fit_that_was_stopped_too() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let training = training(&cx, rows([40, 20]));
    for (name, spec) in [("tvae", &tvae(5) as &dyn LearnedSpec), ("ctgan", &ctgan(5))] {
        let [whole, stopped] = ["whole", "stopped"].map(|how| dir.path().join(format!("{name} {how}")));
        let model = FitFolder::new(&whole, Existing::Refuse)
            .every(2)
            .fit(spec, &training, &mut |_| Ok(()))
            .unwrap();
        let read = LearnedModel::load(&whole, &learned_generators()).unwrap();
        let ids = [(1, 33), (0, 2), (1, 0)].map(|(class, index)| SampleId { class, index });
        let together = model.sample(&cx, &ids).unwrap();
        assert_eq!(read.sample(&cx, &ids).unwrap(), together);
        for (row, id) in ids.into_iter().enumerate() {
            assert_eq!(read.sample(&cx, &[id]).unwrap(), together.slice(row, 1));
        }
        let failed =
            FitFolder::new(&stopped, Existing::Refuse)
                .every(2)
                .fit(spec, &training, &mut |at| match at.step {
                    3 => Err(Error::stage("stopped")),
                    _ => Ok(()),
                });
        assert_eq!(failed.unwrap_err().to_string(), "stopped");
        FitFolder::new(&stopped, Existing::Resume)
            .every(2)
            .fit(spec, &training, &mut |_| Ok(()))
            .unwrap();
        for file in ["generator.json", "weights.safetensors", "found.json"] {
            assert!(
                fs::read(whole.join(file)).unwrap() == fs::read(stopped.join(file)).unwrap(),
                "{name}: {file}"
            );
        }
    }
}

#[test]
fn what_cannot_be_learnt_is_said_with_its_row() {
    let cx = context();
    let said = |name: &str, column: ArrayRef| {
        let kind: ArrayRef = Arc::new(StringArray::from(vec!["a", "a", "b", "b"]));
        let columns = [(name, column, true), ("kind", kind, false)];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![batch]).unwrap());
        fit(&tvae(1), &training(&cx, rows)).unwrap_err().to_string()
    };
    let nan = said("x", Arc::new(Float64Array::from(vec![1.0, 2.0, f64::NAN, 3.0])));
    assert!(nan.contains("row 2") && nan.contains("column \"x\" holds NaN"), "{nan}");
    let bytes = said("x", Arc::new(arrow::array::BinaryArray::from(vec![&b"a"[..]; 4])));
    assert!(
        bytes.contains("column \"x\" holds Binary, which is neither numbers nor categories"),
        "{bytes}"
    );
    let wide = said("x", Arc::new(Float64Array::from(vec![1e200, -1e200, 0.0, 1.0])));
    assert!(wide.contains("take logarithms"), "{wide}");
    let only: ArrayRef = Arc::new(StringArray::from(vec!["a", "a", "b", "b"]));
    let only: Arc<dyn Stable> =
        Arc::new(Memory::new(vec![RecordBatch::try_from_iter([("kind", only)]).unwrap()]).unwrap());
    let only = fit(&ctgan(1), &training(&cx, only)).unwrap_err().to_string();
    assert!(only.contains("the label is the only column"), "{only}");
}

#[test]
fn a_class_of_three_rows_of_a_mixed_table_is_made() {
    let cx = context();
    for spec in [&tvae(120) as &dyn LearnedSpec, &ctgan(120)] {
        let model = fit(spec, &training(&cx, rows([120, 3]))).unwrap();
        let made = made(&cx, &model, 1, 64);
        assert_eq!(
            made["kind"].as_primitive::<arrow::datatypes::Int64Type>().values(),
            &[1_i64; 64]
        );
        let x = made["x"].as_primitive::<Float64Type>();
        // Numbers stay within what there was, and categories are those there were, of all classes together.
        assert!(x.values().iter().all(|x| (-4.0..=14.0).contains(x)), "{x:?}");
        let colours = made["colour"].as_string::<i32>();
        assert!(colours.iter().all(|colour| matches!(colour, Some("red" | "blue"))));
        assert_eq!(made["is_blue"].null_count(), 0);
    }
}

/// A training that goes astray gives no generator, whatever its losses are.
#[test]
fn what_has_diverged_is_not_kept() {
    let cx = context();
    let training = training(&cx, rows([40, 40]));
    let hot_tvae = TvaeSpec {
        learning_rate: 1e30,
        ..tvae(3)
    };
    let hot_ctgan = CtganSpec {
        learning_rate: 1e30,
        ..ctgan(3)
    };
    for spec in [&hot_tvae as &dyn LearnedSpec, &hot_ctgan] {
        assert!(fit(spec, &training).unwrap_err().to_string().contains("up to 1"));
        let mut run = FitRun {
            checkpoints: None,
            progress: &mut |_| Ok(()),
        };
        let error = spec.fit(&training, &mut run).unwrap_err().to_string();
        assert!(
            error.contains("the training has diverged, and no generator is kept of it"),
            "{error}"
        );
    }
}

/// A look takes no more steps than were asked for.
#[test]
fn a_quick_fit_is_never_longer() {
    let steps = |spec: &dyn LearnedSpec| {
        let tagged = spec.quick().description().tagged();
        let fields = tagged.as_object().unwrap().values().next().unwrap();
        (fields["steps"].as_u64(), fields["epochs"].as_u64())
    };
    let (steps_of, epochs) = (20, Some(3));
    assert_eq!(
        steps(&TvaeSpec {
            steps: steps_of,
            ..TvaeSpec::default()
        })
        .0,
        Some(20)
    );
    assert_eq!(
        steps(&CtganSpec {
            epochs,
            ..CtganSpec::default()
        })
        .1,
        Some(3)
    );
    assert!(steps(&CtganSpec::default()).0.unwrap() < CtganSpec::default().steps);
}
