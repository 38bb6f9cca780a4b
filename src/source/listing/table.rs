//! Lists as tables in memory.

use super::csv::Csv;
use super::json_lines::JsonLines;
use super::spec::ListingSpec;
use crate::error::{Error, Remedy, Result};
use crate::exec::files;
use crate::source::endings::is_csv;
use crate::source::io::paths::io_error;
use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One list, before its types are settled with those of others.
pub(super) struct List {
    pub(super) path: PathBuf,
    bytes: Vec<u8>,
    /// Its own columns, in its own order.
    schema: Schema,
}

impl List {
    /// Reads the list at `path`, which may have `most` bytes.
    pub(super) fn read(path: &Path, most: u64) -> Result<Self> {
        let shown = path.display().to_string();
        let too_large = |bytes: u64| {
            let message = format!(
                "a list of {bytes} bytes is read into memory, and the budget leaves {most} for rows: give more memory, or write it as Parquet"
            );
            Error::budget(message)
                .with_remedy(Remedy::Memory)
                .context(shown.as_str())
        };
        let size = std::fs::metadata(path).map_err(|error| io_error(&shown, error))?.len();
        if size > most {
            return Err(too_large(size));
        }
        let mut bytes = files::read_whole(path).map_err(|error| io_error(&shown, error))?;
        // What Excel begins its CSV with.
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let list = Self {
            path: path.to_owned(),
            schema: infer(path, &bytes).map_err(|error| error.context(shown.as_str()))?,
            bytes,
        };
        let mut met = HashSet::new();
        match list.schema.fields().iter().find(|field| !met.insert(field.name())) {
            Some(twice) => Err(Error::schema(format!("two columns are called {:?}", twice.name())).context(shown)),
            None if list.bytes.is_empty() => {
                let message = "the list has no columns: this file is empty, and has to begin with a line of names, or hold an object a line";
                Err(Error::data(message).context(shown))
            }
            None if list.schema.fields().is_empty() => Err(Error::data("the list has no columns").context(shown)),
            None => Ok(list),
        }
    }

    /// Its bytes, as they were read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The rows, with all columns of `schema`: null where the list does not have one. What there is to say of them is added to `notes`.
    fn rows(&self, schema: &SchemaRef, notes: &mut Vec<String>) -> Result<RecordBatch> {
        let typed = |field: &Arc<Field>| match schema.field_with_name(field.name()) {
            Ok(own) => Field::new(field.name(), stored(own.data_type()), true),
            Err(_) => field.as_ref().clone(),
        };
        let own: SchemaRef = Arc::new(Schema::new(self.schema.fields().iter().map(typed).collect::<Vec<_>>()));
        let rows = match is_csv(&self.shown()) {
            true => {
                let csv = Csv::new(&self.path, &self.bytes);
                let rows = csv.rows(&own)?;
                notes.extend(
                    csv.notes(&rows)?
                        .into_iter()
                        .map(|note| format!("{}: {note}", self.shown())),
                );
                rows
            }
            false => JsonLines(&self.bytes).rows(&own)?,
        };
        let column = |field: &Arc<Field>| -> Result<ArrayRef> {
            match rows.column_by_name(field.name()) {
                Some(column) => Ok(cast(column, field.data_type())?),
                None => Ok(new_null_array(field.data_type(), rows.num_rows())),
            }
        };
        let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// The rows of `lists`, one after the other, and how many each has. What there is to say of them is added to `notes`.
///
/// # Errors
///
/// `Schema` for columns whose types differ; `Data` for values that are not of their type, naming list and line, and where there is no row.
pub(super) fn rows(lists: &[List], spec: &ListingSpec, notes: &mut Vec<String>) -> Result<(RecordBatch, Vec<u64>)> {
    let schema: SchemaRef = Arc::new(common(lists, spec)?);
    let mut all = Vec::with_capacity(lists.len());
    for list in lists {
        all.push(list.rows(&schema, notes).map_err(|error| error.context(list.shown()))?);
    }
    let counts: Vec<u64> = all.iter().map(|rows| rows.num_rows() as u64).collect();
    if counts.iter().all(|&rows| rows == 0) {
        return Err(Error::data("there are no rows").context(spec.path.join(", ")));
    }
    Ok((concat_batches(&schema, &all)?, counts))
}

/// The columns of all lists: those of the first, then what others have more.
fn common(lists: &[List], spec: &ListingSpec) -> Result<Schema> {
    let mut fields: Vec<(Field, &List)> = Vec::new();
    for list in lists {
        for field in list.schema.fields() {
            let Some((own, first)) = fields.iter_mut().find(|(own, _)| own.name() == field.name()) else {
                fields.push((field.as_ref().clone(), list));
                continue;
            };
            let both = both(own.data_type(), field.data_type()).ok_or_else(|| {
                Error::schema(format!(
                    "{}: column {:?} is {}, but {} in {}",
                    list.shown(),
                    field.name(),
                    field.data_type(),
                    own.data_type(),
                    first.shown()
                ))
            })?;
            *own = Field::new(field.name(), both, true);
        }
    }
    if let Some(missing) = spec
        .types
        .keys()
        .find(|name| !fields.iter().any(|(own, _)| own.name() == *name))
    {
        return Err(Error::schema(format!("types: there is no column {missing:?}")));
    }
    let field = |(field, _): (Field, &List)| {
        let given = spec.data_type(field.name())?;
        let data_type = outgoing(given.as_ref().unwrap_or(field.data_type()));
        Ok(Field::new(field.name(), data_type, true))
    };
    Ok(Schema::new(fields.into_iter().map(field).collect::<Result<Vec<_>>>()?))
}

/// The columns of a list, by the values in it.
fn infer(path: &Path, bytes: &[u8]) -> Result<Schema> {
    match is_csv(&path.display().to_string()) {
        true => Csv::new(path, bytes).infer(),
        false => JsonLines(bytes).infer(),
    }
}

/// The type of the values of both.
fn both(one: &DataType, other: &DataType) -> Option<DataType> {
    let is_plain = |kind: &DataType| !kind.is_nested();
    match (one, other) {
        (one, other) if one == other => Some(one.clone()),
        (DataType::Null, kind) | (kind, DataType::Null) => Some(kind.clone()),
        (DataType::Int64, DataType::Float64) | (DataType::Float64, DataType::Int64) => Some(DataType::Float64),
        (one, other) if is_plain(one) && is_plain(other) => Some(DataType::Utf8),
        _ => None,
    }
}

/// The type that a column comes out as: texts as the Parquet source has them, in lists, too.
fn outgoing(kind: &DataType) -> DataType {
    inside(kind, &|value| match value {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        other => other.clone(),
    })
}

/// The type that a column is read as, which becomes the other.
fn stored(kind: &DataType) -> DataType {
    inside(kind, &|value| match value {
        DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    })
}

/// `kind` with `of` in place of the type of its values, inside of lists and structs, too.
fn inside(kind: &DataType, of: &dyn Fn(&DataType) -> DataType) -> DataType {
    let field = |field: &Arc<Field>| {
        let data_type = inside(field.data_type(), of);
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    match kind {
        DataType::List(item) => DataType::List(field(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        value => of(value),
    }
}
