//! Every step of a run is a place to go on from, in a process that knows nothing but the cursor.
#![allow(missing_docs, clippy::print_stdout, reason = "tests; figures")]

use crate::{common, pipelines};

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use arrow::ipc::{reader::StreamReader, writer::StreamWriter};
use burn::data::dataset::InMemDataset;
use common::{fashion, pictures, repeated, table, with_targets};
use millstream::image::{Boxes, CopyPaste, Image, Mosaic};
use millstream::loader::{LastBatch, LoaderBuilder};
use millstream::mix::{BalanceSpec, BatchPart, Mix, Schedule, SegmentsSpec, StoppingStrategy, Target};
use millstream::plan::Plan;
use millstream::rng::Rng;
use millstream::rows::{Cached, Key, Labels};
use millstream::source::{BurnSource, Parquet, spool};
use millstream::synthetic::{Blend, BlendSpec, Calibrated, CalibratedSpec, CutMix, MixUp, Smote, SmoteSpec};
use millstream::testing::Virtual;
use millstream::{Context, Cursor, Dataset, DatasetExt, Error, Result, Stable};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the process that goes on is told: the case, and the folder with its files.
const CASE: &str = "MILLSTREAM_RESUME_CASE";
const FOLDER: &str = "MILLSTREAM_RESUME_FOLDER";
/// Batches of a run.
const STEPS: usize = 9;
const COUNTS: [usize; 4] = [40, 15, 6, 2];

type Open = fn(&Context, &Path) -> Result<LoaderBuilder>;

