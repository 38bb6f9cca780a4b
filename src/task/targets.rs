//! The targets of all rows, read before any picture is.

use super::mask_rows::MaskRows;
use super::object_rows::ObjectRows;
use super::row_masks::RowMasks;
use super::row_objects::RowObjects;
pub use super::target_kind::TargetKind;
use super::target_reading::TargetReading;
use crate::columns::batch_file;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::rows::{AnyLabels, KnownClasses, Labels, MultiLabels};
use arrow::array::{Array, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Schema};
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The targets of all rows of a set.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// One class a row.
    Class(Arc<Labels>),
    /// A list of classes a row.
    MultiLabel(Arc<MultiLabels>),
    /// A number a row.
    Number(Arc<[f64]>),
    /// Boxes with a class each.
    Objects(Arc<RowObjects>),
    /// A mask a row.
    Masks(Arc<RowMasks>),
    /// What only the task can read: rows, and a hash of the column.
    Other {
        /// Rows.
        rows: u64,
        /// A hash of all targets.
        hash: u64,
    },
}

impl Targets {
    /// Reads the targets of `rows`; with the classes of `like`, where that is given.
    ///
    /// # Errors
    ///
    /// As [`Labels::scan`], [`MultiLabels::scan`] and their `scan_as`; `Data` for a null and for a number that is not finite, with
    /// the place of the first one and how many there are.
    pub(crate) fn scan(
        cx: &Context,
        rows: &impl Stable,
        reading: &TargetReading<'_>,
        like: Option<&Self>,
    ) -> Result<Self> {
        cx.block_on(Self::read(cx, rows, reading, like))
    }

    /// Reads the targets of `rows`, with the classes `names` of a model.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan); `Data` for a class that is none of `names`, with its name and place.
    pub(crate) fn scan_names(
        cx: &Context,
        rows: &impl Stable,
        reading: &TargetReading<'_>,
        names: &[String],
    ) -> Result<Self> {
        let column = reading.column;
        match reading.kind {
            TargetKind::Class => {
                let labels = cx.block_on(Labels::scan_names(cx, rows, column, names))?;
                Ok(Self::Class(Arc::new(labels)))
            }
            TargetKind::MultiLabel => {
                let labels = cx.block_on(MultiLabels::scan_names(cx, rows, column, names))?;
                Ok(Self::MultiLabel(Arc::new(labels)))
            }
            TargetKind::Objects(_) => {
                let objects = cx.block_on(RowObjects::scan(cx, rows, reading, Some(KnownClasses::named(names))))?;
                Ok(Self::Objects(Arc::new(objects)))
            }
            TargetKind::Mask { .. } => {
                let masks = cx.block_on(RowMasks::scan(cx, rows, reading, Some(names)))?;
                Ok(Self::Masks(Arc::new(masks)))
            }
            TargetKind::Number | TargetKind::Other => Self::scan(cx, rows, reading, None),
        }
    }

