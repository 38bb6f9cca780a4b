//! Equations of a row's values: `90 + 0.5 * age + if(smoker > 0, 12, 0)`.

mod parse;
mod tree;

pub(super) use parse::parse;
pub(super) use tree::{Expression, Values};