/// Sources, adapters, compositions. A run of each goes over the end of its first epoch.
const CASES: &[(&str, Open)] = &[
    ("memory", |cx, _| Ok(table(&COUNTS).loader(cx).batch_size(13))),
    ("parquet", |cx, _| Ok(fashion(cx).loader(cx).batch_size(311))),
    ("virtual", |cx, _| Ok(Virtual::new(5000, 6)?.loader(cx).batch_size(800))),
    ("spool", |cx, folder| Ok(spooled(cx, folder)?.loader(cx).batch_size(13))),
    ("burn dataset", |cx, _| Ok(numbers()?.loader(cx).batch_size(13))),
    ("shuffle", |cx, _| {
        Ok(table(&COUNTS).shuffle().loader(cx).batch_size(13))
    }),
    ("shuffle_window", |cx, _| {
        Ok(fashion(cx).shuffle_window(2).loader(cx).batch_size(311))
    }),
    ("select", |cx, _| {
        let every_third = fashion(cx).select((0..900).step_by(7).collect())?;
        Ok(every_third.loader(cx).batch_size(31))
    }),
    ("classes", |cx, _| {
        let classed = cx.block_on(fashion(cx).classes(cx, "label"))?;
        Ok(classed.shuffle().loader(cx).batch_size(311))
    }),
    ("image", |cx, _| {
        Ok(augmented(pictures(&COUNTS))?.loader(cx).batch_size(13))
    }),
    ("views", |cx, _| {
        let views = pictures(&COUNTS).image("image", small())?.views(3)?;
        Ok(views.loader(cx).batch_size(40))
    }),
    ("cached", |cx, _| Ok(cached(cx, 3)?.loader(cx).batch_size(40))),
    ("cutmix", |cx, _| {
        let classed = cx.block_on(pictures(&COUNTS).classes(cx, "label"))?;
        let mixed = augmented(classed.shuffle())?.cutmix("image", "label", CutMix::new(1.0).p(0.5))?;
        Ok(mixed.loader(cx).batch_size(13))
    }),
    ("mix until all are exhausted", |cx, _| {
        let sources: Vec<(Arc<dyn Dataset>, f64)> = vec![
            (Arc::new(table(&COUNTS).shuffle()), 0.7),
            (Arc::new(table(&[9, 9]).shuffle()), 0.3),
        ];
        Ok(Mix::new(sources, StoppingStrategy::AllExhausted)?
            .loader(cx)
            .batch_size(13))
    }),
    ("balance with a cap", |cx, _| {
        let balance = cx.block_on(table(&COUNTS).balance(cx, "label", Target::Uniform))?;
        Ok(balance.cap(3)?.loader(cx).batch_size(9))
    }),
    ("repeat factors", |cx, _| {
        Ok(repeated(cx, table(&COUNTS), 0.5).loader(cx).batch_size(11))
    }),
    ("balance by two keys", |cx, _| {
        let spec = BalanceSpec {
            by: Some(Key::product([Key::column("label"), Key::bins("id", &[20.0])])),
            ..BalanceSpec::default()
        };
        let balance = cx.block_on(table(&COUNTS).balance_with(cx, "label", &spec, None))?;
        Ok(balance.loader(cx).batch_size(9))
    }),
    ("parts of every batch", |cx, _| {
        let balance = cx.block_on(table(&COUNTS).balance(cx, "label", Target::Sqrt))?;
        let parts = [BatchPart::of("class 2", 0.3), BatchPart::others(0.7)];
        Ok(balance.batches(4, &parts, None)?.loader(cx).batch_size(8))
    }),
    ("segments of a stream", |cx, _| {
        let classed = cx.block_on(table(&COUNTS).classes(cx, "label"))?;
        let spec = SegmentsSpec {
            rows: 20,
            emit: Some(14),
            ..SegmentsSpec::default()
        };
        Ok(classed.segments(&spec)?.loader(cx).batch_size(9))
    }),
    // Compositions.
    ("shuffle, balance, image, mixup", |cx, folder| {
        let balance = cx.block_on(fashion(&cx.with_index(folder)).balance(cx, "label", Target::Uniform))?;
        let mixed = augmented(balance)?.mixup("image", "label", MixUp::new(0.4))?;
        Ok(mixed.loader(cx).batch_size(200))
    }),
    ("shuffle, image, cutmix, mixup", |cx, _| {
        let classed = cx.block_on(fashion(cx).classes(cx, "label"))?;
        let cut = augmented(classed.shuffle())?.cutmix("image", "label", CutMix::new(1.0).p(0.5))?;
        let mixed = cut.mixup("image", "label", MixUp::new(0.4).p(0.5))?;
        Ok(mixed.loader(cx).batch_size(200))
    }),
    ("balance, SMOTE on cached features", |cx, _| {
        let base = cached(cx, 3)?;
        let labels = Arc::new(cx.block_on(Labels::scan(cx, &base, "label"))?);
        let smote = cx.block_on(Smote::fit(cx, Arc::clone(&base), &labels, SmoteSpec::new("x")))?;
        let balance = cx.block_on(base.balance(cx, "label", Target::Uniform))?;
        let share = Schedule::constant(0.0).ramp(20..60, 0.8);
        Ok(balance.fill(Arc::new(smote), share)?.loader(cx).batch_size(13))
    }),
    ("balance, calibrated draws beside features", |cx, _| {
        let base = cached(cx, 3)?;
        let labels = Arc::new(cx.block_on(Labels::scan(cx, &base, "label"))?);
        let spec = CalibratedSpec {
            column: "x".to_owned(),
            rank: 4,
            ..CalibratedSpec::default()
        };
        let calibrated = cx.block_on(Calibrated::fit(cx, Arc::clone(&base), &labels, spec))?;
        let balance = cx.block_on(base.balance(cx, "label", Target::Uniform))?;
        Ok(balance.fill(Arc::new(calibrated), 0.6)?.loader(cx).batch_size(13))
    }),
    ("balance, blended pictures, image", |cx, _| {
        let base: Arc<dyn Stable> = Arc::new(fashion(cx));
        let labels = Arc::new(cx.block_on(Labels::scan(cx, &base, "label"))?);
        let blend = Blend::new(Arc::clone(&base), &labels, BlendSpec::default())?;
        let balance = cx.block_on(base.balance(cx, "label", Target::Sqrt))?;
        Ok(augmented(balance.fill(Arc::new(blend), 0.5)?)?
            .loader(cx)
            .batch_size(200))
    }),
    ("a mix under a schedule, of a balance and a shuffle", |cx, folder| {
        let balance = cx.block_on(table(&COUNTS).balance(cx, "label", Target::Uniform))?;
        let shuffled = spooled(cx, folder)?.with_labels(balance.labels())?.shuffle();
        let sources: Vec<(Arc<dyn Dataset>, Schedule)> = vec![
            (Arc::new(balance), Schedule::constant(0.9).ramp(10..90, 0.2)),
            (Arc::new(shuffled), Schedule::constant(0.1)),
        ];
        let mix = Mix::new(sources, StoppingStrategy::CycleForever)?.rows(50)?;
        Ok(mix.loader(cx).batch_size(13))
    }),
    ("boxes, masks, copy-paste, mosaic", |cx, _| {
        let stage = small().mask("mask").boxes(Boxes::default());
        let rows = with_targets(40).shuffle().image("image", stage)?;
        let pasted = rows.copy_paste("image", CopyPaste::new(Boxes::default()).mask("mask").window(4))?;
        let mosaic = Mosaic::new().mask("mask").boxes(Boxes::default()).window(8);
        Ok(pasted.mosaic("image", mosaic)?.loader(cx).batch_size(7))
    }),
    ("rank 1 of 3 of a padded shuffle", |cx, _| {
        let rows = pictures(&COUNTS).select((3..60).collect())?;
        let loader = augmented(rows.shuffle())?.loader(cx);
        Ok(loader.shard(1, 3).last_batch(LastBatch::Pad).batch_size(16))
    }),
    ("rank 2 of 4 of a dropped tail", |cx, _| {
        let balance = cx.block_on(table(&COUNTS).balance(cx, "label", Target::Sqrt))?;
        Ok(balance
            .loader(cx)
            .shard(2, 4)
            .last_batch(LastBatch::Drop)
            .batch_size(14))
    }),
];

