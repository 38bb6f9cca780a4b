//! Checkpoints on disk: whole, or passed over for the one before.

use super::checkpoint_owner::{self, STATE, all, tidy};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use burn::module::Module;
use burn::tensor::Bytes;
use burn::train::checkpoint::Checkpoint as Record;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// The parts of a training, each a file.
pub(crate) const MODEL: &str = "model.bpk";
pub(crate) const OPTIMIZER: &str = "optimizer.bpk";
pub(crate) const SCHEDULER: &str = "scheduler.bpk";
/// The best model so far, where models are compared.
pub(crate) const BEST: &str = "best.bpk";
/// The second of two networks that train against each other, and its optimizer.
pub(crate) const SECOND_MODEL: &str = "second_model.bpk";
pub(crate) const SECOND_OPTIMIZER: &str = "second_optimizer.bpk";
/// The files of a checkpoint.
const FILES: [&str; 7] = [MODEL, OPTIMIZER, SCHEDULER, BEST, SECOND_MODEL, SECOND_OPTIMIZER, STATE];

/// Brings the running statistics of `model`, which its clones share, up to date for a record.
///
/// A record takes them as they were before the last step, unless `valid` was called since: without it a resumed run
/// would end with other statistics.
pub(crate) fn settle<M: Module>(model: &M) {
    drop(model.valid());
}

/// What a training is after a step: records of its parts, and a state `S` of its own.
///
/// Each is a folder that is named by its step. Its state is written last and carries a hash of every part, so that a
/// folder which was torn in any way is known, and the checkpoint before it counts. The newest two are kept. A folder of such a name that
/// [no training wrote](checkpoint_owner) is passed over, and stays.
#[derive(Debug)]
pub(crate) struct Checkpoint<S> {
    /// Where it lies.
    pub(crate) folder: PathBuf,
    /// Steps that were done.
    pub(crate) step: u64,
    /// What else there is to know.
    pub(crate) state: S,
    parts: BTreeMap<String, Vec<u8>>,
}

/// The contents of `state.json`.
#[derive(Serialize, Deserialize)]
struct Written<S> {
    step: u64,
    state: S,
    /// Hash of each part.
    parts: BTreeMap<String, String>,
    /// Hash of all the above.
    checksum: String,
}

impl<S: Serialize> Written<S> {
    fn new(step: u64, state: S, parts: BTreeMap<String, String>) -> Result<Self, serde_json::Error> {
        let checksum = String::new();
        let mut written = Self {
            step,
            state,
            parts,
            checksum,
        };
        written.checksum = written.hash()?;
        Ok(written)
    }

    fn hash(&self) -> Result<String, serde_json::Error> {
        Ok(hash(&serde_json::to_vec(&(self.step, &self.state, &self.parts))?))
    }
}

