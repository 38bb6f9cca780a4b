//! Columns of files as tables of numbers and categories.

use super::columns::{ValueKind, numbers};
use super::report::Medium;
use super::samples::{Names, Sample, Samples};
use crate::columns::tensor_values;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::inspect::taken::place;
use crate::quote::{counted, quoted};
use crate::rows::Labels;
use crate::source::Files;
use crate::synthetic::quality::{Column, Matrix, Table};
use crate::synthetic::told_apart::ToldApart;
use arrow::array::{Array, ArrayRef, AsArray, StringArray, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Int64Type};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Different values up to which texts are categories; more, and more than half as many as rows, tell rows apart.
const CATEGORIES: usize = 1000;

/// What a null of a column of categories is called.
const NULL: &str = "(null)";

/// What to do with a class that synthetic or holdout rows alone have.
const NOT_REAL: &str = "the class names are those of the real rows, and no real row is of this class: add real rows of it, leave its rows out here, or correct the label";

/// Which columns are read as what.
#[derive(Clone, Debug)]
pub(in crate::inspect) struct Reading<'a> {
    pub(in crate::inspect) label: Option<&'a str>,
    pub(in crate::inspect) group: Option<&'a str>,
    pub(in crate::inspect) categories: &'a [String],
}

/// One set of files, and the rows of it that are read.
pub(in crate::inspect) struct Part<'a> {
    pub(in crate::inspect) files: &'a Files,
    pub(in crate::inspect) rows: Vec<u64>,
    /// The files that `files` was copied from, and which of their rows it has; none where these are the stored ones.
    pub(in crate::inspect) from: Option<(&'a Files, &'a [u64])>,
}

impl Part<'_> {
    /// The values of column `name` of its rows.
    pub(super) async fn column(&self, cx: &Context, name: &str) -> Result<ArrayRef> {
        let own = self.files.clone().columns(&[name])?;
        let values = own.column(cx, name).await?;
        Ok(take(&values, &UInt64Array::from(self.rows.clone()), None)?)
    }

    /// `error` with the file, and with the row where it says which of these rows is the bad one.
    fn placed(&self, cx: &Context, error: Error) -> Error {
        let row = error.index().and_then(|at| self.rows.get(at).copied());
        let (files, row) = match self.from {
            None => (self.files, row),
            Some((files, rows)) => (files, row.and_then(|row| rows.get(row as usize).copied())),
        };
        let place = row.map_or_else(|| files.name().to_owned(), |row| place(cx, files, row));
        error.unplaced().context(place)
    }
}

/// Labels and groups of all parts as codes of shared names.
pub(super) struct Coded {
    pub(super) names: Names,
    pub(super) codes: [Vec<u32>; 3],
}

