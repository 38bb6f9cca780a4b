//! How the training rows are chosen.

use super::datasets::Datasets;
use super::held_out_for::few_rows;
use super::rarer::rarer;
use crate::error::{Error, Result};
use crate::loader::ClassPrior;
use crate::mix::{BalanceSpec, BatchPart, BatchSpec, FeedbackSpec, PartOrigin, Target};
use crate::quote::quoted;
use crate::rows::{Key, Labels};
use crate::spec::{Named, Spec};
use crate::synthetic::{GateSpec, GeneratorSpec, classes_of_cells};
use crate::train::auto_balance::{AutoBalance, Candidate};
use crate::train::loss::Loss;
use serde::{Deserialize, Serialize};
use std::path::{Component, Path};

/// Rows as they are stored.
const STORED: Target = Target::Power(1.0);

/// The name of the deep phase among checkpoints.
pub(crate) const DEEP: &str = "deep";

/// How classes of different size are dealt with, `[balance]` of a recipe: the shares of the classes among the training rows, how much of them is synthetic, and
/// the loss, which corrects what the sampling left.
///
/// ```
/// use millstream::mix::Target;
/// use millstream::task::Strategy;
///
/// // Rows as they are stored, and balanced softmax.
/// let by_loss = Strategy {
///     target: Some(Target::Power(1.0)),
///     loss: Some("balanced_softmax".parse()?),
///     ..Strategy::default()
/// };
/// let chosen = Strategy { auto: true, ..Strategy::default() };
/// # let _ = (by_loss, chosen);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Strategy {
    /// Its name in reports.
    pub name: String,
    /// The classes' shares. Where there are none, each class has the same share if each row has one class, and else each row comes
    /// once an epoch, in random order.
    ///
    /// A row with several classes, a picture with its boxes or a list of classes, counts for the rarest of them, and rows without one for
    /// a class of their own ([`MultiLabels::rarest`](crate::rows::MultiLabels::rarest)): [`RepeatFactor`](Target::RepeatFactor) repeats rows
    /// with rare classes as LVIS does, [`Power(1.0)`](Target::Power) leaves them as they are stored, and all others are quotas of the rows
    /// that count for each class.
    pub target: Option<Target>,
    /// What the shares are of, in place of the classes: `{ product = ["label", "site"] }` gives each class of each site one. The label of a row stays
    /// its class; columns of the training rows may be named that nothing else reads. Of a regression the target itself may be binned.
    pub by: Option<Key>,
    /// What every batch is made of: `[{ class = "cat", share = 0.5 }, { share = 0.25 }, { origin = "synthetic", share = 0.25 }]`. The shares of
    /// `target` then divide the parts of several classes. A synthetic part that names no class is of those that have fewer rows than the largest.
    /// Defaults to none.
    pub batch: Option<Vec<BatchPart>>,
    /// How the shares of an epoch follow from what the model made, two epochs before, of rows that are held out of the training files for that
    /// (as for the best epoch, which may be chosen on them as well): from the recall of each class, or its mean cross-entropy. The reports are in
    /// `feedback.jsonl`. A run needs 3 epochs of the head or of the deep part, or it is refused; a warning names the classes of which fewer than 5 rows are held
    /// out. Defaults to none.
    pub feedback: Option<FeedbackSpec>,
    /// The most that synthetic rows may make up of what a class is given beyond its stored rows, 0 to 1.
    pub synthetic: f64,
    /// What makes the synthetic rows that a head is trained on, of features: by its name and parameters, as in `{ residuals = {} }`. Defaults to
    /// [`SmoteSpec`](crate::synthetic::SmoteSpec) for the classes that lack rows, and where a part of each batch names no class and none lacks rows, for all. Its column is "features". Pictures (of deeper training, and where a head takes maps)
    /// are [blended](crate::synthetic::Blend), whatever is named here. Rows of a file (`rows`) need a column "features" of as many f32 as the network makes, each in deviations from the
    /// mean of the training rows' one, beside the label; a file of pictures is named in [`data.train`](super::DataOptions::train), as is one of the rows that another generator of
    /// pictures makes ([`FittedGenerator`](crate::synthetic::learned::FittedGenerator)).
    pub generator: Option<Named<dyn GeneratorSpec>>,
    /// What the rows of the generator have to pass that a head is trained on: `{}` compares features, and refuses copies and rows that lie far from all training rows
    /// of their class (or cell); others are drawn in their place. `{ limits = {} }` refuses the generator, too, before the training, where its rows of a class as a whole lie beyond
    /// [`GateLimits`](crate::synthetic::GateLimits); they are compared with a holdout where rows are held out to choose on, and there is no `by`. What was refused is in the report
    /// ([`gates`](crate::report::Report::gates)). Defaults to none. Blended pictures pass as they are, as for `generator`.
    pub gate: Option<GateSpec>,
    /// The loss, for a task with one class a row. Defaults to that of the task.
    pub loss: Option<Loss>,
    /// Whether target, synthetic share and loss are chosen by [`AutoBalance`] under the run's seed; they are
    /// left out here then.
    pub auto: bool,
}

