use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A number of a [`TableColumn`](super::TableColumn): itself, an equation of other columns, or one of these for each class.
///
/// ```toml
/// mean = 50
/// mean = "20 + 0.5 * age"
/// mean = { sick = 60, otherwise = "20 + 0.5 * age" }
/// ```
///
/// An equation has numbers, columns, `+ - * / ^`, parentheses, comparisons (`< <= > >= == !=`, which are 1 or 0), and `min`, `max`, `exp`, `log`,
/// `sqrt`, `abs` and `if(condition, then, else)`. The name of a column that is not made of letters, digits and `_` stands in backticks. A column of
/// categories is compared with a text: `if(region == "north", 2, 1)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, an equation in quotes, or a table of these by class"
)]
pub enum Parameter {
    /// A number.
    Number(f64),
    /// An equation of other columns.
    Equation(String),
    /// One for each class by its name; that of `otherwise` for the classes that are not named.
    ByClass(BTreeMap<String, ClassParameter>),
}

/// A number of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or an equation in quotes")]
pub enum ClassParameter {
    /// A number.
    Number(f64),
    /// An equation of other columns.
    Equation(String),
}

impl From<f64> for Parameter {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Parameter {
    fn from(equation: &str) -> Self {
        Self::Equation(equation.to_owned())
    }
}
