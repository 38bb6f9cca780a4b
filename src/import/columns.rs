//! The columns as they are written: types without views, pictures as `struct<bytes, path>`, and what Hugging Face is told of them.

use super::features::{feature, metadata};
use super::open::Media;
use crate::columns::index_of;
use crate::error::{Error, Result};
use crate::source::{CLASSES, HUGGING_FACE, KEYPOINTS, classes, features};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, Schema, SchemaRef};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The names of classes by their column.
pub(super) type ClassNames = BTreeMap<String, Vec<String>>;

/// The columns that are written, and what of a batch they are made of.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) schema: SchemaRef,
    of: Arc<[From]>,
}

/// What a column is made of.
#[derive(Debug)]
enum From {
    /// The column at a place.
    One(usize),
    /// The class numbers at a place, each under another number.
    Classes(usize, Vec<i64>),
    /// The fields of a struct, each the column at a place; null where there is none. Paths are told from one of the folders on.
    Struct(Vec<Option<usize>>, Vec<String>),
}

impl Columns {
    /// What becomes of rows of the schema `source`, in which `media` are structs that are kept apart, and `images` hold pictures; the classes of
    /// columns in `named` are those.
    pub(super) fn new(source: &Schema, media: &[Media], images: &[String], named: &ClassNames) -> Result<Self> {
        let declared = features(source);
        let inner = |name: &str| {
            media
                .iter()
                .flat_map(|media| &media.fields)
                .any(|(_, column)| column == name)
        };
        let (mut fields, mut of, mut all_said) = (Vec::<FieldRef>::new(), Vec::new(), Vec::new());
        for (at, field) in source.fields().iter().enumerate() {
            let name = field.name();
            // It is a field of a struct.
            if inner(name) {
                continue;
            }
            let own = media.iter().find(|media| media.column == *name);
            let known = Some(&declared[name]).filter(|known| !known.is_null()).cloned();
            let (data_type, from, said) = match images.contains(name) {
                false if own.is_none() => plain(at, field, known, named.get(name)),
                is_image => {
                    let (data_type, from) = bytes_and_more(source, at, own, is_image)?;
                    (data_type, from, known.or(is_image.then(|| json!({"_type": "Image"}))))
                }
            };
            all_said.extend(said.map(|said| (name.clone(), said, data_type.clone())));
            fields.push(written(field, data_type));
            of.push(from);
        }
        let keypoints = source
            .metadata()
            .get(KEYPOINTS)
            .map(|said| (KEYPOINTS.to_owned(), said.clone()));
        let metadata = [(HUGGING_FACE.to_owned(), metadata(&all_said))]
            .into_iter()
            .chain(keypoints)
            .collect();
        Ok(Self {
            schema: Arc::new(Schema::new_with_metadata(fields, metadata)),
            of: of.into(),
        })
    }

