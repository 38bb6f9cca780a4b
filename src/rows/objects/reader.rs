//! The objects of rows, read.

use super::classes::{Classes, KnownClasses};
use super::flat::{AREA, Flat, Values, flat};
use super::format::BoxFormat;
use super::layout::ObjectLayout;
use super::numbers::check_numbers;
use super::placement::BoxPlaces;
use super::stored::{absent, distinct, first_with_objects, stored_boxes};
use super::survey::ObjectSurvey;
use crate::columns::Numbers;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::scan_cache;
use arrow::array::ArrayRef;
use std::ops::Range;
use std::sync::Arc;

/// The objects of one row. Those without an area, or with a number that is not finite, are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// Left, top, right and bottom of each box, in pixels of the picture, or as shares of its width and height where the
    /// [format](ObjectReader::format) is normalized.
    pub boxes: Vec<[f32; 4]>,
    /// The class of each, a number of the reader's [`names`](ObjectReader::names).
    pub classes: Vec<i64>,
    /// The field `area`, where there is one with a value: square pixels of the picture, whatever the format of the boxes.
    pub areas: Option<Vec<f32>>,
    /// The field `iscrowd`, where there is one: a box around a crowd and not around one object.
    pub crowd: Option<Vec<bool>>,
    /// The field `difficult`, where there is one: Pascal VOC's mark of objects that need not be found.
    pub difficult: Option<Vec<bool>>,
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

impl ObjectReader {
    /// Reads `column` of all rows of `dataset`, no pictures: finds the classes and counts the objects. Classes are the names that Hugging
    /// Face's `datasets` stored, else the distinct values, ascending. Where the dataset has columns of integers `width` and `height`,
    /// boxes are [checked](BoxFormat::check) against them. Without these sizes the numbers alone have to tell: a format is refused under which more than half
    /// of the boxes have no area or are of another unit, where another one fits.
    ///
    /// A null in place of a row's objects is no object, and counted. Of other fields, those without any value count as missing.
    ///
    /// # Errors
    ///
    /// As [`ObjectLayout::of`]; `Data` for a null box or class, a class without a name, an area that is negative or not finite and lists that
    /// differ in length, with its place, and where the format does not fit the pictures.
    pub async fn scan(cx: &Context, dataset: &impl Stable, column: &str, format: BoxFormat) -> Result<Self> {
        let sizes = stated_sizes(cx, dataset).await?;
        Self::scan_in(cx, dataset, column, format, None, sizes.as_deref()).await
    }

