use crate::columns::index_of;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::spec::Spec;
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which columns stay, and in which order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Project {
    columns: Vec<String>,
}

impl Project {
    /// `columns`, in that order.
    pub fn new(columns: &[&str]) -> Self {
        Self {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        }
    }
}

impl Spec for Project {
    const NAME: &'static str = "project";

    fn check(&self) -> Result<()> {
        let twice = |(at, column): &(usize, &String)| self.columns[..*at].contains(column);
        match self.columns.iter().enumerate().find(twice) {
            _ if self.columns.is_empty() => Err(Error::config("project: no columns: name at least one")),
            Some((_, column)) => Err(Error::config(format!("project: column \"{column}\" is named twice"))),
            None => Ok(()),
        }
    }
}

/// Some of the columns; made by [`project`](crate::DatasetExt::project).
#[derive(Debug)]
pub struct Projected<D> {
    inner: D,
    project: Project,
    /// Where the columns are below.
    at: Arc<[usize]>,
    schema: SchemaRef,
}

impl<D: Dataset> Projected<D> {
    pub(crate) fn new(inner: D, project: Project) -> Result<Self> {
        project.check()?;
        let below = inner.schema();
        let at = project.columns.iter().map(|column| index_of(&below, column));
        let at = at
            .collect::<Result<Arc<[usize]>>>()
            .map_err(|error| error.context(Project::NAME))?;
        Ok(Self {
            schema: Arc::new(below.project(&at)?),
            inner,
            project,
            at,
        })
    }
}

impl<D: Dataset> Dataset for Projected<D> {
    forward!(inner: len, blocks, provenance);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn describe(&self) -> Plan {
        Plan::of(&self.project).input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let at = Arc::clone(&self.at);
        let rows = self.inner.prepare(cx, positions);
        rows.and_then(move |rows| async move { Ok(rows.project(&at)?) })
    }
}

impl<D: Stable> Stable for Projected<D> {
    forward!(inner: views);

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            index_of(&self.schema, name)?;
            self.inner.column(cx, name).await
        })
    }
}
