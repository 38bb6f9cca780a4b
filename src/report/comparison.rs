//! The report of a run, or of several strategies side by side.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::figures::RunFigures;
use super::measured::Figure;
use super::named::Named;
use super::table::{Align, TERMINAL, Table};
use super::words::{figure_in_words, heading, with_error};
use crate::error::{Error, Result};
use crate::exec::files;
use crate::quote::{counted, shown};

/// Columns of a rare class's name in the header of a table.
const RARE: usize = 12;

/// The figures of the run that counts and, where several strategies were tried, of each of them.
///
/// In JSON the figures are at the top level, and the strategies are the object `ways`, which is left out where there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run that counts.
    #[serde(flatten)]
    pub figures: RunFigures,
    /// Every strategy that was tried, by name, in the order in which they were tried.
    #[serde(rename = "ways", default, skip_serializing_if = "Named::is_empty")]
    pub strategies: Named<RunFigures>,
    /// How the data was understood, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a reader of the figures has to know, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Rows that the run went on without; none where a row whose picture cannot be made ends a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_rows: Option<BadRows>,
    /// What was emitted of each cell, where rows were balanced by another key than their class.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub cells: Named<CellCounts>,
    /// What the gate of each strategy that has one made of the candidates for the synthetic rows that its head was trained on, by the strategy's name (`head` in a run of
    /// one). It follows from seed and settings: rows that were only made ahead are not counted.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub gates: Named<GateRows>,
    /// What balance, loss and synthetic share were chosen from, where they were: a `Choice` of `train::auto_balance` as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_balance: Option<Value>,
}

/// The rows of one cell on their way to the trainer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellCounts {
    /// Rows of the cell in the training data.
    pub before: u64,
    /// Rows of the cell that came over the whole run.
    pub emitted: u64,
}

/// What a gate made of the candidates for the synthetic rows that were trained on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRows {
    /// Candidates that were judged: those that passed, each of which is a row, and those that were refused.
    pub candidates: u64,
    /// Refused candidates by class (or cell) and reason: `too_near`, `outside_manifold`, `out_of_range`.
    pub refused: Named<Named<u64>>,
}

/// How many rows a run went on without, because their pictures cannot be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRows {
    /// Training rows that were left out.
    pub skipped: u64,
    /// Training rows in whose place another row of their class came.
    pub replaced: u64,
    /// Validation rows that were left out.
    pub held_out: u64,
}

impl Report {
    /// A report of one run.
    pub fn new(figures: RunFigures) -> Self {
        Self {
            figures,
            strategies: Named::default(),
            notes: Vec::new(),
            warnings: Vec::new(),
            bad_rows: None,
            cells: Named::default(),
            gates: Named::default(),
            auto_balance: None,
        }
    }

    /// A report of several strategies; the one called `best` is the one that counts.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::error::ErrorKind::Config) where no strategy is called `best`.
    pub fn compare(strategies: Named<RunFigures>, best: &str) -> Result<Self> {
        let figures = strategies.get(best).cloned();
        let figures = figures.ok_or_else(|| Error::config(format!("no strategy is called {best:?}")))?;
        Ok(Self {
            strategies,
            ..Self::new(figures)
        })
    }

    /// Writes the report to `path` as JSON: whole, or not at all.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::error::ErrorKind::Io) where the file cannot be written.
    pub fn write_json(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut json = serde_json::to_vec_pretty(self).map_err(|e| Error::io(path, e))?;
        json.push(b'\n');
        files::write_bytes(path, &json)
    }

    /// Reads a report that [`write_json`](Self::write_json) wrote.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::error::ErrorKind::Io) where the file cannot be read, [`Data`](crate::error::ErrorKind::Data) where it is no report.
    pub fn read_json(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let json = files::read_small(path).map_err(|e| Error::io(path, e))?;
        serde_json::from_slice(&json).map_err(|e| {
            Error::data(e.to_string())
                .with_source(e)
                .context(path.display().to_string())
        })
    }

    /// A row for each strategy (or for the one run): the task's figures and the first figure of the rarest classes, each with its standard
    /// error.
    ///
    /// The rarest classes are those of the run that counts, with their evaluation rows in the header; where a class's name is a number, the figure is
    /// named there as well. Where the names of strategies
    /// leave no room for them in 80 columns, the errors of the figures of classes are left out. One run with more figures than that has a line for each.
    pub fn to_table(&self) -> Table {
        let table = self.table(true);
        if table.width() <= TERMINAL {
            return table;
        }
        let table = self.table(false);
        match table.width() > TERMINAL && self.strategies.is_empty() {
            true => self.list(),
            false => table,
        }
    }

