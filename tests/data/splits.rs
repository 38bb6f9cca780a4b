//! Splits by group and by time, and that no synthetic row is held out: nor is one trained on that was made of a row which is.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int32Array, Int64Array,
    LargeStringArray, ListArray, RecordBatch, StringArray, StructArray, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema, TimeUnit};
use common::{context, ids, refusal, vectors};
use futures::future::BoxFuture;
use millstream::dataset::{Blocks, Len, Provenance};
use millstream::error::{ErrorKind, StoredRow};
use millstream::mix::{Balance, Target};
use millstream::order::{Part, SplitSpec, group_split, stratified, stratified_group_split, time_split};
use millstream::plan::Plan;
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::{Memory, Parquet};
use millstream::synthetic::learned::{FitRun, LearnedModel, RowsFile, Training};
use millstream::synthetic::{Bank, BankSpec, CopulaSpec, Generator, SampleId, Smote, SmoteSpec};
use millstream::{Context, Dataset, DatasetExt, Prepared, Result, Stable};
use parquet::arrow::ArrowWriter;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const ROWS: usize = 120;

/// Forty groups of three rows, which lie apart.
fn group_of(row: usize) -> i64 {
    (row * 7 % 40) as i64
}

/// Days, some of them several times; the last ones first.
fn day_of(row: usize) -> i64 {
    19_000 - (row / 2 * 3 % 50) as i64
}

/// Every fourth group is ill.
fn label_of(row: usize) -> &'static str {
    if group_of(row) % 4 == 0 { "ill" } else { "well" }
}

fn with(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let label: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(label_of)));
    let all = [("id", id), ("label", label)].into_iter().chain(columns);
    RecordBatch::try_from_iter_with_nullable(all.map(|(name, column)| (name, column, true))).unwrap()
}

fn memory(columns: Vec<(&str, ArrayRef)>) -> Memory {
    Memory::new(vec![with(columns)]).unwrap()
}

fn spec(group: Option<&str>, time: Option<&str>, label: Option<&str>) -> SplitSpec {
    let name = |name: Option<&str>| name.map(str::to_owned);
    SplitSpec {
        share: 0.2,
        seed: 3,
        group: name(group),
        time: name(time),
        label: name(label),
        ..SplitSpec::default()
    }
}

/// The ids of both parts.
fn parts(rows: &Memory, spec: &SplitSpec) -> [Vec<i64>; 2] {
    let cx = context();
    [Part::Train, Part::HeldOut].map(|part| {
        let part = SplitSpec { part, ..spec.clone() };
        let rows = cx.block_on(rows.clone().split(&cx, &part)).unwrap();
        let all: Vec<u64> = (0..rows.len().finite().unwrap()).collect();
        ids(&cx.block_on(rows.take(&cx, &all)).unwrap())
    })
}

fn as_ids(rows: &[u64]) -> Vec<i64> {
    rows.iter().map(|&row| row as i64).collect()
}

