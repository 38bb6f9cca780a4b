//! Rows between others, beside what imbalanced-learn makes of the same rows.

use super::common::{context, refusal, table, vectors};
use arrow::array::{
    ArrayRef, AsArray, DictionaryArray, Float32Array, Float64Array, Int16Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int64Type, Schema};
use millstream::dataset::Stable;
use millstream::error::ErrorKind;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::{
    Adasyn, AdasynSpec, BorderlineKind, BorderlineSmote, BorderlineSmoteSpec, Generator, Jitter, JitterSpec, SampleId,
    Smote, SmoteNc, SmoteNcSpec, SmoteSpec, generators,
};
use millstream::{Context, Dataset, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn fixture() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/interpolation.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn floats(of: &Value) -> Vec<f64> {
    of.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

fn integers(of: &Value) -> Vec<u64> {
    of.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_u64().unwrap())
        .collect()
}

fn lists<T>(of: &Value, each: impl Fn(&Value) -> T) -> Vec<T> {
    of.as_array().unwrap().iter().map(each).collect()
}

fn in_memory(columns: Vec<(&str, ArrayRef)>) -> Arc<dyn Stable> {
    Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap())
}

fn labels(cx: &Context, rows: &Arc<dyn Stable>) -> Arc<Labels> {
    Arc::new(cx.block_on(Labels::scan(cx, rows, "label")).unwrap())
}

/// The rows of a table of the fixture: two columns of numbers and the class.
fn two_columns(of: &Value) -> (Arc<dyn Stable>, Vec<Vec<f64>>) {
    let x = lists(&of["x"], floats);
    let column = |at: usize| Arc::new(Float64Array::from_iter_values(x.iter().map(|row| row[at]))) as ArrayRef;
    let y = Int64Array::from_iter_values(integers(&of["y"]).into_iter().map(|class| class as i64));
    let rows = in_memory(vec![("a", column(0)), ("label", Arc::new(y)), ("b", column(1))]);
    (rows, x)
}

/// Names and types: the column of classes has their names beside them in rows that are made.
fn types(schema: &Schema) -> Vec<(&str, &DataType)> {
    schema
        .fields()
        .iter()
        .map(|field| (field.name().as_str(), field.data_type()))
        .collect()
}

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|&name| name.to_owned()).collect()
}

fn samples(class: u32, count: u64) -> Vec<SampleId> {
    (0..count).map(|index| SampleId { class, index }).collect()
}

fn parents(cx: &Context, generator: &dyn Generator, sample: SampleId) -> Vec<u64> {
    let places = generator.provenance(cx, sample).places;
    places.iter().map(|place| place.row).collect()
}

/// Whether `row` lies between `a` and `b`, at a place that is the same in all columns.
fn along(row: &[f64], a: &[f64], b: &[f64]) -> Option<f64> {
    let widest = (0..a.len()).max_by(|x, y| (a[*x] - b[*x]).abs().total_cmp(&(a[*y] - b[*y]).abs()))?;
    let t = (row[widest] - a[widest]) / (b[widest] - a[widest]);
    let on_line = |at: usize| (row[at] - (a[at] + t * (b[at] - a[at]))).abs() < 1e-9;
    ((-1e-9..=1.0 + 1e-9).contains(&t) && (0..a.len()).all(on_line)).then_some(t)
}

fn numbers(batch: &RecordBatch) -> Vec<Vec<f64>> {
    let [a, b] = ["a", "b"].map(|name| batch[name].as_primitive::<Float64Type>().values().clone());
    a.iter().zip(&b).map(|(&a, &b)| vec![a, b]).collect()
}

