//! Fuzzing for a fixed short time: the functions of `millstream::testing::fuzz` on mutated files, no panic allowed.
//!
//! `MILLSTREAM_FUZZ_SECONDS=600 cargo test --release --test fuzz -- --nocapture` goes on for longer, and
//! `MILLSTREAM_FUZZ_SEED=7` goes elsewhere. The same functions under coverage guidance: see `fuzz/`.
#![allow(missing_docs, clippy::print_stdout, reason = "tests, which print what they measure")]
#![cfg(feature = "testing")]

use millstream::rng::Rng;
use millstream::testing::fuzz;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Longest time for one input.
const SLOWEST: Duration = Duration::from_secs(10);

/// Panics of decoders, which the library turned into errors.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

fn seeds(names: &[&str]) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    names
        .iter()
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .collect()
}

/// Runs `target` on mutations of `seeds`; a mutant that it can still read becomes a seed in its turn.
fn run(name: &str, mut seeds: Vec<Vec<u8>>, repair: impl Fn(&mut Vec<u8>), target: impl Fn(&[u8]) -> bool) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let here = std::thread::current();
            match here.name().is_some_and(|name| name.starts_with("millstream-")) {
                true => drop(CAUGHT.fetch_add(1, Ordering::Relaxed)),
                false => report(info),
            }
        }));
    });
    let (seed, firsts) = (number("MILLSTREAM_FUZZ_SEED", 0), seeds.len());
    let time = Duration::from_secs(number("MILLSTREAM_FUZZ_SECONDS", 3));
    assert!(seeds.iter().all(|seed| target(seed)), "{name}: a seed cannot be read");
    let (begun, mut tries, mut read, mut slowest) = (Instant::now(), 0, 0, Duration::ZERO);
    while begun.elapsed() < time {
        let mut rng = Rng::new(seed, name, tries);
        let mut input = seeds[rng.below(seeds.len() as u64) as usize].clone();
        for _ in 0..=rng.below(4) {
            let other = rng.below(seeds.len() as u64) as usize;
            mutate(&mut input, &seeds[other], &mut rng);
        }
        if rng.chance(0.7) {
            repair(&mut input);
        }
        let start = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| target(&input))) {
            Ok(true) => {
                read += 1;
                // A corpus of bounded size, whose first files stay.
                match seeds.len() < 256 {
                    true => seeds.push(input),
                    false => seeds[firsts + rng.below(256 - firsts as u64) as usize] = input,
                }
            }
            Ok(false) => {}
            Err(_) => {
                let kept = std::env::temp_dir().join(format!("millstream-fuzz-{name}"));
                std::fs::write(&kept, &input).unwrap();
                panic!(
                    "{name}: try {tries} of seed {seed} panicked, its input is {}",
                    kept.display()
                );
            }
        }
        slowest = slowest.max(start.elapsed());
        assert!(slowest < SLOWEST, "{name}: try {tries} of seed {seed} took {slowest:?}");
        tries += 1;
    }
    let caught = CAUGHT.load(Ordering::Relaxed);
    println!("{name}: {tries} inputs, {read} of them read, the slowest in {slowest:?}; panics caught so far: {caught}");
}

/// One random change: bits, bytes, numbers at their limits, pieces lost, doubled, or taken from another file.
fn mutate(input: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let length = input.len() as u64;
    if length == 0 {
        input.extend(other);
        return;
    }
    let at = rng.below(length) as usize;
    let piece = |rng: &mut Rng, of: usize| {
        let from = rng.below(of as u64) as usize;
        from..of.min(from + 1 + rng.below(24) as usize)
    };
    match rng.below(9) {
        0 | 1 => input[at] ^= 1 << rng.below(8),
        2 => input[at] = rng.next_u32() as u8,
        3 => input[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][rng.below(6) as usize],
        4 => {
            // The largest numbers, as variable-length and as fixed ones.
            let number: &[u8] = [
                &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
                &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                &[0xff, 0xff, 0xff, 0x7f],
                &[0, 0, 0, 0x80],
            ][rng.below(4) as usize];
            let end = if rng.chance(0.5) { at + 1 } else { at + number.len() };
            input.splice(at..end.min(input.len()), number.iter().copied());
        }
        5 => drop(input.drain(piece(rng, input.len()))),
        6 => {
            let doubled = input[piece(rng, input.len())].to_vec();
            input.splice(at..at, doubled);
        }
        7 if !other.is_empty() => {
            let taken = other[piece(rng, other.len())].to_vec();
            let end = input.len().min(at + taken.len());
            input.splice(at..end, taken);
        }
        _ => input.truncate(if rng.chance(0.1) { at } else { input.len() }),
    }
}

/// Makes the last eight bytes fit the file again, so that the footer is found.
fn parquet_trailer(input: &mut Vec<u8>) {
    let Some(start) = input.len().checked_sub(8) else {
        return;
    };
    let length = u32::from_le_bytes(input[start..start + 4].try_into().unwrap());
    if length as usize > start || !input.ends_with(b"PAR1") {
        input.extend((start as u32 / 3).to_le_bytes());
        input.extend(b"PAR1");
    }
}

/// Puts the right checksums on the chunks of a PNG, so that the decoder looks into them.
#[allow(clippy::ptr_arg, reason = "one shape for all repairs")]
fn png_checksums(input: &mut Vec<u8>) {
    if !input.starts_with(b"\x89PNG") {
        return;
    }
    let mut at = 8;
    while let Some(length) = input.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        let Some(covered) = input.get(at + 4..end) else { return };
        let mut crc = flate2::Crc::new();
        crc.update(covered);
        let Some(stored) = input.get_mut(end..end + 4) else {
            return;
        };
        stored.copy_from_slice(&crc.sum().to_be_bytes());
        at = end + 4;
    }
}

#[test]
fn parquet() {
    let files = [
        "checksums.parquet",
        "checked-plain.parquet",
        "checked-snappy.parquet",
        "checked-zstd.parquet",
        "checked-gzip.parquet",
    ];
    run("parquet", seeds(&files), parquet_trailer, fuzz::parquet);
}

#[test]
fn image() {
    let files = [
        "rgb.png",
        "rgb.jpg",
        "progressive.jpg",
        "lossy.webp",
        "lossless.webp",
        "pillow-16.png",
    ];
    run("image", seeds(&files), png_checksums, fuzz::image);
}

#[test]
fn cursor() {
    let cx = millstream::Context::with(1, 1).unwrap().with_seed(3);
    let column: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Int32Array::from_iter_values(0..9));
    let rows = arrow::array::RecordBatch::try_from_iter([("x", column)]).unwrap();
    let rows = millstream::source::Memory::new(vec![rows]).unwrap();
    let loader = millstream::DatasetExt::loader(rows, &cx)
        .batch_size(2)
        .blocking()
        .unwrap();
    let text = loader.loader().cursor().to_string().into_bytes();
    let target = |bytes: &[u8]| fuzz::cursor(&String::from_utf8_lossy(bytes));
    run("cursor", vec![text], |_| (), target);
}
