//! A loader that is dropped is gone, wherever it was; a panic in what a user brings is an error.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::print_stdout, reason = "tests; figures")]

mod common;

use arrow::datatypes::Schema;
use arrow::datatypes::SchemaRef;
use common::{fashion, pictures, table};
use futures::Stream;
use futures::task::noop_waker_ref;
use millstream::dataset::{Blocks, Len, Provenance};
use millstream::image::Image;
use millstream::loader::Loader;
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::rows::{Bound, DType, Draws, Out, Output, Read, Row, Stage};
use millstream::synthetic::MixUp;
use millstream::{Context, Dataset, DatasetExt, Prepared, Result};
use std::pin::Pin;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// One measurement at a time.
static ALONE: Mutex<()> = Mutex::new(());
const WITHIN: Duration = Duration::from_millis(100);

/// Threads of contexts in this process.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("comm")).ok();
    tasks
        .filter_map(name)
        .filter(|name| name.starts_with("millstream"))
        .count()
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// How long it takes until no thread of a context and no file is left beyond `files`.
fn gone(what: &str, files_before: usize) -> Duration {
    let begun = Instant::now();
    while threads() > 0 || files() > files_before {
        let left = (threads(), files());
        assert!(
            begun.elapsed() < WITHIN,
            "{what}: threads and files are left: {left:?}, {files_before} before"
        );
        std::thread::sleep(Duration::from_micros(200));
    }
    begun.elapsed()
}

/// Takes five milliseconds a row.
#[derive(Debug)]
struct Slow;

impl Stage for Slow {
    fn describe(&self) -> Plan {
        Plan::new("slow")
    }
    fn bind(&self, _: &Schema) -> Result<Bound> {
        let run = |row: &Row<'_>, _: Draws<'_>, out: &mut Out<'_>| {
            row.bytes(0)?;
            std::thread::sleep(Duration::from_millis(5));
            out.fixed::<f32>(0)[0] = 1.0;
            Ok(())
        };
        Ok(Bound::new(run)
            .reads(Read::bytes("image"))
            .writes(Output::fixed("image", DType::F32, [1])))
    }
}

type Open = fn(&Context) -> Result<Loader>;

const LOADERS: [(&str, Open); 3] = [
    ("a slow stage", |cx| {
        pictures(&[40, 15, 6, 2])
            .shuffle()
            .stage(Slow)?
            .loader(cx)
            .batch_size(32)
            .depth(4)
            .build()
    }),
    ("balanced, augmented and mixed pictures", |cx| {
        let rows = cx.block_on(fashion(cx).balance(cx, "label", Target::Uniform))?;
        let image = Image::new(64)
            .random_resized_crop(0.4..=1.0, 0.8..=1.2)
            .gaussian_noise(0.1);
        let rows = rows.image("image", image)?.mixup("image", "label", MixUp::new(0.4))?;
        rows.loader(cx).batch_size(64).depth(8).build()
    }),
    ("shuffled rows of a file", |cx| {
        fashion(cx).shuffle().loader(cx).batch_size(16).depth(8).build()
    }),
];

#[test]
fn dropped_at_any_await_point_it_is_gone_within_a_tenth_of_a_second() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // The test before this one has dropped its own, a moment ago.
    gone("another test", usize::MAX);
    let before = files();
    let (mut worst, mut drops) = (Duration::ZERO, 0);
    for (name, open) in LOADERS {
        for pool in [1, 2, 8] {
            for polls in 0..40 {
                let cx = Context::with(pool, 64 << 20).unwrap();
                let mut loader = open(&cx).unwrap();
                let mut delivered = 0;
                // Each poll but the first comes while the loader works, a little later each time.
                for poll in 0..polls {
                    let mut task = std::task::Context::from_waker(noop_waker_ref());
                    if let Poll::Ready(batch) = Pin::new(&mut loader).poll_next(&mut task) {
                        batch.unwrap().unwrap();
                        delivered += 1;
                    }
                    std::thread::sleep(Duration::from_micros(50 * poll));
                }
                let begun = Instant::now();
                drop(loader);
                drop(cx);
                let dropped = begun.elapsed();
                let what = format!("{name}, {pool} threads, {polls} polls, {delivered} batches");
                assert!(dropped < WITHIN, "{what}: the drop itself takes {dropped:?}");
                worst = worst.max(dropped + gone(&what, before));
                drops += 1;
            }
        }
    }
    println!("{drops} drops: the slowest is gone after {worst:?}");
}

