//! What grows with the data: rows, files, classes. Rows a second and memory should not.
//!
//! `cargo bench --bench growth [-- rows files same classes passes]`: a table for each, or for those that are named. Memory is
//! what a counting allocator saw at most while batches came, beyond what was there before the dataset was opened. Without `--bench` it only shows that everything runs.
#![cfg(feature = "testing")]
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

#[path = "../tests/common/counting.rs"]
mod counting;
#[path = "../src/exec/machine.rs"]
#[allow(dead_code, reason = "the library needs more of it")]
mod machine;

use counting::{NOW, PEAK};
use machine::cpu_seconds;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use millstream::loader::LoaderBuilder;
use millstream::mix::Target;
use millstream::source::{Memory, Parquet};
use millstream::testing::Virtual;
use millstream::{Context, DatasetExt, Result};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const MIB: f64 = (1 << 20) as f64;
/// The longest that a line may take.
const MOST: Duration = Duration::from_secs(2);
/// Rows of a file where files are many.
const ROWS: usize = 1_000;

/// Rows that are taken for each line, as far as time goes, those of the balanced epoch that is read over and over, and the
/// largest of everything.
struct Effort {
    taken: u64,
    epoch: i64,
    rows: u64,
    files: usize,
    classes: usize,
}

fn main() {
    let effort = match std::env::args().any(|argument| argument == "--bench") {
        true => Effort {
            taken: 20_000_000,
            epoch: 50_000,
            rows: 1_000_000_000,
            files: 10_000,
            classes: 10_000,
        },
        false => Effort {
            taken: 2_000,
            epoch: 20_000,
            rows: 100_000,
            files: 10,
            classes: 100,
        },
    };
    let parts = [
        ("rows", rows as fn(&Effort)),
        ("files", files),
        ("same", same_rows),
        ("classes", classes),
        ("passes", passes),
    ];
    let named = |name: &str| std::env::args().any(|argument| argument == name);
    let some = parts.iter().any(|(name, _)| named(name));
    for (_, part) in parts.iter().filter(|(name, _)| !some || named(name)) {
        part(&effort);
    }
}

/// 1, 10, 100, ... up to `most`, from `least` on.
fn tens(least: u64, most: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(least), |n| n.checked_mul(10)).take_while(move |&n| n <= most)
}

fn context() -> Context {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Context::with(threads, 256 << 20).unwrap()
}

fn heading(what: &str) {
    let [open, first, speed] = ["ms to open", "ms to 1st batch", "rows/s"];
    let [cpu, memory] = ["CPU s/M rows", "peak MiB"];
    println!("\n{what:<40} {open:>12} {first:>16} {speed:>12} {cpu:>13} {memory:>10}");
}

/// Opens, takes batches of 256, and prints a line.
fn line(name: &str, taken: u64, open: impl FnOnce(&Context) -> Result<LoaderBuilder>) {
    let before = NOW.load(Ordering::SeqCst);
    PEAK.store(before, Ordering::SeqCst);
    let (begun, cx) = (Instant::now(), context());
    let loader = open(&cx).unwrap().batch_size(256);
    let opened = begun.elapsed();
    let mut batches = loader.blocking().unwrap();
    black_box(batches.next().unwrap().unwrap());
    let first = begun.elapsed() - opened;
    let (begun, busy) = (Instant::now(), cpu_seconds());
    let (mut rows, mut spent) = (0, Duration::ZERO);
    while rows < taken && spent < MOST {
        rows += black_box(batches.next().unwrap().unwrap()).len() as u64;
        spent = begun.elapsed();
    }
    let peak = (PEAK.load(Ordering::SeqCst) - before) as f64 / MIB;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let speed = rows as f64 / spent.as_secs_f64();
    let busy = cpu_seconds()
        .zip(busy)
        .map_or(f64::NAN, |(after, before)| after - before);
    let cpu = busy / rows as f64 * 1e6;
    println!(
        "{name:<40} {:>12.1} {:>16.1} {speed:>12.0} {cpu:>13.2} {peak:>10.1}",
        ms(opened),
        ms(first)
    );
}

/// Rows that are worked out, not read: what the loader and its orders cost.
fn rows(effort: &Effort) {
    heading("rows, worked out, shuffled");
    for rows in tens(10_000, effort.rows) {
        line(&rows.to_string(), effort.taken, |cx| {
            Ok(Virtual::new(rows, 10)?.shuffle().loader(cx))
        });
    }
    heading("rows, worked out, ten classes, uniform");
    for rows in tens(10_000, effort.rows / 100) {
        line(&rows.to_string(), effort.taken, |cx| {
            let rows = Virtual::new(rows, 10)?;
            Ok(cx.block_on(rows.balance(cx, "label", Target::Uniform))?.loader(cx))
        });
    }
}

/// `rows` rows with the label of each.
fn batch(labels: impl Iterator<Item = i64>) -> RecordBatch {
    const WIDTH: usize = 8;
    let label = Int64Array::from_iter_values(labels);
    let x = Float32Array::from_iter_values((0..arrow::array::Array::len(&label) * WIDTH).map(|i| i as f32));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let x = FixedSizeListArray::try_new(item, WIDTH as i32, Arc::new(x), None).unwrap();
    RecordBatch::try_from_iter([("x", Arc::new(x) as ArrayRef), ("label", Arc::new(label) as ArrayRef)]).unwrap()
}

