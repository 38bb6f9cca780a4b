//! How good synthetic rows are: real generators beside honest rows, and the gate before a generator.

use crate::common::{context, table};
use arrow::array::{ArrayRef, AsArray, BinaryArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Float32Type;
use futures::future::BoxFuture;
use millstream::dataset::{Origin, Provenance};
use millstream::error::ErrorKind;
use millstream::image::Pixels;
use millstream::inspect::{Medium, Quality, QualityReport};
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::rng::{Rng, stream};
use millstream::rows::{DType, Labels, Map, Output, Read};
use millstream::source::{Files, Memory};
use millstream::synthetic::quality::Matrix;
use millstream::synthetic::{
    Gate, GateFit, GateLimits, GateSpec, Gated, Generator, GeneratorExt, GeneratorFn, Refusal, RowFeatures, SampleId,
    Smote, SmoteNc, SmoteNcSpec, SmoteSpec,
};
use millstream::{Context, Dataset, DatasetExt, Result, Stable, testing};
use std::sync::Arc;

/// Columns of the made table.
pub(crate) const WIDTH: usize = 3;

/// A table like those of KEEL: columns that hang together, in two classes of which the second has a fifth of the rows and lies apart.
pub(crate) fn real(seed: u64, rows: usize) -> Vec<([f32; WIDTH], i64)> {
    let mut rng = Rng::new(seed, "real", 0);
    let row = |at: usize| {
        let class = i64::from(at.is_multiple_of(5));
        let mut values = [0.0; WIDTH];
        for at in 0..WIDTH {
            let before = if at > 0 { values[at - 1] } else { 0.0 };
            values[at] = 0.6 * before + rng.normal() + class as f32;
        }
        (values, class)
    };
    (0..rows).map(row).collect()
}

/// As columns of numbers with the class as text, or as one tensor column with the class as a number.
pub(crate) fn files(rows: &[([f32; WIDTH], i64)], as_tensor: bool, name: &str) -> Files {
    let rows = memory(rows, as_tensor);
    Files::of_source(rows, name)
}

pub(crate) fn memory(rows: &[([f32; WIDTH], i64)], as_tensor: bool) -> Arc<dyn Stable> {
    let column = |at: usize| -> ArrayRef { Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.0[at]))) };
    let names: Vec<String> = (0..WIDTH).map(|at| format!("c{at}")).collect();
    let mut columns: Vec<(&str, ArrayRef)> = names.iter().map(String::as_str).zip((0..WIDTH).map(column)).collect();
    let label: ArrayRef = match as_tensor {
        true => Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
        false => Arc::new(StringArray::from_iter_values(
            rows.iter().map(|row| ["common", "rare"][row.1 as usize]),
        )),
    };
    columns.push(("label", label));
    let memory = Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    if !as_tensor {
        return Arc::new(memory);
    }
    let mut map = Map::new("tensor").writes(Output::fixed("features", DType::F32, [WIDTH]));
    for name in &names {
        map = map.reads(Read::values(name, DType::F32));
    }
    let tensors = memory.map(map, |row, _, out| {
        for (at, value) in out.fixed::<f32>(0).iter_mut().enumerate() {
            *value = row.values::<f32>(at)?[0];
        }
        Ok(())
    });
    let cx = context();
    let tensors = tensors.unwrap().views(1).unwrap();
    let all: Vec<u64> = (0..rows.len() as u64).collect();
    let rows = cx.block_on(tensors.take(&cx, &all)).unwrap();
    let kept = rows.project(&[
        rows.schema().index_of("label").unwrap(),
        rows.schema().index_of("features").unwrap(),
    ]);
    Arc::new(Memory::new(vec![kept.unwrap()]).unwrap())
}

/// SMOTE's rows of the rare class.
fn smote(cx: &Context, rows: &[([f32; WIDTH], i64)]) -> Vec<([f32; WIDTH], i64)> {
    let base = memory(rows, true);
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &base, "label")).unwrap());
    let smote = cx
        .block_on(Smote::fit(cx, base, &labels, SmoteSpec::default()))
        .unwrap();
    let wanted = wanted(1, 300);
    let made = cx.block_on(smote.generate(cx, &wanted)).unwrap();
    let values = made["features"]
        .as_fixed_size_list()
        .values()
        .as_primitive::<Float32Type>()
        .values()
        .to_vec();
    let values = values.chunks_exact(WIDTH).map(|row| row.try_into().unwrap());
    values
        .zip(wanted.iter().map(|sample| i64::from(sample.class)))
        .collect()
}

