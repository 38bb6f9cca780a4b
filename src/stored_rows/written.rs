//! A set of stored rows as JSON has it.

use super::{Bits, StoredRows};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// A row group as it is written: file, row group and bits, 16 hexadecimal digits for 64 rows. The first one of a file that was marked has the mark as well, which earlier
/// versions did not write.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Marked(String, Option<u64>, String, String),
    Plain(String, Option<u64>, String),
}

impl Serialize for StoredRows {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let groups = self.files.iter().flat_map(|(source, groups)| {
            let group = move |(at, (group, bits)): (usize, (&Option<u64>, &Bits))| -> Written {
                let bits = bits.iter().map(|bits| format!("{bits:016x}")).collect();
                match self.marks.get(source).filter(|_| at == 0) {
                    Some(mark) => Written::Marked(source.to_string(), *group, bits, mark.to_string()),
                    None => Written::Plain(source.to_string(), *group, bits),
                }
            };
            groups.iter().enumerate().map(group)
        });
        to.collect_seq(groups)
    }
}

impl<'de> Deserialize<'de> for StoredRows {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut all = Self::default();
        for written in Vec::<Written>::deserialize(from)? {
            let (source, group, text, mark) = match written {
                Written::Marked(source, group, text, mark) => (source, group, text, Some(mark)),
                Written::Plain(source, group, text) => (source, group, text, None),
            };
            let bad = || D::Error::custom("rows are written as 16 hexadecimal digits for 64 of them");
            if !text.is_ascii() || text.len() % 16 != 0 {
                return Err(bad());
            }
            let words = (0..text.len())
                .step_by(16)
                .map(|at| u64::from_str_radix(&text[at..at + 16], 16));
            let bits = words.collect::<Result<Bits, _>>().map_err(|_| bad())?;
            let source: Arc<str> = source.into();
            if let Some(mark) = mark {
                let wrong = |()| {
                    D::Error::custom("what was in a file is written as its kind, its bytes and 32 hexadecimal digits")
                };
                all.marks.insert(Arc::clone(&source), mark.parse().map_err(wrong)?);
            }
            all.files.entry(source).or_default().insert(group, bits);
        }
        Ok(all)
    }
}
