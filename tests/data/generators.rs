//! Generators beside SMOTE: rows made elsewhere, closures, copulas.

use crate::common::{context, in_batches, mixed, rows, table};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array, Int64Array,
    ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Float64Type, Int32Type, Int64Type};
use millstream::dataset::Origin;
use millstream::error::{ErrorKind, StoredRow};
use millstream::mix::Target;
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::learned::{FitRun, LearnedModel, LearnedSpec, RowsFile, Training, learned_generators};
use millstream::synthetic::{Bank, Copula, CopulaModel, CopulaSpec, Generator, GeneratorFn, SampleId, generators};
use millstream::testing::{check_elastic, check_law, check_loader};
use millstream::{Context, Dataset, DatasetExt, Error, Result, Stable};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

const COUNTS: [usize; 4] = [40, 15, 6, 2];

fn labels(cx: &Context, rows: &Arc<dyn Stable>) -> Arc<Labels> {
    Arc::new(cx.block_on(Labels::scan(cx, rows, "label")).unwrap())
}

/// Rows of the table's columns with other ids: `counts[c]` of class `c`.
fn made(counts: &[usize]) -> RecordBatch {
    let batch = rows(&mixed(counts));
    let ids = batch["id"]
        .as_primitive::<Int64Type>()
        .unary::<_, Int64Type>(|id| id + 1000);
    let mut columns = batch.columns().to_vec();
    columns[0] = Arc::new(ids);
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

/// `batch` with one column more.
fn with(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let names: Vec<String> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let fields = names.into_iter().chain([name.to_owned()]);
    let columns = batch.columns().iter().cloned().chain([column]);
    RecordBatch::try_from_iter_with_nullable(fields.zip(columns).map(|(name, column)| {
        let has_nulls = column.null_count() > 0;
        (name, column, has_nulls)
    }))
    .unwrap()
}

fn write(path: &Path, batch: &RecordBatch, row_group: usize) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(row_group))
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn bank(cx: &Context, counts: &[usize]) -> Bank {
    let base: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let labels = labels(cx, &base);
    let rows: Arc<dyn Stable> = Arc::new(Memory::new(in_batches(&made(counts), 7)).unwrap());
    cx.block_on(Bank::new(cx, rows, "label", &base, &labels)).unwrap()
}

fn ids(cx: &Context, generator: &dyn Generator, class: u32, indices: std::ops::Range<u64>) -> Vec<i64> {
    let samples: Vec<SampleId> = indices.map(|index| SampleId { class, index }).collect();
    let rows = cx.block_on(generator.generate(cx, &samples)).unwrap();
    assert!(
        rows["label"]
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .all(|&label| label == i64::from(class))
    );
    rows["id"].as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn rows_made_elsewhere_come_in_order_and_then_shuffled() {
    let cx = context();
    let counts = [0, 30, 9];
    let bank = bank(&cx, &counts);
    assert_eq!(bank.counts(), [0, 30, 9, 0]);
    assert_eq!(
        [0, 1, 2, 3, 4].map(|class| bank.supports(class)),
        [false, true, true, false, false]
    );
    let of_class: Vec<i64> = mixed(&counts)
        .iter()
        .zip(1000..)
        .filter(|(class, _)| **class == 1)
        .map(|(_, id)| id)
        .collect();
    assert_eq!(ids(&cx, &bank, 1, 0..30), of_class);
    let passes = [1, 2, 3].map(|pass| ids(&cx, &bank, 1, 30 * pass..30 * (pass + 1)));
    for pass in &passes {
        let mut sorted = pass.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, of_class);
        assert_ne!(*pass, of_class);
    }
    assert_ne!(passes[0], passes[1]);
    assert_ne!(ids(&cx.with_seed(9), &bank, 1, 30..60), passes[0]);
    let of = |index| bank.provenance(&cx, SampleId { class: 1, index });
    assert_eq!([0, 29, 30, 65].map(|index| of(index).occurrence), [0, 0, 1, 2]);
    let row = passes[1][5] - 1000;
    let found = of(65);
    assert_eq!(
        found.places,
        [StoredRow {
            source: "memory".into(),
            row_group: None,
            row: row as u64
        }]
    );
    assert_eq!((found.origin, found.class), (Origin::Synthetic, Some(1)));
    assert_eq!(found.generator.as_deref(), Some("rows"));
}

