//! The table: which columns it has, where its rows' files are, and which columns are read.

use super::stored_file::StoredFile;
use crate::dataset::{Block, Blocks};
use crate::error::{Error, Result};
use crate::exec::block_cache::SourceKey;
use crate::plan::Plan;
use crate::source::columns::index_of;
use crate::source::find::Columns;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use std::num::NonZeroU64;
use std::sync::{Arc, OnceLock};

/// Rows of a table in memory, and the bytes of a file for each of them.
///
/// Clones share what is cached.
#[derive(Clone, Debug)]
pub(in crate::source) struct FileTable {
    /// The columns that are in memory, all of them.
    pub(super) table: RecordBatch,
    pub(super) files: Option<Arc<FileColumn>>,
    /// The columns that come out.
    pub(super) schema: SchemaRef,
    pub(super) rows: NonZeroU64,
    pub(super) blocks: Blocks,
    /// What was opened, for messages.
    pub(super) name: Arc<str>,
    /// What there is to say of files that are passed over.
    pub(super) notes: Arc<[String]>,
    /// The lists that the rows come from, each with how many, and a hash of what is in them; none of folders.
    pub(super) lists: Arc<[(StoredFile, u64)]>,
    pub(super) content: Option<u128>,
    /// The column of paths.
    pub(super) paths: Option<Arc<str>>,
    /// Under which the bytes of its files are cached.
    pub(super) key: Arc<SourceKey>,
    /// Worked out when first asked for: it takes time with many files.
    pub(super) identity: Arc<OnceLock<(u128, Option<String>)>>,
}

/// The column of bytes.
#[derive(Debug)]
pub(in crate::source) struct FileColumn {
    /// The column.
    pub(in crate::source) field: FieldRef,
    /// Where it stands among the others.
    pub(in crate::source) at: usize,
    /// The files.
    pub(in crate::source) files: Vec<StoredFile>,
    /// Which of the files is a row's; none for a null.
    pub(in crate::source) of_row: Vec<Option<u32>>,
}