fn small() -> Image {
    Image::new(8)
        .random_resized_crop(0.4..=1.0, 0.8..=1.2)
        .horizontal_flip(0.5)
        .gaussian_noise(0.1)
}

fn augmented<D: Dataset>(rows: D) -> Result<impl Dataset> {
    rows.image("image", small())
}

fn numbers() -> Result<BurnSource<i64>> {
    let rows = |items: Vec<i64>| {
        let column: ArrayRef = Arc::new(Int64Array::from(items));
        Ok(RecordBatch::try_from_iter([("id", column)])?)
    };
    let schema = rows(vec![])?.schema();
    BurnSource::new(InMemDataset::new((0..60).collect()), "numbers", schema, rows)
}

fn spooled(cx: &Context, folder: &Path) -> Result<Parquet> {
    let path = folder.join("spooled.parquet").display().to_string();
    let batches = common::in_batches(&common::rows(&common::mixed(&COUNTS)), 10);
    cx.block_on(spool(cx, path, || futures::stream::iter(batches.into_iter().map(Ok))))
}

fn cached(cx: &Context, views: u64) -> Result<Arc<dyn Stable>> {
    let below: Arc<dyn Stable> = Arc::new(pictures(&COUNTS).image("image", small())?.views(views)?);
    let labels = cx.block_on(below.column(cx, "label"))?;
    let labels: Vec<&dyn arrow::array::Array> = (0..views).map(|_| labels.as_ref()).collect();
    let label = arrow::compute::concat(&labels)?;
    let x = common::numbers(label.len());
    let rows = RecordBatch::try_from_iter([("label", label), ("x", x)])?;
    Ok(Arc::new(Cached::new(below, rows, Plan::new("numbers"))?))
}

/// A loader of `case`, with more threads and more depth the larger `way` is.
fn open(case: &str, folder: &Path, way: usize) -> Result<LoaderBuilder> {
    let cx = Context::with(1 + way % 3, 64 << 20)?;
    let loader = match CASES.iter().find(|(name, _)| *name == case) {
        Some((_, open)) => open(&cx, folder)?,
        None => pipelines::open(case)?.loader(&cx).batch_size(9),
    };
    Ok(loader.seed(7).depth(1 + way % 4))
}

/// The cases here, and the pipelines of rows with partners, and of pictures with what belongs to them.
fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(name, _)| *name).chain(pipelines::names())
}

/// The cursor before each batch of a run, and the batches.
fn run(case: &str, folder: &Path) -> (Vec<Cursor>, Vec<RecordBatch>) {
    let mut loader = open(case, folder, 1).unwrap().blocking().unwrap();
    let step = |_| {
        let before = loader.loader().cursor();
        let batch = loader.next().unwrap().unwrap();
        (before, batch.rows().clone())
    };
    (0..STEPS).map(step).unzip()
}

fn write(path: &Path, batches: &[RecordBatch]) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = StreamWriter::try_new(file, &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

fn read(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).unwrap();
    let reader = StreamReader::try_new(std::io::BufReader::new(file), None).unwrap();
    reader.map(|batch| batch.unwrap()).collect()
}

