//! How the rows are spread over the classes, and what balancing would cost.

use super::masks::Masks;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::image::Boxes;
use crate::mix::Target;
use crate::quote::counted_with;
use crate::rows::{
    AnyLabels, BoxFormat, LabelKind, ObjectReader, ObjectSurvey, find_objects, is_row_key, row_key_in_words,
    said_of_objects, with_boxes_apart,
};
use crate::source::Files;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use serde::Serialize;

/// The label column.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Labels {
    /// The columns that may be it.
    pub candidates: Vec<String>,
    /// The one that was looked at.
    pub column: Option<String>,
    /// What the label of a row is: a class, a list of classes, or a number; none of boxes and of masks.
    pub kind: Option<LabelKind>,
    /// What the boxes of all rows are, where the column holds such: each class counts the rows that have it.
    pub objects: Option<ObjectSurvey>,
    /// Why the boxes cannot be meant as they lie in the pictures that were looked at, or columns say another size than these have; none where they fit. Boxes
    /// are taken for COCO's `xywh`.
    pub misplaced: Option<String>,
    /// What else there is to say of boxes: which of several columns or fields they are read from, which columns have boxes that are read if these are named, and a row
    /// that has more than a run takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether the column holds masks.
    pub masks: bool,
    /// What the masks are, where the column holds such.
    pub pixels: Option<Masks>,
    /// Which masks of objects beside the boxes cannot be used, where there are such; their values are the numbers of objects, and are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<Masks>,
    /// Why none was, or the first label that has no class, its place, and how many there are.
    pub problem: Option<String>,
    /// The classes; none of numbers.
    pub classes: Vec<Class>,
    /// What the numbers are; none of classes.
    pub numbers: Option<Numbers>,
    /// Rows whose list of classes is empty.
    pub empty: u64,
    /// Rows whose label is null.
    pub nulls: u64,
    /// Rows whose label is outside the stored class names.
    pub outside: u64,
    /// Rows in all.
    pub of_rows: u64,
    /// Bytes of a row in memory, all columns together, on average.
    pub row_bytes: f64,
}

/// The numbers of a regression target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// The least.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
    /// Rows that have one.
    pub rows: u64,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its rows. A row with several classes counts for each of them.
    pub rows: u64,
    /// How often each row comes in an epoch of as many rows as there are, if every class gets the same share; none for a class
    /// without rows, and where rows have several classes, whose shares cannot be chosen freely.
    pub uniform: Option<f64>,
    /// The same for shares in proportion to the square root of the rows.
    pub sqrt: Option<f64>,
    /// Its boxes, where rows have such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boxes: Option<u64>,
}

impl Class {
    /// Classes of which a row may have several, by their names and rows.
    pub fn without_shares(names: &[String], rows: &[u64]) -> Vec<Self> {
        let class = |(name, &rows): (&String, &u64)| Self {
            name: name.clone(),
            rows,
            uniform: None,
            sqrt: None,
            boxes: None,
        };
        names.iter().zip(rows).map(class).collect()
    }
}

