//! Files as a [`Dataset`].

use super::open::{Files, Rows};
use crate::dataset::{Blocks, Dataset, Len, Provenance, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;

macro_rules! each {
    ($files:expr, $rows:ident => $what:expr) => {
        match &$files.rows {
            Rows::Parquet($rows) => $what,
            Rows::Folder($rows) => $what,
            Rows::Listing($rows) => $what,
            Rows::Own($rows) => $what,
        }
    };
}

impl Dataset for Files {
    fn schema(&self) -> SchemaRef {
        each!(self, rows => rows.schema())
    }

    fn len(&self) -> Len {
        each!(self, rows => rows.len())
    }

    fn blocks(&self) -> Blocks {
        each!(self, rows => rows.blocks())
    }

    fn describe(&self) -> Plan {
        each!(self, rows => rows.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        each!(self, rows => rows.prepare(cx, positions))
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        each!(self, rows => rows.provenance(cx, position))
    }
}

impl Stable for Files {
    fn views(&self) -> u64 {
        each!(self, rows => rows.views())
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        each!(self, rows => rows.column(cx, name))
    }
}
