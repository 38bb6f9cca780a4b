use super::ports::Read;
use super::row::Row;
use super::scan_rows::scan_rows;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::order::Select;
use crate::plan::Plan;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// What a predicate of [`filter`](crate::DatasetExt::filter) is called and reads.
///
/// Nobody can hash a closure, so its name and [version](Self::version) stand for it, beside the rows that it keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    name: String,
    version: u32,
    reads: Vec<Read>,
}

/// No name: a recipe has to give one.
impl Default for Filter {
    fn default() -> Self {
        Self::new("")
    }
}

impl Spec for Filter {
    const NAME: &'static str = "filter";
}

impl Filter {
    /// A predicate named `name`, in plans and errors.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: 1,
            reads: Vec::new(),
        }
    }

    /// Which predicate of this name it is. Defaults to 1.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Reads one column more: number 0 is the first.
    #[must_use]
    pub fn reads(mut self, read: Read) -> Self {
        self.reads.push(read);
        self
    }

    /// What errors say was being done.
    fn label(&self) -> String {
        format!("filter \"{}\"", self.name)
    }
}

/// The rows for which a predicate holds, in their order; made by [`filter`](crate::DatasetExt::filter).
#[derive(Debug)]
pub struct Filtered<D> {
    kept: Select<D>,
}

impl<D: Stable> Filtered<D> {
    pub(crate) async fn scan<F>(inner: D, cx: &Context, filter: Filter, predicate: F) -> Result<Self>
    where
        F: Fn(&Row<'_>) -> Result<bool> + Send + Sync + 'static,
    {
        let label = filter.label();
        let scanned = matching_rows(&inner, cx, &filter, predicate).await;
        let rows = scanned.map_err(|error| error.context(label.as_str()))?;
        if rows.is_empty() {
            return Err(Error::config(format!(
                "{label} keeps none of the rows, and a dataset has at least one"
            )));
        }
        Ok(Self {
            kept: Select::chosen(inner, rows, Plan::of(&filter))?,
        })
    }
}

/// The rows of `inner` for which `predicate` holds.
async fn matching_rows<F>(inner: &impl Stable, cx: &Context, filter: &Filter, predicate: F) -> Result<Vec<u64>>
where
    F: Fn(&Row<'_>) -> Result<bool> + Send + Sync + 'static,
{
    let held = scan_rows(inner, cx, &filter.reads, predicate).await?;
    Ok((0..).zip(held).filter_map(|(row, held)| held.then_some(row)).collect())
}

impl<D: Stable> Dataset for Filtered<D> {
    forward!(kept: schema, len, blocks, prepare, provenance);

    fn describe(&self) -> Plan {
        let plan = self.kept.describe();
        plan.note("a closure: its name and version stand for it")
    }
}

impl<D: Stable> Stable for Filtered<D> {
    forward!(kept: views, column);
}
