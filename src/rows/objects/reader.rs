//! The objects of rows, read.

use super::classes::{Classes, Distinct};
use super::format::BoxFormat;
use super::layout::ObjectLayout;
use super::survey::ObjectSurvey;
use crate::columns::{Numbers, list_item, list_items};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::ports::DType;
use crate::rows::scan_cache;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use std::sync::Arc;

/// The objects of one row. Those without an area, or with a number that is not finite, are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// Left, top, right and bottom of each box, in pixels of the picture, or as shares of its width and height where the
    /// [format](ObjectReader::format) is normalized.
    pub boxes: Vec<[f32; 4]>,
    /// The class of each, a number of the reader's [`names`](ObjectReader::names).
    pub classes: Vec<i64>,
    /// The field `area`, where there is one.
    pub areas: Option<Vec<f32>>,
    /// The field `iscrowd`, where there is one: a box around a crowd and not around one object.
    pub crowd: Option<Vec<bool>>,
    /// The field `id`, where there is one.
    pub ids: Option<Vec<i64>>,
    /// How many were left out.
    pub degenerate: usize,
}

/// Reads the objects of rows: knows where they are, what their numbers mean, and the classes.
#[derive(Clone, Debug)]
pub struct ObjectReader {
    layout: ObjectLayout,
    format: BoxFormat,
    pub(super) classes: Classes,
    survey: Arc<ObjectSurvey>,
}

/// The objects of rows, one after the other.
#[derive(Debug)]
pub(super) struct Flat {
    /// Where the objects of each row end.
    pub(super) ends: Vec<usize>,
    pub(super) boxes: Vec<[f32; 4]>,
    pub(super) classes: Vec<i64>,
    /// The other fields, in the order of the layout.
    pub(super) numbers: Vec<Values>,
    /// Objects of each row that were left out.
    pub(super) degenerate: Vec<usize>,
    /// Rows that are null: they are without objects.
    pub(super) nulls: usize,
}

/// A number for each object.
#[derive(Clone, Debug)]
pub(super) enum Values {
    F32(Vec<f32>),
    I64(Vec<i64>),
    Bool(Vec<bool>),
}

/// The fields of all objects as they are stored.
struct Stored {
    ends: Vec<usize>,
    fields: Vec<ArrayRef>,
    nulls: usize,
}

impl ObjectReader {
    /// Reads `column` of all rows of `dataset`, no pictures: finds the classes and counts the objects. Classes are the names that Hugging
    /// Face's `datasets` stored, else the distinct values, ascending. Where the dataset has columns of integers `width` and `height`,
    /// boxes are [checked](BoxFormat::check) against them.
    ///
    /// A null in place of a row's objects is no object, and counted.
    ///
    /// # Errors
    ///
    /// As [`ObjectLayout::of`]; `Data` for a null box or class, a class without a name and lists that differ in length, with its place,
    /// and where the format does not fit the pictures.
    pub async fn scan(cx: &Context, dataset: &impl Stable, column: &str, format: BoxFormat) -> Result<Self> {
        Self::scanned(cx, dataset, column, format, None).await
    }

    /// As [`scan`](Self::scan), with the classes `names` of other data or of a model. Stored names are matched by name, strings are
    /// names, and integers without names are names where all `names` are integers, else their numbers.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan), and `Data` for a class that is none of `names`.
    pub async fn scan_as(
        cx: &Context,
        dataset: &impl Stable,
        column: &str,
        format: BoxFormat,
        names: &[String],
    ) -> Result<Self> {
        Self::scanned(cx, dataset, column, format, Some(names)).await
    }

    async fn scanned(
        cx: &Context,
        dataset: &impl Stable,
        column: &str,
        format: BoxFormat,
        names: Option<&[String]>,
    ) -> Result<Self> {
        let layout = ObjectLayout::of(&dataset.schema(), column)?;
        let array = scan_cache::column(cx, dataset, column).await?;
        let sizes = sizes(cx, dataset).await?;
        let placed = |error: Error| {
            let place = error.index().and_then(|row| {
                let provenance = dataset.provenance(cx, row as u64);
                provenance.places.into_iter().next()
            });
            match place {
                Some(place) => error.context(place.to_string()),
                None => error,
            }
        };
        let distinct = distinct(&layout, &array).map_err(placed)?;
        let stored = layout.class_names();
        let classes = match names {
            None => Classes::own(stored, distinct),
            Some(names) => Classes::like(stored, &distinct, names),
        };
        let flat = flat(&layout, format, &classes, &array).map_err(placed)?;
        if let Some(sizes) = &sizes {
            let stored = stored_boxes(&layout, &array).map_err(placed)?;
            let checked = format.check(stored.into_iter().map(|(row, values)| (values, sizes[row])));
            checked.map_err(|error| error.context(format!("column \"{column}\"")))?;
        }
        let survey = ObjectSurvey::of(column, &classes.names, &flat, sizes.is_some());
        Ok(Self {
            layout,
            format,
            classes,
            survey: Arc::new(survey),
        })
    }

