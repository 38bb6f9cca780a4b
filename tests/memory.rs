//! Memory is bounded in bytes: what `explain()` prints holds.
#![cfg(feature = "testing")]
#![allow(missing_docs, clippy::print_stdout, reason = "tests; figures")]

mod common;
#[path = "common/counting.rs"]
mod counting;

use counting::{NOW, PEAK};

use arrow::array::{ArrayRef, BinaryArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use millstream::image::Image;
use millstream::import::{Import, ImportSpec};
use millstream::inspect::Leaks;
use millstream::loader::LoaderBuilder;
use millstream::mix::{Mix, SegmentsSpec, StoppingStrategy, Target};
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::{Folder, Parquet};
use millstream::synthetic::{Gate, GateSpec, Gated, MixUp, generators};
use millstream::testing::Virtual;
use millstream::{Context, Dataset, DatasetExt, Result, Stable};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One measurement at a time.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;

/// The most bytes that `work` had in use beyond what was before.
fn peak(work: impl FnOnce()) -> usize {
    let before = settled();
    PEAK.store(before, Ordering::SeqCst);
    work();
    PEAK.load(Ordering::SeqCst) - before
}

/// Bytes in use once threads that were left to themselves have ended.
fn settled() -> usize {
    let mut now = NOW.load(Ordering::SeqCst);
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let later = NOW.load(Ordering::SeqCst);
        if later == now {
            return now;
        }
        now = later;
    }
}

/// `groups` row groups of `bytes` bytes of values each, 64 KiB a row, of two classes, one of them rare.
fn write(path: &Path, groups: usize, bytes: usize) {
    write_beside(path, groups, bytes, false);
}

/// As [`write`], with two numbers beside the values of a row, if so wanted.
fn write_beside(path: &Path, groups: usize, bytes: usize, with_numbers: bool) {
    const ROW: usize = 64 << 10;
    let rows = bytes / ROW;
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows))
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .build();
    let mut writer: Option<ArrowWriter<std::fs::File>> = None;
    let mut left = groups * rows;
    let mut rng = Rng::new(1, "bytes", 0);
    while left > 0 {
        let some = left.min(64);
        let mut values = vec![0; some * ROW];
        rng.fill(&mut values);
        let image: ArrayRef = Arc::new(BinaryArray::from_iter_values(values.chunks(ROW)));
        let label = (0..some).map(|row| i64::from((left - row).is_multiple_of(29)));
        let label: ArrayRef = Arc::new(Int64Array::from_iter_values(label));
        let mut columns = vec![("image", image), ("label", label)];
        if with_numbers {
            for name in ["a", "b"] {
                let numbers = Float32Array::from_iter_values((0..some).map(|_| rng.normal()));
                columns.push((name, Arc::new(numbers)));
            }
        }
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let writer = writer.get_or_insert_with(|| {
            let file = std::fs::File::create(path).unwrap();
            ArrowWriter::try_new(file, batch.schema(), Some(properties.clone())).unwrap()
        });
        writer.write(&batch).unwrap();
        left -= some;
    }
    writer.unwrap().close().unwrap();
}

/// The bound that `explain()` prints, in bytes.
fn printed(builder: &LoaderBuilder) -> usize {
    let text = builder.explain();
    let (_, rest) = text.split_once("at most ").unwrap();
    let (mib, _) = rest.split_once(" MiB of memory").unwrap();
    mib.parse::<usize>().unwrap() * MIB
}

/// Runs a loader over `path` and gives its bound, and the peak.
fn measure(
    path: &Path,
    memory: usize,
    how: impl Fn(&Context, Parquet) -> LoaderBuilder,
    batches: usize,
) -> (usize, usize) {
    let (mut bound, mut failed) = (0, None);
    let peak = peak(|| {
        let cx = Context::with(2, memory as u64).unwrap();
        let rows = cx.block_on(Parquet::open(&cx, path.to_str().unwrap())).unwrap();
        let builder = how(&cx, rows).batch_size(32).seed(1);
        bound = printed(&builder);
        for batch in builder.blocking().unwrap().take(batches) {
            match batch {
                // A slow consumer: everything that may be made ahead is.
                Ok(_) => std::thread::sleep(Duration::from_millis(3)),
                Err(error) => failed = Some(error),
            }
        }
    });
    assert!(failed.is_none(), "{failed:?}");
    (bound, peak)
}

