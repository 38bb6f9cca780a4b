//! The contract of a task.

use super::targets::{TargetKind, Targets};
use crate::boxes::Nms;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::image::{CopyPaste, Image, Mosaic};
use crate::loader::ClassPrior;
use crate::model::head::{Head, HeadConfig, Outputs};
use crate::report::Measured;
use crate::rows::Stage;
use crate::spec::Describe;
use crate::train::loss::{ClassificationLoss, Loss};
use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use burn::tensor::{Device, Tensor};
use std::fmt::Debug;
use std::sync::Arc;

/// What is learnt: which column holds the targets, which head there is, what it is trained on, what it predicts, and how well.
///
/// A task is a [`Spec`](crate::spec::Spec). Its struct holds the parameters that a user gives and those that
/// [`bind`](Self::bind) takes from the training rows, such as the names of classes; a saved model keeps the bound task, and
/// predicts with nothing else. `docs/guides/add-a-task.md` shows one of one's own.
///
/// Nothing here is about one number a row: targets are the target column of a batch as it is, lists and structs included, and outputs
/// may be maps.
pub trait Task: Describe + Debug + Send + Sync + 'static {
    /// What the target column holds.
    fn target(&self) -> TargetKind;

    /// Whether targets can be read from a column like `field`. By default that is decided by its type.
    ///
    /// # Errors
    ///
    /// `Schema` with the reason why not.
    fn fits(&self, field: &Field) -> Result<()> {
        self.target().check(field)
    }

    /// The task with what it takes from the targets of the training rows.
    ///
    /// # Errors
    ///
    /// `Data` or `Config` where it cannot be learnt from such targets.
    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>>;

    /// The stage that makes the network's inputs of the rows of a split.
    ///
    /// By default it reads the pictures of the input column, augmented in training. A task whose targets move with the picture adds
    /// them to the stage here.
    ///
    /// # Errors
    ///
    /// Whatever the stage says.
    fn stage(&self, input: &Input, split: Split) -> Result<Arc<dyn Stage>> {
        Ok(self.image(input, split).on(&input.column))
    }

    /// How the [stage](Self::stage) makes a picture, whose steps a preview shows. By default that of the input, as it is.
    fn image(&self, input: &Input, split: Split) -> Image {
        match split {
            Split::Train => input.augmented.clone(),
            Split::Evaluation => input.plain.clone(),
        }
    }

    /// The stage that pastes objects of other rows into pictures that the [stage](Self::stage) has augmented, where the run's operations have a
    /// `copy_paste`. Objects come from rows of `from`, where it is given, which the same stage has augmented.
    ///
    /// # Errors
    ///
    /// `Config` for a task without objects, which is the default.
    fn copy_paste(
        &self,
        input: &Input,
        copy_paste: &CopyPaste,
        from: Option<Arc<dyn Dataset>>,
    ) -> Result<Arc<dyn Stage>> {
        let _ = (input, copy_paste, from);
        Err(Error::config(format!(
            "copy_paste takes objects with boxes, and the task {} has none",
            self.name()
        )))
    }

    /// The stage that puts pictures of several rows together, which the [stage](Self::stage) has augmented, where the run's operations have a
    /// `mosaic`.
    ///
    /// # Errors
    ///
    /// `Config` for a task without objects, which is the default, and for what belongs to a picture and cannot be put together.
    fn mosaic(&self, input: &Input, mosaic: &Mosaic) -> Result<Arc<dyn Stage>> {
        let _ = (input, mosaic);
        Err(Error::config(format!(
            "pictures are put together with their boxes, and the task {} has none",
            self.name()
        )))
    }

    /// Whether the [loss](Self::loss) takes a probability of each class in place of a row's class, tensors of f32, as `mixup` and `cutmix` among the
    /// run's operations leave them. By default it does not, and these are refused.
    fn takes_soft_labels(&self) -> bool {
        false
    }

    /// What becomes of boxes that overlap, of a task that predicts boxes; none by default.
    fn nms(&self) -> Option<&Nms> {
        None
    }

    /// The same task with `nms` for the boxes that it predicts; none by default, and of a task that predicts none.
    fn with_nms(&self, nms: Nms) -> Option<Arc<dyn Task>> {
        let _ = nms;
        None
    }

    /// The head of a [bound](Self::bind) task. A [linear](HeadConfig::Linear) one trains on pooled features, all others on maps.
    fn head(&self) -> HeadConfig;

    /// The learning rate with which a linear head begins to train on standardised features (stochastic gradient descent with
    /// momentum 0.9). The default, 0.01, is for losses whose curvature is at most that of cross-entropy.
    fn learning_rate(&self) -> f64 {
        0.01
    }

    /// The loss of a task with one class a row that takes any [`Loss`] in [`Priors::loss`]; a [strategy](super::Strategy) may have
    /// another one in its place. By default there is none.
    fn class_loss(&self) -> Option<&Loss> {
        None
    }

    /// Whether its loss needs to know how often each class comes. Such a task has one class a row.
    fn uses_priors(&self) -> bool {
        false
    }

    /// The loss of a batch: `[1]`.
    ///
    /// # Errors
    ///
    /// Whatever reading the targets gives.
    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>>;

    /// The trained head as it is evaluated and saved. A task whose loss is about scaled targets scales them back here.
    fn finish(&self, head: Head) -> Head {
        head
    }

    /// What the outputs of a finished head say of `rows`, which the [stage](Self::stage) has made: columns, a row for each row.
    ///
    /// # Errors
    ///
    /// `Data` where outputs are no finite numbers, because the weights are not.
    fn predictions(&self, outputs: Outputs, rows: &RecordBatch) -> Result<RecordBatch>;

    /// How wrong the prediction of each row is, by which a report shows the worst rows: more is worse. `None` by default: a report
    /// shows none.
    ///
    /// # Errors
    ///
    /// Whatever reading the targets gives.
    fn row_losses(&self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<Option<Vec<f64>>> {
        let _ = (predictions, truth);
        Ok(None)
    }

    /// Begins to measure how good predictions are.
    fn evaluation(&self) -> Box<dyn Evaluation>;

    /// The names of the classes of a bound task; empty for a task without.
    fn classes(&self) -> &[String] {
        &[]
    }
}

