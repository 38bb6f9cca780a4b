//! What the pictures are, and which of them cannot be read.

use crate::columns::bytes_of;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::image::{Facts, ImageError, PictureSize, Pixels, Reading};
use crate::inspect::taken::{place, taken};
use crate::source::Files;
use arrow::array::Array;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::ops::AddAssign;

/// The image column.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Images {
    /// The columns that may be it.
    pub candidates: Vec<String>,
    /// The one that was looked at.
    pub column: Option<String>,
    /// Why none was.
    pub problem: Option<String>,
    /// What is in it.
    pub pictures: Option<Pictures>,
}

/// What is known of the pictures.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pictures {
    /// How they were read.
    pub reading: Reading,
    /// Rows in all.
    pub rows: u64,
    /// Rows of these in which there is no picture, as the footers say; none where they do not.
    pub nulls: Option<u64>,
    /// Rows that were looked at: all, or some from all over. The numbers below are of these.
    pub looked_at: u64,
    /// Rows in which there is no picture.
    pub null: u64,
    /// Rows of these that name a file instead, which is never read.
    pub path_only: u64,
    /// Rows with a picture of no bytes.
    pub empty: u64,
    /// Rows whose bytes are no picture, or of a format or a variant that is not read.
    pub unread: u64,
    /// Rows whose picture is cut or damaged.
    pub broken: u64,
    /// Rows whose picture has more pixels than are read unless asked for.
    pub too_large: u64,
    /// Rows that could not be read from their file.
    pub lost: u64,
    /// Pictures that were decoded, by format.
    pub formats: BTreeMap<String, u64>,
    /// The least and the most width of a picture as it is read, in pixels.
    pub width: Option<(u32, u32)>,
    /// The least and the most height of a picture as it is read, in pixels.
    pub height: Option<(u32, u32)>,
    /// Pictures that EXIF says are stored turned or mirrored; they are read upright unless `reading` says otherwise.
    pub turned: u64,
    /// Pictures of 16 bits a value.
    pub deep: u64,
    /// Pictures of these whose values use 12 bits or fewer.
    pub shallow: u64,
    /// The most bits that the values of a picture of 16 bits use.
    pub used_bits: Option<u8>,
    /// The first rows that cannot be used.
    pub bad: Vec<Bad>,
    /// Rows whose picture was decoded, and its size.
    #[serde(skip)]
    pub(super) sizes: Vec<(u64, PictureSize)>,
}

/// A row whose picture cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Where it is stored.
    pub place: String,
    /// Why.
    pub why: String,
}

/// Rows that are looked at where not all are.
pub(super) const SAMPLE: u64 = 256;

/// Rows that are read at a time.
pub(super) const TOGETHER: usize = 64;

/// Bad rows that are named.
pub(super) const NAMED: usize = 10;

/// Significant bits up to which a picture of 16 bits counts as one with a small range.
const SHALLOW: u8 = 12;

impl Images {
    pub(super) async fn of(cx: &Context, rows: &Files, named: Option<&str>, how: (bool, Reading)) -> Result<Self> {
        let none = Self {
            candidates: rows.image_candidates(),
            ..Self::default()
        };
        if named.is_none() && none.candidates.is_empty() {
            // A table, or texts: nothing is wrong with that.
            return Ok(Self {
                problem: Some("no column holds bytes, so there are none".to_owned()),
                ..none
            });
        }
        let found = rows.find_image(named);
        let found = found.and_then(|column| Ok((rows.clone().columns(&[&column])?, column)));
        Ok(match found {
            Err(error) => Self {
                problem: Some(error.to_string()),
                ..none
            },
            Ok((rows, column)) => Self {
                pictures: Some(Pictures::of(cx, &rows, &column, how).await?),
                column: Some(column),
                ..none
            },
        })
    }
}

/// What became of one row.
enum RowOutcome {
    Null,
    Empty,
    /// And the bits that its values use, where it has 16.
    Decoded(Facts, Option<u8>),
    Refused(ImageError),
}

impl Pictures {
    async fn of(cx: &Context, rows: &Files, column: &str, (full, reading): (bool, Reading)) -> Result<Self> {
        let all = rows.len().finite().unwrap_or(0);
        let count = if full { all } else { all.min(SAMPLE) };
        // In 128 bits, so that no number of rows is too large.
        let row = |at: u64| (u128::from(at) * u128::from(all) / u128::from(count.max(1))) as u64;
        let mut found = Self {
            reading,
            rows: all,
            nulls: rows.nulls(column),
            ..Self::default()
        };
        let mut first = 0;
        while first < count {
            let next = count.min(first + TOGETHER as u64);
            let wanted: Vec<u64> = (first..next).map(row).collect();
            found.look(cx, rows, column, &wanted).await?;
            first = next;
        }
        Ok(found)
    }

