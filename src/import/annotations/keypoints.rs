//! The keypoints of the objects of all splits: the same ones, in one order.

use super::mirror_names::pairs;
use super::read::Annotated;
use crate::error::{Error, Result};
use crate::quote::{counted, quoted};
use crate::rows::KeypointNames;

/// Keypoints by name, of several kinds of objects.
#[derive(Debug, Default)]
pub(super) struct NamedPoints {
    names: Vec<String>,
    skeleton: Vec<[usize; 2]>,
}

impl NamedPoints {
    /// Adds those of `names` that are not among them yet, and the lines between them; the place of each.
    pub(super) fn add(&mut self, names: &[String], skeleton: &[[usize; 2]]) -> Vec<usize> {
        let place = |name: &String| {
            let known = self.names.iter().position(|own| own == name);
            known.unwrap_or_else(|| {
                self.names.push(name.clone());
                self.names.len() - 1
            })
        };
        let places: Vec<usize> = names.iter().map(place).collect();
        for line in skeleton {
            let line = line.map(|end| places.get(end).copied().unwrap_or_default());
            if !self.skeleton.contains(&line) {
                self.skeleton.push(line);
            }
        }
        places
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// x, y and visibility of all points, of those at `places`: the others are not labelled.
    pub(super) fn placed(&self, numbers: &[f32], places: &[usize]) -> Vec<f32> {
        let mut all = vec![[0.0; 3]; self.len()];
        for (point, &place) in numbers.as_chunks::<3>().0.iter().zip(places) {
            all[place] = *point;
        }
        all.into_flattened()
    }

    /// They, with the pairs that their names tell.
    pub(super) fn finish(self) -> KeypointNames {
        let (mirror_pairs, _) = pairs(&self.names);
        KeypointNames {
            names: self.names,
            skeleton: self.skeleton,
            mirror_pairs,
        }
    }
}

/// Gives the objects of all splits the same keypoints, and says what they are; none where nothing is known of them, or no object has any.
///
/// # Errors
///
/// `Data` where objects of one split have keypoints without names, and those of another one names.
pub(super) fn united(read: &mut [Annotated]) -> Result<Option<KeypointNames>> {
    let has_points = |split: &Annotated| {
        let mut objects = split.pictures.iter().flat_map(|picture| &picture.objects);
        objects.any(|object| !object.keypoints.is_empty())
    };
    let Some(first) = read.iter().find_map(|split| split.keypoints.clone()) else {
        same_number(read);
        return Ok(None);
    };
    if !read.iter().any(has_points) {
        return Ok(None);
    }
    let unnamed = read.iter().find(|split| split.keypoints.is_none() && has_points(split));
    if let Some(unnamed) = unnamed {
        let message = format!(
            "objects of the split {} have keypoints, and its categories name none (`keypoints`), as those of other splits do: name them alike",
            unnamed.split
        );
        return Err(Error::data(message).context(unnamed.shown.as_str()));
    }
    let mut said = first;
    let known = || read.iter().filter_map(|split| split.keypoints.as_ref());
    if known().any(|own| *own != said) {
        let mut all = NamedPoints::default();
        let places: Vec<Vec<usize>> = (read.iter())
            .map(|split| {
                split
                    .keypoints
                    .as_ref()
                    .map_or_else(Vec::new, |own| all.add(&own.names, &own.skeleton))
            })
            .collect();
        for (split, places) in read.iter_mut().zip(places) {
            let objects = split.pictures.iter_mut().flat_map(|picture| &mut picture.objects);
            for object in objects.filter(|object| !object.keypoints.is_empty()) {
                object.keypoints = all.placed(&object.keypoints, &places);
            }
        }
        said = all.finish();
    }
    if let Some(last) = read.last_mut() {
        last.notes.push(in_words(&said));
    }
    Ok(Some(said))
}

/// What keypoints there are, and which of them change places in a mirror.
fn in_words(said: &KeypointNames) -> String {
    let (_, alone) = pairs(&said.names);
    let mirrored = match said.pairs_in_words() {
        Some(pairs) => format!("where a picture is mirrored, {pairs} change places"),
        None => "none is known as left or right of another, so that none change places where a picture is mirrored"
            .to_owned(),
    };
    let is_paired = |name: &str| {
        said.mirror_pairs
            .iter()
            .flatten()
            .any(|&at| said.names.get(at).is_some_and(|own| own == name))
    };
    let alone = match alone.into_iter().find(|name| !is_paired(name)) {
        Some(first) => format!("; {} has no other side", quoted(first)),
        None => String::new(),
    };
    let named = match said.names.len() {
        0 => "keypoints have no names".to_owned(),
        many => format!("objects have {} with names", counted(many as u64, "keypoint")),
    };
    format!("{named}; {mirrored}{alone}")
}

/// Leaves out the keypoints of a split whose objects have another number of them than those of the splits before it, and says so.
fn same_number(read: &mut [Annotated]) {
    let mut numbers = None;
    for split in read {
        let objects = split.pictures.iter_mut().flat_map(|picture| &mut picture.objects);
        let other: Vec<_> = objects
            .filter(|object| !object.keypoints.is_empty())
            .filter(|object| *numbers.get_or_insert(object.keypoints.len()) != object.keypoints.len())
            .collect();
        if !other.is_empty() {
            split.notes.push(format!(
                "{}: the keypoints of {} are left out, and the boxes are kept: objects of another split have another number of them",
                split.shown,
                counted(other.len() as u64, "annotation")
            ));
        }
        other.into_iter().for_each(|object| object.keypoints.clear());
    }
}
