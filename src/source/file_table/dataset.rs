//! A table of files as a [`Dataset`].

use super::table::FileTable;
use crate::dataset::Provenance;
use crate::error::{Result, StoredRow};
use crate::exec::Context;
use crate::prepared::Prepared;
use crate::source::columns::index_of;
use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;
use std::num::NonZeroU64;
use std::sync::Arc;

impl FileTable {
    /// Rows whose files are read at a time where a whole column is wanted.
    const ROWS: u64 = 256;

    /// The columns that come out.
    pub(in crate::source) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Rows.
    pub(in crate::source) fn rows(&self) -> NonZeroU64 {
        self.rows
    }

    /// A row each, where files are read.
    pub(in crate::source) fn blocks(&self) -> crate::dataset::Blocks {
        Arc::clone(&self.blocks)
    }

    /// The rows at `positions`.
    pub(in crate::source) fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let rows: Arc<[u64]> = positions.iter().map(|&position| position % self.rows).collect();
        let (ahead, turn) = (Arc::clone(&rows), cx.turn());
        let (table, inner) = (self.clone(), cx.clone());
        let prefetch = move || table.prefetch(&inner, turn, &ahead);
        let (table, inner) = (self.clone(), cx.clone());
        Prepared::with_prefetch(
            prefetch,
            move |_| async move { table.take_rows(&inner, turn, &rows).await },
        )
    }

    /// Where the row at `position` is stored: in its file; in the list of files, whose row it is, where there is one.
    pub(in crate::source) fn provenance(&self, position: u64) -> Provenance {
        let row = position % self.rows;
        let files = self.files.as_deref();
        let file = files.and_then(|files| Some(&files.files[files.of_row[row as usize]? as usize]));
        let file = file.map(|file| file.path.display().to_string());
        let (source, row) = match (self.list_of(row), file) {
            (None, file) => (file.unwrap_or_else(|| self.name.to_string()), 0),
            (Some((list, row)), None) => (list, row),
            (Some((list, row)), Some(file)) => (format!("{list} ({file})"), row),
        };
        Provenance {
            places: vec![StoredRow {
                source: source.into(),
                row_group: None,
                row,
            }],
            ..Provenance::default()
        }
    }

    /// The list that has the row, and which of its rows it is.
    fn list_of(&self, mut row: u64) -> Option<(String, u64)> {
        for (list, rows) in self.lists.iter() {
            match row < *rows {
                true => return Some((list.path.display().to_string(), row)),
                false => row -= rows,
            }
        }
        None
    }

    /// One column of all rows. That of the files holds the bytes of all of them in memory.
    pub(in crate::source) async fn column(&self, cx: &Context, name: &str) -> Result<ArrayRef> {
        index_of(&self.schema, name, &self.name)?;
        if let Some(column) = self.table.column_by_name(name) {
            return Ok(Arc::clone(column));
        }
        let own = self.clone().columns(&[name])?;
        let mut parts = Vec::new();
        for start in (0..self.rows.get()).step_by(Self::ROWS as usize) {
            let rows: Vec<u64> = (start..self.rows.get().min(start + Self::ROWS)).collect();
            parts.push(Arc::clone(own.prepare(cx, &rows).rows().await?.column(0)));
        }
        Ok(concat(
            &parts.iter().map(|part| part as &dyn Array).collect::<Vec<_>>(),
        )?)
    }
}

/// What has `rows`, a [`FileTable`], and a `spec` as a source.
macro_rules! dataset_of_files {
    ($source:ident) => {
        impl $crate::dataset::Dataset for $source {
            fn schema(&self) -> ::arrow::datatypes::SchemaRef {
                self.rows.schema()
            }

            fn len(&self) -> $crate::dataset::Len {
                $crate::dataset::Len::Finite(self.rows.rows())
            }

            fn blocks(&self) -> $crate::dataset::Blocks {
                self.rows.blocks()
            }

            fn describe(&self) -> $crate::plan::Plan {
                self.rows.plan($crate::plan::Plan::of(&*self.spec))
            }

            fn prepare(&self, cx: &$crate::Context, positions: &[u64]) -> $crate::Prepared {
                self.rows.prepare(cx, positions)
            }

            fn provenance(&self, _: &$crate::Context, position: u64) -> $crate::dataset::Provenance {
                self.rows.provenance(position)
            }
        }

        impl $crate::dataset::Stable for $source {
            fn views(&self) -> u64 {
                1
            }

            fn column<'a>(
                &'a self,
                cx: &'a $crate::Context,
                name: &'a str,
            ) -> ::futures::future::BoxFuture<'a, $crate::Result<::arrow::array::ArrayRef>> {
                Box::pin(self.rows.column(cx, name))
            }
        }
    };
}

pub(in crate::source) use dataset_of_files;