#[test]
fn groups_of_any_kind_are_on_one_side() {
    let numbers: Vec<u32> = {
        // In the order in which they come.
        let mut known = Vec::new();
        let mut number = |group: i64| match known.iter().position(|other| *other == group) {
            Some(at) => at as u32,
            None => {
                known.push(group);
                known.len() as u32 - 1
            }
        };
        (0..ROWS).map(|row| number(group_of(row))).collect()
    };
    let plain = group_split(&numbers, 0.2, 3);
    let ill = |row: usize| Some(u32::from(label_of(row) == "well"));
    let stratified = stratified_group_split(&numbers, (0..ROWS).map(ill), 0.2, 3);
    let texts = || (0..ROWS).map(|row| format!("patient {}", group_of(row)));
    let ints = || (0..ROWS).map(group_of);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(texts())),
        Arc::new(LargeStringArray::from_iter_values(texts())),
        cast(&StringArray::from_iter_values(texts()), &DataType::Utf8View).unwrap(),
        Arc::new(
            texts()
                .map(Some)
                .collect::<Vec<_>>()
                .iter()
                .map(Option::as_deref)
                .collect::<DictionaryArray<Int32Type>>(),
        ),
        Arc::new(Int64Array::from_iter_values(ints())),
        Arc::new(UInt64Array::from_iter_values(
            ints().map(|group| u64::MAX - group as u64),
        )),
        Arc::new(Int32Array::from_iter_values(ints().map(|group| -group as i32))),
        cast(
            &Int32Array::from_iter_values(ints().map(|group| group as i32)),
            &DataType::Date32,
        )
        .unwrap(),
        cast(
            &Int64Array::from_iter_values(ints()),
            &DataType::Timestamp(TimeUnit::Second, None),
        )
        .unwrap(),
    ];
    for column in columns {
        let kind = column.data_type().clone();
        let rows = memory(vec![("patient", column)]);
        for (label, expected) in [(None, &plain), (Some("label"), &stratified)] {
            let [train, held] = parts(&rows, &spec(Some("patient"), None, label));
            assert_eq!(train, as_ids(&expected.train), "{kind}");
            assert_eq!(held, as_ids(&expected.held_out), "{kind}");
            let of = |ids: &[i64]| ids.iter().map(|&id| group_of(id as usize)).collect::<BTreeSet<_>>();
            assert!(of(&train).is_disjoint(&of(&held)));
            assert_eq!(held.len(), 24);
        }
    }
    let held = stratified
        .held_out
        .iter()
        .filter(|&&row| label_of(row as usize) == "ill")
        .count();
    assert_eq!(held, 6, "of 30, 24 of 120 rows");
    // Two groups.
    let half: ArrayRef = Arc::new((0..ROWS).map(|row| Some(row < 100)).collect::<BooleanArray>());
    let [_, held] = parts(&memory(vec![("patient", half)]), &spec(Some("patient"), None, None));
    assert_eq!(held, (100..120).collect::<Vec<i64>>());
}

#[test]
fn the_latest_rows_of_any_kind_of_time_are_held_out() {
    let days: Vec<i64> = (0..ROWS).map(day_of).collect();
    let expected = time_split(&days, 0.2);
    let latest = expected.train.iter().map(|&row| days[row as usize]).max().unwrap();
    assert!(expected.held_out.iter().all(|&row| days[row as usize] > latest));
    let dates = cast(
        &Int32Array::from_iter_values(days.iter().map(|&day| day as i32)),
        &DataType::Date32,
    )
    .unwrap();
    let text = cast(&dates, &DataType::Utf8).unwrap();
    // The same instant, written in two ways; the first of them in another time zone.
    let instants = text
        .as_string::<i32>()
        .iter()
        .enumerate()
        .map(|(row, day)| match row % 2 {
            0 => format!("{}T02:00:00+02:00", day.unwrap()),
            _ => format!("{}T00:00:00Z", day.unwrap()),
        });
    let negative = |day: i64| (day - 18_975) as f64;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(days.clone())),
        Arc::new(UInt64Array::from_iter_values(
            days.iter().map(|&day| (1_u64 << 63) + day as u64 - 18_975),
        )),
        Arc::new(Float64Array::from_iter_values(days.iter().map(|&day| negative(day)))),
        Arc::new(Float32Array::from_iter_values(
            days.iter().map(|&day| 1e-9 * negative(day) as f32),
        )),
        cast(
            &dates,
            &DataType::Timestamp(TimeUnit::Nanosecond, Some("Europe/Berlin".into())),
        )
        .unwrap_or_else(|_| Arc::clone(&dates)),
        cast(&dates, &DataType::Timestamp(TimeUnit::Millisecond, None)).unwrap(),
        cast(&dates, &DataType::Date64).unwrap(),
        dates,
        Arc::clone(&text),
        Arc::new(StringArray::from_iter_values(instants)),
    ];
    for column in columns {
        let kind = column.data_type().clone();
        let [train, held] = parts(&memory(vec![("seen", column)]), &spec(None, Some("seen"), None));
        assert_eq!(train, as_ids(&expected.train), "{kind}");
        assert_eq!(held, as_ids(&expected.held_out), "{kind}");
    }
}

