//! How many rows of each class the trainer is given: worked out from the order, without reading rows.

use super::batch_sampler::BatchSampler;
use super::builder::LoaderBuilder;
use super::fetcher::Fetcher;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::rows::{CLASS_NAMES, ClassEncoded, Labels};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Rows of each class: in the stored data, or as a loader emits them.
///
/// [`LoaderBuilder::class_prior`](super::LoaderBuilder::class_prior) works out what is emitted, which a
/// loss (`train::loss`) then corrects for.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassPrior {
    names: Vec<String>,
    counts: Vec<f64>,
}

impl ClassPrior {
    /// `counts[c]` rows of the class `names[c]`.
    ///
    /// # Errors
    ///
    /// `Config` where there are not as many counts as names, for a count that is negative or not finite, and where all are 0.
    pub fn new(names: Vec<String>, counts: Vec<f64>) -> Result<Self> {
        if names.len() != counts.len() {
            return Err(Error::config(format!(
                "class prior: {} counts for {} classes",
                counts.len(),
                names.len()
            )));
        }
        if let Some((name, bad)) = names
            .iter()
            .zip(&counts)
            .find(|(_, count)| !count.is_finite() || **count < 0.0)
        {
            return Err(Error::config(format!(
                "class prior: class {name:?} cannot have {bad} rows"
            )));
        }
        if counts.iter().all(|&count| count == 0.0) {
            return Err(Error::config("class prior: no class has rows"));
        }
        Ok(Self { names, counts })
    }

    /// The classes' names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Rows of each class. Whole numbers, but for rows with soft labels (MixUp, CutMix): they count for each of their classes with
    /// its share.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// The share of each class. They sum to 1.
    pub fn shares(&self) -> Vec<f64> {
        let total: f64 = self.counts.iter().sum();
        self.counts.iter().map(|count| count / total).collect()
    }
}

/// The classes of the stored rows.
impl From<&Labels> for ClassPrior {
    fn from(labels: &Labels) -> Self {
        Self {
            names: labels.names().to_vec(),
            counts: labels.counts().into_iter().map(|count| count as f64).collect(),
        }
    }
}

impl ClassPrior {
    /// The most rows that are gone through to count their classes, 2^30: about twenty minutes at a microsecond a row.
    pub const MOST_ROWS: u64 = 1 << 30;
}

impl LoaderBuilder {
    /// How many rows of each class all ranks together are given in epoch `epoch`: what a loss (`train::loss`) corrects for.
    ///
    /// It is exact, and worked out from the order without reading a row: the quotas of a balance, its schedules and synthetic rows,
    /// the sources of a mix, subsets, and how the last batch is cut. A row that is [replaced](super::OnError::Replace) is so by one of its
    /// class. A row with a soft label (MixUp, CutMix) counts for each of its classes with its share. What is skipped is not left out.
    ///
    /// Where the classes of several columns are known it is the prior of the one that was encoded last: that of a balance is of the
    /// column which is balanced, also where a list of classes (multi-label) was encoded before.
    ///
    /// Takes some microseconds a row: of a large dataset, ask for [some steps](Self::class_prior_of_steps). An epoch of more than
    /// [2^30](ClassPrior::MOST_ROWS) rows is not gone through.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, RecordBatch, StringArray};
    /// # use millstream::mix::Target;
    /// # use millstream::source::Memory;
    /// # use millstream::{Context, DatasetExt, Result};
    /// # use std::sync::Arc;
    /// # fn main() -> Result<()> {
    /// # let cx = Context::new()?;
    /// # let labels: ArrayRef = Arc::new(StringArray::from(vec!["cat", "cat", "cat", "cat", "cat", "cat", "cat", "cat", "dog", "dog"]));
    /// # let rows = Memory::new(vec![RecordBatch::try_from_iter([("label", labels)])?])?;
    /// // Eight cats and two dogs, to the power 0.5: two cats for one dog.
    /// let loader = cx.block_on(rows.balance(&cx, "label", Target::Sqrt))?.rows(9).loader(&cx);
    /// let prior = loader.class_prior(0)?;
    /// assert_eq!((prior.names(), prior.counts()), (&["cat".to_owned(), "dog".to_owned()][..], &[6.0, 3.0][..]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` where the classes are not known (no `classes` or `balance` below, lists of classes, a label column that a stage
    /// replaced), for a dataset without an end and for more than [`MOST_ROWS`](ClassPrior::MOST_ROWS) rows; what [`build`](Self::build) refuses.
    pub fn class_prior(&self, epoch: u64) -> Result<ClassPrior> {
        self.fetcher()?.class_prior(epoch)
    }

    /// As [`class_prior`](Self::class_prior), of the global batches `steps`, counted from the first one of the first epoch.
    ///
    /// # Errors
    ///
    /// As [`class_prior`](Self::class_prior); `Config` for no steps. A dataset without an end is none.
    pub fn class_prior_of_steps(&self, steps: Range<u64>) -> Result<ClassPrior> {
        self.fetcher()?.class_prior_of_steps(steps)
    }
}

