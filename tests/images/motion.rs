//! Operations that move pixels, one resample for all of them, and how pictures fit into the output.

use millstream::image::{
    Affine, Boxes, Drawn, ElasticTransform, Field, HorizontalFlip, Image, Keypoints, Motion, Operation, Pad, Padding,
    Perspective, Pixels, RandomCrop, Resize, Rotate, Scale, ScaleJitter, Shear, Subject, Translate, Transpose,
    VerticalFlip, ZoomOut,
};
use millstream::rng::Rng;
use millstream::rows::BoxFormat;
use millstream::spec::Spec;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

pub(super) const PHOTO: &[u8] = include_bytes!("../fixtures/motions/photo.png");
const LARGE: &[u8] = include_bytes!("../fixtures/preprocessing/photo.jpg");
pub(super) const SIZE: [u32; 2] = [96, 72];

fn photo() -> Pixels {
    Pixels::decode(PHOTO).unwrap()
}

fn rng(position: u64) -> Rng {
    Rng::new(17, "motion", position)
}

/// Noise, so that every pixel counts.
fn noise(size: [u32; 2]) -> Pixels {
    let mut pixels = Pixels::new(size[0], size[1]);
    Rng::new(1, "levels", 0).fill(&mut pixels.levels);
    pixels
}

fn moved(motion: &Motion, mut pixels: Pixels) -> Pixels {
    motion.apply(&mut pixels);
    assert_eq!([pixels.width, pixels.height], motion.to());
    pixels
}

/// The mean difference of levels.
fn mean(a: &Pixels, b: &Pixels) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let off = a
        .levels
        .iter()
        .zip(&b.levels)
        .map(|(&a, &b)| u64::from(a.abs_diff(b)))
        .sum::<u64>();
    off as f64 / a.levels.len() as f64
}

/// The share of levels that differ by more than one.
fn other(a: &Pixels, b: &Pixels) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let other = a
        .levels
        .iter()
        .zip(&b.levels)
        .filter(|(a, b)| a.abs_diff(**b) > 1)
        .count();
    other as f64 / a.levels.len() as f64
}

/// Every operation, as strong as it is likely to be.
pub(super) fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(HorizontalFlip::new(0.5)),
        Box::new(VerticalFlip::new(0.5)),
        Box::new(Rotate::new(180.0)),
        Box::new(Rotate::new(40.0).padding_mode(Padding::Reflect)),
        Box::new(Scale::new(0.3..=3.0)),
        Box::new(Shear::new([30.0, 20.0]).padding_mode(Padding::Edge)),
        Box::new(Translate::new([0.5, 0.3]).padding_mode(Padding::Symmetric)),
        Box::new(
            Affine::new(90.0)
                .translate([0.2, 0.1])
                .scale(0.5..=2.0)
                .shear([20.0, 10.0]),
        ),
        Box::new(Perspective::new(0.9, 1.0)),
        Box::new(ElasticTransform::new(200.0, 5.0)),
        Box::new(RandomCrop::new().padding(4)),
        Box::new(RandomCrop::new().size([9, 7])),
        Box::new(Pad::new([1, 2, 3, 4]).padding_mode(Padding::Reflect)),
        Box::new(Resize::new([31, 17])),
        Box::new(ScaleJitter::new(0.1..=2.0)),
        Box::new(ZoomOut::new(1.0..=4.0, 1.0)),
        Box::new(Transpose::new(1.0)),
    ]
}

fn drawn(operation: &dyn Operation, size: [u32; 2], position: u64) -> Option<Motion> {
    let subject = Subject::of(&Pixels::new(size[0], size[1]));
    match operation.draw(&subject, &mut rng(position)) {
        Drawn::Motion(motion) => Some(motion),
        Drawn::Nothing => None,
        other => panic!("{other:?}"),
    }
}

/// An operation of a test's own: one motion.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Fixed {
    #[serde(skip)]
    motion: OnceLock<Motion>,
}

