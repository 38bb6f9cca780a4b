//! The columns of several files, by name: those that differ are made one where that loses nothing.

use super::types::{common_field, common_type};
use crate::error::{Error, Result};
use crate::source::fields::{
    CLASSES, HUGGING_FACE, KEYPOINTS, all_class_names, classes, declared_inside, descend, features, is_media, outgoing,
    path,
};
use crate::source::parquet::format::footer::Footer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What the columns of all files are.
#[derive(Debug)]
pub(in crate::source::parquet) struct UnifiedSchema {
    /// One file of each kind: files of a kind have the same columns.
    pub(in crate::source::parquet) kinds: Vec<usize>,
    /// The columns as they come out: those of the first file, then what others have more, then what folders say.
    pub(in crate::source::parquet) schema: SchemaRef,
    /// The columns that come from structs with bytes.
    pub(in crate::source::parquet) media: HashSet<String>,
    /// The columns whose values folders say.
    pub(in crate::source::parquet) keys: Vec<String>,
    /// The columns that have no type which holds the values of all files, and why.
    pub(in crate::source::parquet) conflicts: HashMap<String, Error>,
}

impl UnifiedSchema {
    /// # Errors
    ///
    /// `Schema` where a file has two columns of one name.
    pub(in crate::source::parquet) fn of(files: &[Arc<Footer>]) -> Result<Self> {
        let kinds = kinds(files);
        let (mut names, mut known) = (Vec::new(), HashSet::new());
        let mut media = HashSet::new();
        for &file in &kinds {
            let mut own = HashSet::new();
            for field in files[file].reader.schema().fields() {
                if !own.insert(field.name()) {
                    let (file, name) = (&files[file].location.shown, field.name());
                    return Err(Error::schema(format!("{file}: two columns are named {name:?}")));
                }
                if known.insert(field.name().clone()) {
                    names.push(field.name().clone());
                }
                if is_media(field.data_type()) {
                    media.insert(field.name().clone());
                }
            }
        }
        let features: Vec<Value> = kinds.iter().map(|&file| features(&files[file].schema)).collect();
        let (mut fields, mut conflicts) = (Vec::<FieldRef>::new(), HashMap::new());
        for (at, name) in names.iter().enumerate() {
            let path = std::slice::from_ref(name);
            let column = Column::of(files, &kinds, &features, at, name, path);
            if let Some(error) = column.conflict {
                conflicts.insert(name.clone(), error);
            }
            fields.extend(column.field.map(Arc::new));
        }
        for (column, error) in other_keypoints(files) {
            conflicts.entry(column).or_insert(error);
        }
        let mut keys = Vec::new();
        for field in said_by_folders(files) {
            keys.push(field.name().clone());
            conflicts.remove(field.name());
            media.remove(field.name());
            match fields.iter_mut().find(|own| own.name() == field.name()) {
                Some(own) => *own = Arc::new(field),
                None => fields.push(Arc::new(field)),
            }
        }
        let metadata = metadata(&files[0].schema, features);
        Ok(Self {
            schema: Arc::new(Schema::new_with_metadata(fields, metadata)),
            kinds,
            media,
            keys,
            conflicts,
        })
    }
}

/// The column at the path that `name` is, inside of a struct: the path, and the column as it comes out; none where there is none.
///
/// # Errors
///
/// `Schema` where files have types that are not to be made one.
pub(in crate::source::parquet) fn nested(
    files: &[Arc<Footer>],
    kinds: &[usize],
    name: &str,
) -> Result<Option<(Vec<String>, Field)>> {
    let schemas = || kinds.iter().map(|&file| files[file].reader.schema());
    let Some(path) = schemas().find_map(|schema| path(schema.fields(), name)) else {
        return Ok(None);
    };
    let features: Vec<Value> = kinds.iter().map(|&file| features(&files[file].schema)).collect();
    let column = Column::of(files, kinds, &features, 0, name, &path);
    match column.conflict {
        Some(error) => Err(error),
        None => Ok(column.field.map(|field| (path, field))),
    }
}

