use crate::error::{Error, Result};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Range;

/// A number that changes over the rows of a run: a weight, a share, how far one target has become another.
///
/// It is counted in rows, not in steps, so the batch size changes nothing; the last change ends at row 2^53 or before. A plain
/// number is a schedule that stays as it is.
///
/// ```
/// use millstream::mix::Schedule;
///
/// let share = Schedule::constant(0.0).ramp(10_000..50_000, 0.5).off(200_000);
/// assert_eq!([0, 10_000, 30_000, 50_000, 199_999, 200_000].map(|row| share.at(row)), [0.0, 0.0, 0.25, 0.5, 0.5, 0.0]);
/// ```
///
/// It is written as that number where it never changes, else as `{ first = 0, changes = [{ rows = { start = 100, end = 200 }, to = 0.5 }] }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    first: f64,
    changes: Vec<Change>,
}

/// From the value before to `to`, along a line over `rows`, or at once where there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    rows: Range<u64>,
    to: f64,
}

/// A schedule that changes, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    first: f64,
    #[serde(default)]
    changes: Vec<Change>,
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.changes.is_empty() {
            true => to.serialize_f64(self.first),
            false => {
                let (first, changes) = (self.first, self.changes.clone());
                Written { first, changes }.serialize(to)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NumberOrChanges)
    }
}

struct NumberOrChanges;

impl<'de> Visitor<'de> for NumberOrChanges {
    type Value = Schedule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a schedule with `first` and `changes`")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Schedule, E> {
        Ok(Schedule::constant(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Schedule, E> {
        Ok(Schedule::constant(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Schedule, E> {
        Ok(Schedule::constant(value as f64))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Schedule, A::Error> {
        let Written { first, changes } = Written::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Schedule { first, changes })
    }
}

impl Schedule {
    /// The last row at which it can change: rows are whole numbers of f64 until there.
    const LAST: u64 = 1 << 53;

    /// Stays at `value`.
    pub fn constant(value: f64) -> Self {
        Self {
            first: value,
            changes: Vec::new(),
        }
    }

    /// Goes along a straight line over `rows`, from the value before to `value` at the range's end, and stays there.
    #[must_use]
    pub fn ramp(mut self, rows: Range<u64>, value: f64) -> Self {
        self.changes.push(Change { rows, to: value });
        self
    }

    /// Becomes `value` at once, from row `row` on.
    #[must_use]
    pub fn step(self, row: u64, value: f64) -> Self {
        self.ramp(row..row, value)
    }

    /// Becomes 0 at once, from row `row` on.
    #[must_use]
    pub fn off(self, row: u64) -> Self {
        self.step(row, 0.0)
    }

    /// The value at `row`, counted over the whole run.
    pub fn at(&self, row: u64) -> f64 {
        self.value(row as f64)
    }

    /// Its mean over `rows`, between which it does not bend.
    pub(super) fn mean(&self, rows: &Range<u64>) -> f64 {
        let last = rows.end.max(rows.start + 1) - 1;
        self.value(rows.start as f64 + (last - rows.start) as f64 / 2.0)
    }

    fn value(&self, row: f64) -> f64 {
        let mut value = self.first;
        for Change { rows, to } in &self.changes {
            let (start, end) = (rows.start as f64, rows.end as f64);
            if row < start {
                break;
            }
            if row < end {
                return value + (to - value) * (row - start) / (end - start);
            }
            value = *to;
        }
        value
    }

    /// The rows at which it bends or jumps.
    pub(super) fn breaks(&self) -> impl Iterator<Item = u64> {
        self.changes
            .iter()
            .flat_map(|change| [change.rows.start, change.rows.end])
    }

    pub(super) fn is_constant(&self) -> bool {
        self.changes.is_empty()
    }

    /// The same with every bend at a multiple of `unit` rows, at or before where it was.
    pub(super) fn aligned(&self, unit: u64) -> Self {
        let down = |row: u64| row / unit * unit;
        let changes = self.changes.iter().map(|Change { rows, to }| Change {
            rows: down(rows.start)..down(rows.end),
            to: *to,
        });
        Self {
            first: self.first,
            changes: changes.collect(),
        }
    }

    /// Every value between which it moves.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        [self.first]
            .into_iter()
            .chain(self.changes.iter().map(|change| change.to))
    }

    /// Refuses changes that are out of order, and those beyond 2^53.
    pub(super) fn check(&self) -> Result<()> {
        let mut end = 0;
        for Change { rows, .. } in &self.changes {
            if rows.start < end {
                let start = rows.start;
                return Err(Error::config(format!(
                    "schedule: the change at row {start} begins before the last one ends, at row {end}"
                )));
            }
            if rows.end < rows.start {
                return Err(Error::config(format!(
                    "schedule: a ramp over {rows:?} ends before it begins"
                )));
            }
            if rows.end > Self::LAST {
                let end = rows.end;
                return Err(Error::config(format!(
                    "schedule: the change that ends at row {end} is beyond row 2^53: give an earlier one"
                )));
            }
            end = rows.end;
        }
        Ok(())
    }
}

impl From<f64> for Schedule {
    fn from(value: f64) -> Self {
        Self::constant(value)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        for Change { rows, to } in &self.changes {
            if rows.is_empty() {
                write!(f, ", {to} from row {}", rows.start)?;
            } else {
                write!(f, ", to {to} over rows {}..{}", rows.start, rows.end)?;
            }
        }
        Ok(())
    }
}
