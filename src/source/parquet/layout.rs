//! Columns: which are read, and how they come out.

use super::footer::Footer;
use super::packed::Packed;
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::basic::Type as Physical;
use parquet::file::metadata::ColumnChunkMetaData;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// A row group that is larger than this in memory is read in parts. Fixed, so that no machine reads other blocks.
pub(super) const BLOCK_BYTES: u64 = 64 << 20;

/// Rows of one decoded batch at most, and bytes of its fixed-width columns: what a damaged count can make us reserve.
const BATCH_ROWS: u64 = 64 << 10;

/// Bytes of a decoded batch, where that is no fewer than [`FEW_ROWS`]: what was decoded is still in the processor's cache when
/// it is turned into rows.
const BATCH_BYTES: u64 = 384 << 10;

/// Rows of one decoded batch at least, where there are so many.
const FEW_ROWS: u64 = 256;

/// Parts of one row group at most: 4 TiB of them. More is a damaged count.
const MOST_PARTS: u64 = 64 << 10;

/// Key in a label field's metadata: its class names as a JSON array.
pub(super) const CLASSES: &str = "millstream.classes";

/// The columns that are read of every file.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The columns as they come out.
    pub(super) schema: SchemaRef,
    /// Names of the columns that are stored as `struct<bytes, path>` and come out as their bytes.
    pub(super) media: Vec<String>,
    /// The columns that come out as tensors of several that are stored.
    pub(super) packed: Vec<Packed>,
}

/// Rows of one row group that are read together.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Index of the file.
    pub(super) file: usize,
    /// Index of the row group in the file.
    pub(super) group: usize,
    /// Rows inside the row group.
    pub(super) rows: Range<u64>,
    /// Estimated bytes in memory.
    pub(super) bytes: u64,
    /// Bytes that are read for it.
    pub(super) stored: u64,
}

impl Unit {
    /// Bytes that reading it takes: the stored ones and the decoded ones.
    pub(super) fn cost(&self) -> u64 {
        self.bytes.saturating_add(self.stored)
    }
}

impl Layout {
    /// All columns of `files`, which must agree.
    pub(super) fn new(files: &[Arc<Footer>]) -> Result<Self> {
        let first = Self::of(&files[0])?;
        for file in &files[1..] {
            let other = Self::of(file)?;
            first.agree(&other, &files[0].location.shown, &file.location.shown)?;
        }
        let is_nullable = |at: usize, field: &Field| {
            let own = |file: &Arc<Footer>| find(file.reader.schema(), at, field.name()).is_some_and(Field::is_nullable);
            field.is_nullable() || files.iter().any(own)
        };
        let fields = first.schema.fields().iter().enumerate();
        let fields: Fields = fields
            .map(|(at, field)| Arc::new(field.as_ref().clone().with_nullable(is_nullable(at, field))))
            .collect();
        let schema = Schema::new_with_metadata(fields, first.schema.metadata().clone());
        Ok(Self {
            schema: Arc::new(schema),
            ..first
        })
    }

    fn of(file: &Footer) -> Result<Self> {
        let (stored, features) = (file.reader.schema(), features(&file.schema));
        let (mut fields, mut names) = (Vec::<FieldRef>::new(), HashSet::new());
        for field in stored.fields() {
            if !names.insert(field.name()) {
                let message = format!("{}: two columns are named {:?}", file.location.shown, field.name());
                return Err(Error::schema(message));
            }
            fields.push(Arc::new(outgoing(field, &features)));
        }
        let media = stored.fields().iter().filter(|field| is_media(field));
        Ok(Self {
            media: media.map(|field| field.name().clone()).collect(),
            packed: Vec::new(),
            schema: Arc::new(Schema::new_with_metadata(fields, file.schema.metadata().clone())),
        })
    }

    /// The same files with fewer columns, in the order of `names`.
    pub(super) fn project(&self, names: &[&str], source: &str) -> Result<Self> {
        let mut indices = Vec::new();
        for name in names {
            let index = crate::source::memory::index_of(&self.schema, name, source)?;
            if indices.contains(&index) {
                return Err(Error::config(format!("column {name:?} is asked for twice")));
            }
            indices.push(index);
        }
        let packed = self.packed.iter().filter(|packed| names.contains(&&*packed.name));
        Ok(Self {
            schema: Arc::new(self.schema.project(&indices)?),
            media: self.media.clone(),
            packed: packed.cloned().collect(),
        })
    }