#[test]
fn a_file_of_rows_says_what_made_them() {
    let cx = context();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made.parquet");
    let batch = made(&[0, 6]);
    let generator = StringArray::from(vec![Some("llm 3"), None, Some("llm 3"), Some("vae"), None, Some("vae")]);
    let fields = Fields::from(vec![
        Field::new("source", DataType::Utf8, false),
        Field::new("row_group", DataType::Int32, true),
        Field::new("row", DataType::Int32, false),
    ]);
    let parents: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["train.parquet", "train.parquet", "more.csv"])),
        Arc::new(Int32Array::from(vec![Some(2), Some(0), None])),
        Arc::new(Int32Array::from(vec![5, 7, 11])),
    ];
    let parents = StructArray::new(fields.clone(), parents, None);
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields), false));
    let parents = ListArray::new(
        item,
        OffsetBuffer::from_lengths([2, 0, 1, 0, 0, 0]),
        Arc::new(parents),
        None,
    );
    let batch = with(
        &with(&batch, "generator", Arc::new(generator)),
        "parents",
        Arc::new(parents),
    );
    write(&path, &batch, 4);
    let base: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let labels = labels(&cx, &base);
    let text = format!(r#"{{"rows": {{"path": {:?}}}}}"#, path.display().to_string());
    let spec = generators().read_json(&text).unwrap();
    let bank = cx.block_on(spec.fit(&cx, Arc::clone(&base), &labels)).unwrap();
    let of = |index| bank.provenance(&cx, SampleId { class: 1, index });
    let place = |source: &str, row_group, row| StoredRow {
        source: source.into(),
        row_group,
        row,
    };
    let file = path.display().to_string();
    assert_eq!(
        of(0).places,
        [
            place(&file, Some(0), 0),
            place("train.parquet", Some(2), 5),
            place("train.parquet", Some(0), 7)
        ]
    );
    assert_eq!(of(2).places[1..], [place("more.csv", None, 11)]);
    assert_eq!(of(5).places, [place(&file, Some(1), 1)]);
    let by: Vec<String> = (0..4).map(|index| of(index).generator.unwrap().to_string()).collect();
    assert_eq!(by, ["llm 3", "rows", "llm 3", "vae"]);
    // What says where they come from is no column of the rows.
    let rows = cx
        .block_on(bank.generate(&cx, &[SampleId { class: 1, index: 5 }]))
        .unwrap();
    assert_eq!(rows.num_columns(), 3);
    assert_eq!(rows["id"].as_primitive::<Int64Type>().value(0), 1005);
    // A copy elsewhere has the same fingerprint.
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::copy(&path, other.join("made.parquet")).unwrap();
    let text = text.replace("made.parquet", "other/made.parquet");
    let spec = generators().read_json(&text).unwrap();
    let copy = cx.block_on(spec.fit(&cx, base, &labels)).unwrap();
    assert_eq!(copy.describe().fingerprint(), bank.describe().fingerprint());
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let cx = context();
    let base: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let labels = labels(&cx, &base);
    let refused = |batch: RecordBatch, label: &str| {
        let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![batch]).unwrap());
        let error = cx.block_on(Bank::new(&cx, rows, label, &base, &labels)).unwrap_err();
        (error.kind(), error.to_string())
    };
    let batch = made(&[3, 2]);
    let some = |columns: &[usize]| batch.project(columns).unwrap();
    assert_eq!(
        refused(some(&[1]), "label"),
        (
            ErrorKind::Schema,
            "made rows lack \"id\", \"x\", which the rows have that they are mixed with: give rows with the same columns; a file of made pictures is read \
             beside the training files"
                .to_owned()
        )
    );
    let (kind, text) = refused(some(&[0, 2]), "class");
    assert_eq!(kind, ErrorKind::Schema);
    assert!(
        text.starts_with("no column \"class\" of labels; there are \"id\", \"x\""),
        "{text}"
    );
    let more = with(&batch, "score", Arc::new(Float32Array::from(vec![0.5; 5])));
    let (_, text) = refused(more, "label");
    assert!(
        text.starts_with("made rows have \"score\", which the rows that they are mixed with have not"),
        "{text}"
    );
    let words = with(&some(&[1, 2]), "id", Arc::new(StringArray::from(vec!["1"; 5])));
    let (_, text) = refused(words, "label");
    assert!(
        text.starts_with("column \"id\" of made rows is Utf8, of the rows that they are mixed with Int64"),
        "{text}"
    );
    let unknown = with(&some(&[0, 2]), "label", Arc::new(StringArray::from(vec!["class 9"; 5])));
    let (kind, text) = refused(unknown, "label");
    assert_eq!(kind, ErrorKind::Data);
    assert!(text.contains("class 9"), "{text}");
    // A null where the rows have none is an error of its row.
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), None, Some(4), Some(5)]));
    let nulls = with(&some(&[1, 2]), "id", ids);
    let class = mixed(&[3, 2])[2] as u32;
    let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![nulls]).unwrap());
    let bank = cx.block_on(Bank::new(&cx, rows, "label", &base, &labels)).unwrap();
    let samples: Vec<SampleId> = (0..2).map(|index| SampleId { class, index }).collect();
    let error = cx.block_on(bank.generate(&cx, &samples)).unwrap_err();
    assert!(
        error.to_string().starts_with("row 2 in memory: column \"id\" is null"),
        "{error}"
    );
    assert!(error.index().is_some());
}

