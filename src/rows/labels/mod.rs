//! The classes of every row: a scan of the label column.

mod any;
mod coding;
mod column;
mod expression;
mod key;
mod kind;
mod lists;
mod multi;
mod product;
mod rarest;
mod row_key;
mod single;
mod survey;
mod table;
mod tally;

pub use any::AnyLabels;
pub(super) use coding::numbers_read_as;
pub use expression::Expression;
pub use key::{Bins, Equals, Key};
pub use kind::LabelKind;
pub use multi::MultiLabels;
pub(crate) use row_key::{is_row_key, row_key_in_words};
pub use single::Labels;
pub use survey::Survey;

/// Field metadata that holds a label column's class names as a JSON array of strings. A column of lists has it as well, not the
/// items.
pub const CLASS_NAMES: &str = crate::source::CLASSES;