#[test]
fn smote_has_the_neighbours_of_imbalanced_learn_and_lies_on_its_lines() {
    let (cx, all) = (context().with_seed(3), fixture());
    let of = &all["smote"];
    let (rows, x) = two_columns(of);
    let spec = SmoteSpec {
        columns: names(&["a", "b"]),
        ..SmoteSpec::default()
    };
    let smote = cx
        .block_on(Smote::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), spec))
        .unwrap();
    let expected = integers(&of["rows"])
        .into_iter()
        .zip(lists(&of["neighbours"], integers));
    let expected: BTreeMap<u64, Vec<u64>> = expected.collect();
    assert_eq!(smote.neighbours(0).collect::<BTreeMap<_, _>>(), expected);
    let is_ours = |row: &[f64]| {
        let mut pairs = expected
            .iter()
            .flat_map(|(from, to)| to.iter().map(move |to| (*from, *to)));
        pairs.any(|(from, to)| along(row, &x[from as usize], &x[to as usize]).is_some())
    };
    for row in lists(&of["made"], floats) {
        assert!(is_ours(&row), "{row:?} of imbalanced-learn");
    }
    let made = cx.block_on(smote.generate(&cx, &samples(0, 300))).unwrap();
    let mut drawn = BTreeSet::new();
    for (row, sample) in numbers(&made).iter().zip(samples(0, 300)) {
        let [from, to] = parents(&cx, &smote, sample)[..] else {
            panic!("two parents")
        };
        assert!(expected[&from].contains(&to), "{from} and {to}");
        let t = along(row, &x[from as usize], &x[to as usize]).expect("on the line between its parents");
        assert!((t - f64::from(smote.along(&cx, sample).unwrap())).abs() < 1e-6);
        drawn.insert((from, to));
    }
    assert_eq!(drawn.len(), 40, "each neighbour of each row");
    assert_eq!(types(&made.schema()), types(&rows.schema()));
}

#[test]
fn columns_of_numbers_keep_their_types() {
    let cx = context().with_seed(3);
    let rows = in_memory(vec![
        ("small", Arc::new(Int16Array::from(vec![1, 9, 4, 300, 7]))),
        ("wide", Arc::new(Float32Array::from(vec![0.5, -1.5, 2.25, 9.0, 1.0]))),
        (
            "large",
            Arc::new(Int64Array::from(vec![
                1 << 60,
                (1 << 60) + 64,
                (1 << 60) + 32,
                5,
                1 << 60,
            ])),
        ),
        ("label", Arc::new(StringArray::from(vec!["x", "x", "x", "y", "x"]))),
        ("word", Arc::new(StringArray::from(vec!["p", "q", "r", "s", "t"]))),
    ]);
    let spec = SmoteSpec {
        columns: names(&["small", "wide", "large"]),
        k: 2,
        ..SmoteSpec::default()
    };
    let labels = labels(&cx, &rows);
    let smote = cx.block_on(Smote::fit(&cx, Arc::clone(&rows), &labels, spec)).unwrap();
    assert_eq!([0, 1].map(|class| smote.supports(class)), [true, false]);
    let all = cx.block_on(rows.take(&cx, &[0, 1, 2, 3, 4])).unwrap();
    let made = cx.block_on(smote.generate(&cx, &samples(0, 200))).unwrap();
    for (row, sample) in samples(0, 200).into_iter().enumerate() {
        let [from, to] = [0, 1].map(|at| parents(&cx, &smote, sample)[at] as usize);
        let t = f64::from(smote.along(&cx, sample).unwrap());
        let small = |of: &RecordBatch, row| of["small"].as_primitive::<Int16Type>().value(row);
        let (a, b) = (f64::from(small(&all, from)), f64::from(small(&all, to)));
        assert_eq!(f64::from(small(&made, row)), (a + t * (b - a)).round());
        let wide = |of: &RecordBatch, row| of["wide"].as_primitive::<Float32Type>().value(row);
        let (a, b) = (f64::from(wide(&all, from)), f64::from(wide(&all, to)));
        assert_eq!(wide(&made, row), (a + t * (b - a)) as f32);
        let large = |of: &RecordBatch, row| of["large"].as_primitive::<Int64Type>().value(row);
        let (a, b) = (large(&all, from), large(&all, to));
        assert_eq!(
            large(&made, row),
            a + ((b - a) as f64 * t).round() as i64,
            "beyond 2^53"
        );
        let word = |of: &RecordBatch, row: usize| of["word"].as_string::<i32>().value(row).to_owned();
        assert_eq!(word(&made, row), word(&all, from));
    }
}

