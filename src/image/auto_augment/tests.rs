//! The policies against torchvision: `tests/scripts/make_auto_augment.py` makes the fixture.

use super::auto_augment::{AutoAugment, AutoAugmentPolicy};
use super::policies::{CIFAR10, IMAGE_NET, Pair, SVHN};
use super::space::{AUG_MIX, Entry, Magnitudes, RAND_AUGMENT, TRIVIAL_AUGMENT_WIDE, of_auto_augment};
use super::transform::{Chosen, Transform};
use super::{aug_mix::AugMix, rand_augment::RandAugment, trivial_augment_wide::TrivialAugmentWide};
use crate::image::{Image, Operation, Pixels, Subject};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A transform, whether a coin decides the side, and the strengths of all bins.
type Space = Vec<(String, bool, Option<Vec<f32>>)>;

/// A transform of a pair, its probability and its bin.
type One = (String, f32, Option<u32>);

#[derive(Deserialize)]
struct Fixture {
    width: u32,
    height: u32,
    rand_augment: Policy,
    trivial_augment_wide: Policy,
    auto_augment: Auto,
    aug_mix: Policy,
    applied: Vec<(String, f32)>,
}

#[derive(Deserialize)]
struct Policy {
    defaults: Map<String, Value>,
    space: Space,
    partial: Option<Space>,
}

#[derive(Deserialize)]
struct Auto {
    policies: BTreeMap<String, Vec<[One; 2]>>,
    space: Space,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../../tests/fixtures/auto_augment.json")).unwrap()
}

fn check_space(fixture: &Fixture, ours: &[Entry], theirs: &Space, bins: u32) {
    let size = [fixture.width, fixture.height];
    assert_eq!(ours.len(), theirs.len());
    for ((transform, magnitudes), (known, is_signed, values)) in ours.iter().zip(theirs) {
        assert_eq!(transform.name(), known);
        assert_eq!(magnitudes.is_signed(), *is_signed, "{known}");
        let Some(values) = values else {
            assert_eq!(*magnitudes, Magnitudes::One, "{known}");
            continue;
        };
        let own: Vec<f32> = (0..bins)
            .map(|bin| magnitudes.of(bin, bins, transform.side(size)))
            .collect();
        assert_eq!(&own, values, "{known}");
    }
}

#[test]
fn spaces_are_those_of_torchvision() {
    let fixture = fixture();
    check_space(&fixture, &RAND_AUGMENT, &fixture.rand_augment.space, 31);
    check_space(&fixture, &TRIVIAL_AUGMENT_WIDE, &fixture.trivial_augment_wide.space, 31);
    let auto: Vec<Entry> = RAND_AUGMENT[1..]
        .iter()
        .map(|entry| entry.0)
        .chain([Transform::Invert])
        .map(|transform| (transform, of_auto_augment(transform)))
        .collect();
    check_space(&fixture, &auto, &fixture.auto_augment.space, 10);
    check_space(&fixture, &AUG_MIX, &fixture.aug_mix.space, 10);
    check_space(&fixture, &AUG_MIX[..9], fixture.aug_mix.partial.as_ref().unwrap(), 10);
}

#[test]
fn policies_and_defaults_are_those_of_torchvision() {
    let fixture = fixture();
    let known = |pair: &Pair| pair.map(|(transform, p, bin)| (transform.name().to_owned(), p, bin));
    let all: [(&str, &[Pair]); 3] = [("imagenet", &IMAGE_NET), ("cifar10", &CIFAR10), ("svhn", &SVHN)];
    for (policy, pairs) in all {
        let theirs = fixture.auto_augment.policies[policy].iter();
        let theirs: Vec<_> = theirs
            .map(|pair| pair.clone().map(|(name, p, bin)| (name, p, bin.unwrap_or(0))))
            .collect();
        assert_eq!(pairs.iter().map(known).collect::<Vec<_>>(), theirs, "{policy}");
        let read: AutoAugmentPolicy = serde_json::from_value(policy.into()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), policy);
    }
    fn written(spec: &impl Serialize) -> Value {
        serde_json::to_value(spec).unwrap()
    }
    for (ours, theirs) in [
        (written(&RandAugment::new()), &fixture.rand_augment.defaults),
        (
            written(&TrivialAugmentWide::new()),
            &fixture.trivial_augment_wide.defaults,
        ),
        (written(&AugMix::new()), &fixture.aug_mix.defaults),
    ] {
        assert_eq!(ours, Value::Object(theirs.clone()));
    }
}