#[test]
fn what_has_no_groups_or_times_is_refused() {
    let cx = context();
    let refuse = |column: ArrayRef, by: &SplitSpec, kind, part: &str| {
        let rows = memory(vec![("by", column)]);
        refusal(cx.block_on(rows.split(&cx, by)), kind, part);
    };
    let (group, time) = (spec(Some("by"), None, None), spec(None, Some("by"), None));
    let mut some: Vec<Option<i64>> = (0..ROWS as i64).map(Some).collect();
    some[7] = None;
    let nulls: ArrayRef = Arc::new(Int64Array::from(some));
    refuse(
        Arc::clone(&nulls),
        &group,
        ErrorKind::Data,
        "row 7 in memory: column \"by\" is null, which is no group; give a row that belongs to no other one a group of its own",
    );
    refuse(
        nulls,
        &time,
        ErrorKind::Data,
        "row 7 in memory: column \"by\" is null, which is no time; leave out the rows without one",
    );
    let floats = |at: usize| {
        let number = move |row: usize| if row == at { f64::NAN } else { row as f64 };
        Arc::new(Float64Array::from_iter_values((0..ROWS).map(number)))
    };
    refuse(
        floats(9),
        &time,
        ErrorKind::Data,
        "row 9 in memory: column \"by\" is NaN, which is no time",
    );
    refuse(
        floats(ROWS),
        &group,
        ErrorKind::Schema,
        "column \"by\" holds Float64, which has no groups: name a column of",
    );
    let words = (0..ROWS).map(|row| if row == 5 { "5th of May" } else { "2026-05-05" });
    let words: ArrayRef = Arc::new(StringArray::from_iter_values(words));
    refuse(
        words,
        &time,
        ErrorKind::Data,
        "row 5 in memory: column \"by\" is \"5th of May\", which is no date or time as ISO 8601 has it",
    );
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true; ROWS]));
    refuse(
        Arc::clone(&flags),
        &time,
        ErrorKind::Schema,
        "column \"by\" holds Boolean, which has no times",
    );
    refuse(
        flags,
        &group,
        ErrorKind::Config,
        "split: all rows are of one group, so none can be held out: name another column",
    );
    let same: ArrayRef = Arc::new(Int64Array::from(vec![4; ROWS]));
    refuse(same, &time, ErrorKind::Config, "all rows have the same time");
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let both = spec(Some("by"), Some("id"), None);
    refuse(
        Arc::clone(&numbers),
        &both,
        ErrorKind::Config,
        "split: time and group: the latest rows are held out, whatever their group is",
    );
    refuse(
        numbers,
        &spec(None, Some("by"), Some("label")),
        ErrorKind::Config,
        "split: time and label",
    );
    let rows = memory(Vec::new());
    refusal(
        cx.block_on(rows.split(&cx, &group)),
        ErrorKind::Schema,
        "no column \"by\"; there are \"id\", \"label\"",
    );
}

#[test]
fn a_split_by_group_is_known_by_its_fingerprint_and_keeps_the_law() {
    let cx = context();
    let patients: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS).map(group_of)));
    let rows = memory(vec![("patient", patients)]);
    let fingerprint = |spec: &SplitSpec| {
        let rows = cx.block_on(rows.clone().split(&cx, spec)).unwrap();
        #[cfg(feature = "testing")]
        cx.block_on(millstream::testing::check_stable(&cx.with_seed(11), &rows, 2))
            .unwrap();
        rows.describe().fingerprint()
    };
    let all = [
        spec(Some("patient"), None, None),
        spec(Some("patient"), None, Some("label")),
        spec(None, Some("patient"), None),
        spec(None, None, None),
        SplitSpec {
            seed: 4,
            ..spec(Some("patient"), None, None)
        },
    ];
    let known: BTreeSet<String> = all.iter().map(fingerprint).collect();
    assert_eq!(known.len(), all.len());
    assert_eq!(fingerprint(&all[0]), fingerprint(&all[0]));
}

#[test]
fn all_views_of_a_row_are_on_its_side() {
    let cx = context();
    let rows = common::pictures(&[12, 8]);
    let augmented = millstream::image::Image::new(8).horizontal_flip(0.5);
    let views = rows.image("image", augmented).unwrap().views(3).unwrap();
    let views = Arc::new(views) as Arc<dyn Stable>;
    let by_label = SplitSpec {
        share: 0.25,
        label: Some("label".to_owned()),
        ..SplitSpec::default()
    };
    let places = [Part::Train, Part::HeldOut].map(|part| {
        let spec = SplitSpec {
            part,
            ..by_label.clone()
        };
        let rows = cx.block_on(Arc::clone(&views).split(&cx, &spec)).unwrap();
        let all = 0..rows.len().finite().unwrap();
        all.map(|at| rows.provenance(&cx, at).places[0].row).collect::<Vec<_>>()
    });
    assert_eq!(places.each_ref().map(Vec::len), [45, 15]);
    let distinct = places
        .each_ref()
        .map(|rows| rows.iter().copied().collect::<BTreeSet<_>>());
    assert_eq!(distinct.each_ref().map(BTreeSet::len), [15, 5], "three views of each");
    assert!(distinct[0].is_disjoint(&distinct[1]));
}

