//! Trainings on rows with partners and on what belongs to a picture: killed at random instants, too. A new kind is one line of [`CASES`].

use super::kill;
use crate::common::{context, with_targets};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float32Type, UInt8Type};
use burn::module::Module;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::AdamWConfig;
use burn::optim::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::metric::LossMetric;
use burn::train::{InferenceStep, Learner, RegressionOutput, SupervisedTraining, TrainOutput, TrainStep};
use millstream::image::{Boxes, CopyPaste, Image, Keypoints, Mosaic};
use millstream::loader::Batch;
use millstream::model::weights;
use millstream::sink::tensor;
use millstream::synthetic::{CutMix, MixUp};
use millstream::train::{LineRenderer, Resumable};
use millstream::{Dataset, DatasetExt, Result};
use std::path::Path;
use std::sync::Arc;

/// Makes the rows of images.
type Rows = fn(Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>>;
/// Makes what is to be learnt of a batch.
type Learnt = fn(&Batch, &Device) -> Result<Tensor<2>>;

const CASES: &[(&str, Rows, Learnt, usize)] = &[
    ("boxes, masks and points", Ok, places, 9),
    ("copy-paste and mosaic", pasted, places, 6),
    ("copy-paste from other rows", pasted_from, places, 9),
    ("mixup", mixed, shares, ROWS),
    ("cutmix", cut, shares, ROWS),
];

const ROWS: usize = 64;
const EPOCHS: usize = 8;
const BATCH: u64 = 6;
/// Steps between two checkpoints: they fall on other steps of each epoch.
const EVERY: u64 = 3;
/// Sides of a picture.
const SIZE: [usize; 2] = [16, 12];

fn pasted(images: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
    let pasting = CopyPaste::new(Boxes::default()).mask("mask").window(4);
    let mosaic = Mosaic::new().mask("mask").boxes(Boxes::default()).window(8);
    // A mosaic moves no points.
    let images = images.project(&["image", "mask", "boxes"])?;
    Ok(Arc::new(images.copy_paste("image", pasting)?.mosaic("image", mosaic)?))
}

/// The row's points stay, and none are added.
fn pasted_from(images: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
    let pasting = CopyPaste::new(Boxes::default()).mask("mask").p(0.8);
    let others = Arc::new(with_targets(11).image("image", moved())?);
    Ok(Arc::new(images.copy_paste_from("image", pasting, others)?))
}

fn moved() -> Image {
    Image::sized(SIZE[0] as u32, SIZE[1] as u32)
        .random_resized_crop(0.5..=1.0, 0.8..=1.25)
        .horizontal_flip(0.5)
        .rotate(10.0)
        .mask("mask")
        .boxes(Boxes::default())
        .keypoints(Keypoints::new("points"))
}

fn mixed(images: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
    Ok(Arc::new(images.mixup(
        "image",
        "id",
        MixUp::new(0.4).num_classes(ROWS),
    )?))
}

fn cut(images: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
    Ok(Arc::new(images.cutmix(
        "image",
        "id",
        CutMix::new(1.0).num_classes(ROWS),
    )?))
}

/// Of each row how many boxes and points it has, if it has any, the sums of their numbers, and the share of its mask.
fn places(batch: &Batch, device: &Device) -> Result<Tensor<2>> {
    let rows = batch.rows();
    let mut values = Vec::new();
    for row in 0..rows.num_rows() {
        for (column, width) in [("boxes", 4), ("points", 2)] {
            let Some(items) = rows.column_by_name(column) else {
                continue;
            };
            let items = items.as_list::<i32>().value(row);
            let items = items.as_fixed_size_list();
            let mut sums = vec![0.0; width];
            for item in 0..items.len() {
                let numbers = items.value(item);
                let numbers = numbers.as_primitive::<Float32Type>().values();
                for (sum, number) in sums.iter_mut().zip(numbers) {
                    *sum += number / 10.0;
                }
            }
            values.push(items.len() as f32);
            values.extend(sums);
        }
        let mask = rows["mask"].as_fixed_size_list().value(row);
        let mask = mask.as_primitive::<UInt8Type>().values();
        values.push(mask.iter().filter(|value| **value > 0).count() as f32 / mask.len() as f32);
    }
    let width = values.len() / rows.num_rows();
    Ok(Tensor::from_data(
        TensorData::new(values, [rows.num_rows(), width]),
        device,
    ))
}

/// The shares of the classes of each row.
fn shares(batch: &Batch, device: &Device) -> Result<Tensor<2>> {
    tensor::floats(batch.rows(), "id", device)
}

#[derive(Debug)]
struct Pictures {
    images: Tensor<4>,
    targets: Tensor<2>,
}

#[derive(Module, Debug)]
struct Model {
    dropout: Dropout,
    head: Linear,
}

impl Model {
    fn regress(&self, Pictures { images, targets }: Pictures) -> RegressionOutput {
        let output = self.head.forward(self.dropout.forward(images.flatten::<2>(1, 3)));
        let loss = MseLoss::new().forward(output.clone(), targets.clone(), Reduction::Mean);
        RegressionOutput::new(loss, output, targets)
    }
}

impl TrainStep for Model {
    type Input = Pictures;
    type Output = RegressionOutput;

    fn step(&self, batch: Pictures) -> TrainOutput<RegressionOutput> {
        let output = self.regress(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Model {
    type Input = Pictures;
    type Output = RegressionOutput;

    fn step(&self, batch: Pictures) -> RegressionOutput {
        self.regress(batch)
    }
}

/// The training `case`, which goes on with what is in `folder` and leaves `model.safetensors` there.
pub(crate) fn train(case: &str, folder: &Path) {
    let (cx, device) = (context(), Device::flex().autodiff());
    let &(_, rows, learnt, width) = CASES.iter().find(|(own, ..)| *own == case).unwrap();
    let images = with_targets(ROWS).shuffle().image("image", moved()).unwrap();
    let loader = rows(Arc::new(images)).unwrap().loader(&cx).batch_size(BATCH).seed(5);
    let make = move |batch: &Batch, device: &Device| -> Result<Pictures> {
        Ok(Pictures {
            images: tensor::floats(batch.rows(), "image", device)?,
            targets: learnt(batch, device)?,
        })
    };
    device.seed(5);
    let model = Model {
        dropout: DropoutConfig::new(0.3).init(),
        head: LinearConfig::new(3 * SIZE[0] * SIZE[1], width).init(&device),
    };
    let valid = loader.clone().into_burn(&device, make).unwrap();
    let (train, track) = loader.into_burn_with_handle(&device, make).unwrap();
    let rate = CosineAnnealingLrSchedulerConfig::new(1e-3, 90).init().unwrap();
    let result = SupervisedTraining::new(folder.join("burn"), train, valid)
        .with_training_strategy(Resumable::new(folder, track).every(EVERY).into())
        .metrics((LossMetric::new(),))
        .num_epochs(EPOCHS)
        .renderer(Box::new(LineRenderer::new(std::io::sink())))
        .with_application_logger(None)
        .launch(Learner::new(model, AdamWConfig::new().init(), rate));
    assert!(result.error.is_none(), "{:?}", result.error);
    weights::save(&result.model, folder.join("model.safetensors"), false).unwrap();
}

#[test]
fn with_partners_and_targets_it_ends_the_same_as_well() {
    for (case, ..) in CASES {
        assert!(kill(case, 4).len() >= 4);
    }
}
