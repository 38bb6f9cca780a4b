//! What must not change within a major version: the random stream, and the orders that are drawn from it.
//!
//! A failure here means that every run in the world goes on with other rows after an update.
#![allow(missing_docs, reason = "tests")]

mod common;

use common::{context, ids, table};
use millstream::mix::Target;
use millstream::rng::{Permutation, Rng, stream};
use millstream::{Dataset, DatasetExt};

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
