//! Objects of rare classes that a run pastes into other pictures.

use super::datasets::Datasets;
use super::definition::{Input, Split};
use super::finetune::Finetune;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::ext::DatasetExt;
use crate::image::CopyPaste;
use crate::rows::{Stage, Transformed};
use crate::spec::Spec;
use std::sync::Arc;

/// Views of each row that gives objects: they come in this many sizes, places and colours.
const VIEWS: u64 = 16;

impl Finetune {
    /// The stage that pastes objects as `copy_paste` says. Where it names classes, they come from the training rows that have one of these: of any other row
    /// nothing could be pasted, and a rare class would be pasted as rarely as it comes.
    ///
    /// # Errors
    ///
    /// `Config` for a task without objects, for a class that there is not, and where no training row has an object of the classes.
    pub(super) fn pasting(&self, datasets: &Datasets, input: &Input, copy_paste: &CopyPaste) -> Result<Arc<dyn Stage>> {
        let targets = &datasets.targets;
        let at = self.spec.augment.operations.len().saturating_sub(1);
        let placed = |error: Error| error.context(format!("augment.operations[{at}]: {}", CopyPaste::NAME));
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
        datasets.task.copy_paste(input, copy_paste, from)
    }
}