fn closure(rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> GeneratorFn {
    let row = |class: &str, rng: &mut Rng| {
        let x: ArrayRef = Arc::new(Float32Array::from_iter_values((0..4).map(|_| rng.normal())));
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let x: ArrayRef = Arc::new(FixedSizeListArray::new(item, 4, x, None));
        let id: ArrayRef = Arc::new(Int64Array::from(vec![class.len() as i64]));
        Ok(RecordBatch::try_from_iter([("x", x), ("id", id)])?)
    };
    GeneratorFn::new("numbers", rows, labels, row).unwrap()
}

#[test]
fn a_closure_makes_rows_of_the_columns_there_are() {
    let cx = context();
    let base: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let labels = labels(&cx, &base);
    let generator = closure(&base, &labels);
    let sample = |class, index| SampleId { class, index };
    let rows = cx
        .block_on(generator.generate(&cx, &[sample(1, 0), sample(3, 7)]))
        .unwrap();
    // Columns come in the order of the rows that they are mixed with.
    assert_eq!(
        rows["id"].as_primitive::<Int64Type>().values(),
        &["class 1".len() as i64; 2]
    );
    let again = cx.block_on(generator.generate(&cx, &[sample(3, 7)])).unwrap();
    assert_eq!(again, rows.slice(1, 1));
    let mut rng = Rng::new(cx.seed(), "numbers", millstream::rng::stream(&[3, 7]));
    let x = again["x"]
        .as_fixed_size_list()
        .values()
        .as_primitive::<Float32Type>()
        .clone();
    assert_eq!(x.value(0), rng.normal());
    assert_ne!(
        generator.describe().fingerprint(),
        closure(&base, &labels).version(2).describe().fingerprint()
    );
    assert_eq!(
        generator.provenance(&cx, sample(3, 7)).generator.as_deref(),
        Some("numbers")
    );
    let refused = |row: fn() -> Result<RecordBatch>| {
        let generator = GeneratorFn::new("wrong", &base, &labels, move |_, _| row()).unwrap();
        let error = cx
            .block_on(generator.generate(&cx, &[sample(0, 0), sample(1, 0)]))
            .unwrap_err();
        assert_eq!(error.index(), Some(0));
        error.to_string()
    };
    let error = refused(|| Ok(rows_of(&[0, 0]).project(&[0, 2])?));
    assert_eq!(error, "wrong: 2 rows for one row of class \"class 0\"");
    let error = refused(|| Ok(rows_of(&[0]).project(&[0])?));
    assert!(error.starts_with("wrong: made rows lack \"x\""), "{error}");
    let error = refused(|| panic!("a bug"));
    assert!(error.contains("a bug"), "{error}");
    let error = refused(|| Err(Error::data("no room")));
    assert_eq!(error, "wrong: no room");
    let recipe = generators().read_json(r#"{"function": {"name": "numbers"}}"#).unwrap();
    let error = cx.block_on(recipe.fit(&cx, base, &labels)).unwrap_err().to_string();
    assert!(
        error.starts_with("function: \"numbers\" is a closure of a program"),
        "{error}"
    );
}

/// It reads no rows, so nothing of it fills the budget.
#[test]
fn a_closure_takes_no_more_memory_than_rows_that_are_stored() {
    let cx = Context::with(1, 256 << 20).unwrap();
    let base: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let labels = labels(&cx, &base);
    let generator = Arc::new(closure(&base, &labels));
    let balance = cx.block_on(base.balance(&cx, "label", Target::Uniform)).unwrap();
    let loader = balance.fill(generator, 1.0).unwrap().loader(&cx).batch_size(4);
    assert!(loader.memory_bound() < 256 << 20, "{}", loader.explain());
}

fn rows_of(classes: &[usize]) -> RecordBatch {
    rows(classes)
}

/// A table of mixed columns: a skewed number, a count that goes with it, a word that depends on it, a flag, a number with nulls.
fn people(counts: &[usize]) -> Memory {
    let classes = mixed(counts);
    let mut rng = Rng::new(4, "people", 0);
    let (mut income, mut visits, mut colour, mut member, mut age) = (vec![], vec![], vec![], vec![], vec![]);
    for &class in &classes {
        let (a, b, c) = (
            f64::from(rng.normal()),
            f64::from(rng.normal()),
            f64::from(rng.normal()),
        );
        let z = 0.8 * a + 0.6 * b;
        income.push((a + class as f64).exp());
        visits.push((6.0 + 2.0 * z).max(0.0).round() as i32);
        // Half are blue, of the smallest; a fifth are red.
        let shade = 0.9 * z + 0.436 * c;
        colour.push(["blue", "green", "red"][usize::from(shade > 0.0) + usize::from(shade > 0.84)]);
        member.push(rng.chance(0.3));
        age.push((!rng.chance(0.25)).then_some(40.0 + 9.0 * c as f32));
    }
    let label = StringArray::from_iter_values(classes.iter().map(|class| format!("class {class}")));
    let columns: [(&str, ArrayRef, bool); 6] = [
        ("income", Arc::new(Float64Array::from(income)), false),
        ("visits", Arc::new(Int32Array::from(visits)), false),
        ("colour", Arc::new(StringArray::from(colour)), true),
        ("label", Arc::new(label), false),
        ("member", Arc::new(BooleanArray::from(member)), true),
        ("age", Arc::new(Float32Array::from(age)), true),
    ];
    Memory::new(in_batches(
        &RecordBatch::try_from_iter_with_nullable(columns).unwrap(),
        50,
    ))
    .unwrap()
}

fn copula(cx: &Context, base: &Arc<dyn Stable>) -> Copula {
    let labels = labels(cx, base);
    cx.block_on(Copula::fit(cx, Arc::clone(base), &labels, CopulaSpec::default()))
        .unwrap()
}

/// The values of class `class`.
fn of_class(batch: &RecordBatch, class: usize) -> RecordBatch {
    let is = batch["label"]
        .as_string::<i32>()
        .iter()
        .map(|label| Some(label? == format!("class {class}")));
    arrow::compute::filter_record_batch(batch, &is.collect::<BooleanArray>()).unwrap()
}

fn numbers(batch: &RecordBatch, name: &str) -> Vec<f64> {
    let column = arrow::compute::cast(&batch[name], &DataType::Float64).unwrap();
    column.as_primitive::<Float64Type>().iter().flatten().collect()
}

/// The largest difference of two distribution functions.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let below = |of: &[f64], x: f64| of.iter().filter(|value| **value <= x).count() as f64 / of.len() as f64;
    a.iter()
        .chain(b)
        .map(|&x| (below(a, x) - below(b, x)).abs())
        .fold(0.0, f64::max)
}

fn ranks(of: &[f64]) -> Vec<f64> {
    let below = |x: f64| of.iter().filter(|value| **value < x).count() as f64;
    let equal = |x: f64| of.iter().filter(|value| **value == x).count() as f64;
    of.iter().map(|&x| below(x) + equal(x) / 2.0).collect()
}

/// Spearman's correlation.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = a.len() as f64 / 2.0;
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    sum(&a, &b) / (sum(&a, &a) * sum(&b, &b)).sqrt()
}