/// Rows of two classes of three numbers that tell nothing of the class.
fn noise(counts: [usize; 2]) -> Memory {
    let classes: Vec<usize> = [vec![0; counts[0]], vec![1; counts[1]]].concat();
    let mut rng = Rng::new(5, "noise", 0);
    let x = Float32Array::from_iter_values((0..3 * classes.len()).map(|_| rng.normal()));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let x = arrow::array::FixedSizeListArray::new(item, 3, Arc::new(x), None);
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..classes.len() as i64))),
        ("x", Arc::new(x)),
        (
            "label",
            Arc::new(StringArray::from_iter_values(
                classes.iter().map(|&class| ["many", "few"][class]),
            )),
        ),
    ];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

/// The balanced accuracy, over `test`, of the nearest of the rows `train`.
fn nearest(train: &[(Vec<f32>, u32)], test: &[(Vec<f32>, u32)]) -> f64 {
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let mut right = [[0.0_f64; 2]; 2];
    for (row, class) in test {
        let best = train
            .iter()
            .min_by(|a, b| distance(&a.0, row).total_cmp(&distance(&b.0, row)))
            .unwrap();
        right[*class as usize][0] += 1.0;
        right[*class as usize][1] += f64::from(u8::from(best.1 == *class));
    }
    right.iter().map(|[all, right]| right / all).sum::<f64>() / 2.0
}

/// All rows with their classes, as they stand in a balance whose rare class is filled up by SMOTE: plain arrays, which nobody guards.
fn smoted(cx: &Context, rows: &Arc<dyn Stable>) -> Vec<(Vec<f32>, u32)> {
    let labels = Arc::new(cx.block_on(Labels::scan(cx, rows, "label")).unwrap());
    let smote = cx
        .block_on(Smote::fit(cx, Arc::clone(rows), &labels, SmoteSpec::new("x")))
        .unwrap();
    let count = labels.len();
    let all: Vec<u64> = (0..count).collect();
    let stored = vectors(&cx.block_on(rows.take(cx, &all)).unwrap());
    let few = u32::from(labels.counts()[0] > labels.counts()[1]);
    let lacks = labels.counts()[1 - few as usize] - labels.counts()[few as usize];
    let wanted: Vec<SampleId> = (0..lacks).map(|index| SampleId { class: few, index }).collect();
    let made = vectors(&cx.block_on(smote.generate(cx, &wanted)).unwrap());
    let of_stored = stored.into_iter().zip(labels.iter());
    of_stored.chain(made.into_iter().map(|row| (row, few))).collect()
}

/// The balanced accuracy where rows are balanced before they are split, by hand, and where only the training rows are, over so many splits.
fn mistaken_and_honest(cx: &Context, rows: &Arc<dyn Stable>, splits: u64) -> (f64, f64) {
    // By hand: all rows are balanced, and what comes of it is split.
    let all = smoted(cx, rows);
    let split = stratified(all.iter().map(|row| row.1), 0.25, 7);
    let of = |rows: &[u64]| rows.iter().map(|&row| all[row as usize].clone()).collect::<Vec<_>>();
    let mistaken = nearest(&of(&split.train), &of(&split.held_out));
    // As it has to be: split first. Few rows of the rare class are held out, so several splits are measured.
    let part =
        |spec: SplitSpec| -> Arc<dyn Stable> { Arc::new(cx.block_on(Arc::clone(rows).split(cx, &spec)).unwrap()) };
    let honest = |seed: u64| {
        let train = SplitSpec {
            share: 0.25,
            seed,
            label: Some("label".to_owned()),
            ..SplitSpec::default()
        };
        let held = part(SplitSpec {
            part: Part::HeldOut,
            ..train.clone()
        });
        let labels = cx.block_on(Labels::scan(cx, &held, "label")).unwrap();
        let all: Vec<u64> = (0..labels.len()).collect();
        let test = vectors(&cx.block_on(held.take(cx, &all)).unwrap());
        let test: Vec<(Vec<f32>, u32)> = test.into_iter().zip(labels.iter()).collect();
        nearest(&smoted(cx, &part(train)), &test)
    };
    (mistaken, (0..splits).map(honest).sum::<f64>() / splits as f64)
}

