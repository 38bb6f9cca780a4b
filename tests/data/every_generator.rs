//! Every generator through every promise: the law, resume, ranks and threads, draws that stay as they are, and what its rows are said to read.
//!
//! A new generator is one line of [`CASES`]; one of the catalog that has none is found.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use Fit::{By, Spec};
use Reads::{AsSaid, Exactly, NoLess};
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, SchemaRef};
use arrow::util::display::array_value_to_string;
use common::{context, in_batches, mixed, pictures};
use futures::future::BoxFuture;
use millstream::dataset::{Blocks, Len, Provenance};
use millstream::image::Pixels;
use millstream::mix::{Balance, BalanceSpec, Target};
use millstream::plan::Plan;
use millstream::rng::Rng;
use millstream::rows::{Key, Labels};
use millstream::source::Memory;
use millstream::synthetic::{
    Bank, ByCell, Gate, GateSpec, Gated, Generator, GeneratorFn, SampleId, SmoteSpec, generators,
};
use millstream::testing::{check_elastic, check_law, check_loader};
use millstream::{Context, Dataset, DatasetExt, Prepared, Result, Stable};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

const COUNTS: [usize; 4] = [40, 15, 6, 2];

/// Rows of a run that is resumed before each of its batches: nearly an epoch.
const ROWS: u64 = 60;

/// A generator, and what is known of it.
struct Case {
    /// The name in the catalog, if it has one, and what is special.
    name: &'static str,
    /// What it is fitted on.
    rows: fn() -> Arc<dyn Stable>,
    fit: Fit,
    /// A column that it makes.
    column: &'static str,
    /// The least and the most stored rows of which its rows are said to be made; 0 where they are said to read none.
    said: [f64; 2],
    reads: Reads,
}

/// Makes a generator for rows and their labels.
type Make = fn(&Context, &Arc<dyn Stable>, &Arc<Labels>) -> Result<Arc<dyn Generator>>;

/// How a generator is made.
enum Fit {
    /// As a recipe says it.
    Spec(&'static str),
    /// By a program.
    By(Make),
}

/// How many of the rows that it was fitted on a generator takes for those that it makes.
#[derive(Clone, Copy)]
enum Reads {
    /// Those that it names as where a row comes from.
    AsSaid,
    /// So many for each row, whatever else had a part in it.
    Exactly(usize),
    /// More, where rows are made again.
    NoLess,
}

const fn case(
    name: &'static str,
    rows: fn() -> Arc<dyn Stable>,
    fit: Fit,
    column: &'static str,
    said: [f64; 2],
    reads: Reads,
) -> Case {
    Case {
        name,
        rows,
        fit,
        column,
        said,
        reads,
    }
}

const SMOTE: &str = r#"{"smote": {"column": "x"}}"#;
const SMOTE_OF_COLUMNS: &str = r#"{"smote": {"columns": ["id", "size"]}}"#;
const SMOTE_NC: &str = r#"{"smote_nc": {"columns": ["id", "size"]}}"#;
const BORDERLINE: &str = r#"{"borderline_smote": {"column": "x"}}"#;
const BORDERLINE_2: &str = r#"{"borderline_smote": {"columns": ["id", "size"], "kind": "borderline-2"}}"#;
const ADASYN: &str = r#"{"adasyn": {"columns": ["id", "size"]}}"#;
const JITTER: &str = r#"{"jitter": {"column": "x"}}"#;
const JITTER_OF_COLUMNS: &str = r#"{"jitter": {"columns": ["id", "size"]}}"#;
const RESIDUALS: &str = r#"{"residuals": {"column": "x"}}"#;
const CALIBRATED: &str = r#"{"calibrated": {"column": "x"}}"#;
const BLEND: &str = r#"{"blend": {}}"#;
const SCENES: &str = r#"{"scenes": {"width": 32, "height": 24, "threshold": 60, "objects": 2, "scale": [0.5, 1.0]}}"#;
const COPULA: &str = r#"{"copula": {}}"#;
const TABLE: &str = r#"{"table": {"columns": {
    "id": {"uniform": {"low": 0, "high": 1000}, "whole": true},
    "size": {"equation": "id / 100", "noise": 1},
    "colour": {"categorical": {"red": 1, "blue": 2}}
}}}"#;

