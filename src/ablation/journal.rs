//! The folder of an ablation: its settings, and a line for each cell as it ends, so that a killed run goes on where it was.

use super::choice::SyntheticChoice;
use super::damage;
use super::detection::{BoxFigures, DetectionCell};
use super::line::{Cell, Chosen, Contents, Line, RefusedCell};
use super::rows::Input;
use super::spec::{Ablation, DataSet};
use crate::error::{Error, Result};
use crate::exec::lock::Lock;
use crate::exec::{files, outputs};
use crate::quote::quoted;
use crate::task::{DataSource, MachineOptions};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_128;

/// All that has been done.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    pub(super) contents: Vec<Contents>,
    pub(super) cells: Vec<Cell>,
    pub(super) refused: Vec<RefusedCell>,
    pub(super) detections: Vec<DetectionCell>,
    pub(super) chosen: Vec<Chosen>,
    _lock: Lock,
}

const SETTINGS: &str = "settings.json";
const CELLS: &str = "cells.jsonl";
const FEATURES: &str = "features";
const GENERATORS: &str = "generators";
const RUNS: &str = "runs";
/// What is written at the end.
pub(super) const RESULTS: [&str; 3] = ["ablation.json", "ablation.md", "ablation.html"];

impl Journal {
    /// Opens the folder of `ablation`, and goes on with what lies there.
    ///
    /// # Errors
    ///
    /// `Resume` where another ablation lies there, with what differs, and where no line says what a data set held of which there are others; `Config` where there are files of its names that no ablation wrote;
    /// `Busy` where another process works in it; `Data` where a line is damaged, `Io` where nothing can be read or written.
    pub(super) fn open(folder: &Path, ablation: &Ablation) -> Result<Self> {
        let at = |error: Error| error.context(folder.display().to_string());
        outputs::check_folder(folder)?;
        let (path, settings) = (folder.join(SETTINGS), settings(ablation)?);
        let there = path.symlink_metadata().is_ok();
        if there {
            check(&path, &settings)?;
        } else {
            let names = [CELLS, FEATURES, GENERATORS, RUNS].into_iter().chain(RESULTS);
            let foreign = names
                .into_iter()
                .find(|name| folder.join(name).symlink_metadata().is_ok());
            if let Some(name) = foreign {
                let message = format!(
                    "{name} exists, but no {SETTINGS}: no ablation wrote it; move it away, or use another folder"
                );
                return Err(at(Error::config(message)));
            }
        }
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let lock = Lock::take(folder)?;
        if !there {
            let text = serde_json::to_vec_pretty(&settings).map_err(|error| Error::io(&path, error))?;
            files::write_new(&path, |out| {
                out.write_all(&text).map_err(|error| Error::io(&path, error))
            })?;
        }
        let mut journal = Self {
            folder: folder.to_owned(),
            contents: Vec::new(),
            cells: Vec::new(),
            refused: Vec::new(),
            detections: Vec::new(),
            chosen: Vec::new(),
            _lock: lock,
        };
        journal.read()?;
        Ok(journal)
    }

