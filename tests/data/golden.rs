//! What must not change within a major version: the random stream, and the orders that are drawn from it.
//!
//! A failure here means that every run in the world goes on with other rows after an update.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, UInt8Type};
use arrow_schema::extension::FixedShapeTensor;
use common::{context, ids, repeated, table, with_targets};
use millstream::image::{Boxes, CopyPaste, Image, Keypoints, Pixels};
use millstream::mix::{BalanceSpec, BatchPart, Feedback, FeedbackSpec, SegmentsSpec, Target};
use millstream::rng::{Permutation, Rng, stream};
use millstream::rows::{Key, Labels};
use millstream::source::Memory;
use millstream::synthetic::{CutMix, Generator, MixUp, SampleId, Scenes, ScenesSpec};
use millstream::{Dataset, DatasetExt, Stable};
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn the_random_stream() {
    let mut rng = Rng::new(42, "golden", 7);
    assert_eq!(
        [rng.next_u64(), rng.next_u64()],
        [13_511_280_318_778_969_205, 17_614_903_461_837_059_658]
    );
    assert_eq!([rng.next_u32(), rng.next_u32()], [4_102_949_337, 875_913_991]);
    assert_eq!(
        [rng.below(1000), rng.below(7), rng.below(u64::MAX)],
        [338, 2, 11_503_048_771_017_614_798]
    );
    assert_eq!(
        [
            rng.unit().to_bits(),
            rng.range(-2.0, 3.0).to_bits(),
            rng.normal().to_bits()
        ],
        [1_058_838_673, 3_199_519_816, 3_196_248_377]
    );
    let mut bytes = [0; 5];
    rng.fill(&mut bytes);
    assert_eq!(bytes, [215, 141, 9, 194, 168]);
    let first = |seed, stage, position| Rng::new(seed, stage, position).next_u32();
    assert_eq!(
        [
            first(0, "", 0),
            first(1, "", 0),
            first(0, "a", 0),
            first(0, "", u64::MAX)
        ],
        [1_715_699_481, 78_819_490, 3_273_967_641, 2_550_350_223]
    );
    assert_eq!(
        [stream(&[]), stream(&[1, 2])],
        [3_244_421_341_483_603_138, 571_542_372_673_154_031]
    );
}

#[test]
fn permutations() {
    let of = |n, count| {
        let permutation = Permutation::new(n, &mut Rng::new(42, "golden", n));
        (0..count).map(|index| permutation.get(index)).collect::<Vec<_>>()
    };
    assert_eq!(of(10, 10), [6, 0, 7, 5, 8, 9, 3, 2, 1, 4]);
    assert_eq!(
        of(1_000_000_007, 4),
        [211_517_332, 427_439_785, 341_012_148, 174_452_027]
    );
    assert_eq!(of(u64::MAX, 2), [14_499_332_398_091_051_039, 4_815_945_346_044_447_521]);
}

fn order(dataset: &impl Dataset, positions: std::ops::Range<u64>) -> Vec<i64> {
    let cx = context().with_seed(42);
    ids(&cx.block_on(dataset.take(&cx, &positions.collect::<Vec<_>>())).unwrap())
}

#[test]
fn the_order_of_repeat_factors() {
    let balance = repeated(&context(), table(&[20, 5, 2]), 0.5);
    let first = [
        25, 5, 20, 20, 6, 10, 0, 14, 9, 1, 25, 24, 20, 6, 15, 3, 21, 22, 10, 0, 5, 2, 0, 11, 26, 15, 4, 5, 25, 12, 18,
        17, 10, 17, 13, 7, 21, 23, 8, 3,
    ];
    assert_eq!(order(&balance, 0..40), first);
    assert_eq!(order(&balance, 1000..1008), [21, 2, 12, 17, 2, 18, 14, 13]);
}

#[test]
fn the_order_of_a_shuffle() {
    let dataset = table(&[30, 10, 5]).shuffle_window(2);
    assert_eq!(
        order(&dataset, 0..45),
        [
            7, 2, 8, 44, 3, 9, 4, 1, 43, 42, 41, 5, 6, 40, 0, 28, 36, 34, 26, 31, 38, 32, 29, 33, 35, 25, 30, 21, 22,
            24, 23, 37, 20, 39, 27, 19, 18, 10, 16, 17, 13, 12, 15, 11, 14
        ]
    );
    assert_eq!(order(&dataset, 45..55), [26, 20, 21, 29, 28, 18, 27, 22, 10, 11]);
}