/// All generators: the catalog's, those that a program alone makes, and adapters of others.
const CASES: &[Case] = &[
    case("smote", table, Spec(SMOTE), "x", [2.0, 2.0], AsSaid),
    case(
        "smote of columns",
        table,
        Spec(SMOTE_OF_COLUMNS),
        "size",
        [2.0, 2.0],
        AsSaid,
    ),
    // Categories are those of all neighbours, up to five, and are in memory.
    case("smote_nc", table, Spec(SMOTE_NC), "size", [2.0, 6.0], Exactly(2)),
    case("borderline_smote", table, Spec(BORDERLINE), "x", [2.0, 2.0], AsSaid),
    case(
        "borderline_smote 2",
        table,
        Spec(BORDERLINE_2),
        "size",
        [2.0, 2.0],
        AsSaid,
    ),
    case("adasyn", table, Spec(ADASYN), "size", [2.0, 2.0], AsSaid),
    case("jitter", table, Spec(JITTER), "x", [1.0, 1.0], AsSaid),
    case(
        "jitter of columns",
        table,
        Spec(JITTER_OF_COLUMNS),
        "size",
        [1.0, 1.0],
        AsSaid,
    ),
    case("residuals", table, Spec(RESIDUALS), "x", [2.0, 2.0], AsSaid),
    case("calibrated", table, Spec(CALIBRATED), "x", [17.0, 17.0], AsSaid),
    case("blend", small_pictures, Spec(BLEND), "image", [2.0, 2.0], AsSaid),
    case("scenes", small_pictures, Spec(SCENES), "mask", [1.0, 2.0], AsSaid),
    // Its rows are none of those that it is mixed with.
    case("rows", table, By(bank), "id", [1.0, 1.0], Exactly(0)),
    case("function", table, By(function), "x", [0.0, 0.0], AsSaid),
    case("copula", table, Spec(COPULA), "size", [0.0, 0.0], AsSaid),
    case("table", scalars, Spec(TABLE), "size", [0.0, 0.0], AsSaid),
    case("by_cell", table, By(by_cell), "x", [2.0, 2.0], AsSaid),
    case("gated", table, By(gated), "x", [2.0, 2.0], NoLess),
];

impl Case {
    fn fit(&self, cx: &Context, rows: &Arc<dyn Stable>) -> Result<Arc<dyn Generator>> {
        let labels = Arc::new(cx.block_on(Labels::scan(cx, rows, "label"))?);
        match self.fit {
            Spec(text) => fitted(cx, text, rows, &labels),
            By(fit) => fit(cx, rows, &labels),
        }
    }

    /// Balanced rows, of which it makes a part.
    fn filled(&self, cx: &Context) -> Result<Balance<Arc<dyn Stable>>> {
        let rows = (self.rows)();
        let generator = self.fit(cx, &rows)?;
        // Scenes have columns of their own.
        let rows = match self.name {
            "scenes" => written(cx, &*generator)?,
            _ => rows,
        };
        let balance = match generator.cells() {
            Some(cells) => cx.block_on(rows.balance_cells(cx, "label", cells, &BalanceSpec::default()))?,
            None => cx.block_on(rows.balance(cx, "label", Target::Uniform))?,
        };
        balance.fill(generator, 0.6)
    }
}

