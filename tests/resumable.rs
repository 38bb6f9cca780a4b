//! Burn's trainer with checkpoints in mid-epoch, in one process: a run that fails at any batch and goes on.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

mod common;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::AdamWConfig;
use burn::optim::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::tensor::{Device, Int, Tensor};
use burn::train::metric::LossMetric;
use burn::train::{
    ClassificationOutput, InferenceStep, Learner, LearningResult, SupervisedTraining, TrainOutput, TrainStep,
};
use common::{context, table};
use millstream::loader::{Batch, LastBatch};
use millstream::mix::Target;
use millstream::model::weights;
use millstream::sink::tensor;
use millstream::train::{Existing, LineRenderer, Resumable};
use millstream::{DatasetExt, Error, Result};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const EPOCHS: usize = 2;
const BATCH: u64 = 5;

/// The device has one generator for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

#[derive(Debug)]
struct Numbers {
    x: Tensor<2>,
    targets: Tensor<1, Int>,
}

/// Everything that has a state or draws: running statistics and dropout.
#[derive(Module, Debug)]
struct Net {
    first: Linear,
    norm: BatchNorm,
    dropout: Dropout,
    last: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        device.seed(1);
        Self {
            first: LinearConfig::new(4, 16).init(device),
            norm: BatchNormConfig::new(16).init(device),
            dropout: DropoutConfig::new(0.5).init(),
            last: LinearConfig::new(16, 3).init(device),
        }
    }

    fn classify(&self, Numbers { x, targets }: Numbers) -> ClassificationOutput {
        let output = self
            .last
            .forward(self.dropout.forward(self.norm.forward(self.first.forward(x))));
        let loss = CrossEntropyLossConfig::new().init(&output.device());
        ClassificationOutput::new(loss.forward(output.clone(), targets.clone()), output, targets)
    }
}

impl TrainStep for Net {
    type Input = Numbers;
    type Output = ClassificationOutput;

