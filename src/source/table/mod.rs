//! A simulator of tables: columns that are drawn or follow from other columns.

mod column;
mod compiled;
mod distribution;
mod expression;
mod parameter;
mod rows;
mod simulator;
mod spec;

pub use column::{ConstantValue, LogNormal, Mean, Normal, Probability, TableColumn, Uniform};
pub use parameter::{ClassParameter, Parameter};
pub use rows::Table;
pub(crate) use simulator::{ColumnKind, Simulator};
pub use spec::TableSpec;
