//! Sets of stored rows, and what files say of the rows that synthetic ones were made from.

use crate::error::{Error, StoredRow};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// The column that says what made a row.
pub(crate) const GENERATOR: &str = "generator";
/// The column of the rows that a row was made from.
pub(crate) const PARENTS: &str = "parents";
/// The column of masks in which each object of a row has a number of its own: it has no classes.
pub(crate) const INSTANCES: &str = "instances";
/// The column that says `synthetic` of a row that was made, as [`provenance_table`](crate::loader::Batch::provenance_table) has it.
pub(crate) const ORIGIN: &str = "origin";
/// The key of a file's metadata under which it says what made all of its rows.
pub(crate) const MADE_BY: &str = "millstream.generator";

/// A set of stored rows: a bit for each row of each row group of each file.
///
/// ```
/// use millstream::dataset::StoredRows;
/// use millstream::error::StoredRow;
///
/// let row = |row| StoredRow { source: "a.parquet".into(), row_group: Some(0), row };
/// let rows: StoredRows = [row(3), row(70)].into_iter().collect();
/// assert!(rows.contains(&row(70)) && !rows.contains(&row(4)));
/// assert_eq!(rows.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRows {
    files: BTreeMap<Arc<str>, BTreeMap<Option<u64>, Bits>>,
}

type Bits = Vec<u64>;

impl StoredRows {
    /// Adds a row.
    pub fn insert(&mut self, row: &StoredRow) {
        let groups = match self.files.get_mut(&row.source) {
            Some(groups) => groups,
            None => self.files.entry(Arc::clone(&row.source)).or_default(),
        };
        let bits = groups.entry(row.row_group).or_default();
        let at = (row.row / 64) as usize;
        if bits.len() <= at {
            bits.resize(at + 1, 0);
        }
        bits[at] |= 1 << (row.row % 64);
    }

    /// Whether `row` is one of them, by the very name of its file.
    pub fn contains(&self, row: &StoredRow) -> bool {
        let groups = self.files.get(&row.source);
        let bits = groups.and_then(|groups| groups.get(&row.row_group)?.get((row.row / 64) as usize));
        bits.is_some_and(|bits| bits >> (row.row % 64) & 1 == 1)
    }

    /// Rows.
    pub fn len(&self) -> u64 {
        let bits = self.files.values().flat_map(BTreeMap::values).flatten();
        bits.map(|bits| u64::from(bits.count_ones())).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The rows, file by file.
    pub fn iter(&self) -> impl Iterator<Item = StoredRow> + '_ {
        let of_groups = self
            .files
            .iter()
            .flat_map(|(source, groups)| groups.iter().map(move |(group, bits)| (source, *group, bits)));
        of_groups.flat_map(|(source, row_group, bits)| {
            let rows = (0_u64..).zip(bits).flat_map(|(word, bits)| {
                (0..64)
                    .filter(move |bit| bits >> bit & 1 == 1)
                    .map(move |bit| 64 * word + bit)
            });
            rows.map(move |row| StoredRow {
                source: Arc::clone(source),
                row_group,
                row,
            })
        })
    }

    /// The names of the files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(AsRef::as_ref)
    }

    /// The same as they are shared.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.keys()
    }

    /// Those of `others` whose files are among these ones', under the names that these have them by; and the names of the other files.
    ///
    /// Two names are of one file if they are the same, if they lead to the same file, or, where nothing lies at one of them, if one ends
    /// as the other is.
    pub(crate) fn known(&self, others: &Self) -> (Self, Vec<Arc<str>>) {
        let (mut known, mut unknown) = (Self::default(), Vec::new());
        let mut by_name: Option<HashMap<&str, Vec<&Arc<str>>>> = None;
        for (source, groups) in &others.files {
            let own = match self.files.get_key_value(source) {
                Some((own, _)) => Some(own),
                None => {
                    let by_name = by_name.get_or_insert_with(|| {
                        let mut names = HashMap::<&str, Vec<&Arc<str>>>::new();
                        self.sources()
                            .for_each(|own| names.entry(file_name(own)).or_default().push(own));
                        names
                    });
                    let alike = by_name.get(file_name(source)).into_iter().flatten();
                    alike.copied().find(|own| is_same(own, source))
                }
            };
            match own {
                Some(own) => {
                    known.files.insert(Arc::clone(own), groups.clone());
                }
                None => unknown.push(Arc::clone(source)),
            }
        }
        (known, unknown)
    }

    /// The first of `others` that is one of these as well, whatever its file is called by.
    #[cfg(feature = "train")]
    pub(crate) fn first_shared(&self, others: &Self) -> Option<StoredRow> {
        self.known(others).0.iter().find(|row| self.contains(row))
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Whether two names lead to one file.
fn is_same(own: &str, other: &str) -> bool {
    let whole = |path: &str| std::fs::canonicalize(path).ok();
    match (whole(own), whole(other)) {
        (Some(own), Some(other)) => own == other,
        _ => Path::new(own).ends_with(other) || Path::new(other).ends_with(own),
    }
}

impl FromIterator<StoredRow> for StoredRows {
    fn from_iter<I: IntoIterator<Item = StoredRow>>(rows: I) -> Self {
        let mut all = Self::default();
        rows.into_iter().for_each(|row| all.insert(&row));
        all
    }
}

/// What a file says under [`MADE_BY`], as `generate sample` writes it among other things.
#[derive(Debug, Deserialize)]
pub(crate) struct MadeByRecord {
    /// Kind, model and seed.
    pub(crate) made_by: String,
    /// The rows that the generator was fitted on; none where that is not said.
    #[serde(default)]
    pub(crate) fitted_on: StoredRows,
}

impl MadeByRecord {
    /// Reads the `text` of the key.
    ///
    /// # Errors
    ///
    /// `Data` for a text that is no such record: rows that are held out could not be told from those that the generator was fitted on.
    pub(crate) fn read(text: &str) -> crate::error::Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::data(format!(
                "the record of what made these rows (metadata `{MADE_BY}`) cannot be read: {error}: make the rows again, or remove the key"
            ))
        })
    }
}

