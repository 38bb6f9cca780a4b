//! As much of a plan as a cursor has room for, and what differs from it.

use crate::plan::NodeSettings;
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of settings that are spelled out; what is over is in the fingerprint alone.
const ROOM: usize = 600;
const LONGEST: usize = 64;
/// Stands for the settings that are not spelled out.
const MORE: &str = "...";
/// Stands for the nodes that are not named.
const MORE_NODES: &str = "... and more nodes";

/// A long value is cut, with a hash in place of the rest.
fn shortened(setting: &str) -> String {
    if setting.len() <= LONGEST {
        return setting.to_owned();
    }
    let head: String = setting.chars().take(LONGEST - 20).collect();
    format!("{head}~{:016x}", xxh3_64(setting.as_bytes()))
}

/// The nodes and settings that a cursor has room for: all of them; where that is too much, each node with a hash of all that is
/// hashed of it (`image~3f2a99c1`), and those settings first that say which data it is, then those that differ from their default.
pub(super) fn spelled_out(nodes: &[NodeSettings]) -> Vec<String> {
    let all = |text: &dyn Fn(&str) -> String| -> Vec<String> {
        let of = |node: &NodeSettings| {
            let settings = node.settings.iter().map(|(setting, _)| text(setting));
            std::iter::once(node.name.clone()).chain(settings).collect::<Vec<_>>()
        };
        nodes.iter().flat_map(of).collect()
    };
    let fits = |lines: &Vec<String>| lines.iter().map(|line| room_of(line)).sum::<usize>() <= ROOM;
    let whole = [all(&str::to_owned), all(&shortened)].into_iter().find(fits);
    if let Some(whole) = whole {
        return whole;
    }
    let mut left = ROOM - room_of(MORE) - room_of(MORE_NODES);
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
    lines.extend((!all_named).then(|| MORE_NODES.to_owned()));
    lines.push(MORE.to_owned());
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
            if [MORE, MORE_NODES].contains(&line) {
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
        // An empty list, say, is written as nothing.
        let value = |setting: &str| match setting.split_once('=') {
            Some((_, value)) if !value.is_empty() => value.to_owned(),
            _ => "none".to_owned(),
        };
        let mut out = Vec::new();
        for old in &self.settings {
            match now.settings.iter().find(|(new, _)| key(new) == key(old)) {
                Some((new, _)) if old == new || **old == shortened(new) => {}
                Some((new, _)) => out.push(format!("{} was {}, is {}", key(old), value(old), value(new))),
                None => out.push(format!("{} is gone", old.trim_end_matches('='))),
            }
        }
        if is_all {
            let known = |new: &str| self.settings.iter().any(|old| key(old) == key(new));
            let new = now.settings.iter().filter(|(new, _)| !known(new));
            out.extend(new.map(|(new, _)| format!("{} is new", new.trim_end_matches('='))));
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
pub(super) fn difference(was: &[String], nodes: &[NodeSettings]) -> String {
    let has = |line: &str| was.iter().any(|old| old == line);
    let (is_all, is_all_nodes) = (!has(MORE), !has(MORE_NODES));
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
    // A node that the pipeline has twice, as rows and as what a generator was fitted on, differs once.
    let mut said = HashSet::new();
    out.retain(|(_, differs)| said.insert(differs.clone()));
    match out.is_empty() {
        true => "something beyond what a cursor spells out differs".to_owned(),
        false => out
            .into_iter()
            .map(|(_, differs)| differs)
            .collect::<Vec<_>>()
            .join("; "),
    }
}