#[test]
fn a_copula_keeps_marginals_correlations_and_kinds_of_values() {
    let cx = context();
    let memory = people(&[900, 300, 12]);
    let all = cx.block_on(memory.take(&cx, &(0..1212).collect::<Vec<_>>())).unwrap();
    let base: Arc<dyn Stable> = Arc::new(memory);
    let copula = copula(&cx, &base);
    for class in 0..3_u32 {
        let stored = of_class(&all, class as usize);
        let samples: Vec<SampleId> = (0..2000).map(|index| SampleId { class, index }).collect();
        let made = cx.block_on(copula.generate(&cx, &samples)).unwrap();
        assert_eq!(made.schema().field(1).data_type(), &DataType::Int32);
        let few = stored.num_rows() < 100;
        for name in ["income", "visits", "age"] {
            let (stored, made) = (numbers(&stored, name), numbers(&made, name));
            let least = stored.iter().copied().fold(f64::INFINITY, f64::min);
            let most = stored.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(made.iter().all(|value| (least..=most).contains(value)), "{name}");
            // 2000 draws are within 1.36 / sqrt(2000) = 0.03 of their distribution in 95 of 100 cases; a class of 12 rows has steps of 1 / 12.
            let bound = if few { 0.12 } else { 0.05 };
            assert!(
                distance(&stored, &made) < bound,
                "{name} of {class}: {}",
                distance(&stored, &made)
            );
        }
        let nulls = |batch: &RecordBatch| batch["age"].null_count() as f64 / batch.num_rows() as f64;
        assert!(
            (nulls(&stored) - nulls(&made)).abs() < 0.04,
            "{} {}",
            nulls(&stored),
            nulls(&made)
        );
        let shares = |batch: &RecordBatch| {
            let mut shares: HashMap<String, f64> = HashMap::new();
            for colour in batch["colour"].as_string::<i32>().iter().flatten() {
                *shares.entry(colour.to_owned()).or_default() += 1.0 / batch.num_rows() as f64;
            }
            shares
        };
        let (was, is) = (shares(&stored), shares(&made));
        assert!(
            is.iter().all(|(colour, share)| (share - was[colour]).abs() < 0.04),
            "{was:?} {is:?}"
        );
        if !few {
            let of = |batch: &RecordBatch| correlation(&numbers(batch, "income"), &numbers(batch, "visits"));
            assert!((of(&stored) - of(&made)).abs() < 0.05, "{} {}", of(&stored), of(&made));
            // The word goes with the count.
            let red = |batch: &RecordBatch| -> Vec<f64> {
                let colours = batch["colour"].as_string::<i32>().iter();
                colours
                    .map(|colour| f64::from(u8::from(colour == Some("red"))))
                    .collect()
            };
            let of = |batch: &RecordBatch| correlation(&red(batch), &numbers(batch, "visits"));
            assert!(
                of(&made) > 0.4 && (of(&stored) - of(&made)).abs() < 0.08,
                "{} {}",
                of(&stored),
                of(&made)
            );
        }
    }
}

