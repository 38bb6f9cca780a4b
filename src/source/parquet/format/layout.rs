//! Columns: which are read, and how they come out.

use super::footer::Footer;
use super::packed::Packed;
use crate::error::{Error, Result};
use crate::source::memory::index_of;
use crate::source::parquet::schema::fields::{descend, inside, is_media};
use crate::source::parquet::schema::unify::adapt;
use crate::source::parquet::schema::union;
use crate::source::parquet::schema::union::Union;
use arrow::array::{Array, ArrayRef, Int64Array, NullArray, RecordBatch, RecordBatchOptions, StringViewBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::basic::Type as Physical;
use parquet::file::metadata::ColumnChunkMetaData;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A row group that is larger than this in memory is read in parts. Fixed, so that no machine reads other blocks.
pub(in crate::source::parquet) const BLOCK_BYTES: u64 = 64 << 20;

/// Rows of one decoded batch at most, and bytes of its fixed-width columns: what a damaged count can make us reserve.
const BATCH_ROWS: u64 = 64 << 10;

/// Bytes of a decoded batch, where that is no fewer than [`FEW_ROWS`]: what was decoded is still in the processor's cache when
/// it is turned into rows.
const BATCH_BYTES: u64 = 384 << 10;

/// Rows of one decoded batch at least, where there are so many.
const FEW_ROWS: u64 = 256;

/// Parts of one row group at most: 4 TiB of them. More is a damaged count.
const MOST_PARTS: u64 = 64 << 10;

/// Bytes of a string or binary value beside its own.
const VIEW: usize = 16;

/// Key in a label field's metadata: its class names as a JSON array.
pub(in crate::source::parquet) const CLASSES: &str = "millstream.classes";

/// The columns that are read of every file.
#[derive(Clone, Debug)]
pub(in crate::source::parquet) struct Layout {
    /// The columns as they come out.
    pub(in crate::source::parquet) schema: SchemaRef,
    /// The columns that come out as tensors of several that are stored.
    pub(in crate::source::parquet) packed: Vec<Packed>,
    /// What all columns of all files are.
    all: Arc<Union>,
    /// Where the columns are that are read from inside of structs.
    paths: HashMap<String, Vec<String>>,
    /// What is read: paths by the column that they begin with.
    read: HashMap<String, Vec<Vec<String>>>,
}

/// Rows of one row group that are read together.
#[derive(Clone, Debug)]
pub(in crate::source::parquet) struct Unit {
    /// Index of the file.
    pub(in crate::source::parquet) file: usize,
    /// Index of the row group in the file.
    pub(in crate::source::parquet) group: usize,
    /// Rows inside the row group.
    pub(in crate::source::parquet) rows: Range<u64>,
    /// Estimated bytes in memory.
    pub(in crate::source::parquet) bytes: u64,
    /// Bytes that are read for it.
    pub(in crate::source::parquet) stored: u64,
}

impl Unit {
    /// Bytes that reading it takes: the stored ones and the decoded ones.
    pub(in crate::source::parquet) fn cost(&self) -> u64 {
        self.bytes.saturating_add(self.stored)
    }
}

impl Layout {
    /// All columns of `files`.
    ///
    /// # Errors
    ///
    /// `Schema` where a file has two columns of one name. Files whose columns differ so that they cannot be read as one are
    /// refused when such a column is [wanted](Self::check_columns).
    pub(in crate::source::parquet) fn new(files: &[Arc<Footer>]) -> Result<Self> {
        let all = Arc::new(Union::of(files)?);
        let layout = Self {
            schema: Arc::clone(&all.schema),
            packed: Vec::new(),
            all,
            paths: HashMap::new(),
            read: HashMap::new(),
        };
        Ok(layout.reading())
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
            let nested = union::nested(files, &self.all.kinds, name)?;
            let nested = nested.filter(|(path, _)| self.schema.index_of(&path[0]).is_ok());
            let (path, field) = nested.ok_or(missing)?;
            fields.push(Arc::new(field));
            paths.insert((*name).to_owned(), path);
        }
        let packed = self.packed.iter().filter(|packed| names.contains(&&*packed.name));
        let layout = Self {
            schema: Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone())),
            packed: packed.cloned().collect(),
            paths,
            ..self.clone()
        };
        layout.check_columns()?;
        Ok(layout.reading())
    }

    /// The same files with `columns` put together as the tensor `name`.
    pub(in crate::source::parquet) fn pack(&self, name: &str, columns: &[&str], source: &str) -> Result<Self> {
        let packed = Packed::new(&self.schema, name, columns, source)?;
        for column in columns {
            self.all
                .conflicts
                .get(*column)
                .map_or(Ok(()), |error| Err(error.clone()))?;
        }
        let schema = Arc::new(packed.schema(&self.schema)?);
        let packed = self.packed.iter().cloned().chain([packed]).collect();
        let layout = Self {
            schema,
            packed,
            ..self.clone()
        };
        Ok(layout.reading())
    }

    /// With what is to be read for the columns.
    fn reading(mut self) -> Self {
        let mut read = HashMap::<String, Vec<Vec<String>>>::new();
        for name in self.stored() {
            let path = self.path(name);
            read.entry(path[0].clone()).or_default().push(path.to_vec());
        }
        self.read = read;
        self
    }

    /// Refuses columns that have no type which holds the values of all files.
    pub(in crate::source::parquet) fn check_columns(&self) -> Result<()> {
        let refused = self.schema.fields().iter().find_map(|field| {
            let own = self.packed(field.name()).is_none() && !self.paths.contains_key(field.name());
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
    fn path<'a>(&'a self, name: &'a String) -> &'a [String] {
        self.paths.get(name).map_or(std::slice::from_ref(name), Vec::as_slice)
    }

    pub(in crate::source::parquet) fn packed(&self, name: &str) -> Option<&Packed> {
        self.packed.iter().find(|packed| packed.name == name)
    }

    /// The names of the stored columns that are read, as they come out.
    pub(in crate::source::parquet) fn stored(&self) -> impl Iterator<Item = &String> {
        let fields = self.schema.fields().iter();
        let names = fields.flat_map(|field| match self.packed(field.name()) {
            Some(packed) => packed.columns.as_slice(),
            None => std::slice::from_ref(field.name()),
        });
        names.filter(|name| !self.is_key(name))
    }

    /// Each stored column that is read, for itself: its name, and a layout that reads no other.
    pub(in crate::source::parquet) fn singles(&self) -> Result<Vec<(String, Self)>> {
        let single = |name: &String| {
            let (field, packed) = match self.schema.field_with_name(name) {
                Ok(field) if self.packed(name).is_none() => (field.clone(), None),
                _ => {
                    let (name, columns) = (name.clone(), vec![name.clone()]);
                    let packed = Packed { name, columns };
                    (packed.field(true)?, Some(packed))
                }
            };
            let layout = Self {
                schema: Arc::new(Schema::new(vec![field])),
                packed: packed.into_iter().collect(),
                ..self.clone()
            };
            Ok((name.clone(), layout.reading()))
        };
        self.stored().map(single).collect()
    }

    /// Refuses rows that a tensor has no numbers for, saying which of them.
    pub(in crate::source::parquet) fn check(&self, rows: &RecordBatch) -> Result<()> {
        let column = |packed: &Packed| {
            rows.column_by_name(&packed.name)
                .map_or(Ok(()), |tensor| packed.check(tensor))
        };
        self.packed.iter().try_for_each(column)
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

    /// The row groups of `files`, the large ones cut into parts of equal size; empty ones are left out.
    pub(in crate::source::parquet) fn units(&self, files: &[Arc<Footer>]) -> Vec<Unit> {
        let mut units = Vec::new();
        for (file, footer) in files.iter().enumerate() {
            let (leaves, more) = (self.leaves(footer), self.more(footer));
            for group in 0..footer.info.row_groups.len() {
                let rows = footer.info.row_groups[group].rows;
                let columns = footer.group(group).columns();
                let more = more.saturating_mul(rows);
                let bytes: u64 = leaves
                    .iter()
                    .fold(more, |sum: u64, &leaf| sum.saturating_add(in_memory(&columns[leaf])));
                let whole: u64 = leaves
                    .iter()
                    .fold(0, |sum: u64, &leaf| sum.saturating_add(columns[leaf].byte_range().1));
                cut(rows, bytes, |part, bytes| {
                    // Where nobody knows where the pages of a part are, all are read.
                    let stored = match footer.reader.metadata().offset_index() {
                        Some(_) => share(whole, part.end - part.start, rows),
                        None => whole,
                    };
                    units.push(Unit {
                        file,
                        group,
                        rows: part,
                        bytes,
                        stored,
                    });
                });
            }
        }
        units
    }

    /// Bytes of a row that `file` does not have: of columns that come out wider than they are stored, or are not stored.
    fn more(&self, file: &Footer) -> u64 {
        if self.all.kinds.len() == 1 && self.all.keys.is_empty() {
            return 0;
        }
        let width = |data_type: &DataType| data_type.primitive_width().unwrap_or(VIEW) as u64;
        let fields = self.schema.fields().iter();
        let own = fields.map(|field| match self.found(file, field.name()) {
            _ if self.packed(field.name()).is_some() => 0,
            None => width(field.data_type()),
            Some(stored) if stored.data_type() == field.data_type() => 0,
            Some(stored) => width(field.data_type()).saturating_sub(width(stored.data_type())),
        });
        own.sum()
    }

    /// The column `name` as `file` stores it, if it is read there.
    fn found<'a>(&self, file: &'a Footer, name: &String) -> Option<&'a Field> {
        let path = self.path(name);
        let root = file.root(&path[0]).filter(|_| !self.is_key(name))?;
        descend(root, path).map(|(field, _)| field)
    }

    /// Rows that are decoded into one batch.
    pub(in crate::source::parquet) fn batch_rows(&self, file: &Footer, unit: &Unit) -> usize {
        let (stored, rows) = (file.reader.parquet_schema(), unit.rows.end - unit.rows.start);
        let width = |leaf: usize| stored.column(leaf).type_length().max(16) as u64;
        let width: u64 = self.leaves(file).into_iter().map(width).sum();
        let row = (unit.bytes / rows.max(1)).max(1);
        let most = rows.min(BATCH_ROWS).min(BLOCK_BYTES / width.max(1));
        most.min((BATCH_BYTES / row).max(FEW_ROWS)).max(1) as usize
    }

    /// The part of these columns that `have` does not have yet; none where it has all.
    pub(in crate::source::parquet) fn without(&self, have: &[Option<ArrayRef>]) -> Option<Self> {
        let missing: Vec<usize> = (0..have.len()).filter(|&i| have[i].is_none()).collect();
        let schema = self.schema.project(&missing).ok().filter(|_| !missing.is_empty())?;
        let rest = Self {
            schema: Arc::new(schema),
            ..self.clone()
        };
        Some(rest.reading())
    }

    /// A batch of the columns that are there, and of those that are not from `rest`, in turn.
    pub(in crate::source::parquet) fn merge(
        &self,
        have: &[Option<ArrayRef>],
        first: usize,
        rest: &RecordBatch,
    ) -> Result<RecordBatch> {
        let mut rest_columns = rest.columns().iter();
        let column = |have: &Option<ArrayRef>| match have {
            Some(column) => Some(column.slice(first, rest.num_rows())),
            None => rest_columns.next().cloned(),
        };
        let columns = have.iter().filter_map(column).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// A decoded batch of `file` as it comes out: structs with bytes flattened, tensors put together, types as they are for
    /// all files, what is not stored added, columns in order.
    pub(in crate::source::parquet) fn shape(&self, file: &Footer, batch: &RecordBatch) -> Result<RecordBatch> {
        let column = |field: &FieldRef| -> Result<ArrayRef> {
            let Some(packed) = self.packed(field.name()) else {
                return adapt(&self.value(file, batch, field.name())?, field.data_type());
            };
            let columns = packed.columns.iter();
            let columns: Vec<_> = columns
                .map(|name| self.value(file, batch, name))
                .collect::<Result<_>>()?;
            packed.join(&columns, batch.num_rows(), field)
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }

    /// `rows` rows of `file` where nothing is to be read for them.
    pub(in crate::source::parquet) fn unread(&self, file: &Footer, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let none = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
        self.shape(file, &none)
    }

    /// The column `name` in the decoded `batch` of `file`, as it is stored; what its folders say; nulls where it is neither.
    fn value(&self, file: &Footer, batch: &RecordBatch, name: &String) -> Result<ArrayRef> {
        if self.is_key(name) {
            return self.said(file, name, batch.num_rows());
        }
        let path = self.path(name);
        let Some(root) = batch.column_by_name(&path[0]) else {
            return match self.found(file, name) {
                None => Ok(Arc::new(NullArray::new(batch.num_rows()))),
                Some(_) => Err(Error::data(format!("column {name:?} was not decoded"))),
            };
        };
        if path.len() == 1 && !root.data_type().is_nested() {
            return Ok(Arc::clone(root));
        }
        match self.found(file, name) {
            None => Ok(Arc::new(NullArray::new(batch.num_rows()))),
            Some(field) if is_media(field.data_type()) => {
                let bytes = [path, &["bytes".to_owned()]].concat();
                inside(root, &bytes)
            }
            Some(_) => inside(root, path),
        }
    }

    /// What the folders of `file` say of the column `name`, for `rows` rows.
    fn said(&self, file: &Footer, name: &str, rows: usize) -> Result<ArrayRef> {
        let mut keys = file.location.keys.iter();
        let value = keys
            .find(|(key, _)| **key == *name)
            .and_then(|(_, value)| value.as_deref());
        let Some(value) = value else {
            return Ok(Arc::new(NullArray::new(rows)));
        };
        let field = self.all.schema.field_with_name(name)?;
        if *field.data_type() == DataType::Int64 {
            let number = union::number(value).ok_or_else(|| Error::data(format!("{value:?} is no whole number")))?;
            return Ok(Arc::new(Int64Array::from_value(number, rows)));
        }
        let mut values = StringViewBuilder::with_capacity(rows).with_deduplicate_strings();
        (0..rows).for_each(|_| values.append_value(value));
        Ok(Arc::new(values.finish()))
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

/// Cuts `rows` into parts of at most [`BLOCK_BYTES`] (and at least one row).
fn cut(rows: u64, bytes: u64, mut part: impl FnMut(Range<u64>, u64)) {
    if rows == 0 {
        return;
    }
    let parts = bytes.div_ceil(BLOCK_BYTES).clamp(1, rows.min(MOST_PARTS));
    let step = rows.div_ceil(parts);
    let mut start = 0;
    while start < rows {
        let end = rows.min(start.saturating_add(step));
        part(start..end, share(bytes, end - start, rows));
        start = end;
    }
}

/// What `part` of `rows` rows have of `bytes`.
fn share(bytes: u64, part: u64, rows: u64) -> u64 {
    (u128::from(bytes) * u128::from(part) / u128::from(rows)) as u64
}

/// Bytes of a column chunk once it is decoded: exact for numbers, an estimate for strings and binary values.
fn in_memory(chunk: &ColumnChunkMetaData) -> u64 {
    let values = chunk.num_values().max(0) as u64;
    match chunk.column_type() {
        Physical::BOOLEAN => values / 8,
        Physical::INT32 | Physical::FLOAT => values.saturating_mul(4),
        Physical::INT64 | Physical::DOUBLE | Physical::INT96 => values.saturating_mul(8),
        Physical::FIXED_LEN_BYTE_ARRAY => values.saturating_mul(chunk.column_descr().type_length().max(0) as u64),
        Physical::BYTE_ARRAY => values
            .saturating_mul(16)
            .saturating_add(chunk.uncompressed_size().max(0) as u64),
    }
}
