//! A whole training program: Parquet, exact class balance, augmentation, and Burn's own trainer. A new head on a frozen,
//! pretrained backbone learns the ten classes of a long-tailed Fashion-MNIST:
//! `cargo run --release --example train [epochs] [--resume]`. Killed at any moment, it goes on from its last checkpoint
//! with `--resume`, in mid-epoch, and ends with the same weights; `--overwrite` begins anew.
#![allow(clippy::print_stdout)]

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::AdamConfig;
use burn::tensor::{Device, Int, Tensor};
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::{ClassificationOutput, InferenceStep, Learner, SupervisedTraining, TrainOutput, TrainStep};
use millstream::image::Image;
use millstream::loader::Batch;
use millstream::mix::Target;
use millstream::model::{Classifier, Pretrained};
use millstream::rows::Labels;
use millstream::sink::tensor;
use millstream::source::Parquet;
use millstream::train::{Existing, LineRenderer, Resumable};
use millstream::{Context, DatasetExt, Result};
use std::sync::Arc;

/// Pixels of a side; the backbone takes any size, and a small one is quick.
const SIZE: u32 = 64;

/// What a step takes.
struct Pictures {
    images: Tensor<4>,
    targets: Tensor<1, Int>,
}

/// A batch of rows as tensors; the values are shared with the rows, not copied.
fn pictures(batch: &Batch, device: &Device) -> Result<Pictures> {
    Ok(Pictures {
        images: tensor::floats(batch.rows(), "image", device)?,
        targets: tensor::ints(batch.rows(), "label", device)?,
    })
}

#[derive(Module, Debug)]
struct Model {
    classifier: Classifier,
}

impl Model {
    fn classify(&self, Pictures { images, targets }: Pictures) -> ClassificationOutput {
        let output = self.classifier.forward(images);
        let loss = CrossEntropyLossConfig::new().init(&output.device());
        ClassificationOutput::new(loss.forward(output.clone(), targets.clone()), output, targets)
    }
}

impl TrainStep for Model {
    type Input = Pictures;
    type Output = ClassificationOutput;

    fn step(&self, batch: Pictures) -> TrainOutput<ClassificationOutput> {
        let output = self.classify(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Model {
    type Input = Pictures;
    type Output = ClassificationOutput;

    fn step(&self, batch: Pictures) -> ClassificationOutput {
        self.classify(batch)
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (options, numbers): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with('-'));
    let epochs = numbers.first().map_or(Ok(3), |n| n.parse())?;
    let (cx, device) = (Context::new()?, Device::flex().autodiff());

    let train = cx.block_on(Parquet::open(&cx, "examples/data/fashion-mnist-train.parquet"))?;
    let train = cx.block_on(train.balance(&cx, "label", Target::Uniform))?;
    let labels = Arc::clone(train.labels());
    let augmented = Image::new(SIZE).random_resized_crop(0.5..=1.0, 0.8..=1.25);
    let train = train.image("image", augmented.horizontal_flip(0.5))?;
    let train = train.loader(&cx).batch_size(64).seed(1);
    println!("{}\n", train.explain());

    // The test file with the classes of the training file: class 3 has to mean the same in both.
    let valid = cx.block_on(Parquet::open(&cx, "examples/data/fashion-mnist-test.parquet"))?;
    let known = cx.block_on(Labels::scan_as(&cx, &valid, "label", &labels))?;
    let valid = valid.with_labels(known)?;
    let valid = valid.image("image", Image::new(SIZE))?.loader(&cx).batch_size(64);

    // The new head is random, and the same in every run.
    device.seed(1);
    let backbone = Pretrained::find("examples/data/weights/efficientnet-lite0.safetensors")?.backbone(&device)?;
    let classifier = Classifier::new(backbone, labels.names().len(), &device).unfreeze_last(0);
    let (train, track) = train.into_burn_with_handle(&device, pictures)?;
    let given = |option: &str| options.iter().any(|word| word == option);
    let existing = match (given("--resume"), given("--overwrite")) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    let strategy = Resumable::new("runs/train", track).every(5).existing(existing);
    let result = SupervisedTraining::new("runs/train", train, valid.into_burn(&device, pictures)?)
        .with_training_strategy(strategy.into())
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .num_epochs(epochs)
        .renderer(Box::new(LineRenderer::new(std::io::stdout())))
        .launch(Learner::new(Model { classifier }, AdamConfig::new().init(), 1e-3));
    result.error.map_or(Ok(()), |error| Err(error.into()))
}