    /// Where in the column the objects are.
    pub fn layout(&self) -> &ObjectLayout {
        &self.layout
    }

    /// What the numbers of the stored boxes mean.
    pub fn format(&self) -> BoxFormat {
        self.format
    }

    /// The classes' names, by class.
    pub fn names(&self) -> &[String] {
        &self.classes.names
    }

    /// What the scan counted.
    pub fn survey(&self) -> &ObjectSurvey {
        &self.survey
    }

    /// The objects of each row of `array`, rows of the column that was scanned.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan); an error has the [index](Error::index) of the row.
    pub fn read(&self, array: &ArrayRef) -> Result<Vec<Objects>> {
        let flat = self.flat(array)?;
        let field = |names: &[&str]| {
            let mut fields = self.layout.numbers();
            let at = fields.position(|field| names.contains(&field));
            at.map(|at| &flat.numbers[at])
        };
        let (areas, crowd) = (field(&["area"]), field(&["iscrowd", "is_crowd"]));
        let ids = field(&["id", "ids", "bbox_id"]);
        let row = |row: usize| {
            let range = flat.range(row);
            Objects {
                boxes: flat.boxes[range.clone()].to_vec(),
                classes: flat.classes[range.clone()].to_vec(),
                areas: areas.map(|values| range.clone().map(|at| values.as_f32(at)).collect()),
                crowd: crowd.map(|values| range.clone().map(|at| values.as_f32(at) != 0.0).collect()),
                ids: ids.and_then(|values| match values {
                    Values::I64(ids) => Some(ids[range.clone()].to_vec()),
                    _ => None,
                }),
                degenerate: flat.degenerate[row],
            }
        };
        Ok((0..flat.ends.len()).map(row).collect())
    }

    pub(super) fn flat(&self, array: &ArrayRef) -> Result<Flat> {
        flat(&self.layout, self.format, &self.classes, array)
    }
}

impl Flat {
    /// The objects of row `row`.
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        row.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[row]
    }
}

impl Values {
    fn as_f32(&self, at: usize) -> f32 {
        match self {
            Self::F32(values) => values[at],
            Self::I64(values) => values[at] as f32,
            Self::Bool(values) => f32::from(u8::from(values[at])),
        }
    }

    /// Those of which `kept` holds.
    fn retain(&mut self, kept: &[bool]) {
        fn retain<T>(values: &mut Vec<T>, kept: &[bool]) {
            let mut kept = kept.iter();
            values.retain(|_| kept.next().is_none_or(|kept| *kept));
        }
        match self {
            Self::F32(values) => retain(values, kept),
            Self::I64(values) => retain(values, kept),
            Self::Bool(values) => retain(values, kept),
        }
    }
}

/// Width and height of the picture of each row, where columns of integers say so.
async fn sizes(cx: &Context, dataset: &impl Stable) -> Result<Option<Vec<(u32, u32)>>> {
    let (schema, mut sides) = (dataset.schema(), Vec::new());
    for name in ["width", "height"] {
        let Some(field) = schema
            .field_with_name(name)
            .ok()
            .filter(|field| field.data_type().is_integer())
        else {
            return Ok(None);
        };
        let array = scan_cache::column(cx, dataset, name).await?;
        let values = Numbers::of(field, &array).and_then(|numbers| numbers.values::<i64>());
        // What is unknown of a picture is no reason to refuse its boxes.
        let Ok(values) = values else { return Ok(None) };
        sides.push(values);
    }
    let side = |value: &i64| u32::try_from(*value).ok().filter(|side| *side > 0);
    let sizes = sides[0].iter().zip(&sides[1]);
    Ok(sizes.map(|(width, height)| side(width).zip(side(height))).collect())
}

