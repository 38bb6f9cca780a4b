//! What the labels of a column are, by its type.

use crate::columns::{is_binary, list_item};
use crate::error::{Error, Result};
use arrow::datatypes::{DataType, Field};
use serde::Serialize;

/// What the label of a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelKind {
    /// One class: an integer, a boolean or a string.
    Class,
    /// Any number of classes: a list of integers or strings (multi-label).
    MultiLabel,
    /// A number to be predicted (regression target): floating-point or decimal.
    Number,
}

impl LabelKind {
    /// What the labels in a column of `field`'s type are. The type alone decides: integers are classes, so cast a regression
    /// target of whole numbers to a floating-point type.
    ///
    /// ```
    /// use arrow::datatypes::{DataType, Field};
    /// use millstream::rows::LabelKind;
    ///
    /// let tags = Field::new_list("tags", Field::new_list_field(DataType::Utf8, true), true);
    /// assert_eq!(LabelKind::of(&tags)?, LabelKind::MultiLabel);
    /// assert_eq!(LabelKind::of(&Field::new("price", DataType::Float32, true))?, LabelKind::Number);
    /// assert_eq!(LabelKind::of(&Field::new("stars", DataType::UInt8, true))?, LabelKind::Class);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` for a type that holds no labels.
    pub fn of(field: &Field) -> Result<Self> {
        let (name, data_type) = (field.name(), field.data_type());
        let why = match data_type {
            of_class if is_class(of_class) => return Ok(Self::Class),
            number if number.is_floating() || number.is_decimal() => return Ok(Self::Number),
            list => match item(list) {
                Some(item) if is_class(item) && *item != DataType::Boolean => return Ok(Self::MultiLabel),
                Some(_) => {
                    "a list of labels holds integers or strings; probabilities and multi-hot rows are no lists of classes, but \
                     numbers to be read as they are"
                }
                None => unfit(data_type),
            },
        };
        Err(Error::schema(format!("column \"{name}\" holds {data_type}; {why}")))
    }

    /// Refuses any other kind than one class a row; `what` needs that.
    pub(crate) fn one_class(field: &Field, what: &str) -> Result<()> {
        let of_several = "make a column with one class a row from it with map, the rarest one for example";
        Self::one_class_or(field, what, of_several)
    }

    /// As [`one_class`](Self::one_class), for a balance: that of rows with several classes has a method of its own.
    pub(crate) fn one_class_to_balance(field: &Field) -> Result<()> {
        let of_several = "balance by the rarest class of each row with `balance_rarest`, or make a column with one class a row from it \
                          with map";
        Self::one_class_or(field, "a balance", of_several)
    }

    /// As [`one_class`](Self::one_class), with what is to be done about rows of several classes.
    fn one_class_or(field: &Field, what: &str, of_several: &str) -> Result<()> {
        let (name, data_type) = (field.name(), field.data_type());
        let why = match Self::of(field)? {
            Self::Class => return Ok(()),
            Self::MultiLabel => format!("a row has several classes (multi-label), and {what} needs one: {of_several}"),
            Self::Number => format!(
                "a number (regression target) has no class, and {what} needs one: use the column as it is for a regression, or \
                 make a column of classes from it with map, by bins for example"
            ),
        };
        Err(Error::schema(format!("column \"{name}\" holds {data_type}: {why}")))
    }
}

/// The type of what the lists of `data_type` hold; none where it is no list.
pub(super) fn item(data_type: &DataType) -> Option<&DataType> {
    list_item(data_type).map(|item| item.data_type())
}

/// Whether each value of `data_type` may be a class.
fn is_class(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_class(values),
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        data_type => data_type.is_integer(),
    }
}

/// Why a column of `data_type` holds no labels.
fn unfit(data_type: &DataType) -> &'static str {
    match data_type {
        of if is_binary(of) => "labels are integers or strings, or lists of them: store text as strings",
        DataType::Struct(_) => {
            "labels are integers or strings, or lists of them: store the field with the label as a column"
        }
        _ => "labels are integers or strings, or lists of them",
    }
}