    /// A line for each figure of the one run.
    fn list(&self) -> Table {
        let on = format!("on {}", counted(self.figures.rows(), "row"));
        let mut table = Table::new([(on, Align::Left), ("this run".to_owned(), Align::Right)]);
        for (name, figure) in self.figures.measured.figures.iter() {
            table.push([figure_in_words(name), with_error(name, *figure)]);
        }
        for rare in &self.figures.rarest {
            let figure = self.figures.figure_of_class(&rare.class).unwrap_or_default();
            let class = shown(&rare.class, RARE);
            let class = match is_number(&rare.class) {
                true => format!("class {class}"),
                false => class,
            };
            table.push([
                format!("{} of {class}", self.figure_of_classes()),
                with_error(&rare.figure, figure),
            ]);
        }
        self.explain_rarest(&mut table);
        table
    }

    /// Says below `table` which classes it has, where these are not all.
    fn explain_rarest(&self, table: &mut Table) {
        let (rarest, all) = (self.figures.rarest.len(), self.figures.classes.len());
        // A class that only has a name is none of them.
        let trained = self.figures.counts.iter().map(|(_, counts)| counts.before);
        let trained = trained.chain(std::iter::repeat(0));
        let rows = self.figures.measured.tested.iter().zip(trained);
        let of = match rows.filter(|(tested, trained)| **tested + trained > 0).count() {
            some if some < all => format!("the {some} classes with rows, of {all}"),
            _ => format!("{all} classes"),
        };
        if rarest > 0 && rarest < all {
            table.note(format!("{} of the {rarest} rarest of {of}", self.figure_of_classes()));
        }
    }

    /// What is shown of a class, in words: recall, or what else the task measures first.
    fn figure_of_classes(&self) -> String {
        let first = self.figures.measured.by_class.iter().next();
        first.map_or_else(String::new, |(name, _)| figure_in_words(name))
    }

    fn table(&self, errors_of_classes: bool) -> Table {
        let right = |name: String| (name, Align::Right);
        let tested = |class: &str| {
            let at = self.figures.classes.iter().position(|name| name == class);
            at.and_then(|at| self.figures.measured.tested.get(at))
                .copied()
                .unwrap_or(0)
        };
        let of_classes = self.figures.measured.by_class.iter().next();
        let of_classes = of_classes.map_or_else(String::new, |(name, _)| heading(name));
        let rare = self.figures.rarest.iter().map(|rare| {
            let (class, rows) = (shown(&rare.class, RARE), tested(&rare.class));
            match is_number(&rare.class) {
                // "2 of 15" says neither that 2 is a class nor what is measured of it.
                true => format!("{of_classes}\nof class {class}\nin {}", counted(rows, "row")),
                false => format!("{}\nof {rows}", in_lines(class)),
            }
        });
        let figures = self.figures.measured.figures.iter().map(|(name, _)| heading(name));
        let numbers = figures.chain(rare);
        let on = format!("on {}", counted(self.figures.rows(), "row"));
        let first = match self.strategies.is_empty() {
            true => on,
            false => format!("way,\n{on}"),
        };
        let mut table = Table::new([(first, Align::Left)].into_iter().chain(numbers.map(right)));
        if self.strategies.is_empty() {
            table.push(self.row("this run", &self.figures, errors_of_classes));
        }
        self.strategies
            .iter()
            .for_each(|(name, strategy)| table.push(self.row(name, strategy, errors_of_classes)));
        self.explain_rarest(&mut table);
        table
    }

    fn row(&self, name: &str, strategy: &RunFigures, errors_of_classes: bool) -> Vec<String> {
        let figures = self
            .figures
            .measured
            .figures
            .iter()
            .map(|(name, _)| with_error(name, strategy.measured.figures.get(name).copied().unwrap_or_default()));
        let rare = self.figures.rarest.iter().map(|rare| {
            let figure = strategy.figure_of_class(&rare.class).unwrap_or_default();
            match errors_of_classes {
                true => with_error(&rare.figure, figure),
                false => with_error(&rare.figure, Figure::new(figure.value, None)),
            }
        });
        [name.to_owned()].into_iter().chain(figures).chain(rare).collect()
    }
}

/// Whether the name of a class is a number, which beside other numbers does not look like a name.
fn is_number(name: &str) -> bool {
    name.contains(|letter: char| letter.is_ascii_digit()) && name.trim().parse::<f64>().is_ok()
}

/// A name with a line for each word; what is quoted for its blanks keeps them.
fn in_lines(name: String) -> String {
    match name.starts_with('"') {
        true => name,
        false => name.replace(' ', "\n"),
    }
}

#[cfg(test)]
mod tests;