/// A column of all files.
struct Column {
    field: Option<Field>,
    conflict: Option<Error>,
}

impl Column {
    /// The column that `path` leads to and that comes out as `name`, most likely the one at `at`.
    fn of(files: &[Arc<Footer>], kinds: &[usize], features: &[Value], at: usize, name: &str, path: &[String]) -> Self {
        let mut inside = Vec::new();
        let own = |(&file, features): (&usize, &Value)| {
            let root = find(files[file].reader.schema(), at, &path[0])?;
            let (stored, nullable) = descend(root, path)?;
            let first = features[&path[0]].clone();
            let declared = path[1..]
                .iter()
                .fold(first, |declared, name| declared_inside(&declared, name));
            let field = outgoing(stored, name, &declared);
            let nullable = nullable || field.is_nullable();
            let mut names = all_class_names(&field, &declared);
            // Those of the column itself are compared with it.
            names.remove("");
            inside.push((file, names));
            Some((file, field.with_nullable(nullable)))
        };
        let all: Vec<_> = kinds.iter().zip(features).map(own).collect();
        let other_names = other_names(&inside).map(|[file, other]| {
            let [shown, other] = [file, other].map(|file| &files[file].location.shown);
            Error::schema(format!(
                "{shown}: column {name:?} has other class names inside than in {other}"
            ))
        });
        let missing = all.iter().any(Option::is_none);
        let mut all = all.into_iter().flatten();
        let Some((first, mut field)) = all.next() else {
            return Self {
                field: None,
                conflict: None,
            };
        };
        let (mut seen, mut conflict) = (vec![(first, field.clone())], None);
        for (file, other) in all {
            let shown = |file: usize| &files[file].location.shown;
            match common_field(&field, &other) {
                Some(both) => field = both,
                None if conflict.is_none() => {
                    let differs =
                        |(_, own): &&(usize, Field)| common_type(own.data_type(), other.data_type()).is_none();
                    let (here, own) = seen.iter().find(differs).unwrap_or(&seen[0]);
                    conflict = Some(Error::schema(format!(
                        "{}: column {name:?} is {}, but {} in {}",
                        shown(file),
                        other.data_type(),
                        own.data_type(),
                        shown(*here)
                    )));
                }
                None => {}
            }
            match (classes(&field), classes(&other)) {
                (Some(own), Some(others)) if own != others && conflict.is_none() => {
                    let named = seen.iter().find(|(_, own)| classes(own).is_some()).unwrap_or(&seen[0]);
                    conflict = Some(Error::schema(format!(
                        "{}: column {name:?} has other class names than in {}",
                        shown(file),
                        shown(named.0)
                    )));
                }
                // A file that names no classes has the same numbers for them.
                (None, Some(_)) => {
                    let mut metadata = field.metadata().clone();
                    metadata.extend(
                        other
                            .metadata()
                            .get(CLASSES)
                            .map(|names| (CLASSES.to_owned(), names.clone())),
                    );
                    field = field.with_metadata(metadata);
                }
                _ => {}
            }
            seen.push((file, other));
        }
        let nullable = missing || field.is_nullable();
        Self {
            field: Some(field.with_nullable(nullable)),
            conflict: conflict.or(other_names),
        }
    }
}

/// The first file whose names inside of a column are others than those of one before it, and that one.
fn other_names(all: &[(usize, BTreeMap<String, Value>)]) -> Option<[usize; 2]> {
    let mut known: BTreeMap<&str, (usize, &Value)> = BTreeMap::new();
    for (file, names) in all {
        for (path, names) in names {
            let (first, own) = *known.entry(path).or_insert((*file, names));
            if own != names {
                return Some([*file, first]);
            }
        }
    }
    None
}

