//! The losses: values and gradients as NumPy has them, what sampling leaves to correct, and what is refused.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use burn::tensor::{Device, Int, Tensor};
use common::{context, refused, table};
use millstream::DatasetExt;
use millstream::error::ErrorKind;
use millstream::loader::ClassPrior;
use millstream::mix::Target;
use millstream::synthetic::MixUp;
use millstream::train::loss::{
    BalancedSoftmax, ClassWeights, ClassificationLoss, CrossEntropy, Focal, Ldam, Loss, Targets,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What `tests/scripts/losses.py` wrote.
#[derive(Deserialize)]
struct Reference {
    classes: Vec<String>,
    stored: Vec<f64>,
    emitted: BTreeMap<String, Vec<f64>>,
    logits: Vec<f32>,
    hard: Vec<i64>,
    soft: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    loss: Loss,
    emitted: String,
    targets: String,
    value: f64,
    gradient: Vec<f64>,
}

impl Reference {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/losses.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn prior(&self, counts: &[f64]) -> ClassPrior {
        ClassPrior::new(self.classes.clone(), counts.to_vec()).unwrap()
    }
}

fn prior(counts: &[f64]) -> ClassPrior {
    ClassPrior::new(
        (0..counts.len()).map(|class| format!("class {class}")).collect(),
        counts.to_vec(),
    )
    .unwrap()
}

fn matrix(values: &[f32], width: usize, device: &Device) -> Tensor<2> {
    Tensor::<1>::from_floats(values, device).reshape([values.len() / width, width])
}

fn classes(of: &[i64], device: &Device) -> Targets {
    Targets::from(Tensor::<1, Int>::from_ints(of, device))
}

fn number(tensor: Tensor<1>) -> f32 {
    tensor.into_data().iter::<f32>().next().unwrap()
}

#[test]
fn values_and_gradients_are_those_of_numpy() {
    let (reference, device) = (Reference::read(), Device::flex().autodiff());
    let stored = reference.prior(&reference.stored);
    assert_eq!(reference.cases.len(), 130);
    for case in &reference.cases {
        let what = format!("{} of {} rows, {} labels", case.loss, case.emitted, case.targets);
        let loss = case
            .loss
            .init(&reference.prior(&reference.emitted[&case.emitted]), &stored)
            .unwrap();
        let logits = matrix(&reference.logits, 4, &device).require_grad();
        let targets = match case.targets.as_str() {
            "hard" => classes(&reference.hard, &device),
            _ => Targets::from(matrix(&reference.soft, 4, &device)),
        };
        let value = loss.forward(logits.clone(), &targets).unwrap();
        let gradient = logits.grad(&value.backward()).unwrap().into_data();
        let (value, wanted) = (f64::from(number(value)), case.value);
        assert!(
            (value - wanted).abs() < 2e-6 * wanted.abs().max(1.0),
            "{what}: {value}, not {wanted}"
        );
        for (at, (found, wanted)) in gradient.iter::<f32>().zip(&case.gradient).enumerate() {
            let off = (f64::from(found) - wanted).abs();
            assert!(
                off < 2e-6 * wanted.abs().max(1.0),
                "{what}: the gradient at {at} is {found}, not {wanted}"
            );
        }
    }
}

/// After a uniform balance all are cross-entropy; after one to the square root half of the correction is left.
#[test]
fn what_sampling_corrected_is_not_corrected_again() {
    let (stored, uniform) = (prior(&[810.0, 90.0, 10.0]), prior(&[7.0, 7.0, 7.0]));
    let sqrt = Target::Sqrt.shares(&[810, 90, 10], uniform.names()).unwrap();
    let sqrt = prior(&sqrt);
    let near = |found: &[f32], wanted: &[f64]| {
        assert_eq!(found.len(), wanted.len());
        let off = found
            .iter()
            .zip(wanted)
            .map(|(a, b)| (f64::from(*a) - b).abs())
            .fold(0.0, f64::max);
        assert!(off < 1e-6, "{found:?} {wanted:?}");
    };
    let offsets = |emitted| {
        BalancedSoftmax::new()
            .init(emitted, &stored)
            .unwrap()
            .offsets()
            .to_vec()
    };
    assert_eq!(offsets(&uniform), [0.0; 3]);
    let all = [810.0, 90.0, 10.0].map(|rows: f64| (3.0 * rows / 910.0).ln());
    near(&offsets(&stored), &all);
    // Apart from a constant, which softmax does not see, half of it.
    let half = offsets(&sqrt);
    near(
        &[half[0] - half[1], half[1] - half[2]],
        &[(all[0] - all[1]) / 2.0, (all[1] - all[2]) / 2.0],
    );

    let weights = |target: Target, emitted| {
        let loss = ClassWeights::new().target(target).init(emitted, &stored).unwrap();
        loss.weights().to_vec()
    };
    assert_eq!(weights(Target::Uniform, &uniform), [1.0; 3]);
    near(&weights(Target::Sqrt, &sqrt), &[1.0; 3]);
    near(
        &weights(Target::Uniform, &stored),
        &[810.0, 90.0, 10.0].map(|rows| 910.0 / (3.0 * rows)),
    );
    // Cui et al.: in proportion to (1 - beta) / (1 - beta^n).
    let effective = weights(Target::EffectiveNumber(0.99), &stored);
    let inverse = [810.0, 90.0, 10.0].map(|n| 0.01 / (1.0 - 0.99_f64.powf(n)));
    near(&[effective[1] / effective[2]], &[inverse[1] / inverse[2]]);
    let mean: f64 = effective
        .iter()
        .zip(stored.shares())
        .map(|(weight, share)| f64::from(*weight) * share)
        .sum();
    near(&[mean as f32], &[1.0]);

    let margins = |emitted| Ldam::new().init(emitted, &stored).unwrap().margins().to_vec();
    assert_eq!(margins(&uniform), [0.5; 3]);
    near(
        &margins(&stored),
        &[810.0, 90.0, 10.0].map(|rows| 0.5 * (10.0_f64 / rows).powf(0.25)),
    );
}

/// From the loader itself: what a balance emits, and labels that MixUp made soft.
#[test]
fn the_prior_of_a_loader_goes_into_a_loss() {
    let (cx, device) = (context().with_seed(4), Device::flex().autodiff());
    let balanced = |target| cx.block_on(table(&[40, 20, 10]).balance(&cx, "label", target)).unwrap();
    let stored = ClassPrior::from(&**balanced(Target::Uniform).labels());
    assert_eq!(stored.counts(), [40.0, 20.0, 10.0]);
    let loader = balanced(Target::Uniform).rows(63).loader(&cx).batch_size(63);
    let loss = BalancedSoftmax::new()
        .init(&loader.class_prior(0).unwrap(), &stored)
        .unwrap();
    assert_eq!(loss.offsets(), [0.0; 3]);
    let mixed = balanced(Target::Power(1.0))
        .mixup("x", "label", MixUp::new(1.0))
        .unwrap();
    let mixed = mixed.loader(&cx).batch_size(70);
    for (loader, soft) in [(loader, false), (mixed, true)] {
        let loss = BalancedSoftmax::new()
            .init(&loader.class_prior(0).unwrap(), &stored)
            .unwrap();
        let batch = loader.blocking().unwrap().next().unwrap().unwrap();
        let targets = Targets::of(batch.rows(), "label", &device).unwrap();
        let logits = Tensor::<2>::zeros([batch.len(), 3], &device).require_grad();
        let value = loss.forward(logits.clone(), &targets).unwrap();
        // At equal logits the loss of each row is the log of its classes' emitted shares, so the bias has no slope on average.
        let gradient = logits.grad(&value.backward()).unwrap().sum_dim(0).into_data();
        assert!(
            gradient.iter::<f32>().all(|slope| slope.abs() < 1e-6),
            "{soft}: {gradient}"
        );
        if soft {
            let text = "ldam: a margin is that of one class, and these labels are soft (MixUp, CutMix): use another loss, \
                        balanced_softmax for example, or leave the mixing out";
            let ldam = Ldam::new().init(&stored, &stored).unwrap();
            refused(
                ldam.forward(Tensor::zeros([70, 3], &device), &targets),
                ErrorKind::Config,
                text,
            );
        } else {
            let text = "loss: the targets are of classes 0 to 2, but the logits of 2";
            refused(
                loss.forward(Tensor::zeros([63, 2], &device), &targets),
                ErrorKind::Config,
                text,
            );
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (stored, device) = (prior(&[810.0, 90.0, 10.0]), Device::flex());
    let check = |loss: Loss, text: &str| refused(loss.init(&stored, &stored), ErrorKind::Config, text);
    check(
        Loss::CrossEntropy(CrossEntropy::new().smoothing(1.0)),
        "cross_entropy: smoothing is 1, not in 0..1",
    );
    let text = "balanced_softmax: tau is -1, but has to be a number in 0 to 100";
    check(Loss::BalancedSoftmax(BalancedSoftmax::new().tau(-1.0)), text);
    check(
        Loss::Focal(Focal::new().gamma(f32::NAN)),
        "focal: gamma is NaN, but has to be a number in 0 to 100",
    );
    check(
        Loss::Ldam(Ldam::new().scale(0.0)),
        "ldam: scale is 0, but has to be a number above 0 and at most 1000",
    );
    // Far above what trains Burn would panic, or the loss be no number.
    check(
        Loss::Focal(Focal::new().gamma(1e30)),
        "focal: gamma is 1000000000000000000000000000000, but has to be a number in 0 to 100",
    );
    check(
        Loss::Ldam(Ldam::new().scale(1e30)),
        "ldam: scale is 1000000000000000000000000000000, but has to be a number above 0 and at most 1000",
    );
    check(
        Loss::Ldam(Ldam::new().max_margin(101.0)),
        "ldam: max_margin is 101, but has to be a number in 0 to 100",
    );
    let text = "class_weights: target: power is NaN, but has to be a number in -16 to 16";
    check(
        Loss::ClassWeights(ClassWeights::new().target(Target::Power(f64::NAN))),
        text,
    );
    // What is allowed gives numbers.
    for loss in [
        Loss::Focal(Focal::new().gamma(100.0)),
        Loss::BalancedSoftmax(BalancedSoftmax::new().tau(100.0)),
        Loss::Ldam(Ldam::new().scale(1000.0).max_margin(100.0)),
    ] {
        let loss = loss.init(&stored, &stored).unwrap();
        let logits = matrix(&[8.0, -8.0, 0.0, -8.0, 8.0, 0.0], 3, &device);
        let value = number(loss.forward(logits, &classes(&[0, 0], &device)).unwrap());
        assert!(value.is_finite(), "{loss:?}: {value}");
    }
    let target = Target::Weights(vec![1.0, 1.0, 0.0]);
    let text = "loss: class \"class 2\" is emitted, but its target share is 0: give it a weight, or leave its rows out";
    check(Loss::ClassWeights(ClassWeights::new().target(target)), text);
    let other = ClassPrior::new(["x", "y", "z"].map(str::to_owned).to_vec(), vec![1.0; 3]).unwrap();
    let text = "loss: the emitted rows are of the classes [\"x\", \"y\", \"z\"], the stored ones of [\"class 0\", \"class 1\", \"class 2\"]";
    refused(
        Loss::BalancedSoftmax(BalancedSoftmax::new()).init(&other, &stored),
        ErrorKind::Config,
        text,
    );

    let loss = CrossEntropy::new().init().unwrap();
    let forward = |rows: usize, targets: &Targets| loss.forward(Tensor::zeros([rows, 3], &device), targets);
    let text = "loss: the logits are of 2 rows and 3 classes, the targets of 3 and 3";
    refused(forward(2, &classes(&[0, 1, 2], &device)), ErrorKind::Config, text);
    let soft = Targets::from(Tensor::<2>::zeros([2, 4], &device));
    refused(
        forward(2, &soft),
        ErrorKind::Config,
        "loss: the logits are of 2 rows and 3 classes, the targets of 2 and 4",
    );
    let none = Targets::from(Tensor::<2>::zeros([0, 3], &device));
    refused(
        forward(0, &none),
        ErrorKind::Config,
        "loss: there is no mean over a batch without rows",
    );
}

/// A class that never comes is no reason for an infinite offset, and is still a wrong answer.
#[test]
fn a_class_that_never_comes_is_not_corrected_for() {
    let (stored, device) = (prior(&[80.0, 20.0, 0.0]), Device::flex().autodiff());
    let loss = BalancedSoftmax::new().init(&stored, &stored).unwrap();
    assert_eq!(loss.offsets()[2], 0.0);
    assert!((loss.offsets()[0] - 1.6_f32.ln()).abs() < 1e-6);
    let logits = Tensor::<2>::zeros([1, 3], &device).require_grad();
    let value = loss.forward(logits.clone(), &classes(&[0], &device)).unwrap();
    let slopes = logits.grad(&value.backward()).unwrap().into_data();
    assert!(slopes.iter::<f32>().nth(2).unwrap() > 0.1);
}

/// With equal margins of 0 the default is cross-entropy of the logits as they are, which are not multiplied.
#[test]
fn ldam_takes_plain_logits() {
    let (stored, device) = (prior(&[80.0, 20.0]), Device::flex());
    let forward = |loss: Ldam| {
        let logits = matrix(&[1.0, 0.0], 2, &device);
        let loss = loss.init(&stored, &stored).unwrap();
        number(loss.forward(logits, &classes(&[0], &device)).unwrap())
    };
    let wanted = |margin: f32, scale: f32| (1.0 + (-(1.0 - margin) * scale).exp()).ln();
    assert!((forward(Ldam::new().max_margin(0.0)) - wanted(0.0, 1.0)).abs() < 1e-6);
    // The margin of the common class: 0.5 * (20 / 80)^(1/4).
    let margin = 0.5 * 0.25_f32.sqrt().sqrt();
    assert!((forward(Ldam::new()) - wanted(margin, 1.0)).abs() < 1e-6);
    assert!((forward(Ldam::new().scale(30.0)) - wanted(margin, 30.0)).abs() < 1e-6);
}

#[test]
fn a_loss_is_written_under_its_name() {
    assert_eq!(
        Loss::names(),
        ["balanced_softmax", "class_weights", "cross_entropy", "focal", "ldam"]
    );
    for text in [
        r#"{"balanced_softmax":{"target":"sqrt","tau":0.5}}"#,
        r#"{"ldam":{"max_margin":0.5,"scale":30.0,"weights":{"effective_number":0.99}}}"#,
    ] {
        let loss: Loss = text.parse().unwrap();
        assert_eq!(serde_json::to_string(&loss).unwrap(), text);
        assert_eq!(serde_json::from_str::<Loss>(text).unwrap(), loss);
    }
    let text = "focal: unknown field `gama` (do you mean `gamma`?), expected `gamma` or `weights` at line 1 column 19";
    refused(r#"{ "focal": { "gama": 1 } }"#.parse::<Loss>(), ErrorKind::Config, text);
    let text = "focal: gamma is -1, but has to be a number in 0 to 100 at line 1 column 28";
    refused(
        r#"{ "focal": { "gamma": -1 } }"#.parse::<Loss>(),
        ErrorKind::Config,
        text,
    );
}