#[test]
fn borderline_smote_has_the_rows_in_danger_of_imbalanced_learn() {
    let (cx, all) = (context().with_seed(3), fixture());
    for of in all["borderline"].as_array().unwrap() {
        let (rows, x) = two_columns(&all["classification"][of["class_sep"].to_string()]);
        let kind: BorderlineKind = serde_json::from_value(of["kind"].clone()).unwrap();
        let spec = BorderlineSmoteSpec {
            columns: names(&["a", "b"]),
            m_neighbors: of["m_neighbors"].as_u64().unwrap() as usize,
            kind,
            ..BorderlineSmoteSpec::default()
        };
        let classes = labels(&cx, &rows);
        let smote = cx
            .block_on(BorderlineSmote::fit(&cx, Arc::clone(&rows), &classes, spec))
            .unwrap();
        // imbalanced-learn samples the classes that lack rows.
        for class in 0..2 {
            let expected = of["in_danger"].get(class.to_string()).map_or_else(Vec::new, integers);
            assert_eq!(smote.in_danger(class), expected, "{kind:?}, class {class}");
            assert_eq!(smote.supports(class), !expected.is_empty());
            if expected.is_empty() {
                continue;
            }
            let made = cx.block_on(smote.generate(&cx, &samples(class, 400))).unwrap();
            let mut others = 0;
            for (row, sample) in numbers(&made).iter().zip(samples(class, 400)) {
                let [from, to] = [0, 1].map(|at| parents(&cx, &smote, sample)[at]);
                assert!(expected.contains(&from));
                let t = along(row, &x[from as usize], &x[to as usize]).expect("on the line between its parents");
                if classes.class(to) != class {
                    others += 1;
                    assert!(t < 0.5, "{t} of the way to another class");
                }
            }
            assert_eq!(
                others > 0,
                kind == BorderlineKind::Borderline2,
                "{others} to other classes"
            );
        }
    }
}

#[test]
fn adasyn_starts_from_each_row_as_often_as_imbalanced_learn() {
    let (cx, all) = (context().with_seed(3), fixture());
    for (data, table) in [("regular", &all["smote"]), ("0.8", &all["classification"]["0.8"])] {
        let (of, (rows, x)) = (&all["adasyn"][data], two_columns(table));
        let spec = AdasynSpec {
            columns: names(&["a", "b"]),
            k: of["k"].as_u64().unwrap() as usize,
            ..AdasynSpec::default()
        };
        let classes = labels(&cx, &rows);
        let adasyn = cx
            .block_on(Adasyn::fit(&cx, Arc::clone(&rows), &classes, spec))
            .unwrap();
        for (class, of) in of["classes"].as_object().unwrap() {
            let class: u32 = class.parse().unwrap();
            let shares = adasyn.shares(class);
            let wanted = of["wanted"].as_f64().unwrap();
            let counts: Vec<u64> = shares
                .iter()
                .map(|share| (share * wanted).round_ties_even() as u64)
                .collect();
            assert_eq!(counts, integers(&of["counts"]), "{data}, class {class}");
            let of_class = integers(&of["rows"]);
            let mut drawn = vec![0.0; shares.len()];
            let made = cx.block_on(adasyn.generate(&cx, &samples(class, 4000))).unwrap();
            for (row, sample) in numbers(&made).iter().zip(samples(class, 4000)) {
                let [from, to] = [0, 1].map(|at| parents(&cx, &adasyn, sample)[at]);
                assert_eq!(classes.class(to), class);
                assert!(along(row, &x[from as usize], &x[to as usize]).is_some());
                drawn[of_class.binary_search(&from).unwrap()] += 1.0 / 4000.0;
            }
            for (drawn, share) in drawn.iter().zip(&shares) {
                let error = (share * (1.0 - share) / 4000.0).sqrt();
                assert!((drawn - share).abs() <= 5.0 * error, "{drawn} beside {share}");
            }
        }
    }
    // Two classes far from each other: nothing to start from.
    let apart: ArrayRef = Arc::new(Float64Array::from_iter_values(
        (0..20).map(|row| f64::from(row + row / 10 * 1000)),
    ));
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..20).map(|row| row / 10)));
    let rows = in_memory(vec![("a", apart), ("label", label)]);
    let spec = AdasynSpec {
        columns: names(&["a"]),
        ..AdasynSpec::default()
    };
    let adasyn = cx
        .block_on(Adasyn::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), spec))
        .unwrap();
    assert_eq!([0, 1].map(|class| adasyn.supports(class)), [false, false]);
}