impl Spec for Fixed {
    const NAME: &'static str = "fixed";
}

impl Operation for Fixed {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Motion(self.motion.get().unwrap().clone())
    }

    fn moves(&self) -> bool {
        true
    }

    fn resized(&self, _: [u32; 2]) -> Option<[u32; 2]> {
        Some(self.motion.get().unwrap().to())
    }
}

pub(super) fn fixed(motion: Motion) -> Fixed {
    Fixed {
        motion: OnceLock::from(motion),
    }
}

fn perspective(size: [u32; 2]) -> Motion {
    let [w, h] = size.map(f64::from);
    let ends = [[7.0, 4.0], [w - 6.0, 9.0], [w - 2.0, h - 6.0], [2.0, h - 1.0]];
    Motion::of_points(size, size, [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]], ends).unwrap()
}

fn bent() -> Field {
    let displacement = |at: u32| {
        let (x, y) = ((at % 96) as f32, (at / 96) as f32);
        [2.0 * (y / 9.0).sin(), 1.5 * (x / 7.0).cos()]
    };
    Field::new(SIZE, 96, (0..96 * 72).map(displacement).collect()).unwrap()
}

/// What torchvision makes of the photo: a name, its file, and the motion. Where the rim is filled, torchvision blends the photo's edge with black before
/// it blends it with the colour.
pub(super) fn references() -> [(&'static str, &'static [u8], Motion); 5] {
    let [a, b, c, d] = [
        1.1635386072292992,
        -0.37190250026878013,
        0.311769230169524,
        1.1379529957721028,
    ];
    let (x, y) = (48.0, 36.0);
    let affine = [a, b, x - a * x - b * y + 3.0, c, d, y - c * x - d * y - 2.0];
    let fill = Padding::Constant([114, 20, 200]);
    [
        (
            "rotate",
            include_bytes!("../fixtures/motions/rotate.png"),
            Motion::rotation(SIZE, 17.0),
        ),
        (
            "rotate_filled",
            include_bytes!("../fixtures/motions/rotate_filled.png"),
            Motion::rotation(SIZE, -140.0).padding(fill),
        ),
        (
            "affine",
            include_bytes!("../fixtures/motions/affine.png"),
            Motion::affine(SIZE, SIZE, affine).unwrap(),
        ),
        (
            "perspective",
            include_bytes!("../fixtures/motions/perspective.png"),
            perspective(SIZE),
        ),
        (
            "elastic",
            include_bytes!("../fixtures/motions/elastic.png"),
            Motion::field(SIZE, bent()),
        ),
    ]
}

#[test]
fn moved_photos_are_torchvisions() {
    for (name, file, motion) in references() {
        let (found, expected) = (moved(&motion, photo()), Pixels::decode(file).unwrap());
        let most = if name == "rotate_filled" { 0.03 } else { 0.0 };
        assert!(other(&found, &expected) <= most, "{name}: {}", other(&found, &expected));
    }
}

/// The mean of 6 x 6 places in each pixel, bilinear between the pixels of the photo, black beyond it.
fn supersampled(photo: &Pixels, motion: &Motion) -> Pixels {
    const SIDE: u32 = 6;
    let [width, height] = motion.to();
    let mut out = Pixels::new(width, height);
    let level = |x: i64, y: i64, channel: usize| {
        let inside = (0..i64::from(photo.width)).contains(&x) && (0..i64::from(photo.height)).contains(&y);
        if inside {
            f64::from(photo.levels[(y as usize * photo.width as usize + x as usize) * 3 + channel])
        } else {
            0.0
        }
    };
    for (at, pixel) in (0..).zip(out.levels.as_chunks_mut::<3>().0) {
        let mut sums = [0.0; 3];
        for sample in 0..SIDE * SIDE {
            let place = |pixel: u32, sample: u32| f64::from(pixel) + (f64::from(sample) + 0.5) / f64::from(SIDE);
            let from = motion.origin([place(at % width, sample % SIDE), place(at / width, sample / SIDE)]);
            let [x, y] = from.map(|place| place - 0.5);
            let ([x0, y0], [fx, fy]) = ([x.floor() as i64, y.floor() as i64], [x - x.floor(), y - y.floor()]);
            for (channel, sum) in sums.iter_mut().enumerate() {
                let line = |y: i64| level(x0, y, channel) * (1.0 - fx) + level(x0 + 1, y, channel) * fx;
                *sum += line(y0) * (1.0 - fy) + line(y0 + 1) * fy;
            }
        }
        *pixel = sums.map(|sum| (sum / f64::from(SIDE * SIDE)).round() as u8);
    }
    out
}