    /// As [`scan`](Self::scan), with the classes `names` of other data or of a model. Stored names are matched by name, strings are
    /// names, and integers without names are names where all `names` are integers, else their numbers, which the plan of
    /// [`objects_by`](crate::DatasetExt::objects_by) notes.
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
        let sizes = stated_sizes(cx, dataset).await?;
        let known = Some(KnownClasses::named(names));
        Self::scan_in(cx, dataset, column, format, known, sizes.as_deref()).await
    }

    /// As [`scan`](Self::scan), with the `sizes` of the pictures of all rows so far as they are known: of the others columns tell.
    pub(crate) async fn scan_beside(
        cx: &Context,
        dataset: &impl Stable,
        column: &str,
        format: BoxFormat,
        sizes: &[Option<(u32, u32)>],
    ) -> Result<Self> {
        let stated = stated_sizes(cx, dataset).await?.unwrap_or_default();
        let known = |(row, size): (usize, &Option<(u32, u32)>)| size.or_else(|| stated.get(row).copied().flatten());
        let sizes: Vec<_> = sizes.iter().enumerate().map(known).collect();
        let sizes = sizes.iter().any(Option::is_some).then_some(&sizes[..]);
        Self::scan_in(cx, dataset, column, format, None, sizes).await
    }

    /// As [`scan`](Self::scan) or, where classes are `known`, as [`scan_as`](Self::scan_as), with the `sizes` of the pictures of all rows
    /// so far as they are known.
    pub(crate) async fn scan_in(
        cx: &Context,
        dataset: &impl Stable,
        column: &str,
        format: BoxFormat,
        known: Option<KnownClasses<'_>>,
        sizes: Option<&[Option<(u32, u32)>]>,
    ) -> Result<Self> {
        let layout = ObjectLayout::of(&dataset.schema(), column)?;
        let array = scan_cache::column(cx, dataset, column).await?;
        let layout = match absent(&layout, &array)?.as_slice() {
            [] => layout,
            absent => layout.without(absent),
        };
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
        let in_column = |error: Error| error.context(format!("column \"{column}\""));
        let classes = match known {
            None => Classes::own(stored, distinct),
            Some(known) => Classes::like(stored, &distinct, known)
                .map_err(|error| placed(in_column(error.at(first_with_objects(&layout, &array)))))?,
        };
        let flat = flat(&layout, format, &classes, &array).map_err(placed)?;
        let stored = stored_boxes(&layout, &array).map_err(placed)?;
        let size = |row: usize| sizes.and_then(|sizes| sizes[row]);
        let known = stored.iter().filter_map(|&(row, values)| Some((values, size(row)?)));
        let counted = BoxPlaces::of(format, known);
        counted.check().map_err(in_column)?;
        let unknown = stored.iter().filter(|(row, _)| size(*row).is_none());
        check_numbers(format, unknown.map(|(_, values)| *values)).map_err(in_column)?;
        let marks = [&CROWD[..], &DIFFICULT].map(|names| field(&layout, &flat, names));
        let survey = ObjectSurvey {
            reaching_out: counted.reaching_out(),
            checked: sizes.is_some(),
            ..ObjectSurvey::of(column, &classes.names, &flat, marks)
        };
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

    /// The classes, for other rows that are read alike.
    #[cfg(feature = "train")]
    pub(crate) fn known_classes(&self) -> KnownClasses<'_> {
        self.classes.known()
    }

    /// How whole numbers without names were read as classes that are names, where nobody has said what they mean, and which of several fields
    /// that are called as boxes or classes was read.
    pub(crate) fn remark(&self) -> Option<String> {
        let column = &self.layout.column;
        let read = self.classes.remark.iter();
        let mut parts: Vec<String> = read.map(|read| format!("classes in \"{column}\": {read}")).collect();
        parts.extend(self.layout.choices());
        (!parts.is_empty()).then(|| parts.join("; "))
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
        let field = |names: &[&str]| field(&self.layout, &flat, names);
        let (areas, crowd, difficult) = (field(&[AREA]), field(&CROWD), field(&DIFFICULT));
        let ids = field(&["id", "ids", "bbox_id"]);
        let marks = |values: &Values, range: Range<usize>| range.map(|at| values.as_f32(at) != 0.0).collect();
        let row = |row: usize| {
            let range = flat.range(row);
            Objects {
                boxes: flat.boxes[range.clone()].to_vec(),
                classes: flat.classes[range.clone()].to_vec(),
                areas: areas.map(|values| range.clone().map(|at| values.as_f32(at)).collect()),
                crowd: crowd.map(|values| marks(values, range.clone())),
                difficult: difficult.map(|values| marks(values, range.clone())),
                ids: ids.and_then(|values| match values {
                    Values::I64(ids) => Some(ids[range.clone()].to_vec()),
                    _ => None,
                }),
                degenerate: flat.degenerate[row],
            }
        };
        Ok((0..flat.ends.len()).map(row).collect())
    }

    /// The fields of marks among the other ones, where they are: of crowds, and of difficult objects.
    #[cfg(feature = "train")]
    pub(crate) fn mark_fields(&self) -> [Option<&str>; 2] {
        let named = |names: &[&str]| self.layout.numbers().find(|field| names.contains(field));
        [named(&CROWD), named(&DIFFICULT)]
    }

    pub(super) fn flat(&self, array: &ArrayRef) -> Result<Flat> {
        flat(&self.layout, self.format, &self.classes, array)
    }
}

/// Names of the field that marks crowds.
const CROWD: [&str; 2] = ["iscrowd", "is_crowd"];
/// Names of the field that marks difficult objects.
const DIFFICULT: [&str; 1] = ["difficult"];

/// The values of the other field that has one of these names.
fn field<'a>(layout: &ObjectLayout, flat: &'a Flat, names: &[&str]) -> Option<&'a Values> {
    let at = layout.numbers().position(|field| names.contains(&field));
    at.map(|at| &flat.numbers[at])
}

/// Width and height of the picture of each row, where columns of integers say so.
async fn stated_sizes(cx: &Context, dataset: &impl Stable) -> Result<Option<Vec<Option<(u32, u32)>>>> {
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
    Ok(Some(
        sizes.map(|(width, height)| side(width).zip(side(height))).collect(),
    ))
}
