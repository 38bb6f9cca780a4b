//! A number of operations, or a range of such, as it is written: `2`, or `[1, 3]`.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::RangeInclusive;

/// The most operations that are run in one place.
pub(super) const MOST: usize = 64;

pub(super) fn serialize<S: Serializer>(n: &RangeInclusive<usize>, to: S) -> Result<S::Ok, S::Error> {
    match (n.start(), n.end()) {
        (low, high) if low == high => low.serialize(to),
        both => both.serialize(to),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RangeInclusive<usize>, D::Error> {
    from.deserialize_any(Count)
}

pub(super) fn in_words(n: &RangeInclusive<usize>) -> String {
    match (n.start(), n.end()) {
        (low, high) if low == high => low.to_string(),
        (low, high) => format!("[{low}, {high}]"),
    }
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = RangeInclusive<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or a range of two, [low, high]")
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Self::Value, E> {
        let n = usize::try_from(n).map_err(E::custom)?;
        Ok(n..=n)
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Self::Value, E> {
        match u64::try_from(n) {
            Ok(n) => self.visit_u64(n),
            Err(_) => Err(E::invalid_value(serde::de::Unexpected::Signed(n), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut next = |at| list.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self));
        let (low, high) = (next(0)?, next(1)?);
        match list.next_element::<serde::de::IgnoredAny>()? {
            None => Ok(low..=high),
            Some(_) => Err(A::Error::invalid_length(3, &self)),
        }
    }
}