#[test]
fn one_resample_is_near_to_many_samples_and_nearer_than_several() {
    let photo = Pixels::decode(LARGE).unwrap();
    let from = [photo.width, photo.height];
    for side in [200, 100, 50] {
        let size = [side; 2];
        let turn = Motion::rotation(size, 13.0);
        let tilt = Motion::affine(size, size, [0.9, 0.1, 3.0, 0.0, 0.9, 2.0]).unwrap();
        let parts = [
            Motion::resize(from, size),
            turn,
            tilt,
            perspective(size),
            Motion::horizontal_flip(size),
        ];
        let one = parts.iter().cloned().reduce(Motion::then).unwrap();
        // Without the corners, which become black where each is drawn for itself.
        let middle = Motion::crop(size, [side / 2; 2], [side as i32 / 4; 2]);
        let best = moved(&middle, supersampled(&photo, &one));
        let off = |pixels: Pixels| mean(&moved(&middle, pixels), &best);
        let single = off(moved(&one, photo.clone()));
        let several = off(parts.iter().fold(photo.clone(), |pixels, part| moved(part, pixels)));
        assert!(single < 1.5 && several > 2.0 * single, "{side}: {single}, {several}");
    }
}

#[test]
fn points_go_and_come_back() {
    let mut beyond = 0;
    for (nth, operation) in operations().into_iter().enumerate() {
        for position in 0..20 {
            let Some(motion) = drawn(&*operation, [97, 71], position) else {
                continue;
            };
            // Alone, and between others.
            let before = perspective([97, 71]).then(motion.clone());
            let after = motion.clone().then(perspective(motion.to()));
            for motion in [motion, before, after] {
                let [w, h] = motion.to().map(f64::from);
                for share in [[0.0, 0.0], [0.5, 0.5], [1.0, 0.3], [0.2, 0.9]] {
                    let at = [share[0] * w, share[1] * h];
                    let from = motion.origin(at);
                    if from == [f64::INFINITY; 2] {
                        // Beyond the horizon of a steep perspective, which others may have moved.
                        beyond += 1;
                        continue;
                    }
                    let again = motion.point(from);
                    let off = (again[0] - at[0]).hypot(again[1] - at[1]);
                    assert!(off < 0.01, "{nth}, {position}: {at:?} and {again:?}");
                }
            }
        }
    }
    assert!(beyond < 180, "of 3,600 places {beyond} are beyond");
}