impl Labels {
    pub(super) async fn of(cx: &Context, rows: &Files, named: Option<&str>, format: BoxFormat) -> Self {
        let candidates = rows.label_candidates();
        let bytes: u64 = rows.blocks().iter().map(|block| block.bytes).sum();
        let none = Self {
            candidates,
            of_rows: rows.len().finite().unwrap_or(0),
            row_bytes: bytes as f64 / rows.len().finite().unwrap_or(1).max(1) as f64,
            ..Self::default()
        };
        let boxes_beside = |column: &str| match named {
            None => said_of_objects(rows, column),
            Some(_) => Vec::new(),
        };
        let surveyed = async {
            if let Some(column) = find_objects(rows, named)? {
                let own = with_sizes(rows, &column)?;
                let reader = ObjectReader::scan(cx, &own, &column, format).await?;
                let mut classes = Class::without_shares(reader.names(), &reader.survey().rows_of_class);
                let boxes = reader.survey().objects_of_class.iter();
                classes
                    .iter_mut()
                    .zip(boxes)
                    .for_each(|(class, boxes)| class.boxes = Some(*boxes));
                let mut notes = boxes_beside(&column);
                notes.extend(reader.remark());
                notes.extend(too_many(cx, rows, reader.survey()));
                let mut candidates = none.candidates.clone();
                // Sizes of pictures, against which the boxes are checked.
                candidates.retain(|name| !SIZES.contains(&name.as_str()));
                return Ok(Self {
                    candidates,
                    notes,
                    classes,
                    empty: reader.survey().without,
                    objects: Some(reader.survey().clone()),
                    column: Some(column),
                    ..none.clone()
                });
            }
            let is_mask = match named {
                Some(named) if rows.image_column().as_deref() == Some(named) => None,
                Some(named) => rows.find_mask(Some(named)).ok(),
                None => rows.mask_column().filter(|_| rows.label_candidates().is_empty()),
            };
            if let Some(column) = is_mask {
                return Ok(Self {
                    notes: boxes_beside(&column),
                    column: Some(column),
                    masks: true,
                    ..none.clone()
                });
            }
            let column = (rows.find_label(named)).map_err(|error| with_boxes_apart(error, rows, named))?;
            let own = rows.clone().columns(&[&column])?;
            if LabelKind::of(own.schema().field(0))? == LabelKind::Number {
                let (numbers, nulls, outside) = numbers(&own.column(cx, &column).await?)?;
                return Ok(Self {
                    kind: Some(LabelKind::Number),
                    problem: (nulls + outside > 0).then(|| {
                        let hold = if outside == 1 { "holds" } else { "hold" };
                        let nulls = counted_with(nulls, "row", ["is", "are"]);
                        format!("{nulls} null and {outside} {hold} no finite number")
                    }),
                    notes: boxes_beside(&column),
                    numbers,
                    nulls,
                    outside,
                    column: Some(column),
                    ..none.clone()
                });
            }
            let survey = AnyLabels::survey(cx, &own, &column).await?;
            let of = rows.len().finite().unwrap_or(0);
            let is_found = named.is_none() && rows.class_names(&column).is_none();
            if is_found && survey.kind == LabelKind::Class && is_row_key(of, &survey.counts) {
                let schema = rows.schema();
                let others = schema.fields().iter().filter(|field| LabelKind::of(field).is_ok());
                let others: Vec<String> = others.map(|field| field.name().clone()).collect();
                return Err(Error::schema(row_key_in_words(&column, of, &others)).with_remedy(Remedy::LabelColumn));
            }
            Ok::<_, Error>(Self {
                classes: match survey.kind {
                    LabelKind::MultiLabel => Class::without_shares(&survey.names, &survey.counts),
                    LabelKind::Class | LabelKind::Number => classes(&survey.names, &survey.counts),
                },
                kind: Some(survey.kind),
                notes: boxes_beside(&survey.column),
                empty: survey.empty,
                problem: survey.error.map(|error| error.to_string()),
                nulls: survey.nulls,
                outside: survey.outside,
                column: Some(survey.column),
                ..none.clone()
            })
        };
        match surveyed.await {
            Err(error) => Self {
                problem: Some(error.to_string()),
                ..none
            },
            Ok(found) => found,
        }
    }

    /// Rows that have a class; where rows have several, the classes of all rows together.
    pub fn classed(&self) -> u64 {
        self.classes.iter().map(|class| class.rows).sum()
    }

    /// A repeat factor that repeats rows of the rarest class about twice, where a row may have several classes; none where every row has every class. `rows` are
    /// all rows.
    pub fn repeat_factor(&self, rows: u64) -> Option<f64> {
        let there = self.classes.iter().map(|class| class.rows).filter(|of| *of > 0);
        let share = there.min()? as f64 / rows.max(1) as f64;
        // The root of the factor over the share says how often.
        (share < 1.0).then(|| (40.0 * share).ceil().clamp(1.0, 10.0) / 10.0)
    }

    /// What a uniform balance costs: passes over the data in an epoch if every row came from disk, the rows that would be held
    /// in memory so that they need not, and the passes that are left then. None where no row has a class.
    pub fn cost(&self) -> Option<(f64, u64, u64)> {
        let times = |class: &Class| class.uniform.map(|times| (times, class.rows));
        let all: Vec<(f64, u64)> = self.classes.iter().filter_map(times).collect();
        let passes = all.iter().map(|(times, _)| times).sum();
        let held = all.iter().filter(|(times, _)| *times > 1.0).map(|(_, rows)| rows).sum();
        let left = all.iter().filter(|(times, _)| *times <= 1.0).count() as u64;
        (!all.is_empty()).then_some((passes, held, left))
    }
}

