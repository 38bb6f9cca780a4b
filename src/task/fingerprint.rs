//! Hashes of the data and the weights of a run, by content: wherever the files lie and whenever they were written.

use super::datasets::{Datasets, Stored};
use super::event::{Callback, Event};
use super::stored_pictures::each_picture;
use super::targets::Targets;
use crate::dataset::{Block, Dataset};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::counted;
use crate::rows::scan_cache;
use arrow::array::{AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Hashes of all that decides the result beside the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// The training files; the rows that are held out among them, where there are no validation files.
    pub(crate) train: SetFingerprint,
    /// The validation files.
    pub(crate) valid: Option<SetFingerprint>,
    /// Hash of the weights' file.
    pub(crate) weights: String,
}

/// The rows of one set of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SetFingerprint {
    rows: u64,
    /// Hash of the files' names, sizes and row groups, which decide the order.
    files: String,
    classes: Vec<String>,
    /// Hash of each row's target.
    targets: String,
    /// Hash of each row's encoded image.
    images: String,
}

/// Target and image of each row of each set, to say which differ.
#[derive(Debug)]
pub(crate) struct RowHashes(Vec<(&'static str, RecordBatch)>);

/// Names of the sets in messages and files.
const SETS: [&str; 2] = ["training", "validation"];

impl Fingerprint {
    /// Whether features of the one are features of the other: weights, files and pictures are the same.
    pub(crate) fn has_same_pictures(&self, other: &Self) -> bool {
        let pictures = |set: &SetFingerprint| (set.files.clone(), set.images.clone());
        let of = |all: &Self| (pictures(&all.train), all.valid.as_ref().map(pictures));
        self.weights == other.weights && of(self) == of(other)
    }

    /// Reads the images of `datasets`.
    ///
    /// # Errors
    ///
    /// Whatever reading gives.
    pub(crate) fn read(
        cx: &Context,
        datasets: &Datasets,
        weights: &str,
        callback: Callback<'_>,
    ) -> Result<(Self, RowHashes)> {
        let total = datasets.stored.iter().map(|stored| stored.targets.len()).sum();
        callback(Event::Begin {
            what: "hashing images",
            total,
        });
        let (mut done, mut parts, mut hashes) = (0, Vec::new(), Vec::new());
        let mut read = || -> Result<()> {
            for (set, stored) in SETS.into_iter().zip(&datasets.stored) {
                let images = images(cx, stored, &datasets.image, &mut |rows| {
                    done += rows;
                    callback(Event::Done(done));
                })?;
                let targets = &stored.targets;
                let words = StringArray::from_iter_values((0..targets.len()).map(|row| targets.in_words(row)));
                let beyond = UInt64Array::from_iter_values((0..targets.len()).map(|row| targets.hash_of_row(row)));
                let part = SetFingerprint {
                    rows: targets.len(),
                    files: stored.rows.describe().fingerprint(),
                    classes: targets.names().to_vec(),
                    targets: format!("{:016x}", targets.hash()),
                    images: hash(&images),
                };
                parts.push(part);
                let columns: Vec<arrow::array::ArrayRef> =
                    vec![Arc::new(words), Arc::new(beyond), Arc::new(UInt64Array::from(images))];
                hashes.push((set, RecordBatch::try_new(schema(), columns)?));
            }
            Ok(())
        };
        let read = read();
        callback(Event::End);
        read?;
        let mut parts = parts.into_iter();
        let train = parts
            .next()
            .ok_or_else(|| Error::config("there are no training rows"))?;
        let fingerprint = Self {
            train,
            valid: parts.next(),
            weights: weights.to_owned(),
        };
        Ok((fingerprint, RowHashes(hashes)))
    }

    /// Whether targets and weights are those of `datasets`, as far as that is known without reading images.
    pub(crate) fn fits(&self, datasets: &Datasets, weights: &str) -> bool {
        let parts: Vec<&SetFingerprint> = [Some(&self.train), self.valid.as_ref()].into_iter().flatten().collect();
        let fits = |(part, stored): (&&SetFingerprint, &Stored)| {
            part.files == stored.rows.describe().fingerprint()
                && part.classes == stored.targets.names()
                && part.targets == format!("{:016x}", stored.targets.hash())
        };
        self.weights == weights && parts.len() == datasets.stored.len() && parts.iter().zip(&datasets.stored).all(fits)
    }

    /// What of `now` is another one, in words; the rows in `hashes` are compared with those that the run kept in `folder`.
    pub(crate) fn difference(
        &self,
        cx: &Context,
        now: &Self,
        hashes: &RowHashes,
        folder: &Path,
        datasets: &Datasets,
    ) -> Option<String> {
        let mut said = Vec::new();
        if self.weights != now.weights {
            said.push(format!(
                "the weights have the hash {}, had {}",
                now.weights, self.weights
            ));
        }
        match (&self.valid, &now.valid) {
            (Some(_), None) => said.push("there are no validation files, there were some".to_owned()),
            (None, Some(_)) => said.push("there are validation files, there were none".to_owned()),
            _ => {}
        }
        let pairs = [
            (Some(&self.train), Some(&now.train)),
            (self.valid.as_ref(), now.valid.as_ref()),
        ];
        for (at, pair) in pairs.into_iter().enumerate() {
            if let (Some(was), Some(is)) = pair
                && was != is
                && let (Some((set, table)), Some(stored)) = (hashes.0.get(at), datasets.stored.get(at))
            {
                let kept = scan_cache::read(&table_path(folder, set), &schema()).map(|(kept, _)| kept);
                said.extend(differences(
                    cx,
                    set,
                    (was, kept.as_ref()),
                    (is, table),
                    stored,
                    datasets,
                ));
            }
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}

impl RowHashes {
    /// Keeps them in `folder` for a later comparison.
    pub(crate) fn keep(&self, folder: &Path) -> Result<()> {
        self.0
            .iter()
            .try_for_each(|(set, table)| scan_cache::write(&table_path(folder, set), table, ""))
    }
}

fn table_path(folder: &Path, set: &str) -> PathBuf {
    folder.join(format!("{set}-rows.arrow"))
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("target", DataType::Utf8, false),
        // What words do not say: where boxes lie, which pixels a mask has.
        Field::new("target_hash", DataType::UInt64, false),
        Field::new("image", DataType::UInt64, false),
    ]))
}

fn hash(values: &[u64]) -> String {
    let mut hasher = Xxh3::new();
    values.iter().for_each(|value| hasher.update(&value.to_le_bytes()));
    format!("{:032x}", hasher.digest128())
}

/// A hash of each row's encoded image.
fn images(cx: &Context, stored: &Stored, column: &str, progress: &mut dyn FnMut(u64)) -> Result<Vec<u64>> {
    /// Rows that are read at a time.
    const ROWS: u64 = 256;
    let mut hashes = Vec::with_capacity(stored.targets.len() as usize);
    for part in parts(&stored.rows.blocks(), ROWS) {
        let rows: Vec<u64> = part.collect();
        each_picture(cx, &stored.rows, column, &rows, &mut |bytes| {
            hashes.push(bytes.map_or(0, xxh3_64));
        })?;
        progress(rows.len() as u64);
    }
    Ok(hashes)
}

/// All rows in parts of at most `most`, which end where a block does unless blocks are smaller.
fn parts(blocks: &[Block], most: u64) -> Vec<Range<u64>> {
    let mut parts: Vec<Range<u64>> = Vec::new();
    for block in blocks {
        match parts.last_mut() {
            Some(part) if block.rows.end - part.start <= most => part.end = block.rows.end,
            _ => parts.extend(
                block
                    .rows
                    .clone()
                    .step_by(most as usize)
                    .map(|start| start..(start + most).min(block.rows.end)),
            ),
        }
    }
    parts
}

/// How one set of files differs from what it was: by its rows where their number is the same.
fn differences(
    cx: &Context,
    set: &str,
    (was, then): (&SetFingerprint, Option<&RecordBatch>),
    (is, now): (&SetFingerprint, &RecordBatch),
    stored: &Stored,
    datasets: &Datasets,
) -> Vec<String> {
    if was.rows != is.rows {
        return vec![format!(
            "the {set} files have {}, had {}",
            counted(is.rows, "row"),
            was.rows
        )];
    }
    let place = |row: usize| {
        let place = stored.rows.provenance(cx, row as u64).places.into_iter().next();
        place.map_or_else(|| format!("row {row}"), |place| place.to_string())
    };
    let then = then.filter(|then| then.num_rows() == now.num_rows());
    let mut said = Vec::new();
    if was.files != is.files {
        said.push(format!(
            "the {set} files have other names, sizes or row groups than those of the run: {}",
            stored.rows.name()
        ));
    }
    if was.targets != is.targets || was.classes != is.classes {
        let named = |table: &RecordBatch, row: usize| table.column(0).as_string::<i32>().value(row).to_owned();
        let hashed = |table: &RecordBatch, row: usize| table.column(1).as_primitive::<UInt64Type>().value(row);
        let rows = then.map(|then| {
            let differ = |row: &usize| named(then, *row) != named(now, *row) || hashed(then, *row) != hashed(now, *row);
            (0..now.num_rows()).filter(differ).collect::<Vec<_>>()
        });
        let column = &datasets.label;
        said.push(match (rows.as_deref(), then) {
            (Some([first, rest @ ..]), Some(then)) => {
                let (was, is) = (named(then, *first), named(now, *first));
                let how = match was == is {
                    false => format!("was {was:?}, is {is:?}"),
                    true => format!("is {is:?} still, but its {} are others", beyond_words(&stored.targets)),
                };
                format!(
                    "the {set} labels (column \"{column}\") differ in {}: {} {how}",
                    counted(1 + rest.len(), "row"),
                    place(*first)
                )
            }
            (Some([]), _) if was.classes != is.classes => format!(
                "the {set} classes were {}, are {}",
                was.classes.join(" | "),
                is.classes.join(" | ")
            ),
            _ => format!("the {set} labels (column \"{column}\") differ"),
        });
    }
    if was.images != is.images {
        let rows = then.map(|then| {
            let hashes = |table: &RecordBatch| table.column(2).as_primitive::<UInt64Type>().values().clone();
            let (then, now) = (hashes(then), hashes(now));
            (0..now.len()).filter(|&row| then[row] != now[row]).collect::<Vec<_>>()
        });
        let column = &datasets.image;
        said.push(match rows.as_deref() {
            Some([first, rest @ ..]) => format!(
                "the {set} images (column \"{column}\") differ in {}, the first is {}",
                counted(1 + rest.len(), "row"),
                place(*first)
            ),
            _ => format!("the {set} images (column \"{column}\") differ"),
        });
    }
    said
}

/// What a row of `targets` has beside its words.
fn beyond_words(targets: &Targets) -> &'static str {
    match targets {
        Targets::Objects(_) => "boxes",
        Targets::Masks(_) => "pixels",
        _ => "values",
    }
}
