//! Class labels as probabilities.

use crate::columns::{tensor_field, tensor_values};
use crate::error::{Error, Result};
use crate::rows::CLASS_NAMES;
use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type};

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
pub(crate) fn field(field: &Field, classes: usize) -> Result<Field> {
    let soft = tensor_field(field.name(), &DataType::Float32, &[classes])?;
    let mut metadata = soft.metadata().clone();
    metadata.extend(
        field
            .metadata()
            .get_key_value(CLASS_NAMES)
            .map(|(k, v)| (k.clone(), v.clone())),
    );
    Ok(soft.with_metadata(metadata))
}

/// The labels of some rows.
pub(crate) enum Soft {
    Numbers(Int64Array),
    Probabilities(Float32Array),
}

impl Soft {
    pub(crate) fn of(column: &ArrayRef) -> Result<Self> {
        if let Some((list, values, width)) = tensor_values(column) {
            let start = list.value_offset(0) as usize;
            return Ok(Self::Probabilities(values.slice(start, list.len() * width)));
        }
        if column.data_type().is_integer() {
            let numbers = cast(column, &DataType::Int64)?;
            return Ok(Self::Numbers(numbers.as_primitive::<Int64Type>().clone()));
        }
        Err(Error::data("a label is null"))
    }

    /// Adds `weight` times the probabilities of `row` to `out`.
    pub(crate) fn add(&self, row: usize, weight: f32, out: &mut [f32]) -> Result<()> {
        match self {
            Self::Numbers(numbers) if numbers.is_null(row) => return Err(Error::data("the label is null")),
            Self::Numbers(numbers) => {
                let (class, classes) = (numbers.value(row), out.len());
                let slot = usize::try_from(class).ok().and_then(|class| out.get_mut(class));
                *slot.ok_or_else(|| Error::data(format!("label {class} is outside the {classes} classes")))? += weight;
            }
            Self::Probabilities(values) => {
                let own = &values.values()[row * out.len()..][..out.len()];
                out.iter_mut().zip(own).for_each(|(out, value)| *out += weight * value);
            }
        }
        Ok(())
    }
}