#[test]
fn a_copula_of_a_small_class_has_the_correlations_of_all() {
    let cx = context();
    // x and y go together, but not in the three rows of the last class.
    let mut rng = Rng::new(4, "pairs", 0);
    let pairs = (0..600).map(|_| f64::from(rng.normal())).collect::<Vec<_>>();
    let pairs: Vec<(f64, f64)> = pairs
        .into_iter()
        .map(|x| (x, x + 0.5 * f64::from(rng.normal())))
        .collect();
    let pairs = || pairs.iter().copied().chain([(0.0, 3.0), (1.0, 2.0), (2.0, 1.0)]);
    let columns: [(&str, ArrayRef); 3] = [
        (
            "x",
            Arc::new(Float64Array::from_iter_values(pairs().map(|pair| pair.0))),
        ),
        (
            "y",
            Arc::new(Float64Array::from_iter_values(pairs().map(|pair| pair.1))),
        ),
        (
            "label",
            Arc::new(StringArray::from_iter_values(
                (0..603).map(|row| if row < 600 { "a" } else { "b" }),
            )),
        ),
    ];
    let base: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap());
    let labels = labels(&cx, &base);
    let of = |prior_rows: Option<f64>| {
        let spec = CopulaSpec {
            prior_rows,
            ..CopulaSpec::default()
        };
        let copula = cx.block_on(Copula::fit(&cx, Arc::clone(&base), &labels, spec)).unwrap();
        let samples: Vec<SampleId> = (0..1500).map(|index| SampleId { class: 1, index }).collect();
        let made = cx.block_on(copula.generate(&cx, &samples)).unwrap();
        correlation(&numbers(&made, "x"), &numbers(&made, "y"))
    };
    assert!(of(Some(0.0)) < -0.99, "{}", of(Some(0.0)));
    assert!((of(Some(1000.0)) - 0.89).abs() < 0.05, "{}", of(Some(1000.0)));
    // Two rows more with the correlation of all, in which three have their own.
    assert!((-0.5..0.3).contains(&of(None)), "{}", of(None));
}