fn hash(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

impl<S: Serialize + DeserializeOwned> Checkpoint<S> {
    /// Writes the checkpoint of `step` under `folder`, and then removes all but it and the one before.
    ///
    /// # Errors
    ///
    /// `Io` where a file cannot be written; `Exists` where others have files there; `Stage` where the state holds a number that is not finite,
    /// which JSON has no word for.
    pub(crate) fn write(folder: &Path, step: u64, state: S, parts: &[(&str, &[u8])]) -> Result<()> {
        let here = folder.join(format!("{step:09}"));
        let hashes = parts.iter().map(|(name, bytes)| ((*name).to_owned(), hash(bytes)));
        let written = Written::new(step, state, hashes.collect());
        let text = written.and_then(|written| Ok((serde_json::to_vec_pretty(&written)?, written.checksum)));
        let (text, checksum) = text.map_err(|error| Error::io(&here, error))?;
        // What would be taken for torn is no checkpoint.
        let again = serde_json::from_slice::<Written<S>>(&text).and_then(|again| again.hash());
        if again.ok().as_ref() != Some(&checksum) {
            return Err(Error::stage(format!(
                "the state after step {step} holds a number that is not finite, and cannot be kept"
            )));
        }
        checkpoint_owner::begin(step, &here, &FILES)?;
        for (name, bytes) in parts {
            files::write_bytes(&here.join(name), bytes)?;
        }
        files::write_bytes(&here.join(STATE), &text)?;
        checkpoint_owner::end(&here)?;
        let all = all(folder);
        let whole = all.iter().filter(|(_, path)| path.join(STATE).exists());
        let before = whole.map(|(old, _)| *old).filter(|old| *old < step).max();
        for (_, old) in all.iter().filter(|(old, _)| *old != step && Some(*old) != before) {
            remove(old);
        }
        Ok(())
    }

    /// The newest whole checkpoint under `folder`; what is newer and torn, and what a killed run left half written, is
    /// removed.
    ///
    /// # Errors
    ///
    /// `Io` where the folder cannot be read.
    pub(crate) fn newest(folder: &Path) -> Result<Option<Self>> {
        tidy(folder)?;
        for (_, path) in all(folder).into_iter().rev() {
            match Self::read(&path) {
                Some(whole) => return checkpoint_owner::end(&path).map(|()| Some(whole)),
                None => remove(&path),
            }
        }
        Ok(None)
    }

    fn read(folder: &Path) -> Option<Self> {
        let text = files::read_small(&folder.join(STATE)).ok()?;
        let written: Written<S> = serde_json::from_slice(&text).ok()?;
        if written.checksum != written.hash().ok()? {
            return None;
        }
        let part = |(name, expected): (&String, &String)| {
            let bytes = files::read_whole(&folder.join(name)).ok()?;
            (hash(&bytes) == *expected).then(|| (name.clone(), bytes))
        };
        Some(Self {
            folder: folder.to_owned(),
            step: written.step,
            parts: written.parts.iter().map(part).collect::<Option<_>>()?,
            state: written.state,
        })
    }
}

impl<S> Checkpoint<S> {
    /// The record in the part `name`.
    ///
    /// # Errors
    ///
    /// `Resume` where there is no such part, or it holds another kind of record.
    pub(crate) fn record<R: Record>(&self, name: &str) -> Result<R> {
        let bytes = self.parts.get(name).ok_or_else(|| self.unfit("it is missing"))?;
        R::checkpoint_from_bytes(Bytes::from_bytes_vec(bytes.clone())).map_err(|error| self.unfit(error).context(name))
    }

    /// The bytes of the part `name`, if there is one.
    pub(crate) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.parts.get(name).cloned()
    }

    /// The error of a checkpoint that does not fit what is to be resumed.
    pub(crate) fn unfit(&self, why: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Resume, why.to_string()).context(self.folder.display().to_string())
    }
}

/// Whether there is a checkpoint under `folder`, whole or not.
pub(crate) fn is_any(folder: &Path) -> bool {
    all(folder).iter().any(|(_, path)| path.join(STATE).exists())
}

/// Removes all checkpoints under `folder`, and `folder` if nothing else is in it.
///
/// # Errors
///
/// `Io` where a file cannot be removed.
pub(crate) fn remove_all(folder: &Path) -> Result<()> {
    tidy(folder)?;
    all(folder).iter().for_each(|(_, old)| remove(old));
    match all(folder).first() {
        Some((_, left)) => {
            Err(Error::new(ErrorKind::Io, "this checkpoint cannot be removed").context(left.display().to_string()))
        }
        None => {
            // It stays where it has anything else in it.
            let _ = std::fs::remove_dir(folder);
            Ok(())
        }
    }
}

