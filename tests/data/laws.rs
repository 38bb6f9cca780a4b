//! The law, for every source and adapter, one line each, and for compositions.
#![cfg(feature = "testing")]
#![allow(
    missing_docs,
    clippy::needless_pass_by_value,
    reason = "tests: one line for each dataset"
)]

use crate::common;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use burn::data::dataset::InMemDataset;
use common::{context, fashion, picture, pictures, repeated, table};
use futures::future::BoxFuture;
use millstream::dataset::{Block, Blocks, Len, Provenance};
use millstream::image::Image;
use millstream::mix::{BalanceSpec, BatchPart, Feedback, FeedbackSpec, Mix, Schedule, StoppingStrategy, Target};
use millstream::plan::Plan;
use millstream::rng::Rng;
use millstream::rows::{Cached, Concat, DType, Fill, FillNull, Filter, Key, Labels, Read};
use millstream::source::{BurnSource, Folder, Listing, Memory, Parquet, spool};
use millstream::synthetic::{
    Blend, BlendSpec, CutMix, Generator, MixUp, SampleId, Scenes, ScenesSpec, Smote, SmoteSpec,
};
use millstream::{Context, Dataset, DatasetExt, Prepared, Result, Stable, testing};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const COUNTS: [usize; 4] = [40, 15, 6, 2];

#[track_caller]
fn law(dataset: impl Dataset) {
    let cx = context().with_seed(11);
    cx.block_on(testing::check_law(&cx, &dataset, 1)).unwrap();
}

#[track_caller]
fn stable(dataset: impl Stable) {
    let cx = context().with_seed(11);
    cx.block_on(testing::check_stable(&cx, &dataset, 2)).unwrap();
}

fn numbers(count: i64) -> BurnSource<i64> {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let rows = |items: Vec<i64>| {
        let column: ArrayRef = Arc::new(Int64Array::from(items));
        Ok(RecordBatch::try_from_iter([("id", column)])?)
    };
    BurnSource::new(InMemDataset::new((0..count).collect()), "numbers", schema, rows).unwrap()
}

fn plain() -> Image {
    Image::new(8)
}

fn augmented() -> Image {
    Image::new(8)
        .random_resized_crop(0.4..=1.0, 0.8..=1.2)
        .horizontal_flip(0.5)
        .gaussian_noise(0.1)
}

/// What a backbone would make of each view: here the numbers themselves, in `views` shifted copies.
fn cached(cx: &Context, views: u64) -> Arc<dyn Stable> {
    let below = pictures(&COUNTS)
        .image("image", augmented())
        .unwrap()
        .views(views)
        .unwrap();
    let below: Arc<dyn Stable> = Arc::new(below);
    let labels = cx.block_on(below.column(cx, "label")).unwrap();
    let labels: Vec<&dyn arrow::array::Array> = (0..views).map(|_| labels.as_ref()).collect();
    let label = arrow::compute::concat(&labels).unwrap();
    let x = common::numbers(label.len());
    let rows = RecordBatch::try_from_iter([("label", label), ("x", x)]).unwrap();
    Arc::new(Cached::new(below, rows, Plan::new("numbers")).unwrap())
}

#[test]
fn sources() {
    stable(table(&COUNTS));
    stable(pictures(&COUNTS));
    stable(numbers(100));
    stable(fashion(&context()));
    stable(fashion(&context()).columns(&["label"]).unwrap());
    stable(testing::Virtual::new(5000, 6).unwrap());
    let folder = tempfile::tempdir().unwrap();
    stable(spooled(&context(), folder.path()).unwrap());
    stable(
        plain_numbers(&context(), folder.path())
            .tensor("x", &["c", "a"])
            .unwrap(),
    );
}