#[test]
fn the_classic_mistake_by_hand_lifts_the_figure_and_the_split_refuses_it() {
    let cx = context();
    // The second has the imbalance of abalone19, 129 to 1.
    for counts in [[1500, 20], [2580, 20]] {
        let rows: Arc<dyn Stable> = Arc::new(noise(counts));
        assert_eq!(smoted(&cx, &rows).len(), 2 * counts[0]);
        let (mistaken, honest) = mistaken_and_honest(&cx, &rows, 5);
        // There is nothing to learn.
        assert!(honest < 0.7, "{honest}");
        assert!(mistaken > 0.85 && mistaken > honest + 0.2, "{mistaken} beside {honest}");
    }
}

/// The numbers of KEEL's abalone19, without the sex: 4142 rows, and 32 of the class that is looked for.
fn abalone19(path: &Path) -> Memory {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('@'));
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split(',').map(str::trim).collect()).collect();
    let values = lines
        .iter()
        .flat_map(|line| &line[1..8])
        .map(|number| number.parse::<f32>().unwrap());
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let x = arrow::array::FixedSizeListArray::new(item, 7, Arc::new(Float32Array::from_iter_values(values)), None);
    let columns: [(&str, ArrayRef); 2] = [
        ("x", Arc::new(x)),
        (
            "label",
            Arc::new(StringArray::from_iter_values(lines.iter().map(|line| line[8]))),
        ),
    ];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

/// The same mistake on the table on which it is best known, in a folder with `abalone19.dat` as KEEL has it.
///
/// `MILLSTREAM_KEEL=keel cargo test --release --test data -- --ignored abalone19`
#[test]
#[ignore = "reads a table of KEEL in the folder MILLSTREAM_KEEL"]
fn the_classic_mistake_lifts_the_figure_of_abalone19() {
    let folder = std::env::var_os("MILLSTREAM_KEEL").expect("MILLSTREAM_KEEL names the folder of abalone19.dat");
    let path = Path::new(&folder).join("abalone19.dat");
    let cx = context();
    let rows: Arc<dyn Stable> = Arc::new(abalone19(&path));
    // Of eight rare rows a split hardly tells, and scikit-learn's neighbours have 0.973 beside 0.57 (both with deviations below 0.04).
    let (mistaken, honest) = mistaken_and_honest(&cx, &rows, 2);
    assert!(honest < 0.75, "{honest}");
    assert!(mistaken > 0.95 && mistaken > honest + 0.2, "{mistaken} beside {honest}");
}

/// One epoch of a balance as if its rows were stored.
#[derive(Debug)]
struct Pinned(Balance<Arc<dyn Stable>>);

impl Dataset for Pinned {
    fn schema(&self) -> arrow::datatypes::SchemaRef {
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
        self.0.prepare(cx, positions)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

impl Stable for Pinned {
    fn views(&self) -> u64 {
        1
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let rows: Vec<u64> = (0..self.len().finite().unwrap_or(0)).collect();
            Ok(Arc::clone(&self.take(cx, &rows).await?[name]))
        })
    }
}

#[test]
fn a_balance_cannot_be_split_even_if_its_rows_are_pinned() {
    let cx = context();
    let rows: Arc<dyn Stable> = Arc::new(noise([60, 20]));
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let smote = cx
        .block_on(Smote::fit(&cx, Arc::clone(&rows), &labels, SmoteSpec::new("x")))
        .unwrap();
    let balance = cx.block_on(rows.balance(&cx, "label", Target::Uniform)).unwrap();
    let pinned = Pinned(balance.fill(Arc::new(smote), 1.0).unwrap());
    let error = refusal(
        cx.block_on(pinned.split(&cx, &SplitSpec::default())),
        ErrorKind::Config,
        "split: 20 of 80 rows are synthetic (the first one, made by \"smote\": row ",
    );
    let text = error.to_string();
    assert!(
        text.contains("split the stored rows first, fit on the training part, and mix synthetic rows into that alone"),
        "{text}"
    );
}