    /// What is written of the rows `batch`.
    pub(super) fn make(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.schema.fields().iter().zip(self.of.iter());
        let columns = columns.map(|(field, of)| match (of, field.data_type()) {
            (From::Struct(places, roots), DataType::Struct(fields)) => media(batch, fields, (places, roots)),
            (From::One(at), wanted) => Ok(cast(batch.column(*at), wanted)?),
            (From::Classes(at, numbers), wanted) => renumbered(&cast(batch.column(*at), wanted)?, numbers),
            (From::Struct(..), _) => unreachable!("it was made a struct"),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// What becomes of the column `field` at a place, of which `known` is declared, and of which the classes become `named`: its type, what it is made of, and what is
/// said of it.
fn plain(
    at: usize,
    field: &Field,
    known: Option<Value>,
    named: Option<&Vec<String>>,
) -> (DataType, From, Option<Value>) {
    let own = classes(field);
    let data_type = match (&own, field.data_type()) {
        // Hugging Face takes class numbers of no other type.
        (Some(_), integer) if integer.is_integer() => DataType::Int64,
        (_, other) => stored_type(other),
    };
    match (&own, named) {
        (Some(own), Some(new)) if own != new => {
            let number = |name: &String| new.iter().position(|new| new == name).map_or(-1, |at| at as i64);
            let from = From::Classes(at, own.iter().map(number).collect());
            let said = feature(&data_type, Some(new));
            (data_type, from, said)
        }
        _ => {
            let said = known.or_else(|| feature(&data_type, own.as_deref()));
            (data_type, From::One(at), said)
        }
    }
}

/// What becomes of the column of bytes at a place, and of the `media` that it is part of: a struct, which has a path where it is an image.
fn bytes_and_more(source: &Schema, at: usize, media: Option<&Media>, is_image: bool) -> Result<(DataType, From)> {
    let mut inside = vec![Field::new("bytes", DataType::Binary, true)];
    let mut places = vec![Some(at)];
    for (inner, column) in media.iter().flat_map(|media| &media.fields) {
        let place = index_of(source, column)?;
        inside.push(Field::new(inner, stored_type(source.field(place).data_type()), true));
        places.push(Some(place));
    }
    if is_image && !inside.iter().any(|field| field.name() == "path") {
        inside.push(Field::new("path", DataType::Utf8, true));
        places.push(None);
    }
    let roots = media.map_or_else(Vec::new, |media| media.roots.clone());
    Ok((DataType::Struct(inside.into()), From::Struct(places, roots)))
}

/// Class numbers, each under that of `numbers`; those below 0, which stand for no class, stay.
fn renumbered(own: &ArrayRef, numbers: &[i64]) -> Result<ArrayRef> {
    let number = |(row, own): (usize, Option<i64>)| match own {
        Some(own) if own >= 0 => {
            let new = usize::try_from(own).ok().and_then(|own| numbers.get(own).copied());
            let unknown = || Error::data(format!("class {own}, of {} classes", numbers.len())).at(row);
            new.map(Some).ok_or_else(unknown)
        }
        own => Ok(own),
    };
    let own = own.as_primitive::<Int64Type>().iter().enumerate();
    let numbers = own.map(number).collect::<Result<Int64Array>>()?;
    Ok(Arc::new(numbers))
}

/// The classes of each column that has names for them, the same in all `schemas`: where their names differ, those of all of them, sorted if each has
/// them sorted, as `datasets` has the classes of folders.
pub(super) fn class_names<'a>(schemas: impl Iterator<Item = &'a Schema>) -> ClassNames {
    let mut all: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for schema in schemas {
        let integers = schema.fields().iter().filter(|field| field.data_type().is_integer());
        for (field, names) in integers.filter_map(|field| Some((field, classes(field)?))) {
            all.entry(field.name().clone()).or_default().push(names);
        }
    }
    let united = |(column, lists): (String, Vec<Vec<String>>)| {
        let mut names: Vec<String> = Vec::new();
        for name in lists.iter().flatten() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        if lists.iter().any(|own| *own != lists[0]) && lists.iter().all(|own| own.is_sorted()) {
            names.sort();
        }
        (column, names)
    };
    all.into_iter().map(united).collect()
}

/// The struct of the columns at `places`; null where all of them are.
fn media(batch: &RecordBatch, fields: &Fields, (places, roots): (&[Option<usize>], &[String])) -> Result<ArrayRef> {
    let rows = batch.num_rows();
    let column = |(field, place): (&FieldRef, &Option<usize>)| match place {
        Some(at) if !roots.is_empty() && field.name() == "path" => Ok(below(batch.column(*at), roots)),
        Some(at) => Ok(cast(batch.column(*at), field.data_type())?),
        None => Ok(new_null_array(field.data_type(), rows)),
    };
    let columns = fields.iter().zip(places).map(column).collect::<Result<Vec<_>>>()?;
    let some = |row: usize| columns.iter().any(|column| column.is_valid(row));
    let nulls: NullBuffer = (0..rows).map(some).collect();
    let nulls = (nulls.null_count() > 0).then_some(nulls);
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, nulls)?))
}

/// Paths below the first of `roots` that they are below of, so that they do not depend on where these are.
fn below(paths: &ArrayRef, roots: &[String]) -> ArrayRef {
    let below = |path: &str| {
        let path = Path::new(path);
        let below = roots.iter().find_map(|root| path.strip_prefix(root).ok());
        below.unwrap_or(path).display().to_string()
    };
    let paths = paths.as_string_view();
    let told: StringArray = paths.iter().map(|path| path.map(below)).collect();
    Arc::new(told)
}

/// `field` as it is written.
fn written(field: &Field, data_type: DataType) -> FieldRef {
    let mut metadata = field.metadata().clone();
    // The names are in Hugging Face's metadata.
    metadata.remove(CLASSES);
    Arc::new(Field::new(field.name(), data_type, true).with_metadata(metadata))
}

/// The type that is stored for rows of the type `own`: without views, and with values that may be null, which Hugging Face's are.
fn stored_type(own: &DataType) -> DataType {
    let field = |field: &FieldRef| {
        let stored = field.as_ref().clone().with_data_type(stored_type(field.data_type()));
        Arc::new(stored.with_nullable(true))
    };
    match own {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(item) | DataType::ListView(item) => DataType::List(field(item)),
        DataType::LargeList(item) | DataType::LargeListView(item) => DataType::LargeList(field(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(field(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        DataType::Dictionary(_, values) => stored_type(values),
        other => other.clone(),
    }
}