#[test]
fn folders() {
    let root = tempfile::tempdir().unwrap();
    for at in 0..60_u64 {
        let path = root.path().join(format!("class {}/{at}.png", at % 4));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, picture(at).to_png().unwrap()).unwrap();
    }
    let cx = context();
    let open = || cx.block_on(Folder::open(&cx, root.path().to_str().unwrap())).unwrap();
    stable(open());
    stable(open().columns(&["label", "path"]).unwrap());
    law(open().shuffle());
    law(open().shuffle().image("image", augmented()).unwrap());
    law(cx.block_on(open().balance(&cx, "label", Target::Uniform)).unwrap());
    let line = |at: u64| format!("class {}/{at}.png,{}\n", at % 4, at % 3);
    let list: String = (0..60).map(line).collect();
    std::fs::write(root.path().join("metadata.csv"), format!("file_name,label\n{list},1\n")).unwrap();
    let open = || cx.block_on(Listing::open(&cx, root.path().to_str().unwrap())).unwrap();
    stable(open());
    stable(open().columns(&["label"]).unwrap());
    law(open().shuffle());
}

/// 300 rows of three columns of numbers, in row groups of 40.
fn plain_numbers(cx: &Context, folder: &std::path::Path) -> Parquet {
    let path = folder.join("numbers.parquet").display().to_string();
    let whole = |by: i64| Arc::new(Int64Array::from_iter_values((0..300).map(|i| i * by))) as ArrayRef;
    let part: ArrayRef = Arc::new(arrow::array::Float32Array::from_iter_values(
        (0..300).map(|i| i as f32 / 7.0),
    ));
    let rows = RecordBatch::try_from_iter([("a", whole(3)), ("id", whole(1)), ("c", part)]).unwrap();
    let groups = WriterProperties::builder()
        .set_max_row_group_row_count(Some(40))
        .build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(groups)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    cx.block_on(Parquet::open(cx, path)).unwrap()
}

fn spooled(cx: &Context, folder: &std::path::Path) -> Result<Parquet> {
    let path = folder.join("rows.parquet").display().to_string();
    let batches = common::in_batches(&common::rows(&common::mixed(&COUNTS)), 10);
    cx.block_on(spool(cx, path, || futures::stream::iter(batches.into_iter().map(Ok))))
}

#[test]
fn orders() {
    let cx = context();
    law(table(&COUNTS).shuffle());
    law(numbers(3000).shuffle_window(2));
    law(fashion(&cx).shuffle_window(1));
    stable(table(&COUNTS).select(vec![5, 3, 62, 3, 0]).unwrap());
    stable(fashion(&cx).select((200..300).rev().collect()).unwrap());
    law(fashion(&cx)
        .select((0..900).step_by(7).collect())
        .unwrap()
        .shuffle_window(3));
}

#[test]
fn rows() {
    let cx = context();
    stable(cx.block_on(table(&COUNTS).classes(&cx, "label")).unwrap());
    stable(cx.block_on(fashion(&cx).classes(&cx, "label")).unwrap());
    law(pictures(&COUNTS).image("image", plain()).unwrap());
    law(pictures(&COUNTS).image("image", augmented()).unwrap());
    law(fashion(&cx).image("image", augmented()).unwrap());
    stable(pictures(&COUNTS).image("image", plain()).unwrap().views(1).unwrap());
    stable(pictures(&COUNTS).image("image", augmented()).unwrap().views(1).unwrap());
    stable(pictures(&COUNTS).image("image", augmented()).unwrap().views(3).unwrap());
    stable(cached(&cx, 1));
    stable(cached(&cx, 3));
}

/// Rows in three views, of which two are augmented.
fn viewed(counts: &[usize]) -> impl Stable + use<> {
    pictures(counts).image("image", augmented()).unwrap().views(3).unwrap()
}

#[test]
fn limits_and_filters() {
    let cx = context();
    stable(table(&COUNTS).limit(25).unwrap());
    stable(table(&COUNTS).limit(1000).unwrap());
    stable(fashion(&cx).limit(1).unwrap());
    stable(viewed(&COUNTS).limit(13).unwrap());
    let odd = || Filter::new("odd").reads(Read::values("label", DType::I64));
    let is_odd = |row: &millstream::rows::Row<'_>| Ok(row.values::<i64>(0)?[0] % 2 == 1);
    stable(cx.block_on(fashion(&cx).filter(&cx, odd(), is_odd)).unwrap());
    stable(cx.block_on(viewed(&COUNTS).filter(&cx, odd(), is_odd)).unwrap());
}

