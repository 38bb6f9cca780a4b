//! A training, epoch by epoch.

use crate::error::{Error, Result};
use crate::exec::files;
use serde::{Deserialize, Serialize};
#[cfg(feature = "train")]
use std::io::Write;
use std::path::Path;

/// What one epoch of a training came to, in six digits.
///
/// Figures on validation rows are for information: nothing is chosen by them. Where rows were held out of the training set to choose the
/// best epoch on or for shares that follow figures, the figures are of [these](Self::selection) in their place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The part of the run: the name of the strategy by which the head trains, or `deep`.
    pub phase: String,
    /// Which epoch of this part, from 1.
    pub epoch: u64,
    /// Epochs that this part has at most.
    pub epochs: u64,
    /// Optimizer steps since this part began.
    pub step: u64,
    /// Mean training loss of the epoch's steps.
    pub loss: f64,
    /// Loss on the validation or selection rows after the epoch.
    pub valid_loss: Option<f64>,
    /// The name of the task's figure that chooses between models.
    pub figure: String,
    /// This figure on the same rows after the epoch.
    pub value: Option<f64>,
    /// One standard error of this figure.
    pub standard_error: Option<f64>,
    /// Rows that both are of.
    pub valid_rows: u64,
    /// Whether these are selection rows, which were held out of the training rows to choose the best epoch on, or for shares that follow
    /// figures, and not validation rows.
    #[serde(default)]
    pub selection: bool,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Training rows in a second, without the time that validation took.
    pub rows_per_second: f64,
    /// Share of the training time that was spent waiting for the loader, 0 to 1.
    pub waiting: f64,
    /// Seconds until this part is done, if it goes on as it did.
    pub seconds_left: f64,
}

impl Epoch {
    /// What the rows that it was measured on are called: `validation` or `selection`.
    pub(crate) fn set(&self) -> &'static str {
        match self.selection {
            true => "selection",
            false => "validation",
        }
    }

    /// With all numbers in six digits, which come back from JSON as they were; below 1e-16 they are 0, above 1e27 they are that.
    #[cfg(feature = "train")]
    pub(crate) fn rounded(self) -> Self {
        let six = |number: f64| match number.abs() {
            size if size < 1e-16 => 0.0,
            size if size > 1e27 => 1e27 * number.signum(),
            _ => format!("{number:.5e}").parse().unwrap_or(number),
        };
        Self {
            loss: six(self.loss),
            valid_loss: self.valid_loss.map(six),
            value: self.value.map(six),
            standard_error: self.standard_error.map(six),
            learning_rate: six(self.learning_rate),
            rows_per_second: six(self.rows_per_second),
            waiting: six(self.waiting),
            seconds_left: six(self.seconds_left),
            ..self
        }
    }
}

/// Writes `epochs` to `path`, a JSON object a line: whole, or not at all.
///
/// # Errors
///
/// [`Io`](crate::error::ErrorKind::Io) where the file cannot be written.
pub fn write_history(path: impl AsRef<Path>, epochs: &[Epoch]) -> Result<()> {
    let path = path.as_ref();
    let mut lines = Vec::new();
    for epoch in epochs {
        lines.extend(line(path, epoch)?);
    }
    files::write_bytes(path, &lines)
}

/// Adds one line to a file that [`write_history`] wrote.
#[cfg(feature = "train")]
pub(crate) fn append_history(path: &Path, epoch: &Epoch) -> Result<()> {
    let failed = |error| Error::io(path, error);
    let mut file = std::fs::OpenOptions::new().append(true).open(path).map_err(failed)?;
    file.write_all(&line(path, epoch)?).map_err(failed)
}

fn line(path: &Path, epoch: &Epoch) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(epoch).map_err(|error| Error::io(path, error))?;
    line.push(b'\n');
    Ok(line)
}

/// Reads what [`write_history`] wrote.
///
/// # Errors
///
/// [`Io`](crate::error::ErrorKind::Io) where the file cannot be read, [`Data`](crate::error::ErrorKind::Data) where a line is no epoch.
pub fn read_history(path: impl AsRef<Path>) -> Result<Vec<Epoch>> {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
    let read = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            Error::data(format!("line {}: {error}", at + 1))
                .with_source(error)
                .context(path.display().to_string())
        })
    };
    text.lines().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let epochs: Vec<Epoch> = (1..=3)
            .map(|epoch| Epoch {
                phase: "a \"quoted\"\nname".into(),
                epoch,
                loss: 1.0 / epoch as f64,
                value: (epoch > 1).then_some(0.25),
                ..Epoch::default()
            })
            .collect();
        write_history(&path, &epochs[..2]).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        text += &String::from_utf8(line(&path, &epochs[2]).unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
        assert_eq!(read_history(&path).unwrap(), epochs);
        std::fs::write(&path, text + "{\"pha").unwrap();
        let error = read_history(&path).unwrap_err().to_string();
        assert!(error.contains("history.jsonl: line 4: EOF"), "{error}");
    }
}