    async fn read(cx: &Context, rows: &impl Stable, reading: &TargetReading<'_>, like: Option<&Self>) -> Result<Self> {
        let column = reading.column;
        Ok(match (reading.kind, like) {
            (TargetKind::Class, Some(Self::Class(like))) => {
                Self::Class(Arc::new(Labels::scan_as(cx, rows, column, like).await?))
            }
            (TargetKind::Class, _) => Self::Class(Arc::new(Labels::scan(cx, rows, column).await?)),
            (TargetKind::MultiLabel, Some(Self::MultiLabel(like))) => {
                Self::MultiLabel(Arc::new(MultiLabels::scan_as(cx, rows, column, like).await?))
            }
            (TargetKind::MultiLabel, _) => Self::MultiLabel(Arc::new(MultiLabels::scan(cx, rows, column).await?)),
            (TargetKind::Number, _) => Self::Number(numbers(cx, rows, column).await?),
            (TargetKind::Objects(_), like) => {
                let known = like.map(|like| match like {
                    Self::Objects(like) => like.reader().known_classes(),
                    like => KnownClasses::named(like.names()),
                });
                Self::Objects(Arc::new(RowObjects::scan(cx, rows, reading, known).await?))
            }
            (TargetKind::Mask { .. }, like) => {
                let names = like.map(Self::names);
                Self::Masks(Arc::new(RowMasks::scan(cx, rows, reading, names).await?))
            }
            (TargetKind::Other, _) => {
                let all = rows.column(cx, column).await?;
                let schema = rows.schema();
                let field = schema.field(index_of(&schema, column)?).clone();
                let column = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![all])?;
                Self::Other {
                    rows: column.num_rows() as u64,
                    hash: xxh3_64(&batch_file::stream(&column)?),
                }
            }
        })
    }

    /// Rows.
    pub fn len(&self) -> u64 {
        match self {
            Self::Class(labels) => labels.len(),
            Self::MultiLabel(labels) => labels.len(),
            Self::Number(numbers) => numbers.len() as u64,
            Self::Objects(objects) => objects.len(),
            Self::Masks(masks) => masks.len(),
            Self::Other { rows, .. } => *rows,
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the classes; none where there are none.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Class(labels) => labels.names(),
            Self::MultiLabel(labels) => labels.names(),
            Self::Objects(objects) => objects.names(),
            Self::Masks(masks) => masks.names(),
            Self::Number(_) | Self::Other { .. } => &[],
        }
    }

    /// Rows of each class; a row with several, such as a mask, counts for each of them. Of boxes, how many are of each class, crowds left
    /// out.
    pub fn counts(&self) -> Vec<u64> {
        match self {
            Self::Class(labels) => labels.counts(),
            Self::MultiLabel(labels) => labels.counts(),
            Self::Objects(objects) => objects.counts(),
            Self::Masks(masks) => masks.counts(),
            Self::Number(_) | Self::Other { .. } => Vec::new(),
        }
    }

    /// Rows that have each class, of boxes as well: a row with several counts for each of them, once.
    pub fn rows_of_class(&self) -> Vec<u64> {
        match self {
            Self::Objects(objects) => objects.rows_of_class(),
            others => others.counts(),
        }
    }

    /// The numbers of the classes without a row.
    pub(super) fn absent(&self) -> Vec<usize> {
        let classes = self.counts().into_iter().enumerate();
        classes.filter(|(_, rows)| *rows == 0).map(|(class, _)| class).collect()
    }

    /// Why the target of a row cannot be read, where such rows are to be skipped.
    pub(crate) fn bad(&self, row: u64) -> Option<&str> {
        match self {
            Self::Masks(masks) => masks.bad(row),
            _ => None,
        }
    }

    /// The labels, where each row has one class.
    pub fn one_class(&self) -> Option<&Arc<Labels>> {
        match self {
            Self::Class(labels) => Some(labels),
            _ => None,
        }
    }

    /// The classes of each row, where it may have several: those of a list, of its boxes or of its mask.
    pub(crate) fn several_classes(&self) -> Result<Option<Arc<MultiLabels>>> {
        Ok(match self {
            Self::MultiLabel(labels) => Some(Arc::clone(labels)),
            Self::Objects(objects) => Some(Arc::new(objects.classes()?)),
            Self::Masks(masks) => Some(Arc::new(masks.classes()?)),
            Self::Class(_) | Self::Number(_) | Self::Other { .. } => None,
        })
    }

    /// The classes of a row, each with how many [count](Self::counts): one, or its boxes of the class.
    pub(crate) fn classes_of(&self, row: u64) -> Vec<(u32, u64)> {
        match self {
            Self::Class(labels) => vec![(labels.class(row), 1)],
            Self::MultiLabel(labels) => labels.classes(row).map(|class| (class, 1)).collect(),
            Self::Objects(objects) => {
                let all = objects.of_row(row).iter();
                all.map(|&(class, many)| (class, many.into())).collect()
            }
            Self::Masks(masks) => masks.of_row(row).map(|class| (class, 1)).collect(),
            Self::Number(_) | Self::Other { .. } => Vec::new(),
        }
    }

    /// What there is to say of how classes of two sets were matched, and of boxes and pixels that are left out.
    pub(crate) fn remark(&self) -> Option<String> {
        match self {
            Self::Class(labels) => labels.remark().map(str::to_owned),
            Self::MultiLabel(labels) => labels.remark().map(str::to_owned),
            Self::Objects(objects) => objects.remark(),
            Self::Masks(masks) => masks.remark(),
            Self::Number(_) | Self::Other { .. } => None,
        }
    }

    /// The labels by which a split is stratified; none where it is not.
    pub(crate) fn stratified_by(&self) -> Option<AnyLabels> {
        match self {
            Self::Class(labels) => Some(labels.into()),
            Self::MultiLabel(labels) => Some(labels.into()),
            Self::Number(_) | Self::Objects(_) | Self::Masks(_) | Self::Other { .. } => None,
        }
    }

    /// The targets of `rows` alone, which are rows of `all`.
    pub(crate) fn select(&self, rows: &[u64]) -> Self {
        match self {
            Self::Class(labels) => Self::Class(Arc::new(labels.select(rows))),
            Self::MultiLabel(labels) => Self::MultiLabel(Arc::new(labels.select(rows))),
            Self::Number(numbers) => Self::Number(rows.iter().map(|&row| numbers[row as usize]).collect()),
            Self::Objects(objects) => Self::Objects(Arc::new(objects.select(rows))),
            Self::Masks(masks) => Self::Masks(Arc::new(masks.select(rows))),
            Self::Other { hash, .. } => {
                let mut hasher = Xxh3::new();
                hasher.update(&hash.to_le_bytes());
                rows.iter().for_each(|row| hasher.update(&row.to_le_bytes()));
                Self::Other {
                    rows: rows.len() as u64,
                    hash: hasher.digest(),
                }
            }
        }
    }

    /// `rows` with these as their targets: classes as class numbers, boxes as columns of their own
    /// ([`ObjectRows`]), all else as it is.
    pub(crate) fn of_rows(&self, rows: impl Stable) -> Result<Arc<dyn Stable>> {
        Ok(match self {
            Self::Class(labels) => Arc::new(rows.with_labels(labels)?),
            Self::MultiLabel(labels) => Arc::new(rows.with_labels(labels)?),
            Self::Objects(objects) => Arc::new(ObjectRows::new(rows, objects)?),
            Self::Masks(masks) => Arc::new(MaskRows::new(rows, masks.column())?),
            Self::Number(_) | Self::Other { .. } => Arc::new(rows),
        })
    }

    /// A hash over the targets of all rows.
    pub(crate) fn hash(&self) -> u64 {
        match self {
            Self::Class(labels) => AnyLabels::from(labels).hash(),
            Self::MultiLabel(labels) => AnyLabels::from(labels).hash(),
            Self::Number(numbers) => {
                let mut hasher = Xxh3::new();
                numbers.iter().for_each(|number| hasher.update(&number.to_le_bytes()));
                hasher.digest()
            }
            Self::Objects(objects) => objects.hash(),
            Self::Masks(masks) => masks.hash(),
            Self::Other { hash, .. } => *hash,
        }
    }

    /// A hash of the target of `row`, where its [words](Self::in_words) do not say all of it: of boxes and masks; else 0.
    pub(crate) fn hash_of_row(&self, row: u64) -> u64 {
        match self {
            Self::Objects(objects) => objects.hash_of_row(row),
            Self::Masks(masks) => masks.hash_of_row(row),
            Self::Class(_) | Self::MultiLabel(_) | Self::Number(_) | Self::Other { .. } => 0,
        }
    }

    /// The target of `row` in words; empty where only the task can read it.
    pub(crate) fn in_words(&self, row: u64) -> String {
        let name = |class: u32| self.names().get(class as usize).cloned().unwrap_or_default();
        match self {
            Self::Class(labels) => name(labels.class(row)),
            Self::MultiLabel(labels) => labels.classes(row).map(name).collect::<Vec<_>>().join(" | "),
            Self::Number(numbers) => numbers.get(row as usize).map(f64::to_string).unwrap_or_default(),
            Self::Objects(objects) => objects.in_words(row),
            Self::Masks(masks) => masks.in_words(row),
            Self::Other { .. } => String::new(),
        }
    }
}

