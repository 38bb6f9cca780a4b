use super::parameter::Parameter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the values of one column come about: exactly one of a distribution, `categorical`, `constant` and `equation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableColumn {
    /// The normal distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal: Option<Normal>,
    /// The uniform distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uniform: Option<Uniform>,
    /// The log-normal distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lognormal: Option<LogNormal>,
    /// The exponential distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exponential: Option<Mean>,
    /// Poisson's distribution: whole numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poisson: Option<Mean>,
    /// 1 with probability `p`, else 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bernoulli: Option<Probability>,
    /// One of these texts, each in proportion to its weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categorical: Option<BTreeMap<String, Parameter>>,
    /// The same number or text in every row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<ConstantValue>,
    /// What follows from other columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equation: Option<Parameter>,
    /// Deviation of normal noise that is added. Defaults to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<Parameter>,
    /// Smaller values, with their noise, become this one. Defaults to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Larger values, with their noise, become this one. Defaults to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Whether values are rounded, at last, and the column holds integers. Defaults to false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// The probability with which a value is missing: a share, or an equation of any columns, this one among them; a condition is 1 or 0. Other columns
    /// follow from the value that is missing here. Defaults to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Parameter>,
}

/// The parameters of a normal distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normal {
    /// Its mean.
    pub mean: Parameter,
    /// Its deviation, at least 0.
    pub std: Parameter,
}

/// The parameters of a uniform distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uniform {
    /// Its least value.
    pub low: Parameter,
    /// What its values are below.
    pub high: Parameter,
}

/// The parameters of a log-normal distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogNormal {
    /// The mean of the logarithm.
    pub mean: Parameter,
    /// The deviation of the logarithm, at least 0.
    pub std: Parameter,
}

/// The parameter of an exponential distribution, and of Poisson's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    /// Its mean, at least 0; of Poisson's up to 10^9.
    pub mean: Parameter,
}

/// The parameter of a Bernoulli distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probability {
    /// The probability of a 1, 0 to 1.
    pub p: Parameter,
}

/// What is the same in every row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or a text")]
pub enum ConstantValue {
    /// A number.
    Number(f64),
    /// A category.
    Text(String),
}