impl FileTable {
    /// The rows of `table`, with a column of files.
    ///
    /// # Errors
    ///
    /// `Data` where there is no row.
    pub(in crate::source) fn new(
        table: RecordBatch,
        files: Option<FileColumn>,
        name: Arc<str>,
        notes: Vec<String>,
    ) -> Result<Self> {
        let mut fields: Vec<FieldRef> = table.schema().fields().iter().cloned().collect();
        if let Some(files) = &files {
            fields.insert(files.at, Arc::clone(&files.field));
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, table.schema().metadata().clone()));
        let rows = NonZeroU64::new(table.num_rows() as u64);
        let rows = rows.ok_or_else(|| Error::data("there are no rows").context(name.as_ref()))?;
        let files = files.map(Arc::new);
        Ok(Self {
            blocks: blocks(files.as_deref(), rows.get()),
            key: Arc::new(SourceKey::new()),
            identity: Arc::default(),
            lists: Arc::default(),
            content: None,
            paths: None,
            notes: notes.into(),
            table,
            files,
            schema,
            rows,
            name,
        })
    }

    /// With the lists that the rows come from, each with how many are its own; `content` is a hash of what is in them.
    pub(in crate::source) fn with_lists(self, lists: Vec<(StoredFile, u64)>, content: u128) -> Self {
        Self {
            lists: lists.into(),
            content: Some(content),
            ..self
        }
    }

    /// With `column` as that of paths, which are no labels.
    pub(in crate::source) fn with_paths(self, column: Option<String>) -> Self {
        let paths = column.map(Arc::from);
        Self { paths, ..self }
    }

    /// Only the columns `names`, in that order.
    ///
    /// # Errors
    ///
    /// `Schema` where one is missing; `Config` where there is none or one twice.
    pub(in crate::source) fn columns(self, names: &[&str]) -> Result<Self> {
        if names.is_empty() {
            return Err(Error::config(format!("{}: no column was asked for", self.name)));
        }
        let mut fields = Vec::<FieldRef>::new();
        for name in names {
            if fields.iter().any(|field| field.name() == name) {
                return Err(Error::config(format!("column {name:?} is asked for twice")));
            }
            fields.push(Arc::clone(
                &self.schema.fields()[index_of(&self.schema, name, &self.name)?],
            ));
        }
        let schema = Schema::new_with_metadata(fields, self.schema.metadata().clone());
        let read = self
            .files
            .as_deref()
            .filter(|files| names.contains(&files.field.name().as_str()));
        Ok(Self {
            blocks: blocks(read, self.rows.get()),
            schema: Arc::new(schema),
            ..self
        })
    }

    /// As [`columns`](Self::columns); all of them where none are named.
    ///
    /// # Errors
    ///
    /// As for [`columns`](Self::columns).
    pub(in crate::source) fn columns_or_all(self, names: Option<&[String]>) -> Result<Self> {
        match names {
            Some(names) => self.columns(&names.iter().map(String::as_str).collect::<Vec<_>>()),
            None => Ok(self),
        }
    }

    /// With a null in place of each file that was not there, and the rows that name such a one.
    pub(in crate::source) fn missing_as_null(self) -> (Self, Vec<u64>) {
        let Some(column) = self.files.as_deref() else {
            return (self, Vec::new());
        };
        let is_missing = |file: &Option<u32>| file.is_some_and(|file| column.files[file as usize].state.is_none());
        let missing = (0..).zip(&column.of_row).filter(|(_, file)| is_missing(file));
        let missing: Vec<u64> = missing.map(|(row, _)| row).collect();
        if missing.is_empty() {
            return (self, missing);
        }
        let field = Arc::new(column.field.as_ref().clone().with_nullable(true));
        let of_row = column.of_row.iter().map(|file| file.filter(|_| !is_missing(file)));
        let files = FileColumn {
            field: Arc::clone(&field),
            at: column.at,
            files: column.files.clone(),
            of_row: of_row.collect(),
        };
        let fields = self.schema.fields().iter();
        let fields = fields.map(|own| if own.name() == field.name() { &field } else { own });
        let schema = Schema::new_with_metadata(fields.cloned().collect::<Vec<_>>(), self.schema.metadata().clone());
        let (files, schema) = (Some(Arc::new(files)), Arc::new(schema));
        (Self { files, schema, ..self }, missing)
    }

    /// The column of files, if it is read.
    pub(super) fn read_files(&self) -> Option<&Arc<FileColumn>> {
        let files = self.files.as_ref()?;
        self.schema.index_of(files.field.name()).is_ok().then_some(files)
    }

    /// The files that rows are read from, in their order, lists of them first.
    pub(in crate::source) fn stored_files(&self) -> impl Iterator<Item = &StoredFile> {
        let files = self.files.iter().flat_map(|files| &files.files);
        self.lists.iter().map(|(list, _)| list).chain(files)
    }

    /// The lists that the rows come from.
    pub(in crate::source) fn lists(&self) -> impl Iterator<Item = &StoredFile> {
        self.lists.iter().map(|(list, _)| list)
    }

    /// The column of paths.
    pub(in crate::source) fn paths(&self) -> Option<&str> {
        self.paths.as_deref()
    }

    /// What there is to say of files that are passed over.
    pub(in crate::source) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Nulls in `column`; none where there is no such column.
    pub(in crate::source) fn nulls(&self, column: &str) -> Option<u64> {
        match &self.files {
            Some(files) if files.field.name() == column => {
                Some(files.of_row.iter().filter(|file| file.is_none()).count() as u64)
            }
            _ => Some(self.table.column_by_name(column)?.null_count() as u64),
        }
    }

    /// `plan`, which has the parameters, with what was found.
    pub(in crate::source) fn plan(&self, plan: Plan) -> Plan {
        self.describe(plan)
    }
}

impl Columns for FileTable {
    fn all(&self) -> &Schema {
        &self.schema
    }

    fn is_media(&self, column: &str) -> bool {
        let is_bytes = self.files.as_ref().is_some_and(|files| files.field.name() == column);
        is_bytes || self.paths.as_deref() == Some(column)
    }

    fn field(&self, name: &str) -> Result<Field> {
        Ok(self.schema.field(index_of(&self.schema, name, &self.name)?).clone())
    }

    fn shown(&self) -> &str {
        &self.name
    }
}

/// A row each, with the bytes of its file; a single one where no files are read.
fn blocks(files: Option<&FileColumn>, rows: u64) -> Blocks {
    let Some(files) = files else {
        return Arc::new([Block {
            rows: 0..rows,
            bytes: 0,
        }]);
    };
    let block = |(row, file): (u64, &Option<u32>)| Block {
        rows: row..row + 1,
        bytes: file.map_or(0, |file| files.files[file as usize].size()),
    };
    (0..).zip(&files.of_row).map(block).collect()
}
