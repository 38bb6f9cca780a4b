use super::ports::{Output, Read};
use super::row::{Draws, Out, Row};
use super::stage::{Bound, Run, Stage};
use crate::error::Result;
use crate::plan::Plan;
use crate::spec::Spec;
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What a closure of [`map`](crate::DatasetExt::map) is called, reads and writes.
///
/// Nobody can hash a closure, so its name and [version](Self::version) stand for it: raise the version when it comes to give
/// other values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Map {
    name: String,
    version: u32,
    random: bool,
    reads: Vec<Read>,
    writes: Vec<Output>,
}

/// No name: a recipe has to give one.
impl Default for Map {
    fn default() -> Self {
        Self::new("")
    }
}

impl Spec for Map {
    const NAME: &'static str = "map";
}

/// A closure as a stage.
struct Mapped<F> {
    map: Map,
    closure: Arc<F>,
}

impl Map {
    /// A closure named `name`, in plans, errors and streams of random numbers.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: 1,
            random: false,
            reads: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Which closure of this name it is. Defaults to 1.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Says that the closure draws random numbers: rows then are augmented ones, and views pin them.
    #[must_use]
    pub fn random(mut self) -> Self {
        self.random = true;
        self
    }

    /// Reads one column more: number 0 is the first.
    #[must_use]
    pub fn reads(mut self, read: Read) -> Self {
        self.reads.push(read);
        self
    }

    /// Writes one column more: number 0 is the first. Where the closure does not write, a fixed output is 0 and a ragged one empty.
    #[must_use]
    pub fn writes(mut self, output: Output) -> Self {
        self.writes.push(output);
        self
    }

    pub(crate) fn with<F>(self, closure: F) -> impl Stage
    where
        F: Fn(&Row<'_>, Draws<'_>, &mut Out<'_>) -> Result<()> + Send + Sync + 'static,
    {
        Mapped {
            map: self,
            closure: Arc::new(closure),
        }
    }
}

impl<F> fmt::Debug for Mapped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}

impl<F: Run> Stage for Mapped<F> {
    fn describe(&self) -> Plan {
        let plan = Plan::of(&self.map)
            .renamed(&self.map.name)
            .note("a closure: its name and version stand for it");
        if self.map.random { plan.random() } else { plan }
    }

    fn bind(&self, _: &Schema) -> Result<Bound> {
        let closure = Arc::clone(&self.closure);
        let random = self.map.random;
        let run = move |row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>| {
            // A closure that did not say that it draws gets nothing to draw from: views would not know.
            let position = draws.position.filter(|_| random);
            closure.run(row, Draws { position, ..draws }, out)
        };
        let bound = self.map.reads.iter().cloned().fold(Bound::new(run), Bound::reads);
        Ok(self.map.writes.iter().cloned().fold(bound, Bound::writes))
    }
}