/// A soft white dot in black, and where its middle is found.
#[test]
fn dots_land_where_points_do() {
    let size = [120, 90];
    let middle = |pixels: &Pixels| {
        let (mut sums, mut all) = ([0.0; 2], 0.0);
        for (at, pixel) in pixels.levels.as_chunks::<3>().0.iter().enumerate() {
            let (x, y, level) = (
                at % pixels.width as usize,
                at / pixels.width as usize,
                f64::from(pixel[0]),
            );
            sums = [sums[0] + level * (x as f64 + 0.5), sums[1] + level * (y as f64 + 0.5)];
            all += level;
        }
        (all > 3000.0).then(|| sums.map(|sum| sum / all))
    };
    let mut found = 0;
    for (nth, operation) in operations().into_iter().enumerate() {
        for position in 0..6 {
            let Some(motion) = drawn(&*operation, size, position) else {
                continue;
            };
            // What is beyond must not show the dot once more.
            let motion = Motion::identity(size).padding(Padding::default()).then(motion);
            let place = [40.0 + 7.0 * position as f64, 45.0];
            let mut pixels = Pixels::new(size[0], size[1]);
            for (at, pixel) in (0..).zip(pixels.levels.as_chunks_mut::<3>().0) {
                let away = (f64::from(at % 120) + 0.5 - place[0]).hypot(f64::from(at / 120) + 0.5 - place[1]);
                *pixel = [(255.0 * (-away * away / 8.0).exp()).round() as u8; 3];
            }
            let goal = motion.point(place);
            let inside = [0, 1].map(|axis| (6.0..f64::from(motion.to()[axis]) - 6.0).contains(&goal[axis]));
            let Some(dot) = middle(&moved(&motion, pixels)).filter(|_| inside == [true; 2]) else {
                continue;
            };
            let off = (dot[0] - goal[0]).hypot(dot[1] - goal[1]);
            // A dot that is bent is not the same on all sides of its middle.
            let most = if operation.name() == "elastic_transform" {
                0.8
            } else {
                0.35
            };
            assert!(off < most, "{nth}, {position}: {dot:?} for {goal:?}");
            found += 1;
        }
    }
    assert!(found > 50, "{found}");
}

#[test]
fn what_is_done_twice_is_undone() {
    for size in [[1, 1], [7, 4], [64, 33]] {
        let (flip, upend) = (Motion::horizontal_flip(size), Motion::vertical_flip(size));
        let (there, back) = (Motion::transpose(size), Motion::transpose([size[1], size[0]]));
        for (first, second) in [(&flip, &flip), (&upend, &upend), (&there, &back)] {
            let once = moved(first, noise(size));
            assert!(size == [1, 1] || once != noise(size));
            assert_eq!(moved(second, once), noise(size));
            assert_eq!(moved(&first.clone().then(second.clone()), noise(size)), noise(size));
        }
        assert!(flip.mirrors() && there.mirrors() && !flip.clone().then(upend).mirrors());
    }
    let quarter = Motion::rotation([9, 9], 90.0);
    let all = (0..4).fold(noise([9, 9]), |pixels, _| moved(&quarter, pixels));
    assert_eq!(all, noise([9, 9]));
    assert_ne!(moved(&quarter, noise([9, 9])), noise([9, 9]));
}

#[test]
fn nothing_moves_where_nothing_is_asked_for() {
    let still: [Box<dyn Operation>; 12] = [
        Box::new(HorizontalFlip::new(0.0)),
        Box::new(VerticalFlip::new(0.0)),
        Box::new(Transpose::new(0.0)),
        Box::new(Rotate::new(0.0)),
        Box::new(Scale::new(1.0..=1.0)),
        Box::new(Shear::new([0.0; 2])),
        Box::new(Translate::new([0.0; 2])),
        Box::new(Affine::new(0.0)),
        Box::new(Perspective::new(0.5, 0.0)),
        Box::new(ElasticTransform::new(0.0, 5.0)),
        Box::new(RandomCrop::new()),
        Box::new(ZoomOut::new(1.0..=1.0, 1.0)),
    ];
    for operation in still {
        let mut pixels = photo();
        operation.apply(&mut pixels, &mut rng(3));
        assert!(pixels == photo(), "{}", operation.name());
    }
    let mut same = photo();
    Perspective::new(0.0, 1.0).apply(&mut same, &mut rng(3));
    assert!(other(&same, &photo()) == 0.0);
}

#[test]
fn pictures_of_any_size_are_moved() {
    for (nth, operation) in operations().into_iter().enumerate() {
        for size in [[1, 1], [1, 9], [13, 1], [2, 2], [3000, 3]] {
            for position in 0..3 {
                let mut pixels = noise(size);
                operation.apply(&mut pixels, &mut rng(position));
                let found = [pixels.width, pixels.height];
                assert_eq!(Some(found), operation.resized(size), "{nth}: {size:?}");
                assert_eq!(pixels.levels.len(), found[0] as usize * found[1] as usize * 3);
            }
        }
    }
}