/// The columns that say the size of each picture.
const SIZES: [&str; 2] = ["width", "height"];

/// The row that has the most boxes, where a run refuses so many.
fn too_many(cx: &Context, rows: &Files, survey: &ObjectSurvey) -> Option<String> {
    let (many, most) = (survey.most, Boxes::MOST as u64);
    (many > most).then(|| {
        let place = rows.provenance(cx, survey.most_row).places.into_iter().next();
        let place = place.map_or_else(|| format!("row {}", survey.most_row), |place| place.to_string());
        format!("{place}: {many} boxes, and a row may have {most} in training: leave some out")
    })
}

/// The `column` of boxes, and those that say the sizes of pictures, where there are such.
pub(super) fn with_sizes(rows: &Files, column: &str) -> Result<Files> {
    let schema = rows.schema();
    let sizes = SIZES.into_iter().filter(|size| schema.index_of(size).is_ok());
    let columns: Vec<&str> = [column].into_iter().chain(sizes).collect();
    rows.clone().columns(&columns)
}

/// The numbers of a column, rows that are null, and rows whose number is not finite.
fn numbers(column: &ArrayRef) -> Result<(Option<Numbers>, u64, u64)> {
    let all = cast(column, &DataType::Float64)?;
    let values = || {
        all.as_primitive::<Float64Type>()
            .iter()
            .flatten()
            .filter(|value| value.is_finite())
    };
    let rows = values().count() as u64;
    let nulls = all.null_count() as u64;
    let outside = all.len() as u64 - nulls - rows;
    let n = rows.max(1) as f64;
    let mean = values().sum::<f64>() / n;
    let numbers = Numbers {
        least: values().fold(f64::INFINITY, f64::min),
        most: values().fold(f64::NEG_INFINITY, f64::max),
        mean,
        std: (values().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt(),
        rows,
    };
    Ok(((rows > 0).then_some(numbers), nulls, outside))
}

fn classes(names: &[String], counts: &[u64]) -> Vec<Class> {
    // Classes without rows get no share.
    let there: Vec<u64> = counts.iter().copied().filter(|&count| count > 0).collect();
    let total = there.iter().sum::<u64>() as f64;
    let shares = |target: Target| -> Result<Vec<f64>> { target.shares(&there, &[]) };
    let (uniform, sqrt) = (shares(Target::Uniform), shares(Target::Sqrt));
    let mut at = 0;
    let class = |(name, &rows): (&String, &u64)| {
        let times = |shares: &Result<Vec<f64>>| {
            let share = shares.as_ref().ok()?.get(at).filter(|_| rows > 0)?;
            Some(share * total / rows as f64)
        };
        let class = Class {
            name: name.clone(),
            rows,
            uniform: times(&uniform),
            sqrt: times(&sqrt),
            boxes: None,
        };
        at += usize::from(rows > 0);
        class
    };
    names.iter().zip(counts).map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_rows_gets_no_share() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let found = Labels {
            classes: classes(&names, &[30, 0, 10]),
            ..Labels::default()
        };
        let times: Vec<_> = found.classes.iter().map(|class| class.uniform).collect();
        assert_eq!(times, [Some(20.0 / 30.0), None, Some(2.0)]);
        let (passes, held, left) = found.cost().unwrap();
        assert!((passes - 8.0 / 3.0).abs() < 1e-12);
        assert_eq!((held, left, found.classed()), (10, 1, 40));
        assert_eq!(Labels::default().cost(), None);
        // Twice as often, where a class is rare enough for that: the root of 0.4 over 0.1.
        for (rows, factor) in [
            ([100, 10], Some(0.4)),
            ([100, 30], Some(1.0)),
            ([50, 1], Some(0.1)),
            ([100, 100], None),
        ] {
            let found = Labels {
                classes: Class::without_shares(&names[..2], &rows),
                ..Labels::default()
            };
            assert_eq!(found.repeat_factor(100), factor, "{rows:?}");
        }
    }
}