    /// The same files with `columns` put together as the tensor `name`.
    pub(super) fn pack(&self, name: &str, columns: &[&str], source: &str) -> Result<Self> {
        let packed = Packed::new(&self.schema, name, columns, source)?;
        let schema = Arc::new(packed.schema(&self.schema)?);
        let packed = self.packed.iter().cloned().chain([packed]).collect();
        Ok(Self {
            schema,
            media: self.media.clone(),
            packed,
        })
    }

    pub(super) fn packed(&self, name: &str) -> Option<&Packed> {
        self.packed.iter().find(|packed| packed.name == name)
    }

    /// The names of the stored columns that are read, as they come out.
    pub(super) fn stored(&self) -> impl Iterator<Item = &String> {
        self.schema
            .fields()
            .iter()
            .flat_map(|field| match self.packed(field.name()) {
                Some(packed) => packed.columns.as_slice(),
                None => std::slice::from_ref(field.name()),
            })
    }

    /// Each stored column that is read, for itself: its name, and a layout that reads no other.
    pub(super) fn singles(&self) -> Result<Vec<(String, Self)>> {
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
                media: self.media.clone(),
                packed: packed.into_iter().collect(),
            };
            Ok((name.clone(), layout))
        };
        self.stored().map(single).collect()
    }

    /// Refuses rows that a tensor has no numbers for, saying which of them.
    pub(super) fn check(&self, rows: &RecordBatch) -> Result<()> {
        let column = |packed: &Packed| {
            rows.column_by_name(&packed.name)
                .map_or(Ok(()), |tensor| packed.check(tensor))
        };
        self.packed.iter().try_for_each(column)
    }

    /// Says which column of the file `there` differs from the one in the file `here`.
    fn agree(&self, other: &Self, here: &str, there: &str) -> Result<()> {
        for (at, field) in self.schema.fields().iter().enumerate() {
            let name = field.name();
            let Some(found) = find(&other.schema, at, name) else {
                return Err(Error::schema(format!("{there}: no column {name:?}, which {here} has")));
            };
            let (is, was) = (found.data_type(), field.data_type());
            if is != was {
                return Err(Error::schema(format!(
                    "{there}: column {name:?} is {is}, but {was} in {here}"
                )));
            }
            if classes(found) != classes(field) {
                return Err(Error::schema(format!(
                    "{there}: column {name:?} has other class names than in {here}"
                )));
            }
        }
        let mut fields = other.schema.fields().iter().enumerate();
        let extra = fields.find(|(at, field)| find(&self.schema, *at, field.name()).is_none());
        match extra {
            None => Ok(()),
            Some((_, field)) => Err(Error::schema(format!(
                "{there}: column {:?} is not in {here}",
                field.name()
            ))),
        }
    }

    /// The leaves of `file` that are read: of a media column the bytes alone.
    pub(super) fn leaves(&self, file: &Footer) -> Vec<usize> {
        let stored = file.reader.parquet_schema();
        let read: HashSet<&str> = self.stored().map(String::as_str).collect();
        let wanted = |leaf: &usize| {
            let path = stored.column(*leaf);
            let parts = path.path().parts();
            let root = stored.get_column_root(*leaf).name();
            let skip = self.media.iter().any(|name| name == root) && parts.last().is_none_or(|part| part != "bytes");
            read.contains(root) && !skip
        };
        (0..stored.num_columns()).filter(wanted).collect()
    }

    pub(super) fn mask(&self, file: &Footer) -> ProjectionMask {
        ProjectionMask::leaves(file.reader.parquet_schema(), self.leaves(file))
    }

    /// The row groups of `files`, the large ones cut into parts of equal size; empty ones are left out.
    pub(super) fn units(&self, files: &[Arc<Footer>]) -> Vec<Unit> {
        let mut units = Vec::new();
        for (file, footer) in files.iter().enumerate() {
            let leaves = self.leaves(footer);
            for group in 0..footer.info.row_groups.len() {
                let rows = footer.info.row_groups[group].rows;
                let columns = footer.group(group).columns();
                let bytes: u64 = leaves
                    .iter()
                    .fold(0, |sum: u64, &leaf| sum.saturating_add(in_memory(&columns[leaf])));
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

    /// Rows that are decoded into one batch.
    pub(super) fn batch_rows(&self, file: &Footer, unit: &Unit) -> usize {
        let (stored, rows) = (file.reader.parquet_schema(), unit.rows.end - unit.rows.start);
        let width = |leaf: usize| stored.column(leaf).type_length().max(16) as u64;
        let width: u64 = self.leaves(file).into_iter().map(width).sum();
        let row = (unit.bytes / rows.max(1)).max(1);
        let most = rows.min(BATCH_ROWS).min(BLOCK_BYTES / width.max(1));
        most.min((BATCH_BYTES / row).max(FEW_ROWS)).max(1) as usize
    }

    /// The part of these columns that `have` does not have yet; none where it has all.
    pub(super) fn without(&self, have: &[Option<ArrayRef>]) -> Option<Self> {
        let missing: Vec<usize> = (0..have.len()).filter(|&i| have[i].is_none()).collect();
        let schema = self.schema.project(&missing).ok().filter(|_| !missing.is_empty())?;
        Some(Self {
            schema: Arc::new(schema),
            ..self.clone()
        })
    }

    /// A batch of the columns that are there, and of those that are not from `rest`, in turn.
    pub(super) fn merge(&self, have: &[Option<ArrayRef>], first: usize, rest: &RecordBatch) -> Result<RecordBatch> {
        let mut rest_columns = rest.columns().iter();
        let column = |have: &Option<ArrayRef>| match have {
            Some(column) => Some(column.slice(first, rest.num_rows())),
            None => rest_columns.next().cloned(),
        };
        let columns = have.iter().filter_map(column).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// A decoded batch as it comes out: media columns flattened, tensors put together, columns in order.
    pub(super) fn shape(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let column = |field: &FieldRef| -> Result<ArrayRef> {
            if let Some(packed) = self.packed(field.name()) {
                return packed.join(batch, field);
            }
            let stored = batch.column_by_name(field.name());
            let stored = stored.ok_or_else(|| Error::data(format!("column {:?} was not decoded", field.name())))?;
            Ok(match stored.data_type() {
                DataType::Struct(_) if self.media.contains(field.name()) => flatten(stored)?,
                _ => Arc::clone(stored),
            })
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }
}

/// The field `name` of `schema`, most likely at `at`: nearly all files have their columns in the same order, and to search for each
/// of many columns in each of many files takes long.
fn find<'a>(schema: &'a Schema, at: usize, name: &str) -> Option<&'a Field> {
    let likely = schema.fields().get(at).filter(|field| field.name() == name);
    likely.map(AsRef::as_ref).or_else(|| schema.field_with_name(name).ok())
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

/// `struct<bytes, path>`: how Hugging Face stores images and sounds.
fn is_media(field: &Field) -> bool {
    let DataType::Struct(children) = field.data_type() else {
        return false;
    };
    let has = |name, wanted: DataType| {
        children
            .iter()
            .any(|child| child.name() == name && *child.data_type() == wanted)
    };
    children.len() == 2 && has("bytes", DataType::BinaryView) && has("path", DataType::Utf8View)
}

fn outgoing(field: &Field, features: &Value) -> Field {
    let mut metadata = field.metadata().clone();
    if let Some(names) = features[field.name()]["names"].as_array() {
        metadata.insert(CLASSES.to_owned(), Value::from(names.clone()).to_string());
    }
    let out = match is_media(field) {
        true => Field::new(field.name(), DataType::BinaryView, true),
        false => field.clone(),
    };
    out.with_metadata(metadata)
}

/// The bytes of a media column; null where the whole value is.
fn flatten(column: &ArrayRef) -> Result<ArrayRef> {
    let whole = column.as_struct();
    let bytes = whole
        .column_by_name("bytes")
        .and_then(|bytes| bytes.as_binary_view_opt());
    let bytes = bytes.ok_or_else(|| Error::data("the struct has no bytes"))?;
    let nulls = NullBuffer::union(whole.nulls(), bytes.nulls());
    let (views, buffers, _) = bytes.clone().into_parts();
    Ok(Arc::new(BinaryViewArray::try_new(views, buffers, nulls)?))
}

/// What Hugging Face's `datasets` says of the columns; null where it says nothing.
pub(super) fn features(schema: &Schema) -> Value {
    let text = schema.metadata().get("huggingface");
    let parsed = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    parsed.map_or(Value::Null, |mut value| value["info"]["features"].take())
}

/// The class names in a field's metadata.
pub(super) fn classes(field: &Field) -> Option<Vec<String>> {
    let metadata: &HashMap<_, _> = field.metadata();
    serde_json::from_str(metadata.get(CLASSES)?).ok()
}