#[test]
fn what_is_beyond_is_as_asked() {
    let (size, colour) = ([8, 6], [9, 80, 200]);
    let bright = |padding: Padding| {
        let mut pixels = Pixels::new(size[0], size[1]);
        pixels.levels.fill(250);
        moved(&Motion::rotation(size, 45.0).padding(padding), pixels)
    };
    let corner = |pixels: &Pixels| [pixels.levels[0], pixels.levels[1], pixels.levels[2]];
    assert_eq!(corner(&bright(Padding::default())), [0; 3]);
    assert_eq!(corner(&bright(Padding::Constant(colour))), colour);
    for padding in [Padding::Edge, Padding::Reflect, Padding::Symmetric] {
        assert!(bright(padding).levels.iter().all(|&level| level == 250), "{padding:?}");
    }
}

// The stage.

fn preview(stage: &Image, file: &[u8]) -> Pixels {
    stage.preview(file, &mut rng(0)).unwrap()
}

#[test]
fn neighbouring_motions_are_one_resample() {
    let size = [64; 2];
    let (turn, tilt) = (Motion::rotation(size, 20.0), perspective(size));
    let both = Image::new(64)
        .with(fixed(turn.clone()))
        .with(fixed(tilt.clone()))
        .horizontal_flip(1.0);
    let whole = Motion::resize(SIZE, size)
        .then(turn.clone())
        .then(tilt)
        .then(Motion::horizontal_flip(size));
    assert_eq!(preview(&both, PHOTO), moved(&whole, photo()));
    // A change of values begins a new segment.
    let apart = Image::new(64)
        .with(fixed(turn.clone()))
        .brightness(0.0)
        .with(fixed(turn.clone()));
    let first = moved(&Motion::resize(SIZE, size).then(turn.clone()), photo());
    assert_eq!(preview(&apart, PHOTO), moved(&turn, first));
}

/// A white picture whose edges fall within a pixel of what is decoded: they are seen where they are, whichever way it is turned.
#[test]
fn edges_of_a_reduced_jpeg_lie_where_they_are() {
    for (width, height, side) in [
        (601, 601, 75),
        (505, 505, 52),
        (401, 301, 100),
        (1001, 1001, 125),
        (333, 250, 111),
    ] {
        let mut file = Vec::new();
        let white = vec![255; width as usize * height as usize];
        let encoder = jpeg_encoder::Encoder::new(&mut file, 90);
        let (w, h) = (width as u16, height as u16);
        encoder.encode(&white, w, h, jpeg_encoder::ColorType::Luma).unwrap();
        for degrees in [3.0, 93.0, 183.0, 273.0] {
            let motion = Motion::affine(
                [side; 2],
                [side; 2],
                [0.8, 0.0, 0.1 * f64::from(side), 0.0, 0.8, 0.1 * f64::from(side)],
            );
            let motion = motion.unwrap().then(Motion::rotation([side; 2], degrees));
            let stage = Image::new(side).with(fixed(motion));
            let whole = preview(&stage.clone().decoder(millstream::image::Decoder::Whole), &file);
            let window = preview(&stage, &file);
            // Means of lines of white between black tell where it begins and ends.
            let lines = |pixels: &Pixels, across: bool| -> Vec<f64> {
                let level = |at: usize, line: usize| {
                    let (x, y) = if across { (at, line) } else { (line, at) };
                    f64::from(pixels.levels[(y * side as usize + x) * 3]) / 255.0
                };
                let half = side as usize / 2;
                let sum = |range: std::ops::Range<usize>| range.map(|at| level(at, half)).sum::<f64>();
                vec![sum(0..half), sum(half..side as usize)]
            };
            for across in [true, false] {
                for (a, b) in lines(&window, across).into_iter().zip(lines(&whole, across)) {
                    assert!(
                        (a - b).abs() < 0.1,
                        "{width} x {height} to {side} at {degrees}: {a} and {b}"
                    );
                }
            }
        }
    }
}

