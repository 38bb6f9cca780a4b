//! A folder in which one process works at a time.

use crate::error::{Error, ErrorKind, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A lock on a folder, until it is dropped or the process ends, however it ends: the system holds it, on a file in the
/// folder that says who has it.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// The file in the folder.
    pub(crate) const NAME: &str = ".millstream.lock";
    /// How its text begins.
    const OURS: &str = "millstream: ";

    /// Locks `folder`, which is there.
    ///
    /// # Errors
    ///
    /// `Busy` where another has it, saying who; `Io` where the file system has no locks; `Config` where the lock's file is
    /// another process's.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(Self::NAME);
        let failed = |error| Error::io(&path, error);
        loop {
            // What a link leads to is not ours to write.
            if path.is_symlink() {
                return Err(Error::config("a link, and no lock of a run").context(path.display().to_string()));
            }
            // A pipe would never end.
            if path.exists() && !path.is_file() {
                let message = "no file, and no lock of a run; move it away, or use another folder";
                return Err(Error::config(message).context(path.display().to_string()));
            }
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = options.open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy(folder, &mut file)),
                Err(TryLockError::Error(error)) => {
                    let message = "this file system has no locks, so two runs could mix their files here; \
                                   use a folder on another file system";
                    let error = Error::new(ErrorKind::Io, message).with_source(error);
                    return Err(error.context(folder.display().to_string()));
                }
            }
            // The holder before may have removed the file between its opening and its lock.
            if !is_at(&file, &path) {
                continue;
            }
            let text = read(&mut file);
            if !text.is_empty() && !text.starts_with(Self::OURS) {
                let message = "no lock of a run; move it away, or use another folder";
                return Err(Error::config(message).context(path.display().to_string()));
            }
            let who = format!(
                "{}process {} on {} since {}\n",
                Self::OURS,
                std::process::id(),
                machine(),
                utc(SystemTime::now())
            );
            let written = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(who.as_bytes()));
            written.map_err(failed)?;
            return Ok(Self { file, path });
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Only where it is still the one that is locked; a file that stays is no lock.
        if is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn busy(folder: &Path, file: &mut File) -> Error {
    let text = read(file);
    let who = match text.trim().strip_prefix(Lock::OURS) {
        Some(who) => who.to_owned(),
        None => "another process".to_owned(),
    };
    let message = format!("{who} is working in this folder; wait until it has ended, or use another folder");
    Error::new(ErrorKind::Busy, message).context(folder.display().to_string())
}

fn read(file: &mut File) -> String {
    let mut bytes = Vec::new();
    // What cannot be read is not known.
    let _ = file.rewind().and_then(|()| file.take(4096).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether `file` is what lies at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
    let here = file.metadata().map(id).ok();
    here.is_some() && here == std::fs::metadata(path).map(id).ok()
}

/// Where files that are open are not removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok());
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned())
}

/// `2026-11-28 11:06:29 UTC`
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Days since the first of March of the year 0, in eras of 400 years (Hinnant 2014).
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(Lock::NAME);
        let first = Lock::take(dir.path()).unwrap();
        let refused = Lock::take(dir.path()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy);
        let said = refused.to_string();
        assert!(said.contains(&format!("process {} on ", std::process::id())), "{said}");
        drop(first);
        assert!(!file.exists());
        // What a killed process leaves is no lock.
        std::fs::write(&file, "millstream: process 1 on a since b\n").unwrap();
        drop(Lock::take(dir.path()).unwrap());
        std::fs::write(&file, "mine").unwrap();
        assert_eq!(Lock::take(dir.path()).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
        std::fs::remove_file(&file).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(made.unwrap().success());
        let said = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(said.contains("no file, and no lock of a run"), "{said}");
    }

    #[test]
    fn times_are_dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (1_796_083_589, "2026-12-01 00:06:29 UTC"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