#[test]
fn joins() {
    let cx = context();
    stable(table(&COUNTS).concat(table(&[3, 4])).unwrap());
    stable(viewed(&COUNTS).concat(viewed(&[2, 5])).unwrap());
    let parts: Vec<Arc<dyn Stable>> = vec![
        Arc::new(fashion(&cx).limit(70).unwrap()),
        Arc::new(fashion(&cx)),
        Arc::new(fashion(&cx).select(vec![900, 2]).unwrap()),
    ];
    law(Concat::new(parts).unwrap().shuffle_window(3));
    stable(
        table(&COUNTS)
            .zip(pictures(&COUNTS).project(&["image"]).unwrap())
            .unwrap(),
    );
    let right = fashion(&cx).project(&["image"]).unwrap();
    stable(fashion(&cx).columns(&["label"]).unwrap().zip(right).unwrap());
    let both = viewed(&COUNTS).project(&["label"]).unwrap();
    stable(both.zip(viewed(&COUNTS).project(&["image"]).unwrap()).unwrap());
}

#[test]
fn columns() {
    let cx = context();
    stable(table(&COUNTS).project(&["x", "id"]).unwrap());
    law(fashion(&cx).shuffle().project(&["label"]).unwrap());
    stable(table(&COUNTS).cast("id", &DataType::Float32).unwrap());
    stable(viewed(&COUNTS).cast("label", &DataType::Utf8).unwrap());
    law(fashion(&cx).shuffle().cast("label", &DataType::UInt8).unwrap());
    let ages = || {
        let ages = (0..63).map(|row| (row % 3 > 0).then_some(row));
        let ages: ArrayRef = Arc::new(ages.collect::<Int64Array>());
        let rows = RecordBatch::try_from_iter_with_nullable([("age", ages, true)]).unwrap();
        Memory::new(common::in_batches(&rows, 10)).unwrap()
    };
    stable(cx.block_on(ages().fill_null(&cx, "age", Fill::MostFrequent)).unwrap());
    law(ages().shuffle().fill_null_with(&FillNull::new("age", 7)).unwrap());
    let double = |rows: RecordBatch| {
        let ids = rows["id"]
            .as_primitive::<Int64Type>()
            .unary::<_, Int64Type>(|id| 2 * id);
        Ok(RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)])?)
    };
    let schema = numbers(1).schema();
    stable(numbers(3000).map_batch("double", Arc::clone(&schema), double));
    law(table(&COUNTS).shuffle().map_batch("double", schema, double));
}

