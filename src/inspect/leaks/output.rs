//! The files of a comparison: the report, the rows to leave out, and the pictures that were found side by side.

use super::report::{Leak, LeakKind, LeakReport};
use super::sets::Set;
use crate::columns::bytes_of;
use crate::dataset::Origin;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::{Context, files, outputs};
use crate::image::{Pixels, Reading};
use crate::inspect::taken::taken;
use crate::report::picture::{SheetGroup, SheetSample, Tile, contact_sheet, png};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The report.
const REPORT: &str = "leaks.json";
/// Rows to leave out.
const ROWS: &str = "leaked-rows.json";
/// Pictures side by side.
const SHEET: &str = "leaks.png";

/// Pairs of a kind that are drawn, and pairs in a line.
const DRAWN: usize = 24;
const LINE: usize = 3;
/// Pixels of the longer side of a picture.
const EDGE: u32 = 112;

/// A folder for the files.
#[derive(Debug)]
pub(super) struct Output<'a> {
    pub(super) folder: &'a Path,
    pub(super) overwrite: bool,
}

impl Output<'_> {
    /// Refuses a folder that is read, in which nothing can be written, or that has one of the files.
    pub(super) fn check(&self, sets: &[Set]) -> Result<()> {
        outputs::check_folder(self.folder)?;
        let inputs: Vec<PathBuf> = sets.iter().flat_map(|set| set.files.paths()).collect();
        let names = [REPORT, ROWS, SHEET];
        outputs::refuse_inputs(
            names.map(|name| self.folder.join(name)),
            inputs.iter().map(PathBuf::as_path),
        )?;
        let there = names
            .into_iter()
            .find(|name| self.folder.join(name).symlink_metadata().is_ok());
        match there.filter(|_| !self.overwrite) {
            None => outputs::check_report(self.folder, (REPORT, "across"), &[ROWS, SHEET]),
            Some(name) => {
                let message = format!("{name} is there already, and would be overwritten: use another folder");
                Err(Error::new(ErrorKind::Exists, message).context(self.folder.display().to_string()))
            }
        }
    }

    /// Writes all files; the sheet only of pictures of which some were found.
    pub(super) fn write(
        &self,
        cx: &Context,
        report: &LeakReport,
        sets: &[Set],
        pictures: Option<(&str, Reading)>,
    ) -> Result<()> {
        std::fs::create_dir_all(self.folder).map_err(|error| Error::io(self.folder, error))?;
        let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|error| Error::data(error.to_string()));
        self.put(REPORT, &json(serde_json::to_vec(report))?)?;
        self.put(ROWS, &json(serde_json::to_vec(&report.rows()))?)?;
        let Some((image, reading)) = pictures else {
            return Ok(());
        };
        let mut groups = Vec::new();
        for overlap in report.across.iter().chain(&report.within) {
            let set = |name: &str| sets.iter().find(|set| set.name == name);
            let Some(between) = set(&overlap.set).zip(set(&overlap.copied_from)) else {
                continue;
            };
            for count in &overlap.kinds {
                let drawn = overlap.leaks.iter().filter(|leak| leak.kind == count.kind).take(DRAWN);
                let mut samples = Vec::new();
                for leak in drawn {
                    samples.push(cx.block_on(pair(cx, leak, between, (image, reading)))?);
                }
                if !samples.is_empty() {
                    groups.push(SheetGroup {
                        name: format!("{}: {}", overlap.set, in_words(count.kind)),
                        count: count.rows,
                        lines: samples.chunks(LINE).map(<[SheetSample]>::to_vec).collect(),
                    });
                }
            }
        }
        if groups.is_empty() {
            return Ok(());
        }
        let note = "Left a row, right the row that it is a copy of.".to_owned();
        self.put(SHEET, &png(&contact_sheet("Copies", &[note], &groups, EDGE)?)?)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        files::write_output(&path, self.overwrite, |file| {
            file.write_all(bytes).map_err(|error| Error::io(&path, error))
        })
    }
}

fn in_words(kind: LeakKind) -> &'static str {
    match kind {
        LeakKind::SameBytes => "same bytes",
        LeakKind::SamePixels => "same pixels",
        LeakKind::SameRow => "same row",
        LeakKind::NearHash => "looks the same",
        LeakKind::NearFeatures => "near features",
        LeakKind::NearValues => "near values",
    }
}

/// Both pictures of a pair. What cannot be decoded, though its bytes are equal, is grey.
async fn pair(
    cx: &Context,
    leak: &Leak,
    (set, other): (&Set, &Set),
    (image, reading): (&str, Reading),
) -> Result<SheetSample> {
    let mut tiles = Vec::new();
    for (set, row) in [(set, &leak.row), (other, &leak.copy_of)] {
        let files = set.files.clone().columns(&[image])?;
        let (read, _) = taken(cx, &files, &[row.position]).await?;
        let tile = cx.compute(move || {
            let decoded = read.as_ref().and_then(|(_, batch)| {
                let bytes = bytes_of(batch.column(0), 0)?;
                Pixels::decode_with(bytes, &reading).ok()
            });
            let pixels = decoded.unwrap_or_else(|| Pixels {
                width: 1,
                height: 1,
                levels: vec![128; 3],
            });
            let tile = Tile {
                rgb: pixels.levels,
                width: pixels.width,
                height: pixels.height,
                origin: Origin::Real,
            };
            tile.scaled(EDGE)
        });
        tiles.push(tile.await?);
    }
    let mut captions = vec![format!(
        "{} {} = {} {}",
        set.name, leak.row.position, other.name, leak.copy_of.position
    )];
    if let (Some(own), Some(other)) = (&leak.row.label, &leak.copy_of.label) {
        match own == other {
            true => captions.push(own.chars().take(20).collect()),
            false => captions.push(format!(
                "{} / {}",
                own.chars().take(14).collect::<String>(),
                other.chars().take(14).collect::<String>()
            )),
        }
    }
    let how = match (leak.turn, leak.distance, leak.correlation) {
        (Some(turn), ..) => Some(turn.to_string()),
        (_, Some(distance), _) => Some(format!("distance {distance:.4}")),
        (.., Some(correlation)) => Some(format!("correlation {correlation:.4}")),
        _ => None,
    };
    captions.extend(how);
    Ok(SheetSample { tiles, captions })
}
