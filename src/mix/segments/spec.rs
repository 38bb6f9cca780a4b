//! The parameters of a balance by segments.

use crate::error::{Error, Result};
use crate::mix::target::Target;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of [`Segments`](super::Segments).
///
/// ```
/// use millstream::mix::{SegmentsSpec, Target};
///
/// let spec: SegmentsSpec = serde_json::from_str(r#"{ "rows": 4096, "emit": 1024, "target": "sqrt" }"#)?;
/// assert_eq!((spec.rows, spec.emit, spec.target), (4096, Some(1024), Target::Sqrt));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct SegmentsSpec {
    /// The column of labels. Defaults to `label`.
    pub column: String,
    /// Rows of the stream in a segment, in 1 to [2^53](Self::MOST). Defaults to 1024.
    pub rows: u64,
    /// Rows that come of each segment, in 1 to [2^53](Self::MOST): fewer leave out rows of large classes, more repeat those of small ones. Defaults to as many as it has.
    pub emit: Option<u64>,
    /// What share of the rows of a segment each class has; of a class that has none in a segment the share goes to the others there. Defaults to uniform.
    pub target: Target,
    /// The classes, where the column has no class names of its own: a stream has no end that could be scanned for them. Defaults to those of the column.
    pub classes: Vec<String>,
    /// Bytes that a segment may take in memory, however large the budget of the context is: a large row is found out by it. A segment also has to fit into its
    /// part of the budget (see [`Segments`](super::Segments)). Defaults to 64 MiB.
    pub most_bytes: u64,
}

impl SegmentsSpec {
    /// The most rows that a segment has or that come of it, and the most that come in an epoch: beyond, the numbers by which rows are counted and shared out
    /// (`f64`) leave some out.
    pub const MOST: u64 = 1 << 53;
}

impl Default for SegmentsSpec {
    fn default() -> Self {
        Self {
            column: "label".to_owned(),
            rows: 1024,
            emit: None,
            target: Target::Uniform,
            classes: Vec::new(),
            most_bytes: 64 << 20,
        }
    }
}

crate::spec::checked!(SegmentsSpec);

impl Spec for SegmentsSpec {
    const NAME: &'static str = "segments";

    fn check(&self) -> Result<()> {
        for (field, value) in [
            ("rows", Some(self.rows)),
            ("emit", self.emit),
            ("most_bytes", Some(self.most_bytes)),
        ] {
            if value == Some(0) {
                return Err(Error::config(format!("{field} is 0, but has to be at least 1")));
            }
        }
        for (field, value) in [("rows", Some(self.rows)), ("emit", self.emit)] {
            if let Some(value) = value.filter(|value| *value > Self::MOST) {
                return Err(Error::config(format!(
                    "{field} is {value}, but has to be at most {} (2^53): rows beyond are not counted one by one",
                    Self::MOST
                )));
            }
        }
        if matches!(self.target, Target::RepeatFactor(_)) {
            return Err(Error::config(
                "target: a repeat factor makes segments of different lengths; take sqrt or a power",
            ));
        }
        self.target.check().map_err(|error| error.context("target"))
    }
}