#[test]
fn balances() {
    let cx = context();
    let balanced = |target| cx.block_on(table(&COUNTS).balance(&cx, "label", target)).unwrap();
    law(balanced(Target::Uniform));
    law(balanced(Target::Sqrt));
    law(balanced(Target::Power(1.0)));
    law(balanced(Target::Power(0.3)).rows(500).block(7));
    law(balanced(Target::EffectiveNumber(0.99)));
    law(balanced(Target::Weights(vec![0.0, 1.0, 2.0, 3.0])));
    law(balanced(Target::RepeatFactor(0.3)));
    law(repeated(&cx, table(&COUNTS), 0.5).block(16));
    let cells = BalanceSpec {
        by: Some(Key::product([Key::column("label"), Key::bins("id", &[20.0, 50.0])])),
        ..BalanceSpec::default()
    };
    law(cx
        .block_on(table(&COUNTS).balance_with(&cx, "label", &cells, None))
        .unwrap());
    let bins = cx.block_on(Key::bins("id", &[7.0]).scan(&cx, &table(&COUNTS))).unwrap();
    law(table(&COUNTS)
        .balance_cells_alone(&cx, &bins, &BalanceSpec::default())
        .unwrap());
    let parts = [BatchPart::of("class 0", 0.35), BatchPart::others(0.65)];
    law(balanced(Target::Sqrt).batches(10, &parts, None).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let feedback = Feedback::open(folder.path().join("feedback.jsonl")).unwrap();
    let recall = |epoch: u64, class: u64| (epoch * 7 + class * 3) as f64 % 10.0 / 10.0;
    for epoch in 0..200 {
        feedback
            .report(epoch, &[0, 1, 2, 3].map(|class| recall(epoch, class)))
            .unwrap();
    }
    law(balanced(Target::Uniform)
        .feedback(&feedback, &FeedbackSpec::default())
        .unwrap());
    law(cx
        .block_on(fashion(&cx).balance(&cx, "label", Target::Uniform))
        .unwrap());
}

fn mixed<S: Into<Schedule>>(weights: [S; 3], stop: StoppingStrategy) -> Mix {
    let sources: [Arc<dyn Dataset>; 3] = [
        Arc::new(table(&COUNTS).shuffle_window(2)),
        Arc::new(table(&[9, 9]).shuffle()),
        Arc::new(table(&[5])),
    ];
    Mix::new(sources.into_iter().zip(weights).collect(), stop).unwrap()
}

#[test]
fn mixes() {
    law(mixed([0.7, 0.2, 0.1], StoppingStrategy::FirstExhausted));
    law(mixed([0.7, 0.2, 0.1], StoppingStrategy::AllExhausted));
    law(mixed([0.7, 0.2, 0.1], StoppingStrategy::CycleUntilAllExhausted));
    law(mixed([0.7, 0.2, 0.1], StoppingStrategy::CycleForever));
    law(mixed([0.7, 0.2, 0.1], StoppingStrategy::CycleForever).rows(40).unwrap());
    law(mixed([1.0, 1.0, 1.0], StoppingStrategy::AllExhausted).shuffle());
    let ramp = |from: f64, to: f64| Schedule::constant(from).ramp(100..5000, to);
    law(mixed(
        [ramp(1.0, 0.0), ramp(0.0, 1.0), Schedule::constant(0.5)],
        StoppingStrategy::CycleForever,
    ));
    let inner: Arc<dyn Dataset> = Arc::new(mixed([1.0, 2.0, 3.0], StoppingStrategy::AllExhausted));
    law(Mix::new(
        vec![(Arc::clone(&inner), 1.0), (inner, 3.0)],
        StoppingStrategy::CycleUntilAllExhausted,
    )
    .unwrap());
}

#[test]
fn schedules_and_caps() {
    let cx = context();
    let balanced = |target| cx.block_on(table(&COUNTS).balance(&cx, "label", target)).unwrap();
    let ramp = || Schedule::constant(0.0).ramp(50..4000, 1.0);
    law(balanced(Target::Power(1.0)).toward(Target::Uniform, ramp()).unwrap());
    law(balanced(Target::Sqrt)
        .block(7)
        .rows(50)
        .toward(Target::Uniform, ramp())
        .unwrap());
    law(balanced(Target::Uniform).cap(2).unwrap());
    law(balanced(Target::Uniform).rows(500).cap(3).unwrap());
}

fn smote(cx: &Context, base: Arc<dyn Stable>) -> impl Dataset + use<> {
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &base, "label")).unwrap());
    let smote = cx
        .block_on(Smote::fit(cx, Arc::clone(&base), &labels, SmoteSpec::new("x")))
        .unwrap();
    let balance = cx.block_on(base.balance(cx, "label", Target::Uniform)).unwrap();
    balance.fill(Arc::new(smote), 0.6).unwrap()
}

fn blend(cx: &Context, base: Arc<dyn Stable>) -> impl Dataset + use<> {
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &base, "label")).unwrap());
    let blend = Blend::new(Arc::clone(&base), &labels, BlendSpec::default()).unwrap();
    let balance = cx.block_on(base.balance(cx, "label", Target::Sqrt)).unwrap();
    balance.fill(Arc::new(blend), 0.5).unwrap()
}

