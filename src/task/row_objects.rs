//! The objects of all rows, counted before any picture is read.

use crate::dataset::Stable;
use crate::error::Result;
use crate::exec::Context;
use crate::rows::{BoxFormat, MultiLabels, ObjectReader, Objects};
use xxhash_rust::xxh3::Xxh3;

/// How often each class comes in each row, and what reads the objects.
#[derive(Clone, Debug)]
pub struct RowObjects {
    reader: ObjectReader,
    /// Class and how many, by row.
    rows: Vec<Vec<(u32, u32)>>,
    /// A hash of the objects of each row.
    hashes: Vec<u64>,
}

impl PartialEq for RowObjects {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names() && self.hashes == other.hashes
    }
}

impl RowObjects {
    /// Reads `column` of `rows`; with the classes `names`, where these are given.
    pub(super) async fn scan(
        cx: &Context,
        rows: &impl Stable,
        column: &str,
        format: BoxFormat,
        names: Option<&[String]>,
    ) -> Result<Self> {
        let reader = match names {
            Some(names) => ObjectReader::scan_as(cx, rows, column, format, names).await?,
            None => ObjectReader::scan(cx, rows, column, format).await?,
        };
        let all = reader.read(&rows.column(cx, column).await?)?;
        Ok(Self {
            rows: all.iter().map(counted).collect(),
            hashes: all.iter().map(hash_of).collect(),
            reader,
        })
    }

    /// What reads the objects.
    pub fn reader(&self) -> &ObjectReader {
        &self.reader
    }

    /// The names of the classes.
    pub fn names(&self) -> &[String] {
        self.reader.names()
    }

    /// Rows.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Objects of each class.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.names().len()];
        for &(class, many) in self.rows.iter().flatten() {
            counts[class as usize] += u64::from(many);
        }
        counts
    }

    /// The classes of each row.
    pub(super) fn classes(&self) -> Result<MultiLabels> {
        let of_row = |row: &Vec<(u32, u32)>| row.iter().map(|&(class, _)| class).collect::<Vec<_>>();
        let column = self.reader.layout().column();
        MultiLabels::new(column, self.names().to_vec(), self.rows.iter().map(of_row))
    }

    /// How many objects of which classes a row has.
    pub(super) fn of_row(&self, row: u64) -> &[(u32, u32)] {
        self.rows.get(row as usize).map_or(&[], Vec::as_slice)
    }

    pub(super) fn select(&self, rows: &[u64]) -> Self {
        Self {
            reader: self.reader.clone(),
            rows: rows.iter().map(|&row| self.rows[row as usize].clone()).collect(),
            hashes: rows.iter().map(|&row| self.hashes[row as usize]).collect(),
        }
    }

    pub(super) fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        self.hashes.iter().for_each(|hash| hasher.update(&hash.to_le_bytes()));
        hasher.digest()
    }

    /// What is in a row: `12 RBC | 1 WBC`.
    pub(super) fn in_words(&self, row: u64) -> String {
        let names = self.names();
        let words = |&(class, many): &(u32, u32)| format!("{many} {}", names[class as usize]);
        let all = self
            .rows
            .get(row as usize)
            .map(|row| row.iter().map(words).collect::<Vec<_>>());
        match all.as_deref() {
            None => String::new(),
            Some([]) => "nothing".to_owned(),
            Some(all) => all.join(" | "),
        }
    }
}

fn counted(objects: &Objects) -> Vec<(u32, u32)> {
    let mut counts = std::collections::BTreeMap::new();
    for &class in &objects.classes {
        *counts.entry(class as u32).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn hash_of(objects: &Objects) -> u64 {
    let mut hasher = Xxh3::new();
    for (corners, class) in objects.boxes.iter().zip(&objects.classes) {
        corners.iter().for_each(|side| hasher.update(&side.to_le_bytes()));
        hasher.update(&class.to_le_bytes());
    }
    for area in objects.areas.iter().flatten() {
        hasher.update(&area.to_le_bytes());
    }
    for crowd in objects.crowd.iter().flatten() {
        hasher.update(&[u8::from(*crowd)]);
    }
    hasher.digest()
}