/// Measures how good predictions are.
pub trait Evaluation: Debug {
    /// Adds the `predictions` of some rows, as [`Task::predictions`] makes them.
    ///
    /// # Errors
    ///
    /// Whatever reading the targets gives.
    fn add(&mut self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()>;

    /// The figures of all rows that were added, each with its standard error, and the one that chooses between models.
    ///
    /// # Errors
    ///
    /// `Data` where nothing can be said of them.
    fn figures(&self) -> Result<Measured>;
}

/// What the rows of a stage are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// To train on: augmented.
    Train,
    /// To evaluate or to predict: as they are.
    Evaluation,
}

/// The input column, and how it is read.
///
/// On the processor the pictures come out normalised, as f32. For another device they come out as levels (u8), which it normalises;
/// so do those of a task whose stage says [`as_u8`](Image::as_u8). What a stage of one's own makes as floats is taken as it is.
#[derive(Clone, Debug)]
pub struct Input {
    /// The column of encoded pictures.
    pub column: String,
    /// Pictures as they are.
    pub plain: Image,
    /// Pictures in training.
    pub augmented: Image,
}

/// Rows with their targets.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'a> {
    /// The rows. Classes are class numbers (`Int64`, or lists of them), or probabilities of a task that [takes](Task::takes_soft_labels) them; all
    /// other targets are as they are stored.
    pub rows: &'a RecordBatch,
    /// The target column.
    pub column: &'a str,
    /// Where tensors are to be.
    pub device: &'a Device,
    /// How often each class comes in training, for a task that [uses](Task::uses_priors) it, and where the strategy has a loss.
    pub priors: Option<&'a Priors>,
}

/// How often each class comes, and the loss that knows it. Made once for each phase of a training.
#[derive(Clone, Debug)]
pub struct Priors {
    /// As the loader emits rows, balanced and with synthetic ones.
    pub emitted: ClassPrior,
    /// As they are stored.
    pub stored: ClassPrior,
    /// The loss of the strategy or, where it has none, [that of the task](Task::class_loss), ready for these.
    pub loss: Option<Arc<dyn ClassificationLoss>>,
}
