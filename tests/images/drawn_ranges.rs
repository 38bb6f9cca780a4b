//! What random operations draw, against what torchvision's draw: `tests/scripts/make_drawn_ranges.py`.

use millstream::image::{
    Affine, Drawn, Motion, Operation, Perspective, Pixels, RandomCrop, RandomErasing, Rotate, Scale, Shear, Subject,
    Translate,
};
use millstream::rng::Rng;
use serde::Deserialize;

const ROWS: u64 = 10_000;

/// The least, the greatest, the mean, and the mean distance from the middle of the range.
type Spread = [f64; 4];

#[derive(Deserialize)]
struct Fixture {
    erased: Vec<Erased>,
    missed: Vec<Missed>,
    cropped: Vec<Cropped>,
    size: [u32; 2],
    perspective: Vec<Spread>,
    /// Of the turn, the shift across and down, the factor, and the lean of vertical and of horizontal lines.
    affine: [Spread; 6],
    rotation: Spread,
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

#[derive(Deserialize)]
struct Cropped {
    size: [u32; 2],
    to: [u32; 2],
    padding: u32,
    ranges: [Spread; 2],
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

fn motion(operation: &dyn Operation, size: [u32; 2], row: u64) -> Motion {
    match operation.draw(&Subject::new(size), &mut rng(row)) {
        Drawn::Motion(motion) => motion,
        other => panic!("{}: {other:?}", operation.name()),
    }
}

/// Where a step from the centre leads, from where the centre goes to.
fn step(motion: &Motion, [x, y]: [f64; 2]) -> [f64; 2] {
    let centre = motion.from().map(|side| f64::from(side) / 2.0);
    let (from, to) = (motion.point(centre), motion.point([centre[0] + x, centre[1] + y]));
    [to[0] - from[0], to[1] - from[1]]
}

/// How far the centre moves.
fn shift(motion: &Motion) -> [f64; 2] {
    let centre = motion.from().map(|side| f64::from(side) / 2.0);
    let to = motion.point(centre);
    [to[0] - centre[0], to[1] - centre[1]]
}

fn degrees([x, y]: [f64; 2]) -> f64 {
    y.atan2(x).to_degrees()
}

/// What `of` makes of the motion of each row.
fn values(operation: &dyn Operation, size: [u32; 2], of: impl Fn(&Motion) -> f64) -> Vec<f64> {
    (0..ROWS).map(|row| of(&motion(operation, size, row))).collect()
}

/// That no value lies beyond `low..=high`, and that they lie in there as torchvision's do: to three hundredths of the range.
#[track_caller]
fn same(name: &str, values: &[f64], [low, high]: [f64; 2], torchvision: Spread) {
    let count = values.len() as f64;
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert!(
        least >= low - 1e-3 && most <= high + 1e-3,
        "{name}: {least}..={most} for {low}..={high}"
    );
    let mean = values.iter().sum::<f64>() / count;
    let middle = (least + most) / 2.0;
    let apart = values.iter().map(|value| (value - middle).abs()).sum::<f64>() / count;
    let found = [least, most, mean, apart];
    let range = torchvision[1] - torchvision[0];
    let near = |at: usize| (found[at] - torchvision[at]).abs() < 0.03 * range;
    assert!((0..4).all(near), "{name}: {found:?} for {torchvision:?}");
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

/// Also where the part is larger than the picture.
#[test]
fn the_place_of_a_part_is_torchvisions() {
    for Cropped {
        size,
        to,
        padding,
        ranges,
    } in fixture().cropped
    {
        let crop = RandomCrop::new().size(to).padding(padding);
        for (axis, torchvision) in ranges.into_iter().enumerate() {
            // The part's corner in the picture.
            let places = values(&crop, size, |motion| -motion.point([0.0; 2])[axis]);
            assert!(places.iter().all(|place| place.fract() == 0.0));
            let [least, most, ..] = torchvision;
            same(
                &format!("{size:?} to {to:?}, side {axis}"),
                &places,
                [least, most],
                torchvision,
            );
        }
    }
}

/// Each corner moves inwards by up to half of `distortion_scale`, across and down.
#[test]
fn the_corners_of_a_perspective_are_torchvisions() {
    let Fixture { size, perspective, .. } = fixture();
    let [width, height] = size.map(f64::from);
    let corners = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]];
    let operation = Perspective::new(0.5, 1.0);
    for (at, torchvision) in perspective.into_iter().enumerate() {
        let (corner, axis) = (corners[at / 2], at % 2);
        let inwards = values(&operation, size, |motion| {
            let off = motion.point(corner)[axis] - corner[axis];
            if corner[axis] == 0.0 { off } else { -off }
        });
        let most = 0.25 * [width, height][axis];
        same(
            &format!("corner {}, axis {axis}", at / 2),
            &inwards,
            [0.0, most],
            torchvision,
        );
    }
}

#[test]
fn turns_shifts_factors_and_leans_are_drawn_as_torchvisions() {
    let Fixture {
        size, affine, rotation, ..
    } = fixture();
    let [turn, across, down, factor, vertical, horizontal] = affine;
    let angle = |motion: &Motion| degrees(step(motion, [10.0, 0.0]));
    let length = |motion: &Motion| {
        let [x, y] = step(motion, [10.0, 0.0]);
        x.hypot(y) / 10.0
    };
    // How far the end of a line of one pixel lies beside it.
    let leant = |off: f64| off.atan().to_degrees();
    let of_vertical = |motion: &Motion| leant(-step(motion, [0.0, 1.0])[0]);
    let of_horizontal = |motion: &Motion| leant(-step(motion, [1.0, 0.0])[1]);
    let rotate = Rotate::new(30.0);
    same("rotate", &values(&rotate, size, angle), [-30.0, 30.0], rotation);
    let scale = Scale::new(0.5..=1.5);
    same("scale", &values(&scale, size, length), [0.5, 1.5], factor);
    let shear = Shear::new([20.0, 10.0]);
    let leaning = Affine::new(0.0).shear([20.0, 10.0]);
    for (name, shear) in [("shear", &shear as &dyn Operation), ("affine", &leaning)] {
        same(name, &values(shear, size, of_vertical), [-20.0, 20.0], vertical);
        same(name, &values(shear, size, of_horizontal), [-10.0, 10.0], horizontal);
    }
    let affine = Affine::new(40.0).translate([0.25, 0.5]).scale(0.5..=1.5);
    same("affine's turn", &values(&affine, size, angle), [-40.0, 40.0], turn);
    same("affine's factor", &values(&affine, size, length), [0.5, 1.5], factor);
    let translate = Translate::new([0.25, 0.5]);
    for (name, operation) in [("translate", &translate as &dyn Operation), ("affine", &affine)] {
        for (axis, torchvision) in [across, down].into_iter().enumerate() {
            let most = [0.25, 0.5][axis] * f64::from(size[axis]);
            let shifts = values(operation, size, |motion| shift(motion)[axis]);
            assert!(
                shifts.iter().all(|pixels| (pixels - pixels.round()).abs() < 1e-9),
                "{name}"
            );
            same(name, &shifts, [-most, most], torchvision);
        }
    }
}
