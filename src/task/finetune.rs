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