/// How many pixels `a` lies to the right of `b` and below it, by the slopes of `b`.
fn moved_by(a: &Pixels, b: &Pixels) -> [f64; 2] {
    let stride = b.width as usize * 3;
    let rows = 1..b.height as usize - 1;
    let places = rows.flat_map(|y| (3..stride - 3).map(move |x| y * stride + x));
    let level = |pixels: &Pixels, at: usize| f64::from(pixels.levels[at]);
    let (mut sums, mut squares) = ([0.0; 2], [0.0; 2]);
    for at in places {
        let apart = level(b, at) - level(a, at);
        for (axis, step) in [3, stride].into_iter().enumerate() {
            let slope = (level(b, at + step) - level(b, at - step)) / 2.0;
            sums[axis] += apart * slope;
            squares[axis] += slope * slope;
        }
    }
    [sums[0] / squares[0], sums[1] / squares[1]]
}

/// A part of the picture at as many eighths of its size as the output needs lies where the whole one does, and is not far from the means of
/// many samples.
#[test]
fn part_of_a_jpeg_is_enough() {
    let photo = Pixels::decode(LARGE).unwrap();
    for side in [170, 120, 100, 90, 75, 64, 50, 40, 32, 20] {
        let size = [side; 2];
        let turn = Motion::rotation(size, 30.0);
        let window = Image::new(side).center_crop(0.75).with(fixed(turn.clone()));
        let whole = window.clone().decoder(millstream::image::Decoder::Whole);
        // 180 of the 240 pixels of the shorter side.
        let cut = Motion::crop([photo.width, photo.height], [180; 2], [70, 30]);
        let motion = cut.then(Motion::resize([180; 2], size)).then(turn);
        let best = supersampled(&photo, &motion);
        for (stage, most) in [(&window, 3.0), (&whole, 2.0)] {
            let found = preview(stage, LARGE);
            let off = mean(&found, &best);
            assert!(off < most, "{side}: {off}");
            let [right, down] = moved_by(&found, &best);
            assert!(right.abs() < 0.02 && down.abs() < 0.02, "{side}: {right}, {down}");
        }
    }
    // Where all of its size is needed it is that of the whole.
    let stage = Image::new(170)
        .center_crop(0.75)
        .with(fixed(Motion::rotation([170; 2], 30.0)));
    let window = preview(&stage, LARGE);
    let whole = preview(&stage.clone().decoder(millstream::image::Decoder::Whole), LARGE);
    assert!(mean(&window, &whole) < 0.05, "{}", mean(&window, &whole));
    // One that lies half a pixel beside another is told.
    let half = moved(
        &Motion::affine(SIZE, SIZE, [1.0, 0.0, 0.5, 0.0, 1.0, 0.0]).unwrap(),
        self::photo(),
    );
    let [right, down] = moved_by(&half, &self::photo());
    assert!((right - 0.5).abs() < 0.2 && down.abs() < 0.1, "{right}, {down}");
}

#[test]
fn a_rotation_shows_the_photo_beside_the_crop() {
    let mut white = Pixels::new(100, 100);
    white.levels.fill(255);
    let white = white.to_png().unwrap();
    let turned = |stage: Image| preview(&stage.with(fixed(Motion::rotation([32; 2], 45.0))), &white);
    assert!(
        turned(Image::new(32).center_crop(0.5))
            .levels
            .iter()
            .all(|&level| level == 255)
    );
    assert_eq!(turned(Image::new(32)).levels[0], 0);
}

