use super::on_error::Replaced;
use crate::error::{Error, Result};
use crate::exec::files;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file of JSON lines, each of which says where in the run it was written (`at`). Lines from the place where a run
/// resumes on are taken out, so that a run that was killed leaves no line twice.
#[derive(Debug)]
pub(super) struct JsonLines {
    path: PathBuf,
    file: File,
}

impl JsonLines {
    /// Opens `path` for a run that starts at `position`: keeps the lines of earlier ones, drops a torn one. A file that has
    /// other lines is not ours, and an error.
    pub(super) fn open(path: &Path, position: u64) -> Result<Self> {
        let failed = |error| Error::io(path, error);
        match files::read_small(path) {
            Ok(old) => {
                if let Some(line) = foreign(&old) {
                    let message = format!("line {line} is none that a run wrote; name another file");
                    return Err(Error::config(message).context(path.display().to_string()));
                }
                let kept: Vec<u8> = old
                    .split_inclusive(|&byte| byte == b'\n')
                    .filter(|line| is_before(line, position))
                    .flatten()
                    .copied()
                    .collect();
                if kept.len() != old.len() {
                    files::write_bytes(path, &kept)?;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => files::write_bytes(path, b"")?,
            Err(error) => return Err(failed(error)),
        }
        Ok(Self {
            file: OpenOptions::new().append(true).open(path).map_err(failed)?,
            path: path.to_owned(),
        })
    }

    /// Appends a line in one write.
    pub(super) fn add(&mut self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(|error| Error::io(&self.path, error))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(|error| Error::io(&self.path, error))
    }
}

fn is_before(line: &[u8], position: u64) -> bool {
    line.ends_with(b"\n") && at(line).is_some_and(|at| at < position)
}

/// Where in the run a line was written.
fn at(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Value>(line).ok()?["at"].as_u64()
}

/// The first line, from 1, that no run wrote: the last one may be torn.
fn foreign(file: &[u8]) -> Option<usize> {
    /// How every line begins: keys are in order.
    const START: &[u8] = b"{\"at\":";
    let is_ours = |line: &[u8]| match line.ends_with(b"\n") {
        true => at(line).is_some(),
        false => line.len().min(START.len()) == line.iter().zip(START).take_while(|(a, b)| a == b).count(),
    };
    let mut lines = file.split_inclusive(|&byte| byte == b'\n');
    lines.position(|line| !is_ours(line)).map(|line| line + 1)
}

/// Where bad rows are written down, and how each is taken again.
#[derive(Clone, Debug)]
pub(super) struct Quarantine {
    pub(super) path: PathBuf,
    /// Stands before the position in the command of a line.
    pub(super) command: String,
}

impl Quarantine {
    pub(super) fn line(&self, at: u64, replaced: &Replaced) -> Value {
        json!({
            "at": at,
            "position": replaced.position,
            "by": replaced.by,
            "reason": replaced.reason,
            "replay": self.command.replace("{position}", &replaced.position.to_string()),
        })
    }
}
