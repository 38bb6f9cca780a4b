//! The settings of a fine-tuning run.

use super::bad_rows::OnBadRow;
use super::catalog::NamedTask;
use super::definition::Input;
use crate::error::{Error, Remedy, Result};
use crate::image::{Image, Reading};
use crate::model::{CropMode, FrozenBackbone, Interpolation, Normalisation, Preprocessing, Pretrained, device};
use crate::train::Existing;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A fine-tuning run over images in Parquet. As JSON it is everything that decides the result.
///
/// ```
/// use millstream::task::Finetune;
///
/// let run = Finetune {
///     train: vec!["train.parquet".to_owned()],
///     out: "runs/mine".into(),
///     epochs: 20,
///     ..Finetune::default()
/// };
/// assert_eq!((run.views, run.batch), (4, 32));
/// assert_eq!(run.size, None); // as the weights expect
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Finetune {
    /// Training files, folders or patterns.
    pub train: Vec<String>,
    /// Validation files; where empty, a tenth of the training rows is held out, of each class where there are classes.
    pub valid: Vec<String>,
    /// The image column, if not found by its type.
    pub image: Option<String>,
    /// The target column, if not found by its type.
    pub label: Option<String>,
    /// The task, if not that of the target column's type: one class a row, a list of classes, or a number.
    pub task: Option<NamedTask>,
    /// The pretrained network: a name, a folder or a file, as [`Pretrained::find`] has it. Defaults to `efficientnet-lite0`.
    pub backbone: String,
    /// Its weights, where they are in a file that `backbone` does not name.
    pub weights: Option<PathBuf>,
    /// Width and height that images are resized to, in pixels. Defaults to the size that the weights expect, 224 of
    /// `efficientnet-lite0`.
    pub size: Option<u32>,
    /// How pictures are read.
    pub reading: Reading,
    /// Epochs of the head; an epoch has as many rows as the training set. Defaults to 40.
    pub epochs: u64,
    /// Views of each training row: itself, and `views - 1` augmented ones. Defaults to 4.
    pub views: u64,
    /// Rows in a batch. Defaults to 32.
    pub batch: u64,
    /// Stages of the backbone, counted from the last, that train after the head. Defaults to 0: the head alone.
    pub unfreeze: usize,
    /// Epochs with these stages. Defaults to 4.
    pub deep_epochs: u64,
    /// Whether these stages train on the [views](Self::views) that the head is trained on, in place of pictures that are augmented
    /// anew in each epoch. What the frozen stages make of them is then computed once and kept: in memory, within half of the
    /// budget, and in [`out`](Self::out).
    pub fixed_views: bool,
    /// What the learning rate of a stage is of that of the stage above it, above 0 and at most 1; the head has the whole rate.
    /// Defaults to 1: all of them have the same.
    pub layer_decay: f64,
    /// Epochs without a better figure after which a phase ends. The figure is that of a tenth of the training rows, which is held
    /// out for this alone. Defaults to none: all epochs are trained.
    pub early_stopping: Option<u64>,
    /// Whether a phase ends with the model of its best epoch, by the same figure, instead of that of the last one.
    pub keep_best: bool,
    /// Seed of all that is random.
    pub seed: u64,
    /// What to do with a row whose picture cannot be made. Which rows these are is found while the features are computed.
    #[serde(skip_serializing_if = "OnBadRow::is_fail")]
    pub on_bad_row: OnBadRow,
    /// Where tensors are computed. It decides no row; floating-point results may differ in their last digits.
    #[serde(skip)]
    pub device: Device,
    /// Folder for the model, the report and what is needed to resume. It is this run's alone: of what else lies in it nothing
    /// is removed or written over.
    #[serde(skip)]
    pub out: PathBuf,
    /// What to do where `out` holds a run already.
    #[serde(skip)]
    pub existing: Existing,
}

