//! The builder of a fine-tuning run.

use super::catalog::NamedTask;
use super::datasets::Datasets;
use super::definition::{Input, Split, Task};
use super::inputs;
use super::manifest::RunManifest;
use super::on_bad_row::OnBadRow;
use super::spec::FinetuneSpec;
use super::strategy::Strategy;
use crate::error::{Error, Remedy, Result};
use crate::image::{Crop, Image, Operation, Reading};
use crate::model::{CropMode, FrozenBackbone, Normalisation, Preprocessing, device};
use crate::spec::Named;
use crate::train::Existing;
use burn::tensor::Device;
use std::path::PathBuf;

/// A fine-tuning run over images.
///
/// ```
/// use millstream::task::Finetune;
///
/// let run = Finetune::default().train(["train.parquet"]).epochs(20).out("runs/mine");
/// assert_eq!((run.spec.augment.views, run.spec.train.batch_size), (4, 32));
/// assert_eq!(run.spec.model.size, None); // as the weights expect
/// ```
///
/// Rows of a source of one's own are `run.spec.data.train = DataSource::Source(Named::new(Arc::new(own)))`: see
/// [`DataSource`](super::DataSource).
#[derive(Clone, Debug, Default)]
pub struct Finetune {
    /// What the run is: everything that decides the result, and the machine. The methods below set its fields.
    pub spec: FinetuneSpec,
    /// Folder for the model, the report and what is needed to resume. It is this run's alone: of what else lies in it nothing
    /// is removed or written over.
    pub out: PathBuf,
    /// What to do where `out` holds a run already. Defaults to `Refuse`.
    pub existing: Existing,
}

/// The parameters, each described at its field in [`FinetuneSpec`].
impl Finetune {
    /// The run that `spec` describes, in the folder `out`.
    pub fn new(spec: FinetuneSpec, out: impl Into<PathBuf>) -> Self {
        Self {
            spec,
            out: out.into(),
            existing: Existing::Refuse,
        }
    }

    /// The run that lies in the folder `out`, as it was begun, to go on with: on the CPU, and with all of the machine.
    ///
    /// # Errors
    ///
    /// `Config` where no run lies there, and where it has a task or an operation that is not known here: read it by
    /// [`Registry::reading`](crate::registry::Registry::reading) then.
    pub fn of_folder(out: impl Into<PathBuf>) -> Result<Self> {
        let out = out.into();
        let manifest = RunManifest::read(&out)?.ok_or_else(|| {
            let message = "no run.json is there, so there is no run to go on with";
            Error::config(message).context(out.display().to_string())
        })?;
        let mut spec = manifest
            .spec()
            .map_err(|error| error.context(out.display().to_string()))?;
        if manifest.task_found {
            // It is found again, and said to be so.
            spec.task = None;
        }
        Ok(Self::new(spec, out).existing(Existing::Resume))
    }

    /// The [folder](Self::out) of the run.
    #[must_use]
    pub fn out(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out = folder.into();
        self
    }

    /// What to do with [a run that is there](Self::existing).
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Training files, folders or patterns.
    #[must_use]
    pub fn train(mut self, files: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.spec.data.train = files.into_iter().collect();
        self
    }

    /// Validation files, folders or patterns.
    #[must_use]
    pub fn valid(mut self, files: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.spec.data.valid = files.into_iter().collect();
        self
    }

    /// The share of the training rows that is held out for validation where no files are.
    #[must_use]
    pub fn held_out(mut self, share: f64) -> Self {
        self.spec.data.held_out = share;
        self
    }

    /// The image column.
    #[must_use]
    pub fn image(mut self, column: impl Into<String>) -> Self {
        self.spec.data.image = Some(column.into());
        self
    }

    /// The target column.
    #[must_use]
    pub fn label(mut self, column: impl Into<String>) -> Self {
        self.spec.data.label = Some(column.into());
        self
    }

    /// What to do with a row whose picture cannot be made.
    #[must_use]
    pub fn on_bad_row(mut self, on: OnBadRow) -> Self {
        self.spec.data.on_bad_row = on;
        self
    }

