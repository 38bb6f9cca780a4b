//! Which rows every step was given.

use crate::dataset::Provenance;
use crate::error::{Error, Result};
use crate::loader::Batch;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// A text file with one line for each step: its number from 1, the positions of its rows as ranges, and a hash of where
/// the rows come from (stored rows, class, origin, generator, occurrence):
///
/// ```text
/// 1 0..64 93c1a9e6f4b20d57
/// 2 64..128 5a0e1c7d88b3f912
/// ```
#[derive(Debug)]
pub(crate) struct SampleLog {
    file: File,
    path: PathBuf,
    bytes: u64,
}

impl SampleLog {
    /// Goes on after the first `bytes` of the file at `path`, and forgets what follows; 0 begins anew.
    ///
    /// # Errors
    ///
    /// `Io` where it cannot be opened; `Resume` where it has fewer bytes; `Config` where it is a symbolic link.
    pub(crate) fn open(path: &Path, bytes: u64) -> Result<Self> {
        let failed = |error| Error::io(path, error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // What a link leads to is not ours to cut.
        if path.is_symlink() {
            let message = "a link, which no run made: move it away, or use another folder";
            return Err(Error::config(message).context(path.display().to_string()));
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed)?;
        let found = file.metadata().map_err(failed)?.len();
        if found < bytes {
            let message = format!("it has {found} bytes, and had {bytes} when the checkpoint was written");
            return Err(Error::resume(message).context(path.display().to_string()));
        }
        file.set_len(bytes).map_err(failed)?;
        let path = path.to_owned();
        Ok(Self { file, path, bytes })
    }

    /// Notes the batch of `step`.
    ///
    /// # Errors
    ///
    /// `Io` where it cannot be written.
    pub(crate) fn note(&mut self, step: u64, batch: &Batch) -> Result<()> {
        let hash = xxh3_64(described(&batch.provenance()).as_bytes());
        let line = format!("{step} {} {hash:016x}\n", ranges(batch.positions()));
        self.bytes += line.len() as u64;
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| Error::io(&self.path, error))
    }

    /// Brings all that was noted to the disk, and tells how many bytes it is.
    ///
    /// # Errors
    ///
    /// `Io` where the system cannot.
    pub(crate) fn sync(&self) -> Result<u64> {
        self.file.sync_all().map_err(|error| Error::io(&self.path, error))?;
        Ok(self.bytes)
    }
}

/// `5..8,0..2` for 5, 6, 7, 0, 1.
fn ranges(positions: &[u64]) -> String {
    let runs = positions.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let text = runs.filter_map(|run| Some(format!("{}..{}", run.first()?, run.last()?.saturating_add(1))));
    text.collect::<Vec<_>>().join(",")
}

fn described(rows: &[Provenance]) -> String {
    let mut text = String::new();
    for row in rows {
        let (class, generator) = (&row.class, &row.generator);
        let origin = row.origin.name();
        // Writing to a string does not fail.
        let _ = write!(text, "{class:?} {origin} {generator:?} {}", row.occurrence);
        row.places.iter().for_each(|place| {
            let _ = write!(text, ", {place}");
        });
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_written_as_ranges() {
        assert_eq!(ranges(&[5, 6, 7, 0, 1, 9]), "5..8,0..2,9..10");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn a_log_goes_on_where_it_was() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let path = dir.path().join("run/samples.log");
        let read = || fs::read_to_string(&path).map_err(|error| Error::io(&path, error));
        let mut samples = SampleLog::open(&path, 0)?;
        samples
            .file
            .write_all(b"1 0..2 x\n2 2..4")
            .map_err(|error| Error::io(&path, error))?;
        samples = SampleLog::open(&path, 9)?;
        samples
            .file
            .write_all(b"2 2..4 y\n")
            .map_err(|error| Error::io(&path, error))?;
        assert_eq!(read()?, "1 0..2 x\n2 2..4 y\n");
        let error = SampleLog::open(&path, 19).expect_err("it is shorter");
        assert!(
            error
                .to_string()
                .ends_with("it has 18 bytes, and had 19 when the checkpoint was written"),
            "{error}"
        );
        #[cfg(unix)]
        {
            let link = dir.path().join("link.log");
            std::os::unix::fs::symlink(&path, &link).map_err(|error| Error::io(&link, error))?;
            let error = SampleLog::open(&link, 0).expect_err("it is a link").to_string();
            assert!(
                error.ends_with("link.log: a link, which no run made: move it away, or use another folder"),
                "{error}"
            );
            assert_eq!(read()?, "1 0..2 x\n2 2..4 y\n");
        }
        SampleLog::open(&path, 0)?;
        assert_eq!(read()?, "");
        Ok(())
    }
}
