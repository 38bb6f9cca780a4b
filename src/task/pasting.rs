//! What a run makes of several pictures: objects of rare classes that are pasted into others, mosaics, and mixtures.

use super::datasets::Datasets;
use super::definition::{Input, Split};
use super::finetune::Finetune;
use super::spec::no_mixed_labels;
use super::spec::row_join::RowJoin;
use super::strategy::Strategy;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::ext::DatasetExt;
use crate::image::CopyPaste;
use crate::rows::{MixStage, Rule, Stage, Transformed};
use std::sync::Arc;

/// Views of each row that gives objects: they come in this many sizes, places and colours.
const VIEWS: u64 = 16;

impl Finetune {
    /// The stage that joins rows as `join` says, behind that which makes pictures of them.
    ///
    /// # Errors
    ///
    /// `Config` for a task that it cannot be of, and as [`pasting`](Self::pasting).
    pub(super) fn joining(&self, datasets: &Datasets, input: &Input, join: RowJoin<'_>) -> Result<Arc<dyn Stage>> {
        let mixed = |rule: Rule| -> Result<Arc<dyn Stage>> {
            match datasets.task.takes_soft_labels() {
                true => Ok(Arc::new(MixStage {
                    column: input.column.clone(),
                    label: datasets.label.clone(),
                    rule,
                })),
                false => Err(no_mixed_labels(&*datasets.task)),
            }
        };
        let stage = match join {
            RowJoin::CopyPaste(copy_paste) => return self.pasting(datasets, input, copy_paste),
            RowJoin::Mosaic(mosaic) => datasets.task.mosaic(input, mosaic),
            RowJoin::MixUp(mixup) => mixed(Rule::MixUp(mixup.clone())),
            RowJoin::CutMix(cutmix) => mixed(Rule::CutMix(cutmix.clone())),
        };
        stage.map_err(|error| self.spec.augment.of_row_join(error))
    }

    /// Refuses labels that are mixed where the loss has no meaning for them.
    pub(super) fn check_mixing(&self, datasets: &Datasets, strategy: &Strategy) -> Result<()> {
        let loss = strategy.loss.as_ref().or(datasets.task.class_loss());
        let mixes = self.spec.augment.mixes_labels();
        match loss.filter(|loss| mixes && !loss.takes_soft_labels()) {
            None => Ok(()),
            Some(loss) => Err(self.spec.augment.of_row_join(Error::config(format!(
                "a row that is mixed has shares of two classes, and the loss {} is of rows of one class: take another loss, \
                 balanced_softmax for example, or leave the mixing out",
                loss.spec().name()
            )))),
        }
    }

    /// The stage that pastes objects as `copy_paste` says. Where it names classes, they come from the training rows that have one of these: of any other row
    /// nothing could be pasted, and a rare class would be pasted as rarely as it comes.
    ///
    /// # Errors
    ///
    /// `Config` for a task without objects, for a class that there is not, and where no training row has an object of the classes.
    fn pasting(&self, datasets: &Datasets, input: &Input, copy_paste: &CopyPaste) -> Result<Arc<dyn Stage>> {
        let targets = &datasets.targets;
        let placed = |error: Error| self.spec.augment.of_row_join(error);
        let from = match copy_paste.numbers(targets.names()).map_err(placed)? {
            None => None,
            Some(classes) => {
                let has_one = |row: &u64| {
                    targets
                        .classes_of(*row)
                        .iter()
                        .any(|(class, _)| classes.contains(&i64::from(*class)))
                };
                let rows: Vec<u64> = (0..targets.len()).filter(has_one).collect();
                if rows.is_empty() {
                    return Err(placed(Error::config(
                        "no training row has an object of the classes whose objects are pasted",
                    )));
                }
                let stage = datasets.task.stage(input, Split::Train)?;
                let givers = Transformed::new(datasets.training_rows(input)?.select(rows)?, stage)?;
                let givers: Arc<dyn Dataset> = Arc::new(givers.views(VIEWS)?);
                Some(givers)
            }
        };
        let stage = datasets.task.copy_paste(input, copy_paste, from);
        stage.map_err(|error| self.spec.augment.at_row_join(error))
    }
}
