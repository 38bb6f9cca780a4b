//! Where in a column the objects of a row are.

use super::keypoint_names::{FIELD as KEYPOINTS_FIELD, KeypointNames};
use crate::columns::{index_of, list_item};
use crate::error::{Error, Result};
use crate::rows::labels::CLASS_NAMES;
use crate::rows::ports::DType;
use crate::source::{declared_inside, features};
use crate::stored_rows::BOXES;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use serde_json::Value;

/// Names of the columns that hold objects, in the order in which they are looked for.
const COLUMNS: [&str; 2] = ["objects", "annotations"];
/// Names of the field of classes.
pub(super) const CATEGORIES: [&str; 10] = [
    "category",
    "categories",
    "category_id",
    "category_ids",
    "label",
    "labels",
    "class",
    "classes",
    "class_id",
    "class_label",
];

/// Fields that are read as numbers wherever they are: the area of an object, whether it is a crowd, and whether it is difficult.
const NUMBERS: [&str; 4] = ["area", "iscrowd", "is_crowd", "difficult"];

/// What there is to say of boxes of five numbers.
pub(super) const ORIENTED: &str = ": oriented boxes (centre, width, height, angle) are moved with a picture, and no task learns them; store the box around each";

/// How a column holds the objects of each row: as Hugging Face's detection datasets do, as a struct of lists (`Sequence({..})`) or as
/// a list of structs (`[{..}]`, `List`, `LargeList`).
///
/// Boxes are the field `bbox`, `bboxes`, `box` or `boxes`, lists of four numbers; classes are `category`, `category_id`, `label`, `class` or
/// the plural of these, integers or strings. Other fields of one number an object (`area`, `iscrowd`, `difficult`, `id`) belong to it, and so do
/// `keypoints`, lists of a fixed length with x, y and visibility of each point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectLayout {
    pub(super) column: String,
    /// Whether it is a struct of lists, not a list of structs.
    pub(super) struct_of_lists: bool,
    pub(super) boxes: FieldRef,
    pub(super) category: FieldRef,
    /// Other fields of one number an object.
    pub(super) numbers: Vec<(FieldRef, DType)>,
    /// The field of keypoints, and how many points an object has.
    pub(super) keypoints: Option<(FieldRef, usize)>,
    keypoint_names: Option<KeypointNames>,
    ignored: Vec<String>,
    /// Fields that are called as boxes or as classes, and were not read as such.
    beside: Vec<String>,
    names: Option<Vec<String>>,
}

impl ObjectLayout {
    /// The layout of the column `objects` or `annotations`, whichever there is.
    ///
    /// # Errors
    ///
    /// `Schema` where there is neither, and as [`of`](Self::of).
    pub fn find(schema: &Schema) -> Result<Self> {
        match COLUMNS.iter().find(|column| schema.index_of(column).is_ok()) {
            Some(column) => Self::of(schema, column),
            None => index_of(schema, COLUMNS[0]).and_then(|_| Self::of(schema, COLUMNS[0])),
        }
    }

    /// The layout of the column that is `named`, or else of `objects` or `annotations`, where that holds objects or is meant to: structs with
    /// a field that is called as boxes are. None where there is no such column.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of), for a column that is meant to hold objects and does not.
    pub(crate) fn look(schema: &Schema, named: Option<&str>) -> Option<Result<Self>> {
        let mut columns = match &named {
            Some(named) => std::slice::from_ref(named),
            None => &COLUMNS[..],
        }
        .iter()
        .copied();
        columns
            .find(|column| is_meant(schema, column))
            .map(|column| Self::of(schema, column))
    }

