//! Sets of stored rows, and what files say of the rows that synthetic ones were made from.

mod file_mark;
mod written;

use self::file_mark::FileMark;
use crate::error::{Error, StoredRow};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// The column that says what made a row.
pub(crate) const GENERATOR: &str = "generator";
/// The column of the rows that a row was made from.
pub(crate) const PARENTS: &str = "parents";
/// The column of masks in which each object of a row has a number of its own: it has no classes.
pub(crate) const INSTANCES: &str = "instances";
/// Names of the field of boxes in the objects of a row.
pub(crate) const BOXES: [&str; 4] = ["bbox", "bboxes", "box", "boxes"];
/// The column that says `synthetic` of a row that was made, as [`provenance_table`](crate::loader::Batch::provenance_table) has it.
pub(crate) const ORIGIN: &str = "origin";
/// The key of a file's metadata under which it says what made all of its rows.
pub(crate) const MADE_BY: &str = "millstream.generator";

/// A set of stored rows: a bit for each row of each row group of each file. What a generator was fitted on has a mark of the content of each table and each picture
/// besides, by which a copy under another name is known.
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
    files: BTreeMap<Arc<str>, Groups>,
    /// What was in those of the files that were [marked](Self::mark).
    marks: BTreeMap<Arc<str>, FileMark>,
}