/// Draws of the normal distribution that fits each class (what a Gaussian copula is for such columns).
fn gaussian(rows: &[([f32; WIDTH], i64)], seed: u64) -> Vec<([f32; WIDTH], i64)> {
    let fitted = [0, 1].map(|class| {
        let own: Vec<[f32; WIDTH]> = rows.iter().filter(|row| row.1 == class).map(|row| row.0).collect();
        let count = own.len() as f64;
        let mean: [f64; WIDTH] =
            std::array::from_fn(|at| own.iter().map(|row| f64::from(row[at])).sum::<f64>() / count);
        let mut lower = [[0.0; WIDTH]; WIDTH];
        for a in 0..WIDTH {
            for b in 0..=a {
                let products = own
                    .iter()
                    .map(|row| (f64::from(row[a]) - mean[a]) * (f64::from(row[b]) - mean[b]));
                let covariance = products.sum::<f64>() / (count - 1.0);
                let rest = covariance - (0..b).map(|k| lower[a][k] * lower[b][k]).sum::<f64>();
                lower[a][b] = if a == b { rest.sqrt() } else { rest / lower[b][b] };
            }
        }
        (mean, lower)
    });
    let mut rng = Rng::new(seed, "gaussian", 0);
    let row = |row: &([f32; WIDTH], i64)| {
        let (mean, lower) = &fitted[row.1 as usize];
        let draws: [f64; WIDTH] = std::array::from_fn(|_| f64::from(rng.normal()));
        let value = |at: usize| mean[at] + (0..=at).map(|k| lower[at][k] * draws[k]).sum::<f64>();
        (std::array::from_fn(|at| value(at) as f32), row.1)
    };
    rows.iter().map(row).collect()
}

fn judged(made: &[([f32; WIDTH], i64)], as_tensor: bool) -> QualityReport {
    let cx = context();
    let (training, holdout) = (real(1, 300), real(2, 300));
    let quality = Quality {
        label: Some("label".to_owned()),
        ..Quality::default()
    };
    let [real, made, holdout] = [("real", &training[..]), ("made", made), ("holdout", &holdout)]
        .map(|(name, rows)| files(rows, as_tensor, name));
    quality.of(&cx, &real, &made, Some(&holdout), &mut |_, _| {}).unwrap()
}

#[track_caller]
fn value(report: &QualityReport, section: &str, figure: &str) -> f64 {
    report.section(section).unwrap().figure(figure).unwrap().synthetic.value
}

#[test]
fn smote_fails_privacy_and_a_fit_of_the_distribution_does_not() {
    let cx = context();
    let training = real(1, 300);
    for as_tensor in [true, false] {
        let interpolated = judged(&smote(&cx, &training), as_tensor);
        let share = value(&interpolated, "privacy", "nearer_to_training");
        // On tables of KEEL it is 0.79 to 0.88.
        assert!((0.78..=0.92).contains(&share), "{share}");
        let privacy = interpolated.section("privacy").unwrap();
        assert_eq!(privacy.passes, Some(false), "{privacy:?}");
        assert!(privacy.verdict.contains("nearer to training"), "{}", privacy.verdict);
        // Real rows are the measure, and a half where they have less.
        for figure in ["nearer_to_training", "membership_auc"] {
            let figure = privacy.figure(figure).unwrap();
            assert_eq!(
                figure.rule.unwrap().against,
                figure.control.value.max(0.5),
                "{figure:?}"
            );
        }
        let control = privacy.figure("nearer_to_training").unwrap().control.value;
        let rule = format!(
            "with its whole interval more than 0.05 above the {:.3}",
            control.max(0.5)
        );
        assert!(privacy.verdict.contains(&rule), "{}", privacy.verdict);
        // Of the other class nothing was made, so nothing is said of it.
        let bias = &interpolated.section("bias").unwrap().verdict;
        assert!(
            bias.ends_with("; not judged: class \"common\" (no synthetic rows)")
                || bias.ends_with("; not judged: class \"0\" (no synthetic rows)"),
            "{bias}"
        );
        // Nothing else shows it: such rows look real.
        assert!(value(&interpolated, "fidelity", "precision") > 0.9);

        let fitted = judged(&gaussian(&training, 5), as_tensor);
        let share = fitted
            .section("privacy")
            .unwrap()
            .figure("nearer_to_training")
            .unwrap()
            .synthetic;
        assert!(share.low < 0.5 && share.high > 0.5, "{share}");
        assert_eq!(
            fitted.section("privacy").unwrap().passes,
            Some(true),
            "{:?}",
            fitted.section("privacy")
        );
        assert_eq!(
            fitted.section("fidelity").unwrap().passes,
            Some(true),
            "{:?}",
            fitted.section("fidelity")
        );
        assert_eq!(
            fitted.section("usefulness").unwrap().passes,
            Some(true),
            "{:?}",
            fitted.section("usefulness")
        );
        assert_eq!(
            fitted.section("bias").unwrap().passes,
            Some(true),
            "{:?}",
            fitted.section("bias")
        );
        assert_eq!(fitted.medium, if as_tensor { Medium::Features } else { Medium::Table });
    }
}

