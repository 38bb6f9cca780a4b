//! Which columns are read, of every file.

use super::tensor_column::TensorColumn;
use super::unified::{self, UnifiedSchema};
use crate::error::{Error, Result};
use crate::source::columns::index_of;
use crate::source::fields::{descend, is_media};
use crate::source::parquet::format::footer::Footer;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use std::collections::HashMap;
use std::sync::Arc;

/// The columns that are read of every file.
#[derive(Clone, Debug)]
pub(in crate::source::parquet) struct Projection {
    /// The columns as they come out.
    pub(in crate::source::parquet) schema: SchemaRef,
    /// The columns that come out as tensors of several that are stored.
    pub(in crate::source::parquet) tensors: Vec<TensorColumn>,
    /// What all columns of all files are.
    pub(in crate::source::parquet) all: Arc<UnifiedSchema>,
    /// Where the columns are that are read from inside of structs.
    paths: HashMap<String, Vec<String>>,
    /// What is read: paths by the column that they begin with.
    read: HashMap<String, Vec<Vec<String>>>,
}

impl Projection {
    /// All columns of `files`.
    ///
    /// # Errors
    ///
    /// `Schema` where a file has two columns of one name. Files whose columns differ so that they cannot be read as one are
    /// refused when such a column is [wanted](Self::check_columns).
    pub(in crate::source::parquet) fn new(files: &[Arc<Footer>]) -> Result<Self> {
        let all = Arc::new(UnifiedSchema::of(files)?);
        let projection = Self {
            schema: Arc::clone(&all.schema),
            tensors: Vec::new(),
            all,
            paths: HashMap::new(),
            read: HashMap::new(),
        };
        Ok(projection.with_read_paths())
    }