#[test]
fn steps_show_each_motion() {
    let stage = Image::sized(40, 30).rotate(20.0).resize([50, 50]).random_crop([40, 30]);
    let steps = stage.steps(PHOTO, &mut rng(4)).unwrap();
    let sizes: Vec<_> = steps
        .iter()
        .map(|step| (&*step.name, step.pixels.width, step.pixels.height))
        .collect();
    let expected = [
        ("original", 40, 30),
        ("resize", 40, 30),
        ("rotate", 40, 30),
        ("resize", 50, 50),
        ("random_crop", 40, 30),
    ];
    assert_eq!(sizes, expected);
    assert_eq!(steps[4].pixels, stage.preview(PHOTO, &mut rng(4)).unwrap());
    assert!(steps[2].drawn.as_deref().unwrap().ends_with(" degrees"));
}

#[test]
fn a_row_without_augmentation_has_the_stages_size() {
    let stage = Image::new(24).resize([30, 30]).random_crop([24, 24]).plain();
    assert_eq!(preview(&stage, PHOTO), preview(&Image::new(24), PHOTO));
    let padded = Image::new(24).pad([4; 4]).resize([24, 24]).horizontal_flip(0.5).plain();
    assert_eq!(preview(&padded, PHOTO).levels[..3], [0; 3]);
}

#[test]
fn explain_says_what_is_resampled_together() {
    let stage = Image::new(24)
        .random_resized_crop(0.5..=1.0, 1.0..=1.0)
        .rotate(5.0)
        .horizontal_flip(0.5);
    let plan = stage.gaussian_blur(0.1..=1.0).shear([5.0, 0.0]).plan().to_string();
    for line in [
        "one resample for random_resized_crop, rotate, horizontal_flip",
        "one resample for shear",
    ] {
        assert!(plan.contains(line), "{plan}");
    }
    assert!(
        !Image::new(24)
            .brightness(0.1)
            .plan()
            .to_string()
            .contains("one resample")
    );
}

#[test]
fn explain_has_a_clause_for_each_column_that_moves() {
    let points = Keypoints::new("eyes").normalized().mirror_pairs(&[[0, 1], [2, 3]]);
    let boxes = Boxes::new("bbox", BoxFormat::Xywh).label_fields(&["category", "area"]);
    let stage = Image::new(8)
        .boxes(boxes)
        .keypoints(points)
        .keypoints(Keypoints::new("hands"));
    let plan = stage.plan().to_string();
    assert!(
        plan.contains("boxes bbox (format xywh; label_fields category, area)"),
        "{plan}"
    );
    assert!(
        plan.contains("keypoints eyes (mirror_pairs [0, 1], [2, 3]; normalized), hands"),
        "{plan}"
    );
}

#[test]
fn sizes_that_do_not_end_well_are_refused() {
    let message = |stage: Image| stage.check().unwrap_err().to_string();
    assert_eq!(
        message(Image::new(32).pad([4; 4])),
        "the operations leave pictures of 40 x 40 pixels, but size is 32 x 32"
    );
    Image::new(32).pad([4; 4]).random_crop([32, 32]).check().unwrap();
    assert_eq!(
        message(Image::sized(32, 24).transpose(0.5)),
        "transpose: leaves pictures of several sizes"
    );
    Image::sized(32, 24).transpose(1.0).transpose(1.0).check().unwrap();
    assert_eq!(
        message(Image::sized(0, 24)),
        "size is 0 x 24, but has to lie in 1..=8192 pixels"
    );
    assert_eq!(
        message(Image::new(8).scale(0.0..=1.0)),
        "scale: scale is 0..=1, but has to be a range within 0.01..=100"
    );
    assert_eq!(
        message(Image::new(8).perspective(1.5, 0.5)),
        "perspective: distortion_scale is 1.5, but has to lie in 0..=0.95"
    );
    // An operation that says one size and draws another.
    let wrong = Image::new(32)
        .with(fixed(Motion::identity([20; 2])))
        .with(fixed(Motion::resize([20; 2], [32; 2])));
    let error = wrong.preview(PHOTO, &mut rng(0)).unwrap_err().to_string();
    assert_eq!(error, "fixed moves a picture of 20 x 20 pixels, but it has 32 x 32");
}

