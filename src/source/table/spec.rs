use super::column::TableColumn;
use super::compiled::compiled;
use crate::error::{Error, Result};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parameters of a simulated table: as a source ([`Table`](super::Table)), and as a generator of the rows of a table that lacks some
/// ([`SimulatedRows`](crate::synthetic::SimulatedRows)).
///
/// ```
/// use millstream::source::TableSpec;
/// use millstream::spec::read_toml;
///
/// let spec: TableSpec = read_toml(
///     r#"
///     rows = 1000
///     classes = { healthy = 9, sick = 1 }
///
///     [columns]
///     age = { uniform = { low = 18, high = 90 }, whole = true }
///     smoker = { bernoulli = { p = { sick = 0.5, healthy = 0.2 } } }
///     pressure = { equation = "90 + 0.5 * age + 12 * smoker", noise = 8, missing = "if(age > 80, 0.5, 0.01)" }
///     region = { categorical = { north = 1, south = "2 + smoker" } }
///     "#,
/// )?;
/// assert_eq!(spec.columns.len(), 4);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableSpec {
    /// The columns, by name. They come in the order of the alphabet.
    pub columns: BTreeMap<String, TableColumn>,
    /// Rows of a source. A generator has none: it makes as many as are wanted.
    pub rows: Option<u64>,
    /// The classes of a source, and the share of each in proportion to the others; each has its number of rows to within one. A generator has the classes
    /// of the rows that it is mixed with. Defaults to none: there is no label.
    pub classes: BTreeMap<String, f64>,
    /// What the column of a source's classes is called. Defaults to "label".
    pub label: String,
    /// The seed of a source's draws, whose rows are the same in every run. Defaults to 0.
    pub seed: u64,
}

impl Default for TableSpec {
    fn default() -> Self {
        Self {
            columns: BTreeMap::new(),
            rows: None,
            classes: BTreeMap::new(),
            label: "label".to_owned(),
            seed: 0,
        }
    }
}

impl Spec for TableSpec {
    const NAME: &'static str = "table";

    fn check(&self) -> Result<()> {
        if self.columns.is_empty() {
            return Err(Error::config("columns: name at least one"));
        }
        for (class, share) in &self.classes {
            if !share.is_finite() || *share < 0.0 {
                return Err(Error::config(format!(
                    "classes.{class} is {share}, but a share is at least 0"
                )));
            }
        }
        if !self.classes.is_empty() && self.classes.values().all(|&share| share == 0.0) {
            return Err(Error::config("classes: the shares of all are 0"));
        }
        let classes: Vec<String> = self.classes.keys().cloned().collect();
        // The classes of a generator are not known yet.
        compiled(&self.columns, (!classes.is_empty()).then_some(&classes)).map(|_| ())
    }
}
