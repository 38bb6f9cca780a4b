//! What the trainer has reported: a line an epoch in a file.

use super::rule::FeedbackSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xxhash_rust::xxh3::Xxh3;

/// What the trainer reports of each class after each epoch, from which the shares of a [balance](crate::mix::Balance::feedback) follow.
///
/// The reports are lines of JSON in a file, one an epoch. A cursor has their hash, so that a resume replays them: a report that was changed
/// or lost is an error. A clone is the same feedback; give one to the balance and one to the loader, which makes no batch whose shares are
/// not known yet.
///
/// ```
/// # use arrow::array::{ArrayRef, RecordBatch, StringArray};
/// use millstream::mix::{Feedback, FeedbackSpec, Target};
/// # use millstream::source::Memory;
/// # use millstream::{Context, DatasetExt, Result};
/// # use std::sync::Arc;
///
/// # fn main() -> Result<()> {
/// # let cx = Context::new()?;
/// # let folder = tempfile::tempdir().unwrap();
/// # let label: ArrayRef = Arc::new(StringArray::from_iter_values((0..40).map(|row| if row % 10 == 0 { "dog" } else { "cat" })));
/// # let rows = Memory::new(vec![RecordBatch::try_from_iter([("label", label)])?])?;
/// let feedback = Feedback::open(folder.path().join("feedback.jsonl"))?;
/// let balanced = cx.block_on(rows.balance(&cx, "label", Target::Uniform))?;
/// let balanced = balanced.feedback(&feedback, &FeedbackSpec::default())?;
/// let loader = balanced.loader(&cx).batch_size(20).epochs(3).feedback(&feedback);
/// for batch in loader.clone().blocking()? {
///     let rows = batch?.cursor().position();
///     // .. train ..
///     if rows % 40 == 0 {
///         feedback.report(rows / 40 - 1, &[1.0, 0.5])?; // the recalls of cats and dogs after this epoch
///     }
/// }
/// // Dogs, half of which are missed: 0.55 of 0.6, of 40 rows.
/// assert_eq!(loader.class_prior(2)?.counts(), [3.0, 37.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Feedback(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reports: Vec<Report>,
    /// The rule and the number of classes, once a balance has it.
    rule: Option<(FeedbackSpec, usize)>,
    /// Rows of an epoch.
    rows: Option<u64>,
    /// Reports that shares were worked out from: they may no longer change.
    used: u64,
    /// How often reports were taken back.
    taken_back: u64,
    /// Whether this process has written the file as it is.
    written: bool,
}

#[derive(Clone, Debug)]
struct Report {
    values: Arc<[f64]>,
    /// A hash of all lines up to this one.
    hash: u64,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    epoch: u64,
    values: Vec<Option<f64>>,
}