/// On a photo, no level is off by more than one, where black comes in from outside either.
#[test]
fn transforms_do_what_those_of_torchvision_do() {
    let photo = Pixels::<u8>::decode(include_bytes!("../../../tests/fixtures/operations/photo.png")).unwrap();
    let theirs = Pixels::<u8>::decode(include_bytes!("../../../tests/fixtures/auto_augment.png")).unwrap();
    let of = |known: &str| {
        let all = RAND_AUGMENT.iter().map(|entry| entry.0).chain([Transform::Invert]);
        all.into_iter().find(|transform| transform.name() == known).unwrap()
    };
    let applied = fixture().applied;
    assert_eq!(applied.len(), 15);
    let theirs: Vec<&[u8]> = theirs.levels.chunks_exact(photo.levels.len()).collect();
    assert_eq!(theirs.len(), applied.len());
    for ((known, magnitude), theirs) in applied.into_iter().zip(theirs) {
        let mut ours = photo.clone();
        let transform = of(&known);
        let drawn = Chosen { transform, magnitude }.drawn(&Subject::of(&ours));
        drawn.apply(&mut ours);
        let pairs = || ours.levels.iter().zip(theirs);
        let most = pairs().map(|(own, other)| own.abs_diff(*other)).max();
        let far = pairs().filter(|(own, other)| own.abs_diff(**other) > 1).count();
        assert_eq!(far, 0, "{known}: {most:?} levels");
        assert_eq!(ours == photo, transform == Transform::Identity, "{known}");
    }
}

fn chosen(operation: &dyn Operation, row: u64) -> String {
    let words = operation.in_words(&Subject::new([100, 50]), &mut Rng::new(9, "policy", row));
    words.unwrap()
}

/// Of 20,000 rows, against even shares, at a level of 0.001.
fn check_even(counts: &BTreeMap<String, u64>, kinds: usize, limit: f64) {
    assert_eq!(counts.len(), kinds, "{counts:?}");
    let expected = counts.values().sum::<u64>() as f64 / kinds as f64;
    let chi: f64 = counts
        .values()
        .map(|&count| (count as f64 - expected).powi(2) / expected)
        .sum();
    assert!(chi < limit, "{chi}: {counts:?}");
}

#[test]
fn transforms_strengths_and_sides_are_as_likely_as_each_other() {
    let mut transforms = BTreeMap::new();
    let mut sides = BTreeMap::new();
    for row in 0..20_000 {
        let words = chosen(&RandAugment::new(), row);
        for word in words.split(", ") {
            *transforms
                .entry(word.split(' ').next().unwrap().to_owned())
                .or_insert(0) += 1;
            if word.starts_with("rotate") {
                *sides.entry(word.to_owned()).or_insert(0) += 1;
            }
        }
    }
    check_even(&transforms, 14, 34.5);
    // Bin 9 of 31.
    let expected: Vec<_> = ["rotate -9.00", "rotate 9.00"].into();
    assert_eq!(sides.keys().collect::<Vec<_>>(), expected);
    check_even(&sides, 2, 10.8);
    let mut bins = BTreeMap::new();
    for row in 0..60_000 {
        let words = chosen(&TrivialAugmentWide::new(), row);
        if let Some(angle) = words.strip_prefix("rotate ") {
            *bins.entry(angle.trim_start_matches('-').to_owned()).or_insert(0) += 1;
        }
    }
    check_even(&bins, 31, 59.7);
    assert!(bins.contains_key("135.00") && bins.contains_key("0.00"), "{bins:?}");
}

