//! What operations that depend on the class know of a dataset.

use crate::rows::{Labels, MultiLabels};
use serde::{Deserialize, Serialize};

/// The classes of a dataset, for operations that depend on them, such as [`ByClass`](crate::image::ByClass).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Classes {
    /// The names, by class number.
    pub names: Vec<String>,
    /// Rows of each class, by class number; empty where that is not known. Of rows with several classes, those that have the class.
    pub counts: Vec<u64>,
    /// Where rows have several classes and each is of the rarest of them, how many rows are of each class, by class number; else empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rarest: Vec<u64>,
}

impl Classes {
    /// Classes of these names, and how many rows each has: none, or as many as there are names.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>, counts: impl Into<Vec<u64>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            counts: counts.into(),
            rarest: Vec::new(),
        }
    }

    /// The classes of rows with several, boxes or tags, each of which is of the rarest of its classes ([`MultiLabels::rarest`]). A class has as
    /// many rows as have it, whatever else they have; rows without a class are a class of all rows, `(none)`, so that it is never a rare one.
    ///
    /// ```
    /// use millstream::image::Classes;
    /// use millstream::rows::MultiLabels;
    ///
    /// let names = ["car", "bus"].map(str::to_owned);
    /// let labels = MultiLabels::new("objects", names.to_vec(), [vec![0, 0], vec![0, 1], vec![0], vec![]])?;
    /// let classes = Classes::of_rarest(&labels);
    /// assert_eq!((classes.names, classes.counts), (["car", "bus", "(none)"].map(str::to_owned).to_vec(), vec![3, 1, 4]));
    /// assert_eq!(classes.rarest, [2, 1, 1]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn of_rarest(labels: &MultiLabels) -> Self {
        let rarest = labels.rarest();
        Self {
            names: rarest.names().to_vec(),
            counts: labels.rows_with(&rarest),
            rarest: rarest.counts(),
        }
    }

    /// Whether the classes are those of rows whose columns have the class names `names`: these, or these and one for rows without a class.
    pub(in crate::image) fn are(&self, names: &[String]) -> bool {
        let without = || {
            let (last, others) = self.names.split_last()?;
            Some(!self.rarest.is_empty() && last == Labels::NO_CLASS && others == names)
        };
        self.names == names || without().unwrap_or(false)
    }
}