impl Default for Finetune {
    fn default() -> Self {
        Self {
            train: Vec::new(),
            valid: Vec::new(),
            image: None,
            label: None,
            task: None,
            backbone: "efficientnet-lite0".to_owned(),
            weights: None,
            size: None,
            reading: Reading::default(),
            epochs: 40,
            views: 4,
            batch: 32,
            unfreeze: 0,
            deep_epochs: 4,
            fixed_views: false,
            layer_decay: 1.0,
            early_stopping: None,
            keep_best: false,
            seed: 0,
            on_bad_row: OnBadRow::Fail,
            device: Device::flex(),
            out: PathBuf::new(),
            existing: Existing::Refuse,
        }
    }
}

impl Finetune {
    /// The pretrained network.
    ///
    /// # Errors
    ///
    /// As [`Pretrained::find`].
    pub fn pretrained(&self) -> Result<Pretrained> {
        match &self.weights {
            Some(file) => Pretrained::find_with_weights(&self.backbone, file),
            None => Pretrained::find(&self.backbone),
        }
    }

    /// How pictures become inputs: with the mean, the deviation and, where none is [given](Self::size), the size that the weights
    /// expect. The whole picture is squashed to a square by bilinear interpolation, whatever they expect of that:
    /// [`Preprocessing::differences`] are notes of the report.
    ///
    /// # Errors
    ///
    /// As [`pretrained`](Self::pretrained).
    pub fn preprocessing(&self) -> Result<Preprocessing> {
        let expected = self.pretrained()?.preprocessing;
        Ok(Preprocessing {
            size: self.size.map_or(expected.size, |size| size as usize),
            interpolation: Interpolation::Bilinear,
            crop: 1.0,
            crop_mode: CropMode::Squash,
            ..expected
        })
    }

    /// In what pictures are made otherwise than the weights expect.
    pub(super) fn preprocessing_notes(&self) -> Result<Vec<String>> {
        Ok(self.pretrained()?.preprocessing.differences(&self.preprocessing()?))
    }

    /// Refuses settings that the network does not allow.
    pub(super) fn check_network(&self, network: &FrozenBackbone) -> Result<()> {
        let (stages, smallest) = (network.stages(), network.smallest());
        if self.unfreeze > stages {
            let (wanted, name) = (self.unfreeze, &self.backbone);
            let error = Error::config(format!("unfreeze is {wanted}, but {name} has {stages} stages"));
            return Err(error.with_remedy(Remedy::Stages));
        }
        let size = self.preprocessing()?.size;
        match size < smallest {
            true => {
                let name = &self.backbone;
                let message =
                    format!("size is {size}, but {name} takes pictures of {smallest} x {smallest} pixels and more");
                Err(Error::config(message).with_remedy(Remedy::Size))
            }
            false => Ok(()),
        }
    }

    /// Whether a part of the training rows chooses the best epoch.
    pub(super) fn selects(&self) -> bool {
        self.early_stopping.is_some() || self.keep_best
    }

    /// Refuses settings that make no sense.
    pub(super) fn check(&self) -> Result<()> {
        if !(self.layer_decay > 0.0 && self.layer_decay <= 1.0) {
            let decay = self.layer_decay;
            return Err(Error::config(format!(
                "layer_decay is {decay}, and has to be above 0 and at most 1"
            )));
        }
        match self.early_stopping {
            Some(0) => Err(Error::config("early_stopping is 0 epochs, and has to be 1 at least")),
            _ => Ok(()),
        }
    }

    /// What becomes of the pictures in `column`.
    pub(super) fn input(&self, column: &str) -> Result<Input> {
        Ok(Input {
            column: column.to_owned(),
            plain: for_device(self.plain()?, &self.device),
            augmented: for_device(self.augmentation()?, &self.device),
        })
    }

    /// What becomes of validation images.
    fn plain(&self) -> Result<Image> {
        let Preprocessing {
            size, normalisation, ..
        } = self.preprocessing()?;
        let Normalisation { mean, std } = normalisation;
        Ok(Image::new(size as u32).reading(self.reading).normalize(mean, std))
    }