    /// Reads the lines. What a killed run has left of a line without its end is cut off.
    fn read(&mut self) -> Result<()> {
        let path = self.folder.join(CELLS);
        let bytes = match files::read_small(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            bytes => bytes.map_err(|error| Error::io(&path, error))?,
        };
        let place = |error: Error| error.context(path.display().to_string());
        let mut numbers = Vec::new();
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        for (number, line) in (1..).zip(bytes[..whole].split(|&byte| byte == b'\n')) {
            if line.is_empty() {
                continue;
            }
            let read: Line = serde_json::from_slice(line).map_err(|error| {
                let message = damaged(number, says_contents(number, line), &error.to_string());
                place(Error::data(message).with_source(error))
            })?;
            self.check(number, &read).map_err(place)?;
            if let Line::Cell(_) = read {
                numbers.push(number);
            }
            self.keep(read);
        }
        // Beside all others: of a table those of other splits say how many rows a class has.
        for (number, cell) in numbers.into_iter().zip(&self.cells) {
            let contents = self.contents.iter().find(|known| known.data == cell.data);
            let why = contents.and_then(|contents| damage::of_cell(cell, contents, &self.cells));
            let error = why.map(|why| place(Error::data(damaged(number, false, &why))));
            error.map_or(Ok(()), Err)?;
        }
        if whole < bytes.len() {
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| file.set_len(whole as u64))
                .map_err(|error| Error::io(&path, error))?;
        }
        Ok(())
    }

    /// Refuses line `number` where it does not follow from those before it.
    fn check(&self, number: usize, line: &Line) -> Result<()> {
        let data = line.data();
        let contents = self.contents.iter().find(|known| known.data == data);
        let why = match (line, contents) {
            (Line::Contents(_), None) => None,
            (Line::Contents(_), Some(_)) => {
                return Err(Error::resume(format!(
                    "line {number} says once more what {} holds, so that lines of two ablations lie here; use another folder",
                    quoted(data)
                )));
            }
            // Figures of rows that nobody knows would be given as those of the rows that lie there now.
            (_, None) => {
                return Err(Error::resume(format!(
                    "line {number} is of {}, and no line before it says what that data set held, so that its rows may be others now; use \
                     another folder",
                    quoted(data)
                )));
            }
            (Line::Detection(cell), Some(_)) => damage::of_detector(cell),
            (Line::Chosen(of), Some(_)) => damage::of_choice(&of.choice),
            (Line::Cell(cell), Some(_)) => self.twice((&cell.data, cell.input, &cell.row, cell.seed)),
            (Line::Refused(cell), Some(_)) => self.twice((&cell.data, cell.input, &cell.row, cell.seed)),
        };
        why.map_or(Ok(()), |why| Err(Error::data(damaged(number, false, &why))))
    }

    /// Why there is no second line of a cell: one of them would be passed over, whatever it says.
    fn twice(&self, (data, input, row, seed): (&str, Input, &str, u64)) -> Option<String> {
        let there = self.cell(data, input, row, seed).is_some() || self.refused(data, input, row, seed).is_some();
        there.then(|| "a line before it is of the same cell".to_owned())
    }

    fn keep(&mut self, line: Line) {
        match line {
            Line::Contents(contents) => self.contents.push(contents),
            Line::Cell(cell) => self.cells.push(*cell),
            Line::Refused(cell) => self.refused.push(cell),
            Line::Detection(cell) => self.detections.push(cell),
            Line::Chosen(chosen) => self.chosen.push(chosen),
        }
    }

    /// Keeps a line, on the disk before anything else.
    pub(super) fn append(&mut self, line: Line) -> Result<()> {
        let path = self.folder.join(CELLS);
        let mut text = serde_json::to_vec(&line).map_err(|error| Error::io(&path, error))?;
        text.push(b'\n');
        let file = OpenOptions::new().append(true).create(true).open(&path);
        file.and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_data()))
            .map_err(|error| Error::io(&path, error))?;
        self.keep(line);
        Ok(())
    }

    /// Notes what a data set has, or refuses one that has changed.
    pub(super) fn note(&mut self, contents: Contents) -> Result<()> {
        match self.contents.iter().find(|known| known.data == contents.data) {
            Some(known) if *known == contents => Ok(()),
            Some(_) => Err(Error::resume(format!(
                "{}: the rows of {}, or the network's weights, are others than when this ablation was begun; use another folder",
                self.folder.display(),
                contents.data
            ))),
            None => {
                // They are made after this line was written.
                let left = [GENERATORS, RUNS].map(|name| self.folder.join(name).join(key(&contents.data)));
                if let Some(left) = left.iter().find(|left| left.symlink_metadata().is_ok()) {
                    return Err(Error::resume(format!(
                        "{}: networks of {} lie there, and no line of {CELLS} says what rows they were trained on; use another folder",
                        left.display(),
                        quoted(&contents.data)
                    )));
                }
                self.append(Line::Contents(contents))
            }
        }
    }

    pub(super) fn add_detection(&mut self, cell: DetectionCell) -> Result<()> {
        self.append(Line::Detection(cell))
    }

    pub(super) fn choose(&mut self, chosen: Chosen) -> Result<()> {
        self.append(Line::Chosen(chosen))
    }

    /// The cell, if it has been done.
    pub(super) fn cell(&self, data: &str, input: Input, row: &str, seed: u64) -> Option<&Cell> {
        let is = |cell: &&Cell| cell.data == data && cell.input == input && cell.row == row && cell.seed == seed;
        self.cells.iter().find(is)
    }

    /// The cell, if its way was refused.
    pub(super) fn refused(&self, data: &str, input: Input, row: &str, seed: u64) -> Option<&RefusedCell> {
        let is = |cell: &&RefusedCell| cell.data == data && cell.input == input && cell.row == row && cell.seed == seed;
        self.refused.iter().find(is)
    }

    /// The figures of a detector, if it has been trained: on test pictures, or `inside`, where `seed` is a part of the training pictures.
    pub(super) fn detection(&self, data: &str, row: &str, seed: u64, inside: bool) -> Option<BoxFigures> {
        let is =
            |cell: &&DetectionCell| cell.data == data && cell.row == row && cell.seed == seed && cell.inside == inside;
        self.detections.iter().find(is).map(|cell| cell.figures)
    }

    /// What was chosen in `split`, if it has been.
    pub(super) fn choice(&self, data: &str, split: u64) -> Option<&SyntheticChoice> {
        let is = |chosen: &&Chosen| chosen.data == data && chosen.split == split;
        self.chosen.iter().find(is).map(|chosen| &chosen.choice)
    }

    /// Where features are kept.
    pub(super) fn features(&self) -> PathBuf {
        self.folder.join(FEATURES)
    }

    /// Where networks that make rows of a split are kept.
    pub(super) fn generators(&self, data: &str, split: u64) -> PathBuf {
        self.folder.join(GENERATORS).join(key(data)).join(split.to_string())
    }

    /// Where the runs of detectors are kept.
    pub(super) fn runs(&self, data: &str) -> PathBuf {
        self.folder.join(RUNS).join(key(data))
    }

    /// Writes the results.
    pub(super) fn write(&self, results: [&[u8]; 3]) -> Result<()> {
        let mut all = RESULTS.iter().zip(results);
        all.try_for_each(|(name, bytes)| files::write_bytes(&self.folder.join(name), bytes))
    }
}