fn write(path: &Path, rows: &RecordBatch, group: usize) {
    let properties = parquet::file::properties::WriterProperties::builder();
    let properties = properties.set_max_row_group_row_count(Some(group)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// The same rows in more and more files.
fn files(effort: &Effort) {
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rows = batch((0..ROWS as i64).map(|row| row % 10));
    heading(&format!("files of {ROWS} rows, shuffled"));
    let mut there = 0;
    for files in tens(1, effort.files as u64) {
        for file in there..files {
            let path = folder.path().join(format!("{:03}", file / 100));
            std::fs::create_dir_all(&path).unwrap();
            write(&path.join(format!("{file:06}.parquet")), &rows, ROWS);
        }
        there = files;
        let path = folder.path().to_str().unwrap();
        line(&files.to_string(), effort.taken, |cx| {
            Ok(cx.block_on(Parquet::open(cx, path))?.shuffle().loader(cx))
        });
        let indexed = |cx: &Context| cx.block_on(Parquet::open(&cx.with_index(index.path()), path));
        indexed(&context()).unwrap();
        line(&format!("{files}, again with an index"), effort.taken, |cx| {
            Ok(indexed(cx)?.shuffle().loader(cx))
        });
        line(&format!("{files}, balanced"), effort.taken, |cx| {
            let rows = cx.block_on(Parquet::open(cx, path))?;
            Ok(cx.block_on(rows.balance(cx, "label", Target::Uniform))?.loader(cx))
        });
    }
}

/// The same rows, in row groups of the same size, in more and more files: what a file costs, and nothing else.
fn same_rows(effort: &Effort) {
    heading(&format!("{} rows in as many files, shuffled", ROWS * effort.files));
    for files in tens(1, effort.files as u64) {
        let folder = tempfile::tempdir().unwrap();
        let rows = batch((0..(ROWS * effort.files) as i64 / files as i64).map(|row| row % 10));
        for file in 0..files {
            let path = folder.path().join(format!("{:03}", file / 100));
            std::fs::create_dir_all(&path).unwrap();
            write(&path.join(format!("{file:06}.parquet")), &rows, ROWS);
        }
        let path = folder.path().to_str().unwrap();
        line(&files.to_string(), effort.taken, |cx| {
            Ok(cx.block_on(Parquet::open(cx, path))?.shuffle().loader(cx))
        });
        line(&format!("{files}, balanced"), effort.taken, |cx| {
            let rows = cx.block_on(Parquet::open(cx, path))?;
            Ok(cx.block_on(rows.balance(cx, "label", Target::Uniform))?.loader(cx))
        });
    }
}

fn classes(effort: &Effort) {
    const ROWS: i64 = 200_000;
    heading("classes of 200,000 rows in memory, uniform");
    for classes in std::iter::once(2).chain(tens(10, effort.classes as u64)) {
        let rows = batch((0..ROWS).map(|row| row % classes as i64));
        line(&classes.to_string(), effort.taken, |cx| {
            let rows = Memory::new(vec![rows])?;
            Ok(cx.block_on(rows.balance(cx, "label", Target::Uniform))?.loader(cx))
        });
    }
}

/// What a balanced epoch after the first one reads, beside what is said of it.
fn passes(effort: &Effort) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tail.parquet");
    // Ten classes, each half as frequent as the one before, spread over all row groups.
    let rows = effort.epoch;
    let class = |row: i64| i64::from((row.wrapping_mul(0x9e37_79b9) as u64 >> 3).trailing_zeros().min(9));
    write(&path, &batch((0..rows).map(class)), (rows / 100) as usize);
    let size = std::fs::metadata(&path).unwrap().len() as f64;
    println!(
        "\n{:<40} {:>12} {:>12} {:>12}",
        "a balanced epoch of ten classes reads", "passes", "said", "rows/s"
    );
    for kib in [64, 256, 512, 1024, 2048, 4096, 1 << 18] {
        let cx = Context::with(2, kib << 10).unwrap();
        let source = cx.block_on(Parquet::open(&cx, path.to_str().unwrap())).unwrap();
        let balanced = cx.block_on(source.balance(&cx, "label", Target::Uniform)).unwrap();
        let said = balanced.passes();
        let batches = balanced.loader(&cx).batch_size(256).epochs(3).blocking().unwrap();
        let (mut taken, mut epoch, mut before) = (0, Instant::now(), 0.0);
        for batch in batches {
            taken += black_box(batch.unwrap()).len() as i64;
            if before == 0.0 && taken >= rows {
                (epoch, before) = (Instant::now(), read_bytes());
            }
        }
        let (passes, speed) = (
            (read_bytes() - before) / size / 2.0,
            2.0 * rows as f64 / epoch.elapsed().as_secs_f64(),
        );
        println!(
            "{:<40} {passes:>12.1} {said:>12.1} {speed:>12.0}",
            format!("{kib} KiB of memory")
        );
    }
}

/// Bytes that this process has read, from the page cache too.
fn read_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("rchar: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(f64::NAN)
}