#[test]
fn fills() {
    let cx = context();
    law(smote(&cx, Arc::new(table(&COUNTS))));
    law(smote(&cx, cached(&cx, 1)));
    law(smote(&cx, cached(&cx, 3)));
    law(blend(&cx, Arc::new(pictures(&COUNTS))));
    law(scenes(&cx));
    for text in GENERATORS {
        law(filled(&cx, Arc::new(mixed_columns(&cx)), text));
    }
    for text in [
        r#"{"adasyn": {"column": "x"}}"#,
        r#"{"residuals": {"column": "x"}}"#,
        r#"{"calibrated": {"column": "x"}}"#,
    ] {
        law(filled(&cx, cached(&cx, 3), text));
    }
}

/// Generators of rows with a tensor, numbers and categories.
const GENERATORS: [&str; 8] = [
    r#"{"smote": {"columns": ["id", "size"]}}"#,
    r#"{"smote_nc": {"columns": ["id", "size"]}}"#,
    r#"{"borderline_smote": {"columns": ["id", "size"], "kind": "borderline-2"}}"#,
    r#"{"borderline_smote": {"column": "x"}}"#,
    r#"{"adasyn": {"columns": ["id", "size"]}}"#,
    r#"{"jitter": {"columns": ["id", "size"]}}"#,
    r#"{"residuals": {"column": "x"}}"#,
    r#"{"calibrated": {"column": "x"}}"#,
];

/// [`table`] with two more columns.
fn mixed_columns(cx: &Context) -> Memory {
    let table = table(&COUNTS);
    let rows = table.len().finite().unwrap();
    let all = cx.block_on(table.take(cx, &(0..rows).collect::<Vec<_>>())).unwrap();
    let schema = all.schema();
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for (field, column) in schema.fields().iter().zip(all.columns()) {
        columns.push((field.name(), Arc::clone(column)));
    }
    let size = arrow::array::Float32Array::from_iter_values((0..rows).map(|row| (row * row % 37) as f32 / 4.0));
    let colour =
        StringArray::from_iter_values((0..rows).map(|row| ["red", "green", "blue"][(row * row % 7 % 3) as usize]));
    columns.push(("size", Arc::new(size)));
    columns.push(("colour", Arc::new(colour)));
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

fn filled(cx: &Context, base: Arc<dyn Stable>, text: &str) -> impl Dataset + use<> {
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &base, "label")).unwrap());
    let spec = millstream::synthetic::generators().read_json(text).unwrap();
    let generator = cx.block_on(spec.fit(cx, Arc::clone(&base), &labels)).unwrap();
    let balance = cx.block_on(base.balance(cx, "label", Target::Uniform)).unwrap();
    balance.fill(generator, 0.6).unwrap()
}

/// Scenes of the pictures, mixed into scenes that were written.
fn scenes(cx: &Context) -> impl Dataset + use<> {
    let base: Arc<dyn Stable> = Arc::new(pictures(&COUNTS));
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &base, "label")).unwrap());
    let spec = ScenesSpec {
        width: 32,
        height: 24,
        threshold: 60,
        scale: 0.5..=1.0,
        ..ScenesSpec::default()
    };
    let scenes = Arc::new(Scenes::new(base, &labels, spec).unwrap());
    let wanted: Vec<SampleId> = (0..30)
        .map(|at| SampleId {
            class: [0, 0, 0, 0, 1, 1, 2, 3][at as usize % 8],
            index: 1000 + at,
        })
        .collect();
    let written = cx.block_on(scenes.generate(cx, &wanted)).unwrap();
    let balance = Memory::new(vec![written])
        .unwrap()
        .balance(cx, "label", Target::Uniform);
    cx.block_on(balance).unwrap().fill(scenes, 0.5).unwrap()
}

/// Numbers without an end.
#[derive(Debug)]
struct Endless(Memory);