impl Default for Strategy {
    fn default() -> Self {
        Self {
            name: "head".to_owned(),
            target: None,
            by: None,
            batch: None,
            feedback: None,
            synthetic: 0.0,
            generator: None,
            gate: None,
            loss: None,
            auto: false,
        }
    }
}

impl Strategy {
    /// The same with what was chosen.
    #[must_use]
    pub fn with(&self, candidate: &Candidate) -> Self {
        Self {
            name: self.name.clone(),
            target: Some(candidate.target.clone()),
            synthetic: candidate.synthetic,
            generator: None,
            gate: None,
            loss: Some(candidate.loss.clone()),
            auto: false,
            ..self.clone()
        }
    }

    /// Refuses one that says two things, and a share out of range.
    pub(crate) fn check(&self) -> Result<()> {
        if self.auto && (self.target.is_some() || self.loss.is_some() || self.synthetic > 0.0) {
            return Err(Error::config(
                "auto chooses target, loss and synthetic in a cross-validation: leave these three out, or auto",
            ));
        }
        match &self.generator {
            Some(_) if self.auto => {
                return Err(Error::config(
                    "auto tries synthetic rows by smote alone: leave generator out, or auto",
                ));
            }
            Some(generator) if !self.is_synthetic() => {
                return Err(Error::config(format!(
                    "generator is {}, and synthetic, the share of the rows that it would make, is 0: give synthetic, or leave generator out",
                    generator.name()
                )));
            }
            Some(generator) => generator.check().map_err(|error| error.context("generator"))?,
            None => {}
        }
        match &self.gate {
            Some(_) if self.auto => {
                return Err(Error::config(
                    "auto tries synthetic rows by smote alone: leave gate out, or auto",
                ));
            }
            Some(_) if !self.is_synthetic() => {
                return Err(Error::config(
                    "gate: synthetic, the share of the rows that would have to pass, is 0: give synthetic, or leave gate out",
                ));
            }
            Some(gate) => gate.check().map_err(|error| error.context("gate"))?,
            None => {}
        }
        if self.auto && (self.by.is_some() || self.batch.is_some() || self.feedback.is_some()) {
            return Err(Error::config(
                "auto chooses shares of classes: leave out by, batch and feedback, or auto",
            ));
        }
        if let Some(key) = &self.by {
            key.check().map_err(|error| error.context("by"))?;
        }
        if let Some(rule) = &self.feedback {
            rule.check().map_err(|error| error.context("feedback"))?;
        }
        if self.by.is_some() && self.feedback.is_some() {
            return Err(Error::config(
                "by: feedback is of classes, not of cells: leave it out, or by",
            ));
        }
        if self.batch.is_some() && (self.synthetic > 0.0 || self.feedback.is_some()) {
            return Err(Error::config(
                "batch: its parts say what comes in each batch: leave out synthetic and feedback, or batch",
            ));
        }
        if let Some(Target::RepeatFactor(_)) = &self.target {
            let fixed = [("batch", self.batch.is_some()), ("feedback", self.feedback.is_some())];
            if let Some((field, _)) = fixed.iter().find(|(_, is_given)| *is_given) {
                return Err(Error::config(format!(
                    "{field}: target is a repeat factor, which says how often each row comes, so that classes have no shares of their own: take another target, or leave {field} out"
                )));
            }
        }
        if let Some(target) = &self.target {
            target.check().map_err(|error| error.context("target"))?;
        }
        match (0.0..=1.0).contains(&self.synthetic) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "the synthetic share is {}, not in 0 to 1",
                self.synthetic
            ))),
        }
    }

    /// Whether rows of a generator come.
    pub(crate) fn is_synthetic(&self) -> bool {
        self.synthetic > 0.0
            || self
                .batch
                .iter()
                .flatten()
                .any(|part| part.origin == PartOrigin::Synthetic)
    }

    /// What every batch of `size` rows is made of, if that is said.
    pub(crate) fn batch_of(&self, size: u64) -> Option<BatchSpec> {
        let parts = self.batch.clone()?;
        Some(BatchSpec { size, parts })
    }

    /// The balance, without what needs a generator or reports.
    pub(crate) fn balance(&self) -> BalanceSpec {
        BalanceSpec {
            target: self.target(),
            by: self.by.clone(),
            ..BalanceSpec::default()
        }
    }

    /// The classes' shares, of rows that have one class each.
    pub(crate) fn target(&self) -> Target {
        self.target.clone().unwrap_or(Target::Uniform)
    }

    /// The shares of the rarest classes, of rows that have several; none where rows come as they are stored.
    pub(crate) fn target_of_rarest(&self) -> Option<&Target> {
        self.target.as_ref().filter(|target| **target != STORED)
    }

    /// Refuses one that is still to be chosen.
    pub(crate) fn check_chosen(&self) -> Result<()> {
        match self.auto {
            true => Err(Error::config(format!(
                "the strategy {:?} is to be chosen automatically first",
                self.name
            ))),
            false => Ok(()),
        }
    }

    /// The same with the shares that it has on `datasets`.
    pub(crate) fn settled(&self, datasets: &Datasets) -> Self {
        let target = match datasets.targets.one_class() {
            _ if self.auto => None,
            _ if self.by.is_some() => Some(self.target()),
            Some(_) => Some(self.target()),
            None => Some(self.target.clone().unwrap_or(STORED)),
        };
        Self { target, ..self.clone() }
    }

    /// Refuses what the classes of `datasets` do not allow, in batches of `batch_size` rows.
    pub(crate) fn check_for(&self, datasets: &Datasets, batch_size: u64) -> Result<()> {
        if let Some(key) = &self.by {
            let cells = datasets.cells_of(key)?;
            if datasets.targets.several_classes()?.is_some() {
                return Err(Error::config(
                    "by: rows with several classes are balanced by the rarest of them alone",
                ));
            }
            let shares = self.target().shares(&cells.counts(), cells.names())?;
            self.check_parts(cells, &shares, batch_size)?;
            if self.is_synthetic() {
                let classes = datasets.labels("a generator beside by")?;
                classes_of_cells(classes, cells).map_err(|error| error.context("by"))?;
                self.check_generator(datasets)?;
            }
            return match datasets.targets.one_class() {
                Some(labels) => self.check_loss(datasets, &ClassPrior::from(&**labels)),
                None => Ok(()),
            };
        }
        if self.auto {
            datasets.refuse_synthetic("the folds of the cross-validation that chooses the balance would be held")?;
        }
        if self.feedback.is_some() {
            datasets.labels("feedback")?;
        }
        if let Some(labels) = datasets.targets.one_class() {
            self.check_generator(datasets)?;
            let shares = self.target().shares(&labels.counts(), labels.names())?;
            self.check_parts(labels, &shares, batch_size)?;
            return self.check_loss(datasets, &ClassPrior::new(labels.names().to_vec(), shares)?);
        }
        let several = datasets.targets.several_classes()?;
        let refused = match (self.target_of_rarest(), several) {
            _ if self.auto => "an automatic choice of the balance needs one class a row",
            _ if self.is_synthetic() => "synthetic rows need one class a row",
            _ if self.loss.is_some() => "a loss of classes needs one class a row",
            _ if self.batch.is_some() => "parts of every batch need one class a row",
            (None, _) => return Ok(()),
            (Some(target), Some(classes)) => return target.shares_of_rarest(&classes).map(drop),
            (Some(_), None) => "a balance needs classes",
        };
        Err(Error::config(format!(
            "{refused}, and the task {} has none (column {})",
            datasets.task.name(),
            quoted(&datasets.label)
        )))
    }

    /// Refuses parts of every batch that the `classes`, or cells, which the target gives `shares`, have no rows for.
    fn check_parts(&self, classes: &Labels, shares: &[f64], batch_size: u64) -> Result<()> {
        let Some(batch) = self.batch_of(batch_size) else {
            return Ok(());
        };
        // Two rows of a class make what comes without a generator that is named: SMOTE of features, or blended pictures.
        let made_of = self.generator.is_none().then_some(2);
        let checked = batch.check_for((&classes.counts()[..], classes.names(), shares), made_of);
        checked.map_err(|error| error.context("batch"))
    }

    /// What a user may not expect of it: of rows that have several classes that those with a rare class come less often than they are stored, and of feedback
    /// that it follows few rows.
    pub(crate) fn warnings(&self, datasets: &Datasets) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        if let (Some(target), Some(classes)) = (self.target_of_rarest(), datasets.targets.several_classes()?) {
            warnings.extend(rarer(target, &classes)?);
        }
        let selection = datasets.selection_targets().and_then(|targets| targets.one_class());
        warnings.extend(
            self.feedback
                .as_ref()
                .zip(selection)
                .and_then(|(rule, labels)| few_rows(rule.by, labels)),
        );
        Ok(warnings)
    }

    /// Refuses a loss beside that of the task, and one that the classes of `datasets` do not allow where they come as in `emitted`.
    fn check_loss(&self, datasets: &Datasets, emitted: &ClassPrior) -> Result<()> {
        let Some(labels) = datasets
            .targets
            .one_class()
            .filter(|_| self.auto || self.loss.is_some())
        else {
            return Ok(());
        };
        match datasets.task.class_loss() {
            None => Err(Error::config(format!(
                "the task {} has a loss of its own: leave out that of the strategy",
                datasets.task.name()
            ))),
            Some(loss) if *loss != Loss::default() => Err(Error::config(format!(
                "the task {} has the loss {loss}: leave out that of the task or that of the strategy",
                datasets.task.name()
            ))),
            Some(_) if self.auto && !datasets.task.bind(&datasets.targets)?.head().is_pooled() => {
                Err(Error::config(format!(
                    "an automatic choice of the balance needs features, and the task {} trains on maps",
                    datasets.task.name()
                )))
            }
            Some(_) if self.auto => AutoBalance::new().check_rows(labels),
            Some(_) => match &self.loss {
                Some(loss) => loss.init(emitted, &ClassPrior::from(&**labels)).map(drop),
                None => Ok(()),
            },
        }
    }

    /// Refuses names that cannot be those of folders beside one another, and shares out of range.
    pub(crate) fn check_all(strategies: &[Self]) -> Result<()> {
        for (at, strategy) in strategies.iter().enumerate() {
            strategy.check()?;
            let mut parts = Path::new(&strategy.name).components();
            let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == &*strategy.name);
            if !plain || strategy.name == DEEP || strategies[..at].iter().any(|other| other.name == strategy.name) {
                return Err(Error::config(format!(
                    "a strategy cannot be called {:?}: its checkpoints lie in a folder of that name, beside those of others and \"{}\"",
                    strategy.name, DEEP
                )));
            }
        }
        Ok(())
    }
}