#[test]
fn pairs_are_run_with_their_probabilities() {
    // Pairs 12 and 20 (`equalize` with 0, then 0.8) and the like: the share of rows in which colours are inverted.
    let inverted = (0..20_000)
        .filter(|&row| chosen(&AutoAugment::new(), row).contains("invert"))
        .count();
    let expected: f64 = IMAGE_NET
        .iter()
        .flatten()
        .filter(|one| one.0 == Transform::Invert)
        .map(|one| f64::from(one.1))
        .sum();
    let expected = 20_000.0 * expected / 25.0;
    let deviation = expected.sqrt();
    assert!(
        (inverted as f64 - expected).abs() < 3.3 * deviation,
        "{inverted} {expected}"
    );
    let svhn = AutoAugment::new().policy(AutoAugmentPolicy::Svhn);
    assert!((0..500).all(|row| !chosen(&svhn, row).contains("posterize")));
}

#[test]
fn mixtures_have_weights_that_sum_to_one() {
    let grey = |level: u8| {
        let mut pixels = Pixels::new(7, 5);
        pixels.levels.fill(level);
        pixels
    };
    // Shifts, turns and shears bring in black; of a black picture nothing changes but by solarize, which is bin 9 alone.
    for row in 0..200 {
        let mut pixels = grey(0);
        AugMix::new()
            .severity(3)
            .apply(&mut pixels, &mut Rng::new(1, "aug_mix", row));
        assert_eq!(pixels, grey(0), "{}", chosen(&AugMix::new(), row));
    }
    let words = |row| {
        let words = AugMix::new().in_words(&Subject::new([100, 50]), &mut Rng::new(1, "aug_mix", row));
        words.unwrap()
    };
    let (mut own, mut first, mut depths) = (0.0, 0.0, BTreeSet::new());
    for row in 0..4000 {
        let words = words(row);
        let parts: Vec<&str> = words.split("; ").collect();
        assert_eq!(parts.len(), 4, "{words}");
        let weights = parts
            .iter()
            .map(|part| part.split(' ').next().unwrap().parse::<f64>().unwrap());
        let weights: Vec<f64> = weights.collect();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 0.021, "{words}");
        own += weights[0];
        first += weights[1];
        depths.extend(parts[1..].iter().map(|part| part.matches(", ").count() + 1));
    }
    // The means of a beta distribution with 1 and 1, and of a third of the rest.
    assert!((own / 4000.0 - 0.5).abs() < 0.015 && (first / 4000.0 - 1.0 / 6.0).abs() < 0.01);
    assert_eq!(depths.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn mixtures_of_moved_pictures_refuse_masks() {
    use arrow::datatypes::Schema;
    let image = Image::new(8)
        .with(crate::image::OneOf::new((AugMix::new(), RandAugment::new())))
        .mask("mask");
    let error = image
        .clone()
        .on("image")
        .bind(&Schema::empty())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("aug_mix: it mixes pictures that were moved in different ways, so masks would lie"),
        "{error}"
    );
    assert!(
        Image::new(8)
            .with(RandAugment::new())
            .mask("mask")
            .on("image")
            .bind(&Schema::empty())
            .is_ok()
    );
}

#[test]
fn what_is_no_scale_is_refused() {
    let refused = |operation: &dyn Operation| operation.check().unwrap_err().to_string();
    let checks: [(&dyn Operation, &str); 8] = [
        (
            &RandAugment::new().magnitude(31),
            "magnitude is 31, but the 31 bins are counted from 0",
        ),
        (
            &RandAugment::new().num_ops(65),
            "num_ops is 65, but has to lie in 0..=64",
        ),
        (
            &RandAugment::new().num_magnitude_bins(1),
            "num_magnitude_bins is 1, but has to lie in 2..=1000",
        ),
        (
            &TrivialAugmentWide::new().num_magnitude_bins(0),
            "num_magnitude_bins is 0, but has to lie in 2..=1000",
        ),
        (&AugMix::new().severity(11), "severity is 11, but has to lie in 1..=10"),
        (
            &AugMix::new().mixture_width(0),
            "mixture_width is 0, but has to lie in 1..=16",
        ),
        (
            &AugMix::new().chain_depth(0),
            "chain_depth is 0, but has to lie in 1..=16, or be -1 for one to three",
        ),
        (
            &AugMix::new().alpha(0.0),
            "alpha is 0, but has to lie above 0 and up to 1000",
        ),
    ];
    for (operation, said) in checks {
        assert_eq!(refused(operation), said);
    }
}