type Groups = BTreeMap<Option<u64>, Bits>;
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

    /// Adds the rows of `others`, and what is known of their files.
    pub(crate) fn add(&mut self, others: &Self) {
        for (source, groups) in &others.files {
            self.add_groups(source, groups);
        }
        for (source, mark) in &others.marks {
            self.marks.insert(Arc::clone(source), *mark);
        }
    }

    fn add_groups(&mut self, source: &Arc<str>, groups: &Groups) {
        let own = self.files.entry(Arc::clone(source)).or_default();
        for (group, bits) in groups {
            let own = own.entry(*group).or_default();
            own.resize(own.len().max(bits.len()), 0);
            own.iter_mut().zip(bits).for_each(|(own, bits)| *own |= bits);
        }
    }

    /// Takes down what is in each file, so that its rows are known by another name as well. This reads a quarter of a megabyte of each at most.
    pub(crate) fn mark(&mut self) {
        let of = |source: &Arc<str>| Some((Arc::clone(source), FileMark::of(source)?));
        self.marks = self.files.keys().filter_map(of).collect();
    }

    /// Those of the rows that lie in one of `sources`, with what is known of these.
    pub(crate) fn of_sources(&self, sources: &[Arc<str>]) -> Self {
        let sources: HashSet<&Arc<str>> = sources.iter().collect();
        let is_one = |source: &Arc<str>| sources.contains(source);
        let files = self.files.iter().filter(|(source, _)| is_one(source));
        let marks = self.marks.iter().filter(|(source, _)| is_one(source));
        Self {
            files: files
                .map(|(source, groups)| (Arc::clone(source), groups.clone()))
                .collect(),
            marks: marks.map(|(source, mark)| (Arc::clone(source), *mark)).collect(),
        }
    }

    /// Those of `others` whose files are among these ones', under the names that these have them by; and the names of the other files. One that was replaced by another
    /// file of its name is both.
    ///
    /// Two names are of one file if they are the same, if they lead to the same file, or, where nothing lies at one of them, if one ends
    /// as the other is; and where what was in the file is known, if the same is in the other: of tables by any name, of pictures by the same.
    pub(crate) fn known(&self, others: &Self) -> (Self, Vec<Arc<str>>) {
        let (mut known, mut unknown) = (Self::default(), Vec::new());
        let mut names = None;
        for (source, groups) in &others.files {
            let mut alike = || -> Vec<&Arc<str>> {
                let names = names.get_or_insert_with(|| self.by_name());
                names.get(file_name(source)).cloned().unwrap_or_default()
            };
            let named = match self.files.get_key_value(source) {
                Some((own, _)) => Some(own),
                None => alike().into_iter().find(|own| is_same(own, source)),
            };
            let copies: Vec<&Arc<str>> = match others.marks.get(source) {
                Some(mark) if mark.is_of_any_name() => self.sources().filter(|own| mark.is_of(own)).collect(),
                Some(mark) if named.is_none() => alike().into_iter().filter(|own| mark.is_of(own)).collect(),
                _ => named.into_iter().collect(),
            };
            if copies.is_empty() {
                unknown.push(Arc::clone(source));
            }
            let more = named.into_iter().filter(|named| !copies.contains(named));
            copies
                .iter()
                .copied()
                .chain(more)
                .for_each(|own| known.add_groups(own, groups));
        }
        (known, unknown)
    }

    /// The names of the files, by what each is called in its folder.
    fn by_name(&self) -> HashMap<&str, Vec<&Arc<str>>> {
        let mut names = HashMap::<&str, Vec<&Arc<str>>>::new();
        for own in self.sources() {
            names.entry(file_name(own)).or_default().push(own);
        }
        names
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
    /// The column of classes that it was fitted with; none where that is not said.
    #[serde(default)]
    pub(crate) label: Option<String>,
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
    fn a_copy_is_known_by_what_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::create_dir(dir.path().join("copies")).unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(at(name), bytes).unwrap();
        let set = |rows: &[StoredRow]| rows.iter().cloned().collect::<StoredRows>();
        let png = b"\x89PNG\r\n\x1a\n of one";
        write("a.parquet", b"PAR1 of one PAR1");
        write("one.png", png);
        write("table.csv", b"x,label\n1,a\n");
        let mut fitted = set(&[
            row(&at("a.parquet"), 3),
            row(&at("one.png"), 0),
            row(&at("table.csv"), 0),
        ]);
        fitted.mark();
        let text = serde_json::to_string(&fitted).unwrap();
        assert!(text.contains("\"parquet 16 ") && text.contains("\"picture "), "{text}");
        let fitted: StoredRows = serde_json::from_str(&text).unwrap();
        // What was renamed is found, and what an earlier version wrote is known by its name alone.
        std::fs::rename(at("a.parquet"), at("b.parquet")).unwrap();
        let unmarked = set(&fitted.iter().collect::<Vec<_>>());
        for (held, is_shared, by_name) in [
            (row(&at("b.parquet"), 3), true, false),
            (row(&at("b.parquet"), 4), false, false),
            (row(&at("table.csv"), 0), true, true),
        ] {
            let held = set(&[held]);
            assert_eq!(
                held.known(&fitted).0.iter().any(|row| held.contains(&row)),
                is_shared,
                "{held:?}"
            );
            assert_eq!(
                held.known(&unmarked).0.iter().any(|row| held.contains(&row)),
                by_name,
                "{held:?}"
            );
        }
        // A picture has to be called the same.
        write("copies/one.png", png);
        write("copies/two.png", png);
        write("copies/list.csv", b"x,label\n1,a\n");
        for (name, is_known) in [
            ("copies/one.png", true),
            ("copies/two.png", false),
            ("copies/list.csv", true),
        ] {
            let held = set(&[row(&at(name), 0)]);
            assert_eq!(held.known(&fitted).0.contains(&row(&at(name), 0)), is_known, "{name}");
        }
        // Another file under the old name is taken for it, since it may be the same rows, but what it was made from is looked for elsewhere, too.
        write("a.parquet", b"PAR1 of two PAR1");
        let (known, unknown) = set(&[row(&at("a.parquet"), 1)]).known(&fitted);
        assert!(known.contains(&row(&at("a.parquet"), 3)) && unknown.contains(&at("a.parquet").into()));
        assert!(serde_json::from_str::<StoredRows>(r#"[["a", 0, "0000000000000001", "parquet x"]]"#).is_err());
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