#[test]
fn the_order_of_a_balance() {
    let cx = context();
    let balanced = |target| cx.block_on(table(&[30, 10, 5]).balance(&cx, "label", target)).unwrap();
    assert_eq!(
        order(&balanced(Target::Uniform), 0..24),
        [
            15, 13, 44, 2, 13, 17, 14, 44, 36, 33, 24, 12, 0, 27, 4, 7, 28, 4, 34, 30, 28, 35, 0, 44
        ]
    );
    assert_eq!(
        order(&balanced(Target::Sqrt).block(16), 40..64),
        [
            32, 8, 7, 4, 36, 13, 38, 15, 14, 7, 44, 10, 12, 26, 8, 20, 40, 13, 18, 42, 3, 6, 35, 34
        ]
    );
}

#[test]
fn the_order_of_cells_parts_feedback_and_segments() {
    let cx = context();
    let rows = || table(&[30, 10, 5]);
    let cells = BalanceSpec {
        by: Some(Key::product([Key::column("label"), Key::bins("id", &[22.0])])),
        ..BalanceSpec::default()
    };
    let cells = cx.block_on(rows().balance_with(&cx, "label", &cells, None)).unwrap();
    let parts = [BatchPart::of("class 2", 0.3), BatchPart::others(0.7)];
    let batches = cx.block_on(rows().balance(&cx, "label", Target::Sqrt)).unwrap();
    let batches = batches.batches(8, &parts, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let feedback = Feedback::open(folder.path().join("feedback.jsonl")).unwrap();
    feedback.report(0, &[0.9, 0.5, 0.7]).unwrap();
    let follows = cx.block_on(rows().balance(&cx, "label", Target::Uniform)).unwrap();
    let follows = follows.feedback(&feedback, &FeedbackSpec::default()).unwrap();
    let spec = SegmentsSpec {
        rows: 20,
        emit: Some(16),
        ..SegmentsSpec::default()
    };
    let classed = cx.block_on(rows().classes(&cx, "label")).unwrap();
    let segments = classed.segments(&spec).unwrap();
    let found = BTreeMap::from([
        ("batches", order(&batches, 40..64)),
        ("cells", order(&cells, 0..24)),
        ("feedback", order(&follows, 90..114)),
        ("segments", order(&segments, 16..40)),
    ]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/balance_orders.json");
    let expected = std::fs::read_to_string(path).unwrap();
    assert_eq!(serde_json::to_string(&found).unwrap(), expected.trim());
}

/// Partner and own share (its bits) of rows that are each of a class of their own.
fn mixtures(dataset: &impl Dataset) -> Vec<(usize, u32)> {
    let cx = context().with_seed(42);
    let batch = cx.block_on(dataset.take(&cx, &Vec::from_iter(0..10))).unwrap();
    let rows = (0..10).map(|row| {
        let soft = batch["label"].as_fixed_size_list().value(row);
        let soft = soft.as_primitive::<Float32Type>().values();
        let own = ids(&batch)[row] as usize;
        let partner = (0..10).find(|&class| class != own && soft[class] > 0.0);
        (partner.unwrap_or(own), soft[own].to_bits())
    });
    rows.collect()
}

/// Ten rows, each of a class of its own, with a picture of 16 by 16.
fn pictures() -> Memory {
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let x = FixedSizeListArray::new(item, 256, Arc::new(Float32Array::from(vec![0.0; 2560])), None);
    let shape = FixedShapeTensor::try_new(DataType::Float32, [16, 16], None, None).unwrap();
    let fields = ["id", "label"].map(|name| Field::new(name, DataType::Int64, false));
    let x_field = Field::new("x", x.data_type().clone(), false).with_extension_type(shape);
    let schema = Schema::new(Vec::from_iter(fields.into_iter().chain([x_field])));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10));
    let rows = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(&ids), ids, Arc::new(x)]);
    Memory::new(vec![rows.unwrap()]).unwrap()
}

#[test]
fn partners_and_shares_of_mixed_rows() {
    let up = |alpha| MixUp::new(alpha).num_classes(10).window(6);
    let mixed = [
        mixtures(&pictures().mixup("x", "label", up(0.4)).unwrap()),
        mixtures(&pictures().mixup("x", "label", up(3.0).p(0.5)).unwrap()),
        mixtures(
            &pictures()
                .cutmix("x", "label", CutMix::new(1.0).num_classes(10))
                .unwrap(),
        ),
    ];
    let expected = [
        [
            (4, 1_059_975_358),
            (3, 1_034_766_025),
            (0, 1_065_214_250),
            (2, 1_015_869_154),
            (5, 1_064_552_231),
            (1, 1_058_914_933),
            (7, 1_060_910_058),
            (9, 1_047_602_754),
            (6, 1_029_303_086),
            (8, 1_030_771_231),
        ],
        [
            (4, 1_055_288_437),
            (3, 1_056_222_599),
            (0, 1_054_433_260),
            (3, 1_065_353_216),
            (5, 1_059_979_753),
            (5, 1_065_353_216),
            (6, 1_065_353_216),
            (7, 1_065_353_216),
            (8, 1_065_353_216),
            (8, 1_061_579_729),
        ],
        [
            (3, 1_063_387_136),
            (4, 1_059_061_760),
            (5, 1_062_207_488),
            (2, 1_065_091_072),
            (7, 1_060_765_696),
            (5, 1_065_353_216),
            (0, 1_058_275_328),
            (8, 1_064_566_784),
            (9, 1_058_865_152),
            (6, 1_065_091_072),
        ],
    ];
    assert_eq!(mixed, expected);
}