/// A table of two classes in one Parquet file of three row groups.
fn real(path: &Path) -> RecordBatch {
    let mut rng = Rng::new(8, "real", 0);
    let label = |row: usize| i64::from(row.is_multiple_of(6));
    let x = (0..ROWS).map(|row| f64::from(rng.normal()) + 3.0 * label(row) as f64);
    let columns: [(&str, ArrayRef); 3] = [
        ("x", Arc::new(Float64Array::from_iter_values(x))),
        (
            "y",
            Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| row as f64))),
        ),
        ("label", Arc::new(Int64Array::from_iter_values((0..ROWS).map(label)))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    write(path, &rows);
    rows
}

fn write(path: &Path, rows: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    for part in common::in_batches(rows, 40) {
        writer.write(&part).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
}

fn open(cx: &Context, paths: &[&Path]) -> Parquet {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    cx.block_on(Parquet::open_all(cx, &paths)).unwrap()
}

fn train_of(cx: &Context, path: &Path, seed: u64) -> (Arc<dyn Stable>, Arc<Labels>) {
    let spec = SplitSpec {
        share: 0.25,
        seed,
        label: Some("label".to_owned()),
        ..SplitSpec::default()
    };
    let rows: Arc<dyn Stable> = Arc::new(cx.block_on(open(cx, &[path]).split(cx, &spec)).unwrap());
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label")).unwrap());
    (rows, labels)
}

/// Rows that a copula makes which was fitted on the training rows under seed 1.
fn made(cx: &Context, real: &Path, path: &Path) {
    let (rows, labels) = train_of(cx, real, 1);
    let training = Training {
        cx: cx.clone(),
        rows,
        labels,
    };
    let mut run = FitRun {
        checkpoints: None,
        progress: &mut |_| Ok(()),
    };
    let model = LearnedModel::fit(&CopulaSpec::default(), &training, &mut run).unwrap();
    assert_eq!(model.about().fitted_on.len(), 90);
    RowsFile::new(path, false)
        .write(cx, &model, &[3, 9], &mut |_| Ok(()))
        .unwrap();
}

fn refuses_split(cx: &Context, rows: impl Stable, part: &str) {
    refusal(
        cx.block_on(rows.split(cx, &SplitSpec::default())),
        ErrorKind::Config,
        part,
    );
}

#[test]
fn rows_that_a_model_wrote_are_in_no_split() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let (real_file, made_file) = (dir.path().join("real.parquet"), dir.path().join("made.parquet"));
    let stored = real(&real_file);
    made(&cx, &real_file, &made_file);
    let columns = ["x", "y", "label"];
    let of_made = || open(&cx, &[&made_file]);
    let row = of_made().provenance(&cx, 0);
    assert_eq!(row.origin.name(), "synthetic");
    assert!(row.generator.unwrap().starts_with("copula "));
    refuses_split(
        &cx,
        of_made(),
        "split: 12 of 12 rows are synthetic (the first one, made by \"copula ",
    );
    // Known by the file, without the column that says it.
    refuses_split(&cx, of_made().columns(&columns).unwrap(), "12 of 12 rows are synthetic");
    let both = open(&cx, &[&real_file, &made_file]);
    let place = format!("row 0 of row group 0 in {}", made_file.display());
    refuses_split(
        &cx,
        both.columns(&columns).unwrap(),
        "12 of 132 rows are synthetic (the first one, made by \"copula ",
    );
    let both = open(&cx, &[&real_file, &made_file]).columns(&columns).unwrap();
    refuses_split(
        &cx,
        both,
        &format!("{place}): one that was made of a training row would be held out, and be recognised"),
    );
    // In one file with real rows, as another program puts them together: the column says which they are.
    let together = dir.path().join("together.parquet");
    let table = cx
        .block_on(
            of_made()
                .columns(&["x", "y", "label", "generator"])
                .unwrap()
                .take(&cx, &[0, 1, 2]),
        )
        .unwrap();
    let by = cast(&table["generator"], &DataType::Utf8).unwrap();
    let by = arrow::compute::concat(&[&arrow::array::new_null_array(&DataType::Utf8, ROWS), &by]).unwrap();
    let join = |name: &str| arrow::compute::concat(&[&stored[name], &table[name]]).unwrap();
    let joined = |metadata: &[(&str, &str)], by: ArrayRef| {
        let schema = Schema::new(vec![
            Field::new("x", DataType::Float64, true),
            Field::new("label", DataType::Int64, true),
            Field::new("generator", by.data_type().clone(), true),
        ]);
        let metadata = metadata
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let columns = vec![join("x"), join("label"), by];
        RecordBatch::try_new(Arc::new(schema.with_metadata(metadata)), columns).unwrap()
    };
    write(&together, &joined(&[], Arc::clone(&by)));
    let place = format!("row 0 of row group 3 in {}", together.display());
    refuses_split(&cx, open(&cx, &[&together]), "3 of 123 rows are synthetic");
    refuses_split(&cx, open(&cx, &[&together]), &place);
    // What puts tables together may keep what the file of made rows says: the real rows stay real.
    let said = r#"{"made_by": "copula 0, seed 0"}"#;
    write(&together, &joined(&[("millstream.generator", said)], by));
    refuses_split(&cx, open(&cx, &[&together]), "3 of 123 rows are synthetic");
    // A column of that name that says something else.
    let plants: ArrayRef = Arc::new(Int32Array::from(vec![1; ROWS + 3]));
    write(&together, &joined(&[], plants));
    assert!(
        cx.block_on(open(&cx, &[&together]).split(&cx, &SplitSpec::default()))
            .is_ok()
    );
    let plants: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..ROWS + 3).map(|row| ["coal", "wind"][row % 2]),
    ));
    write(&together, &joined(&[], plants));
    refuses_split(
        &cx,
        open(&cx, &[&together]),
        "123 of 123 rows are synthetic (the first one, made by \"coal\"",
    );
    let by_plant = SplitSpec {
        label: Some("generator".to_owned()),
        ..SplitSpec::default()
    };
    assert!(cx.block_on(open(&cx, &[&together]).split(&cx, &by_plant)).is_ok());
}

