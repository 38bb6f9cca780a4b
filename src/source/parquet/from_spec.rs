//! A Parquet dataset from its parameters, and back.

use super::open::Parquet;
use super::spec::{ParquetSpec, TensorSpec};
use crate::error::Result;
use crate::exec::Context;
use crate::source::split::Wanted;
use crate::spec::Spec;

impl Parquet {
    /// What `spec` says.
    ///
    /// # Errors
    ///
    /// As [`open_split`](Self::open_split), [`columns`](Self::columns) and [`tensor`](Self::tensor).
    pub async fn open_spec(cx: &Context, spec: &ParquetSpec) -> Result<Self> {
        spec.check()?;
        let wanted = spec.split.clone().map_or(Wanted::One, Wanted::Split);
        let mut rows = Self::open_wanted(cx, &spec.path, wanted).await?;
        if let Some(columns) = &spec.columns {
            rows = rows.columns(&spec.stored_columns(columns))?;
        }
        for TensorSpec { name, columns } in &spec.tensors {
            rows = rows.tensor(name, &columns.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        match &spec.columns {
            Some(columns) => rows.columns(&columns.iter().map(String::as_str).collect::<Vec<_>>()),
            None => Ok(rows),
        }
    }

    /// Its parameters.
    pub fn spec(&self) -> &ParquetSpec {
        &self.spec
    }
}