/// The classes of column `label`, those of `parts[0]`.
///
/// # Errors
///
/// As [`Labels::scan`] and [`Labels::scan_as`].
pub(super) async fn classes(cx: &Context, parts: &[Part<'_>; 3], label: &str) -> Result<Coded> {
    let [real, synthetic, holdout] = parts;
    let own = |part: &Part<'_>| part.files.clone().columns(&[label]);
    let first = Labels::scan(cx, &own(real)?, label).await?;
    let second = Labels::scan_as_advised(cx, &own(synthetic)?, label, (&first, NOT_REAL)).await?;
    let third = Labels::scan_as_advised(cx, &own(holdout)?, label, (&first, NOT_REAL)).await?;
    let codes = |labels: &Labels, part: &Part<'_>| part.rows.iter().map(|&row| labels.class(row)).collect();
    Ok(Coded {
        codes: [codes(&first, real), codes(&second, synthetic), codes(&third, holdout)],
        names: Names {
            column: label.to_owned(),
            values: first.names().to_vec(),
        },
    })
}

/// The names of the classes in `column`: files of one set may store the texts, and those of another the numbers.
fn named(column: &ArrayRef, names: &[String]) -> Result<ArrayRef> {
    let classes = cast(column, &DataType::Int64)?;
    let name = |class: Option<i64>| names.get(usize::try_from(class?).ok()?).map(String::as_str);
    let texts = classes.as_primitive::<Int64Type>().iter().map(name);
    Ok(Arc::new(texts.collect::<StringArray>()))
}

/// The values of column `name` as categories, in the order of their names.
pub(super) async fn categories(cx: &Context, parts: &[Part<'_>; 3], name: &str) -> Result<Coded> {
    let mut texts = Vec::new();
    for part in parts {
        let column = part.column(cx, name).await?;
        let column = match part.files.class_names(name) {
            Some(names) => named(&column, &names),
            None => cast(&column, &DataType::Utf8).map_err(Error::from),
        };
        texts.push(column.map_err(|_| {
            Error::schema(format!(
                "column {} holds no categories: name one of texts, booleans or whole numbers",
                quoted(name)
            ))
        })?);
    }
    let text = |array: &ArrayRef, row: usize| match array.is_null(row) {
        true => NULL.to_owned(),
        false => array.as_string::<i32>().value(row).to_owned(),
    };
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    for array in &texts {
        known.extend((0..array.len()).map(|row| (text(array, row), 0)));
    }
    known.values_mut().zip(0..).for_each(|(code, next)| *code = next);
    let codes = |array: &ArrayRef| (0..array.len()).map(|row| known[&text(array, row)]).collect();
    Ok(Coded {
        codes: [codes(&texts[0]), codes(&texts[1]), codes(&texts[2])],
        names: Names {
            column: name.to_owned(),
            values: known.into_keys().collect(),
        },
    })
}

/// The tensor column of features, where the real rows have exactly one that holds f32.
pub(in crate::inspect) fn feature_column(files: &Files) -> Option<String> {
    let schema = files.schema();
    let is_one = |field: &&Arc<Field>| matches!(field.data_type(), DataType::FixedSizeList(item, _) if *item.data_type() == DataType::Float32);
    let mut found = schema.fields().iter().filter(is_one);
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one.name().clone()),
        _ => None,
    }
}