#[test]
fn the_origin_and_the_parents_of_a_row_say_that_it_was_made() {
    let cx = context();
    let origin = |name: &str| {
        let names = (0..ROWS).map(|row| if row == 3 { name } else { "real" });
        Arc::new(StringArray::from_iter_values(names)) as ArrayRef
    };
    refuses_split(
        &cx,
        memory(vec![("origin", origin("synthetic"))]),
        "1 of 120 rows is synthetic (the first one: row 3 in memory)",
    );
    let usa = memory(vec![("origin", origin("USA"))]);
    assert!(cx.block_on(usa.split(&cx, &SplitSpec::default())).is_ok());
    let of = |lengths: [usize; ROWS]| parents(&lengths, &|_| ("a.parquet", 0, 0));
    refuses_split(
        &cx,
        memory(vec![("parents", of([2; ROWS]))]),
        "120 of 120 rows are synthetic",
    );
    let none = memory(vec![("parents", of([0; ROWS]))]);
    assert!(cx.block_on(none.split(&cx, &SplitSpec::default())).is_ok());
}

/// A column of parents, so many in each row.
fn parents(lengths: &[usize], of: &dyn Fn(usize) -> (&'static str, i64, i64)) -> ArrayRef {
    parents_in(lengths, &|at| {
        let (source, group, row) = of(at);
        (source.to_owned(), group, row)
    })
}

fn parents_in(lengths: &[usize], of: &dyn Fn(usize) -> (String, i64, i64)) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("source", DataType::Utf8, false),
        Field::new("row_group", DataType::Int64, true),
        Field::new("row", DataType::Int64, false),
    ]);
    let all: Vec<_> = (0..lengths.iter().sum()).map(of).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(all.iter().map(|of| &of.0))),
        Arc::new(Int64Array::from_iter_values(all.iter().map(|of| of.1))),
        Arc::new(Int64Array::from_iter_values(all.iter().map(|of| of.2))),
    ];
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields.clone()), false));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    Arc::new(ListArray::new(
        item,
        offsets,
        Arc::new(StructArray::new(fields, columns, None)),
        None,
    ))
}

