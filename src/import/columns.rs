//! The columns as they are written: types without views, pictures as `struct<bytes, path>`, and what Hugging Face is told of them.

use super::features::{feature, metadata};
use super::open::Media;
use crate::columns::index_of;
use crate::error::Result;
use crate::source::{CLASSES, HUGGING_FACE, classes, features};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;

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
    /// The fields of a struct, each the column at a place; null where there is none. Paths are told from one of the folders on.
    Struct(Vec<Option<usize>>, Vec<String>),
}

impl Columns {
    /// What becomes of rows of the schema `source`, in which `media` are structs that are kept apart, and `images` hold pictures.
    pub(super) fn new(source: &Schema, media: &[Media], images: &[String]) -> Result<Self> {
        let declared = features(source);
        let inner = |name: &str| {
            media
                .iter()
                .flat_map(|media| &media.fields)
                .any(|(_, column)| column == name)
        };
        let (mut fields, mut of, mut said) = (Vec::<FieldRef>::new(), Vec::new(), Map::new());
        for (at, field) in source.fields().iter().enumerate() {
            let name = field.name();
            // It is a field of a struct.
            if inner(name) {
                continue;
            }
            let own = media.iter().find(|media| media.column == *name);
            let is_image = images.contains(name);
            if own.is_none() && !is_image {
                let classes = classes(field);
                let data_type = match (&classes, field.data_type()) {
                    // Hugging Face takes class numbers of no other type.
                    (Some(_), integer) if integer.is_integer() => DataType::Int64,
                    (_, other) => stored_type(other),
                };
                said.extend(match &declared[name] {
                    Value::Null => feature(&data_type, classes.as_deref()).map(|said| (name.clone(), said)),
                    known => Some((name.clone(), known.clone())),
                });
                fields.push(written(field, data_type));
                of.push(From::One(at));
                continue;
            }
            let roots = own.map_or(&[][..], |media| &media.roots);
            let mut inside = vec![Field::new("bytes", DataType::Binary, true)];
            let mut places = vec![Some(at)];
            for (inner, column) in own.iter().flat_map(|media| &media.fields) {
                let place = index_of(source, column)?;
                inside.push(Field::new(inner, stored_type(source.field(place).data_type()), true));
                places.push(Some(place));
            }
            if is_image && !inside.iter().any(|field| field.name() == "path") {
                inside.push(Field::new("path", DataType::Utf8, true));
                places.push(None);
            }
            match (&declared[name], is_image) {
                (Value::Null, true) => drop(said.insert(name.clone(), json!({"_type": "Image"}))),
                (Value::Null, false) => {}
                (known, _) => drop(said.insert(name.clone(), known.clone())),
            }
            fields.push(written(field, DataType::Struct(inside.into())));
            of.push(From::Struct(places, roots.to_vec()));
        }
        let metadata = [(HUGGING_FACE.to_owned(), metadata(said))].into();
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
            (From::Struct(..), _) => unreachable!("it was made a struct"),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
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