    /// How pictures are read.
    #[must_use]
    pub fn reading(mut self, reading: Reading) -> Self {
        self.spec.data.reading = reading;
        self
    }

    /// The task.
    #[must_use]
    pub fn task(mut self, task: impl Into<NamedTask>) -> Self {
        self.spec.task = Some(task.into());
        self
    }

    /// How classes of different size are dealt with.
    #[must_use]
    pub fn balance(mut self, strategy: Strategy) -> Self {
        self.spec.balance = strategy;
        self
    }

    /// Views of each training row.
    #[must_use]
    pub fn views(mut self, views: u64) -> Self {
        self.spec.augment.views = views;
        self
    }

    /// The part of a training picture that is resized.
    #[must_use]
    pub fn crop(mut self, crop: Crop) -> Self {
        self.spec.augment.crop = crop;
        self
    }

    /// What is done with training pictures, in this order.
    #[must_use]
    pub fn operations(mut self, operations: impl IntoIterator<Item = Named<dyn Operation>>) -> Self {
        self.spec.augment.operations = operations.into_iter().collect();
        self
    }

    /// The pretrained network.
    #[must_use]
    pub fn backbone(mut self, backbone: impl Into<String>) -> Self {
        self.spec.model.backbone = backbone.into();
        self
    }

    /// The file of its weights.
    #[must_use]
    pub fn weights(mut self, file: impl Into<PathBuf>) -> Self {
        self.spec.model.weights = Some(file.into());
        self
    }

    /// Width and height that pictures are resized to.
    #[must_use]
    pub fn size(mut self, pixels: u32) -> Self {
        self.spec.model.size = Some(pixels);
        self
    }

    /// Height that pictures are resized to, where it is another one than their width.
    #[must_use]
    pub fn height(mut self, pixels: u32) -> Self {
        self.spec.model.height = Some(pixels);
        self
    }

    /// Epochs of the head.
    #[must_use]
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.spec.train.epochs = epochs;
        self
    }

    /// Rows in a batch.
    #[must_use]
    pub fn batch_size(mut self, rows: u64) -> Self {
        self.spec.train.batch_size = rows;
        self
    }

    /// Learning rate of the head.
    #[must_use]
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.spec.train.learning_rate = Some(rate);
        self
    }

    /// Stages of the backbone that train after the head.
    #[must_use]
    pub fn unfreeze(mut self, stages: usize) -> Self {
        self.spec.train.unfreeze = stages;
        self
    }

    /// Epochs with these stages.
    #[must_use]
    pub fn deep_epochs(mut self, epochs: u64) -> Self {
        self.spec.train.deep_epochs = epochs;
        self
    }

    /// Learning rate of these stages and the head.
    #[must_use]
    pub fn deep_learning_rate(mut self, rate: f64) -> Self {
        self.spec.train.deep_learning_rate = rate;
        self
    }

    /// What the learning rate of a stage is of that of the stage above it.
    #[must_use]
    pub fn layer_decay(mut self, ratio: f64) -> Self {
        self.spec.train.layer_decay = ratio;
        self
    }

    /// Whether the stages train on the views of the head.
    #[must_use]
    pub fn fixed_views(mut self, fixed: bool) -> Self {
        self.spec.train.fixed_views = fixed;
        self
    }

    /// Whether depthwise kernels stay as they are while the stages train.
    #[must_use]
    pub fn freeze_depthwise(mut self, freeze: bool) -> Self {
        self.spec.train.freeze_depthwise = freeze;
        self
    }

    /// Epochs without a better figure after which a phase ends.
    #[must_use]
    pub fn early_stopping(mut self, epochs: u64) -> Self {
        self.spec.train.early_stopping = Some(epochs);
        self
    }

    /// Whether a phase ends with the model of its best epoch.
    #[must_use]
    pub fn keep_best(mut self, keep: bool) -> Self {
        self.spec.train.keep_best = keep;
        self
    }

    /// Seed of all that is random, at most [`FinetuneSpec::MAX_SEED`]. Defaults to 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.spec.seed = seed;
        self
    }

    /// Where tensors are computed.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.spec.machine.device = device;
        self
    }
}