/// Whether a line that cannot be read may say what a data set holds: the first one does.
fn says_contents(number: usize, line: &[u8]) -> bool {
    const KIND: &[u8] = br#""contents""#;
    number == 1 || line.windows(KIND.len()).any(|part| part == KIND)
}

fn damaged(number: usize, is_contents: bool, why: &str) -> String {
    let advice = match is_contents {
        true => "it says what a data set holds, and without it the other lines say nothing: use another folder",
        false => "remove the line, and it is computed again",
    };
    format!("line {number} is no cell of an ablation: {why}; {advice}")
}

/// A name for the folder of a data set, whose own may be none.
fn key(data: &str) -> String {
    format!("{:032x}", xxh3_128(data.as_bytes()))
}

/// What decides the cells, without the places of files: what is in them is compared by itself.
fn settings(ablation: &Ablation) -> Result<Value> {
    let data = |data: &DataSet| {
        Ok(match data {
            DataSet::Keel(_) => json!({ "name": data.name() }),
            DataSet::Detection(detection) => {
                let mut run = detection.spec()?;
                // Their contents are compared by themselves.
                run.data.train = DataSource::Files(Vec::new());
                run.data.valid = DataSource::Files(Vec::new());
                run.machine = MachineOptions::default();
                json!({ "name": data.name(), "run": run })
            }
            DataSet::Pictures(pictures) => json!({
                "name": pictures.name,
                "image": pictures.image,
                "label": pictures.label,
                "size": pictures.size,
                "backbone": pictures.backbone,
                "long_tail": pictures.long_tail,
                "views": pictures.views,
                "from_scratch": pictures.from_scratch,
            }),
        })
    };
    Ok(json!({
        "ablation": 5,
        "data": ablation.data.iter().map(data).collect::<Result<Vec<_>>>()?,
        "seeds": ablation.seeds,
        "paired_seeds": ablation.paired_seeds,
        "quick": ablation.quick,
    }))
}

/// Refuses settings that are others than those in the file.
fn check(path: &Path, now: &Value) -> Result<()> {
    let text = files::read_small(path).map_err(|error| Error::io(path, error))?;
    let old: Value = serde_json::from_slice(&text)
        .ok()
        .filter(|old: &Value| old["ablation"].is_u64())
        .ok_or_else(|| {
            Error::config("no settings of an ablation; use another folder").context(path.display().to_string())
        })?;
    let names = now.as_object().into_iter().flat_map(|all| all.keys());
    let differs: Vec<String> = names
        .filter(|name| old[name.as_str()] != now[name.as_str()])
        .map(|name| match name.as_str() {
            "data" => "the data sets are others".to_owned(),
            name => format!("{name} is {} there and {} here", old[name], now[name]),
        })
        .collect();
    match differs.is_empty() {
        true => Ok(()),
        false => Err(Error::resume(format!(
            "{}: another ablation lies here: {}; use another folder",
            path.parent().unwrap_or(path).display(),
            differs.join(", ")
        ))),
    }
}