    /// The other columns in which objects are looked for and are meant to be, beside `column`.
    pub(crate) fn others(schema: &Schema, column: &str) -> Vec<&'static str> {
        let others = COLUMNS.into_iter().filter(|other| *other != column);
        others.filter(|other| is_meant(schema, other)).collect()
    }

    /// The columns of another name than objects are looked for in that hold boxes with classes, beside `column`.
    pub(crate) fn unasked<'a>(schema: &'a Schema, column: &str) -> Vec<&'a str> {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let others = names.filter(|name| *name != column && !COLUMNS.contains(name));
        let holds = |name: &&str| is_meant(schema, name) && Self::of(schema, name).is_ok();
        others.filter(holds).collect()
    }

    /// The layout of `column`.
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing or no such column, and says what it lacks.
    pub fn of(schema: &Schema, column: &str) -> Result<Self> {
        let refused = |why: String| Error::schema(format!("column \"{column}\" {why}"));
        let field = schema.field(index_of(schema, column)?);
        let (struct_of_lists, fields) = match field.data_type() {
            DataType::Struct(fields) => (true, items(column, fields)?),
            list => match list_item(list).map(|item| item.data_type()) {
                Some(DataType::Struct(fields)) => (false, fields.iter().cloned().collect()),
                _ => {
                    return Err(refused(format!(
                        "holds {list}, neither a struct of lists nor a list of structs with a box and a class for each object"
                    )));
                }
            },
        };
        let named = |names: &[&str], what: &str| {
            let found = names
                .iter()
                .find_map(|name| fields.iter().find(|field| field.name() == name));
            found.cloned().ok_or_else(|| {
                let there: Vec<_> = fields.iter().map(|field| format!("\"{}\"", field.name())).collect();
                refused(format!(
                    "has no {what}, which is called {}; there are {}",
                    names.join(", "),
                    there.join(", ")
                ))
            })
        };
        let (boxes, category) = (
            named(&BOXES, "field of boxes")?,
            named(&CATEGORIES, "field of classes")?,
        );
        if !is_box(boxes.data_type()) {
            return Err(refused(format!(
                "has boxes (\"{}\") of type {}, which are not lists of four numbers{}",
                boxes.name(),
                boxes.data_type(),
                match boxes.data_type() {
                    DataType::FixedSizeList(_, 5) => ORIENTED,
                    _ => "",
                }
            )));
        }
        if !is_class(category.data_type()) {
            return Err(refused(format!(
                "has classes (\"{}\") of type {}, which are neither integers nor strings",
                category.name(),
                category.data_type()
            )));
        }
        let names = class_names(schema, column, &category)?;
        let (mut numbers, mut keypoints, mut ignored) = (Vec::new(), None, Vec::new());
        let called = |field: &&FieldRef| [&BOXES[..], &CATEGORIES].concat().contains(&field.name().as_str());
        let beside = fields.iter().filter(|field| **field != boxes && **field != category);
        let beside = beside.filter(called).map(|field| field.name().clone()).collect();
        for field in fields.iter().filter(|field| **field != boxes && **field != category) {
            match number(field.data_type()) {
                Some(dtype) => numbers.push((FieldRef::clone(field), dtype)),
                None if NUMBERS.contains(&field.name().as_str()) && *field.data_type() != DataType::Null => {
                    return Err(refused(format!(
                        "has \"{}\" of type {}, which is no number: store numbers, or leave the field out",
                        field.name(),
                        field.data_type()
                    )));
                }
                None => match points(field) {
                    Some(many) => keypoints = Some((FieldRef::clone(field), many)),
                    None => ignored.push(field.name().clone()),
                },
            }
        }
        let keypoint_names = match &keypoints {
            Some((_, many)) => KeypointNames::of_schema(schema, column, *many)?,
            None => None,
        };
        Ok(Self {
            column: column.to_owned(),
            struct_of_lists,
            boxes,
            category,
            numbers,
            keypoints,
            keypoint_names,
            ignored,
            beside,
            names,
        })
    }

    /// The layout without the other fields `absent`.
    pub(super) fn without(mut self, absent: &[String]) -> Self {
        self.numbers.retain(|(field, _)| !absent.contains(field.name()));
        self
    }

    /// The column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The field of boxes.
    pub fn boxes(&self) -> &str {
        self.boxes.name()
    }

    /// The field of classes.
    pub fn category(&self) -> &str {
        self.category.name()
    }

    /// The other fields of one number an object, such as `area`.
    pub fn numbers(&self) -> impl Iterator<Item = &str> {
        self.numbers.iter().map(|(field, _)| field.name().as_str())
    }

    /// The field of keypoints: x, y and visibility of each point, as many for each object.
    pub fn keypoints(&self) -> Option<&str> {
        self.keypoints.as_ref().map(|(field, _)| field.name().as_str())
    }

    /// How many keypoints an object has; none where there are no such.
    pub fn keypoint_count(&self) -> Option<usize> {
        self.keypoints.as_ref().map(|(_, many)| *many)
    }

    /// What is said of the keypoints; none where nothing is.
    pub fn keypoint_names(&self) -> Option<&KeypointNames> {
        self.keypoint_names.as_ref()
    }

    /// Which of several fields that are called as boxes or as classes were read; none where no other one is.
    pub(super) fn choices(&self) -> Option<String> {
        let beside: Vec<String> = self.beside.iter().map(|name| format!("\"{name}\"")).collect();
        let are = if beside.len() == 1 { "is" } else { "are" };
        (!beside.is_empty()).then(|| {
            format!(
                "of the objects in \"{}\" the boxes are read from the field \"{}\" and the classes from \"{}\": {} {are} read as neither; rename \
                 or leave out fields where others are meant",
                self.column,
                self.boxes(),
                self.category(),
                beside.join(" and ")
            )
        })
    }

    /// The fields that are not read: strings, polygons, structs.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The class names that are stored with the data, by number.
    pub fn class_names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }
}