#[test]
fn copies_fail_and_strangers_do_not_look_real() {
    let copied = judged(&real(1, 300), false);
    assert_eq!(value(&copied, "privacy", "exact_copies"), 1.0);
    assert_eq!(value(&copied, "privacy", "nearer_to_training"), 1.0);
    assert!(value(&copied, "privacy", "membership_auc") > 0.99);
    assert!(value(&copied, "privacy", "singling_out") > 0.9);
    assert_eq!(copied.section("privacy").unwrap().passes, Some(false));

    let strange: Vec<_> = real(3, 300)
        .into_iter()
        .map(|(values, class)| (values.map(|value| value + 4.0), class))
        .collect();
    let strange = judged(&strange, false);
    let fidelity = strange.section("fidelity").unwrap();
    assert_eq!(fidelity.passes, Some(false));
    for figure in ["precision", "coverage", "two_sample_auc", "column_shapes"] {
        assert_eq!(
            fidelity.figure(figure).unwrap().passes,
            Some(false),
            "{figure}: {fidelity:?}"
        );
    }
    // The control is real rows, which pass.
    let honest = judged(&real(7, 300), false);
    for section in &honest.sections {
        assert_eq!(section.passes, Some(true), "{section:?}");
    }
}

#[test]
fn the_class_that_is_left_out_is_named() {
    // Rows of the rare class are all alike.
    let made: Vec<_> = real(3, 300)
        .into_iter()
        .map(|(values, class)| {
            (
                if class == 1 {
                    [1.0; WIDTH].map(|one| one + 0.01 * values[0])
                } else {
                    values
                },
                class,
            )
        })
        .collect();
    let report = judged(&made, false);
    let bias = report.section("bias").unwrap();
    assert_eq!(bias.passes, Some(false), "{bias:?}");
    assert!(
        bias.verdict.contains("worst class coverage (\"rare\") is ")
            && bias.verdict.contains("; each of 2 classes is judged"),
        "{}",
        bias.verdict
    );
    let worst: Vec<_> = report
        .groups
        .iter()
        .filter(|group| group.fails_in.contains(&"coverage"))
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(worst, ["rare"]);
}

#[test]
fn other_shares_of_the_classes_are_told() {
    let told = |made: &[([f32; WIDTH], i64)]| {
        let notes = judged(made, false).notes;
        notes.into_iter().find(|note| note.contains("other shares"))
    };
    assert_eq!(told(&real(3, 300)), None);
    // As many of the rare class as of the other one.
    let mut alike = real(3, 750);
    let mut common = 0;
    alike.retain(|(_, class)| {
        common += u64::from(*class == 0);
        *class == 1 || common <= 150
    });
    let note = told(&alike).expect("a note");
    assert!(
        note.contains("(class \"common\" 0.50 beside 0.80)") || note.contains("(class \"rare\" 0.50 beside 0.20)"),
        "{note}"
    );
}

#[test]
fn without_a_holdout_only_copies_are_judged() {
    let cx = context();
    let (training, made) = (files(&real(1, 300), false, "real"), files(&real(3, 300), false, "made"));
    let report = Quality::default()
        .of(&cx, &training, &made, None, &mut |_, _| {})
        .unwrap();
    assert!(report.holdout_is_split);
    assert_eq!((report.real_rows, report.holdout_rows), (150, 150));
    assert!(
        report.notes.iter().any(|note| note.contains("no holdout was named")),
        "{:?}",
        report.notes
    );
    let privacy = report.section("privacy").unwrap();
    assert!(privacy.figure("nearer_to_training").unwrap().passes.is_none());
    assert!(privacy.figure("exact_copies").unwrap().passes.is_some());
    assert!(privacy.verdict.contains("name a holdout"), "{}", privacy.verdict);
    // The same seed, the same report; what is called a label has the classes, though nobody named it.
    let again = Quality::default()
        .of(&cx, &training, &made, None, &mut |_, _| {})
        .unwrap();
    let json = |report: &QualityReport| serde_json::to_string(report).unwrap();
    assert_eq!(json(&report), json(&again));
    assert!(report.section("usefulness").is_some() && report.groups.len() == 2);
    // A class that the real rows have not, or a label that tells rows apart, is a column like others.
    let mut other = real(3, 300);
    other.iter_mut().for_each(|row| row.1 = 0);
    let training = files(&other, false, "real");
    let report = Quality::default().of(&cx, &training, &made, None, &mut |_, _| {});
    let report = report.unwrap();
    assert!(report.section("usefulness").is_none() && report.groups.is_empty());
    assert!(report.columns.iter().any(|column| column.name == "label"));
}

