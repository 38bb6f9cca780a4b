//! Where a run is: one integer, its totals, and enough about the pipeline to refuse another one.

use crate::error::{Error, Result};
use crate::plan::{NodeSettings, Plan};
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
    const LONGEST: usize = 64;
    /// Stands for the settings that are not spelled out.
    const MORE: &str = "...";
    /// Stands for the nodes that are not named.
    const MORE_NODES: &str = "... and more nodes";
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

/// The nodes and settings that a cursor has room for: all of them; where that is too much, each node with a hash of all that is
/// hashed of it (`image~3f2a99c1`), and those settings first that say which data it is, then those that differ from their default.
fn spelled_out(nodes: &[NodeSettings]) -> Vec<String> {
    let all = |text: &dyn Fn(&str) -> String| -> Vec<String> {
        let of = |node: &NodeSettings| {
            let settings = node.settings.iter().map(|(setting, _)| text(setting));
            std::iter::once(node.name.clone()).chain(settings).collect::<Vec<_>>()
        };
        nodes.iter().flat_map(of).collect()
    };
    let fits = |lines: &Vec<String>| lines.iter().map(|line| room_of(line)).sum::<usize>() <= Cursor::ROOM;
    let whole = [all(&str::to_owned), all(&shortened)].into_iter().find(fits);
    if let Some(whole) = whole {
        return whole;
    }
    let mut left = Cursor::ROOM - room_of(Cursor::MORE) - room_of(Cursor::MORE_NODES);
    let mut take = |line: &str| match left.checked_sub(room_of(line)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let named = nodes.iter().map(|node| format!("{}~{:08x}", node.name, node.hash));
    let named: Vec<String> = named.take_while(|name| take(name)).collect();
    let settings = nodes.iter().enumerate().take(named.len());
    let mut settings: Vec<_> = settings
        .flat_map(|(at, node)| node.settings.iter().map(move |setting| (at, node.is_source, setting)))
        .enumerate()
        .collect();
    settings.sort_by_key(|(_, (_, is_source, (_, is_changed)))| (!is_changed, !is_source));
    let mut kept: Vec<_> = settings
        .into_iter()
        .map(|(order, (at, _, (setting, _)))| (order, at, shortened(setting)))
        .filter(|(_, _, setting)| take(setting))
        .collect();
    kept.sort_unstable();
    let all_named = named.len() == nodes.len();
    let mut lines = Vec::new();
    for (at, name) in named.into_iter().enumerate() {
        lines.push(name);
        let own = kept.iter().filter(|(_, of, _)| *of == at);
        lines.extend(own.map(|(_, _, setting)| setting.clone()));
    }
    lines.extend((!all_named).then(|| Cursor::MORE_NODES.to_owned()));
    lines.push(Cursor::MORE.to_owned());
    lines
}

/// Bytes of `line` with its quotes, its comma and a byte for what is escaped in it.
fn room_of(line: &str) -> usize {
    line.len() + 4
}

/// A node as a cursor spells it out.
struct SpelledOut<'a> {
    name: &'a str,
    /// Hash of all that is hashed of it, where not all is spelled out.
    hash: Option<u32>,
    settings: Vec<&'a str>,
}

impl<'a> SpelledOut<'a> {
    fn read(lines: &'a [String]) -> Vec<Self> {
        let mut nodes: Vec<Self> = Vec::new();
        for line in lines.iter().map(String::as_str) {
            if [Cursor::MORE, Cursor::MORE_NODES].contains(&line) {
                continue;
            }
            match nodes.last_mut() {
                Some(node) if line.contains('=') => node.settings.push(line),
                _ => {
                    let hash = |hex: &str| u32::from_str_radix(hex, 16).ok();
                    let hashed = line.rsplit_once('~').and_then(|(name, hex)| Some((name, hash(hex)?)));
                    nodes.push(Self {
                        name: hashed.map_or(line, |(name, _)| name),
                        hash: hashed.map(|(_, hash)| hash),
                        settings: Vec::new(),
                    });
                }
            }
        }
        nodes
    }

    /// What differs in the node `now`, in words.
    fn difference(&self, now: &NodeSettings, is_all: bool) -> Vec<String> {
        let key = |setting: &str| setting.split('=').next().unwrap_or_default().to_owned();
        let value = |setting: &str| setting.split_once('=').map_or("", |(_, value)| value).to_owned();
        let mut out = Vec::new();
        for old in &self.settings {
            match now.settings.iter().find(|(new, _)| key(new) == key(old)) {
                Some((new, _)) if old == new || **old == shortened(new) => {}
                Some((new, _)) => out.push(format!("{} was {}, is {}", key(old), value(old), value(new))),
                None => out.push(format!("{old} is gone")),
            }
        }
        if is_all {
            let known = |new: &str| self.settings.iter().any(|old| key(old) == key(new));
            let new = now.settings.iter().filter(|(new, _)| !known(new));
            out.extend(new.map(|(new, _)| format!("{new} is new")));
        }
        if out.is_empty() && self.hash.is_some_and(|hash| hash != now.hash) {
            out.push(format!(
                "{}: a setting differs that the cursor has no room for",
                self.name
            ));
        }
        out
    }
}

/// What differs between what a cursor spells out and the nodes now, in words: `shuffle.window was 8, is 16`. What differs in the
/// data comes first.
fn difference(was: &[String], nodes: &[NodeSettings]) -> String {
    let has = |line: &str| was.iter().any(|old| old == line);
    let (is_all, is_all_nodes) = (!has(Cursor::MORE), !has(Cursor::MORE_NODES));
    let mut left: Vec<&NodeSettings> = nodes.iter().collect();
    let mut out = Vec::new();
    for old in SpelledOut::read(was) {
        // Of several nodes of one name the first is the first.
        match left.iter().position(|node| node.name == old.name) {
            Some(at) => {
                let now = left.remove(at);
                let differs = old.difference(now, is_all).into_iter();
                out.extend(differs.map(|differs| (now.is_source, differs)));
            }
            None => out.push((false, format!("{} is gone", old.name))),
        }
    }
    if is_all_nodes {
        out.extend(left.iter().map(|node| (false, format!("{} is new", node.name))));
    }
    out.sort_by_key(|(is_source, _)| !is_source);
    match out.is_empty() {
        true => "something beyond what a cursor spells out differs".to_owned(),
        false => out
            .into_iter()
            .map(|(_, differs)| differs)
            .collect::<Vec<_>>()
            .join("; "),
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
        let error = refused(&Plan::new("top").input(plan(39, 100)));
        assert_eq!(error, format!("{start}top is new"));
    }
}