/// A row group as it is written: file, row group and bits, 16 hexadecimal digits for 64 rows.
type Written = (String, Option<u64>, String);

impl Serialize for StoredRows {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let groups = self.files.iter().flat_map(|(source, groups)| {
            let group = move |(group, bits): (&Option<u64>, &Bits)| -> Written {
                (
                    source.to_string(),
                    *group,
                    bits.iter().map(|bits| format!("{bits:016x}")).collect(),
                )
            };
            groups.iter().map(group)
        });
        to.collect_seq(groups)
    }
}

impl<'de> Deserialize<'de> for StoredRows {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut all = Self::default();
        for (source, group, text) in Vec::<Written>::deserialize(from)? {
            let bad = || D::Error::custom("rows are written as 16 hexadecimal digits for 64 of them");
            if !text.is_ascii() || text.len() % 16 != 0 {
                return Err(bad());
            }
            let words = (0..text.len())
                .step_by(16)
                .map(|at| u64::from_str_radix(&text[at..at + 16], 16));
            let bits = words.collect::<Result<Bits, _>>().map_err(|_| bad())?;
            all.files.entry(source.into()).or_default().insert(group, bits);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(source: &str, row: u64) -> StoredRow {
        StoredRow {
            source: source.into(),
            row_group: Some(2),
            row,
        }
    }

    #[test]
    fn a_set_is_written_and_read_again() {
        let rows: Vec<StoredRow> = [0, 63, 64, 200].map(|at| row("b/a.parquet", at)).into();
        let one = StoredRow {
            row_group: None,
            ..row("z", 5)
        };
        let all: StoredRows = rows.iter().cloned().chain([one.clone()]).collect();
        assert_eq!(all.len(), 5);
        assert!(all.iter().eq(rows.iter().cloned().chain([one])));
        let text = serde_json::to_string(&all).unwrap();
        assert!(text.starts_with(r#"[["b/a.parquet",2,"8000000000000001"#), "{text}");
        assert_eq!(serde_json::from_str::<StoredRows>(&text).unwrap(), all);
        for bad in [
            r#"[["a",0,"12"]]"#,
            r#"[["a",0,"zz00000000000000"]]"#,
            r#"[["a",0,"äää0000000000"]]"#,
        ] {
            assert!(serde_json::from_str::<StoredRows>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_is_known_by_another_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        std::fs::write(&path, "x").unwrap();
        let path = path.display().to_string();
        let other = path.replace("x.parquet", "./x.parquet");
        let own: StoredRows = [row(&path, 1), row(&path, 2)].into_iter().collect();
        let others: StoredRows = [row(&other, 2), row("elsewhere/x.parquet", 2), row("y.parquet", 1)]
            .into_iter()
            .collect();
        assert_eq!(own.first_shared(&others), Some(row(&path, 2)));
        let (known, unknown) = own.known(&others);
        assert_eq!((known.len(), unknown.len()), (1, 2));
        // What lay at a path that leads nowhere any more is told by how it ends.
        let gone: StoredRows = [row("/nowhere/data/x.parquet", 4)].into_iter().collect();
        let others: StoredRows = [row("data/x.parquet", 4)].into_iter().collect();
        assert_eq!(gone.first_shared(&others), Some(row("/nowhere/data/x.parquet", 4)));
        let others: StoredRows = [row("ta/x.parquet", 4), row("data/x.parquet", 5)].into_iter().collect();
        assert_eq!(gone.first_shared(&others), None);
    }
}
