//! Which folders of a folder of pictures are splits, and whether the others are classes.

use super::classes::{Pictures, listed};
use crate::error::{Error, Result};
use crate::quote::counted;
use crate::source::endings;
use crate::source::place::Place;
use crate::source::readme::Readme;
use crate::source::split::Split;
use crate::source::splits::Splits;
use std::collections::BTreeSet;

/// What is known of splits.
pub(super) struct FoundSplits {
    /// The split of each picture; none where there are no splits.
    pub(super) of: Option<Vec<Option<Split>>>,
    /// How many folders lead to that of each picture's class.
    pub(super) depths: Vec<Option<usize>>,
    /// The pattern of a `README.md` that does not tell which folders are classes.
    pub(super) unclear: Option<String>,
    pub(super) note: Option<String>,
}

fn known_split(name: &str) -> Option<Split> {
    match Split::named(name) {
        Split::Other(_) => None,
        known => Some(known),
    }
}

impl Pictures<'_> {
    /// The splits: what the folder's `README.md` says, else what the folders directly below do.
    pub(super) fn splits(&self, shown: &str) -> Result<FoundSplits> {
        let names = || {
            let name = |file: &&(usize, String)| [self.parts(file), std::slice::from_ref(&file.1)].concat();
            self.files.iter().map(name).collect::<Vec<_>>()
        };
        if let Some(said) = Readme::of(shown, &self.tree.root)?.said(shown, &names())? {
            let unclear = said.iter().flatten().find(|said| said.depth.is_none());
            return Ok(FoundSplits {
                unclear: unclear.map(|said| said.pattern.clone()),
                depths: said.iter().map(|said| said.as_ref()?.depth).collect(),
                of: Some(said.into_iter().map(|said| Some(said?.split)).collect()),
                note: None,
            });
        }
        let first = |file: &(usize, String)| self.parts(file).first();
        let with: BTreeSet<&String> = self.files.iter().filter_map(|file| first(file)).collect();
        let (named, others): (Vec<&String>, Vec<&String>) =
            with.into_iter().partition(|name| known_split(name).is_some());
        let all = |depth: usize| vec![Some(depth); self.files.len()];
        let classes = |note: Option<String>| FoundSplits {
            of: None,
            depths: all(0),
            unclear: None,
            note,
        };
        if named.is_empty() {
            return Ok(classes(self.like_splits(shown, &others)));
        }
        if others.is_empty() {
            let split = |file: &&(usize, String)| known_split(first(file)?);
            return Ok(FoundSplits {
                of: Some(self.files.iter().map(split).collect()),
                depths: all(1),
                unclear: None,
                note: None,
            });
        }
        let deep = |file: &&(usize, String)| {
            let parts = self.parts(file);
            parts.len() > 1 && named.contains(&&parts[0])
        };
        if self.files.iter().any(deep) {
            let message = format!(
                "it cannot be told whether its folders are splits or classes: {} would be splits, {} would not; name the folder \
                 that is meant, or move the others",
                listed(&named),
                listed(&others)
            );
            return Err(Error::config(message).context(shown));
        }
        Ok(classes(Some(format!(
            "{shown}: {} taken for classes, not for splits, since there are other folders beside them",
            match named.as_slice() {
                [one] => format!("the folder {one} is"),
                several => format!("the folders {} are", listed(several)),
            }
        ))))
    }

    /// What there is to say where the folders `classes` directly below, or folders in them, are called almost as splits are.
    fn like_splits(&self, shown: &str, classes: &[&String]) -> Option<String> {
        let is_like = |name: &&String| known_split(&name.to_lowercase()).is_some();
        let capital: Vec<&String> = classes.iter().copied().filter(is_like).collect();
        if !capital.is_empty() {
            return Some(format!(
                "{shown}: {} taken for classes, since the names of splits are written small: rename what is a split",
                match capital.as_slice() {
                    [one] => format!("the folder {one} is"),
                    several => format!("the folders {} are", listed(several)),
                }
            ));
        }
        let second = self.files.iter().filter_map(|file| self.parts(file).get(1));
        let inner: BTreeSet<&String> = second.collect();
        let inner: Vec<&String> = inner.into_iter().filter(is_like).collect();
        (!inner.is_empty()).then(|| {
            format!(
                "{shown}: its folders are taken for classes, with all pictures in the folders of them that are called like splits ({}): \
                 put the splits above the classes if they are some",
                listed(&inner)
            )
        })
    }
}

/// The splits of the folder at `place`; none where it is no folder.
pub(in crate::source) fn splits_of(place: &Place) -> Result<Splits> {
    let Some(tree) = &place.tree else {
        return Ok(Splits::default());
    };
    let all = endings::pictures();
    let pictures = Pictures::of(tree, Some(&all))?;
    let of = pictures.splits(&place.path)?.of;
    Ok(of.map_or_else(Splits::default, |of| Splits::of_each(&pictures.paths(), of)))
}

/// Whether pictures of each of the folders at `places` lie in folders of classes. Those that lie beside such folders are none of the data.
///
/// # Errors
///
/// `Config` where `classes_are_needed` and more lie beside the folders than in them, which may be no classes then.
pub(in crate::source) fn has_classes(places: &[Place], classes_are_needed: bool) -> Result<bool> {
    let (all, mut have) = (endings::pictures(), true);
    for place in places {
        let Some(tree) = &place.tree else { return Ok(false) };
        let pictures = Pictures::of(tree, Some(&all))?;
        let splits = pictures.splits(&place.path)?;
        // Where a pattern does not tell which folders are classes, there are none.
        let is_clear = splits.unclear.is_none();
        // What a `README.md` does not describe is none of the data.
        let described = pictures
            .files
            .iter()
            .zip(splits.depths)
            .filter_map(|(file, depth)| Some((file, depth?)));
        let (inside, beside): (Vec<_>, Vec<_>) =
            described.partition(|(file, depth)| pictures.parts(file).len() > *depth);
        let are_classes = is_clear && !inside.is_empty() && beside.len() <= inside.len();
        if classes_are_needed && is_clear && !inside.is_empty() && !are_classes {
            let message = format!(
                "it cannot be told whether its folders are classes: there are {} in them, and {} beside them; name the folder that is \
                 meant, or the pictures by a pattern",
                counted(inside.len(), "picture"),
                beside.len(),
            );
            return Err(Error::config(message).context(&*place.path));
        }
        have &= are_classes;
    }
    Ok(have)
}
