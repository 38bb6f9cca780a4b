//! How some values are written.

pub mod range {
    //! A range as `[low, high]`, as torchvision has them: `#[serde(with = "millstream::spec::range")]`.

    use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::fmt;
    use std::marker::PhantomData;
    use std::ops::RangeInclusive;

    /// Writes `range`.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn serialize<T: Serialize, S: Serializer>(range: &RangeInclusive<T>, to: S) -> Result<S::Ok, S::Error> {
        [range.start(), range.end()].serialize(to)
    }

    /// Reads a range.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<RangeInclusive<T>, D::Error> {
        from.deserialize_tuple(2, Range(PhantomData))
    }

    struct Range<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Range<T> {
        type Value = RangeInclusive<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a range of two numbers, [low, high]")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut next = |at| list.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self));
            let (low, high) = (next(0)?, next(1)?);
            match list.next_element::<IgnoredAny>()? {
                None => Ok(low..=high),
                Some(_) => Err(A::Error::invalid_length(3, &self)),
            }
        }
    }
}

pub mod one_or_more {
    //! One text as itself, several as a list: `#[serde(with = "millstream::spec::one_or_more")]`.

    use serde::de::{SeqAccess, Visitor};
    use serde::{Deserializer, Serialize, Serializer};
    use std::fmt;

    /// Writes `texts`.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn serialize<S: Serializer>(texts: &[String], to: S) -> Result<S::Ok, S::Error> {
        match texts {
            [one] => one.serialize(to),
            several => several.serialize(to),
        }
    }

    /// Reads one text or a list of them.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
        from.deserialize_any(Texts)
    }

    struct Texts;

    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = list.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }
}