    /// Looks at the rows at `wanted`.
    async fn look(&mut self, cx: &Context, rows: &Files, column: &str, wanted: &[u64]) -> Result<()> {
        let reading = self.reading;
        let place = |row: u64| place(cx, rows, row);
        self.looked_at += wanted.len() as u64;
        let (taken, lost) = taken(cx, rows, wanted).await?;
        for (row, error) in lost {
            self.lost += 1;
            let place = place(row);
            let why = error.to_string();
            // Of a row of a list both name the picture.
            let file = why
                .split_once(": ")
                .filter(|(file, _)| place.ends_with(&format!("({file})")));
            let why = file.map_or(why.as_str(), |(_, why)| why).to_owned();
            self.name(place, why);
        }
        let Some((wanted, taken)) = taken else {
            return Ok(());
        };
        let seen = cx.compute(move || {
            let taken = taken.column(0);
            let look = |row: usize| bytes_of(taken, row).map_or(RowOutcome::Null, |bytes| see(bytes, &reading));
            Ok((0..taken.len()).into_par_iter().map(look).collect::<Vec<_>>())
        });
        let seen = seen.await?;
        let nulls: Vec<u64> = (wanted.iter().zip(&seen))
            .filter(|(_, seen)| matches!(seen, RowOutcome::Null))
            .map(|(&row, _)| row)
            .collect();
        let paths = match rows.with_path(column, &nulls).await {
            Ok(paths) => paths,
            Err(error) => {
                self.name(
                    column.to_owned(),
                    format!("whether nulls have a path is not known: {error}"),
                );
                HashSet::new()
            }
        };
        for (&row, seen) in wanted.iter().zip(&seen) {
            let why = match seen {
                RowOutcome::Decoded(facts, used) => {
                    self.count(facts, *used);
                    self.sizes.push((row, PictureSize::of(facts, reading.upright)));
                    continue;
                }
                RowOutcome::Null if paths.contains(&row) => {
                    self.null += 1;
                    self.path_only += 1;
                    "there is a path and no bytes".to_owned()
                }
                RowOutcome::Null => plus(&mut self.null, "the value is null"),
                RowOutcome::Empty => plus(&mut self.empty, "the value has no bytes"),
                RowOutcome::Refused(error) => {
                    let counter = match error {
                        ImageError::TooLarge { .. } => &mut self.too_large,
                        ImageError::Truncated(_) | ImageError::Corrupt { .. } => &mut self.broken,
                        _ => &mut self.unread,
                    };
                    plus(counter, error)
                }
            };
            self.name(place(row), why);
        }
        Ok(())
    }

    fn name(&mut self, place: String, why: String) {
        if self.bad.len() < NAMED {
            self.bad.push(Bad { place, why });
        }
    }

    fn count(&mut self, facts: &Facts, used: Option<u8>) {
        let (width, height) = match self.reading.upright {
            true => facts.upright(),
            false => (facts.width, facts.height),
        };
        let wider = |range: &mut Option<(u32, u32)>, side: u32| {
            let (least, most) = range.unwrap_or((side, side));
            *range = Some((least.min(side), most.max(side)));
        };
        wider(&mut self.width, width);
        wider(&mut self.height, height);
        self.formats.entry(facts.format.to_string()).or_default().add_assign(1);
        self.turned += u64::from(facts.orientation != 1);
        self.deep += u64::from(facts.bits == 16);
        self.shallow += u64::from(used.is_some_and(|bits| bits <= SHALLOW));
        self.used_bits = self.used_bits.max(used);
    }

    /// Rows that were looked at and cannot be used.
    pub fn unusable(&self) -> u64 {
        self.null + self.empty + self.unread + self.broken + self.too_large + self.lost
    }
}

fn plus(counter: &mut u64, why: &(impl ToString + ?Sized)) -> String {
    *counter += 1;
    why.to_string()
}

fn see(bytes: &[u8], reading: &Reading) -> RowOutcome {
    if bytes.is_empty() {
        return RowOutcome::Empty;
    }
    let looked = Facts::of(bytes).and_then(|facts| {
        Pixels::decode_with(bytes, reading)?;
        Ok(facts)
    });
    match looked {
        Ok(facts) => RowOutcome::Decoded(facts, used_bits(&facts, bytes, reading)),
        Err(error) => RowOutcome::Refused(error),
    }
}

/// How many bits the values of a picture of 16 bits use.
fn used_bits(facts: &Facts, bytes: &[u8], reading: &Reading) -> Option<u8> {
    let is_deep = facts.bits == 16;
    is_deep
        .then(|| Facts::used_bits(bytes, reading).ok().flatten())
        .flatten()
}
