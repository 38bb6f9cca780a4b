//! The settings of a fine-tuning run.

use super::bad_rows::OnBadRow;
use crate::error::Result;
use crate::image::{Image, Reading};
use crate::model::Pretrained;
use crate::train::Existing;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A fine-tuning run over images in Parquet. As JSON it is everything that decides the result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finetune {
    /// Training files, folders or patterns.
    pub train: Vec<String>,
    /// Validation files; where empty, a stratified tenth of the training rows is held out.
    pub valid: Vec<String>,
    /// The image column, if not found by its type.
    pub image: Option<String>,
    /// The label column, if not found by its type.
    pub label: Option<String>,
    /// The pretrained network: a name, a folder or a file, as [`Pretrained::find`] has it.
    pub backbone: String,
    /// Its weights, where they are in a file that `backbone` does not name.
    #[serde(default)]
    pub weights: Option<PathBuf>,
    /// Width and height that images are resized to, in pixels.
    pub size: u32,
    /// How pictures are read.
    #[serde(default)]
    pub reading: Reading,
    /// Epochs of the head; an epoch has as many rows as the training set.
    pub epochs: u64,
    /// Views of each training row: itself, and `views - 1` augmented ones.
    pub views: u64,
    /// Rows in a batch.
    pub batch: u64,
    /// Stages of the backbone, counted from the last, that train after the head; 0 for the head alone.
    pub unfreeze: usize,
    /// Epochs with these stages.
    pub deep_epochs: u64,
    /// Seed of all that is random.
    pub seed: u64,
    /// What to do with a row whose picture cannot be made. Which rows these are is found while the features are computed.
    #[serde(default, skip_serializing_if = "OnBadRow::is_fail")]
    pub on_bad_row: OnBadRow,
    /// Folder for the model, the report and what is needed to resume. It is this run's alone: of what else lies in it nothing
    /// is removed or written over.
    #[serde(skip)]
    pub out: PathBuf,
    /// What to do where `out` holds a run already.
    #[serde(skip)]
    pub existing: Existing,
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

    /// What becomes of validation images.
    pub(super) fn plain(&self) -> Image {
        Image::new(self.size).reading(self.reading)
    }

    /// The augmentation of training images.
    pub fn augmentation(&self) -> Image {
        self.plain()
            .random_resized_crop(0.5..=1.0, 0.8..=1.25)
            .horizontal_flip(0.5)
            .rotate(10.0)
            .brightness(0.2)
            .contrast(0.2)
    }
}