fn shuffled(cx: &Context, rows: Parquet) -> LoaderBuilder {
    rows.shuffle().loader(cx).depth(8)
}

fn balanced(cx: &Context, rows: Parquet) -> LoaderBuilder {
    cx.block_on(rows.balance(cx, "label", Target::Uniform))
        .unwrap()
        .loader(cx)
        .depth(3)
}

fn check(sizes: &[(usize, usize)], budgets: &[usize], batches: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    let mut over = Vec::new();
    for &(groups, bytes) in sizes {
        write(&path, groups, bytes);
        for &memory in budgets {
            for (name, how) in [
                ("shuffled", shuffled as fn(&Context, Parquet) -> LoaderBuilder),
                ("balanced", balanced),
            ] {
                let (bound, peak) = measure(&path, memory, how, batches);
                let line = format!(
                    "{groups:>3} row groups of {:>5} MiB, budget {:>4} MiB, {name}: bound {:>5} MiB, peak {:>7.1} MiB",
                    bytes / MIB,
                    memory / MIB,
                    bound / MIB,
                    peak as f64 / MIB as f64
                );
                println!("{line}");
                if peak > bound {
                    over.push(line);
                }
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

#[test]
fn the_peak_is_below_the_bound() {
    check(
        &[(160, MIB), (12, 16 * MIB), (2, 130 * MIB)],
        &[8 * MIB, 64 * MIB, 256 * MIB],
        40,
    );
}

/// A row a file: 64 KiB each, of two classes, one of them rare, and two of 12 MiB.
#[test]
fn a_folder_stays_below_its_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(1, "bytes", 0);
    for at in 0..600 {
        let class = dir.path().join(if at % 29 == 0 { "rare" } else { "common" });
        std::fs::create_dir_all(&class).unwrap();
        let mut bytes = vec![0; if at % 300 == 7 { 12 * MIB } else { 64 << 10 }];
        rng.fill(&mut bytes);
        std::fs::write(class.join(format!("{at:03}.jpg")), bytes).unwrap();
    }
    let shuffled = |cx: &Context, rows: Folder| rows.shuffle().loader(cx).depth(8);
    let balanced = |cx: &Context, rows: Folder| {
        let rows = cx.block_on(rows.balance(cx, "label", Target::Uniform)).unwrap();
        rows.loader(cx).depth(3)
    };
    for memory in [8 * MIB, 64 * MIB, 256 * MIB] {
        for (name, how) in [
            ("shuffled", &shuffled as &dyn Fn(&Context, Folder) -> LoaderBuilder),
            ("balanced", &balanced),
        ] {
            let mut bound = 0;
            let peak = peak(|| {
                let cx = Context::with(2, memory as u64).unwrap();
                let rows = cx.block_on(Folder::open(&cx, dir.path().to_str().unwrap())).unwrap();
                let builder = how(&cx, rows).batch_size(32).seed(1);
                bound = printed(&builder);
                for batch in builder.blocking().unwrap().take(40) {
                    batch.unwrap();
                    std::thread::sleep(Duration::from_millis(3));
                }
            });
            let (bound, peak) = (bound as f64 / MIB as f64, peak as f64 / MIB as f64);
            println!(
                "folder, budget {} MiB, {name}: bound {bound} MiB, peak {peak:.1} MiB",
                memory / MIB
            );
            assert!(peak <= bound, "{name}: {peak} MiB, {bound} is the bound");
        }
    }
}

/// What an import takes beyond the budget: four row groups, the one that is gathered, put together, encoded and with checksums.
#[test]
fn an_import_stays_below_its_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    write(&path, 24, 8 * MIB);
    let spec = ImportSpec::default();
    for memory in [16 * MIB, 64 * MIB] {
        let out = dir.path().join(format!("out-{memory}"));
        let peak = peak(|| {
            let cx = Context::with(2, memory as u64).unwrap();
            let import = Import::open(&cx, &[path.to_str().unwrap()], spec.clone()).unwrap();
            let done = import.run(&cx, &out, &mut |_, _| ()).unwrap();
            assert_eq!(done.rows(), 24 * 8 * 16);
        });
        let bound = memory + 4 * spec.row_group_bytes as usize;
        println!("budget {} MiB: peak {:.1} MiB", memory / MIB, peak as f64 / MIB as f64);
        assert!(peak < bound, "{peak} bytes, more than {bound}");
    }
}

/// What is kept of a row is its hash and little more, however long the row is; what does not fit is refused before anything is read.
#[test]
fn a_search_for_leaks_keeps_a_hundred_bytes_a_row() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let (rows, length) = (60_000_usize, 1024);
    let texts = |split: u64, name: &str| {
        let path = folder.path().join(name);
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(2000))
            .set_dictionary_enabled(false)
            .build();
        let schema = Arc::new(arrow::datatypes::Schema::new(vec![Field::new(
            "text",
            DataType::Utf8,
            false,
        )]));
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).unwrap();
        for start in (0..rows).step_by(2000) {
            let text = (start..start + 2000).map(|row| {
                // One row in a hundred is in both.
                let key = if row % 100 == 0 {
                    row as u64
                } else {
                    split << 40 | row as u64
                };
                format!("{key:020}").repeat(length / 20)
            });
            let texts: ArrayRef = Arc::new(arrow::array::StringArray::from_iter_values(text));
            writer
                .write(&RecordBatch::try_new(Arc::clone(&schema), vec![texts]).unwrap())
                .unwrap();
        }
        writer.close().unwrap();
        path.display().to_string()
    };
    let leaks = Leaks::new([texts(1, "train.parquet")], [texts(2, "test.parquet")]);
    let budget = 32 * MIB;
    let cx = Context::with(2, budget as u64).unwrap();
    let mut found = 0;
    let peak = peak(|| found = leaks.run(&cx, &mut |_, _, _| {}).unwrap().leaked());
    assert_eq!(found, 600);
    // The texts of one set alone take 60 MiB. Beside the budget: hashes of the rows, and the rows that are looked at for distances.
    let bound = budget + 2 * rows * 100 + budget / 2;
    println!("peak {} MiB of {} MiB", peak / MIB, bound / MIB);
    assert!(peak <= bound, "{} MiB, and not {}", peak / MIB, bound / MIB);
}

