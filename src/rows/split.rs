//! The rows of a split: a scan of labels, if it is stratified.

use super::labels::AnyLabels;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::order::{Part, Split, SplitSpec, random_split, stratified, stratified_multi_label};
use crate::spec::Spec;

impl SplitSpec {
    /// The rows of its part, ascending.
    ///
    /// # Errors
    ///
    /// `Config` for a share out of range and a dataset without an end; those of [`AnyLabels::scan`].
    pub async fn rows(&self, cx: &Context, dataset: &impl Stable) -> Result<Vec<u64>> {
        let named = |error: Error| error.context(Self::NAME);
        self.check().map_err(named)?;
        let rows = dataset.len().finite().map(|len| len / dataset.views());
        let rows = rows.ok_or_else(|| named(Error::config("the dataset has no end")))?;
        let Split { train, held_out } = match &self.label {
            None => random_split(rows, self.share, self.seed),
            Some(label) => match AnyLabels::scan(cx, dataset, label).await.map_err(named)? {
                AnyLabels::Class(labels) => stratified(labels.iter(), self.share, self.seed),
                AnyLabels::MultiLabel(labels) => {
                    let rows = (0..labels.len()).map(|row| labels.classes(row));
                    stratified_multi_label(rows, self.share, self.seed)
                }
            },
        };
        Ok(match self.part {
            Part::Train => train,
            Part::HeldOut => held_out,
        })
    }
}