    /// The same `files` with fewer columns, in the order of `names`, which may lead into structs.
    pub(in crate::source::parquet) fn project(
        &self,
        files: &[Arc<Footer>],
        names: &[&str],
        source: &str,
    ) -> Result<Self> {
        let (mut fields, mut paths) = (Vec::<FieldRef>::new(), self.paths.clone());
        for name in names {
            if fields.iter().any(|field| field.name() == name) {
                return Err(Error::config(format!("column {name:?} is asked for twice")));
            }
            let missing = match index_of(&self.schema, name, source) {
                Ok(at) => {
                    fields.push(Arc::clone(&self.schema.fields()[at]));
                    continue;
                }
                Err(missing) => missing,
            };
            let nested = unified::nested(files, &self.all.kinds, name)?;
            let nested = nested.filter(|(path, _)| self.schema.index_of(&path[0]).is_ok());
            let (path, field) = nested.ok_or(missing)?;
            fields.push(Arc::new(field));
            paths.insert((*name).to_owned(), path);
        }
        let tensors = self.tensors.iter().filter(|tensor| names.contains(&&*tensor.name));
        let projection = Self {
            schema: Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone())),
            tensors: tensors.cloned().collect(),
            paths,
            ..self.clone()
        };
        projection.check_columns()?;
        Ok(projection.with_read_paths())
    }

    /// The same files with `columns` put together as the tensor `name`.
    pub(in crate::source::parquet) fn with_tensor(&self, name: &str, columns: &[&str], source: &str) -> Result<Self> {
        let tensor = TensorColumn::new(&self.schema, name, columns, source)?;
        for column in columns {
            self.all
                .conflicts
                .get(*column)
                .map_or(Ok(()), |error| Err(error.clone()))?;
        }
        let schema = Arc::new(tensor.schema(&self.schema)?);
        let tensors = self.tensors.iter().cloned().chain([tensor]).collect();
        let projection = Self {
            schema,
            tensors,
            ..self.clone()
        };
        Ok(projection.with_read_paths())
    }

    /// With what is to be read for the columns.
    fn with_read_paths(mut self) -> Self {
        let mut read = HashMap::<String, Vec<Vec<String>>>::new();
        for name in self.stored_columns() {
            let path = self.path(name);
            read.entry(path[0].clone()).or_default().push(path.to_vec());
        }
        self.read = read;
        self
    }

    /// Refuses columns that have no type which holds the values of all files.
    pub(in crate::source::parquet) fn check_columns(&self) -> Result<()> {
        let refused = self.schema.fields().iter().find_map(|field| {
            let own = self.tensor(field.name()).is_none() && !self.paths.contains_key(field.name());
            self.all.conflicts.get(field.name()).filter(|_| own)
        });
        match refused {
            None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    /// Whether the column comes from structs with bytes.
    pub(in crate::source::parquet) fn is_media(&self, name: &str) -> bool {
        self.all.media.contains(name)
    }

    /// The columns that are not read, because folders say what is in them.
    pub(in crate::source::parquet) fn keys(&self) -> &[String] {
        &self.all.keys
    }

    /// Whether folders say what is in the column.
    pub(in crate::source::parquet) fn is_key(&self, name: &str) -> bool {
        !self.all.keys.is_empty() && self.all.keys.iter().any(|key| key == name)
    }

    /// The names that lead to the stored column `name`.
    pub(super) fn path<'a>(&'a self, name: &'a String) -> &'a [String] {
        self.paths.get(name).map_or(std::slice::from_ref(name), Vec::as_slice)
    }

    pub(in crate::source::parquet) fn tensor(&self, name: &str) -> Option<&TensorColumn> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The names of the stored columns that are read, as they come out.
    pub(in crate::source::parquet) fn stored_columns(&self) -> impl Iterator<Item = &String> {
        let fields = self.schema.fields().iter();
        let names = fields.flat_map(|field| match self.tensor(field.name()) {
            Some(tensor) => tensor.columns.as_slice(),
            None => std::slice::from_ref(field.name()),
        });
        names.filter(|name| !self.is_key(name))
    }

    /// Each stored column that is read, for itself: its name, and a projection that reads no other.
    pub(in crate::source::parquet) fn single_columns(&self) -> Result<Vec<(String, Self)>> {
        let single = |name: &String| {
            let (field, tensor) = match self.schema.field_with_name(name) {
                Ok(field) if self.tensor(name).is_none() => (field.clone(), None),
                _ => {
                    let (name, columns) = (name.clone(), vec![name.clone()]);
                    let tensor = TensorColumn { name, columns };
                    (tensor.field(true)?, Some(tensor))
                }
            };
            let projection = Self {
                schema: Arc::new(Schema::new(vec![field])),
                tensors: tensor.into_iter().collect(),
                ..self.clone()
            };
            Ok((name.clone(), projection.with_read_paths()))
        };
        self.stored_columns().map(single).collect()
    }

    /// The part of these columns that `have` does not have yet; none where it has all.
    pub(in crate::source::parquet) fn without(&self, have: &[Option<ArrayRef>]) -> Option<Self> {
        let missing: Vec<usize> = (0..have.len()).filter(|&i| have[i].is_none()).collect();
        let schema = self.schema.project(&missing).ok().filter(|_| !missing.is_empty())?;
        let rest = Self {
            schema: Arc::new(schema),
            ..self.clone()
        };
        Some(rest.with_read_paths())
    }

    /// Refuses rows that a tensor has no numbers for, saying which of them.
    pub(in crate::source::parquet) fn check(&self, rows: &RecordBatch) -> Result<()> {
        let column = |tensor: &TensorColumn| {
            rows.column_by_name(&tensor.name)
                .map_or(Ok(()), |column| tensor.check(column))
        };
        self.tensors.iter().try_for_each(column)
    }

    /// The leaves of `file` that are read: of a struct with bytes these alone.
    pub(in crate::source::parquet) fn leaves(&self, file: &Footer) -> Vec<usize> {
        let stored = file.reader.parquet_schema();
        let wanted = |leaf: &usize| {
            let Some(paths) = self.read.get(stored.get_column_root(*leaf).name()) else {
                return false;
            };
            let column = stored.column(*leaf);
            let parts = column.path().parts();
            let root = file.reader.schema().field(stored.get_column_root_idx(*leaf));
            paths.iter().any(|path| is_read(root, parts, path))
        };
        (0..stored.num_columns()).filter(wanted).collect()
    }

    pub(in crate::source::parquet) fn mask(&self, file: &Footer) -> ProjectionMask {
        ProjectionMask::leaves(file.reader.parquet_schema(), self.leaves(file))
    }

    /// The column `name` as `file` stores it, if it is read there.
    pub(super) fn stored_field<'a>(&self, file: &'a Footer, name: &String) -> Option<&'a Field> {
        let path = self.path(name);
        let root = file.root(&path[0]).filter(|_| !self.is_key(name))?;
        descend(root, path).map(|(field, _)| field)
    }
}

/// Whether the leaf at `parts` inside of the column `root` is read where `path` is.
fn is_read(root: &Field, parts: &[String], path: &[String]) -> bool {
    if parts.len() == 1 {
        return path.len() == 1;
    }
    let field = descend(root, path).map(|(field, _)| field);
    match field.filter(|_| parts.starts_with(path)) {
        None => false,
        Some(field) if is_media(field.data_type()) => parts[path.len()..] == ["bytes"],
        Some(_) => true,
    }
}
