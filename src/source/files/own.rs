//! Rows of a source that is no file, or of a program's own.

use crate::columns::index_of;
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::source::find::Columns;
use crate::source::memory::MemorySpec;
use crate::spec::Spec;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

/// Some columns of a source.
#[derive(Clone, Debug)]
pub(super) struct OwnRows {
    rows: Arc<dyn Stable>,
    /// The columns that come out, where these are not all.
    picked: Option<Arc<[usize]>>,
    schema: SchemaRef,
    name: Arc<str>,
}

impl OwnRows {
    pub(super) fn new(rows: Arc<dyn Stable>, name: &str) -> Self {
        Self {
            schema: rows.schema(),
            picked: None,
            name: name.into(),
            rows,
        }
    }

    /// Only the columns `names`, in that order.
    pub(super) fn columns(self, names: &[&str]) -> Result<Self> {
        if names.is_empty() {
            return Err(Error::config(format!("{}: no column was asked for", self.name)));
        }
        let below = self.rows.schema();
        let mut picked = Vec::new();
        for name in names {
            index_of(&self.schema, name).map_err(|error| error.context(&*self.name))?;
            let at = index_of(&below, name)?;
            if picked.contains(&at) {
                return Err(Error::config(format!("column {name:?} is asked for twice")));
            }
            picked.push(at);
        }
        Ok(Self {
            schema: Arc::new(below.project(&picked)?),
            picked: Some(picked.into()),
            ..self
        })
    }
}

impl Dataset for OwnRows {
    forward!(rows: len, blocks);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn describe(&self) -> Plan {
        let below = self.rows.describe();
        match self.picked {
            None => below,
            Some(_) => {
                let names = self.schema.fields().iter().map(|field| field.name().as_str());
                Plan::new("columns")
                    .param("columns", names.collect::<Vec<_>>().join(", "))
                    .input(below)
            }
        }
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let below = self.rows.prepare(cx, positions);
        match self.picked.clone() {
            None => below,
            Some(picked) => below.and_then(move |rows| async move { Ok(rows.project(&picked)?) }),
        }
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let mut found = self.rows.provenance(cx, position);
        // Rows in memory have no name of their own: the one that they were opened under tells which they are.
        let places = found.places.iter_mut();
        for place in places.filter(|place| &*place.source == MemorySpec::NAME) {
            place.source = Arc::clone(&self.name);
        }
        found
    }
}

impl Stable for OwnRows {
    forward!(rows: views, column);
}

impl Columns for OwnRows {
    fn all(&self) -> &Schema {
        &self.schema
    }

    fn is_media(&self, column: &str) -> bool {
        let field = self.schema.field_with_name(column);
        field.is_ok_and(|field| {
            matches!(
                field.data_type(),
                DataType::Binary | DataType::LargeBinary | DataType::BinaryView
            )
        })
    }

    fn field(&self, name: &str) -> Result<Field> {
        let at = index_of(&self.schema, name).map_err(|error| error.context(&*self.name))?;
        Ok(self.schema.field(at).clone())
    }

    fn shown(&self) -> &str {
        &self.name
    }
}
