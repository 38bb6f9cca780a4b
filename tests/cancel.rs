//! What is read ahead and then not wanted is not read; what is in memory is of all sources together.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use millstream::mix::{Mix, StoppingStrategy, Target};
use millstream::rng::Rng;
use millstream::source::Parquet;
use millstream::testing::{CacheUse, cache_use};
use millstream::{Context, Dataset, DatasetExt, Prepared, exec};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One test at a time: some count the bytes that the process reads.
static ALONE: Mutex<()> = Mutex::new(());
const MIB: u64 = 1 << 20;

/// Rows of a row group, of 64 KiB each.
const GROUP: u64 = 16;

/// `groups` row groups of 1 MiB, with `id`, `label` (one row in eight is of the rare class 1) and `image`.
fn write(path: &Path, groups: u64) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP as usize))
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .build();
    let mut writer: Option<ArrowWriter<std::fs::File>> = None;
    let mut rng = Rng::new(1, "bytes", 0);
    for group in 0..groups {
        let mut values = vec![0; MIB as usize];
        rng.fill(&mut values);
        let ids = group * GROUP..(group + 1) * GROUP;
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(ids.clone().map(|row| row as i64)));
        let label: ArrayRef = Arc::new(Int64Array::from_iter_values(ids.map(|row| i64::from(row % 8 == 0))));
        let image: ArrayRef = Arc::new(BinaryArray::from_iter_values(values.chunks((MIB / GROUP) as usize)));
        let batch = RecordBatch::try_from_iter([("id", id), ("label", label), ("image", image)]).unwrap();
        let writer = writer.get_or_insert_with(|| {
            let file = std::fs::File::create(path).unwrap();
            ArrowWriter::try_new(file, batch.schema(), Some(properties.clone())).unwrap()
        });
        writer.write(&batch).unwrap();
    }
    writer.unwrap().close().unwrap();
}

struct Files(tempfile::TempDir);

impl Files {
    fn new(names: &[&str], groups: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            write(&dir.path().join(name), groups);
        }
        Self(dir)
    }

    fn open(&self, cx: &Context, name: &str) -> Parquet {
        let path = self.0.path().join(name).display().to_string();
        cx.block_on(Parquet::open(cx, path)).unwrap()
    }
}

/// Bytes that this process has read, where the system tells.
fn read() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("rchar: "));
    line.map_or(0, |bytes| bytes.parse().unwrap())
}

/// The first row of each of some blocks.
fn firsts(blocks: std::ops::Range<u64>) -> Vec<u64> {
    blocks.map(|block| block * GROUP).collect()
}

fn ids(batch: &RecordBatch) -> Vec<u64> {
    let ids = batch.column_by_name("id").unwrap().as_primitive::<Int64Type>();
    ids.values().iter().map(|&id| id as u64).collect()
}

/// Keeps the only thread of `cx` busy until the sender is dropped, so that no read comes to its end.
fn closed(cx: &Context) -> (Sender<()>, exec::Task<()>) {
    let (open, wait) = channel::<()>();
    let (begin, begun) = channel();
    let inner = cx.clone();
    let task = cx.spawn(async move {
        let work = move || {
            begin.send(()).unwrap();
            let _ = wait.recv();
            Ok(())
        };
        inner.compute(work).await
    });
    begun.recv().unwrap();
    (open, task)
}

/// Waits until nothing is read any more.
fn settle(cx: &Context) -> CacheUse {
    let begun = Instant::now();
    while cache_use(cx).loading > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", cache_use(cx));
        std::thread::sleep(Duration::from_millis(1));
    }
    cache_use(cx)
}

const NOTHING: CacheUse = CacheUse {
    blocks: 0,
    bytes: 0,
    loading: 0,
};

#[test]
fn dropping_what_was_prefetched_cancels_its_reads() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (files, cx) = (Files::new(&["a"], 6), Context::with(1, 64 * MIB).unwrap());
    let rows = files.open(&cx, "a");
    let (open, gate) = closed(&cx);
    let before = read();
    let prepared = rows.prepare(&cx, &firsts(0..5));
    assert_eq!(cache_use(&cx), NOTHING);
    prepared.prefetch();
    // As many as there are threads, and one more; a second call begins nothing anew.
    prepared.prefetch();
    let under_way = CacheUse { loading: 2, ..NOTHING };
    assert_eq!(cache_use(&cx), under_way);
    drop(prepared);
    assert_eq!(cache_use(&cx), NOTHING);
    drop(open);
    cx.block_on(gate).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(cache_use(&cx), NOTHING);
    let spent = read() - before;
    assert!(spent < MIB / 4, "{spent} bytes were read");
    // Nothing is broken by it.
    assert_eq!(ids(&cx.block_on(rows.take(&cx, &firsts(0..5))).unwrap()), firsts(0..5));
    assert_eq!(settle(&cx).blocks, 5);
}

#[test]
fn who_else_wants_a_block_still_gets_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (files, cx) = (Files::new(&["a"], 6), Context::with(1, 64 * MIB).unwrap());
    let rows = files.open(&cx, "a");
    let (open, gate) = closed(&cx);
    let before = read();
    let (first, second) = (rows.prepare(&cx, &firsts(0..2)), rows.prepare(&cx, &firsts(1..2)));
    first.prefetch();
    second.prefetch();
    assert_eq!(cache_use(&cx).loading, 2);
    drop(first);
    assert_eq!(cache_use(&cx).loading, 1, "block 1 is wanted still");
    drop(open);
    cx.block_on(gate).unwrap();
    let there = settle(&cx);
    assert_eq!((there.blocks, there.loading), (1, 0));
    assert!((MIB..MIB * 5 / 4).contains(&there.bytes), "{there:?}");
    let after = read();
    assert!((MIB..MIB * 5 / 4).contains(&(after - before)) || after == 0);
    // It is there, and is not read again.
    assert_eq!(ids(&cx.block_on(second.rows()).unwrap()), [GROUP]);
    assert_eq!(cache_use(&cx), there);
    assert!(read() - after < MIB / 4);
}

