//! What else than labels decides on which side of a split a row is: a scan of its group or its time.

use super::labels::AnyLabels;
#[cfg(feature = "train")]
use super::labels::Labels;
use super::scan_cache;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::order::{Split, group_split, random_split, stratified_group_split, time_split};
#[cfg(feature = "train")]
use crate::order::{stratified_folds, stratified_group_folds, time_folds};
use crate::quote::quoted;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, UInt64Type};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// The group or the time of each row, by which rows are held out; or neither.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum SplitKey {
    /// Rows are drawn.
    #[default]
    None,
    /// No group has rows on both sides: a number for each, in the order in which they come.
    Group(Arc<[u32]>),
    /// The latest rows are held out: numbers in the order of the times.
    Time(Arc<[i64]>),
}

impl SplitKey {
    /// Scans the columns `group` or `time` of `rows`, of which one may be named.
    ///
    /// # Errors
    ///
    /// `Schema` for a column that is missing or has no groups or times; `Data` for a null, a number that is no time and a string that
    /// is none, with the place of the first one.
    pub(crate) async fn scan(
        cx: &Context,
        rows: &impl Stable,
        group: Option<&str>,
        time: Option<&str>,
    ) -> Result<Self> {
        Ok(match (group, time) {
            (Some(column), _) => Self::Group(groups(cx, rows, column).await?.into()),
            (None, Some(column)) => Self::Time(times(cx, rows, column).await?.into()),
            (None, None) => Self::None,
        })
    }

    /// Holds out about `share` of `rows` rows: of each class of `labels`, where there are any, as far as groups allow it; by time
    /// whatever their labels are.
    pub(crate) fn split(&self, labels: Option<&AnyLabels>, rows: u64, share: f64, seed: u64) -> Split {
        match (self, labels) {
            (Self::None, None) => random_split(rows, share, seed),
            (Self::None, Some(labels)) => labels.split(share, seed),
            (Self::Group(groups), None) => group_split(groups, share, seed),
            (Self::Group(groups), Some(AnyLabels::Class(labels))) => {
                stratified_group_split(groups, labels.iter().map(Some), share, seed)
            }
            (Self::Group(groups), Some(AnyLabels::MultiLabel(labels))) => {
                stratified_group_split(groups, labels.iter(), share, seed)
            }
            (Self::Time(times), _) => time_split(times, share),
        }
    }

    /// The splits of a cross-validation: of each class about the same share, as far as groups allow it; by time each part has the rows before it to train on.
    #[cfg(feature = "train")]
    pub(crate) fn folds(&self, labels: &Labels, folds: usize, seed: u64) -> Vec<Split> {
        match self {
            Self::None => stratified_folds(labels.iter(), folds, seed),
            Self::Group(groups) => stratified_group_folds(groups, labels.iter(), folds, seed),
            Self::Time(times) => time_folds(times, folds),
        }
    }

    /// That of `rows` alone.
    #[cfg(feature = "train")]
    pub(crate) fn select(&self, rows: &[u64]) -> Self {
        match self {
            Self::None => Self::None,
            Self::Group(groups) => Self::Group(rows.iter().map(|&row| groups[row as usize]).collect()),
            Self::Time(times) => Self::Time(rows.iter().map(|&row| times[row as usize]).collect()),
        }
    }

    /// Why nothing can be held out, where there are rows enough: one group, or one time. None where that is not the reason.
    pub(crate) fn one_value(&self) -> Option<&'static str> {
        let one = |all: bool, what| all.then_some(what);
        match self {
            Self::None => None,
            Self::Group(groups) => one(
                groups.windows(2).all(|pair| pair[0] == pair[1]),
                "all rows are of one group",
            ),
            Self::Time(times) => one(
                times.windows(2).all(|pair| pair[0] == pair[1]),
                "all rows have the same time",
            ),
        }
    }
}

/// The first group, in words, that has rows in both `rows` and `others`, by `column`.
///
/// # Errors
///
/// As [`SplitKey::scan`].
#[cfg(feature = "train")]
pub(crate) async fn shared_group(
    cx: &Context,
    rows: &impl Stable,
    others: &impl Stable,
    column: &str,
) -> Result<Option<String>> {
    let known = group_column(cx, rows, column).await?;
    let found = group_column(cx, others, column).await?;
    // Numbers and texts are compared as texts, since files may store them either way.
    let texts = |column: &ArrayRef| cast(column, &DataType::Utf8);
    let (known, found) = (texts(&known)?, texts(&found)?);
    let known: std::collections::HashSet<&str> = known.as_string::<i32>().iter().flatten().collect();
    let shared = found
        .as_string::<i32>()
        .iter()
        .flatten()
        .find(|group| known.contains(group));
    Ok(shared.map(quoted))
}

/// The column `column`, which has groups and no null.
async fn group_column(cx: &Context, rows: &impl Stable, column: &str) -> Result<ArrayRef> {
    let array = typed(cx, rows, column, |kind| {
        let fits = kind == &DataType::Boolean || is_text_date_or_integer(kind);
        (!fits).then_some("has no groups: name a column of integers, booleans, strings, dates or timestamps")
    });
    let array = array.await?;
    refuse_null(
        cx,
        rows,
        column,
        &array,
        "no group; give a row that belongs to no other one a group of its own",
    )?;
    Ok(array)
}