/// Whether `column` is meant to hold objects: structs with a field that is called as boxes are.
fn is_meant(schema: &Schema, column: &str) -> bool {
    let Ok(field) = schema.field_with_name(column) else {
        return false;
    };
    let data_type = match field.data_type() {
        DataType::Struct(_) => field.data_type(),
        list => list_item(list).map_or(list, |item| item.data_type()),
    };
    match data_type {
        DataType::Struct(fields) => fields.iter().any(|field| BOXES.contains(&field.name().as_str())),
        _ => false,
    }
}

/// The fields of what the lists in a struct hold.
fn items(column: &str, fields: &Fields) -> Result<Vec<FieldRef>> {
    let item = |field: &FieldRef| match list_item(field.data_type()) {
        Some(item) => {
            let named = item.as_ref().clone().with_name(field.name());
            // Names of classes may be those of the list or of its items.
            let metadata = field.metadata().iter().chain(item.metadata());
            let metadata = metadata.map(|(key, value)| (key.clone(), value.clone()));
            Ok(FieldRef::new(named.with_metadata(metadata.collect())))
        }
        None => Err(Error::schema(format!(
            "column \"{column}\": field \"{}\" holds {}, not a list with an item for each object",
            field.name(),
            field.data_type()
        ))),
    };
    fields.iter().map(item).collect()
}

pub(super) fn is_box(data_type: &DataType) -> bool {
    let width = match data_type {
        DataType::FixedSizeList(_, width) => *width,
        _ => 4,
    };
    width == 4 && list_item(data_type).is_some_and(|item| item.data_type().is_numeric())
}

pub(super) fn is_class(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_class(values),
        data_type => data_type.is_integer() || data_type.is_string() || *data_type == DataType::Null,
    }
}

/// The points of an object, where `field` has x, y and visibility of each, and as many for all.
fn points(field: &Field) -> Option<usize> {
    match field.data_type() {
        DataType::FixedSizeList(item, length) if field.name() == KEYPOINTS_FIELD && item.data_type().is_numeric() => {
            let length = usize::try_from(*length).ok()?;
            (length > 0 && length.is_multiple_of(3)).then_some(length / 3)
        }
        _ => None,
    }
}

/// The type in which a field of numbers is read.
fn number(data_type: &DataType) -> Option<DType> {
    match data_type {
        DataType::Boolean => Some(DType::Bool),
        data_type if data_type.is_integer() => Some(DType::I64),
        data_type if data_type.is_floating() => Some(DType::F32),
        _ => None,
    }
}

/// The class names in the metadata of the field, or in what Hugging Face's `datasets` left in that of the schema.
fn class_names(schema: &Schema, column: &str, category: &Field) -> Result<Option<Vec<String>>> {
    if let Some(json) = category.metadata().get(CLASS_NAMES) {
        let names = serde_json::from_str(json);
        return names
            .map(Some)
            .map_err(|error| Error::schema(format!("column \"{column}\": class names are no JSON array: {error}")));
    }
    let declared = declared_inside(&features(schema)[column], category.name());
    let places = [&declared["names"], &declared["feature"]["names"], &declared[0]["names"]];
    let names = places.into_iter().find_map(Value::as_array);
    let Some(names) = names.filter(|names| names.iter().all(Value::is_string)) else {
        return Ok(None);
    };
    let names: Vec<String> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        Some((_, twice)) => Err(Error::schema(format!(
            "column \"{column}\": two class names are {twice:?}"
        ))),
        None => Ok(Some(names)),
    }
}