#[test]
fn a_copula_that_was_read_makes_the_same_rows() {
    let cx = context();
    let base: Arc<dyn Stable> = Arc::new(people(&[60, 20, 1]));
    let fitted = copula(&cx, &base);
    assert_eq!(
        [0, 1, 2, 3].map(|class| fitted.supports(class)),
        [true, true, false, false]
    );
    let text = serde_json::to_string(fitted.model()).unwrap();
    let model: CopulaModel = serde_json::from_str(&text).unwrap();
    let read = Copula::new(model.clone(), &base, &labels(&cx, &base)).unwrap();
    let samples: Vec<SampleId> = (0..50)
        .map(|index| SampleId {
            class: (index % 2) as u32,
            index,
        })
        .collect();
    let made = |generator: &Copula| cx.block_on(generator.generate(&cx, &samples)).unwrap();
    assert_eq!(made(&read), made(&fitted));
    let other: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let error = Copula::new(model, &other, &labels(&cx, &other)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("there is no column \"income\""), "{error}");
    assert_ne!(read.describe().fingerprint(), fitted.describe().fingerprint());
}

#[test]
fn a_copula_is_kept_and_its_rows_are_written_to_a_file_that_is_mixed_in() {
    let cx = context();
    let base: Arc<dyn Stable> = Arc::new(people(&[60, 20, 1]));
    let training = Training {
        cx: cx.clone(),
        rows: Arc::clone(&base),
        labels: labels(&cx, &base),
    };
    let mut run = FitRun {
        checkpoints: None,
        progress: &mut |_| Ok(()),
    };
    let spec = learned_generators()
        .read_json(r#"{"copula": {"prior_rows": 3}}"#)
        .unwrap();
    let model = LearnedModel::fit(&*spec, &training, &mut run).unwrap();
    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path().join("model")).unwrap();
    let read = LearnedModel::load(dir.path().join("model"), &learned_generators()).unwrap();
    assert_eq!(read.hash(), model.hash());
    assert_eq!([0, 1, 2].map(|class| read.supports(class)), [true, true, false]);
    let samples: Vec<SampleId> = (0..70)
        .map(|index| SampleId {
            class: (index % 2) as u32,
            index: index / 2,
        })
        .collect();
    let made = read.sample(&cx, &samples).unwrap();
    assert_eq!(made, model.sample(&cx, &samples).unwrap());
    let path = dir.path().join("made.parquet");
    RowsFile::new(&path, false)
        .write(&cx, &read, &[35, 35, 0], &mut |_| Ok(()))
        .unwrap();
    let text = format!(r#"{{"rows": {{"path": {:?}}}}}"#, path.display().to_string());
    let bank = generators().read_json(&text).unwrap();
    let bank = cx.block_on(bank.fit(&cx, Arc::clone(&base), &training.labels)).unwrap();
    assert_eq!([0, 1, 2].map(|class| bank.supports(class)), [true, true, false]);
    let again = cx.block_on(bank.generate(&cx, &samples)).unwrap();
    for column in ["income", "visits", "colour", "member", "age"] {
        assert_eq!(
            &arrow::compute::cast(&again[column], made[column].data_type()).unwrap(),
            &made[column],
            "{column}"
        );
    }
    let trace = bank.provenance(&cx, samples[3]);
    assert!(
        trace
            .generator
            .unwrap()
            .starts_with(&format!("copula {}", &read.hash()[..16]))
    );
    let quick = CopulaSpec::default().quick();
    assert!(quick.description().tagged().to_string().contains("\"most_rows\":1000"));
}

#[test]
fn a_copula_of_features_stays_within_them() {
    let cx = context();
    let base: Arc<dyn Stable> = Arc::new(table(&[40, 15, 2]).project(&["x", "label"]).unwrap());
    let copula = copula(&cx, &base);
    let stored = cx.block_on(base.take(&cx, &(0..57).collect::<Vec<_>>())).unwrap();
    for class in 0..3_u32 {
        let mine = of_class(&stored, class as usize);
        let values = |batch: &RecordBatch| {
            batch["x"]
                .as_fixed_size_list()
                .values()
                .as_primitive::<Float32Type>()
                .values()
                .to_vec()
        };
        let samples: Vec<SampleId> = (0..300).map(|index| SampleId { class, index }).collect();
        let made = cx.block_on(copula.generate(&cx, &samples)).unwrap();
        assert_eq!(made.schema().field(0), stored.schema().field(0));
        let (mine, made) = (values(&mine), values(&made));
        for at in 0..4 {
            let of = |values: &[f32]| {
                let values = values.iter().skip(at).step_by(4).copied();
                (
                    values.clone().fold(f32::INFINITY, f32::min),
                    values.fold(f32::NEG_INFINITY, f32::max),
                )
            };
            let ((low, high), (least, most)) = (of(&mine), of(&made));
            assert!(
                low <= least && most <= high && least < most,
                "{low} {least} {most} {high}"
            );
        }
    }
}

#[test]
fn what_a_copula_cannot_learn_is_named() {
    let cx = context();
    let fit = |rows: Arc<dyn Stable>, spec: CopulaSpec| {
        let labels = labels(&cx, &rows);
        cx.block_on(CopulaModel::fit(&cx, rows, &labels, spec))
            .unwrap_err()
            .to_string()
    };
    let table = |name: &str, column: ArrayRef| -> Arc<dyn Stable> {
        let label: ArrayRef = Arc::new(StringArray::from(vec!["a"; column.len()]));
        Arc::new(
            Memory::new(vec![
                RecordBatch::try_from_iter([(name, column), ("label", label)]).unwrap(),
            ])
            .unwrap(),
        )
    };
    let bytes: ArrayRef = Arc::new(arrow::array::BinaryArray::from_vec(vec![b"x"; 3]));
    let error = fit(table("image", bytes), CopulaSpec::default());
    assert!(
        error.starts_with("column \"image\" holds Binary, which is neither numbers"),
        "{error}"
    );
    let infinite: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::INFINITY, 2.0]));
    let error = fit(table("x", infinite), CopulaSpec::default());
    assert_eq!(
        error,
        "row 1 in memory: column \"x\" holds inf: leave the row out, or its value empty (null)"
    );
    let spec = CopulaSpec {
        categories: vec!["y".to_owned()],
        ..CopulaSpec::default()
    };
    let error = fit(table("x", Arc::new(Int64Array::from(vec![1, 2]))), spec);
    assert!(
        error.starts_with("categories: there is no column \"y\"; there are \"x\""),
        "{error}"
    );
}