// How pictures fit.

#[test]
fn a_letterbox_has_all_of_the_picture_in_its_middle() {
    let fill = [7, 60, 200];
    // 96 x 72 pixels become 40 x 30 in 40 x 41.
    let boxed = preview(&Image::sized(40, 41).letterbox(fill), PHOTO);
    let inner = preview(&Image::sized(40, 30), PHOTO);
    assert_eq!((boxed.width, boxed.height), (40, 41));
    let rows = boxed.levels.as_chunks::<3>().0;
    assert!(
        rows[..5 * 40]
            .iter()
            .chain(&rows[35 * 40..])
            .all(|&pixel| pixel == fill)
    );
    assert_eq!(boxed.levels[5 * 120..35 * 120], inner.levels);
    // By the longer side, with a rim all around.
    let rim = preview(&Image::new(40).resize_letterbox(32, fill), PHOTO);
    let inner = preview(&Image::sized(32, 24), PHOTO);
    for (y, row) in inner.levels.chunks_exact(96).enumerate() {
        assert_eq!(rim.levels[((y + 8) * 40 + 4) * 3..][..96], *row);
    }
    assert_eq!(rim.levels[..3], fill);
    // What moves in is of the same colour.
    let turned = preview(
        &Image::new(40)
            .letterbox(fill)
            .with(fixed(Motion::rotation([40; 2], 45.0))),
        PHOTO,
    );
    assert_eq!((&turned.levels[..3], turned.levels.contains(&0)), (&fill[..], false));
}

#[test]
fn a_central_crop_has_the_outputs_ratio() {
    // Of 96 x 72 pixels the middle 96 x 48.
    let found = preview(&Image::sized(48, 24).center_crop(1.0), PHOTO);
    let mut expected = Pixels::new(48, 24);
    photo().resample([0.0, 12.0, 96.0, 48.0], &mut expected).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn other_sizes_are_written_and_read() {
    let stage = Image::sized(320, 240).letterbox([114; 3]).rotate(5.0);
    let written = serde_json::to_string(&stage).unwrap();
    assert!(
        written.contains(r#""size":[320,240]"#) && written.contains(r#"{"letterbox":{"fill":[114,114,114]}}"#),
        "{written}"
    );
    let read: Image = serde_json::from_str(&written).unwrap();
    assert_eq!(read.plan().fingerprint(), stage.plan().fingerprint());
    assert!(serde_json::to_string(&Image::new(96)).unwrap().contains(r#""size":96"#));
    let error = serde_json::from_str::<Image>(r#"{"size": "large"}"#)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("expected a number of pixels, or [width, height]"),
        "{error}"
    );
    let mut slot = vec![0.0; 3 * 320 * 240];
    stage.apply(PHOTO, &mut rng(0), &mut slot).unwrap();
}

/// Makes a picture smaller, and does not say so.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Silent;

impl Spec for Silent {
    const NAME: &'static str = "silent";
}

impl Operation for Silent {
    fn draw(&self, subject: &Subject, _: &mut Rng) -> Drawn {
        let [width, height] = subject.size();
        Drawn::Motion(Motion::affine([width, height], [width / 2, height], [0.5, 0.0, 0.0, 0.0, 1.0, 0.0]).unwrap())
    }
}

#[test]
fn an_operation_that_does_not_say_its_size_is_named() {
    let stage = Image::sized(96, 72).horizontal_flip(0.5).with(Silent);
    let mut out = vec![0.0; 3 * 96 * 72];
    let error = stage.apply(PHOTO, &mut Rng::new(1, "test", 0), &mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "silent: its motion makes 48 x 72 pixels of 96 x 72, and by its `Operation::resized` these are 96 x 72: override `resized`, \
         which says the size that the operation leaves"
    );
}