fn fitted(cx: &Context, text: &str, rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Arc<dyn Generator>> {
    let spec = generators().read_json(text)?;
    cx.block_on(spec.fit(cx, Arc::clone(rows), labels))
}

/// Rows with a number, a class, a tensor, another number and a category.
fn columns(counts: &[usize]) -> RecordBatch {
    let stored = common::rows(&mixed(counts));
    let count = stored.num_rows();
    let size = Float32Array::from_iter_values((0..count).map(|row| (row * row % 37) as f32 / 4.0));
    let colours = ["red", "green", "blue"];
    let colour = StringArray::from_iter_values((0..count).map(|row| colours[row * row % 7 % 3]));
    let columns: [(&str, ArrayRef); 5] = [
        ("id", Arc::clone(&stored["id"])),
        ("label", Arc::clone(&stored["label"])),
        ("x", Arc::clone(&stored["x"])),
        ("size", Arc::new(size)),
        ("colour", Arc::new(colour)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn table() -> Arc<dyn Stable> {
    Arc::new(Memory::new(in_batches(&columns(&COUNTS), 10)).unwrap())
}

/// As [`table`], without the tensor.
fn scalars() -> Arc<dyn Stable> {
    let rows = columns(&COUNTS).project(&[0, 1, 3, 4]).unwrap();
    Arc::new(Memory::new(in_batches(&rows, 10)).unwrap())
}

fn small_pictures() -> Arc<dyn Stable> {
    Arc::new(pictures(&COUNTS))
}

/// Rows that were made elsewhere, so few of some classes that they come again.
fn bank(cx: &Context, rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Arc<dyn Generator>> {
    let made = columns(&[3, 11, 2, 1]);
    let ids = made["id"]
        .as_primitive::<Int64Type>()
        .unary::<_, Int64Type>(|id| id + 1000);
    let mut columns = made.columns().to_vec();
    columns[0] = Arc::new(ids);
    let made = RecordBatch::try_new(made.schema(), columns)?;
    let made: Arc<dyn Stable> = Arc::new(Memory::new(in_batches(&made, 7))?);
    Ok(Arc::new(cx.block_on(Bank::new(cx, made, "label", rows, labels))?))
}

fn function(_: &Context, rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Arc<dyn Generator>> {
    let row = |class: &str, rng: &mut Rng| {
        let x: ArrayRef = Arc::new(Float32Array::from_iter_values((0..4).map(|_| rng.normal())));
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let columns: [(&str, ArrayRef); 4] = [
            ("x", Arc::new(FixedSizeListArray::new(item, 4, x, None))),
            ("id", Arc::new(Int64Array::from(vec![class.len() as i64]))),
            ("size", Arc::new(Float32Array::from(vec![rng.unit()]))),
            ("colour", Arc::new(StringArray::from(vec!["red"]))),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    };
    Ok(Arc::new(GeneratorFn::new("closure", rows, labels, row)?))
}

fn by_cell(cx: &Context, rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Arc<dyn Generator>> {
    let key = Key::product([Key::column("label"), Key::bins("id", &[20.0])]);
    let cells = Arc::new(cx.block_on(key.scan(cx, rows))?);
    let smote = SmoteSpec::new("x");
    let by_cell = ByCell::fit(cx, Arc::clone(rows), labels, &cells, &smote);
    Ok(Arc::new(cx.block_on(by_cell)?))
}

/// SMOTE behind a gate that refuses what is near to a stored row.
fn gated(cx: &Context, rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Arc<dyn Generator>> {
    let spec = GateSpec {
        least_distance: 0.3,
        attempts: 64,
        ..GateSpec::new(["x"])
    };
    let gate = cx.block_on(Gate::fit(cx, rows, labels, spec))?;
    Ok(Arc::new(Gated::new(fitted(cx, SMOTE, rows, labels)?, gate)))
}

/// Scenes that lie in a dataset, into which others are mixed.
fn written(cx: &Context, scenes: &dyn Generator) -> Result<Arc<dyn Stable>> {
    let class = |at: u64| [0, 0, 0, 0, 1, 1, 2, 3][at as usize % 8];
    let wanted: Vec<SampleId> = (0..30)
        .map(|at| SampleId {
            class: class(at),
            index: 1000 + at,
        })
        .collect();
    Ok(Arc::new(Memory::new(vec![cx.block_on(scenes.generate(cx, &wanted))?])?))
}

/// Three rows of each class, or cell, of which there can be some.
fn samples(generator: &dyn Generator) -> Vec<SampleId> {
    let classes = (0..16).filter(|&class| generator.supports(class));
    let samples: Vec<SampleId> = classes
        .flat_map(|class| (0..3).map(move |index| SampleId { class, index }))
        .collect();
    assert!(!samples.is_empty(), "{generator:?} makes nothing");
    samples
}

#[track_caller]
fn each(check: impl Fn(&Case) -> Result<()>) {
    for case in CASES {
        check(case).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
}

#[test]
fn no_generator_is_left_out() {
    let kind = |case: &Case| case.name.split(' ').next().unwrap();
    for name in generators().names() {
        assert!(CASES.iter().any(|case| kind(case) == name), "{name} is no case");
    }
}

#[test]
fn the_law_holds() {
    let cx = context().with_seed(11);
    each(|case| cx.block_on(check_law(&cx, &case.filled(&cx)?, 1)));
}

#[test]
fn every_batch_is_a_place_to_resume() {
    each(|case| check_loader(3, ROWS, |cx| case.filled(cx)));
}

#[test]
fn rows_are_the_same_for_any_number_of_ranks_and_threads() {
    each(|case| check_elastic(3, case.column, |cx| case.filled(cx)));
}

/// The value as text; of a picture its pixels, however they are encoded.
fn value(array: &dyn Array, row: usize) -> String {
    match array.data_type() {
        DataType::Binary => {
            let pixels = Pixels::<u8>::decode(array.as_binary::<i32>().value(row)).unwrap();
            let levels = xxh3_64(&pixels.levels);
            format!("{} x {} {levels:016x}", pixels.width, pixels.height)
        }
        DataType::Struct(_) => {
            let parts = array.as_struct().columns().iter().map(|part| value(part, row));
            parts.collect::<Vec<_>>().join("; ")
        }
        _ => array_value_to_string(array, row).unwrap(),
    }
}

/// What the generator draws and makes: a hash of the stored rows that each row comes from, and one of the rows.
fn draws(cx: &Context, case: &Case) -> Result<String> {
    let generator = case.fit(cx, &(case.rows)())?;
    let samples = samples(&*generator);
    let (mut drawn, mut made) = (Xxh3::new(), Xxh3::new());
    let rows = cx.block_on(generator.generate(cx, &samples))?;
    for (row, &sample) in samples.iter().enumerate() {
        let places = generator.provenance(cx, sample).places;
        let places: Vec<String> = places.iter().map(|place| place.row.to_string()).collect();
        drawn.update(format!("{}: {}\n", sample.class, places.join(", ")).as_bytes());
        for column in rows.columns() {
            made.update(format!("{}\n", value(column, row)).as_bytes());
        }
    }
    let (rows, drawn, made) = (samples.len(), drawn.digest(), made.digest());
    Ok(format!(
        "{}: {rows} rows, drawn {drawn:016x}, made {made:016x}",
        case.name
    ))
}

/// A failure here means that every run with synthetic rows goes on with other ones after an update.
#[test]
fn draws_stay_as_they_are() {
    let cx = context().with_seed(42);
    let line = |case: &Case| draws(&cx, case).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let found: Vec<String> = CASES.iter().map(line).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/generator_draws.txt");
    let expected = std::fs::read_to_string(path).unwrap();
    let expected: Vec<&str> = expected.lines().collect();
    assert!(
        found == expected,
        "other draws than those of {path}:\n{}",
        found.join("\n")
    );
}

/// Rows that count how often one is taken.
#[derive(Debug)]
struct Counted(Arc<dyn Stable>, Arc<AtomicUsize>);

impl Dataset for Counted {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
    fn len(&self) -> Len {
        self.0.len()
    }
    fn blocks(&self) -> Blocks {
        self.0.blocks()
    }
    fn describe(&self) -> Plan {
        self.0.describe()
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.1.fetch_add(positions.len(), Ordering::SeqCst);
        self.0.prepare(cx, positions)
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

impl Stable for Counted {
    fn views(&self) -> u64 {
        self.0.views()
    }
    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        self.0.column(cx, name)
    }
}

/// What `explain()` says of a loader over the rows of the generator that is called `by`: stored rows for each synthetic one.
fn said(explained: &str, by: &str) -> f64 {
    let words = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    let begins = format!("synthetic ({by}): about ");
    let (_, line) = words
        .split_once(&begins)
        .unwrap_or_else(|| panic!("no {begins:?}: {explained}"));
    let (_, reads) = line.split_once(" an epoch, ").unwrap();
    if reads.starts_with("made without reading a stored row, in place of one row read each") {
        return 0.0;
    }
    let rest = reads.strip_prefix("each made of ").unwrap_or_else(|| panic!("{reads}"));
    rest.split_once(" stored rows").unwrap().0.parse().unwrap()
}

#[test]
fn explain_says_what_the_rows_of_each_read() {
    let cx = context().with_seed(5);
    each(|case| {
        let taken = Arc::new(AtomicUsize::new(0));
        let rows: Arc<dyn Stable> = Arc::new(Counted((case.rows)(), Arc::clone(&taken)));
        let generator = case.fit(&cx, &rows)?;
        let samples = samples(&*generator);
        taken.store(0, Ordering::SeqCst);
        cx.block_on(generator.generate(&cx, &samples))?;
        let taken = taken.load(Ordering::SeqCst);
        let traces: Vec<Provenance> = samples
            .iter()
            .map(|&sample| generator.provenance(&cx, sample))
            .collect();
        let named: usize = traces.iter().map(|trace| trace.places.len()).sum();
        match case.reads {
            AsSaid => assert_eq!(taken, named, "{}", case.name),
            Exactly(rows) => assert_eq!(taken, rows * samples.len(), "{}", case.name),
            NoLess => assert!(taken >= named, "{}: {taken}, {named} are named", case.name),
        }
        let by = traces[0].generator.as_deref().unwrap();
        let explained = case.filled(&cx)?.loader(&cx).batch_size(16).explain();
        let (found, [least, most]) = (said(&explained, by), case.said);
        assert!(
            (least..=most).contains(&found),
            "{}: {found} are said: {explained}",
            case.name
        );
        let words = explained.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, line) = words.split_once(&format!("synthetic ({by}): about ")).unwrap();
        let (line, _) = line.split_once("; a mean of the first").unwrap();
        let cost = match case.name {
            "function" => "; what a row costs is not known, since a closure makes it",
            "calibrated" => "140 times as long as a stored row of 1,280 features",
            _ => "as long as a stored",
        };
        assert!(line.contains(cost), "{}: {explained}", case.name);
        assert_eq!(
            words.contains("up to 64 candidates are made for a row"),
            case.name == "gated",
            "{}: {explained}",
            case.name
        );
        Ok(())
    });
}
