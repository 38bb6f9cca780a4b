//! Which class a row counts for that has several: the rarest of them.

use super::column::ValueKind;
use super::multi::MultiLabels;
use super::single::Labels;
use super::table::Table;

impl Labels {
    /// The column that [`MultiLabels::rarest`] are the labels of.
    pub const RAREST: &str = "rarest_class";
    /// The name of the class of rows without a class.
    pub const NO_CLASS: &str = "(none)";
}

impl MultiLabels {
    /// The class that each row counts for where it may count for one alone: of its classes the one that the fewest rows have; of equally
    /// rare ones the first. Rows without a class are of a class of their own behind the others, [`NO_CLASS`](Labels::NO_CLASS); where
    /// there are no such rows there is no such class. The column is [`RAREST`](Labels::RAREST).
    ///
    /// ```
    /// use millstream::rows::MultiLabels;
    ///
    /// let names = ["car", "bus"].map(str::to_owned);
    /// let labels = MultiLabels::new("objects", names.to_vec(), [vec![0, 0], vec![0, 1], vec![0], vec![]])?;
    /// let rarest = labels.rarest();
    /// assert_eq!(rarest.names(), ["car", "bus", "(none)"]);
    /// assert_eq!(rarest.iter().collect::<Vec<_>>(), [0, 1, 0, 2]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn rarest(&self) -> Labels {
        let (with, mut names) = (self.counts(), self.names().to_vec());
        let none = names.len() as u32;
        if self.without_class() > 0 {
            names.push(Labels::NO_CLASS.to_owned());
        }
        let mut of = Table::new(names.len(), self.len() as usize);
        for classes in self.iter() {
            of.push(classes.min_by_key(|&class| with[class as usize]).unwrap_or(none));
        }
        Labels::of_table(Labels::RAREST, names, ValueKind::Strings, of)
    }

    /// Rows that have each class of the [rarest](Self::rarest) classes, of which more may have one than count for it.
    pub(crate) fn rows_with(&self, rarest: &Labels) -> Vec<u64> {
        let mut with = self.counts();
        // Rows without a class are no rare class: they are not to be repeated.
        with.resize(rarest.names().len(), self.len());
        with
    }
}