/// Of each row its id, the boxes in hundredths of a pixel, the point likewise, and how many pixels of the mask are 1.
type Moved = (i64, Vec<i64>, Vec<i64>, usize);

#[test]
fn the_order_and_the_draws_of_targets() {
    let stage = || {
        Image::sized(32, 24)
            .random_resized_crop(0.5..=1.0, 0.8..=1.25)
            .horizontal_flip(0.5)
            .rotate(20.0)
            .mask("mask")
            .boxes(Boxes::default().min_visibility(0.2))
            .keypoints(Keypoints::new("points"))
    };
    let moved = |rows: &dyn Dataset| -> Vec<Moved> {
        let cx = context().with_seed(42);
        let batch = cx.block_on(rows.take(&cx, &[0, 1, 2, 9, 1_000_003])).unwrap();
        let hundredths = |column: &str, row: usize| {
            let items = batch[column].as_list::<i32>().value(row);
            let items = items.as_fixed_size_list();
            let (start, end) = (items.value_offset(0) as usize, items.value_offset(items.len()) as usize);
            let values = items.values().as_primitive::<Float32Type>().values()[start..end].to_vec();
            values.iter().map(|value| (value * 100.0).round() as i64).collect()
        };
        let row = |row: usize| {
            let mask = batch["mask"].as_fixed_size_list().value(row);
            let ones = mask
                .as_primitive::<UInt8Type>()
                .values()
                .iter()
                .filter(|value| **value == 1);
            (
                ids(&batch)[row],
                hundredths("boxes", row),
                hundredths("points", row),
                ones.count(),
            )
        };
        (0..5).map(row).collect()
    };
    let shuffled = with_targets(8).shuffle().image("image", stage()).unwrap();
    let pasting = CopyPaste::new(Boxes::default()).mask("mask").window(4);
    let pasted = with_targets(8).shuffle().image("image", stage()).unwrap();
    let pasted = pasted.copy_paste("image", pasting).unwrap();
    let moved_alone = [
        (7, vec![1073, 284, 2875, 1941], vec![2577, 800], 256),
        (3, vec![0, 201, 1175, 1707], vec![], 161),
        (5, vec![348, 147, 2684, 1812], vec![2207, 615], 330),
        (4, vec![1799, 0, 3200, 1588], vec![], 191),
        (1, vec![0, 0, 1529, 1279], vec![313, 254], 146),
    ];
    let with_pasted = [
        (
            7,
            vec![1073, 284, 2875, 1941, 200, 301, 1375, 1807],
            vec![2577, 800],
            391,
        ),
        (3, vec![0, 201, 1175, 1707], vec![], 161),
        (5, vec![348, 147, 2684, 1812], vec![2207, 615], 330),
        (4, vec![1799, 0, 3200, 1588, 200, 302, 1228, 1443], vec![], 301),
        (1, vec![0, 0, 1529, 1279, 1113, 630, 3015, 2231], vec![313, 254], 410),
    ];
    assert_eq!(
        [moved(&shuffled), moved(&pasted)],
        [moved_alone, with_pasted].map(Vec::from)
    );
}

/// Those of the detection demo, hashed by Python.
#[test]
fn the_pictures_of_scenes() {
    let cx = context();
    let rows: Arc<dyn Stable> = Arc::new(common::fashion(&cx));
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let demo = ScenesSpec {
        width: 128,
        height: 96,
        objects: 4,
        scale: 0.8..=1.6,
        ..ScenesSpec::default()
    };
    let scenes = Scenes::new(rows, &labels, demo).unwrap();
    let samples = [0, 1, 2].map(|class| SampleId { class, index: 0 });
    let made = cx.block_on(scenes.generate(&cx, &samples)).unwrap();
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for row in 0..3 {
        let image = made["image"].as_struct().column(0).as_binary::<i32>().value(row);
        for encoded in [image, made["mask"].as_binary::<i32>().value(row)] {
            hasher.update(&Pixels::<u8>::decode(encoded).unwrap().levels);
        }
    }
    let boxes = made["objects"].as_struct().column(0).as_list::<i32>().values();
    let boxes = boxes.as_fixed_size_list().values().as_primitive::<Float32Type>();
    boxes
        .values()
        .iter()
        .for_each(|side| hasher.update(&side.to_le_bytes()));
    assert_eq!(hasher.digest(), 9_563_313_626_608_828_689);
}