#[test]
fn a_blocking_loader_is_gone_in_mid_epoch() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = files();
    for batches in 0..5 {
        let cx = Context::with(2, 64 << 20).unwrap();
        let rows = pictures(&[40, 15, 6, 2]).stage(Slow).unwrap();
        let mut loader = rows.loader(&cx).batch_size(16).blocking().unwrap();
        for _ in 0..batches {
            loader.next().unwrap().unwrap();
        }
        drop((loader, cx));
        gone(&format!("after {batches} batches"), before);
    }
}

/// A dataset of a user's own that panics at one of its positions: inside of the future, before there is one, or on another
/// thread.
#[derive(Debug)]
struct Torn<D> {
    rows: D,
    how: u8,
}

impl<D: Dataset> Dataset for Torn<D> {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
    fn len(&self) -> Len {
        self.rows.len()
    }
    fn blocks(&self) -> Blocks {
        self.rows.blocks()
    }
    fn describe(&self) -> Plan {
        Plan::new("torn").input(self.rows.describe())
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let (bad, how) = (positions.contains(&37), self.how);
        assert!(!(bad && how == 0), "a wire came loose");
        let (below, cx) = (self.rows.prepare(cx, positions), cx.clone());
        let prefetch = move || assert!(how != 3, "a wire came loose");
        Prepared::with_prefetch(prefetch, move |_| async move {
            assert!(!(bad && how == 1), "a wire came loose");
            if bad && how == 2 {
                return cx.compute(|| panic!("a wire came loose")).await;
            }
            below.rows().await
        })
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.rows.provenance(cx, position)
    }
}

/// Panics at a row in the middle.
#[derive(Debug)]
struct Bad;

impl Stage for Bad {
    fn describe(&self) -> Plan {
        Plan::new("bad").random()
    }
    fn bind(&self, _: &Schema) -> Result<Bound> {
        let run = |row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>| {
            row.bytes(0)?;
            let Some(mut rng) = draws.rng() else { return Ok(()) };
            let drawn = rng.unit();
            out.fixed::<f32>(0)[0] = drawn;
            assert!(drawn < 0.98, "a wire came loose");
            Ok(())
        };
        Ok(Bound::new(run)
            .reads(Read::bytes("image"))
            .writes(Output::fixed("image", DType::F32, [1])))
    }
}

#[test]
fn a_panic_is_an_error_that_names_stage_and_position() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = files();
    for how in 0..3 {
        let cx = Context::with(2, 1 << 20).unwrap();
        let rows = Torn {
            rows: table(&[40, 15, 6, 2]),
            how,
        };
        let mut loader = rows.loader(&cx).batch_size(10).blocking().unwrap();
        let errors: Vec<_> = loader
            .by_ref()
            .take(6)
            .filter_map(Result::err)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(
            errors,
            ["row 37 in memory (position 37): panicked: a wire came loose"],
            "way {how}"
        );
        drop((loader, cx));
        gone("after a panic", before);
    }
    let cx = Context::with(2, 1 << 20).unwrap();
    let rows = Torn {
        rows: table(&[40, 15, 6, 2]),
        how: 3,
    };
    let rows = rows.loader(&cx).batch_size(10).blocking().unwrap();
    assert!(rows.take(12).all(|batch| batch.is_ok()), "a hint changes nothing");
    let rows = pictures(&[100, 100]).stage(Bad).unwrap();
    let error = rows
        .loader(&cx)
        .batch_size(50)
        .epochs(1)
        .blocking()
        .unwrap()
        .find_map(Result::err);
    let error = error.unwrap().to_string();
    let (place, what) = error.split_once(" in memory (position ").unwrap();
    let row: u64 = place.strip_prefix("row ").unwrap().parse().unwrap();
    assert_eq!(what, format!("{row}): bad \"image\": panicked: a wire came loose"));
}

const HOW: &str = "MILLSTREAM_EXIT";

/// A trainer that just ends, in the midst of an epoch.
#[test]
#[ignore = "run by the other tests"]
fn trainer() {
    let Ok(how) = std::env::var(HOW) else { return };
    let cx = Context::with(2, 64 << 20).unwrap();
    let (_, open) = LOADERS[0];
    let mut loader = open(&cx).unwrap();
    cx.block_on(async { Ok(futures::StreamExt::next(&mut loader).await) })
        .unwrap()
        .unwrap()
        .unwrap();
    match how.as_str() {
        "exit" => std::process::exit(7),
        "abort" => std::process::abort(),
        _ => std::mem::forget((loader, cx)),
    }
}

#[test]
fn a_trainer_that_just_ends_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (how, code) in [("exit", Some(7)), ("abort", None), ("return", Some(0))] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "trainer"])
            .env(HOW, how)
            .env("TMPDIR", folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "{how}: it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), code, "{how}");
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "{how}: files are left"
        );
    }
}