/// The largest number that is learnt. Predictions of it are numbers of 32 bits, which end at 3.4e38, and may be some times as large.
const LARGEST: f64 = 1e37;
/// Up to there every whole number is one of 64 bits.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// The numbers in `column`.
async fn numbers(cx: &Context, rows: &impl Stable, column: &str) -> Result<Arc<[f64]>> {
    let all = rows.column(cx, column).await?;
    let numbers = cast(&all, &DataType::Float64)?;
    let numbers: &Float64Array = numbers.as_primitive::<Float64Type>();
    let largest = match all.data_type().is_integer() {
        true => WHOLE,
        false => LARGEST,
    };
    let is_bad = |row: &usize| {
        let value = numbers.value(*row);
        numbers.is_null(*row) || !value.is_finite() || value.abs() > largest
    };
    let bad = (0..numbers.len()).filter(is_bad).count();
    if let Some(first) = (0..numbers.len()).find(is_bad) {
        let what = match numbers.value(first) {
            _ if numbers.is_null(first) => "is null".to_owned(),
            value if !value.is_finite() => format!("is {value}, which is not finite"),
            value => {
                format!("is {value:e}, and numbers are at most {largest:e} in size: subtract or divide by a constant")
            }
        };
        let place = rows.provenance(cx, first as u64).places.into_iter().next();
        let place = place.map_or_else(|| format!("row {first}"), |place| place.to_string());
        let rest = match bad {
            1 => String::new(),
            bad => format!("; {bad} rows have no such number"),
        };
        return Err(Error::data(format!("column {column:?} {what}{rest}")).context(place));
    }
    Ok(numbers.values().iter().copied().collect())
}
