//! What a target column holds.

use crate::columns::is_binary;
use crate::error::{Error, Result};
use crate::rows::{BoxFormat, LabelKind, ObjectLayout};
use arrow::datatypes::{Field, Schema};

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
    /// A mask: a PNG file of grey or palette values, the class of each pixel, up to 254.
    Mask {
        /// The value of pixels that are of no class, if there is one.
        ignore_index: Option<u8>,
    },
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
            Self::Mask { .. } => (
                is_binary(data_type),
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
