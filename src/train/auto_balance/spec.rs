use super::candidate::Candidate;
use crate::error::{Error, Result};
use crate::mix::Target;
use crate::spec::Spec;
use crate::train::loss::{BalancedSoftmax, Loss};
use serde::{Deserialize, Serialize};

/// A choice of target, loss and synthetic share for a head on cached features, by a stratified cross-validation inside the training rows:
/// the simplest candidate whose balanced accuracy is within one standard error of the best (Breiman et al. 1984).
///
/// Each fold holds out whole rows: all views of a row, and what SMOTE makes of it, are on its side, since SMOTE is fitted on the other
/// folds alone. What is held out is evaluated in view 0, without augmentation. Heads whose rows are the same train on the same batches.
///
/// "Simplest" is what has the fewest of these parts: a loss other than cross-entropy, a balance, synthetic rows. Of equally many, synthetic rows count more than a
/// balance, and a balance more than a loss; then the order of the lists below decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoBalance {
    /// Targets of the balance. Defaults to the data as it is (`Power(1.0)`), `Sqrt` and `Uniform`.
    pub targets: Vec<Target>,
    /// Losses. Defaults to cross-entropy and balanced softmax.
    pub losses: Vec<Loss>,
    /// Synthetic shares, in `0..=1`. Defaults to 0 and 0.5.
    pub synthetic: Vec<f64>,
    /// Parts of the cross-validation, at least 2. Defaults to 5.
    pub folds: usize,
    /// Epochs of each head. Defaults to 10.
    pub epochs: u64,
    /// Rows in a batch. Defaults to 64.
    pub batch_size: u64,
    /// Learning rate of the first step; it falls to 0 along a half cosine. Defaults to 0.01.
    pub learning_rate: f64,
    /// Weight decay, in the gradient. Defaults to 0.03.
    pub weight_decay: f32,
    /// Seed of folds, order and synthetic rows. Defaults to 0.
    pub seed: u64,
}

impl Default for AutoBalance {
    fn default() -> Self {
        Self {
            targets: vec![Target::Power(1.0), Target::Sqrt, Target::Uniform],
            losses: vec![Loss::default(), Loss::BalancedSoftmax(BalancedSoftmax::new())],
            synthetic: vec![0.0, 0.5],
            folds: 5,
            epochs: 10,
            batch_size: 64,
            learning_rate: 0.01,
            weight_decay: 0.03,
            seed: 0,
        }
    }
}

impl Spec for AutoBalance {
    const NAME: &'static str = "auto_balance";

    fn check(&self) -> Result<()> {
        let mistake = |text: String| Err(Error::config(format!("auto_balance: {text}")));
        if self.targets.is_empty() || self.losses.is_empty() || self.synthetic.is_empty() {
            return mistake("targets, losses and synthetic each need at least one value".to_owned());
        }
        for target in &self.targets {
            target
                .check()
                .map_err(|error| error.context("targets").context("auto_balance"))?;
        }
        for loss in &self.losses {
            loss.spec()
                .check()
                .map_err(|error| error.context("losses").context("auto_balance"))?;
        }
        if let Some(bad) = self.synthetic.iter().find(|share| !(0.0..=1.0).contains(*share)) {
            return mistake(format!("a synthetic share is {bad}, not in 0 to 1"));
        }
        if self.folds < 2 {
            return mistake(format!(
                "folds is {}, but one part is held out of at least 2",
                self.folds
            ));
        }
        if self.epochs == 0 || self.batch_size == 0 {
            return mistake("epochs and batch_size are at least 1".to_owned());
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return mistake(format!("learning_rate is {}, not a number above 0", self.learning_rate));
        }
        Ok(())
    }
}

impl AutoBalance {
    /// Three targets, two losses, with and without synthetic rows, in five folds.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What is tried: all combinations of targets, losses and synthetic shares, the simplest first, but for those that are another
    /// one by another name: synthetic rows without a balance, and a loss that corrects towards the very target of the balance.
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut all = Vec::new();
        for &synthetic in &self.synthetic {
            for target in &self.targets {
                for loss in &self.losses {
                    let (target, loss) = (target.clone(), loss.clone());
                    all.push(Candidate {
                        target,
                        loss,
                        synthetic,
                    });
                }
            }
        }
        all.retain(|candidate| !candidate.is_redundant());
        all.sort_by_key(Candidate::simplicity);
        all
    }
}
