//! Classes of several columns at once: cells.

use super::column::ValueKind;
use super::single::Labels;
use super::table::Table;
use crate::error::{Error, Result};
use crate::quote::{counted, quoted};
use std::collections::HashMap;

impl Labels {
    /// The most cells of a [product](Self::product).
    pub const MAX_CELLS: usize = 1 << 16;

    /// The column that holds the cell of each row where the rows have no class.
    pub const CELL: &str = "cell";

    /// The same under another name.
    pub(crate) fn renamed(&self, column: &str) -> Self {
        let of = (0..self.len()).map(|row| self.class(row));
        let mut table = Table::new(self.names().len(), self.len() as usize);
        of.for_each(|class| table.push(class));
        Self::of_table(column, self.names().to_vec(), ValueKind::Strings, table)
    }

    /// The classes of several columns at once: a class for each combination, a cell, named `cat / night`. Cells without rows are among them; the
    /// last column changes fastest.
    ///
    /// ```
    /// use millstream::rows::Labels;
    ///
    /// let of = |column: &str, names: [&str; 2], rows: [u32; 3]| Labels::new(column, names.map(str::to_owned).to_vec(), rows);
    /// let (animal, time) = (of("label", ["cat", "dog"], [0, 0, 1])?, of("time", ["day", "night"], [0, 1, 1])?);
    /// let cells = Labels::product(&[&animal, &time])?;
    /// assert_eq!(cells.names(), ["cat / day", "cat / night", "dog / day", "dog / night"]);
    /// assert_eq!(cells.counts(), [1, 1, 0, 1]);
    /// assert_eq!(cells.column(), "label / time");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` for no columns, columns of another number of rows, more than [`MAX_CELLS`](Self::MAX_CELLS) cells, and two cells of one name: `a / b` with `c` and
    /// `a` with `b / c`.
    pub fn product(parts: &[&Self]) -> Result<Self> {
        let [first, others @ ..] = parts else {
            return Err(Error::config("product: there is no column"));
        };
        if let Some(other) = others.iter().find(|other| other.len() != first.len()) {
            return Err(Error::config(format!(
                "product: column {:?} has {}, and column {:?} has {}",
                first.column(),
                counted(first.len(), "row"),
                other.column(),
                counted(other.len(), "row")
            )));
        }
        let cells = parts
            .iter()
            .try_fold(1_usize, |cells, part| cells.checked_mul(part.names().len()));
        if cells.is_none_or(|cells| cells > Self::MAX_CELLS) {
            let counts: Vec<String> = parts
                .iter()
                .map(|part| format!("{} of {:?}", part.names().len(), part.column()))
                .collect();
            return Err(Error::config(format!(
                "product: {} make more than {} cells: name columns of fewer classes",
                counts.join(" times "),
                Self::MAX_CELLS
            )));
        }
        let mut names = first.names().to_vec();
        for part in others {
            let mut joined = Vec::with_capacity(names.len() * part.names().len());
            for name in &names {
                joined.extend(part.names().iter().map(|other| format!("{name} / {other}")));
            }
            names = joined;
        }
        if let Some((first, second)) = twice(&names) {
            return Err(Error::config(format!(
                "product: two cells would both be called {}: {}, and {}; rename values of one of these columns, so that \" / \" is in none of them",
                quoted(&names[first]),
                in_words(parts, first),
                in_words(parts, second)
            )));
        }
        let mut of = Table::new(names.len(), first.len() as usize);
        for row in 0..first.len() {
            let cell = |cell: u32, part: &&Self| cell * part.names().len() as u32 + part.class(row);
            of.push(parts.iter().fold(0, cell));
        }
        let columns: Vec<&str> = parts.iter().map(|part| part.column()).collect();
        Ok(Self::of_table(&columns.join(" / "), names, ValueKind::Strings, of))
    }
}

/// The first two places at which the same name stands.
fn twice(names: &[String]) -> Option<(usize, usize)> {
    let mut known: HashMap<&str, usize> = HashMap::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        if let Some(first) = known.insert(name, at) {
            return Some((first, at));
        }
    }
    None
}

/// Of which class of each of `parts` cell `cell` is.
fn in_words(parts: &[&Labels], cell: usize) -> String {
    let mut left = cell;
    let mut classes = Vec::with_capacity(parts.len());
    // The last column changes fastest.
    for part in parts.iter().rev() {
        let names = part.names();
        let class = &names[left % names.len()];
        classes.push(format!("{} of column {}", quoted(class), quoted(part.column())));
        left /= names.len();
    }
    classes.reverse();
    classes.join(" with ")
}