    /// The augmentation of training images.
    ///
    /// # Errors
    ///
    /// As [`pretrained`](Self::pretrained).
    pub fn augmentation(&self) -> Result<Image> {
        let plain = self.plain()?;
        Ok(plain
            .random_resized_crop(0.5..=1.0, 0.8..=1.25)
            .horizontal_flip(0.5)
            .rotate(10.0)
            .brightness(0.2)
            .contrast(0.2))
    }
}

/// `image` as it is normalised where that is fastest: on the processor by the stage itself, which has the pixels in its cache; on any
/// other device there, because levels are a quarter of the bytes to upload.
pub(super) fn for_device(image: Image, device: &Device) -> Image {
    match device::is_flex(device) {
        true => image,
        false => image.normalized_on_device(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Context;
    use crate::model::device::other;
    use crate::task::{Event, Predict, Strategy};
    use arrow::array::AsArray;
    use arrow::datatypes::Float32Type;
    use std::cell::RefCell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;

    fn run(out: &Path) -> Finetune {
        Finetune {
            train: vec!["examples/data/fashion-mnist-test.parquet".to_owned()],
            backbone: "tests/fixtures/backbones/resnet18".to_owned(),
            size: Some(15),
            views: 1,
            epochs: 2,
            unfreeze: 1,
            deep_epochs: 1,
            out: out.to_owned(),
            ..Finetune::default()
        }
    }

    fn probabilities(cx: &Context, out: &Path) -> Result<Vec<f32>> {
        let predict = Predict::new(out, ["examples/data/fashion-mnist-test.parquet"]);
        let rows = predict.run(cx, &mut |_, _| ())?;
        let all = rows["probabilities"].as_fixed_size_list().values();
        Ok(all.as_primitive::<Float32Type>().values().to_vec())
    }

    /// Levels, the thread that uploads, frozen stages in the training thread and full batches: all of it on flex, which is said not to
    /// be flex.
    #[test]
    fn what_is_done_for_other_devices_comes_to_the_same_and_goes_on_after_a_kill() -> Result<()> {
        let (cx, dir) = (Context::with(2, 1 << 28)?, tempfile::tempdir().expect("a folder"));
        let [own, other, killed] = ["own", "other", "killed"].map(|name| dir.path().join(name));
        let strategy = Strategy::default();
        let report = run(&own).run(&cx, &strategy, &mut |_| ())?;
        let features = RefCell::new(Vec::new());
        let again = other::pretended(|| {
            run(&other).run(&cx, &strategy, &mut |event| {
                if let Event::Features(progress) = event {
                    features.borrow_mut().push(*progress);
                }
            })
        })?;
        let off = probabilities(&cx, &own)?
            .iter()
            .zip(other::pretended(|| probabilities(&cx, &other))?)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(off > 0.0 && off < 1e-4, "probabilities are {off} apart");
        assert_eq!(report.figures.counts, again.figures.counts);
        // 900 training rows and 100 for validation, in batches of 32.
        let features = features.into_inner();
        let done: Vec<u64> = features.iter().filter(|at| at.total == 900).map(|at| at.done).collect();
        assert_eq!(&done[..3], [32, 64, 96]);
        assert_eq!(done.last(), Some(&900));
        assert!(
            features
                .iter()
                .all(|at| at.rows_per_second > Some(0.0) && at.seconds_left >= Some(0.0))
        );
        // It ends while a batch is ahead, five steps after a checkpoint, and goes on with the other run's batches.
        let deeper = RefCell::new(false);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            other::pretended(|| {
                run(&killed).run(&cx, &strategy, &mut |event| match event {
                    Event::Begin { what, .. } => *deeper.borrow_mut() = what == "deeper",
                    Event::Done(15) if *deeper.borrow() => panic!("killed"),
                    _ => {}
                })
            })
        }));
        assert!(ended.is_err());
        let resumed = Finetune {
            existing: Existing::Resume,
            ..run(&killed)
        };
        other::pretended(|| resumed.run(&cx, &strategy, &mut |_| ()))?;
        let model = |out: &Path| std::fs::read(out.join("model.safetensors")).expect("a model");
        assert!(model(&killed) == model(&other), "a resume gives another model");
        Ok(())
    }
}