#[test]
fn smote_nc_has_the_medians_neighbours_and_categories_of_imbalanced_learn() {
    let (cx, all) = (context().with_seed(3), fixture());
    for of in all["smote_nc"].as_array().unwrap() {
        let x = lists(&of["numbers"], floats);
        let categories = lists(&of["categories"], |row| {
            lists(row, |one| one.as_str().unwrap().to_owned())
        });
        let column = |at: usize| Arc::new(Float64Array::from_iter_values(x.iter().map(|row| row[at]))) as ArrayRef;
        let words: DictionaryArray<Int8Type> = categories.iter().map(|row| row[0].as_str()).collect();
        let digits = Int64Array::from_iter_values(categories.iter().map(|row| row[1].parse().unwrap()));
        let y = Int64Array::from_iter_values(integers(&of["y"]).into_iter().map(|class| class as i64));
        let rows = in_memory(vec![
            ("word", Arc::new(words)),
            ("a", column(0)),
            ("b", column(1)),
            ("digit", Arc::new(digits)),
            ("label", Arc::new(y)),
        ]);
        let spec = SmoteNcSpec {
            categorical_features: names(&["word", "digit"]),
            ..SmoteNcSpec::default()
        };
        let smote = cx
            .block_on(SmoteNc::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), spec))
            .unwrap();
        for (class, of) in of["classes"].as_object().unwrap() {
            let class: u32 = class.parse().unwrap();
            let median = smote.median_deviation(class).unwrap();
            assert!(
                (median - of["median"].as_f64().unwrap()).abs() < 1e-12,
                "class {class}: {median}"
            );
            let expected = integers(&of["rows"])
                .into_iter()
                .zip(lists(&of["neighbours"], integers));
            let expected: BTreeMap<u64, Vec<u64>> = expected.collect();
            assert_eq!(
                smote.neighbours(class).collect::<BTreeMap<_, _>>(),
                expected,
                "class {class}"
            );
            let made = cx.block_on(smote.generate(&cx, &samples(class, 2000))).unwrap();
            assert_eq!(types(&made.schema()), types(&rows.schema()));
            let word = arrow::compute::cast(&made["word"], &DataType::Utf8).unwrap();
            let digit = made["digit"].as_primitive::<Int64Type>();
            let mut drawn: BTreeMap<u64, BTreeSet<[String; 2]>> = BTreeMap::new();
            for ((at, row), sample) in numbers(&made).iter().enumerate().zip(samples(class, 2000)) {
                let all = parents(&cx, &smote, sample);
                let (from, to) = (all[0], all[1]);
                assert!(along(row, &x[from as usize], &x[to as usize]).is_some());
                let all: BTreeSet<u64> = all[1..].iter().copied().collect();
                assert_eq!(
                    all,
                    expected[&from].iter().copied().collect(),
                    "all neighbours are parents"
                );
                let category = [
                    word.as_string::<i32>().value(at).to_owned(),
                    digit.value(at).to_string(),
                ];
                for (at, one) in category.iter().enumerate() {
                    let count = |one: &str| {
                        let neighbours = expected[&from].iter();
                        neighbours.filter(|&&row| categories[row as usize][at] == one).count()
                    };
                    let most = expected[&from]
                        .iter()
                        .map(|&row| count(&categories[row as usize][at]))
                        .max();
                    assert_eq!(Some(count(one)), most, "the most frequent");
                }
                drawn.entry(from).or_default().insert(category);
            }
            let theirs = integers(&of["from"]).into_iter().zip(integers(&of["to"]));
            let theirs = theirs
                .zip(lists(&of["numbers"], floats))
                .zip(lists(&of["categories"], |row| {
                    lists(row, |one| one.as_str().unwrap().to_owned())
                }));
            for (((from, to), row), category) in theirs {
                assert!(along(&row, &x[from as usize], &x[to as usize]).is_some());
                let category: [String; 2] = category.try_into().unwrap();
                assert!(
                    drawn[&from].contains(&category),
                    "row {from}: {category:?} of imbalanced-learn"
                );
            }
        }
    }
}

