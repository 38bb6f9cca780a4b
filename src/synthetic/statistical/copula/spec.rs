use crate::error::Result;
use crate::image::check_number;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters with which a [`CopulaModel`](super::CopulaModel) is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CopulaSpec {
    /// Columns of numbers that hold categories (codes of countries, say). Strings and booleans are categories anyway. Defaults to none.
    pub categories: Vec<String>,
    /// Rows with the correlations of all classes that are added to those of each class, up to 1,000,000: the fewer rows a class has, the nearer are
    /// its correlations to those of all. Defaults to as many as a row has values.
    pub prior_rows: Option<f64>,
    /// Rows of a class that are looked at, evenly spread over it: at least 2. Defaults to 10,000, of which correlations are known to 0.01.
    pub most_rows: u64,
}

impl Default for CopulaSpec {
    fn default() -> Self {
        Self {
            categories: Vec::new(),
            prior_rows: None,
            most_rows: 10_000,
        }
    }
}

impl Spec for CopulaSpec {
    const NAME: &'static str = "copula";

    fn check(&self) -> Result<()> {
        check_number("most_rows", self.most_rows, 2..=u64::MAX)?;
        match self.prior_rows {
            Some(rows) => check_number("prior_rows", rows, 0.0..=1e6),
            None => Ok(()),
        }
    }
}