impl Dataset for Endless {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
    fn len(&self) -> Len {
        Len::Endless
    }
    fn blocks(&self) -> Blocks {
        Arc::new([])
    }
    fn describe(&self) -> Plan {
        Plan::new("endless").input(self.0.describe())
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.0.prepare(cx, positions)
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

#[test]
fn mixtures() {
    let cx = context();
    let classed = || cx.block_on(table(&COUNTS).classes(&cx, "label")).unwrap();
    let (up, cut) = (MixUp::new(0.4), CutMix::new(1.0));
    law(classed().mixup("x", "label", up.clone()).unwrap());
    law(classed().mixup("x", "label", up.clone().window(5).p(0.6)).unwrap());
    law(Endless(table(&COUNTS))
        .mixup("x", "id", up.clone().num_classes(63))
        .unwrap());
    let images = |cx: &Context| fashion(cx).shuffle().image("image", augmented()).unwrap();
    law(images(&cx).mixup("image", "label", up.clone()).unwrap());
    law(images(&cx).cutmix("image", "label", cut.clone().window(9)).unwrap());
    let both = images(&cx).cutmix("image", "label", cut.p(0.5)).unwrap();
    law(both.mixup("image", "label", up.clone().p(0.5)).unwrap());
    let balanced = |cx: &Context| blend(cx, Arc::new(fashion(cx))).image("image", augmented());
    law(balanced(&cx).unwrap().mixup("image", "label", up.clone()).unwrap());
    let shuffled = |cx: &Context| images(cx).mixup("image", "label", MixUp::new(0.4));
    testing::check_loader(3, 90, shuffled).unwrap();
    testing::check_loader(3, 90, |cx| balanced(cx)?.mixup("image", "label", up.clone())).unwrap();
    testing::check_loader(3, 90, |cx| images(cx).cutmix("image", "label", CutMix::new(0.5))).unwrap();
}

#[test]
fn compositions() {
    let cx = context();
    let some: Vec<u64> = (0..1242).step_by(3).collect();
    let train = || Arc::new(fashion(&cx).select(some.clone()).unwrap()) as Arc<dyn Stable>;
    law(blend(&cx, train()).image("image", augmented()).unwrap());
    law(train().shuffle().image("image", augmented()).unwrap());
    stable(
        train()
            .image("image", augmented())
            .unwrap()
            .views(2)
            .unwrap()
            .select(vec![7, 0, 99])
            .unwrap(),
    );
    let views = pictures(&COUNTS).image("image", augmented()).unwrap().views(3).unwrap();
    law(cx.block_on(views.balance(&cx, "label", Target::Uniform)).unwrap());
    law(smote(&cx, Arc::new(cached(&cx, 4).select((0..50).collect()).unwrap())));
    let dynamic: Arc<dyn Dataset> = Arc::new(table(&COUNTS));
    law(dynamic.shuffle());
}

#[test]
fn loaders() {
    testing::check_loader(3, 90, |_| Ok(table(&COUNTS))).unwrap();
    testing::check_loader(3, 150, |_| Ok(table(&COUNTS).shuffle_window(3))).unwrap();
    testing::check_loader(3, 90, |cx| fashion(cx).shuffle().image("image", augmented())).unwrap();
    testing::check_loader(3, 90, |cx| Ok(smote(cx, cached(cx, 2)))).unwrap();
    for text in [GENERATORS[1], GENERATORS[4], GENERATORS[6], GENERATORS[7]] {
        testing::check_loader(3, 90, |cx| Ok(filled(cx, Arc::new(mixed_columns(cx)), text))).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    testing::check_loader(3, 90, |cx| Ok(spooled(cx, folder.path())?.shuffle())).unwrap();
    testing::check_loader(3, 90, |cx| blend(cx, Arc::new(fashion(cx))).image("image", augmented())).unwrap();
}

#[test]
fn a_stage_below_and_the_same_below_a_generator_are_one() {
    let cx = context();
    let plan = smote(&cx, cached(&cx, 2)).describe();
    assert_eq!(plan.shared_name(), None, "{plan}");
    assert_eq!(
        mixed([1.0; 3], StoppingStrategy::AllExhausted).describe().shared_name(),
        None
    );
    let two = table(&COUNTS).shuffle().shuffle();
    assert_eq!(two.describe().shared_name().as_deref(), Some("shuffle"));
}

#[test]
fn one_picture_is_not_another() {
    assert_ne!(picture(0).levels, picture(1).levels);
}

/// What a dataset may do wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Nothing,
    History,
    Neighbours,
    Threads,
    Prefetch,
    Short,
    Gap,
    Plan,
    Epoch,
    Column,
    TracePanics,
}

#[derive(Debug)]
struct Suspect(Wrong, Memory, Arc<AtomicU64>);

impl Suspect {
    fn is(&self, wrong: Wrong) -> u64 {
        u64::from(self.0 == wrong)
    }
}

impl Dataset for Suspect {
    fn schema(&self) -> SchemaRef {
        self.1.schema()
    }
    fn len(&self) -> Len {
        Len::Finite(NonZeroU64::new(63).unwrap())
    }
    fn blocks(&self) -> Blocks {
        let end = 63 - self.is(Wrong::Gap);
        Arc::new([Block { rows: 0..end, bytes: 0 }])
    }
    fn describe(&self) -> Plan {
        Plan::new("suspect").param("calls", self.2.load(Ordering::SeqCst) * self.is(Wrong::Plan))
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let calls = self
            .2
            .fetch_add(self.is(Wrong::History) + self.is(Wrong::Plan), Ordering::SeqCst);
        let by = calls * (1 - self.is(Wrong::Plan))
            + positions.len() as u64 * self.is(Wrong::Neighbours)
            + cx.threads() as u64 * self.is(Wrong::Threads);
        let epoch = |position: u64| position / 63 * self.is(Wrong::Epoch);
        let mut at: Vec<u64> = positions
            .iter()
            .map(|&position| position + by + epoch(position))
            .collect();
        at.truncate(at.len().saturating_sub(self.is(Wrong::Short) as usize));
        let (below, calls, prefetched) = (self.1.prepare(cx, &at), Arc::clone(&self.2), self.is(Wrong::Prefetch));
        let prefetch = move || {
            calls.fetch_add(prefetched, Ordering::SeqCst);
        };
        Prepared::with_prefetch(prefetch, |_| below.rows())
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        assert!(self.0 != Wrong::TracePanics || position < 1 << 40, "too far");
        self.1.provenance(cx, position)
    }
}

impl Stable for Suspect {
    fn views(&self) -> u64 {
        1
    }
    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let column = self.1.column(cx, name).await?;
            Ok(column.slice(0, column.len() - self.is(Wrong::Column) as usize))
        })
    }
}

