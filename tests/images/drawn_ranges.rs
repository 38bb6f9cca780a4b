//! What random operations draw, against what torchvision's draw: `tests/scripts/make_drawn_ranges.py`.

use millstream::image::{Operation, Pixels, RandomErasing, Subject};
use millstream::rng::Rng;
use serde::Deserialize;

const ROWS: u64 = 10_000;

#[derive(Deserialize)]
struct Fixture {
    erased: Vec<Erased>,
    missed: Vec<Missed>,
}

#[derive(Deserialize)]
struct Erased {
    size: [u32; 2],
    scale: f32,
    ratio: f32,
    /// Width and height; none where no attempt fits.
    #[serde(rename = "box")]
    sides: Option<[f64; 2]>,
    /// The least and the greatest left edge.
    #[serde(default)]
    left: [f64; 2],
    #[serde(default)]
    top: [f64; 2],
}

#[derive(Deserialize)]
struct Missed {
    size: [u32; 2],
    scale: [f32; 2],
    ratio: [f32; 2],
    nothing: f64,
    mean: [f64; 2],
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/drawn_ranges.json")).unwrap()
}

fn rng(row: u64) -> Rng {
    Rng::new(29, "ranges", row)
}

/// The numbers of the words for what is drawn.
fn numbers(operation: &dyn Operation, size: [u32; 2], row: u64) -> Vec<f64> {
    let words = operation.in_words(&Subject::new(size), &mut rng(row)).unwrap();
    words.split([' ', ',']).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn an_erased_box_is_torchvisions() {
    for Erased {
        size,
        scale,
        ratio,
        sides,
        left,
        top,
    } in fixture().erased
    {
        let erasing = RandomErasing::new(1.0, scale..=scale, ratio..=ratio);
        let boxes: Vec<Vec<f64>> = (0..3000).map(|row| numbers(&erasing, size, row)).collect();
        let Some([width, height]) = sides else {
            assert!(boxes.iter().all(Vec::is_empty), "{size:?} {scale} {ratio}");
            let mut white = Pixels::new(size[0], size[1]);
            white.levels.fill(255);
            let before = white.clone();
            erasing.apply(&mut white, &mut rng(0));
            assert!(white == before);
            continue;
        };
        let ends = |at: usize| {
            let all = || boxes.iter().map(|own| own[at]);
            [
                all().fold(f64::INFINITY, f64::min),
                all().fold(f64::NEG_INFINITY, f64::max),
            ]
        };
        let found = [ends(0), ends(1), ends(2), ends(3)];
        assert_eq!(found, [[width; 2], [height; 2], left, top], "{size:?} {scale} {ratio}");
    }
}

/// Of a long picture many boxes are higher than it.
#[test]
fn as_many_rows_as_torchvisions_have_nothing_erased() {
    for Missed {
        size,
        scale,
        ratio,
        nothing,
        mean,
    } in fixture().missed
    {
        let erasing = RandomErasing::new(1.0, scale[0]..=scale[1], ratio[0]..=ratio[1]);
        let boxes = (0..ROWS).map(|row| numbers(&erasing, size, row));
        let boxes: Vec<Vec<f64>> = boxes.filter(|own| !own.is_empty()).collect();
        let missed = 1.0 - boxes.len() as f64 / ROWS as f64;
        assert!((missed - nothing).abs() < 0.03, "{size:?}: {missed} for {nothing}");
        for (at, expected) in mean.into_iter().enumerate() {
            let found = boxes.iter().map(|own| own[at]).sum::<f64>() / boxes.len() as f64;
            assert!(
                (found / expected - 1.0).abs() < 0.03,
                "{size:?}: {found} for {expected}"
            );
        }
    }
}