/// A classifier of hundreds of classes takes minutes, and is trained on a hundred of them.
#[test]
fn of_many_classes_a_hundred_are_told_apart() {
    let of = |seed: u64, rows: usize| {
        let mut rng = Rng::new(seed, "many classes", 0);
        let x: ArrayRef = Arc::new(Float32Array::from_iter_values((0..rows).map(|_| rng.normal())));
        let y: ArrayRef = Arc::new(StringArray::from_iter_values(
            (0..rows).map(|row| format!("c{}", row % 150)),
        ));
        let rows = RecordBatch::try_from_iter([("x", x), ("y", y)]).unwrap();
        Files::of_source(Arc::new(Memory::new(vec![rows]).unwrap()), "many")
    };
    let quality = Quality {
        label: Some("y".to_owned()),
        ..Quality::default()
    };
    let judged = |made: &Files| {
        quality
            .of(&context(), &of(1, 450), made, Some(&of(2, 300)), &mut |_, _| {})
            .unwrap()
    };
    let report = judged(&of(3, 150));
    let said = "usefulness is that of 100 of 150 classes, those that most sets and most real rows have";
    assert!(
        report.notes.iter().any(|note| note.starts_with(said)),
        "{:?}",
        report.notes
    );
    assert!(report.section("usefulness").is_some());
}

#[test]
fn columns_that_cannot_be_compared_are_refused() {
    let cx = context();
    let made = real(3, 100);
    let of = |training: &Files, made: &Files, quality: &Quality| {
        quality
            .of(&cx, training, made, None, &mut |_, _| {})
            .unwrap_err()
            .to_string()
    };
    let training = files(&real(1, 100), false, "real");
    let fewer = files(&made, false, "made").columns(&["c0", "label"]).unwrap();
    let error = of(&training, &fewer, &Quality::default());
    assert!(error.contains("the synthetic rows have no column \"c1\""), "{error}");
    let missing = Quality {
        group: Some("where".to_owned()),
        ..Quality::default()
    };
    let error = of(&training, &files(&made, false, "made"), &missing);
    assert!(error.contains("the real rows have no column \"where\""), "{error}");
    let label = |group: Option<&str>| Quality {
        label: Some("label".to_owned()),
        group: group.map(str::to_owned),
        ..Quality::default()
    };
    let error = of(&training, &files(&made, false, "made"), &label(Some("label")));
    assert!(error.contains("group: column \"label\" is the label"), "{error}");
    // Texts are no numbers that are missing.
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["7"; 100]));
    let texts = RecordBatch::try_from_iter([("c0", texts)]).unwrap();
    let numbers = training.clone().columns(&["c0"]).unwrap();
    let texts = Files::of_source(Arc::new(Memory::new(vec![texts]).unwrap()), "texts");
    let error = of(&numbers, &texts, &Quality::default());
    assert!(
        error.contains("column \"c0\" holds categories in the synthetic rows, and numbers in the real rows"),
        "{error}"
    );
    let error = of(&training, &files(&made[..5], false, "made"), &Quality::default());
    assert!(
        error.contains("there are 5 synthetic rows here, and 10 or more are needed: name more rows"),
        "{error}"
    );
    let error = of(&training, &files(&made[..1], false, "made"), &Quality::default());
    assert!(error.contains("there is 1 synthetic row here, and 10"), "{error}");
}

/// Rows around each class's mean, some of them far off.
#[derive(Debug)]
pub(crate) struct Wild {
    /// How far they spread.
    pub(crate) spread: f32,
}

impl Generator for Wild {
    fn describe(&self) -> Plan {
        Plan::new("wild").random().param("spread", self.spread)
    }

    fn supports(&self, class: u32) -> bool {
        class < 3
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        let value = |sample: &SampleId| {
            let mut rng = Rng::new(cx.seed(), "wild", stream(&[sample.class.into(), sample.index]));
            30.0 * sample.class as f32 + self.spread * rng.normal()
        };
        let x: ArrayRef = Arc::new(Float32Array::from_iter_values(samples.iter().map(value)));
        let label: ArrayRef = Arc::new(Int64Array::from_iter_values(
            samples.iter().map(|sample| sample.class.into()),
        ));
        Box::pin(async move { Ok(RecordBatch::try_from_iter([("x", x), ("label", label)])?) })
    }

    fn provenance(&self, _: &Context, sample: SampleId) -> Provenance {
        Provenance {
            class: Some(sample.class),
            origin: Origin::Synthetic,
            generator: Some("wild".into()),
            // Tells which row of the generator it is.
            occurrence: sample.index,
            ..Provenance::default()
        }
    }
}

/// Three classes around 0, 30 and 60, one a little wide.
fn spread() -> Memory {
    let mut rng = Rng::new(1, "spread", 0);
    let x: Vec<f32> = (0..200)
        .map(|row| 30.0 * (row % 3) as f32 + 3.0 * rng.normal())
        .collect();
    let x: ArrayRef = Arc::new(Float32Array::from(x));
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..200).map(|row| row % 3)));
    Memory::new(vec![RecordBatch::try_from_iter([("x", x), ("label", label)]).unwrap()]).unwrap()
}