/// What both groups and times may be.
fn is_text_date_or_integer(kind: &DataType) -> bool {
    let is_text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_date = matches!(kind, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..));
    kind.is_integer() || is_text || is_date
}

/// A number for the group of each row.
async fn groups(cx: &Context, rows: &impl Stable, column: &str) -> Result<Vec<u32>> {
    let array = group_column(cx, rows, column).await?;
    Ok(match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts: ArrayRef = cast(&array, &DataType::LargeUtf8)?;
            numbered(texts.as_string::<i64>().iter().flatten())
        }
        DataType::UInt64 => numbered(array.as_primitive::<UInt64Type>().values().iter()),
        _ => numbered(
            cast(&array, &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .values()
                .iter(),
        ),
    })
}

/// Each value as a number, in the order in which they come first.
fn numbered<T: Eq + Hash>(values: impl Iterator<Item = T>) -> Vec<u32> {
    let mut known = HashMap::new();
    let number = |value| {
        let next = known.len() as u32;
        *known.entry(value).or_insert(next)
    };
    values.map(number).collect()
}

/// A number for each time of `column`, in their order.
async fn times(cx: &Context, rows: &impl Stable, column: &str) -> Result<Vec<i64>> {
    let array = typed(cx, rows, column, |kind| {
        let fits = kind.is_floating() || is_text_date_or_integer(kind);
        (!fits).then_some("has no times: name a column of timestamps, dates, numbers, or dates as ISO 8601 has them")
    });
    let array = array.await?;
    refuse_null(
        cx,
        rows,
        column,
        &array,
        "no time; leave out the rows without one, or fill them",
    )?;
    Ok(match array.data_type() {
        // Half precision and single precision lie in between as they are.
        kind if kind.is_floating() => {
            let numbers = cast(&array, &DataType::Float64)?;
            let numbers = numbers.as_primitive::<Float64Type>();
            if let Some(row) = numbers.values().iter().position(|number| number.is_nan()) {
                return Err(at_row(
                    cx,
                    rows,
                    row,
                    column,
                    "NaN, which is no time; leave out the rows without one",
                ));
            }
            numbers.values().iter().map(|&number| ordered(number)).collect()
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = cast(&array, &DataType::Utf8)?;
            let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
            // What is no time becomes null.
            let instants = cast_with_options(&texts, &instant, &CastOptions::default())?;
            if let Some(row) = (0..instants.len()).find(|&row| instants.is_null(row)) {
                let texts: &StringArray = texts.as_string();
                let why = format!(
                    "{}, which is no date or time as ISO 8601 has it (2026-01-31, 2026-01-31T12:00:00Z), and other texts have no order in \
                     time: store timestamps",
                    quoted(texts.value(row))
                );
                return Err(at_row(cx, rows, row, column, &why));
            }
            let instants: Int64Array = cast(&instants, &DataType::Int64)?.as_primitive::<Int64Type>().clone();
            instants.values().to_vec()
        }
        // The order of unsigned numbers, above the largest signed one, too.
        DataType::UInt64 => {
            let numbers = array.as_primitive::<UInt64Type>().values().iter();
            numbers.map(|number| (number ^ (1 << 63)) as i64).collect()
        }
        _ => cast(&array, &DataType::Int64)?
            .as_primitive::<Int64Type>()
            .values()
            .to_vec(),
    })
}

/// A number in the order of the numbers; 0 and -0 are the same one.
fn ordered(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits() as i64;
    // Of negative numbers the larger bits are the smaller number.
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The column `column`, dictionaries as their values, of a type for which `refused` has nothing to say.
async fn typed(
    cx: &Context,
    rows: &impl Stable,
    column: &str,
    refused: impl Fn(&DataType) -> Option<&'static str>,
) -> Result<ArrayRef> {
    let schema = rows.schema();
    let mut kind = schema.field(index_of(&schema, column)?).data_type().clone();
    while let DataType::Dictionary(_, values) = kind {
        kind = *values;
    }
    if let Some(why) = refused(&kind) {
        return Err(Error::schema(format!("column \"{column}\" holds {kind}, which {why}")));
    }
    let array = scan_cache::column(cx, rows, column).await?;
    Ok(if *array.data_type() == kind {
        array
    } else {
        cast(&array, &kind)?
    })
}

fn refuse_null(cx: &Context, rows: &impl Stable, column: &str, array: &ArrayRef, why: &str) -> Result<()> {
    match (0..array.len()).find(|&row| array.is_null(row)) {
        Some(row) => Err(at_row(cx, rows, row, column, &format!("null, which is {why}"))),
        None => Ok(()),
    }
}

fn at_row(cx: &Context, rows: &impl Stable, row: usize, column: &str, what: &str) -> Error {
    let place = rows.provenance(cx, row as u64).places.into_iter().next();
    let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
    Error::data(format!("column \"{column}\" is {what}")).context(place)
}