/// Rows of the tensor column `name`, with classes and groups.
pub(in crate::inspect) async fn features(
    cx: &Context,
    parts: &[Part<'_>; 3],
    name: &str,
    reading: &Reading<'_>,
) -> Result<Samples> {
    let mut rows = Vec::new();
    for part in parts {
        let column = part.column(cx, name).await?;
        let (list, values, width) = tensor_values(&column)
            .ok_or_else(|| Error::schema(format!("column {} is no tensor of f32 without nulls", quoted(name))))?;
        let first = list.value_offset(0) as usize;
        let values = values.values()[first..first + list.len() * width].to_vec();
        rows.push(Matrix::new(values, width).map_err(|error| part.placed(cx, error))?);
    }
    of_matrices(cx, parts, rows, reading).await
}

/// Rows of features, with classes and groups.
pub(super) async fn of_matrices(
    cx: &Context,
    parts: &[Part<'_>; 3],
    rows: Vec<Matrix>,
    reading: &Reading<'_>,
) -> Result<Samples> {
    let labels = match reading.label {
        Some(label) => Some(classes(cx, parts, label).await?),
        None => None,
    };
    let groups = match reading.group {
        Some(group) => Some(categories(cx, parts, group).await?),
        None => None,
    };
    let codes = |of: &Option<Coded>, at: usize| of.as_ref().map(|coded| coded.codes[at].clone());
    let mut rows = rows.into_iter();
    let mut sample = |at: usize| {
        let rows = rows.next().ok_or_else(|| Error::data("a set of rows is missing"))?;
        Ok::<Sample, Error>(Sample {
            table: None,
            inputs: rows.clone(),
            rows,
            classes: codes(&labels, at),
            groups: codes(&groups, at),
        })
    };
    let (real, synthetic, holdout) = (sample(0)?, sample(1)?, sample(2)?);
    Ok(Samples {
        real,
        synthetic,
        holdout,
        classes: labels.map(|coded| coded.names),
        groups: groups.map(|coded| coded.names),
        categories: Vec::new(),
    })
}

/// The columns of the real rows as tables, and what was left out.
///
/// # Errors
///
/// `Schema` where synthetic or holdout rows lack a column or hold something else in it, and where no column can be compared.
pub(in crate::inspect) async fn tables(
    cx: &Context,
    parts: &[Part<'_>; 3],
    reading: &Reading<'_>,
    notes: &mut Vec<String>,
) -> Result<Samples> {
    let schema = parts[0].files.schema();
    for (part, what) in parts[1..].iter().zip(["synthetic", "holdout"]) {
        let own = part.files.schema();
        let missing = schema
            .fields()
            .iter()
            .find(|field| own.field_with_name(field.name()).is_err());
        if let Some(missing) = missing {
            let message = format!(
                "the {what} rows have no column {}, which the real rows have",
                quoted(missing.name())
            );
            return Err(Error::schema(message).context(part.files.name().to_owned()));
        }
        let beside = own
            .fields()
            .iter()
            .filter(|field| schema.field_with_name(field.name()).is_err());
        let beside: Vec<String> = beside.map(|field| quoted(field.name())).collect();
        if !beside.is_empty() {
            notes.push(format!(
                "of the {what} rows left out, because the real rows have no such columns: {}",
                beside.join(", ")
            ));
        }
    }
    let mut columns: [Vec<(String, Column)>; 3] = Default::default();
    let (mut names, mut left_out) = (Vec::new(), Vec::new());
    for field in schema.fields() {
        let name = field.name();
        let is = |of: Option<&str>| of == Some(name);
        let read = if is(reading.label) {
            Some(classes(cx, parts, name).await?)
        } else if is(reading.group) || reading.categories.contains(name) || ValueKind::of(field) == ValueKind::Category
        {
            let found = categories(cx, parts, name).await?;
            let (count, rows) = (found.names.values.len(), found.codes[0].len());
            if count > CATEGORIES || (!is(reading.group) && count > 20 && count > rows / 2) {
                left_out.push(format!(
                    "{} ({} tell rows apart)",
                    quoted(name),
                    counted(count as u64, "different value")
                ));
                continue;
            }
            Some(found)
        } else if let kind @ (ValueKind::Number | ValueKind::Time) = ValueKind::of(field) {
            for (part, what) in parts[1..].iter().zip(["synthetic", "holdout"]) {
                check_kind(part, what, name, kind)?;
            }
            None
        } else {
            left_out.push(format!("{} ({})", quoted(name), field.data_type()));
            continue;
        };
        match read {
            Some(coded) => {
                let codes = columns.iter_mut().zip(coded.codes);
                codes.for_each(|(columns, codes)| columns.push((name.clone(), Column::Categories(codes))));
                names.push(Some(coded.names.values));
            }
            None => {
                let mut told_apart = ToldApart::default();
                for (columns, part) in columns.iter_mut().zip(parts) {
                    let values = numbers(&part.column(cx, name).await?, field, &mut told_apart);
                    let values = values.map_err(|error| part.placed(cx, error))?;
                    columns.push((name.clone(), Column::Numbers(values)));
                }
                names.push(None);
            }
        }
    }
    if !left_out.is_empty() {
        notes.push(format!(
            "left out, since they are neither numbers nor categories: {}",
            left_out.join(", ")
        ));
    }
    let at = |wanted: Option<&str>| {
        let wanted = wanted?;
        columns[0].iter().position(|(name, _)| name == wanted)
    };
    let (label, group) = (at(reading.label), at(reading.group));
    if columns[0].is_empty() {
        return Err(Error::schema(
            "no column holds numbers or categories, so there is nothing to compare",
        ));
    }
    let [real, synthetic, holdout] = columns;
    Samples::of_tables(
        [Table::new(real)?, Table::new(synthetic)?, Table::new(holdout)?],
        label,
        group,
        names,
    )
}

/// What the rows are.
pub(in crate::inspect) fn medium(files: &Files, image: Option<&str>) -> Medium {
    if image.is_some() || files.image_column().is_some() {
        return Medium::Pictures;
    }
    match feature_column(files) {
        Some(_) => Medium::Features,
        None => Medium::Table,
    }
}

/// Refuses rows of which column `name` holds something else than numbers, or times, where the real rows have these: what is no number would be read as a missing one.
fn check_kind(part: &Part<'_>, what: &str, name: &str, kind: ValueKind) -> Result<()> {
    let schema = part.files.schema();
    let field = schema.field_with_name(name)?;
    let (own, of) = (ValueKind::of(field), field.data_type());
    // Numbers with names of classes are numbers still, and a column without a type has no value at all.
    if own == kind || *of == DataType::Null || (kind == ValueKind::Number && of.is_numeric()) {
        return Ok(());
    }
    let message = format!(
        "column {} holds {own} in the {what} rows, and {kind} in the real rows",
        quoted(name)
    );
    Err(Error::schema(message).context(part.files.name().to_owned()))
}