/// The columns of objects whose keypoints are said to be others in one file than in the first: their numbers would be mixed up.
fn other_keypoints(files: &[Arc<Footer>]) -> Vec<(String, Error)> {
    let said = |file: &Arc<Footer>| file.schema.metadata().get(KEYPOINTS).cloned();
    let mut told = files.iter().filter_map(|file| Some((file, said(file)?)));
    let Some((first, text)) = told.next() else {
        return Vec::new();
    };
    let Some((other, others)) = told.find(|(_, own)| *own != text) else {
        return Vec::new();
    };
    let [own, others] = [text, others].map(|text| serde_json::from_str::<Value>(&text).unwrap_or_default());
    let columns = own.as_object().into_iter().flatten();
    let differing = columns.filter(|(column, said)| others.get(column).is_some_and(|other| other != *said));
    let refused = differing.map(|(column, _)| {
        let error = Error::schema(format!(
            "{}: the keypoints in column {column:?} are others than those in {}: import what both come from together, or read them by themselves",
            other.location.shown, first.location.shown
        ));
        (column.clone(), error)
    });
    refused.collect()
}

/// The first file of each kind.
fn kinds(files: &[Arc<Footer>]) -> Vec<usize> {
    fn kind(file: &Footer) -> (&Fields, Option<&String>) {
        let features = file.schema.metadata().get(HUGGING_FACE);
        (file.reader.schema().fields(), features)
    }
    let mut known = HashSet::new();
    // Nearly all files are as the one before.
    let is_new = |&at: &usize| (at == 0 || kind(&files[at]) != kind(&files[at - 1])) && known.insert(kind(&files[at]));
    (0..files.len()).filter(is_new).collect()
}

/// The field `name` of `schema`, most likely at `at`: nearly all files have their columns in the same order, and to search for each
/// of many columns in each of many files takes long.
fn find<'a>(schema: &'a Schema, at: usize, name: &str) -> Option<&'a Field> {
    let likely = schema.fields().get(at).filter(|field| field.name() == name);
    likely.map(AsRef::as_ref).or_else(|| schema.field_with_name(name).ok())
}

/// The columns that the folders of `files` say: whole numbers (i32, as in pyarrow) where all values are, else strings; null for files of other folders.
fn said_by_folders(files: &[Arc<Footer>]) -> Vec<Field> {
    let (mut names, mut values) = (Vec::new(), HashMap::<&str, (BTreeSet<Option<&str>>, usize)>::new());
    for file in files {
        for (key, value) in file.location.keys.iter() {
            let (all, count) = values.entry(key).or_insert_with(|| {
                names.push(&**key);
                Default::default()
            });
            all.insert(value.as_deref());
            *count += 1;
        }
    }
    let field = |name: &str| {
        let (all, count) = &values[name];
        let mut some = all.iter().flatten();
        let numbers = some.clone().next().is_some() && some.all(|value| number(value).is_some());
        let data_type = match numbers {
            true => DataType::Int32,
            false => DataType::Utf8View,
        };
        Field::new(name, data_type, *count < files.len() || all.contains(&None))
    };
    names.into_iter().map(field).collect()
}

/// The whole number that a folder says, as pyarrow reads one: one that does not fit into 32 bits is a text. Behind `0x` the 32 bits themselves
/// stand in hexadecimal digits, so that `0xffffffff` is -1.
pub(in crate::source::parquet) fn number(value: &str) -> Option<i32> {
    match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(bits) if bits.len() > 8 || bits.starts_with('+') => None,
        Some(bits) => u32::from_str_radix(bits, 16).ok().map(u32::cast_signed),
        None => value.parse().ok().filter(|_| !value.starts_with('+')),
    }
}

/// The metadata of the schema of the first file, with what Hugging Face's metadata says of columns that others have more.
fn metadata(first: &Schema, features: Vec<Value>) -> HashMap<String, String> {
    let mut metadata = first.metadata().clone();
    let mut all = features.into_iter();
    let own = all.next().unwrap_or_default();
    let mut merged = own.as_object().cloned().unwrap_or_default();
    for other in all {
        for (name, declared) in other.as_object().into_iter().flatten() {
            merged.entry(name).or_insert_with(|| declared.clone());
        }
    }
    if own.as_object().map_or(0, |own| own.len()) < merged.len() {
        let text = json!({"info": {"features": merged}}).to_string();
        metadata.insert(HUGGING_FACE.to_owned(), text);
    }
    metadata
}