#[test]
fn the_suite_finds_what_is_wrong() {
    let cx = context();
    let check = |wrong| {
        let dataset = Suspect(wrong, table(&COUNTS), Arc::default());
        let result = cx.block_on(testing::check_stable(&cx, &dataset, 1));
        result.map_err(|error| error.to_string())
    };
    check(Wrong::Nothing).unwrap();
    for (wrong, said) in [
        (Wrong::History, "differ in column"),
        (
            Wrong::Neighbours,
            "take(p ++ q) and take(p) ++ take(q) differ in column",
        ),
        (Wrong::Threads, "takes with different threads and memory differ"),
        (
            Wrong::Prefetch,
            "a take before and after rows were fetched ahead differ",
        ),
        (Wrong::Short, " rows of "),
        (Wrong::Gap, "the blocks end at 62, the rows at 63"),
        (Wrong::Plan, "the plan, and so the fingerprint, changed"),
        (Wrong::Epoch, "a row in one epoch and in another differ"),
        (Wrong::Column, "column(\"id\") has 62 rows, view 0 has 63"),
        (Wrong::TracePanics, "panicked: too far"),
    ] {
        let error = check(wrong).unwrap_err();
        assert!(error.contains(said), "{wrong:?}: {error}");
    }
}

#[test]
fn the_suite_finds_a_loader_that_forgets() {
    let count = AtomicU64::new(0);
    let result = testing::check_loader(3, 50, |_| {
        let rows = Rng::new(count.fetch_add(1, Ordering::SeqCst), "rows", 0).below(9);
        table(&COUNTS).select((rows..60).collect())
    });
    assert!(result.is_err());
    let forgets = testing::check_loader(3, 50, |_| {
        let calls = AtomicU64::new(count.fetch_add(1, Ordering::SeqCst) % 5);
        Ok(Suspect(Wrong::History, table(&COUNTS), Arc::new(calls)))
    });
    assert!(forgets.unwrap_err().to_string().contains("differ in column \"id\""));
}