impl Feedback {
    /// The reports in the file `path`; none where there is no such file yet. A last line that was not written whole is passed over.
    ///
    /// # Errors
    ///
    /// `Io` where it cannot be read; `Data` for a file that has other lines, with the number of the first one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut state = State::default();
        match files::read_small(path) {
            Ok(text) => {
                let lines = text
                    .split_inclusive(|&byte| byte == b'\n')
                    .filter(|line| line.ends_with(b"\n"));
                for line in lines {
                    let at = state.reports.len() as u64;
                    let read: Option<Line> = serde_json::from_slice(line).ok().filter(|line: &Line| line.epoch == at);
                    let line = read.ok_or_else(|| {
                        let message = format!("line {} is not the report of epoch {at}; name another file", at + 1);
                        Error::data(message).context(path.display().to_string())
                    })?;
                    state.add(&line)?;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(path, error)),
        }
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            state: Mutex::new(state),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Epochs that have been reported, from the first on.
    pub fn reports(&self) -> u64 {
        self.lock().reports.len() as u64
    }

    /// What was reported of epoch `epoch`, class by class; NaN for a class without a value.
    pub fn values(&self, epoch: u64) -> Option<Arc<[f64]>> {
        let state = self.lock();
        state
            .reports
            .get(epoch as usize)
            .map(|report| Arc::clone(&report.values))
    }

    /// Reports what epoch `epoch` came to: the recall or the loss of each class, in the order of the balance's [classes](crate::mix::Balance::labels), and NaN for
    /// a class without one. It is written into the file at once. Epochs are reported one after the other, at the latest before the first batch of the second epoch after it is asked for.
    ///
    /// A resumed run reports the epochs again that it trains again. Where several ranks train, each reports the values of all of them together.
    ///
    /// # Errors
    ///
    /// `Config` for an epoch out of turn, another number of values than there are classes, a value out of range, and for other values of an epoch that
    /// shares were worked out from already; `Io` where the file cannot be written.
    pub fn report(&self, epoch: u64, values: &[f64]) -> Result<()> {
        let mut state = self.lock();
        let refused = |why: String| Err(Error::config(format!("feedback of epoch {epoch}: {why}")));
        if let Some((rule, classes)) = &state.rule {
            if values.len() != *classes {
                return refused(format!("{} values for {classes} classes", values.len()));
            }
            let wrong = values
                .iter()
                .enumerate()
                .find_map(|(class, &value)| Some((class, value, rule.mistake(value)?)));
            if let Some((class, value, why)) = wrong {
                return refused(format!("the value of class {class} is {value}, and {why}"));
            }
        }
        let line = Line {
            epoch,
            values: values.iter().map(|value| value.is_finite().then_some(*value)).collect(),
        };
        let known = state.reports.len() as u64;
        match state.reports.get(epoch as usize) {
            Some(report) if same(&report.values, values) => return Ok(()),
            Some(_) if epoch + 1 == known && epoch >= state.used => {
                state.keep(epoch);
                state.add(&line)?;
                return self.rewrite(&mut state);
            }
            Some(_) => return refused("it was reported with other values, which shares followed from".to_owned()),
            None if epoch != known => return refused(format!("the next one to be reported is epoch {known}")),
            None => {}
        }
        if !state.written {
            // A killed run may have left a piece of a line.
            state.add(&line)?;
            return self.rewrite(&mut state);
        }
        let failed = |error| Error::io(&self.0.path, error);
        let mut file = OpenOptions::new().append(true).open(&self.0.path).map_err(failed)?;
        file.write_all(&line.bytes()?).map_err(failed)?;
        state.add(&line)
    }

    /// Writes the file anew.
    fn rewrite(&self, state: &mut State) -> Result<()> {
        let mut text = Vec::new();
        for (epoch, report) in (0..).zip(&state.reports) {
            let values = report
                .values
                .iter()
                .map(|value| value.is_finite().then_some(*value))
                .collect();
            text.extend(Line { epoch, values }.bytes()?);
        }
        files::write_bytes(&self.0.path, &text)?;
        state.written = true;
        Ok(())
    }

    /// Says which rule and classes the values are for, in epochs of `rows` rows.
    pub(in crate::mix) fn serve(&self, rule: &FeedbackSpec, classes: usize, rows: u64) -> Result<()> {
        let mut state = self.lock();
        let path = self.0.path.display().to_string();
        if state
            .rule
            .as_ref()
            .is_some_and(|(other, of)| other != rule || *of != classes)
        {
            return Err(Error::config("this feedback serves another balance: open one for each").context(path));
        }
        for (epoch, report) in state.reports.iter().enumerate() {
            let wrong = report.values.iter().any(|value| rule.mistake(*value).is_some());
            if report.values.len() != classes || wrong {
                let message = format!("the report of epoch {epoch} is not one of {classes} classes: name another file");
                return Err(Error::config(message).context(path));
            }
        }
        (state.rule, state.rows) = (Some((rule.clone(), classes)), Some(rows));
        Ok(())
    }

    /// Whether the shares of epoch `epoch` are known.
    pub(crate) fn knows(&self, epoch: u64) -> bool {
        epoch < self.reports() + 2
    }

    /// How often reports were taken back: shares that followed from them are to be worked out anew.
    pub(in crate::mix) fn taken_back(&self) -> u64 {
        self.lock().taken_back
    }

    /// What was reported of `epoch`, which shares now follow from.
    pub(in crate::mix) fn used(&self, epoch: u64) -> Option<Arc<[f64]>> {
        let mut state = self.lock();
        let values = state
            .reports
            .get(epoch as usize)
            .map(|report| Arc::clone(&report.values))?;
        state.used = state.used.max(epoch + 1);
        Some(values)
    }

    /// The error of an epoch whose shares are not known.
    pub(crate) fn unknown(&self, epoch: u64) -> Error {
        let (known, needed) = (self.reports(), epoch - 2);
        Error::config(format!(
            "the shares of epoch {epoch} follow from the report of epoch {needed}, and {known} of {} are there: call \
             `Feedback::report` after each epoch",
            needed + 1
        ))
        .context(self.0.path.display().to_string())
    }

    /// What a cursor at `position` keeps of the reports: how many decided the rows before it, and their hash.
    pub(crate) fn mark(&self, position: u64) -> String {
        let state = self.lock();
        let epoch = state.rows.map_or(0, |rows| position / rows.max(1));
        let count = epoch.saturating_sub(1).min(state.reports.len() as u64);
        format!("{count}:{:016x}", state.hash(count))
    }

    /// Goes back to where a run that goes on at `position` was: takes out the reports of epochs that are trained again, after the others have been
    /// compared with the cursor's `mark`.
    pub(crate) fn resume(&self, position: u64, mark: Option<&str>) -> Result<()> {
        let mut state = self.lock();
        let refused = |why: String| Err(Error::new(ErrorKind::Resume, why).context(self.0.path.display().to_string()));
        let parts = mark.and_then(|mark| mark.split_once(':'));
        let parsed =
            parts.and_then(|(count, hash)| Some((count.parse::<u64>().ok()?, u64::from_str_radix(hash, 16).ok()?)));
        let Some((count, hash)) = parsed else {
            return match (mark, position) {
                (None, 0) => self.go_back(&mut state, 0),
                (None, _) => refused("the cursor is that of a run without feedback".to_owned()),
                (Some(mark), _) => refused(format!(
                    "the cursor's note of the reports is {mark:?}, which nobody wrote"
                )),
            };
        };
        let known = state.reports.len() as u64;
        if known < count {
            return refused(format!(
                "the run so far followed {count} reports, and {known} are there: bring the file back, or start anew"
            ));
        }
        if state.hash(count) != hash {
            return refused(format!(
                "the first {count} reports are not those that the run followed: bring the file back, or start anew"
            ));
        }
        let epoch = state.rows.map_or(0, |rows| position / rows.max(1));
        self.go_back(&mut state, epoch.max(count))
    }

    /// Keeps the first `count` reports.
    fn go_back(&self, state: &mut State, count: u64) -> Result<()> {
        if state.reports.len() as u64 > count {
            state.keep(count);
            self.rewrite(state)?;
        }
        Ok(())
    }
}

impl State {
    fn add(&mut self, line: &Line) -> Result<()> {
        let mut hasher = Xxh3::new();
        hasher.update(&self.hash(self.reports.len() as u64).to_le_bytes());
        hasher.update(&line.bytes()?);
        self.reports.push(Report {
            values: line.values.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            hash: hasher.digest(),
        });
        Ok(())
    }

    fn keep(&mut self, count: u64) {
        self.reports.truncate(count as usize);
        self.used = self.used.min(count);
        self.taken_back += 1;
    }

    /// A hash of the first `count` lines.
    fn hash(&self, count: u64) -> u64 {
        let last = count.checked_sub(1).and_then(|last| self.reports.get(last as usize));
        last.map_or(0, |report| report.hash)
    }
}

impl Line {
    fn bytes(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self).map_err(|error| Error::data(error.to_string()))?;
        text.push(b'\n');
        Ok(text)
    }
}

/// Whether all values are the same, NaN among them.
fn same(a: &[f64], b: &[f64]) -> bool {
    let equal = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && !b.is_finite());
    a.len() == b.len() && a.iter().zip(b).all(equal)
}