impl Fetcher {
    /// What all ranks are given in epoch `epoch`.
    pub(super) fn class_prior(&self, epoch: u64) -> Result<ClassPrior> {
        let Some(rows) = self.sampler.len.finite() else {
            return Err(Error::config(
                "class prior: the dataset has no end, so it has no epochs; ask for that of some steps",
            ));
        };
        let end = epoch.checked_add(1).and_then(|next| next.checked_mul(rows));
        let end = end.ok_or_else(|| Error::config(format!("class prior: epoch {epoch} begins after 2^64 rows")))?;
        if let Some(feedback) = self.feedback.as_ref().filter(|feedback| !feedback.knows(epoch)) {
            return Err(feedback.unknown(epoch));
        }
        refuse_more(rows, &format!("epoch {epoch}"))?;
        self.prior_of(end - rows, |position, _| position < end)
    }

    /// What all ranks are given in the global batches `steps`, counted from the first one of the first epoch.
    pub(super) fn class_prior_of_steps(&self, steps: Range<u64>) -> Result<ClassPrior> {
        if steps.is_empty() {
            return Err(Error::config(format!("class prior: there are no steps in {steps:?}")));
        }
        let count = steps.end - steps.start;
        let size = self.sampler.batch_size;
        let of_batch = self.sampler.len.finite().map_or(size, |rows| rows.min(size));
        refuse_more(count.saturating_mul(of_batch), "these steps")?;
        self.prior_of(self.whole().step(steps.start), |_, done| done < count)
    }

    /// The order of the rows of all ranks, without an end.
    fn whole(&self) -> BatchSampler {
        BatchSampler {
            shard: (0, 1),
            end: None,
            ..self.sampler
        }
    }

    /// What comes in the batches from `position` on, as long as `go_on` of the next position and the number of batches before.
    fn prior_of(&self, mut position: u64, go_on: impl Fn(u64, u64) -> bool) -> Result<ClassPrior> {
        let names = self.class_names()?;
        let (sampler, mut counts, mut done) = (self.whole(), vec![0.0; names.len()], 0);
        let cx = self.cx.for_origins();
        while go_on(position, done) {
            let Some(batch) = sampler.slot(position).filter(|batch| go_on(batch.next - 1, done)) else {
                break;
            };
            if let Some(unknown) = self.unknown(&batch) {
                return Err(unknown);
            }
            for &position in &batch.positions {
                for (class, share) in self.dataset.provenance(&cx, position).label_shares(1.0) {
                    let count = class.and_then(|class| counts.get_mut(class as usize));
                    *count.ok_or_else(|| self.without_class(position, class))? += f64::from(share);
                }
            }
            (position, done) = (batch.next, done + 1);
        }
        ClassPrior::new(names, counts)
    }

    /// The names of the classes that the rows' provenance tells of.
    fn class_names(&self) -> Result<Vec<String>> {
        let plan = self.dataset.describe();
        // The class of a row is that of the column which was encoded last: the one that is balanced.
        let known: BTreeSet<&str> = plan
            .topmost(ClassEncoded::<Arc<dyn Stable>>::NAME, "column")
            .into_iter()
            .collect();
        let column = match known.iter().collect::<Vec<_>>().as_slice() {
            [] => {
                return Err(Error::config(
                    "class prior: nothing below knows the classes of the rows: use `classes(cx, \"label\")`, `with_labels` or \
                     `balance` below the shuffle",
                ));
            }
            [column] => **column,
            several => {
                return Err(Error::config(format!(
                    "class prior: datasets come together whose classes are those of different columns ({several:?}), and a row \
                     counts for one: encode the same column in each of them with `classes`"
                )));
            }
        };
        let schema = self.dataset.schema();
        let names = schema.field_with_name(column).ok();
        let names = names.and_then(|field| field.metadata().get(CLASS_NAMES));
        let names = names.and_then(|names| serde_json::from_str(names).ok());
        names.ok_or_else(|| {
            Error::config(format!(
                "class prior: column \"{column}\" is gone or a stage wrote other values into it, so its classes are not what \
                 comes: keep the column, or count the rows"
            ))
        })
    }

    fn without_class(&self, position: u64, class: Option<u32>) -> Error {
        let place = self.dataset.provenance(&self.cx, position).places.into_iter().next();
        let error = Error::config(match class {
            None => "class prior: the row has no class of its own: it has a list of classes (multi-label), or nothing below its \
                     source knows its class; use `classes` there"
                .to_owned(),
            Some(class) => format!("class prior: the row is of class {class}, which has no name"),
        });
        match place {
            Some(place) => error.context(format!("position {position}, {place}")),
            None => error.context(format!("position {position}")),
        }
    }
}

/// Refuses to go through more `rows` than is done in a foreseeable time.
fn refuse_more(rows: u64, of: &str) -> Result<()> {
    match rows > ClassPrior::MOST_ROWS {
        true => Err(Error::config(format!(
            "class prior: {of} would be {rows} rows, and at most {} (2^30) are gone through: ask for that of fewer steps (`class_prior_of_steps`)",
            ClassPrior::MOST_ROWS
        ))),
        false => Ok(()),
    }
}