#[test]
fn codes_of_categories_are_drawn_from_those_there_are() {
    let cx = context();
    let codes: ArrayRef = Arc::new(Int32Array::from_iter_values(
        (0..60).map(|row| [840, 276, 392][row % 3]),
    ));
    let label: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..60).map(|row| if row < 40 { "a" } else { "b" }),
    ));
    let rows = RecordBatch::try_from_iter([("country", codes), ("label", label)]).unwrap();
    let base: Arc<dyn Stable> = Arc::new(Memory::new(vec![rows]).unwrap());
    let spec = generators()
        .read_json(r#"{"copula": {"categories": ["country"]}}"#)
        .unwrap();
    let copula = cx
        .block_on(spec.fit(&cx, Arc::clone(&base), &labels(&cx, &base)))
        .unwrap();
    let samples: Vec<SampleId> = (0..200).map(|index| SampleId { class: 0, index }).collect();
    let made = cx.block_on(copula.generate(&cx, &samples)).unwrap();
    let made = made["country"].as_primitive::<Int32Type>();
    assert!(made.values().iter().all(|code| [840, 276, 392].contains(code)));
}

#[test]
fn laws_and_resume_hold() {
    let base = || -> Arc<dyn Stable> { Arc::new(table(&COUNTS)) };
    type Make = fn(&Context, Arc<dyn Stable>) -> Box<dyn Generator>;
    let all: [(&str, Make); 3] = [
        ("rows", |cx, _| Box::new(bank(cx, &[3, 11, 2, 1]))),
        ("function", |cx, base| {
            let labels = labels(cx, &base);
            Box::new(closure(&base, &labels))
        }),
        ("copula", |cx, base| Box::new(copula(cx, &base))),
    ];
    for (name, make) in all {
        let cx = context().with_seed(11);
        let dataset = cx.block_on(base().balance(&cx, "label", Target::Uniform)).unwrap();
        let dataset = dataset.fill(Arc::from(make(&cx, base())), 0.6).unwrap();
        cx.block_on(check_law(&cx, &dataset, 1))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let build = |cx: &Context| {
            let balance = cx.block_on(base().balance(cx, "label", Target::Uniform))?;
            balance.fill(Arc::from(make(cx, base())), 0.6)
        };
        check_loader(3, 90, build).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_elastic(3, "id", build).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let cx = context();
    let base: Arc<dyn Stable> = Arc::new(people(&COUNTS));
    let mixed = cx
        .block_on(Arc::clone(&base).balance(&cx, "label", Target::Uniform))
        .unwrap();
    let mixed = mixed.fill(Arc::new(copula(&cx, &base)), 0.6).unwrap();
    cx.block_on(check_law(&cx, &mixed, 2)).unwrap();
}