#[test]
fn a_bank_of_a_model_that_saw_held_out_rows_is_refused() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let (real_file, made_file) = (dir.path().join("real.parquet"), dir.path().join("made.parquet"));
    let rows_of_file = real(&real_file);
    made(&cx, &real_file, &made_file);
    let spec = BankSpec {
        path: vec![made_file.display().to_string()],
        label: None,
    };
    let (train, labels) = train_of(&cx, &real_file, 1);
    let bank = cx.block_on(Bank::open(&cx, &spec, &train, &labels)).unwrap();
    assert_eq!(bank.counts(), [3, 9]);
    assert!(bank.parents_elsewhere().is_empty());
    // Under another seed other rows are held out: the first that is, and that the model saw.
    let (other, labels) = train_of(&cx, &real_file, 2);
    let rows = |rows: &Arc<dyn Stable>| -> BTreeSet<u64> {
        let places = (0..rows.len().finite().unwrap()).map(|row| rows.provenance(&cx, row).places.remove(0));
        places.map(|place| 40 * place.row_group.unwrap() + place.row).collect()
    };
    let first = *rows(&train).difference(&rows(&other)).next().unwrap();
    let error = refusal(
        cx.block_on(Bank::open(&cx, &spec, &other, &labels)),
        ErrorKind::Config,
        "which is not among the training rows: a synthetic row belongs where the rows are that it was made from",
    );
    let said = format!(
        "{}: the generator of these rows was fitted on row {} of row group {} in {}, ",
        made_file.display(),
        first % 40,
        first / 40,
        real_file.display()
    );
    assert!(error.to_string().starts_with(&said), "{error}");
    // The data was moved, and all of it is trained on: a copy is known by its content. Written anew it is another file: nothing is known to be
    // held out, and that is said.
    let [copy, anew] = ["copy", "anew"].map(|name| dir.path().join(name).with_extension("parquet"));
    std::fs::copy(&real_file, &copy).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&anew).unwrap(), rows_of_file.schema(), None).unwrap();
    writer.write(&rows_of_file).unwrap();
    writer.close().unwrap();
    let on_all_of = |path: &Path| {
        let all: Arc<dyn Stable> = Arc::new(open(&cx, &[path]));
        let labels = Arc::new(cx.block_on(Labels::scan(&cx, &all, "label")).unwrap());
        cx.block_on(Bank::open(&cx, &spec, &all, &labels)).unwrap()
    };
    assert!(on_all_of(&copy).parents_elsewhere().is_empty());
    let bank = on_all_of(&anew);
    assert_eq!(bank.parents_elsewhere().len(), 90);
    let plan = bank.describe().to_string();
    assert!(
        plan.contains("of which there are no training rows: none of them may be held out"),
        "{plan}"
    );
}

#[test]
fn a_bank_with_a_parent_that_is_held_out_is_refused() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let (real_file, bank_file) = (dir.path().join("real.parquet"), dir.path().join("bank.parquet"));
    let stored = real(&real_file);
    let (train, labels) = train_of(&cx, &real_file, 1);
    let of_train = |row: u64| train.provenance(&cx, row).places.remove(0);
    let held = {
        let train: Vec<StoredRow> = (0..90).map(of_train).collect();
        let all = (0..ROWS as u64).map(|row| StoredRow {
            row_group: Some(row / 40),
            row: row % 40,
            ..train[0].clone()
        });
        all.filter(|row| !train.contains(row)).nth(4).unwrap()
    };
    // Six rows with two parents each; of the fourth row the second one is held out.
    let write_bank = |bad: &StoredRow| {
        let parent = |at: usize| {
            let place = if at == 7 { bad.clone() } else { of_train(at as u64) };
            (
                place.source.to_string(),
                place.row_group.unwrap() as i64,
                place.row as i64,
            )
        };
        let mut fields: Vec<Field> = stored
            .schema()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone())
            .collect();
        let mut columns = stored.slice(0, 6).columns().to_vec();
        let own = parents_in(&[2; 6], &parent);
        fields.push(Field::new("parents", own.data_type().clone(), true));
        columns.push(own);
        write(
            &bank_file,
            &RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap(),
        );
    };
    let spec = BankSpec {
        path: vec![bank_file.display().to_string()],
        label: None,
    };
    let opened = || cx.block_on(Bank::open(&cx, &spec, &train, &labels));
    write_bank(&of_train(80));
    assert!(!opened().unwrap().describe().to_string().contains("held out"));
    write_bank(&held);
    let file = bank_file.display();
    refusal(
        opened(),
        ErrorKind::Config,
        &format!("row 3 of row group 0 in {file} was made from {held}, which is not among the training rows"),
    );
    // In a file of which there are no training rows: whoever holds rows out is told.
    let elsewhere = StoredRow {
        source: "valid.parquet".into(),
        row_group: Some(0),
        row: 2,
    };
    write_bank(&elsewhere);
    let bank = opened().unwrap();
    assert!(bank.parents_elsewhere().iter().eq([elsewhere]));
}