pub(crate) fn gate(cx: &Context, spec: GateSpec) -> Gate {
    let rows = spread();
    let labels = cx.block_on(Labels::scan(cx, &rows, "label")).unwrap();
    cx.block_on(Gate::fit(cx, &rows, &labels, spec)).unwrap()
}

pub(crate) fn wanted(class: u32, rows: u64) -> Vec<SampleId> {
    (0..rows).map(|index| SampleId { class, index }).collect()
}

fn x(rows: &RecordBatch) -> Vec<f32> {
    rows["x"].as_primitive::<Float32Type>().values().to_vec()
}

#[test]
fn a_gate_obeys_the_law() {
    let cx = context();
    let gated = Wild { spread: 12.0 }.accept(gate(&cx, GateSpec::new(["x"])));
    let balance = cx.block_on(spread().balance(&cx, "label", Target::Uniform)).unwrap();
    let filled = balance.rows(600).fill(Arc::new(gated), 0.5).unwrap();
    cx.block_on(testing::check_law(&cx.with_seed(11), &filled, 1)).unwrap();
    let base: Arc<dyn Stable> = Arc::new(table(&[40, 15, 6, 2]));
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &base, "label")).unwrap());
    let smote = cx
        .block_on(Smote::fit(&cx, Arc::clone(&base), &labels, SmoteSpec::new("x")))
        .unwrap();
    let fitted = cx
        .block_on(Gate::fit(
            &cx,
            &base,
            &labels,
            GateSpec {
                attempts: 64,
                ..GateSpec::new(["x"])
            },
        ))
        .unwrap();
    let balance = cx.block_on(base.balance(&cx, "label", Target::Uniform)).unwrap();
    // As a spec gives it.
    let smote: Arc<dyn Generator> = Arc::new(smote);
    let gated: Arc<dyn Generator> = Arc::new(Arc::clone(&smote).accept(fitted));
    let filled = balance.fill(gated, 0.6).unwrap();
    cx.block_on(testing::check_law(&cx.with_seed(11), &filled, 1)).unwrap();
    let second = filled.fill(smote, 0.2).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Config);
    assert!(
        second.to_string().contains("makes the synthetic rows already"),
        "{second}"
    );
}

#[test]
fn rows_that_fall_outside_are_drawn_anew_and_counted() {
    let cx = context();
    let gated = Wild { spread: 12.0 }.accept(gate(&cx, GateSpec::new(["x"])));
    let made = x(&cx.block_on(gated.generate(&cx, &wanted(1, 300))).unwrap());
    // All rows lie where the class has rows: its mean is 30, its deviation 3.
    assert!(made.iter().all(|x| (18.0..42.0).contains(x)), "{made:?}");
    let judged = gated.judged();
    let refused = judged.refused;
    assert!(refused[&(1, Refusal::OutsideManifold)] > 200, "{refused:?}");
    assert_eq!(judged.candidates, 300 + refused.values().sum::<u64>());
    // The rows that pass are the generator's own, the first that does of each row's candidates.
    let attempts = u64::from(gated.gate().spec().attempts);
    for (index, made) in made.iter().take(20).enumerate() {
        let own = |attempt| SampleId {
            class: 1,
            index: index as u64 * attempts + attempt,
        };
        let all: Vec<SampleId> = (0..attempts).map(own).collect();
        let candidates = cx.block_on(Wild { spread: 12.0 }.generate(&cx, &all)).unwrap();
        let judged = cx
            .block_on(gated.gate().judge(&cx, &candidates, &vec![1; all.len()]))
            .unwrap();
        let first = judged.iter().position(Option::is_none).unwrap();
        assert_eq!(*made, x(&candidates)[first]);
        let sample = SampleId {
            class: 1,
            index: index as u64,
        };
        assert_eq!(
            gated.provenance(&cx, sample).occurrence,
            index as u64 * attempts + first as u64
        );
        // Also of rows that were never made, and from inside of a task.
        let other = Arc::new(Wild { spread: 12.0 }.accept(gated.gate().clone()));
        let inside = cx.clone();
        let task = cx.spawn(async move { Ok(other.provenance(&inside, sample).occurrence) });
        assert_eq!(cx.block_on(task).unwrap(), index as u64 * attempts + first as u64);
    }
}

