//! Rows of a generator among the training rows, beside those that a run makes itself.

use super::datasets::Datasets;
use super::strategy::Strategy;
use crate::mix::PartOrigin;

impl Datasets {
    /// What there is to say where a generator made some of the stored training rows and a strategy wants synthetic ones without saying of which generator: these are others.
    pub(super) fn made_beside(&self, strategies: &[Strategy]) -> Option<String> {
        let wants = |strategy: &&Strategy| strategy.is_synthetic() && strategy.generator.is_none();
        let strategy = strategies
            .iter()
            .find(wants)
            .filter(|_| self.hold_out.has_synthetic())?;
        let is_part = strategy
            .batch
            .iter()
            .flatten()
            .any(|part| part.origin == PartOrigin::Synthetic);
        let (wanted, otherwise) = match is_part {
            true => ("balance.batch: the synthetic part is", "leave that part out"),
            false => ("balance.synthetic: these rows are", "leave balance.synthetic out"),
        };
        Some(format!(
            "{wanted} made anew of the stored rows (smote of features, or blended pictures), and the rows in data.train that a generator made already come among the stored \
             ones: to train on these alone, {otherwise}"
        ))
    }
}