/// Runs the test `name` of this program alone, in a process of its own.
fn in_a_process(name: &str, case: &str, folder: &Path) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", &format!("resume::{name}"), "--nocapture"])
        .env(CASE, case)
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{case}: {said}{error}"
    );
}

/// Told where to look, or none: this is no child of a test here.
fn told() -> Option<(String, PathBuf)> {
    Some((std::env::var(CASE).ok()?, std::env::var_os(FOLDER)?.into()))
}

/// The rest of the run of a case, from the cursor that lies in the folder.
#[test]
#[ignore = "run by the other tests"]
fn rest() {
    let Some((case, folder)) = told() else { return };
    let cursor: Cursor = std::fs::read_to_string(folder.join("cursor")).unwrap().parse().unwrap();
    let step: usize = std::fs::read_to_string(folder.join("step")).unwrap().parse().unwrap();
    let shared = folder.parent().unwrap();
    let loader = open(&case, shared, step).unwrap().resume(&cursor).unwrap();
    let batches = loader.blocking().unwrap().take(STEPS - step);
    let rows: Vec<_> = batches.map(|batch| batch.unwrap().rows().clone()).collect();
    write(&folder.join("rest"), &rows);
}

#[test]
fn every_step_goes_on_in_a_fresh_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut tasks = Vec::new();
    for (number, case) in cases().enumerate() {
        let shared = folder.path().join(number.to_string());
        std::fs::create_dir(&shared).unwrap();
        let (cursors, batches) = run(case, &shared);
        for (step, cursor) in cursors.into_iter().enumerate() {
            let text = cursor.to_string();
            assert!(text.len() < 1000, "{case}: {} bytes: {text}", text.len());
            assert_eq!(text.parse::<Cursor>().unwrap(), cursor, "{case}");
            let folder = shared.join(format!("step {step}"));
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("cursor"), text).unwrap();
            std::fs::write(folder.join("step"), step.to_string()).unwrap();
            tasks.push((case, step, folder, batches.clone()));
        }
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((case, step, folder, batches)) = tasks.get(next.fetch_add(1, Ordering::SeqCst)) {
            in_a_process("rest", case, folder);
            assert!(
                read(&folder.join("rest")) == batches[*step..],
                "{case}: the rest of step {step} differs"
            );
        }
    };
    std::thread::scope(|scope| {
        (0..2).map(|_| scope.spawn(work)).for_each(drop);
    });
    println!("{} cases, {} fresh processes", cases().count(), tasks.len());
}

#[test]
fn ten_resumes_drift_by_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for case in cases() {
        let whole = |rows: u64, from: Option<&Cursor>, way: usize, batches: usize| {
            let loader = open(case, folder.path(), way).unwrap().batch_size(rows);
            let loader = from.map_or(Ok(loader.clone()), |cursor| loader.resume(cursor)).unwrap();
            let batches: Vec<_> = loader.blocking().unwrap().take(batches).map(Result::unwrap).collect();
            let cursor = batches.last().unwrap().cursor();
            (
                batches.iter().map(|batch| batch.rows().clone()).collect::<Vec<_>>(),
                cursor,
            )
        };
        // Batches so small that ten resumes fit into an epoch of the smallest case.
        let (expected, end) = whole(4, None, 0, 12);
        let (mut rows, mut cursor) = whole(4, None, 1, 1);
        for resume in 1..=10 {
            let (more, after) = whole(4, Some(&cursor), resume, 1);
            rows.extend(more);
            cursor = after;
        }
        rows.extend(whole(4, Some(&cursor), 3, 1).0);
        assert!(rows == expected, "{case}");
        assert!(end.position() > cursor.position());
    }
}

const GROUPS: u64 = 200;
const GROUP: u64 = 100;

/// 200 row groups of 100 rows of 1 kB.
fn write_many(path: &Path) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP as usize))
        .set_dictionary_enabled(false)
        .build();
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values(
        (0..GROUPS * GROUP).map(|row| row as i64 % 7),
    ));
    let mut rng = Rng::new(1, "bytes", 0);
    let mut bytes = vec![0; (GROUPS * GROUP) as usize * 1000];
    rng.fill(&mut bytes);
    let data: ArrayRef = Arc::new(BinaryArray::from_iter_values(bytes.chunks(1000)));
    let rows = RecordBatch::try_from_iter([("data", data), ("label", label)]).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