#[test]
fn copies_and_values_out_of_range_are_refused() {
    let cx = context();
    let only = |spec: GateSpec| gate(&cx, spec);
    let judged = |gate: &Gate, rows: &RecordBatch, of: &[u32]| cx.block_on(gate.judge(&cx, rows, of)).unwrap();
    let none = GateSpec {
        manifold: 0,
        least_distance: 0.0,
        range: None,
        ..GateSpec::new(["x"])
    };
    let rows = cx.block_on(spread().take(&cx, &[0, 1, 2])).unwrap();
    let near = only(GateSpec {
        least_distance: 0.1,
        ..none.clone()
    });
    assert_eq!(judged(&near, &rows, &[0, 1, 2]), [Some(Refusal::TooNear); 3]);
    let far: ArrayRef = Arc::new(Float32Array::from(vec![-40.0, 20.0, 100.0]));
    let far = RecordBatch::try_from_iter([("x", far)]).unwrap();
    let range = only(GateSpec {
        range: Some(0.0),
        ..none.clone()
    });
    let out = Some(Refusal::OutOfRange);
    assert_eq!(judged(&range, &far, &[0, 0, 0]), [out, None, out]);
    assert_eq!(judged(&only(none), &far, &[0, 0, 0]), [None; 3]);
    let wrong = GateSpec {
        attempts: 0,
        ..GateSpec::new(["x"])
    };
    let labels = cx.block_on(Labels::scan(&cx, &spread(), "label")).unwrap();
    let error = cx
        .block_on(Gate::fit(&cx, &spread(), &labels, wrong))
        .unwrap_err()
        .to_string();
    assert!(error.contains("attempts is 0, but has to lie in 1..=256"), "{error}");
}

#[test]
fn a_row_without_a_candidate_is_an_error_that_says_why() {
    let cx = context();
    let gated = Wild { spread: 1e4 }.accept(gate(
        &cx,
        GateSpec {
            attempts: 3,
            ..GateSpec::new(["x"])
        },
    ));
    let error = cx.block_on(gated.generate(&cx, &wanted(2, 5))).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Stage, Some(0)));
    let said = error.to_string();
    assert!(
        said.contains(
            "class \"2\", synthetic row 0: none of 3 candidates passes the gate (3 far from all training rows of the class)"
        ),
        "{said}"
    );
}

#[test]
fn a_generator_whose_rows_fall_outside_is_refused_as_a_whole() {
    let cx = context();
    let (gate, limits) = (gate(&cx, GateSpec::new(["x"])), GateLimits::default());
    let check = |spread: f32| cx.block_on(gate.check(&cx, &Wild { spread }, None, &limits));
    let good = check(3.0).unwrap();
    assert_eq!(good.iter().map(|class| class.class).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(
        good.iter()
            .all(|class| class.precision.value > 0.9 && class.coverage.value > 0.8),
        "{good:?}"
    );
    let error = check(60.0).unwrap_err().to_string();
    assert!(
        error.contains("generator wild, class \"0\": precision is 0."),
        "{error}"
    );
    let error = check(0.01).unwrap_err().to_string();
    assert!(error.contains("class \"0\": coverage is 0."), "{error}");
    // Behind the gate the same rows pass.
    let gated = Gated::new(Arc::new(Wild { spread: 12.0 }), gate.clone());
    let passed = cx.block_on(gate.check(&cx, &gated, None, &limits)).unwrap();
    assert!(
        passed
            .iter()
            .all(|class| class.refused.value == 0.0 && class.precision.value == 1.0),
        "{passed:?}"
    );
    // Rows that lie nearer to training rows than others of the class do.
    let training = real(1, 300);
    let base = memory(&training, true);
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &base, "label")).unwrap());
    let smote = cx
        .block_on(Smote::fit(&cx, Arc::clone(&base), &labels, SmoteSpec::default()))
        .unwrap();
    let spec = GateSpec {
        least_distance: 0.0,
        ..GateSpec::default()
    };
    let gate = cx.block_on(Gate::fit(&cx, &base, &labels, spec)).unwrap();
    let unseen = memory(&real(2, 300), true);
    let all: Vec<u64> = (0..300).collect();
    let unseen = cx.block_on(unseen.take(&cx, &all)).unwrap();
    let of: Vec<u32> = real(2, 300).iter().map(|row| row.1 as u32).collect();
    let error = cx
        .block_on(gate.check(&cx, &smote, Some((&unseen, &of)), &limits))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("generator smote, class \"0\": the share nearer to training rows than to the holdout is 0."),
        "{error}"
    );
}

/// Rows of two classes in a column of numbers and one of colours: 60 red and green ones around 0, 60 blue ones around 10.
fn coloured(nulls: bool) -> RecordBatch {
    let x = (0..120).map(|row| match row {
        7 if nulls => None,
        _ => Some((row % 60) as f32 / 60.0 + if row < 60 { 0.0 } else { 10.0 }),
    });
    let colour = (0..120).map(|row| if row >= 60 { "blue" } else { ["red", "green"][row % 2] });
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..120).map(|row| row / 60)));
    let (x, colour): (ArrayRef, ArrayRef) = (
        Arc::new(x.collect::<Float32Array>()),
        Arc::new(StringArray::from_iter_values(colour)),
    );
    RecordBatch::try_from_iter([("x", x), ("colour", colour), ("label", label)]).unwrap()
}

