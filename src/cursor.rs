//! Where a run is: one integer, its totals, and enough about the pipeline to refuse another one.

mod spelled_out;

use crate::error::{Error, Result};
use crate::plan::Plan;
use serde::{Deserialize, Serialize};
use spelled_out::{difference, spelled_out};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// A place in a run, under 1 kB of readable JSON: the rows delivered so far (not steps, so the batch size may change).
///
/// It prints as JSON and parses from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    position: u64,
    seed: u64,
    replaced: u64,
    /// Positions that were left out, ascending.
    skipped: Arc<[Range<u64>]>,
    fingerprint: Arc<str>,
    settings: Arc<[String]>,
    /// Which reports of the trainer decided the rows so far.
    feedback: Option<Arc<str>>,
}

/// What is written.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    position: u64,
    seed: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    replaced: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<[u64; 2]>,
    fingerprint: Arc<str>,
    settings: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feedback: Option<Arc<str>>,
    #[serde(default)]
    checksum: String,
}

impl Cursor {
    const VERSION: u32 = 2;
    /// Ranges that a run may skip: all are spelled out.
    const RANGES: usize = 4;

    /// The first place of a run.
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            position: 0,
            seed,
            replaced: 0,
            skipped: Arc::default(),
            fingerprint: plan.fingerprint().into(),
            settings: spelled_out(&plan.row_settings()).into(),
            feedback: None,
        }
    }

    /// The same place with a note of the reports that decided the rows before it.
    pub(crate) fn with_feedback(self, mark: String) -> Self {
        Self {
            feedback: Some(mark.into()),
            ..self
        }
    }

    /// Which reports of the trainer decided the rows so far.
    pub(crate) fn feedback(&self) -> Option<&str> {
        self.feedback.as_deref()
    }

    /// The place after a batch that ends at `position` and in which `replaced` rows are others than planned.
    pub(crate) fn after(&self, position: u64, replaced: u64) -> Self {
        Self {
            position,
            replaced: self.replaced.saturating_add(replaced),
            ..self.clone()
        }
    }

    /// The place `position`, what lies between left out.
    pub(crate) fn skipped_to(&self, position: u64) -> Result<Self> {
        if position == self.position {
            return Ok(self.clone());
        }
        let mut ranges = self.skipped.to_vec();
        match ranges.last_mut().filter(|last| last.end == self.position) {
            Some(last) => last.end = position,
            None => ranges.push(self.position..position),
        }
        if ranges.len() > Self::RANGES {
            let most = Self::RANGES;
            return Err(Error::config(format!(
                "skip: a run can leave out {most} ranges of batches, not more"
            )));
        }
        Ok(Self {
            position,
            skipped: ranges.into(),
            ..self.clone()
        })
    }

    /// Ranges of positions that were left out, ascending.
    pub fn skipped(&self) -> &[Range<u64>] {
        &self.skipped
    }

    pub(crate) fn has_skipped(&self, position: u64) -> bool {
        self.skipped.iter().any(|range| range.contains(&position))
    }

    /// Rows that were replaced so far, because they could not be made.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Rows of the run that come before it.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Refuses a pipeline or a seed that is not the cursor's own.
    pub(crate) fn check(&self, plan: &Plan, seed: u64) -> Result<()> {
        if *plan.fingerprint() != *self.fingerprint {
            let differs = difference(&self.settings, &plan.row_settings());
            return Err(Error::resume(format!(
                "the cursor belongs to another pipeline: {differs}"
            )));
        }
        if self.seed != seed {
            return Err(Error::resume(format!("the seed was {}, is {seed}", self.seed)));
        }
        Ok(())
    }

    fn written(&self) -> Written {
        let mut written = Written {
            version: Self::VERSION,
            position: self.position,
            seed: self.seed,
            replaced: self.replaced,
            skipped: self.skipped.iter().map(|range| [range.start, range.end]).collect(),
            fingerprint: Arc::clone(&self.fingerprint),
            settings: self.settings.to_vec(),
            feedback: self.feedback.clone(),
            checksum: String::new(),
        };
        written.checksum = written.hash();
        written
    }
}

impl Written {
    fn hash(&self) -> String {
        let all = (
            self.version,
            self.position,
            self.seed,
            self.replaced,
            &self.skipped,
            &self.fingerprint,
            &self.settings,
        );
        let feedback = self.feedback.as_ref().map_or(String::new(), |mark| format!(" {mark}"));
        format!("{:016x}", xxh3_64(format!("{all:?}{feedback}").as_bytes()))
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.written()).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let written: Written =
            serde_json::from_str(text).map_err(|e| Error::resume(format!("this is no cursor: {e}")))?;
        if written.version != Self::VERSION {
            return Err(Error::resume(format!(
                "the cursor has version {}, this program reads version {}",
                written.version,
                Self::VERSION
            )));
        }
        if written.checksum != written.hash() {
            return Err(Error::resume("the cursor is damaged: its checksum does not match"));
        }
        Ok(Self {
            position: written.position,
            seed: written.seed,
            replaced: written.replaced,
            skipped: written.skipped.iter().map(|[start, end]| *start..*end).collect(),
            fingerprint: written.fingerprint,
            settings: written.settings.into(),
            feedback: written.feedback,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cursor_has_no_room_for_is_told_by_its_node() {
        let plan = |last: u64, source: u64| {
            let params = (0..40).map(|at| (format!("parameter_{at}"), if at < 39 { at } else { last }));
            let long = params.fold(Plan::new("long"), |plan, (key, value)| plan.param(key, value));
            long.input(Plan::new("numbers").param("rows", source))
        };
        let cursor = Cursor::new(&plan(39, 100), 0);
        assert!(cursor.to_string().len() < 1024, "{cursor}");
        let refused = |plan: &Plan| cursor.check(plan, 0).expect_err("it is another one").to_string();
        let start = "the cursor belongs to another pipeline: ";
        assert!(cursor.check(&plan(39, 100), 0).is_ok());
        let error = refused(&plan(40, 100));
        assert_eq!(
            error,
            format!("{start}long: a setting differs that the cursor has no room for")
        );
        // What differs in the data comes first.
        let error = refused(&plan(40, 99));
        assert!(
            error.starts_with(&format!("{start}numbers.rows was 100, is 99; long: ")),
            "{error}"
        );
        // Once, also where the node is there twice.
        let twice = |source| Plan::new("two").input(plan(39, source)).input(plan(39, source));
        let refused = Cursor::new(&twice(100), 0)
            .check(&twice(99), 0)
            .expect_err("it is another one");
        let said = refused.to_string();
        assert_eq!(said.matches("numbers.rows was 100, is 99").count(), 1, "{said}");
        let refused = |plan: &Plan| cursor.check(plan, 0).expect_err("it is another one").to_string();
        let error = refused(&Plan::new("top").input(plan(39, 100)));
        assert_eq!(error, format!("{start}top is new"));
        // What is empty is said, too.
        let masks = |masks: &str| Plan::new("image").param("masks", masks);
        for (was, is, said) in [("mask", "", "was mask, is none"), ("", "mask", "was none, is mask")] {
            let refused = Cursor::new(&masks(was), 0).check(&masks(is), 0);
            let said = format!("{start}image.masks {said}");
            assert_eq!(refused.expect_err("it is another one").to_string(), said);
        }
    }
}
