//! Oriented boxes against OpenCV, and a bent photo against SciPy: `tests/scripts/make_moved_photos.py`.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field as Column, Float32Type};
use millstream::image::{
    Boxes, Drawn, Field, HorizontalFlip, Image, Motion, Operation, Padding, Pixels, Subject, VerticalFlip,
};
use millstream::rng::Rng;
use millstream::source::Memory;
use millstream::spec::Spec;
use millstream::{Context, Dataset, DatasetExt};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, OnceLock};

const FLIPS: [&str; 2] = ["horizontal_flip", "vertical_flip"];

#[derive(Deserialize)]
struct Cases {
    size: [u32; 2],
    /// Centre, width and height, and degrees counter-clockwise.
    boxes: Vec<[f32; 5]>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    matrix: [f64; 6],
    corners: Vec<[[f32; 2]; 4]>,
}

/// An operation of a test's own: one motion.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Moving {
    #[serde(skip)]
    motion: OnceLock<Motion>,
}

impl Spec for Moving {
    const NAME: &'static str = "moving";
}

impl Operation for Moving {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Motion(self.motion.get().unwrap().clone())
    }

    fn moves(&self) -> bool {
        true
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

/// One row: a picture with these boxes.
fn stored([width, height]: [u32; 2], boxes: &[[f32; 5]]) -> Memory {
    let png = Pixels::new(width, height).to_png().unwrap();
    let values = Arc::new(Float32Array::from(boxes.as_flattened().to_vec()));
    let item = Arc::new(Column::new_list_field(DataType::Float32, false));
    let items: ArrayRef = Arc::new(FixedSizeListArray::new(item, 5, values, None));
    let item = Arc::new(Column::new_list_field(items.data_type().clone(), false));
    let lists = ListArray::new(item, OffsetBuffer::from_lengths([boxes.len()]), items, None);
    let columns: [(&str, ArrayRef); 2] = [
        ("image", Arc::new(BinaryArray::from_iter_values([png]))),
        ("oriented", Arc::new(lists)),
    ];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

/// The boxes that a stage leaves.
fn moved(rows: &Memory, stage: Image) -> Vec<[f32; 5]> {
    let rows = rows
        .clone()
        .image("image", stage.boxes(Boxes::oriented("oriented")))
        .unwrap();
    let cx = Context::with(1, 1 << 24).unwrap();
    let batch = cx.block_on(rows.take(&cx, &[0])).unwrap();
    let boxes = batch["oriented"].as_list::<i32>().value(0);
    let boxes = boxes.as_fixed_size_list();
    let of = |at: usize| {
        let values = boxes.value(at);
        values.as_primitive::<Float32Type>().values()[..].try_into().unwrap()
    };
    (0..boxes.len()).map(of).collect()
}

/// Degrees are counter-clockwise, and y points downwards.
fn corners_of([x, y, width, height, degrees]: [f32; 5]) -> [[f32; 2]; 4] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[a, b]| {
        let (along, across) = (a * width / 2.0, b * height / 2.0);
        [x + along * cos + across * sin, y - along * sin + across * cos]
    })
}

/// To a hundredth of a pixel, which is what OpenCV's own corners, of f32, and ours are sure of. Whichever corner is the first one.
#[test]
fn oriented_boxes_are_opencvs() {
    let cases: Cases = serde_json::from_slice(&fixture("oriented.json")).unwrap();
    let rows = stored(cases.size, &cases.boxes);
    let stage = || Image::sized(cases.size[0], cases.size[1]);
    for case in &cases.cases {
        let motion = Motion::affine(cases.size, cases.size, case.matrix).unwrap();
        let mut stages = vec![stage().with(Moving {
            motion: OnceLock::from(motion),
        })];
        match case.name.as_str() {
            "horizontal_flip" => stages.push(stage().with(HorizontalFlip::new(1.0))),
            "vertical_flip" => stages.push(stage().with(VerticalFlip::new(1.0))),
            _ => {}
        }
        for stage in stages {
            let found = moved(&rows, stage);
            assert_eq!(found.len(), cases.boxes.len(), "{}", case.name);
            for (found, expected) in found.iter().zip(&case.corners) {
                for [x, y] in corners_of(*found) {
                    let off = expected.iter().map(|[a, b]| (a - x).hypot(b - y));
                    let off = off.fold(f32::INFINITY, f32::min);
                    assert!(off < 0.01, "{}: {found:?} for {expected:?}, {off}", case.name);
                }
            }
        }
    }
    let names = cases.cases.iter().map(|case| case.name.as_str());
    assert_eq!(names.filter(|name| FLIPS.contains(name)).count(), 2);
}

/// Places are of 1/256 of a pixel here, so that where neighbours differ by a whole range a level or two may.
#[test]
fn a_bent_photo_is_scipys() {
    const WIDTH: usize = 48;
    const HEIGHT: usize = 40;
    let whole = Pixels::decode(&fixture("motions/photo.png")).unwrap();
    let rows = whole.levels.chunks(3 * whole.width as usize).take(HEIGHT);
    let photo = Pixels {
        width: WIDTH as u32,
        height: HEIGHT as u32,
        levels: rows.flat_map(|row| row[..3 * WIDTH].to_vec()).collect(),
    };
    let displacement = |at: usize| {
        let (x, y) = ((at % WIDTH) as f64, (at / WIDTH) as f64);
        [
            (4.0 * (y / 6.0).sin() + 5.0) as f32,
            (3.0 * (x / 8.0).cos() - 4.0) as f32,
        ]
    };
    let size = [WIDTH as u32, HEIGHT as u32];
    let field = || Field::new(size, WIDTH, (0..WIDTH * HEIGHT).map(displacement).collect()).unwrap();
    for (mode, padding) in [
        ("nearest", Padding::Edge),
        ("mirror", Padding::Reflect),
        ("reflect", Padding::Symmetric),
    ] {
        let mut found = photo.clone();
        Motion::field(size, field()).padding(padding).apply(&mut found);
        let expected = Pixels::decode(&fixture(&format!("motions/bent-{mode}.png"))).unwrap();
        let off = crate::operations::differences(&found, &expected);
        assert!(off.0 <= 2 && off.1 < 0.3, "{mode}: {off:?}");
        assert!(crate::operations::differences(&photo, &expected).1 > 3.0, "{mode}");
    }
}
