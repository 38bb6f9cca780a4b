//! Job 1 by loaders written in Rust: photos from Parquet to batches for training.
//!
//! ```sh
//! cargo run --release -- NAME DATA.parquet [batches, 100] [batches to warm up, 8] [threads, 2]
//! ```
//!
//! NAME is `burn` or `dataloader-rs`. It prints one JSON line, with the fields that `photos.py` prints.

mod loaders;
mod photo;

use photo::{BATCH, Photos, VALUES};
use std::time::Instant;

/// Millstream's program has it, too, so that it makes no difference between them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "NAME (burn or dataloader-rs), DATA.parquet, batches, batches to warm up, threads";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| arguments.get(at).map_or(default, |text| text.parse().expect(USAGE));
    let [name, data, ..] = &arguments[..] else {
        panic!("{USAGE}")
    };
    let run = match name.as_str() {
        "burn" => loaders::burn,
        "dataloader-rs" => loaders::dataloader_rs,
        _ => panic!("{USAGE}"),
    };
    let (batches, warmup, threads) = (number(2, 100), number(3, 8).max(1), number(4, 2));

    let (begun, mut first) = (Instant::now(), 0.0);
    let (mut seen, mut images, mut from, mut until) = (0, 0, (0.0, 0.0), (0.0, 0.0));
    let now = || (begun.elapsed().as_secs_f64(), processor());
    run(Photos::read(data), threads, &mut |batch| {
        seen += 1;
        if seen == 1 {
            first = begun.elapsed().as_secs_f64();
            check(batch);
        }
        match seen {
            _ if seen < warmup => {}
            _ if seen == warmup => from = now(),
            _ => (images, until) = (images + batch.len() / VALUES, now()),
        }
        seen < warmup + batches
    });

    let (seconds, cpu) = (until.0 - from.0, until.1 - from.1);
    println!(
        "{{\"peer\": \"{name}\", \"version\": \"{}\", \"images_per_s\": {:.3}, \"first_batch_s\": {first:.3}, \"cpu_s\": {cpu:.3}, \
         \"peak_mb\": {:.3}, \"images\": {images}, \"seconds\": {seconds:.3}}}",
        version(name),
        images as f64 / seconds,
        peak() as f64 / 1e6,
    );
}

/// As photos.py has it: the shape, and values in the range of normalised colours.
fn check(batch: &[f32]) {
    let (least, most) = batch.iter().fold((0.0_f32, 0.0_f32), |(a, b), &x| (a.min(x), b.max(x)));
    assert_eq!(batch.len(), BATCH * VALUES);
    assert!(
        -2.2 < least && least < -0.1 && 0.1 < most && most < 2.7,
        "{least} to {most}"
    );
}

/// The version of a package in the lock file.
fn version(package: &str) -> &'static str {
    let after = include_str!("../Cargo.lock").split_once(&format!("name = \"{package}\"\nversion = \""));
    after
        .and_then(|(_, after)| after.split('"').next())
        .expect("a locked package")
}

/// Processor seconds of this process so far.
fn processor() -> f64 {
    const TICK: f64 = 0.01; // USER_HZ, which is 100 on every Linux
    let text = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = text.rsplit(')').next().expect("a stat line");
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().expect("ticks"))
        .sum();
    ticks * TICK
}

/// The peak of this process's resident memory, in bytes.
fn peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace()
        .nth(1)
        .expect("a number")
        .parse::<u64>()
        .expect("kB")
        * 1024
}
