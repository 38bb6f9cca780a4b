//! Class labels as probabilities.

use crate::error::{Error, Result};
use crate::rows::{CLASS_NAMES, DType, Output, Row};
use arrow::datatypes::{DataType, Field};

/// The classes of the label column `field`: those of its names, of its width where it holds probabilities already, or the
/// number that was `given`.
pub(crate) fn classes(field: &Field, given: Option<usize>) -> Result<usize> {
    let (label, kind) = (field.name(), field.data_type());
    let known = match kind {
        DataType::FixedSizeList(item, width) if *item.data_type() == DataType::Float32 => Some(*width as usize),
        kind if kind.is_integer() => names(field)?,
        _ => {
            return Err(Error::schema(format!(
                "column \"{label}\" holds {kind}, not class numbers; `classes` makes them"
            )));
        }
    };
    match (known, given) {
        (Some(known), Some(given)) if known != given => Err(Error::config(format!(
            "num_classes is {given}, but column \"{label}\" has {known} classes"
        ))),
        (known, given) => known.or(given).filter(|&classes| classes > 0).ok_or_else(|| {
            Error::config(format!(
                "column \"{label}\" does not say how many classes there are: use `classes` below, or `num_classes`"
            ))
        }),
    }
}

/// The number of class names in the field's metadata.
fn names(field: &Field) -> Result<Option<usize>> {
    let parse = |json: &String| serde_json::from_str::<Vec<String>>(json);
    let names = field.metadata().get(CLASS_NAMES).map(parse).transpose();
    let names = names.map_err(|error| {
        let label = field.name();
        Error::schema(format!("column \"{label}\": class names are no JSON array: {error}"))
    })?;
    Ok(names.map(|names| names.len()))
}

/// The column of probabilities that takes the place of the label column `field`: f32 tensors of shape `[classes]`.
pub(super) fn output(field: &Field, classes: usize) -> Output {
    let output = Output::fixed(field.name(), DType::F32, [classes]);
    match field.metadata().get(CLASS_NAMES) {
        Some(names) => output.metadata(CLASS_NAMES, names),
        None => output,
    }
}

/// What labels are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Soft {
    /// Class numbers.
    Numbers,
    /// A probability of each class.
    Probabilities,
}

impl Soft {
    pub(super) fn of(field: &Field) -> Self {
        match field.data_type() {
            DataType::FixedSizeList(..) => Self::Probabilities,
            _ => Self::Numbers,
        }
    }

    /// Adds `weight` times the probabilities of `row` to `out`. The labels are its column 1.
    pub(super) fn add(self, row: &Row<'_>, weight: f32, out: &mut [f32]) -> Result<()> {
        match self {
            Self::Numbers if row.is_null(1) => return Err(row.blame_column(1, Error::data("the label is null"))),
            Self::Numbers => {
                let (class, classes) = (row.values::<i64>(1)?[0], out.len());
                let slot = usize::try_from(class).ok().and_then(|class| out.get_mut(class));
                let wrong = || {
                    row.blame_column(
                        1,
                        Error::data(format!("label {class} is outside the {classes} classes")),
                    )
                };
                *slot.ok_or_else(wrong)? += weight;
            }
            Self::Probabilities => {
                let own = row.values::<f32>(1)?;
                out.iter_mut().zip(own).for_each(|(out, value)| *out += weight * value);
            }
        }
        Ok(())
    }
}