/// However many sources there are, they have one budget: four files, of which each alone would fill its half for decoded blocks.
#[test]
fn four_sources_stay_below_the_bound_of_one() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let names = ["a.parquet", "b.parquet", "c.parquet", "d.parquet"];
    for name in names {
        write(Path::new(&path(name)), 24, MIB);
    }
    let (mut bound, mut one) = (0, 0);
    let peak = peak(|| {
        let cx = Context::with(2, 32 * MIB as u64).unwrap();
        let open = |name| cx.block_on(Parquet::open(&cx, path(name))).unwrap();
        one = printed(&open(names[0]).shuffle().loader(&cx).batch_size(32));
        let source = |name| (Arc::new(open(name).shuffle()) as Arc<dyn Dataset>, 0.25);
        let mix = Mix::new(names.map(source).to_vec(), StoppingStrategy::CycleForever).unwrap();
        let builder = mix.loader(&cx).batch_size(32).depth(8);
        bound = printed(&builder);
        for batch in builder.blocking().unwrap().take(100) {
            batch.unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    println!(
        "a mix of four files: bound {} MiB, of one {} MiB, peak {:.1} MiB",
        bound / MIB,
        one / MIB,
        peak as f64 / MIB as f64
    );
    assert!(bound <= one + MIB, "{bound} bytes for four, {one} for one");
    assert!(peak <= one, "{peak} bytes, {one} is the bound of one");
    // What is there for blocks is used.
    assert!(peak >= 16 * MIB, "{peak} bytes");
}

/// Three files, two of them with rare rows that are held.
#[test]
fn a_mix_of_files_stays_below_its_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    for name in ["a.parquet", "b.parquet", "c.parquet"] {
        write(Path::new(&path(name)), 40, 2 * MIB);
    }
    for memory in [8 * MIB, 64 * MIB] {
        let mut bound = 0;
        let peak = peak(|| {
            let cx = Context::with(2, memory as u64).unwrap();
            let open = |name| cx.block_on(Parquet::open(&cx, path(name))).unwrap();
            let balance = |name| cx.block_on(open(name).balance(&cx, "label", Target::Uniform)).unwrap();
            let labels = Arc::clone(balance("a.parquet").labels());
            let sources: Vec<(Arc<dyn Dataset>, f64)> = vec![
                (Arc::new(balance("a.parquet")), 0.4),
                (Arc::new(balance("b.parquet")), 0.3),
                (Arc::new(open("c.parquet").with_labels(&labels).unwrap().shuffle()), 0.3),
            ];
            let mix = Mix::new(sources, StoppingStrategy::CycleForever).unwrap();
            let builder = mix.loader(&cx).batch_size(32).depth(8);
            bound = printed(&builder);
            for batch in builder.blocking().unwrap().take(100) {
                batch.unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        println!(
            "a mix of three files, budget {} MiB: bound {} MiB, peak {:.1} MiB",
            memory / MIB,
            bound / MIB,
            peak as f64 / MIB as f64
        );
        assert!(peak <= bound, "{peak} bytes, {bound} were said");
    }
}

/// The rare class filled up: with rows that SMOTE makes, of two parents each; with those of a bank, which is a file of its own and so small that they
/// come again; and with rows behind a gate, of which some are made again while those that pass are kept.
#[test]
fn filled_balances_stay_below_their_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let [path, made] = ["rows.parquet", "made.parquet"].map(|name| dir.path().join(name));
    write_beside(&path, 40, 2 * MIB, true);
    write_beside(&made, 10, 2 * MIB, true);
    let smote = r#"{"smote": {"columns": ["a", "b"]}}"#.to_owned();
    let bank = format!(r#"{{"rows": {{"path": {:?}}}}}"#, made.display().to_string());
    let mut over = Vec::new();
    for memory in [16 * MIB, 64 * MIB] {
        for (name, spec, is_gated) in [("smote", &smote, false), ("bank", &bank, false), ("gate", &smote, true)] {
            let how = |cx: &Context, rows: Parquet| {
                let rows: Arc<dyn Stable> = Arc::new(rows);
                let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label")).unwrap());
                let spec = generators().read_json(spec).unwrap();
                let mut generator = cx.block_on(spec.fit(cx, Arc::clone(&rows), &labels)).unwrap();
                if is_gated {
                    let spec = GateSpec {
                        least_distance: 0.5,
                        attempts: 64,
                        ..GateSpec::new(["a", "b"])
                    };
                    let gate = cx.block_on(Gate::fit(cx, &rows, &labels, spec)).unwrap();
                    generator = Arc::new(Gated::new(generator, gate));
                }
                let balance = cx.block_on(rows.balance(cx, "label", Target::Uniform)).unwrap();
                balance.fill(generator, 0.8).unwrap().loader(cx).depth(3)
            };
            let (bound, peak) = measure(&path, memory, how, 40);
            let line = format!(
                "filled by {name}, budget {} MiB: bound {} MiB, peak {:.1} MiB",
                memory / MIB,
                bound / MIB,
                peak as f64 / MIB as f64
            );
            println!("{line}");
            if peak > bound {
                over.push(line);
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

#[test]
fn segments_of_a_stream_stay_below_their_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream.parquet");
    write(&path, 30, 4 * MIB);
    let spec = SegmentsSpec {
        rows: 64,
        emit: Some(32),
        classes: ["0", "1"].map(str::to_owned).to_vec(),
        most_bytes: 6 << 20,
        ..SegmentsSpec::default()
    };
    // A segment of 4 MiB has room in seven sixteenths of 92 MiB less 16 MiB, six times.
    for memory in [128 * MIB, 256 * MIB] {
        let how = |cx: &Context, rows: Parquet| rows.segments(&spec).unwrap().loader(cx).depth(8);
        let (bound, peak) = measure(&path, memory, how, 60);
        assert!(bound <= memory, "{bound} bytes are said, of a budget of {memory}");
        println!(
            "segments, budget {} MiB: bound {} MiB, peak {:.1} MiB",
            memory / MIB,
            bound / MIB,
            peak as f64 / MIB as f64
        );
        assert!(peak <= bound, "{peak} bytes, {bound} were said");
    }
}

/// `cargo test --release --test memory -- --ignored --nocapture`: also with row groups of 1 GB, for which it writes 2 GB.
#[test]
#[ignore = "writes 2 GB"]
fn the_peak_is_below_the_bound_for_a_gigabyte() {
    check(&[(2, 1024 * MIB)], &[64 * MIB, 256 * MIB, 1024 * MIB], 60);
}

#[test]
fn ten_thousand_early_breaks_leave_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let cx = Context::with(2, 64 << 20).unwrap();
    let rows = common::fashion(&cx);
    let run = |count: u64| {
        for seed in 0..count {
            let mut loader = rows
                .clone()
                .shuffle()
                .loader(&cx)
                .batch_size(16)
                .seed(seed)
                .blocking()
                .unwrap();
            loader.next().unwrap().unwrap();
        }
    };
    run(200);
    let before = settled();
    let bound = printed(&rows.clone().shuffle().loader(&cx).batch_size(16));
    let peak = peak(|| run(10_000));
    let after = settled();
    println!(
        "10,000 early breaks: peak {peak} bytes more, {} bytes more afterwards",
        after as i64 - before as i64
    );
    assert!(peak < bound);
    assert!(after <= before + MIB, "{before} bytes before, {after} after");
}

#[test]
fn a_dropped_context_leaves_nothing() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let once = || -> Result<()> {
        let cx = Context::with(2, 16 << 20)?;
        let mut loader = common::fashion(&cx).shuffle().loader(&cx).blocking()?;
        loader.next().unwrap().map(drop)
    };
    (0..5).try_for_each(|_| once())?;
    let before = settled();
    (0..50).try_for_each(|_| once())?;
    let after = settled();
    assert!(
        after <= before + MIB,
        "{before} bytes before, {after} after 50 contexts"
    );
    Ok(())
}

/// Bytes a row that what `open` makes of `rows` rows keeps, and the most that making it took.
fn table(cx: &Context, rows: u64, open: impl FnOnce(&Context) -> Arc<dyn Dataset>) -> (f64, f64) {
    let (before, mut kept) = (settled(), None);
    let peak = peak(|| kept = Some(open(cx)));
    let after = settled();
    drop(kept);
    let a_row = |bytes: usize| bytes as f64 / rows as f64;
    (a_row(after.saturating_sub(before)), a_row(peak))
}

#[test]
fn a_balance_takes_five_bytes_a_row_and_no_more_than_ten_to_open() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    const ROWS: u64 = 2_000_000;
    let cx = Context::with(2, 4 * MIB as u64).unwrap();
    let worked_out = table(&cx, ROWS, |cx| {
        let rows = Virtual::new(ROWS, 10).unwrap();
        Arc::new(cx.block_on(rows.balance(cx, "label", Target::Uniform)).unwrap())
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("labels.parquet");
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| row % 7)));
    let batch = RecordBatch::try_from_iter([("label", label)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(50_000))
        .build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    drop(batch);
    let stored = table(&cx, ROWS, |cx| {
        let rows = cx.block_on(Parquet::open(cx, path.to_str().unwrap())).unwrap();
        Arc::new(cx.block_on(rows.balance(cx, "label", Target::Uniform)).unwrap())
    });
    for (name, (kept, peak)) in [("worked out", worked_out), ("stored", stored)] {
        println!("labels that are {name}: {kept:.1} bytes a row, {peak:.1} to open");
        assert!(kept <= 5.5, "{name}: {kept}");
        assert!(
            peak <= 10.0 + if name == "stored" { 1.0 } else { 0.0 },
            "{name}: {peak}"
        );
    }
}

/// An hour of epochs: balanced, augmented and mixed pictures, and every epoch a second loader that is dropped at its first
/// batch. Bytes in use are read where an epoch ends, and a line is fitted to them.
///
/// `MILLSTREAM_SOAK=3600 cargo test --release --test memory -- --ignored --nocapture soak`
#[test]
#[ignore = "as long as MILLSTREAM_SOAK says, in seconds; 20 where it says nothing"]
fn soak() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = std::env::var("MILLSTREAM_SOAK").map_or(20.0, |seconds| seconds.parse().unwrap());
    let cx = Context::with(2, 64 << 20).unwrap();
    let image = Image::new(32)
        .random_resized_crop(0.5..=1.0, 0.8..=1.25)
        .gaussian_noise(0.1);
    let rows = cx.block_on(common::fashion(&cx).balance(&cx, "label", Target::Uniform));
    let rows = rows.unwrap().image("image", image).unwrap();
    let rows = Arc::new(rows.mixup("image", "label", MixUp::new(0.4).num_classes(10)).unwrap());
    let len = rows.len().finite().unwrap();
    let loader = || Arc::clone(&rows).loader(&cx).batch_size(64).seed(1);
    let begun = std::time::Instant::now();
    // Four points a second at most, so that they need no memory beyond what they have from the start.
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(4 * seconds as usize + 8);
    let (mut batches, mut epochs) = (loader().blocking().unwrap(), 0);
    let mut last = None;
    while begun.elapsed().as_secs_f64() < seconds {
        let batch = batches.next().unwrap().unwrap();
        let epoch = batch.positions()[0] / len;
        std::thread::sleep(Duration::from_millis(1));
        if last.replace(epoch).is_some_and(|last| last != epoch) {
            epochs += 1;
            loader().blocking().unwrap().next().unwrap().unwrap();
            let now = begun.elapsed().as_secs_f64();
            if points.last().is_none_or(|last| now - last.0 > 0.25) {
                points.push((now, NOW.load(Ordering::SeqCst) as f64));
            }
        }
    }
    // The first tenth is for what is made once.
    let points = &points[points.len() / 10..];
    let slope = slope(points);
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let rest: Vec<f64> = x.iter().zip(&y).map(|(x, y)| y - slope * x).collect();
    let mean = rest.iter().sum::<f64>() / rest.len() as f64;
    let spread = rest.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let middle = x.iter().sum::<f64>() / x.len() as f64;
    let width: f64 = x.iter().map(|x| (x - middle).powi(2)).sum();
    let error = (spread / (rest.len() as f64 - 2.0) / width).sqrt();
    println!(
        "{epochs} epochs in {seconds} s: slope {:.1} kB an hour, standard error {:.1}; {:.1} MB in use",
        slope * 3.6,
        error * 3.6,
        mean / 1e6
    );
    assert!(slope <= 4.0 * error, "{slope} bytes a second, {error}");
}

/// Of the line through `points` with the smallest squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let over: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    over / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

/// Gates and interpolations: what they take while they are fitted, and what they keep.
#[path = "memory/synthetic.rs"]
mod synthetic;

/// Masks, points, oriented boxes, pasted objects, mosaics, blended rows.
#[path = "memory/targets.rs"]
mod targets;