fn judged_colours(
    cx: &Context,
    gate: &Gate,
    rows: &[(Option<f32>, Option<&str>, u32)],
) -> Result<Vec<Option<Refusal>>> {
    let x: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Float32Array>());
    let colour: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
    let batch = RecordBatch::try_from_iter([("x", x), ("colour", colour)]).unwrap();
    let of: Vec<u32> = rows.iter().map(|row| row.2).collect();
    cx.block_on(gate.judge(cx, &batch, &of))
}

#[test]
fn a_gate_compares_categories_beside_numbers() {
    let cx = context();
    let fit = |nulls: bool, spec: GateSpec| {
        let rows = Memory::new(vec![coloured(nulls)]).unwrap();
        let labels = cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap();
        cx.block_on(Gate::fit(&cx, &rows, &labels, spec)).unwrap()
    };
    let spec = GateSpec {
        least_distance: 0.0,
        ..GateSpec::new(["x", "colour"])
    };
    let gate = fit(false, spec.clone());
    let out = Some(Refusal::OutsideManifold);
    let rows = [
        (Some(0.5), Some("red"), 0),
        (Some(0.5), Some("blue"), 0),
        (Some(10.5), Some("blue"), 1),
        (Some(10.5), Some("red"), 1),
        (Some(0.5), Some("pink"), 0),
        (Some(0.5), None, 0),
    ];
    let expected = [None, out, None, out, out, out];
    assert_eq!(judged_colours(&cx, &gate, &rows).unwrap(), expected);
    // A colour that no training row has is out of their range, one of another class is not.
    let range = fit(
        false,
        GateSpec {
            manifold: 0,
            range: Some(0.0),
            ..spec.clone()
        },
    );
    let out = Some(Refusal::OutOfRange);
    assert_eq!(
        judged_colours(&cx, &range, &rows).unwrap(),
        [None, None, None, None, out, out]
    );
    // A number may lack where a training row lacks it.
    let lacking = [(None, Some("red"), 0)];
    let error = judged_colours(&cx, &gate, &lacking).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Data, Some(0)));
    assert!(
        error
            .to_string()
            .contains("column \"x\" is null, which no training row is"),
        "{error}"
    );
    let anywhere = GateSpec {
        manifold: 0,
        ..spec.clone()
    };
    assert_eq!(judged_colours(&cx, &fit(true, anywhere), &lacking).unwrap(), [None]);
    // Two rows of one class that differ in the colour alone are 1 apart.
    let near = GateSpec {
        manifold: 0,
        least_distance: 1.0,
        ..spec
    };
    let copies = [(Some(0.0), Some("red"), 0), (Some(0.0), Some("green"), 0)];
    let near = judged_colours(&cx, &fit(false, near), &copies).unwrap();
    assert_eq!(near[0], Some(Refusal::TooNear));
}

#[test]
fn rows_of_a_table_behind_a_gate_obey_the_law() {
    let cx = context();
    let base: Arc<dyn Stable> = Arc::new(Memory::new(vec![coloured(false)]).unwrap());
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &base, "label")).unwrap());
    let spec = SmoteNcSpec {
        columns: vec!["x".to_owned()],
        categorical_features: vec!["colour".to_owned()],
        ..SmoteNcSpec::default()
    };
    let smote = cx
        .block_on(SmoteNc::fit(&cx, Arc::clone(&base), &labels, spec))
        .unwrap();
    let gate = GateSpec {
        attempts: 64,
        ..GateSpec::new(["x", "colour"])
    };
    let gate = cx.block_on(Gate::fit(&cx, &base, &labels, gate)).unwrap();
    let balance = cx.block_on(base.balance(&cx, "label", Target::Uniform)).unwrap();
    let filled = balance.rows(300).fill(Arc::new(smote.accept(gate)), 0.7).unwrap();
    cx.block_on(testing::check_law(&cx.with_seed(11), &filled, 1)).unwrap();
}

/// The mean level of pictures; counts nothing else.
#[derive(Debug)]
struct Brightness {
    version: u32,
}

impl RowFeatures for Brightness {
    fn describe(&self) -> Plan {
        Plan::new("brightness").param("version", self.version)
    }

    fn features<'a>(&'a self, _: &'a Context, rows: &'a RecordBatch) -> BoxFuture<'a, Result<Matrix>> {
        Box::pin(async move {
            let level = |file: Option<&[u8]>| {
                let levels = Pixels::<u8>::decode(file.unwrap())?.levels;
                Ok(levels.iter().map(|&level| f32::from(level)).sum::<f32>() / levels.len() as f32)
            };
            let levels = rows["image"].as_binary::<i32>().iter().map(level);
            Matrix::new(levels.collect::<Result<_>>()?, 1)
        })
    }
}

