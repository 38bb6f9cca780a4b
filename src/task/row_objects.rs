//! The objects of all rows, counted before any picture is read.

use super::picture_sizes::PictureSizes;
use super::target_kind::TargetKind;
use super::target_reading::TargetReading;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::{counted_with, quoted};
use crate::rows::{KeypointNames, KnownClasses, MultiLabels, ObjectReader, Objects};
use xxhash_rust::xxh3::Xxh3;

/// How often each class comes in each row, and what reads the objects. Crowds do not count: they are not learnt.
#[derive(Clone, Debug)]
pub struct RowObjects {
    reader: ObjectReader,
    /// Class and how many, by row.
    rows: Vec<Vec<(u32, u32)>>,
    /// A hash of the objects of each row.
    hashes: Vec<u64>,
    /// The sizes of the pictures.
    sizes: PictureSizes,
}

impl PartialEq for RowObjects {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names() && self.hashes == other.hashes
    }
}

impl RowObjects {
    /// Reads the objects of `rows`; with the `known` classes, where these are given.
    pub(super) async fn scan(
        cx: &Context,
        rows: &impl Stable,
        reading: &TargetReading<'_>,
        known: Option<KnownClasses<'_>>,
    ) -> Result<Self> {
        let (TargetKind::Objects(format), Some(sizes)) = (reading.kind, &reading.sizes) else {
            return Err(Error::config("boxes are read with the sizes of their pictures"));
        };
        let column = reading.column;
        let reader = ObjectReader::scan_in(cx, rows, column, format, known, Some(&**sizes)).await?;
        let all = reader.read(&rows.column(cx, column).await?)?;
        Ok(Self {
            rows: all.iter().map(counts_of).collect(),
            hashes: all.iter().map(hash_of).collect(),
            sizes: PictureSizes::clone(sizes),
            reader,
        })
    }

    /// The sizes of the pictures.
    pub(super) fn sizes(&self) -> &PictureSizes {
        &self.sizes
    }

    /// What there is to say of boxes that are left out, or measured in a way of their own, and of fields that are not read.
    pub(super) fn remark(&self) -> Option<String> {
        let (survey, column) = (self.reader.survey(), quoted(self.reader.layout().column()));
        let mut parts: Vec<String> = survey.remark().into_iter().chain(self.reader.remark()).collect();
        parts.extend(survey.marked());
        if self.reader.layout().keypoints().is_some() {
            let said = self.reader.layout().keypoint_names();
            let swapped = said.and_then(KeypointNames::pairs_in_words);
            let swapped = swapped.map_or_else(String::new, |pairs| {
                format!("; where one is mirrored, {pairs} change places")
            });
            parts.push(format!(
                "the keypoints in {column} move with their pictures, and are not learnt{swapped}"
            ));
        }
        let ignored = self.reader.layout().ignored();
        if !ignored.is_empty() {
            parts.push(format!(
                "of the objects in {column} {} not used: {}",
                counted_with(ignored.len() as u64, "field", ["is", "are"]),
                ignored.join(", ")
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
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

    /// Objects of each class, without crowds.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.names().len()];
        for &(class, many) in self.rows.iter().flatten() {
            counts[class as usize] += u64::from(many);
        }
        counts
    }

    /// Rows in which a class is.
    pub(super) fn rows_of_class(&self) -> Vec<u64> {
        let mut rows = vec![0; self.names().len()];
        let classes = self.rows.iter().flatten();
        classes.for_each(|&(class, _)| rows[class as usize] += 1);
        rows
    }

    /// The classes of each row.
    pub(crate) fn classes(&self) -> Result<MultiLabels> {
        let of_row = |row: &Vec<(u32, u32)>| row.iter().map(|&(class, _)| class).collect::<Vec<_>>();
        let column = self.reader.layout().column();
        MultiLabels::new(column, self.names().to_vec(), self.rows.iter().map(of_row))
    }

    /// How many objects of which classes a row has.
    pub(super) fn of_row(&self, row: u64) -> &[(u32, u32)] {
        self.rows.get(row as usize).map_or(&[], Vec::as_slice)
    }

    /// The first row that has more than `most` objects, and how many it has.
    pub(super) fn beyond(&self, most: u64) -> Option<(u64, u64)> {
        let all = |row: &Vec<(u32, u32)>| row.iter().map(|&(_, many)| u64::from(many)).sum::<u64>();
        let rows = (0..).zip(&self.rows).map(|(at, row)| (at, all(row)));
        rows.into_iter().find(|(_, many)| *many > most)
    }

    pub(super) fn select(&self, rows: &[u64]) -> Self {
        Self {
            reader: self.reader.clone(),
            rows: rows.iter().map(|&row| self.rows[row as usize].clone()).collect(),
            hashes: rows.iter().map(|&row| self.hashes[row as usize]).collect(),
            sizes: rows.iter().map(|&row| self.sizes[row as usize]).collect(),
        }
    }

    /// A hash of what a row has.
    pub(super) fn hash_of_row(&self, row: u64) -> u64 {
        self.hashes.get(row as usize).copied().unwrap_or(0)
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

fn counts_of(objects: &Objects) -> Vec<(u32, u32)> {
    let mut counts = std::collections::BTreeMap::new();
    let is_crowd = |at: usize| objects.crowd.as_ref().is_some_and(|crowd| crowd[at]);
    for (at, &class) in objects.classes.iter().enumerate() {
        if !is_crowd(at) {
            *counts.entry(class as u32).or_default() += 1;
        }
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
    for mark in objects.crowd.iter().chain(&objects.difficult).flatten() {
        hasher.update(&[u8::from(*mark)]);
    }
    hasher.digest()
}