    fn step(&self, batch: Numbers) -> TrainOutput<ClassificationOutput> {
        let output = self.classify(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Net {
    type Input = Numbers;
    type Output = ClassificationOutput;

    fn step(&self, batch: Numbers) -> ClassificationOutput {
        self.classify(batch)
    }
}

fn numbers(batch: &Batch, device: &Device) -> Result<Numbers> {
    Ok(Numbers {
        x: tensor::floats(batch.rows(), "x", device)?,
        targets: tensor::ints(batch.rows(), "label", device)?,
    })
}

/// What a training differs in.
#[derive(Clone, Copy, Debug)]
struct Case {
    last: LastBatch,
    /// Batches whose gradients are summed.
    window: Option<usize>,
    every: u64,
    seed: u64,
    tracked: bool,
    existing: Existing,
}

const CASE: Case = Case {
    last: LastBatch::Keep,
    window: None,
    every: 2,
    seed: 3,
    tracked: true,
    existing: Existing::Resume,
};

/// Trains in `folder`, and fails at the batch that starts at position `fails`.
fn launch(folder: &Path, case: Case, fails: Option<u64>) -> LearningResult<Net> {
    let (cx, device) = (context(), Device::flex().autodiff());
    let rows = cx
        .block_on(table(&[12, 7, 3]).balance(&cx, "label", Target::Uniform))
        .unwrap();
    let rows = rows.loader(&cx).batch_size(BATCH).last_batch(case.last).seed(case.seed);
    let make = move |batch: &Batch, device: &Device| match batch.positions().first().copied() == fails {
        true => Err(Error::stage("a batch that fails")),
        false => numbers(batch, device),
    };
    let (mut train, track) = rows.clone().into_burn_with_handle(&device, make).unwrap();
    if !case.tracked {
        train = rows.clone().into_burn(&device, make).unwrap();
    }
    let strategy = Resumable::new(folder, track).every(case.every).existing(case.existing);
    let mut training = SupervisedTraining::new(folder.join("burn"), train, rows.into_burn(&device, numbers).unwrap())
        .with_training_strategy(strategy.into())
        .metrics((LossMetric::new(),))
        .num_epochs(EPOCHS)
        .renderer(Box::new(LineRenderer::new(std::io::sink())))
        .with_application_logger(None);
    if let Some(window) = case.window {
        training = training.grads_accumulation(window);
    }
    let rate = CosineAnnealingLrSchedulerConfig::new(0.05, 12).init().unwrap();
    training.launch(Learner::new(Net::new(&device), AdamWConfig::new().init(), rate))
}

/// The weights, and the log of rows.
fn outcome(folder: &Path, result: &LearningResult<Net>) -> (Vec<u8>, String) {
    let path = folder.join("model.safetensors");
    weights::save(&result.model, &path, false).unwrap();
    (
        fs::read(path).unwrap(),
        fs::read_to_string(folder.join("samples.log")).unwrap(),
    )
}

#[test]
fn a_run_that_failed_at_any_batch_ends_as_one_that_did_not() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (last, window, every, steps) in [
        (LastBatch::Keep, None, 2, 10),
        (LastBatch::Keep, Some(2), 1, 10),
        (LastBatch::Drop, None, 3, 8),
    ] {
        let case = Case {
            last,
            window,
            every,
            ..CASE
        };
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("whole");
        let result = launch(&whole, case, None);
        assert!(result.error.is_none() && result.interrupted.is_none());
        let whole = outcome(&whole, &result);
        assert_eq!(whole.1.lines().count(), steps);
        for (number, line) in (1..).zip(whole.1.lines()) {
            let start: u64 = line.split([' ', '.']).nth(1).unwrap().parse().unwrap();
            let folder = dir.path().join(format!("{number}"));
            let result = launch(&folder, case, Some(start));
            assert!(
                result.error.unwrap().to_string().contains("a batch that fails"),
                "{line}"
            );
            let before = fs::read_to_string(folder.join("samples.log")).unwrap();
            assert_eq!(before.lines().count(), number - 1, "{case:?}");
            fs::write(folder.join("steps").join(".millstream-left01.tmp"), "half").ok();
            let result = launch(&folder, case, None);
            assert!(result.error.is_none());
            assert!(outcome(&folder, &result) == whole, "{case:?} failed at {line}");
            assert!(!folder.join("steps").join(".millstream-left01.tmp").exists());
        }
    }
}

#[test]
fn a_run_that_has_ended_stays_as_it_is() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let first = outcome(dir.path(), &launch(dir.path(), CASE, None));
    assert!(outcome(dir.path(), &launch(dir.path(), CASE, None)) == first);
    let again = Case {
        existing: Existing::Overwrite,
        ..CASE
    };
    let other = Case { seed: 4, ..again };
    assert!(
        outcome(dir.path(), &launch(dir.path(), other, None)) != first,
        "another seed"
    );
    assert!(
        outcome(dir.path(), &launch(dir.path(), again, None)) == first,
        "begun anew"
    );
}

#[test]
fn what_no_training_wrote_is_refused_and_stays() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
        let case = Case { existing, ..CASE };
        for name in ["samples.log", "steps/000000010/model.bpk", "training.json"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "mine").unwrap();
            let error = launch(dir.path(), case, None).error.expect("an error").to_string();
            let said = name.split('/').next().unwrap();
            assert!(error.contains(said) && error.contains("another folder"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), b"mine", "{name}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let case = |existing| Case { existing, ..CASE };
    let first = outcome(dir.path(), &launch(dir.path(), case(Existing::Refuse), None));
    let theirs = ["steps/notes.txt", "steps/000000010/notes.txt", "notes.txt"].map(|name| dir.path().join(name));
    theirs.iter().for_each(|path| fs::write(path, "mine").unwrap());
    let refused = launch(dir.path(), case(Existing::Refuse), None)
        .error
        .expect("an error");
    assert!(
        refused.to_string().contains("this folder holds a training"),
        "{refused}"
    );
    let again = launch(dir.path(), case(Existing::Overwrite), None);
    assert!(outcome(dir.path(), &again) == first);
    assert!(theirs.iter().all(|path| fs::read(path).unwrap() == b"mine"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let error = |case: Case| launch(dir.path(), case, None).error.expect("an error").to_string();
    let untracked = Case { tracked: false, ..CASE };
    assert!(error(untracked).contains("not the one that the strategy tracks"));
    assert!(launch(dir.path(), CASE, None).error.is_none());
    let other = error(Case { seed: 4, ..CASE });
    assert!(other.contains("000000010: the seed was 3, is 4"), "{other}");
    fs::write(dir.path().join("samples.log"), "cut").unwrap();
    let cut = error(CASE);
    assert!(cut.contains("samples.log: it has 3 bytes, and had "), "{cut}");
}