fn distinct(layout: &ObjectLayout, array: &ArrayRef) -> Result<Distinct> {
    let (stored, mut distinct) = (stored(layout, array)?, Distinct::default());
    match categories(layout, &stored)? {
        Categories::Integers(values) => distinct.integers.extend(values),
        Categories::Strings(values) => distinct.strings.extend(values.iter().flatten().map(str::to_owned)),
    }
    Ok(distinct)
}

enum Categories {
    Integers(Vec<i64>),
    Strings(arrow::array::StringViewArray),
}

fn categories(layout: &ObjectLayout, stored: &Stored) -> Result<Categories> {
    let mut array = Arc::clone(&stored.fields[1]);
    if let DataType::Dictionary(_, values) = array.data_type() {
        array = cast(&array, values)?;
    }
    let nulls = array.logical_nulls();
    if let Some(at) = nulls.and_then(|nulls| nulls.iter().position(|valid| !valid)) {
        return Err(stored.refused(layout, at, "the class of an object is null"));
    }
    if array.data_type().is_string() {
        return Ok(Categories::Strings(
            cast(&array, &DataType::Utf8View)?.as_string_view().clone(),
        ));
    }
    if array.is_empty() {
        return Ok(Categories::Integers(Vec::new()));
    }
    stored
        .numbers::<i64>(layout, &layout.category, &array)
        .map(Categories::Integers)
}

/// The numbers of each box as they are stored, and its row.
fn stored_boxes(layout: &ObjectLayout, array: &ArrayRef) -> Result<Vec<(usize, [f32; 4])>> {
    let stored = stored(layout, array)?;
    let boxes = stored.boxes(layout)?;
    let row = |at: usize| stored.ends.partition_point(|&end| end <= at);
    Ok(boxes
        .into_iter()
        .enumerate()
        .map(|(at, values)| (row(at), values))
        .collect())
}

/// All objects of `array`.
fn flat(layout: &ObjectLayout, format: BoxFormat, classes: &Classes, array: &ArrayRef) -> Result<Flat> {
    let stored = stored(layout, array)?;
    let boxes = stored.boxes(layout)?;
    let kept: Vec<bool> = boxes.iter().map(|values| !format.is_degenerate(*values)).collect();
    let class =
        |(at, class): (usize, Result<i64>)| class.map_err(|error| stored.refused(layout, at, &error.to_string()));
    let mut coded = match categories(layout, &stored)? {
        Categories::Integers(values) => {
            let coded = values.iter().map(|&value| classes.of_integer(value));
            coded.enumerate().map(class).collect::<Result<Vec<_>>>()?
        }
        Categories::Strings(values) => {
            let coded = values.iter().flatten().map(|value| classes.of_string(value));
            coded.enumerate().map(class).collect::<Result<Vec<_>>>()?
        }
    };
    let mut numbers = Vec::with_capacity(layout.numbers.len());
    for ((field, dtype), array) in layout.numbers.iter().zip(&stored.fields[2..]) {
        numbers.push(match dtype {
            DType::F32 => Values::F32(stored.numbers(layout, field, array)?),
            DType::Bool => Values::Bool(stored.numbers(layout, field, array)?),
            DType::I64 | DType::U8 => Values::I64(stored.numbers(layout, field, array)?),
        });
    }
    let (mut ends, mut degenerate, mut begin, mut end) = (Vec::new(), Vec::new(), 0, 0);
    for &of_row in &stored.ends {
        let good = kept[begin..of_row].iter().filter(|kept| **kept).count();
        degenerate.push(of_row - begin - good);
        (begin, end) = (of_row, end + good);
        ends.push(end);
    }
    let mut boxes: Vec<[f32; 4]> = boxes.into_iter().map(|values| format.corners(values)).collect();
    if end < boxes.len() {
        let all = |mut values: Values| {
            values.retain(&kept);
            values
        };
        numbers = numbers.into_iter().map(all).collect();
        let mut keep = kept.iter();
        boxes.retain(|_| keep.next().is_none_or(|kept| *kept));
        let mut keep = kept.iter();
        coded.retain(|_| keep.next().is_none_or(|kept| *kept));
    }
    Ok(Flat {
        ends,
        boxes,
        classes: coded,
        numbers,
        degenerate,
        nulls: stored.nulls,
    })
}

