//! Where a run is: one integer, its totals, and enough about the pipeline to refuse another one.

use crate::error::{Error, Result};
use crate::plan::Plan;
use serde::{Deserialize, Serialize};
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
    #[serde(default)]
    checksum: String,
}

impl Cursor {
    const VERSION: u32 = 2;
    /// Bytes of settings that are spelled out; what is over is in the fingerprint alone.
    const ROOM: usize = 600;
    const LONGEST: usize = 48;
    /// Stands for the settings that are not spelled out.
    const MORE: &str = "...";
    /// Ranges that a run may skip: all are spelled out.
    const RANGES: usize = 4;

    /// The first place of a run.
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
        let (mut kept, mut used) = (Vec::new(), 0);
        for setting in plan.row_settings().iter().map(|setting| shortened(setting)) {
            used += setting.len() + 4;
            if used > Self::ROOM {
                kept.push(Self::MORE.to_owned());
                break;
            }
            kept.push(setting);
        }
        Self {
            position: 0,
            seed,
            replaced: 0,
            skipped: Arc::default(),
            fingerprint: plan.fingerprint().into(),
            settings: kept.into(),
        }
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
            let settings: Vec<_> = plan.row_settings().iter().map(|setting| shortened(setting)).collect();
            let differs = difference(&self.settings, &settings);
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
        format!("{:016x}", xxh3_64(format!("{all:?}").as_bytes()))
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// A long value is cut, with a hash in place of the rest.
fn shortened(setting: &str) -> String {
    if setting.len() <= Cursor::LONGEST {
        return setting.to_owned();
    }
    let head: String = setting.chars().take(Cursor::LONGEST - 20).collect();
    format!("{head}~{:016x}", xxh3_64(setting.as_bytes()))
}

/// What differs between the settings that a cursor spells out and all settings now, in words: `shuffle.window was 8, is 16`.
fn difference(was: &[String], is: &[String]) -> String {
    let key = |setting: &String| setting.split('=').next().unwrap_or_default().to_owned();
    let value = |setting: &String| {
        setting
            .split_once('=')
            .map_or(String::new(), |(_, value)| value.to_owned())
    };
    let mut out = Vec::new();
    let all = !was.iter().any(|old| old == Cursor::MORE);
    for old in was.iter().filter(|old| *old != Cursor::MORE && !is.contains(old)) {
        match is.iter().find(|new| key(new) == key(old) && !was.contains(new)) {
            Some(new) => out.push(format!("{} was {}, is {}", key(old), value(old), value(new))),
            None => out.push(format!("{old} is gone")),
        }
    }
    let known = |new: &String| was.iter().any(|old| key(old) == key(new));
    let new = is.iter().filter(|new| all && !known(new));
    out.extend(new.map(|new| format!("{new} is new")));
    if out.is_empty() {
        "something beyond what a cursor spells out differs".to_owned()
    } else {
        out.join("; ")
    }
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
        })
    }
}
