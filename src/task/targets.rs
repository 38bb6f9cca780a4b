//! The targets of all rows, read before any picture is.

use super::row_masks::RowMasks;
use super::row_objects::RowObjects;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::order::{Split, random_split};
use crate::rows::{AnyLabels, BoxFormat, LabelKind, Labels, MultiLabels, ObjectLayout};
use arrow::array::{Array, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use arrow::ipc::writer::StreamWriter;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// What a target column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One class a row: integers, booleans or strings.
    Class,
    /// A list of classes a row: lists of integers or strings.
    MultiLabel,
    /// A number a row: integers up to 2^53, floating-point numbers or decimals. At most 1e37 in size, since tensors are of 32 bits.
    Number,
    /// Boxes with a class each, in this format: a struct of lists or a list of structs, as [`ObjectLayout`] has it.
    Objects(BoxFormat),
    /// A mask: a PNG file of grey or palette values, the class of each pixel. 255 is no class.
    Mask,
    /// Anything else: the task alone reads it, and says by [`fits`](super::Task::fits) which columns it
    /// can read.
    Other,
}

impl TargetKind {
    /// Refuses a column of another type.
    ///
    /// # Errors
    ///
    /// `Schema` with what the column holds.
    pub(super) fn check(self, field: &Field) -> Result<()> {
        let data_type = field.data_type();
        let (fits, wanted) = match self {
            Self::Class => {
                let class = matches!(LabelKind::of(field), Ok(LabelKind::Class));
                (class, "one class a row is an integer, a boolean or a string")
            }
            Self::MultiLabel => {
                let list = matches!(LabelKind::of(field), Ok(LabelKind::MultiLabel));
                (list, "a list of classes is a list of integers or strings")
            }
            Self::Number => (
                data_type.is_numeric(),
                "a number is an integer, a floating-point number or a decimal",
            ),
            Self::Objects(_) => {
                let schema = Schema::new(vec![field.clone()]);
                return ObjectLayout::of(&schema, field.name()).map(|_| ());
            }
            Self::Mask => (
                matches!(
                    data_type,
                    DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
                ),
                "a mask is a PNG file in a column of binary values or of pictures",
            ),
            Self::Other => (true, ""),
        };
        match fits {
            true => Ok(()),
            false => Err(Error::schema(format!(
                "column {:?} holds {data_type}; {wanted}",
                field.name()
            ))),
        }
    }
}

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
    /// Reads the targets in `column` of `rows`; with the classes of `like`, where that is given.
    ///
    /// # Errors
    ///
    /// As [`Labels::scan`], [`MultiLabels::scan`] and their `scan_as`; `Data` for a null and for a number that is not finite, with
    /// the place of the first one and how many there are.
    pub(crate) fn scan(
        cx: &Context,
        rows: &impl Stable,
        column: &str,
        kind: TargetKind,
        like: Option<&Self>,
    ) -> Result<Self> {
        cx.block_on(Self::read(cx, rows, column, kind, like))
    }

    /// Reads the targets in `column` of `rows`, with the classes `names` of a model.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan); `Data` for a class that is none of `names`, with its name and place.
    pub(crate) fn scan_names(
        cx: &Context,
        rows: &impl Stable,
        column: &str,
        kind: TargetKind,
        names: &[String],
    ) -> Result<Self> {
        match kind {
            TargetKind::Class => {
                let labels = cx.block_on(Labels::scan_names(cx, rows, column, names))?;
                Ok(Self::Class(Arc::new(labels)))
            }
            TargetKind::MultiLabel => {
                let labels = cx.block_on(MultiLabels::scan_names(cx, rows, column, names))?;
                Ok(Self::MultiLabel(Arc::new(labels)))
            }
            TargetKind::Objects(format) => {
                let objects = cx.block_on(RowObjects::scan(cx, rows, column, format, Some(names)))?;
                Ok(Self::Objects(Arc::new(objects)))
            }
            TargetKind::Mask => {
                let masks = cx.block_on(RowMasks::scan(cx, rows, column, Some(names)))?;
                Ok(Self::Masks(Arc::new(masks)))
            }
            TargetKind::Number | TargetKind::Other => Self::scan(cx, rows, column, kind, None),
        }
    }

    async fn read(
        cx: &Context,
        rows: &impl Stable,
        column: &str,
        kind: TargetKind,
        like: Option<&Self>,
    ) -> Result<Self> {
        Ok(match (kind, like) {
            (TargetKind::Class, Some(Self::Class(like))) => {
                Self::Class(Arc::new(Labels::scan_as(cx, rows, column, like).await?))
            }
            (TargetKind::Class, _) => Self::Class(Arc::new(Labels::scan(cx, rows, column).await?)),
            (TargetKind::MultiLabel, Some(Self::MultiLabel(like))) => {
                Self::MultiLabel(Arc::new(MultiLabels::scan_as(cx, rows, column, like).await?))
            }
            (TargetKind::MultiLabel, _) => Self::MultiLabel(Arc::new(MultiLabels::scan(cx, rows, column).await?)),
            (TargetKind::Number, _) => Self::Number(numbers(cx, rows, column).await?),
            (TargetKind::Objects(format), like) => {
                let names = like.map(Self::names);
                Self::Objects(Arc::new(RowObjects::scan(cx, rows, column, format, names).await?))
            }
            (TargetKind::Mask, like) => {
                let names = like.map(Self::names);
                Self::Masks(Arc::new(RowMasks::scan(cx, rows, column, names).await?))
            }
            (TargetKind::Other, _) => {
                let all = rows.column(cx, column).await?;
                let schema = rows.schema();
                let field = schema.field(index_of(&schema, column)?).clone();
                Self::Other {
                    rows: all.len() as u64,
                    hash: hash_of(&RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![all])?)?,
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

    /// Rows of each class; a row with several, such as a mask, counts for each of them. Of boxes, how many are of each class.
    pub fn counts(&self) -> Vec<u64> {
        match self {
            Self::Class(labels) => labels.counts(),
            Self::MultiLabel(labels) => labels.counts(),
            Self::Objects(objects) => objects.counts(),
            Self::Masks(masks) => masks.counts(),
            Self::Number(_) | Self::Other { .. } => Vec::new(),
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

    /// What there is to say of how classes of two sets were matched, or of boxes that are left out.
    pub(crate) fn remark(&self) -> Option<String> {
        match self {
            Self::Class(labels) => labels.remark().map(str::to_owned),
            Self::MultiLabel(labels) => labels.remark().map(str::to_owned),
            Self::Objects(objects) => objects.reader().survey().remark(),
            Self::Number(_) | Self::Masks(_) | Self::Other { .. } => None,
        }
    }

    /// Holds out about `share` of the rows: of each class where there are classes, else at random.
    pub(crate) fn split(&self, share: f64, seed: u64) -> Split {
        match self {
            Self::Class(labels) => AnyLabels::from(labels).split(share, seed),
            Self::MultiLabel(labels) => AnyLabels::from(labels).split(share, seed),
            Self::Number(_) | Self::Objects(_) | Self::Masks(_) | Self::Other { .. } => {
                random_split(self.len(), share, seed)
            }
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
    /// ([`objects`](crate::DatasetExt::objects)), all else as it is.
    pub(crate) fn of_rows(&self, rows: impl Stable) -> Result<Arc<dyn Stable>> {
        Ok(match self {
            Self::Class(labels) => Arc::new(rows.with_labels(labels)?),
            Self::MultiLabel(labels) => Arc::new(rows.with_labels(labels)?),
            Self::Objects(objects) => Arc::new(rows.objects_by(objects.reader().clone())?),
            Self::Number(_) | Self::Masks(_) | Self::Other { .. } => Arc::new(rows),
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

fn hash_of(column: &RecordBatch) -> Result<u64> {
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &column.schema())?;
    writer.write(column)?;
    writer.finish()?;
    drop(writer);
    let mut hasher = Xxh3::new();
    hasher.update(&bytes);
    Ok(hasher.digest())
}