#[test]
fn jitter_has_noise_in_shares_of_the_deviation_of_a_class() {
    let cx = context().with_seed(3);
    let a = Float64Array::from(vec![0.0, 4.0, 100.0, 300.0, 7.0]);
    let b = Int64Array::from(vec![10, 10, 1000, 3000, 1]);
    let label = StringArray::from(vec!["x", "x", "y", "y", "z"]);
    let rows = in_memory(vec![("a", Arc::new(a)), ("b", Arc::new(b)), ("label", Arc::new(label))]);
    let spec = JitterSpec {
        columns: names(&["a", "b"]),
        noise: 0.25,
        ..JitterSpec::default()
    };
    let jitter = cx
        .block_on(Jitter::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), spec))
        .unwrap();
    assert_eq!([0, 1, 2].map(|class| jitter.supports(class)), [true, true, false]);
    let all = cx.block_on(rows.take(&cx, &[0, 1, 2, 3])).unwrap();
    for (class, deviations) in [(0, [2.0, 0.0]), (1, [100.0, 1000.0])] {
        let made = cx.block_on(jitter.generate(&cx, &samples(class, 4000))).unwrap();
        let mut squares = [0.0; 2];
        for (at, sample) in samples(class, 4000).into_iter().enumerate() {
            let from = parents(&cx, &jitter, sample)[0] as usize;
            let a = |of: &RecordBatch, row| of["a"].as_primitive::<Float64Type>().value(row);
            let b = |of: &RecordBatch, row| of["b"].as_primitive::<Int64Type>().value(row) as f64;
            squares[0] += (a(&made, at) - a(&all, from)).powi(2);
            squares[1] += (b(&made, at) - b(&all, from)).powi(2);
        }
        for (square, deviation) in squares.into_iter().zip(deviations) {
            let measured = (square / 4000.0).sqrt();
            assert!(
                (measured - 0.25 * deviation).abs() <= 0.05 * 0.25 * deviation,
                "{measured} beside {deviation}"
            );
        }
    }
}