impl Finetune {
    /// In what `task` has pictures made otherwise than the weights expect.
    pub(super) fn preprocessing_notes(&self, task: &dyn Task) -> Result<Vec<String>> {
        let model = &self.spec.model;
        let pretrained = model.pretrained()?;
        let plain = self.plain()?;
        let input = Input {
            column: String::new(),
            augmented: plain.clone(),
            plain,
        };
        let done = model.preprocessing()?;
        let whole = |crop_mode| Preprocessing {
            crop: 1.0,
            crop_mode,
            ..done
        };
        let done = match task.image(&input, Split::Evaluation).framing() {
            Crop::Letterbox { .. } => whole(CropMode::Border),
            Crop::Whole => whole(CropMode::Squash),
            _ => done,
        };
        let mut notes = pretrained.preprocessing.differences_at(&done, model.input_size()?);
        if !pretrained.is_configured() && !pretrained.is_carried() {
            let name = pretrained.architecture.name();
            let note = format!(
                "no config.json is beside these weights: they are taken to expect what the first published ones of {name} do"
            );
            notes.insert(0, note);
        }
        Ok(notes)
    }

    /// Refuses settings that the network does not allow.
    pub(super) fn check_network(&self, network: &FrozenBackbone) -> Result<()> {
        let (stages, smallest) = (network.stages(), network.smallest());
        let (wanted, name) = (self.spec.train.unfreeze, &self.spec.model.backbone);
        if wanted > stages {
            let error = Error::config(format!("unfreeze is {wanted}, but {name} has {stages} stages"));
            return Err(error.with_remedy(Remedy::Stages));
        }
        let size = self.spec.model.input_size()?.into_iter().min().unwrap_or(0);
        match size < smallest {
            true => {
                let message =
                    format!("size is {size}, but {name} takes pictures of {smallest} x {smallest} pixels and more");
                Err(Error::config(message).with_remedy(Remedy::Size))
            }
            false => Ok(()),
        }
    }

    /// What becomes of the pictures of `datasets`. Operations that depend on the class are told those of the training rows.
    pub(crate) fn input(&self, datasets: &Datasets) -> Result<Input> {
        let mask = self.spec.augment.mask_column();
        let augmentation = mask.into_iter().fold(self.augmentation()?, Image::mask);
        let augmented = match augmentation.needs_class() {
            false => augmentation,
            true => augmentation.classes(self.spec.augment.checked_classes(datasets.row_classes()?.0)?),
        };
        augmented.check()?;
        // Shares of two levels are no levels.
        let mixes = self.spec.augment.mixes_labels();
        let on_device = |image| for_device(image, &self.spec.machine.device);
        Ok(Input {
            column: datasets.image.clone(),
            plain: on_device(self.plain()?),
            augmented: if mixes { augmented } else { on_device(augmented) },
        })
    }

    /// What becomes of validation images.
    fn plain(&self) -> Result<Image> {
        let done = self.spec.model.preprocessing()?;
        let Normalisation { mean, std } = done.normalisation;
        let [width, height] = self.spec.model.input_size()?.map(|side| side as u32);
        let image = Image::sized(width, height)
            .reading(self.spec.data.reading)
            .normalize(mean, std)
            .interpolation(inputs::antialiased(done.interpolation).unwrap_or_default());
        Ok(match done.resize_size() {
            // The weights expect the middle of a picture; of another shape than theirs all of it is shown.
            Some(size) if width == height => image.resize_center_crop(size as u32),
            _ => image,
        })
    }

    /// The augmentation of training images.
    ///
    /// # Errors
    ///
    /// As [`ModelOptions::pretrained`](super::ModelOptions::pretrained); `Config` where the crop does not fit the size of the inputs, or the
    /// operations leave pictures of another one.
    pub fn augmentation(&self) -> Result<Image> {
        let plain = self.plain()?;
        self.spec.augment.check_size(plain.size())?;
        Ok(self.spec.augment.apply(&plain))
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