/// Removes a checkpoint, last by what it is known; what cannot be removed now is passed over, since the newest whole one counts. What
/// else is in its folder stays, and so does the folder then.
fn remove(folder: &Path) {
    for name in FILES {
        let _ = std::fs::remove_file(folder.join(name));
    }
    let _ = checkpoint_owner::end(folder);
    let _ = files::remove_temporary(folder);
    let _ = std::fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use std::fs;

    type Text = Checkpoint<String>;

    fn write(folder: &Path, step: u64) {
        let (model, optimizer) = (step.to_le_bytes().repeat(9), [step as u8; 30]);
        let parts = [(MODEL, &model[..]), (OPTIMIZER, &optimizer[..])];
        Text::write(folder, step, format!("state of {step}"), &parts).expect("it is written");
    }

    fn newest(folder: &Path) -> Option<(u64, String, Vec<u8>)> {
        let found = Text::newest(folder).expect("a folder")?;
        Some((found.step, found.state.clone(), found.parts[MODEL].clone()))
    }

    fn expected(step: u64) -> Option<(u64, String, Vec<u8>)> {
        Some((step, format!("state of {step}"), step.to_le_bytes().repeat(9)))
    }

    fn steps(folder: &Path) -> Vec<u64> {
        all(folder).into_iter().map(|(step, _)| step).collect()
    }

    #[test]
    fn numbers_are_read_back_to_the_bit() {
        type Numbers = Checkpoint<Vec<f64>>;
        let dir = tempfile::tempdir().expect("a folder");
        let mut rng = Rng::new(0, "numbers", 0);
        let drawn = (0..2000).map(|_| f64::from_bits(rng.next_u64()));
        let sums = (0..2000).scan(0.0, |sum, at| {
            *sum += f64::from(0.7_f32 / (at + 1) as f32);
            Some(*sum)
        });
        let numbers: Vec<f64> = drawn.chain(sums).filter(|number| number.is_finite()).collect();
        Numbers::write(dir.path(), 1, numbers.clone(), &[]).expect("it is written");
        let found = Numbers::newest(dir.path())
            .expect("a folder")
            .expect("it is whole")
            .state;
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&numbers));
        for none in [f64::NAN, f64::INFINITY] {
            let error = Numbers::write(dir.path(), 2, vec![none], &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Stage);
            assert!(
                error.to_string().starts_with("the state after step 2 holds a number"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_newest_two_are_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(newest(dir.path()), None);
        assert_eq!(newest(&dir.path().join("missing")), None);
        for step in [7, 14, 1_000_000_000] {
            write(dir.path(), step);
            assert_eq!(newest(dir.path()), expected(step));
        }
        assert_eq!(steps(dir.path()), [14, 1_000_000_000]);
    }

    /// Every file removed, cut at every length, and with every byte changed.
    #[test]
    fn where_the_newest_is_torn_the_one_before_counts() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in [MODEL, OPTIMIZER, STATE] {
            write(dir.path(), 10);
            write(dir.path(), 20);
            let folder = dir.path().join("000000020");
            let path = folder.join(name);
            let whole = fs::read(&path).expect("a file");
            for at in 0..whole.len() {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                for torn in [&whole[..at], &changed] {
                    fs::write(&path, torn).expect("it is written");
                    assert!(Text::read(&folder).is_none(), "{name} {at}");
                }
            }
            fs::write(&path, &whole).expect("it is written");
            assert_eq!(newest(dir.path()), expected(20), "{name}");
            fs::write(&path, &whole[..whole.len() / 2]).expect("it is written");
            assert_eq!(newest(dir.path()), expected(10), "{name} is cut");
            write(dir.path(), 20);
            fs::remove_file(&path).expect("it is removed");
            assert_eq!(newest(dir.path()), expected(10), "{name} is gone");
        }
    }

    #[test]
    fn what_others_put_there_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("steps");
        write(&folder, 10);
        let theirs = [
            "000000010/notes.txt",
            "000000099/state.json",
            "000000099/model.bpk",
            "000000098/model.bpk",
            "2024/photo",
            "notes.txt",
            ".millstream-notes.tmp",
        ]
        .map(|name| folder.join(name));
        for path in &theirs {
            fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
            fs::write(path, "theirs").expect("it is written");
        }
        [20, 30, 40].into_iter().for_each(|step| write(&folder, step));
        assert_eq!(newest(&folder), expected(40));
        fs::write(folder.join("000000040").join(MODEL), "torn").expect("it is written");
        assert_eq!(
            newest(&folder),
            expected(30),
            "a folder that is no checkpoint does not count"
        );
        let error = Text::write(&folder, 99, String::new(), &[]).expect_err("it is theirs");
        assert_eq!(error.kind(), ErrorKind::Exists);
        remove_all(&folder).expect("they are removed");
        assert_eq!(newest(&folder), None);
        assert!(!folder.join("000000040").exists() && !is_any(&folder));
        assert!(
            theirs
                .iter()
                .all(|path| fs::read(path).is_ok_and(|bytes| bytes == b"theirs"))
        );
        theirs
            .iter()
            .for_each(|path| fs::remove_file(path).expect("it is removed"));
    }

    #[test]
    fn what_follows_a_torn_one_is_kept_beside_the_one_before() {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path(), 10);
        write(dir.path(), 20);
        let left = dir.path().join("000000020").join(".millstream-left01.tmp");
        fs::write(&left, "half").expect("it is written");
        assert_eq!(newest(dir.path()), expected(20));
        assert!(!left.exists(), "a temporary file is left");
        let folder = dir.path().join("000000020");
        fs::remove_file(folder.join(STATE)).expect("it is removed");
        checkpoint_owner::begin(20, &folder, &[]).expect("it is begun");
        assert_eq!(newest(dir.path()), expected(10));
        assert_eq!(steps(dir.path()), [10], "what is torn is removed");
        write(dir.path(), 15);
        assert_eq!(steps(dir.path()), [10, 15]);
    }
}