#[test]
fn rows_that_are_no_longer_waited_for_are_not_read() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (files, cx) = (Files::new(&["a"], 6), Context::with(1, 64 * MIB).unwrap());
    let rows = files.open(&cx, "a");
    let (open, gate) = closed(&cx);
    let task = cx.spawn(rows.prepare(&cx, &firsts(0..3)).rows());
    while cache_use(&cx).loading < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(task);
    assert_eq!(settle(&cx), NOTHING, "with the only thread busy");
    drop(open);
    cx.block_on(gate).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(cache_use(&cx), NOTHING);
}

/// Whatever stands above a source: a mix, a balance whose rows are read ahead of their turn.
#[test]
fn adapters_cancel_what_is_below_them() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let files = Files::new(&["a", "b"], 24);
    let cancelled = |cx: &Context, prepared: Prepared| {
        let (open, gate) = closed(cx);
        let before = cache_use(cx);
        assert_eq!(before.loading, 0);
        prepared.prefetch();
        let begun = Instant::now();
        while cache_use(cx).loading == 0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "nothing was begun");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(prepared);
        assert_eq!(settle(cx), before, "with the only thread busy");
        drop(open);
        cx.block_on(gate).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(cache_use(cx), before);
    };
    let cx = Context::with(1, 64 * MIB).unwrap();
    let sources: Vec<(Arc<dyn Dataset>, f64)> = vec![
        (Arc::new(files.open(&cx, "a").shuffle()), 0.5),
        (Arc::new(files.open(&cx, "b")), 0.5),
    ];
    let mix = Mix::new(sources, StoppingStrategy::CycleForever).unwrap();
    cancelled(&cx, mix.prepare(&cx, &(0..32).collect::<Vec<_>>()));

    // 24 MiB of blocks do not fit, so rows are read ahead.
    let cx = Context::with(1, 12 * MIB).unwrap();
    let balance = cx
        .block_on(files.open(&cx, "a").balance(&cx, "label", Target::Uniform))
        .unwrap();
    let text = balance.describe().to_string();
    assert!(text.contains("are read ahead of their turn"), "{text}");
    cx.block_on(balance.take(&cx, &[0])).unwrap();
    settle(&cx);
    let later: Vec<u64> = (200..300).collect();
    cancelled(&cx, balance.prepare(&cx, &later));
    // They come all the same.
    assert_eq!(cx.block_on(balance.take(&cx, &later)).unwrap().num_rows(), 100);
}

#[test]
fn blocks_leave_the_cache_with_their_dataset() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (files, cx) = (Files::new(&["a", "b"], 4), Context::with(2, 64 * MIB).unwrap());
    let other = Context::with(2, 64 * MIB).unwrap();
    let (first, second) = (files.open(&cx, "a"), files.open(&cx, "b"));
    let clone = first.clone();
    for (rows, blocks) in [(&first, 3), (&second, 2)] {
        for cx in [&cx, &other] {
            cx.block_on(rows.take(cx, &firsts(0..blocks))).unwrap();
        }
    }
    let blocks = || [settle(&cx).blocks, settle(&other).blocks];
    assert_eq!(blocks(), [5, 5]);
    drop(first);
    assert_eq!(blocks(), [5, 5], "a clone is left");
    drop(clone);
    assert_eq!(blocks(), [2, 2]);
    drop(second);
    assert_eq!([settle(&cx), settle(&other)], [NOTHING, NOTHING]);
}

#[test]
fn all_sources_share_one_cache() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let names = ["a", "b", "c", "d"];
    let (files, cx) = (Files::new(&names, 8), Context::with(2, 16 * MIB).unwrap());
    let sources = names.map(|name| files.open(&cx, name));
    for (at, rows) in sources.iter().enumerate() {
        for block in 0..8 {
            cx.block_on(rows.take(&cx, &firsts(block..block + 1))).unwrap();
        }
        // Seven of the last source's blocks, each a little larger than a mebibyte, fit into half of the budget.
        let there = settle(&cx);
        assert_eq!(there.blocks, 7, "after source {at}");
        assert!((7 * MIB..=8 * MIB).contains(&there.bytes), "{there:?}");
    }
}

/// Rows that are read ahead of their turn take bytes from the cache while their balance lives.
#[test]
fn a_balance_borrows_from_the_cache_while_it_lives() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (files, cx) = (Files::new(&["a", "b"], 24), Context::with(2, 12 * MIB).unwrap());
    let rows = files.open(&cx, "b");
    let fill = || {
        for block in 0..8 {
            cx.block_on(rows.take(&cx, &firsts(block..block + 1))).unwrap();
        }
        settle(&cx)
    };
    // Half of 12 MiB: five blocks that are each a little larger than a mebibyte.
    assert_eq!(fill().blocks, 5);
    let balance = cx
        .block_on(files.open(&cx, "a").balance(&cx, "label", Target::Uniform))
        .unwrap();
    assert_eq!(fill().blocks, 5, "nothing is borrowed before rows are read");
    cx.block_on(balance.take(&cx, &[0])).unwrap();
    let there = settle(&cx);
    assert!(there.bytes <= 3 * MIB, "{there:?}");
    assert_eq!(fill().blocks, 2);
    drop(balance);
    assert_eq!(fill().blocks, 5);
}