fn grey(level: u8) -> Vec<u8> {
    let mut pixels = Pixels::<u8>::new(2, 2);
    pixels.levels.fill(level);
    pixels.to_png().unwrap()
}

#[test]
fn encoded_pictures_are_compared_by_features() {
    let cx = context();
    // Dark pictures of levels 0 to 39, every second one, and light ones of 200 to 239.
    let image: BinaryArray = (0..40)
        .map(|row| Some(grey(if row < 20 { 2 * row } else { 160 + 2 * row })))
        .collect();
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..40).map(|row| row / 20)));
    let image: ArrayRef = Arc::new(image);
    let batch = RecordBatch::try_from_iter([("image", image), ("label", label)]).unwrap();
    let base: Arc<dyn Stable> = Arc::new(Memory::new(vec![batch]).unwrap());
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &base, "label")).unwrap());
    let plain = cx.block_on(Gate::fit(&cx, &base, &labels, GateSpec::new(["image"])));
    let error = plain.unwrap_err().to_string();
    assert!(
        error.contains("column \"image\" holds Binary") && error.contains("`Gate::fit_features`"),
        "{error}"
    );

    let fit = |version: u32, done: &mut Vec<u64>| {
        let spec = GateSpec {
            manifold: 1,
            least_distance: 0.1,
            attempts: 64,
            ..GateSpec::new(["image"])
        };
        let features = Arc::new(Brightness { version });
        let mut reached = |rows| done.push(rows);
        cx.block_on(Gate::fit_features(&cx, &base, &labels, spec, features, &mut reached))
            .unwrap()
    };
    let mut done = Vec::new();
    let gate = fit(1, &mut done);
    assert_eq!(done, [40]);
    let (spec, mut told) = (gate.spec().clone(), Vec::new());
    let features: Arc<dyn RowFeatures> = Arc::new(Brightness { version: 1 });
    let mut reached = |at: GateFit| told.push(at);
    let fitted = Gate::fit_told(&cx, &base, &labels, spec, Some(features), &mut reached);
    cx.block_on(fitted).unwrap();
    // The rows of each class are compared with one another, then all.
    let compared = [10, 20, 40].map(GateFit::Compared);
    assert_eq!(told, [&[GateFit::Features(40)][..], &compared].concat());
    // Any level: the dark ones of odd levels up to 40 are new and near, all others copies or far away.
    let any = GeneratorFn::new("any", &base, &labels, |_, rng| {
        let image: ArrayRef = Arc::new(BinaryArray::from_iter_values([grey(rng.below(256) as u8)]));
        Ok(RecordBatch::try_from_iter([("image", image)])?)
    });
    let gated = any.unwrap().accept(gate.clone());
    let made = cx.block_on(gated.generate(&cx, &wanted(0, 30))).unwrap();
    for file in made["image"].as_binary::<i32>().iter() {
        let level = Pixels::<u8>::decode(file.unwrap()).unwrap().levels[0];
        assert!(level < 41 && level % 2 == 1, "{level}");
    }
    let judged = gated.judged();
    let of = |why: Refusal| judged.refused.get(&(0, why)).copied().unwrap_or(0);
    assert_eq!(
        judged.candidates,
        30 + of(Refusal::OutsideManifold) + of(Refusal::TooNear)
    );
    assert!(
        of(Refusal::OutsideManifold) > 100 && of(Refusal::TooNear) > 10,
        "{judged:?}"
    );
    let said = judged.in_words();
    assert!(
        said.starts_with("gate: ")
            && said.contains("too near to a training row, ")
            && said.contains(" candidates refused ("),
        "{said}"
    );

    // What makes the features is part of the plan, and the law holds.
    let balance = |gate: Gate, generator: Arc<dyn Generator>| {
        let balance = cx
            .block_on(Arc::clone(&base).balance(&cx, "label", Target::Uniform))
            .unwrap();
        balance
            .rows(100)
            .fill(Arc::new(Gated::new(generator, gate)), 0.8)
            .unwrap()
    };
    let dark: Arc<dyn Generator> = Arc::new(
        GeneratorFn::new("near", &base, &labels, |class, rng| {
            let level = rng.below(42) as u8 + if class == "0" { 0 } else { 199 };
            let image: ArrayRef = Arc::new(BinaryArray::from_iter_values([grey(level)]));
            Ok(RecordBatch::try_from_iter([("image", image)])?)
        })
        .unwrap(),
    );
    let filled = balance(gate.clone(), Arc::clone(&dark));
    cx.block_on(testing::check_law(&cx.with_seed(2), &filled, 1)).unwrap();
    let other = balance(fit(2, &mut done), dark);
    assert_ne!(filled.describe().fingerprint(), other.describe().fingerprint());
}
