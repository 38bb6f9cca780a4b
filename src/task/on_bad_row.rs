//! What is done with a row whose picture cannot be made.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// What is done with a row whose picture cannot be made: one that is null, cut or no picture (`Data` and `Stage` errors). All
/// other errors end the run: a file that cannot be read is no reason to train on something else.
///
/// A name alone means the default of `at_most`, 100:
///
/// ```
/// use millstream::task::OnBadRow;
///
/// let read = |text| serde_json::from_str::<OnBadRow>(text);
/// assert_eq!(read(r#""skip""#)?, OnBadRow::Skip { at_most: 100 });
/// assert_eq!(read(r#"{ "replace": { "at_most": 3 } }"#)?, OnBadRow::Replace { at_most: 3 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadRow {
    /// It ends the run. [`Remedy::BadRows`](crate::error::Remedy::BadRows) tells such an error from others.
    #[default]
    Fail,
    /// The run goes on without it, as if the files did not have it: class counts, balance and synthetic rows are those of the
    /// other rows. A prediction is null.
    Skip {
        /// The most such rows, of all sets together; one more is an error. Defaults to 100.
        at_most: u64,
    },
    /// Another training row of its class takes its place, which the seed and the row decide alone, so that class counts stay. A
    /// validation row is left out, because another one would count twice.
    Replace {
        /// The most such rows, of all sets together; one more is an error. Defaults to 100.
        at_most: u64,
    },
}

impl OnBadRow {
    /// Default limit of bad rows.
    pub const AT_MOST: u64 = 100;

    /// Whether such a row ends the run.
    pub fn is_fail(&self) -> bool {
        *self == Self::Fail
    }

    /// How many rows may be bad.
    pub(crate) fn at_most(self) -> u64 {
        match self {
            Self::Fail => 0,
            Self::Skip { at_most } | Self::Replace { at_most } => at_most,
        }
    }
}

/// A rule as it is written with its number of rows.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Fail(Nothing),
    Skip(AtMost),
    Replace(AtMost),
}

/// The parameters of a rule that has none.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AtMost {
    at_most: u64,
}

impl Default for AtMost {
    fn default() -> Self {
        Self {
            at_most: OnBadRow::AT_MOST,
        }
    }
}

impl From<Written> for OnBadRow {
    fn from(written: Written) -> Self {
        match written {
            Written::Fail(Nothing {}) => Self::Fail,
            Written::Skip(AtMost { at_most }) => Self::Skip { at_most },
            Written::Replace(AtMost { at_most }) => Self::Replace { at_most },
        }
    }
}

impl<'de> Deserialize<'de> for OnBadRow {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = OnBadRow;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fail, skip or replace")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<OnBadRow, E> {
                let at_most = OnBadRow::AT_MOST;
                match name {
                    "fail" => Ok(OnBadRow::Fail),
                    "skip" => Ok(OnBadRow::Skip { at_most }),
                    "replace" => Ok(OnBadRow::Replace { at_most }),
                    _ => Err(E::unknown_variant(name, &["fail", "skip", "replace"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<OnBadRow, A::Error> {
                Written::deserialize(MapAccessDeserializer::new(table)).map(OnBadRow::from)
            }
        }

        from.deserialize_any(NameOrTable)
    }
}
