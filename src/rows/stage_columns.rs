use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// On which columns a stage works, beside its own parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StageColumns {
    /// The column that it turns into another.
    pub(crate) column: String,
    /// The column of labels, if it needs one.
    pub(crate) label: Option<String>,
}

impl Spec for StageColumns {
    const NAME: &'static str = "columns";
}
