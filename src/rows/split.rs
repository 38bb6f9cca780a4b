//! The rows of a split: a scan of labels, groups or times, where it goes by them.

use super::labels::AnyLabels;
use super::made_rows::MadeRows;
use super::split_key::SplitKey;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::order::{Part, Split, SplitSpec};
use crate::spec::Spec;

impl SplitSpec {
    /// The rows of its part, ascending.
    ///
    /// # Errors
    ///
    /// `Config` for a share out of range, for synthetic rows, for fields that exclude each other, where all rows are of one group or one time, and for a
    /// dataset without an end; those of [`AnyLabels::scan`]; `Schema` for columns without groups or times, `Data` for a null among them.
    pub async fn rows(&self, cx: &Context, dataset: &impl Stable) -> Result<Vec<u64>> {
        let named = |error: Error| error.context(Self::NAME);
        self.check().map_err(named)?;
        let rows = dataset.len().finite().map(|len| len / dataset.views());
        let rows = rows.ok_or_else(|| named(Error::config("the dataset has no end")))?;
        let columns = [&self.label, &self.group, &self.time].into_iter().flatten();
        let columns: Vec<&str> = columns.map(String::as_str).collect();
        if let Some(made) = MadeRows::find(cx, dataset, &columns).await.map_err(named)? {
            return Err(named(made.refused(
                "one that was made of a training row would be held out, and be recognised: split the stored rows first, fit on the training \
                 part, and mix synthetic rows into that alone",
            )));
        }
        let labels = match &self.label {
            None => None,
            Some(label) => Some(AnyLabels::scan(cx, dataset, label).await.map_err(named)?),
        };
        let key = SplitKey::scan(cx, dataset, self.group.as_deref(), self.time.as_deref());
        let key = key.await.map_err(named)?;
        let Split { train, held_out } = key.split(labels.as_ref(), rows, self.share, self.seed);
        if let Some(why) = key.one_value().filter(|_| held_out.is_empty()) {
            return Err(named(Error::config(format!(
                "{why}, so none can be held out: name another column"
            ))));
        }
        Ok(match self.part {
            Part::Train => train,
            Part::HeldOut => held_out,
        })
    }
}