/// Bytes that this process has read so far.
fn bytes_read() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    io.lines()
        .find_map(|line| line.strip_prefix("rchar: "))
        .unwrap()
        .parse()
        .unwrap()
}

const WINDOW: u64 = 4;

fn many(cx: &Context, folder: &Path) -> Result<LoaderBuilder> {
    let rows = cx.block_on(Parquet::open(cx, &folder.join("many.parquet").display().to_string()))?;
    Ok(rows
        .shuffle_window(WINDOW as usize)
        .loader(cx)
        .batch_size(50)
        .depth(1)
        .seed(3))
}

fn many_balanced(cx: &Context, folder: &Path) -> Result<LoaderBuilder> {
    let rows = cx.block_on(Parquet::open(cx, &folder.join("many.parquet").display().to_string()))?;
    let cx = &cx.with_index(folder.join("index"));
    let rows = cx.block_on(rows.balance(cx, "label", Target::Weights(vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0])))?;
    Ok(rows.loader(cx).batch_size(50).depth(1).seed(3))
}

/// Opens, resumes, takes a batch, and writes down the bytes and the time that this took.
#[test]
#[ignore = "run by the other tests"]
fn first_batch() {
    let Some((case, folder)) = told() else { return };
    let (before, begun) = (bytes_read(), std::time::Instant::now());
    let cx = Context::with(2, 64 << 20).unwrap();
    let loader = if case == "balanced" { many_balanced } else { many };
    let mut loader = loader(&cx, &folder).unwrap();
    if let Ok(cursor) = std::fs::read_to_string(folder.join("cursor")) {
        loader = loader.resume(&cursor.parse().unwrap()).unwrap();
    }
    loader.blocking().unwrap().next().unwrap().unwrap();
    let text = format!("{} {}", bytes_read() - before, begun.elapsed().as_micros());
    std::fs::write(folder.join("cost"), text).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_resume_reads_no_more_the_further_it_is() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    write_many(&folder.path().join("many.parquet"));
    // What is scanned right after a file's last change is not kept.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let size = std::fs::metadata(folder.path().join("many.parquet")).unwrap().len();
    let rows = GROUPS * GROUP;
    for (case, open) in [("shuffled", many as Open), ("balanced", many_balanced)] {
        let _ = std::fs::remove_file(folder.path().join("cursor"));
        let once = || {
            in_a_process("first_batch", case, folder.path());
            let text = std::fs::read_to_string(folder.path().join("cost")).unwrap();
            let (bytes, micros) = text.split_once(' ').unwrap();
            (bytes.parse::<u64>().unwrap(), micros.parse::<u64>().unwrap())
        };
        // The second batch is under way once the first is there: how far it comes until all is dropped is a matter of luck, so
        // the least of three counts.
        let cost = || (0..3).map(|_| once()).min().unwrap();
        let (first, _) = once();
        println!("{case}: the very first start reads {first} bytes of {size}");
        let mut costs = Vec::new();
        for tenths in [1, 5, 9, 10 * 10] {
            let cx = Context::with(2, 64 << 20)?;
            let batches = (rows * tenths / 10).div_ceil(50);
            // The cursor there is that of a run which skips what comes before.
            let loader = open(&cx, folder.path())?.skip(batches).build()?;
            std::fs::write(folder.path().join("cursor"), loader.cursor().to_string())
                .map_err(|e| Error::io("cursor", e))?;
            costs.push((tenths, cost()));
        }
        for (tenths, (bytes, micros)) in &costs {
            println!("{case}: a resume after {tenths} tenths of an epoch reads {bytes} bytes in {micros} us");
        }
        let bytes = costs.iter().map(|(_, (bytes, _))| *bytes);
        let (least, most) = (bytes.clone().min().unwrap(), bytes.max().unwrap());
        if case == "shuffled" {
            // The footer, and no more than the row groups of the window.
            let window = WINDOW * (size / GROUPS) + size / 20;
            assert!(most <= window, "{most} bytes, a window is {window}");
            assert!(most - least <= size / GROUPS, "{least} to {most}");
        } else {
            assert!(most <= first, "{most} bytes, the first start read {first}");
            assert!(most - least <= most / 5, "{least} to {most}");
        }
    }
    Ok(())
}