/// The fields of `array`: boxes, classes, then the other numbers.
fn stored(layout: &ObjectLayout, array: &ArrayRef) -> Result<Stored> {
    let column = &layout.column;
    let wanted = [&layout.boxes, &layout.category].into_iter();
    let wanted: Vec<&str> = wanted
        .map(|field| field.name().as_str())
        .chain(layout.numbers())
        .collect();
    let missing = |name: &str| Error::schema(format!("column \"{column}\" has no field \"{name}\" any more"));
    if !layout.struct_of_lists {
        let (items, lengths) = list_items(array, None)?;
        let ends = ends(&lengths);
        let structs = items
            .as_struct_opt()
            .ok_or_else(|| Error::schema(format!("column \"{column}\" is no list of structs any more")))?;
        if let Some(at) = structs.nulls().and_then(|nulls| nulls.iter().position(|valid| !valid)) {
            let row = ends.partition_point(|&end| end <= at);
            return Err(Error::data(format!(
                "column \"{column}\": an object of row {row} of the batch is null"
            ))
            .at(row));
        }
        let field = |name: &str| structs.column_by_name(name).cloned().ok_or_else(|| missing(name));
        return Ok(Stored {
            nulls: lengths.iter().filter(|length| length.is_none()).count(),
            ends,
            fields: wanted.into_iter().map(field).collect::<Result<_>>()?,
        });
    }
    let structs = array
        .as_struct_opt()
        .ok_or_else(|| Error::schema(format!("column \"{column}\" is no struct any more")))?;
    let (mut fields, mut of_boxes) = (Vec::with_capacity(wanted.len()), Vec::new());
    for name in &wanted {
        let lists = structs.column_by_name(name).ok_or_else(|| missing(name))?;
        let (items, lengths) = list_items(lists, structs.nulls())?;
        if fields.is_empty() {
            of_boxes = lengths;
        } else if let Some(row) = (0..lengths.len()).find(|&row| lengths[row] != of_boxes[row]) {
            let [have, boxes] = [&lengths, &of_boxes].map(|lengths| lengths[row].map_or(0, |length| length));
            return Err(Error::data(format!(
                "column \"{column}\": row {row} of the batch has {boxes} boxes and {have} values of \"{name}\""
            ))
            .at(row));
        }
        fields.push(items);
    }
    Ok(Stored {
        nulls: of_boxes.iter().filter(|length| length.is_none()).count(),
        ends: ends(&of_boxes),
        fields,
    })
}

fn ends(lengths: &[Option<usize>]) -> Vec<usize> {
    let mut end = 0;
    let next = |length: &Option<usize>| {
        end += length.unwrap_or(0);
        end
    };
    lengths.iter().map(next).collect()
}

impl Stored {
    fn boxes(&self, layout: &ObjectLayout) -> Result<Vec<[f32; 4]>> {
        let (array, field) = (&self.fields[0], &layout.boxes);
        let item = list_item(field.data_type()).map_or(field, |item| item);
        let values = match array.data_type() {
            DataType::FixedSizeList(..) => Arc::clone(array),
            _ => {
                let (values, lengths) = list_items(array, None)?;
                if let Some(at) = lengths.iter().position(|length| *length != Some(4)) {
                    let why = match lengths[at] {
                        None => "a box is null".to_owned(),
                        Some(length) => format!("a box has {length} numbers, not four"),
                    };
                    return Err(self.refused(layout, at, &why));
                }
                values
            }
        };
        // The end of each row in numbers, or in lists of four of them.
        let width = match array.data_type() {
            DataType::FixedSizeList(..) => 1,
            _ => 4,
        };
        let ends = self.ends.iter().map(|end| end * width).collect();
        let path = format!("{}.{}", layout.column, field.name());
        let numbers = Numbers::in_rows(&path, item, &values, Some(ends))?.values::<f32>()?;
        Ok(numbers.as_chunks().0.to_vec())
    }

    fn numbers<T: crate::columns::Number>(
        &self,
        layout: &ObjectLayout,
        field: &Field,
        array: &ArrayRef,
    ) -> Result<Vec<T>> {
        let path = format!("{}.{}", layout.column, field.name());
        Numbers::in_rows(&path, field, array, Some(self.ends.clone()))?.values()
    }

    /// An error of object `at`.
    fn refused(&self, layout: &ObjectLayout, at: usize, why: &str) -> Error {
        let row = self.ends.partition_point(|&end| end <= at);
        Error::data(format!("column \"{}\": row {row} of the batch: {why}", layout.column)).at(row)
    }
}
