//! The folder of an ablation: its settings, and a line for each cell as it ends, so that a killed run goes on where it was.

use super::arms::Way;
use super::choice::SyntheticChoice;
use super::detection::{BoxFigures, DetectionCell};
use super::figures::Figures;
use super::rows::Input;
use super::spec::{Ablation, DataSet};
use crate::error::{Error, Result};
use crate::exec::lock::Lock;
use crate::exec::{files, outputs};
use crate::report::Confusion;
use crate::task::{DataSource, MachineOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_128;

/// One network that was trained and tested: a line of `cells.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The data set.
    pub data: String,
    /// What the network was given.
    pub input: Input,
    /// The row of the table.
    pub row: String,
    /// The seed.
    pub seed: u64,
    /// What was done.
    pub way: Way,
    /// The figures on the test rows.
    pub figures: Figures,
    /// Truth against prediction on the test rows.
    pub confusion: Confusion,
    /// Seconds that it took.
    pub seconds: f64,
}

/// A cell whose way cannot make all rows that it has to: one did not pass its gate, however often it was drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RefusedCell {
    pub(super) data: String,
    pub(super) input: Input,
    pub(super) row: String,
    pub(super) seed: u64,
    /// What the gate said.
    pub(super) why: String,
}

/// What a data set has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) data: String,
    /// What tells it from another one of its name.
    pub(super) fingerprint: String,
    pub(super) classes: Vec<String>,
    /// Training rows of each class; of a table those of its first split.
    pub(super) counts: Vec<u64>,
    /// Test rows, as well.
    pub(super) tested: u64,
}

/// What was chosen inside the training rows of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Chosen {
    pub(super) data: String,
    pub(super) split: u64,
    pub(super) choice: SyntheticChoice,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Contents(Contents),
    Cell(Box<Cell>),
    Refused(RefusedCell),
    Detection(DetectionCell),
    Chosen(Chosen),
}

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
    /// `Resume` where another ablation lies there, with what differs; `Config` where there are files of its names that no ablation wrote;
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
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        for (number, line) in (1..).zip(bytes[..whole].split(|&byte| byte == b'\n')) {
            if line.is_empty() {
                continue;
            }
            let line: Line = serde_json::from_slice(line).map_err(|error| {
                let message = format!(
                    "line {number} is no cell of an ablation: {error}; remove the line, and it is computed again"
                );
                Error::data(message)
                    .with_source(error)
                    .context(path.display().to_string())
            })?;
            self.keep(line);
        }
        if whole < bytes.len() {
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| file.set_len(whole as u64))
                .map_err(|error| Error::io(&path, error))?;
        }
        Ok(())
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

    fn append(&mut self, line: Line) -> Result<()> {
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
            None => self.append(Line::Contents(contents)),
        }
    }

    pub(super) fn add(&mut self, cell: Cell) -> Result<()> {
        self.append(Line::Cell(Box::new(cell)))
    }

    pub(super) fn refuse(&mut self, cell: RefusedCell) -> Result<()> {
        self.append(Line::Refused(cell))
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
        "ablation": 2,
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