#[test]
fn a_tensor_serves_all_of_them() {
    let cx = context().with_seed(3);
    let rows: Arc<dyn Stable> = Arc::new(table(&[60, 25, 10]));
    let all = vectors(&cx.block_on(rows.take(&cx, &(0..95).collect::<Vec<_>>())).unwrap());
    for text in [
        r#"{"borderline_smote": {"column": "x", "kind": "borderline-2"}}"#,
        r#"{"adasyn": {"column": "x"}}"#,
        r#"{"jitter": {"column": "x", "noise": 1e-6}}"#,
    ] {
        let spec = generators().read_json(text).unwrap();
        let generator = cx
            .block_on(spec.fit(&cx, Arc::clone(&rows), &labels(&cx, &rows)))
            .unwrap();
        let wanted = samples(2, 40);
        let made = vectors(&cx.block_on(generator.generate(&cx, &wanted)).unwrap());
        for (row, &sample) in made.iter().zip(&wanted) {
            let all: Vec<&Vec<f32>> = parents(&cx, &*generator, sample)
                .iter()
                .map(|&row| &all[row as usize])
                .collect();
            let (a, b) = (all[0], all[all.len() - 1]);
            for ((value, a), b) in row.iter().zip(a).zip(b) {
                assert!(*value >= a.min(*b) - 1e-4 && *value <= a.max(*b) + 1e-4, "{text}");
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let cx = context();
    let numbers = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
    let word: ArrayRef = Arc::new(StringArray::from(vec!["p", "q", "p"]));
    let label: ArrayRef = Arc::new(Int64Array::from(vec![0, 0, 0]));
    let fit = |rows: &Arc<dyn Stable>, text: &str| -> Result<Arc<dyn Generator>> {
        let spec = generators().read_json(text)?;
        cx.block_on(spec.fit(&cx, Arc::clone(rows), &labels(&cx, rows)))
    };
    let rows = in_memory(vec![
        ("a", numbers(vec![1.0, f64::NAN, 2.0])),
        ("b", numbers(vec![1.0, 1e200, 2.0])),
        ("word", word),
        ("label", label),
    ]);
    for (text, kind, part) in [
        (
            r#"{"smote": {"columns": ["a"]}}"#,
            ErrorKind::Data,
            "row 1 in memory: column \"a\" holds NaN: leave the row out",
        ),
        (r#"{"smote": {"columns": ["b"]}}"#, ErrorKind::Data, "scale the column"),
        (
            r#"{"smote": {"columns": ["word"]}}"#,
            ErrorKind::Schema,
            "column \"word\" holds Utf8, not numbers: leave it out of `columns`, or use smote_nc",
        ),
        (
            r#"{"smote": {}}"#,
            ErrorKind::Schema,
            "\"label\": name columns of numbers in `columns`, such as \"a\" and \"b\", or use smote_nc",
        ),
        (
            r#"{"smote": {"columns": ["none"]}}"#,
            ErrorKind::Schema,
            "no column \"none\"",
        ),
        (
            r#"{"smote": {"columns": ["a", "a"]}}"#,
            ErrorKind::Config,
            "\"a\" is named twice",
        ),
        (
            r#"{"smote": {"columns": ["label"]}}"#,
            ErrorKind::Config,
            "the column of classes",
        ),
        (
            r#"{"smote_nc": {"columns": ["a"], "categorical_features": ["a"]}}"#,
            ErrorKind::Config,
            "categorical_features, too",
        ),
        (
            r#"{"borderline_smote": {"m_neighbors": 0}}"#,
            ErrorKind::Config,
            "m_neighbors is 0",
        ),
        (
            r#"{"borderline_smote": {"kind": "svm"}}"#,
            ErrorKind::Config,
            "borderline-1",
        ),
        (r#"{"jitter": {"noise": 0}}"#, ErrorKind::Config, "noise is 0"),
        (
            r#"{"residuals": {"strength": -1}}"#,
            ErrorKind::Config,
            "strength is -1",
        ),
        (r#"{"calibrated": {"tukey": 2}}"#, ErrorKind::Config, "tukey is 2"),
        (r#"{"calibrated": {"rank": 0}}"#, ErrorKind::Config, "rank is 0"),
    ] {
        refusal(fit(&rows, text), kind, part);
    }
    let plain = in_memory(vec![
        ("a", numbers(vec![1.0, 3.0, 2.0])),
        ("label", Arc::new(Int64Array::from(vec![0; 3]))),
    ]);
    refusal(
        fit(&plain, r#"{"smote_nc": {}}"#),
        ErrorKind::Config,
        "no column of categories",
    );
}

#[test]
fn a_search_without_room_says_what_to_do() {
    let cx = Context::with(2, 1 << 20).unwrap();
    let rows = in_memory(vec![
        (
            "a",
            Arc::new(Float64Array::from_iter_values((0..100_000).map(f64::from))),
        ),
        (
            "label",
            Arc::new(Int64Array::from_iter_values(
                (0..100_000).map(|row| i64::from(row % 100 == 0)),
            )),
        ),
    ]);
    let fit = |largest| {
        let spec = SmoteSpec {
            columns: names(&["a"]),
            k: 50,
            largest,
            ..SmoteSpec::default()
        };
        cx.block_on(Smote::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), spec))
    };
    let error = refusal(
        fit(None),
        ErrorKind::Budget,
        "99000 rows of \"0\" takes 43 MiB, and may take half of the memory, and 32 MiB in any case, here 32 MiB",
    );
    assert!(
        error
            .to_string()
            .contains("give more memory, or leave large classes to repeats by a smaller `largest`")
    );
    let smote = fit(Some(2000)).unwrap();
    assert_eq!([0, 1].map(|class| smote.supports(class)), [false, true]);
}
